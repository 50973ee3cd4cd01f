"""A workflow that breaks a rule is refused, naming file, place and reason; one that keeps all comes back unchanged."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from cfm_workflow.workflow import WorkflowError, from_content, load_file, load_folder, load_text

from .work import CALLBACK, FOLDER, STANDARD


def label(text: str) -> dict[str, str]:
    return {"en": text, "ko": text}


SMALL: dict[str, Any] = {
    "key": "small",
    "name": label("Small"),
    "initial": "new",
    "self_assigned": "take",
    "states": {
        "new": {"category": "open", "label": label("New")},
        "doing": {"category": "active", "label": label("Doing"), "milestone": "started"},
        "paused": {"category": "waiting", "label": label("Paused")},
        "over": {"category": "done", "label": label("Over")},
    },
    "transitions": {
        "take": {"from": ["new"], "to": "doing", "who": ["assignee"], "event": "action.taken", "label": label("Take")},
        "pause": {
            "from": ["doing"], "to": "paused", "who": ["assignee"], "requires": ["until"], "optional": ["reason"],
            "event": "action.paused", "label": label("Pause"),
        },
        "go_on": {
            "from": ["paused"], "to": "previous", "who": ["system"],
            "event": "action.resumed", "label": label("Go on"),
        },
        "pass_on": {
            "from": ["doing"], "to": "new", "who": ["assignee", "lead"], "requires": ["assignee"],
            "limits": {"assignee": "same_team"}, "event": "action.passed_on", "label": label("Pass on"),
        },
        "finish": {
            "from": ["doing"], "to": "over", "who": ["assignee"], "event": "action.finished", "label": label("Finish"),
        },
        "undo": {
            "from": ["over"], "to": "before", "who": ["doer"], "within": "PT10M",
            "event": "action.undone", "label": label("Undo"),
        },
    },
}  # fmt: skip

GONE = object()


def changed(*changes: tuple[str, Any]) -> str:
    """The small workflow as YAML, with the value at each dotted place replaced or taken away."""
    document = copy.deepcopy(SMALL)
    for place, value in changes:
        *way, last = place.split(".")
        inner = document
        for step in way:
            inner = inner[step]
        if value is GONE:
            del inner[last]
        else:
            inner[last] = value
    return yaml.dump(document, Dumper=Plain, allow_unicode=True, sort_keys=False)


class Plain(yaml.SafeDumper):
    """Writes what is used twice twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def problems_of(text: str) -> list[tuple[str, str]]:
    with pytest.raises(WorkflowError) as caught:
        load_text(text, "small.yaml")
    assert caught.value.file == "small.yaml"
    assert all(place in str(caught.value) and reason in str(caught.value) for place, reason in caught.value.problems)
    return caught.value.problems


STATE = {"category": "active", "label": label("More")}
BACK = {"from": ["over"], "to": "new", "who": ["lead"], "event": "action.reopened", "label": label("Reopen")}
RELEASE = BACK | {"from": ["doing"], "event": "action.released", "effect": "release"}
UNDO = copy.deepcopy(SMALL["transitions"]["undo"])
LIMITS = "transitions.pass_on.limits"

