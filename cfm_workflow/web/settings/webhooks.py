"""Webhooks: endpoints, their secrets, what was sent to them, and sending it again."""

from collections.abc import Mapping
from typing import Any, Final

from cfm_workflow.delivery.resolving import refusal_of
from cfm_workflow.errors import Invalid
from cfm_workflow.forms.loading import load
from cfm_workflow.forms.pages import PageQuery
from cfm_workflow.forms.webhooks import DELIVERY_STATES, DeliveryQuery, ReplayIn, WebhookChange, WebhookIn
from cfm_workflow.operations import webhooks
from cfm_workflow.queries import webhooks as webhooks_query
from cfm_workflow.queries import workflows as workflows_query
from cfm_workflow.texts import mark
from cfm_workflow.web.door import Said
from cfm_workflow.web.own_settings import SAVED
from cfm_workflow.web.pages import See, Shown, Visit, page
from cfm_workflow.web.settings import people
from cfm_workflow.web.settings.filling import DELETED, asked, beside, filled, flags, further, lines, number, worded
from cfm_workflow.web.settings.mails import verdicts
from cfm_workflow.web.settings.secrets import shown_once
from cfm_workflow.web.speech import say

RIGHT: Final = "webhook.manage"
STATE_NAMES: Final = {
    "pending": mark("To be sent"),
    "delivered": mark("Arrived"),
    "cancelled": mark("Cancelled"),
    "dead": mark("Given up"),
}
MADE: Final = mark("The secret of your webhook")
USED_AS: Final = mark("With it a receiver checks that what comes is ours, by any library of Standard Webhooks.")
GO_ON: Final = mark("To the webhook")
PAUSED: Final = mark("Paused: events are kept for it.")
RESUMED: Final = mark("It gets events again.")
REPLAYED: Final = mark("They are sent again, in the order in which they happened.")
WORDING: Final = {
    "url": mark("An https address that leads to a public place."),
    "event_types": mark("One event type per line, action.* for all of a kind, or * for all."),
    "teams": mark("There is no such team."),
    "workflows": mark("There is no such workflow."),
    "headers": mark("Up to five lines such as X-Token: abc; none that HTTP or the signature need themselves."),
    "after": mark("The position of an event; 0 is the beginning."),
}
BUSY: Final = mark("A replay is under way, or it is switched off.")
IS_OFF: Final = mark("It is switched off. Switch it on first.")
_PATH: Final = "/settings/webhooks"
_ONE: Final = "/settings/webhooks/<id:webhook_id>"
_DELIVERY: Final = "/settings/deliveries/<id:delivery_id>"


@page("GET", _PATH, "webhooks", right=RIGHT)
def all_webhooks(visit: Visit) -> Shown:
    """All endpoints."""
    found = webhooks_query.page(visit.session, visit.service.ring, visit.caller, asked(visit, PageQuery()))
    return Shown("settings/webhooks.html", {"rows": found.items, "next": further(visit, _PATH, found.next_cursor)})


def _choices(visit: Visit) -> dict[str, Any]:
    workflows = workflows_query.page(visit.session, people.FEW).items
    return {
        "teams": [(team["id"], team["name"]) for team in people.teams(visit)],
        "workflows": [(each["key"], each["name"][visit.reader.language]) for each in workflows],
    }


@page("GET", f"{_PATH}/new", "new_webhook", right=RIGHT)
def new_webhook(visit: Visit) -> Shown:
    """The form of a new one."""
    return Shown("settings/webhook_form.html", {"webhook": None, **_choices(visit)})


def _given(visit: Visit) -> dict[str, Any]:
    form = visit.form
    given: dict[str, Any] = {
        **filled(form, "url", "payload"),
        **flags(form, "include_customer", "include_imported"),
        "description": form.get("description", "").strip() or None,
        "event_types": lines(form.get("event_types", "")),
        "teams": [number(team) for team in form.getlist("teams")] or None,
        "workflows": form.getlist("workflows") or None,
    }
    if typed := lines(form.get("own_headers", "")):
        pairs = (line.partition(":") for line in typed)
        given["headers"] = {name.strip(): value.strip() for name, _, value in pairs}
    elif "no_headers" in form:
        given["headers"] = {}
    return given


def _looked_up(visit: Visit, **_path: int) -> Mapping[str, Any]:
    """What the form says. Where its URL leads is asked with no transaction open."""
    schema = WebhookChange() if _path else WebhookIn()
    allowed = visit.service.settings.webhook_allowed_networks
    with worded(WORDING):
        fields = load(schema, _given(visit))
        if refusal_of(webhooks.target_of(fields["url"], allowed=allowed), allowed=allowed) is not None:
            raise Invalid({"url": [WORDING["url"]]})
    return fields


@page("POST", _PATH, "add_webhook", right=RIGHT, again=new_webhook, prepare=_looked_up)
def add_webhook(visit: Visit) -> Shown:
    """Add it; its secret is shown this once."""
    service = visit.service
    with worded(WORDING):
        made = webhooks.create(
            visit.session,
            visit.caller,
            visit.prepared,
            ring=service.ring,
            allowed=service.settings.webhook_allowed_networks,
            now=visit.now,
        )
    return _secret(made)


def _secret(made: Mapping[str, Any]) -> Shown:
    path = f"{_PATH}/{made['id']}"
    return shown_once(title=say(MADE), secret=made["secret"], hint=say(USED_AS), path=path, label=say(GO_ON))


