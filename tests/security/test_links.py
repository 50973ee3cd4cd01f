"""Signed links: what was signed is read again, by every key of the ring, and nothing else ever is."""

import base64
import hmac
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfm_workflow.security.keys import KeyRing, WrongKey, new_key
from cfm_workflow.security.links import LONGEST, BadLink, ExpiredLink, LinkSigner, Purpose, hash_of
from cfm_workflow.setting_values import keys

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=14)
RANDOM = bytes(range(16))
KEY = "k:" + "A" * 43 + "="
LONGEST_NAME = "n" * 40 + ":" + "A" * 43 + "="


def signer(*made: str) -> LinkSigner:
    return LinkSigner(KeyRing(keys(",".join(made))))


def token(by: LinkSigner, purpose: str = "accept", subject_id: int | None = 17) -> str:
    return by.sign(purpose, account_id=3, subject_id=subject_id, random=RANDOM, expires_at=LATER)


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("subject_id", [None, 1, 2**63 - 1])
def test_what_was_signed_is_read_again(purpose: Purpose, subject_id: int | None) -> None:
    read = signer(KEY).verify(token(signer(KEY), purpose, subject_id), now=NOW)
    about = (None, subject_id) if purpose is Purpose.SNOOZE else (subject_id, None)
    assert (read.purpose, read.account_id, read.action_id, read.reminder_id) == (purpose, 3, *about)
    assert (read.expires_at, read.hash) == (LATER, hash_of(RANDOM))


def test_a_token_fits_into_a_line_of_a_mail_and_needs_no_escaping() -> None:
    for key in (KEY, new_key(), LONGEST_NAME):
        text = token(signer(key))
        assert len(text) <= LONGEST and re.fullmatch("[A-Za-z0-9_-]+[.][A-Za-z0-9_-]+", text)
    assert len(token(signer(new_key()))) < 130


def test_a_token_changed_at_any_place_is_none() -> None:
    by, text = signer(KEY), token(signer(KEY))
    for place, character in enumerate(text):
        for other in ("A", "B", "_", "-", ".", "%", "=", "é", ""):
            if other != character:
                with pytest.raises(BadLink):
                    by.verify(text[:place] + other + text[place + 1 :], now=NOW)


@pytest.mark.parametrize("spelled", ["{}=", "{}.", ".{}", " {}", "{}\n", "{}{}", "{}A", "A{}"])
def test_a_link_has_one_spelling(spelled: str) -> None:
    text = token(signer(KEY))
    with pytest.raises(BadLink):
        signer(KEY).verify(spelled.format(text, text), now=NOW)


@given(st.text(max_size=400) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_noise_is_none(noise: str) -> None:
    with pytest.raises(BadLink):
        signer(KEY).verify(noise, now=NOW)


def test_it_ends_at_its_last_second() -> None:
    by = signer(KEY)
    by.verify(token(by), now=LATER - timedelta(seconds=1))
    with pytest.raises(ExpiredLink):
        by.verify(token(by), now=LATER)


def test_a_damaged_token_is_none_rather_than_expired() -> None:
    by, text = signer(KEY), token(signer(KEY))
    with pytest.raises(BadLink):
        by.verify(text[:-1] + ("A" if text[-1] != "A" else "E"), now=LATER)


def test_links_live_on_when_another_key_is_put_in_front_and_end_with_theirs() -> None:
    old, new = new_key(), new_key()
    before = token(signer(old))
    rotated = signer(new, old)
    assert rotated.verify(before, now=NOW).account_id == 3
    after = token(rotated)
    assert signer(new).verify(after, now=NOW).account_id == 3
    for gone, by in ((before, signer(new)), (after, signer(old))):
        with pytest.raises(BadLink):
            by.verify(gone, now=NOW)


def test_the_same_name_with_another_secret_does_not_sign_for_it() -> None:
    with pytest.raises(BadLink):
        signer("k:" + "B" * 42 + "A=").verify(token(signer(KEY)), now=NOW)


def test_the_key_of_a_signature_is_for_links_alone() -> None:
    ring = KeyRing(keys(KEY))
    derived = {ring.derive("k", purpose) for purpose in ("signed links", "something else", "")}
    assert len(derived) == 3 and keys(KEY)[0].secret not in derived
    text, _, _ = token(LinkSigner(ring)).partition(".")
    assert signer(KEY).verify(token(signer(KEY)), now=NOW)
    for key in (keys(KEY)[0].secret, ring.derive("k", "something else")):
        forged = hmac.digest(key, text.encode(), "sha256")
        with pytest.raises(BadLink):
            signer(KEY).verify(f"{text}.{base64.urlsafe_b64encode(forged).decode().rstrip('=')}", now=NOW)
    with pytest.raises(WrongKey):
        ring.derive("other", "signed links")
