"""Claims about the way in: by password, by links in mails, as the first one; and about who stays out."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cfm_workflow import clock, create_app
from cfm_workflow.models import BrowserSession, Delivery, Password, Throttle
from cfm_workflow.operations import signing_in, throttling
from cfm_workflow.security.failures import FAILURES
from cfm_workflow.service import open_service
from cfm_workflow.web.sign_in import OF_ACCOUNT
from cfm_workflow.worker.upkeep import forget_old_attempts
from tests.api.statements import counted
from tests.concurrency.at_once import at_once, statuses
from tests.conftest import service_settings
from tests.mailing import Post
from tests.web.browsing import Browser, Form, signed_in, stranger
from tests.world import Person, World

WORDS = "correct horse battery"
OTHERS = "a better horse than that"


def give_password(world: World, person: Person, password: str = WORDS) -> None:
    """Let somebody have a password."""
    new_hash, now = signing_in.hashed(password), clock.now()
    world.service.database.transaction(
        lambda session: session.add(Password(account_id=person.id, hash=new_hash, changed_at=now))
    )


def sign_in(browser: Browser, email: str, password: str = WORDS, status: int = 303, **more: Any) -> Any:
    """Fill in the form of signing in."""
    return browser.fill(f"/sign-in{more.pop('query', '')}", "/sign-in", status, email=email, password=password)


def way_in(post: Post) -> str:
    """The path of the one link that was mailed now."""
    (taken,) = post.send()
    (address,) = re.findall(r"^http\S+(/enter/\S+)$", taken.part("plain").replace("\r\n", "\n"), re.MULTILINE)
    return str(address)


# -- by password -------------------------------------------------------------------------------------------------------


def test_the_right_password_opens_the_page_that_was_wanted(world: World) -> None:
    give_password(world, world.alice)
    browser = stranger(world)

    answer = sign_in(browser, " Alice@Example.com", query="?next=/settings/me")

    assert answer.headers["Location"] == "/settings/me"
    cookie = next(each for each in answer.headers.getlist("Set-Cookie") if each.startswith("cfm_session="))
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie
    browser.open("/settings/me")


@pytest.mark.parametrize(
    "wanted", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/evil.example"]
)
def test_nobody_is_led_elsewhere_by_signing_in(small_world: World, wanted: str) -> None:
    browser = signed_in(small_world, small_world.alice)

    assert browser.open("/sign-in", 303, query_string={"next": wanted}).headers["Location"] == "/"


def test_under_https_only_this_host_can_have_set_the_cookie(small_world: World) -> None:
    give_password(small_world, small_world.alice)
    client = small_world.app.test_client()
    page = client.get("/sign-in", base_url="https://localhost")
    proof = re.search(r'name="_csrf" value="([^"]+)"', page.text)
    assert proof is not None
    form = {"_csrf": proof[1], "email": "alice@example.com", "password": WORDS}

    answer = client.post("/sign-in", data=form, base_url="https://localhost")

    cookies = [each for each in answer.headers.getlist("Set-Cookie") if each.startswith("__Host-cfm_session=")]
    assert answer.status_code == 303 and len(cookies) == 1
    assert "Secure" in cookies[0] and "Domain" not in cookies[0]


def test_a_wrong_password_an_unknown_address_and_somebody_switched_off_are_told_the_same(small_world: World) -> None:
    give_password(small_world, small_world.alice)
    give_password(small_world, small_world.mallory)
    small_world.ada.expect(200, "PATCH", f"/users/{small_world.mallory.id}", {"active": False})
    browser = stranger(small_world)

    said = set()
    for email, password in (
        ("alice@example.com", OTHERS),
        ("nobody@example.com", WORDS),
        ("mallory@example.com", WORDS),
        ("bob@example.com", ""),
    ):
        text = sign_in(browser, email, password, 422).text
        found = re.search(r'class="desk-mistake"[^>]*>.*?</svg>([^<]+)<', text, re.DOTALL)
        assert found is not None and f'value="{email}"' in text
        said.add(found[1])

    assert len(said) == 1


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/link", "/sign-in/reset"])
def test_what_no_database_stores_is_nobodys_address(world: World, path: str) -> None:
    status = 422 if path == "/sign-in" else 303
    stranger(world).fill(path, path, status, email="alice\0@example.com\ufffe", password="\0")


def test_guessing_is_slowed_down_per_account_and_never_for_good(small_world: World, noon: datetime) -> None:
    give_password(small_world, small_world.alice)
    browser = stranger(small_world)
    form = browser.form("/sign-in", "/sign-in")
    for _ in range(OF_ACCOUNT.most):
        browser.send(form, 422, email="alice@example.com", password=OTHERS)

    refused = browser.send(form, 429, email="alice@example.com", password=WORDS)
    assert int(refused.headers["Retry-After"]) > 0
    clock.freeze(noon + OF_ACCOUNT.within)
    assert sign_in(browser, "alice@example.com").headers["Location"] == "/"


def guessed_wrongly(world: World, now: datetime) -> None:
    """Somebody tried a password of Alice."""
    database = world.service.database
    database.transaction(lambda session: throttling.counted(session, OF_ACCOUNT, "alice@example.com", now=now))


def test_processes_count_guesses_together(world: World, noon: datetime) -> None:
    give_password(world, world.alice)
    apps = [world.app, create_app(world.service)]
    for n in range(OF_ACCOUNT.most):
        browser = Browser(apps[n % 2].test_client())
        browser.fill("/sign-in", "/sign-in", 422, email="alice@example.com", password=OTHERS)
    for app in apps:
        Browser(app.test_client()).fill("/sign-in", "/sign-in", 429, email="Alice@example.com", password=WORDS)
    with world.service.database.reading() as session:
        kept = session.execute(select(Throttle.key, Throttle.count)).all()
    assert len(kept) == 2 and "alice" not in str(kept)
    clock.freeze(noon + timedelta(days=2))
    forget_old_attempts(world.service)
    with world.service.database.reading() as session:
        assert session.execute(select(Throttle.key)).all() == []


@pytest.mark.parametrize("path", ["/sign-in/link", "/sign-in/reset"])
def test_asking_for_a_link_does_the_same_for_an_address_that_is_nobodys(world: World, path: str) -> None:
    done = []
    for email in ("nobody@example.com", "alice@example.com", "alice@example.com"):  # the last one comes too soon
        browser = stranger(world)
        form = browser.form(path, path)
        with counted(world.service) as statements:
            browser.send(form, 303, email=email)
        done.append(dict(statements))
    assert done[0] == done[1] == done[2]
    with world.service.database.reading() as session:
        assert session.scalars(select(Delivery.account_id)).all() == [world.alice.id]


def test_guessing_at_once_gains_nothing(small_world: World, noon: datetime) -> None:
    browsers = [stranger(small_world) for _ in range(6)]
    forms = [each.form("/sign-in", "/sign-in") for each in browsers]
    for _ in range(OF_ACCOUNT.most - 1):
        guessed_wrongly(small_world, noon)

    def guess(browser: Browser, form: Form) -> Any:
        typed = {**form.fields, "email": "alice@example.com", "password": OTHERS}
        return lambda: browser.client.post(form.action, data=typed)

    said = statuses(at_once([guess(*each) for each in zip(browsers, forms, strict=True)]))
    assert said.count(429) == 5, said


def test_whoever_holds_a_session_guesses_its_password_no_faster(small_world: World, noon: datetime) -> None:
    give_password(small_world, small_world.alice)
    form = "/settings/password"
    signed_in(small_world, small_world.alice).fill(form, form, 422, current=OTHERS, password=OTHERS)
    for _ in range(OF_ACCOUNT.most - 1):
        guessed_wrongly(small_world, noon)
    signed_in(small_world, small_world.alice).fill(form, form, 429, current=WORDS, password=OTHERS)


def test_many_addresses_of_one_network_are_one_guesser(small_world: World, noon: datetime) -> None:
    client = small_world.app.test_client()

    def guess(address: str) -> int:
        return client.get("/s/nonsense", environ_base={"REMOTE_ADDR": address}).status_code

    assert {guess(f"2001:db8::{n:x}") for n in range(FAILURES)} == {404}
    assert guess("2001:db8::ffff:1") == 429 and guess("2001:db8:0:1::1") == 404
    assert {guess(f"::ffff:192.0.2.{n}") for n in range(FAILURES + 1)} == {404}  # IPv4 in other clothes


def test_signing_in_begins_a_session_of_its_own_and_ends_the_one_before(small_world: World) -> None:
    give_password(small_world, small_world.alice)
    browser = signed_in(small_world, small_world.bob)
    before = browser.client.get_cookie("cfm_session")
    form = stranger(small_world).form("/sign-in", "/sign-in")
    form.fields["_csrf"] = browser.form("/work", "/sign-out").fields["_csrf"]

    browser.send(form, email="alice@example.com", password=WORDS)

    after = browser.client.get_cookie("cfm_session")
    assert before is not None and after is not None and before.value != after.value
    old = Browser(small_world.app.test_client())
    old.client.set_cookie("cfm_session", before.value)
    old.open("/work", 303)


# -- sessions ----------------------------------------------------------------------------------------------------------


def test_signing_out_ends_the_session_and_not_only_the_cookie(world: World) -> None:
    browser = signed_in(world, world.alice)
    ident = browser.client.get_cookie("cfm_session")
    browser.fill("/work", "/sign-out")

    browser.client.set_cookie("cfm_session", ident.value if ident else "")
    browser.open("/work", 303)


def test_people_see_their_browsers_and_end_them_one_by_one_or_all(world: World) -> None:
    here, there, elsewhere = (signed_in(world, world.alice) for _ in range(3))
    mallory = signed_in(world, world.mallory)
    with world.service.database.reading() as session:
        own = select(BrowserSession.id).where(BrowserSession.account_id == world.alice.id).order_by(BrowserSession.id)
        ids = session.scalars(own).all()
    ending = f"/settings/sessions/{ids[1]}/end"
    form = here.form("/settings/sessions", ending)

    proof = mallory.form("/settings/sessions", "/sign-out").fields["_csrf"]
    assert mallory.client.post(ending, data={"_csrf": proof}).status_code == 404
    there.open("/work")
    here.send(form)
    there.open("/work", 303)
    elsewhere.open("/work")
    here.fill("/settings/sessions", "/settings/sessions/others")
    elsewhere.open("/work", 303)
    here.open("/work")


def test_switching_somebody_off_ends_their_sessions_at_once(world: World) -> None:
    browser = signed_in(world, world.bob)
    world.ada.expect(200, "PATCH", f"/users/{world.bob.id}", {"active": False})
    browser.open("/work", 303)
    world.ada.expect(200, "PATCH", f"/users/{world.bob.id}", {"active": True})
    browser.open("/work", 303)


def test_a_session_lives_while_it_is_used_though_not_for_ever(small_world: World, noon: datetime) -> None:
    used, unused = signed_in(small_world, small_world.alice), signed_in(small_world, small_world.alice)
    for days in range(10, 90, 10):
        clock.freeze(noon + timedelta(days=days))
        used.open("/work")
    unused.open("/work", 303)
    clock.freeze(noon + timedelta(days=91))
    used.open("/work", 303)


def test_the_api_takes_a_session_and_wants_a_proof_for_what_it_changes(world: World) -> None:
    browser = signed_in(world, world.olga)
    proof = browser.form("/work", "/sign-out").fields["_csrf"]
    body = {"text": "My miles are missing."}

    assert browser.client.get("/api/v1/me").json["email"] == "olga@example.com"
    assert browser.client.post("/api/v1/feedback", json=body).status_code == 403
    cross = {"X-CSRF-Token": proof, "Sec-Fetch-Site": "cross-site"}
    assert browser.client.post("/api/v1/feedback", json=body, headers=cross).status_code == 403
    assert browser.client.post("/api/v1/feedback", json=body, headers={"X-CSRF-Token": proof}).status_code == 201
    browser.fill("/work", "/sign-out")
    assert browser.client.get("/api/v1/me").status_code == 401


# -- links in mails ----------------------------------------------------------------------------------------------------


def test_a_link_signs_in_once_and_looking_at_it_changes_nothing(post: Post) -> None:
    browser = stranger(post.world)
    browser.fill("/sign-in/link", email="Alice@example.com")
    link = way_in(post)

    browser.open(link)
    scanner = stranger(post.world)
    scanner.open(link)
    form = scanner.form(link, link)
    browser.fill(link)
    assert "alice@example.com" in browser.open("/work").text
    browser.open(link, 410)
    scanner.send(form, 410)


def test_a_link_to_sign_in_works_for_a_quarter_of_an_hour(small_post: Post, noon: datetime) -> None:
    stranger(small_post.world).fill("/sign-in/link", email="alice@example.com")
    link = way_in(small_post)

    clock.freeze(noon + timedelta(minutes=15))
    stranger(small_post.world).open(link, 410)


def test_who_asks_for_a_link_learns_nothing_and_floods_nobody(small_post: Post) -> None:
    browser = stranger(small_post.world)
    known = browser.fill("/sign-in/link", email="alice@example.com")
    unknown = browser.fill("/sign-in/link", email="nobody@example.com")
    browser.fill("/sign-in/link", email="alice@example.com")

    assert known.headers["Location"] == unknown.headers["Location"]
    assert len(small_post.send()) == 1


def test_a_new_password_ends_everything_that_was_open_with_the_old_one(post: Post) -> None:
    world = post.world
    give_password(world, world.alice)
    thief = signed_in(world, world.alice)
    browser = stranger(world)
    browser.fill("/sign-in/reset", email="alice@example.com")
    link = way_in(post)

    browser.fill(link, status=422, password="short")
    browser.fill(link, password=OTHERS)
    browser.open("/work")
    thief.open("/work", 303)
    sign_in(stranger(world), "alice@example.com", WORDS, 422)
    sign_in(stranger(world), "alice@example.com", OTHERS)


def test_whoever_is_gone_or_has_another_address_is_let_in_by_no_earlier_link(small_post: Post) -> None:
    world = small_post.world
    stranger(world).fill("/sign-in/link", email="alice@example.com")
    link = way_in(small_post)
    world.ada.expect(200, "PATCH", f"/users/{world.alice.id}", {"email": "alicia@example.com"})
    stranger(world).open(link, 410)

    stranger(world).fill("/sign-in/reset", email="bob@example.com")
    link = way_in(small_post)
    world.ada.expect(200, "PATCH", f"/users/{world.bob.id}", {"active": False})
    stranger(world).open(link, 410)


def test_an_invitation_makes_an_account_that_its_owner_begins(small_post: Post) -> None:
    world = small_post.world
    ada = signed_in(world, world.ada)
    invited = {"email": "nora@example.com", "name": "Nora", "role": "supervisor", "language": "ko"}
    form = ada.form("/settings/people/invite", "/settings/people/invite")

    ada.send(form, 422, **{**invited, "email": "alice@example.com"})
    ada.send(form, **invited)
    ada.send(form, **invited)  # a double click does it once
    link = way_in(small_post)
    nora = stranger(world)
    assert 'lang="en"' in nora.open(link).text
    nora.fill(link, name="Nora Kim", password=WORDS)
    assert "Nora Kim" in nora.open("/settings/me").text and 'lang="ko"' in nora.open("/work").text
    sign_in(stranger(world), "nora@example.com")


def test_only_those_who_manage_people_invite(small_world: World) -> None:
    answer = signed_in(small_world, small_world.sam).open("/settings/people/invite", 403)

    assert "people.manage" in answer.text


# -- the first one, and one's own settings -----------------------------------------------------------------------------


def test_the_first_one_becomes_the_administrator_and_nobody_after_them(tmp_path: Path) -> None:
    service = open_service(service_settings(f"sqlite:///{tmp_path / 'cfm.sqlite'}", tmp_path), migrate=True)
    world = World(service, create_app(service))
    link = f"/enter/{signing_in.setup_token(service.ring, now=clock.now())}"
    first, second = stranger(world), stranger(world)
    form = second.form(link, link)

    first.fill(link, status=422, name="", email="not an address", password=WORDS)
    first.fill(link, name="Ada", email="Ada@example.com", password=WORDS)
    first.open("/settings/people/invite")
    second.send(form, 410, name="Mallory", email="mallory@example.com", password=WORDS)
    second.open(link, 410)
    service.close()


def test_people_choose_their_language_zone_and_name(small_world: World) -> None:
    browser = signed_in(small_world, small_world.alice)

    wrong = browser.fill("/settings/me", status=422, name="Alicia", language="en", time_zone="Nowhere/City")
    assert 'value="Alicia"' in wrong.text and 'aria-invalid="true"' in wrong.text
    browser.fill("/settings/me", name="Alicia", language="ko", time_zone="Asia/Seoul")

    assert 'lang="ko"' in browser.open("/work").text
    assert small_world.alice.get("/me")["time_zone"] == "Asia/Seoul"


def test_a_password_is_changed_by_whoever_knows_it_and_others_are_signed_out(small_world: World) -> None:
    give_password(small_world, small_world.alice)
    browser, other = (signed_in(small_world, small_world.alice) for _ in range(2))

    browser.fill("/settings/password", status=422, current=OTHERS, password=OTHERS)
    other.open("/work")
    browser.fill("/settings/password", current=WORDS, password=OTHERS)

    browser.open("/work")
    other.open("/work", 303)
    sign_in(stranger(small_world), "alice@example.com", OTHERS)


@pytest.mark.parametrize(("accepted", "language"), [("ko-KR,ko;q=0.9", "ko"), ("fr,en;q=0.5", "en"), ("", "en")])
def test_the_door_speaks_the_language_of_the_browser_until_one_is_chosen(
    small_world: World, accepted: str, language: str
) -> None:
    browser = stranger(small_world)
    asked = {"Accept-Language": accepted}
    assert f'lang="{language}"' in browser.open("/sign-in", headers=asked).text

    browser.fill("/sign-in", "/language", language="ko")
    assert '<html lang="ko"' in browser.open("/sign-in", headers=asked).text


def test_an_appearance_is_kept_and_nonsense_is_not(small_world: World) -> None:
    browser = signed_in(small_world, small_world.alice)

    browser.fill("/settings/me", "/theme", theme="dark")
    assert 'data-bs-theme="dark"' in browser.open("/work").text
    browser.fill("/settings/me", "/theme", theme="pink")
    assert 'data-bs-theme="dark"' in browser.open("/work").text