@page("GET", _ONE, "webhook", right=RIGHT)
def webhook(visit: Visit, webhook_id: int) -> Shown:
    """One of them: how it is doing, and its log."""
    row = webhooks_query.find(visit.session, visit.caller, webhook_id)
    wanted = asked(visit, DeliveryQuery())
    found = webhooks_query.deliveries(visit.session, webhook_id, wanted)
    values = {
        "webhook": webhooks_query.view(visit.session, visit.service.ring, row),
        "rows": found.items,
        "next": further(visit, f"{_PATH}/{webhook_id}", found.next_cursor),
        "state": wanted.get("state"),
        "states": [(state, say(STATE_NAMES[state])) for state in DELIVERY_STATES],
        "state_names": {state: say(name) for state, name in STATE_NAMES.items()},
    }
    return Shown("settings/webhook.html", values)


@page("GET", f"{_ONE}/change", "change_webhook_form", right=RIGHT)
def change_form(visit: Visit, webhook_id: int) -> Shown:
    """The form of one of them."""
    row = webhooks_query.find(visit.session, visit.caller, webhook_id)
    seen = webhooks_query.view(visit.session, visit.service.ring, row)
    return Shown("settings/webhook_form.html", {"webhook": seen, **_choices(visit)})


@page("POST", f"{_ONE}/change", "change_webhook", right=RIGHT, again=change_form, prepare=_looked_up, once=False)
def change_webhook(visit: Visit, webhook_id: int) -> See:
    """Change it."""
    with worded(WORDING):
        _change(visit, webhook_id, visit.prepared)
    return See(f"{_PATH}/{webhook_id}", Said(say(SAVED)))


def _change(visit: Visit, webhook_id: int, fields: Mapping[str, Any]) -> None:
    service = visit.service
    webhooks.change(
        visit.session,
        visit.caller,
        webhook_id,
        fields,
        ring=service.ring,
        allowed=service.settings.webhook_allowed_networks,
        now=visit.now,
    )


@page("POST", f"{_ONE}/pause", "pause_webhook", right=RIGHT, again=webhook, once=False)
def pause(visit: Visit, webhook_id: int) -> See:
    """Keep events for it, and send none."""
    with beside("state", IS_OFF):
        _change(visit, webhook_id, {"state": "paused"})
    return See(f"{_PATH}/{webhook_id}", Said(say(PAUSED), undo=f"{_PATH}/{webhook_id}/resume"))


@page("POST", f"{_ONE}/resume", "resume_webhook", right=RIGHT, again=webhook, once=False)
def resume(visit: Visit, webhook_id: int) -> See:
    """Send what was kept, and what comes."""
    with beside("state", IS_OFF):
        _change(visit, webhook_id, {"state": "active"})
    return See(f"{_PATH}/{webhook_id}", Said(say(RESUMED)))


@page("POST", f"{_ONE}/enable", "enable_webhook", right=RIGHT, again=webhook, once=False)
def enable(visit: Visit, webhook_id: int) -> See:
    """Switch it on again, with what it missed if wanted."""
    wanted = {"replay": "failed"} if "replay" in visit.form else {}
    with beside("state", BUSY):
        webhooks.enable(visit.session, visit.caller, webhook_id, wanted, ring=visit.service.ring, now=visit.now)
    return See(f"{_PATH}/{webhook_id}", Said(say(RESUMED)))


@page("POST", f"{_ONE}/test", "test_webhook", right=RIGHT, again=webhook, once=False)
def test(visit: Visit, webhook_id: int) -> See:
    """Send it something, and go and look what it answers."""
    with beside("state", IS_OFF):
        lined_up = webhooks.test(visit.session, visit.caller, webhook_id, now=visit.now)
    return See(f"/settings/deliveries/{lined_up['id']}")


@page("POST", f"{_ONE}/rotate", "rotate_webhook", right=RIGHT)
def rotate(visit: Visit, webhook_id: int) -> Shown:
    """A new secret; the one before signs too for a day."""
    made = webhooks.rotate_secret(visit.session, visit.caller, webhook_id, {}, ring=visit.service.ring, now=visit.now)
    return _secret(made)


@page("POST", f"{_ONE}/replay", "replay_webhook", right=RIGHT, again=webhook)
def replay(visit: Visit, webhook_id: int) -> See:
    """Send again what was given up, or everything after a position."""
    is_all = visit.form.get("of") == "all"
    wanted = {"after": number(visit.form.get("after", ""))} if is_all else {"dead": True}
    with worded(WORDING), beside("after", BUSY):
        fields = load(ReplayIn(), wanted)
        webhooks.replay(visit.session, visit.caller, webhook_id, fields, ring=visit.service.ring, now=visit.now)
    return See(f"{_PATH}/{webhook_id}", Said(say(REPLAYED)))


@page("POST", f"{_ONE}/delete", "delete_webhook", right=RIGHT)
def delete(visit: Visit, webhook_id: int) -> See:
    """Send it nothing more."""
    webhooks.remove(visit.session, visit.caller, webhook_id, now=visit.now)
    return See(_PATH, Said(say(DELETED)))


@page("GET", _DELIVERY, "delivery", right=RIGHT)
def delivery(visit: Visit, delivery_id: int) -> Shown:
    """One event on its way to an endpoint, with every attempt; looks again by itself while it is under way."""
    webhooks_query.find_delivery(visit.session, visit.caller, delivery_id)
    values = {
        "delivery": webhooks_query.delivery_with_attempts(visit.session, delivery_id),
        "state_names": {state: say(name) for state, name in STATE_NAMES.items()},
        "verdicts": verdicts(),
    }
    return Shown("settings/delivery.html", values, fragment="settings/delivery_part.html")


@page("POST", f"{_DELIVERY}/again", "redeliver", right=RIGHT, again=delivery, once=False)
def redeliver(visit: Visit, delivery_id: int) -> See:
    """Send it again at once."""
    with beside("state", IS_OFF):
        webhooks.redeliver(visit.session, visit.caller, delivery_id, now=visit.now)
    return See(f"/settings/deliveries/{delivery_id}")