BROKEN: dict[str, tuple[tuple[str, Any], str]] = {  # rule -> (the change that breaks it, the place to be named)
    "a key is needed":                    (("key", GONE), "key"),
    "a key is a name":                    (("key", "Small One"), "key"),
    "a key is not too long":              (("key", "s" * 41), "key"),
    "a workflow has a name":              (("name", GONE), "name"),
    "its name is in every language":      (("name", {"en": "Small"}), "name.ko"),
    "a workflow has states":              (("states", {}), "states"),
    "states are named":                   (("states", "new"), "states"),
    "states are not too many":            (("states", {f"s{n}": copy.deepcopy(STATE) for n in range(101)}), "states"),
    "transitions are needed":             (("transitions", GONE), "transitions"),
    "unknown key":                        (("colour", "red"), "colour"),
    "unknown key of a state":             (("states.new.colour", "red"), "states.new.colour"),
    "unknown key of a transition":        (("transitions.take.colour", "red"), "transitions.take.colour"),
    "the initial state exists":           (("initial", "old"), "initial"),
    "the initial state is open":          (("initial", "doing"), "initial"),
    "the initial state is one word":      (("initial", ["new"]), "initial"),
    "a state is named well":              (("states.New", STATE), "states.New"),
    "a state is not called previous":     (("states.previous", STATE), "states.previous"),
    "a state is a mapping":               (("states.new", "open"), "states.new"),
    "a state has a category":             (("states.doing.category", GONE), "states.doing.category"),
    "a category is known":                (("states.doing.category", "busy"), "states.doing.category"),
    "a state has a label":                (("states.doing.label", GONE), "states.doing.label"),
    "a label is in every language":       (("states.doing.label", {"ko": "진행"}), "states.doing.label.en"),
    "a label is in no unknown language":  (("states.doing.label.xx", "Doing"), "states.doing.label.xx"),
    "a label is not empty":               (("states.doing.label.en", " "), "states.doing.label.en"),
    "a label is one line":                (("states.doing.label.en", "a\nb"), "states.doing.label.en"),
    "a label is short":                   (("states.doing.label.en", "a" * 81), "states.doing.label.en"),
    "a milestone is known":               (("states.doing.milestone", "born"), "states.doing.milestone"),
    "a milestone is under way":           (("states.new.milestone", "accepted"), "states.new.milestone"),
    "one state is done":                  (("states.over.category", "dropped"), "states"),
    "a state can be reached":             (("states.lonely", STATE), "states.lonely"),
    "a state leads to a finish":          (("transitions.go_on", GONE), "states.paused"),
    "a transition is named well":         (("transitions.to-do", BACK), "transitions.to-do"),
    "a transition is a mapping":          (("transitions.take", ["new"]), "transitions.take"),
    "a transition leaves a state":        (("transitions.take.from", []), "transitions.take.from"),
    "from is a list":                     (("transitions.take.from", "new"), "transitions.take.from"),
    "from exists":                        (("transitions.take.from", ["new", "old"]), "transitions.take.from"),
    "from is not doubled":                (("transitions.take.from", ["new", "new"]), "transitions.take.from"),
    "a transition leads somewhere":       (("transitions.take.to", GONE), "transitions.take.to"),
    "to exists":                          (("transitions.take.to", "old"), "transitions.take.to"),
    "previous comes out of waiting":      (("transitions.take.to", "previous"), "transitions.take.to"),
    "before comes out of finished":       (("transitions.go_on.to", "before"), "transitions.go_on.to"),
    "somebody may do it":                 (("transitions.take.who", []), "transitions.take.who"),
    "a role is known":                    (("transitions.take.who", ["assignee", "king"]), "transitions.take.who"),
    "a role is not doubled":              (("transitions.take.who", ["lead", "lead"]), "transitions.take.who"),
    "a doer is of an undo":               (("transitions.take.who", ["assignee", "doer"]), "transitions.take.who"),
    "a field is known":                   (("transitions.take.requires", ["colour"]), "transitions.take.requires"),
    "a comment is never declared":        (("transitions.take.optional", ["comment"]), "transitions.take.optional"),
    "a field is required or optional":    (("transitions.pause.optional", ["until"]), "transitions.pause.optional"),
    "an event is needed":                 (("transitions.take.event", GONE), "transitions.take.event"),
    "an event is of an action":           (("transitions.take.event", "feedback.taken"), "transitions.take.event"),
    "an event is one word":               (("transitions.take.event", "action.was taken"), "transitions.take.event"),
    "an event is past":                   (("transitions.take.event", "action.take"), "transitions.take.event"),
    "an event is no other fact":          (("transitions.take.event", "action.overdue"), "transitions.take.event"),
    "a transition has labels":            (("transitions.take.label.ko", GONE), "transitions.take.label.ko"),
    "a limit is known":                   ((LIMITS, {"assignee": "same_city"}), f"{LIMITS}.assignee"),
    "a limit is of a known role":         ((LIMITS, {"king": "same_team"}), f"{LIMITS}.king"),
    "a limit is of one who may":          ((LIMITS, {"assigner": "same_team"}), f"{LIMITS}.assigner"),
    "a limit limits an assignee":         (("transitions.pass_on.requires", []), LIMITS),
    "a duration is ISO 8601":             (("transitions.undo.within", "10 minutes"), "transitions.undo.within"),
    "a duration is not zero":             (("transitions.undo.within", "PT0M"), "transitions.undo.within"),
    "a duration is not absurd":           (("transitions.undo.within", "P999999999999D"), "transitions.undo.within"),
    "an undo ends":                       (("transitions.undo.within", GONE), "transitions.undo.within"),
    "only an undo ends":                  (("transitions.take.within", "PT1M"), "transitions.take.within"),
    "an undo is there once":              (("transitions.undo2", UNDO), "transitions.undo2.from"),
    "finished work opens again":          (("transitions.back", BACK | {"to": "doing"}), "transitions.back.to"),
    "an effect is known":                 (("transitions.take.effect", "explode"), "transitions.take.effect"),
    "release opens":                      (("transitions.back", RELEASE | {"to": "paused"}), "transitions.back.effect"),
    "self-assigned exists":               (("self_assigned", "grab"), "self_assigned"),
    "self-assigned starts at the start":  (("self_assigned", "finish"), "self_assigned"),
    "self-assigned is the assignee's":    (("transitions.take.who", ["lead"]), "self_assigned"),
    "self-assigned requires nothing":     (("transitions.take.requires", ["reason"]), "self_assigned"),
}  # fmt: skip


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_refused_and_its_place_is_named(rule: str) -> None:
    change, place = BROKEN[rule]
    assert place in [named for named, _ in problems_of(changed(change))]


