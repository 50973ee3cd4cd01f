"""The ways to a `Definition`: a file, a text, a folder of files, the content of a stored row. All are checked alike.

The only room of this package that reads files; it writes none.
"""

from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cfm_workflow.workflow import rules, source
from cfm_workflow.workflow.definition import Definition
from cfm_workflow.workflow.errors import WorkflowError
from cfm_workflow.workflow.reading import Reader


def load_file(path: Path) -> Definition:
    """The workflow in a YAML file.

    Raises: `WorkflowError` with every problem found; `OSError` when the file cannot be read.
    """
    with path.open("rb") as file:
        raw = file.read(source.BYTES + 1)
    try:
        text = raw.decode("utf-8-sig") if len(raw) <= source.BYTES else " " * len(raw)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise WorkflowError(str(path), [(f"line {line}", "is not UTF-8")]) from None
    return load_text(text, str(path))


@lru_cache(maxsize=32)
def load_text(text: str, file_name: str) -> Definition:
    """The workflow in a YAML text; `file_name` is what problems are told of. Raises: `WorkflowError`.

    What it returns never changes and is kept: reading YAML takes longer than all the rest of a start.
    """
    document, problems = source.parse(text)
    if document is None:
        raise WorkflowError(file_name, problems or [("file", "is empty")])
    return _checked(document, file_name, problems)


def load_folder(path: Path) -> list[Definition]:
    """The workflows in all `*.yaml` files of a folder, by key.

    Raises: `WorkflowError` for the first file that is wrong, or for two files with one key.
    """
    found: dict[str, tuple[Definition, Path]] = {}
    for file in sorted(path.glob("*.yaml")):
        definition = load_file(file)
        if definition.key in found:
            _, other = found[definition.key]
            raise WorkflowError(str(file), [("key", f"{definition.key} is doubled: {other} has it too")])
        found[definition.key] = definition, file
    return [found[key][0] for key in sorted(found)]


def from_content(content: dict[str, Any], where: str) -> Definition:
    """The workflow whose `content()` was stored; `where` names the row in problems. Raises: `WorkflowError`."""
    return _checked(content, where, [])


def _checked(document: Any, where: str, problems: list[source.Problem]) -> Definition:
    reader = Reader()
    draft = reader.draft(document)
    problems = [*problems, *reader.problems]
    problems += rules.broken(draft, readable=not problems)
    if problems:
        raise WorkflowError(where, problems)
    return Definition(
        key=draft.key,
        name=draft.name,
        initial=draft.initial,
        self_assigned=draft.self_assigned,
        states=MappingProxyType(draft.states),
        transitions=MappingProxyType(draft.transitions),
    )
