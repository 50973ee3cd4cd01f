"""YAML text to plain dicts, lists and strings; refuses what could surprise: doubled keys, anchors, tags, bulk, depth.

Every scalar stays text: `no`, `010` and `2026-01-01` mean what they look like. Knows nothing about workflows.
"""

from collections.abc import Hashable
from typing import Any, Final

import yaml

Problem = tuple[str, str]

BYTES: Final = 256 * 1024
_DEPTH: Final = 20


def parse(text: str) -> tuple[Any, list[Problem]]:
    """The document in `text` and all doubled keys in it; the document is None when it cannot be read at all."""
    if len(text.encode(errors="surrogatepass")) > BYTES:
        return None, [("file", f"is larger than {BYTES // 1024} kB")]
    try:
        loader = _Loader(text)
        document = loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        return None, [(_line(error.problem_mark), error.problem or "is not YAML")]
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return None, [(f"line {line}", "holds a character that YAML does not allow")]
    return document, loader.doubled


def _line(mark: yaml.Mark | None) -> str:
    return f"line {mark.line + 1}" if mark else "file"


class _Loader(yaml.BaseLoader):
    """PyYAML keeps the last of two equal keys and follows anchors without end; this one does neither."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.doubled: list[Problem] = []
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs say nothing of it
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise yaml.composer.ComposerError(None, None, "anchors and aliases are not allowed", event.start_mark)
        if event.tag is not None:
            raise yaml.composer.ComposerError(None, None, "tags are not allowed", event.start_mark)
        if self._depth >= _DEPTH:
            raise yaml.composer.ComposerError(None, None, "is nested too deep", event.start_mark)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a word", key.start_mark)
            if key.value in lines:
                reason = f"{key.value!r} is doubled: it stands on line {lines[key.value]} too"
                self.doubled.append((f"line {line}", reason))
            lines[key.value] = line
        return super().construct_mapping(node, deep)