def test_the_small_workflow_breaks_no_rule() -> None:
    assert load_text(changed(), "small.yaml").key == "small"


def test_finished_work_may_open_again_and_a_pool_may_get_it_back() -> None:
    text = changed(("transitions.back", BACK), ("transitions.release", RELEASE))
    assert load_text(text, "small.yaml").finishing == {"finish", "undo", "back"}


def test_all_problems_are_told_at_once() -> None:
    places = [BROKEN[rule][1] for rule in ("unknown key", "to exists", "a category is known", "an event is past")]
    changes = [BROKEN[rule][0] for rule in ("unknown key", "to exists", "a category is known")]
    text = changed(*changes, ("transitions.pause.event", "action.pause"))
    assert {place for place, _ in problems_of(text)} == {*places[:3], "transitions.pause.event"}


def bomb() -> str:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 30)]
    return "\n".join(lines)


MALFORMED: dict[str, tuple[Callable[[], str], str]] = {
    "no YAML":              (lambda: "key: small\nname: [", "line 2"),
    "nothing":              (lambda: "", "file"),
    "only a comment":       (lambda: "# nothing", "file"),
    "a list":               (lambda: "- key", "workflow"),
    "one word":             (lambda: "small", "workflow"),
    "two documents":        (lambda: "key: a\n---\nkey: b\n", "line 2"),
    "a doubled key":        (lambda: "key: small\n" + changed(), "line 2"),
    "a doubled transition": (lambda: changed().replace("  pause:\n", "  take:\n", 1), "line "),
    "a list as key":        (lambda: "? [a, b]\n: c\n", "line 1"),
    "an anchor":            (lambda: changed().replace("key: small", "key: &k small"), "line 1"),
    "an alias":             (lambda: "a: *b\n", "line 1"),
    "a bomb":               (bomb, "line 1"),
    "a tag":                (lambda: "key: !!python/object/apply:os.getcwd []\n", "line 1"),
    "a NUL":                (lambda: "key: small\nname: \0\n", "line 2"),
    "a lone surrogate":     (lambda: "key: \ud800\n", "line 1"),
    "great depth":          (lambda: "[" * 10_000, "line 1"),
    "great depth in words": (lambda: "\n".join(" " * n + "a:" for n in range(300)), "line 2"),
    "great size":           (lambda: "#" * (256 * 1024 + 1), "file"),
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_text_is_refused_with_its_line(name: str) -> None:
    text, place = MALFORMED[name]
    assert problems_of(text())[0][0].startswith(place)


def test_words_of_yaml_that_look_like_something_else_stay_words() -> None:
    definition = load_text(changed().replace("en: Take", "en: no").replace("ko: Take", "ko: 2026-01-01"), "small.yaml")
    assert definition.transitions["take"].label == {"en": "no", "ko": "2026-01-01"}


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    for raw in (b"key: small\nname: \xff\xfe", b"\xff" * 300_000):
        (tmp_path / "bad.yaml").write_bytes(raw)
        with pytest.raises(WorkflowError):
            load_file(tmp_path / "bad.yaml")


def test_two_files_with_one_key_are_refused(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(changed())
    with pytest.raises(WorkflowError) as caught:
        load_folder(tmp_path)
    assert caught.value.file.endswith("b.yaml")


def test_the_shipped_workflows_load_in_order_of_their_keys() -> None:
    assert load_folder(FOLDER) == [CALLBACK, STANDARD]


@pytest.mark.parametrize(
    "definition", [STANDARD, CALLBACK, load_text(changed(), "small.yaml")], ids=lambda each: each.key
)
def test_what_is_stored_comes_back_the_same(definition: Any) -> None:
    stored = orjson.loads(orjson.dumps(definition.content(), option=orjson.OPT_SORT_KEYS))  # a database may sort keys
    again = from_content(stored, "row 1")
    assert again == definition
    assert (again.sha256, list(again.transitions)) == (definition.sha256, list(definition.transitions))


def test_the_hash_follows_the_meaning_and_not_the_spelling() -> None:
    plain = load_text(changed(), "a.yaml")
    assert load_text("# a comment\n" + changed(), "b.yaml").sha256 == plain.sha256
    assert load_text(changed(("transitions.undo.within", "PT600S")), "c.yaml").sha256 == plain.sha256
    assert load_text(changed(("transitions.undo.within", "PT11M")), "d.yaml").sha256 != plain.sha256


def test_stored_content_is_checked_too() -> None:
    content = STANDARD.content()
    content["states"].append(content["states"][0])
    content["transitions"][0]["who"] = [7]
    content["initial"] = None
    with pytest.raises(WorkflowError) as caught:
        from_content(content, "row 1")
    assert {place for place, _ in caught.value.problems} == {"states.assigned", "transitions.accept.who", "initial"}
