"""Keys at rest: what they protect cannot be moved, changed or read with another key; the key file is made once."""

import multiprocessing
import os
from pathlib import Path

import pytest

from cfm_workflow.security.keys import KeyRing, WrongKey, check_value, key_file, new_key, open_ring, verify_check
from cfm_workflow.setting_values import keys
from cfm_workflow.settings import Settings, SettingsError, load


def ring(*made: str) -> KeyRing:
    return KeyRing(keys(",".join(made)))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load({}, root=tmp_path)


def test_what_was_encrypted_is_read_again() -> None:
    keys_here = ring(new_key())
    text = keys_here.encrypt("비밀 text".encode(), bound_to="tokens 1")
    assert keys_here.decrypt(text, bound_to="tokens 1").decode() == "비밀 text"


def test_the_same_text_never_looks_the_same() -> None:
    keys_here = ring(new_key())
    assert len({keys_here.encrypt(b"same", bound_to="here") for _ in range(50)}) == 50


def test_the_first_key_is_used_and_all_can_read() -> None:
    old, new = new_key(), new_key()
    text = ring(old).encrypt(b"kept", bound_to="here")
    rotated = ring(new, old)
    assert rotated.decrypt(text, bound_to="here") == b"kept"
    assert rotated.encrypt(b"fresh", bound_to="here").split(".")[1] == rotated.ids[0] == new.split(":")[0]


def test_a_text_moved_to_another_place_cannot_be_read() -> None:
    keys_here = ring(new_key())
    text = keys_here.encrypt(b"mine", bound_to="tokens 1")
    with pytest.raises(WrongKey):
        keys_here.decrypt(text, bound_to="tokens 2")


def test_a_text_changed_anywhere_cannot_be_read() -> None:
    keys_here = ring("k:" + "A" * 43 + "=")
    text = keys_here.encrypt(b"a secret of some length", bound_to="here")
    for place in range(len(text) - 1):
        changed = text[:place] + ("B" if text[place] != "B" else "C") + text[place + 1 :]
        with pytest.raises(WrongKey):
            keys_here.decrypt(changed, bound_to="here")


@pytest.mark.parametrize(
    "text", ["", "v1", "v1.k", "v1.k.", "v1.k.AAAA", "v1.k.é", "v1.k.!!!!", "v2.k.AAAA", "v1.k.A.A"]
)
def test_nonsense_cannot_be_read(text: str) -> None:
    with pytest.raises(WrongKey):
        ring("k:" + "A" * 43 + "=").decrypt(text, bound_to="here")


def test_the_check_value_tells_right_keys_from_wrong_ones() -> None:
    right, other = new_key(), new_key()
    stored = check_value(ring(right))
    verify_check(ring(other, right), stored)
    with pytest.raises(WrongKey) as refused:
        verify_check(ring(other), stored)
    assert (refused.value.key_id, refused.value.known) == (right.split(":")[0], (other.split(":")[0],))


def test_the_same_name_with_another_secret_is_a_wrong_key() -> None:
    stored = check_value(ring("k:" + "A" * 43 + "="))
    with pytest.raises(WrongKey):
        verify_check(ring("k:" + "B" * 42 + "A="), stored)


def test_keys_of_the_settings_come_first_and_nothing_is_written(tmp_path: Path) -> None:
    given = new_key()
    found = open_ring(load({"CFM_SECRET_KEYS": given}, root=tmp_path))
    assert found.ids == (given.split(":")[0],)
    assert list(tmp_path.iterdir()) == []


def test_the_first_start_makes_a_key_that_only_its_owner_reads_and_the_second_start_finds_it(
    settings: Settings,
) -> None:
    first = open_ring(settings)
    assert open_ring(settings).ids == first.ids
    assert [path.name for path in settings.instance.iterdir()] == ["keys"]
    assert key_file(settings).stat().st_mode & 0o777 == 0o600


def test_with_postgresql_nothing_is_made_up(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        open_ring(load({"CFM_DATABASE_URL": "postgresql://db/cfm"}, root=tmp_path))
    assert refused.value.name == "CFM_SECRET_KEYS" and "cfm keys new" in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_key_file_that_others_can_read_is_refused(settings: Settings) -> None:
    open_ring(settings)
    key_file(settings).chmod(0o640)
    with pytest.raises(SettingsError) as refused:
        open_ring(settings)
    assert str(key_file(settings)) in refused.value.problem


@pytest.mark.parametrize("content", [b"", b"hunter2\n", b"\xff\xfe", b"a:" + b"A" * 44])
def test_a_damaged_key_file_is_named_not_shown_and_not_replaced(content: bytes, settings: Settings) -> None:
    settings.instance.mkdir()
    key_file(settings).write_bytes(content)
    key_file(settings).chmod(0o600)
    with pytest.raises(SettingsError) as refused:
        open_ring(settings)
    assert str(key_file(settings)) in str(refused.value) and "hunter2" not in str(refused.value)
    assert key_file(settings).read_bytes() == content


def test_an_instance_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError) as refused:
        open_ring(load({"CFM_INSTANCE": "file/instance"}, root=tmp_path))
    assert refused.value.name == "CFM_INSTANCE"


def race(root: Path, start: "multiprocessing.synchronize.Barrier", told: "multiprocessing.SimpleQueue[str]") -> None:
    start.wait()
    told.put(open_ring(load({}, root=root)).ids[0])


@pytest.mark.skipif(os.name == "nt", reason="the file's mode and the link are those of POSIX")
def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    spawned = multiprocessing.get_context("spawn")
    start, told = spawned.Barrier(4), spawned.SimpleQueue()
    racers = [spawned.Process(target=race, args=(tmp_path, start, told)) for _ in range(4)]
    for racer in racers:
        racer.start()
    names = {told.get() for _ in racers}
    for racer in racers:
        racer.join()
    assert len(names) == 1
