"""Words to and from the customer of an item, and the item shared with others: written, looked at first, taken back."""

from typing import Any, Final

from cfm_workflow.errors import Invalid
from cfm_workflow.forms.loading import load
from cfm_workflow.forms.messages import MessageIn
from cfm_workflow.operations import closing
from cfm_workflow.operations import templates as templates_operations
from cfm_workflow.operations.messages import contacts, filling, sharing, writing
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import messages as messages_query
from cfm_workflow.queries import shares as shares_query
from cfm_workflow.texts import LANGUAGES, mark
from cfm_workflow.web import item, timeline
from cfm_workflow.web.door import Said
from cfm_workflow.web.feedback import is_number
from cfm_workflow.web.moments import read_moment
from cfm_workflow.web.pages import See, Shown, Visit, page
from cfm_workflow.web.speech import say
from cfm_workflow.web.speech import say_many as ngettext

_DEFAULTS: Final = {"anyway": False, "include_contact": False, "days": 14}
_QUEUED: Final = mark("The mail leaves in 30 seconds.")
_BACK: Final = mark("The mail is taken back.")
_RECORDED: Final = mark("Recorded.")
_ENDED: Final = mark("The share is ended: its link shows nothing any more.")
_SOLVED: Final = mark("The customer is told that it is solved.")
_NOTHING: Final = mark("Please fill this in.")


@page("GET", "/feedback/<id:feedback_id>/reply/form", "reply_form", right="message.write")
def reply_form(visit: Visit, feedback_id: int) -> Shown:
    """The form of a reply, filled from the template that was chosen."""
    chosen = visit.query.get("template", "")
    filled: dict[str, Any] = {}
    if is_number(chosen) and int(chosen):
        filled = templates_operations.preview(
            visit.session, visit.caller, {"feedback": feedback_id}, template_id=int(chosen)
        )
        filled["template"] = int(chosen)
    shown = item.shown(visit, feedback_id, way="reply", extra={"message": filled})
    return Shown(shown.template, shown.values, fragment="feedback/write/reply.html")


def _reply_again(visit: Visit, feedback_id: int) -> Shown:
    """The form once more; with what went out meanwhile, if that is what is wrong."""
    last = messages_query.last_outgoing(visit.session, feedback_id)
    another = None
    if last is not None and str(last.id) != visit.form.get("last_message", ""):
        seen = messages_query.of_ids(visit.session, visit.caller, [last.id])[last.id]
        another = timeline.message_shown(seen)
    return item.shown(visit, feedback_id, way="reply", extra={"another": another})


@page("POST", "/feedback/<id:feedback_id>/reply", "reply", right="message.write", again=_reply_again)
def reply(visit: Visit, feedback_id: int) -> See:
    """Write to the customer: it leaves in half a minute unless it is taken back."""
    body = load(MessageIn(), _written(visit) | {"to": "customer"})
    wish = visit.service.settings.tell_customer
    fields = _DEFAULTS | dict(body)
    [made] = writing.write(visit.session, visit.caller, feedback_id, fields, wish=wish, now=visit.now)
    return See(f"/feedback/{feedback_id}", Said(say(_QUEUED), f"/messages/{made['id']}/cancel"))


@page(
    "POST",
    "/feedback/<id:feedback_id>/reply/look",
    "look_at_reply",
    right="message.write",
    again=_reply_again,
    once=False,
)
def look(visit: Visit, feedback_id: int) -> Shown:
    """How the mail will read, beside the form that still holds it."""
    body = load(MessageIn(), _written(visit) | {"to": "customer"})
    row = feedback_query.find(visit.session, visit.caller, feedback_id)
    mail = filling.preview(visit.session, visit.caller, row, _DEFAULTS | dict(body))
    shown = item.shown(visit, feedback_id, way="reply", extra={"preview": mail, "message": visit.form})
    return Shown(shown.template, shown.values, fragment="feedback/reply_preview.html")


def _written(visit: Visit) -> dict[str, Any]:
    """What was filled in of a mail to the customer, as the API has it."""
    form = visit.form
    given: dict[str, Any] = {name: typed for name in ("subject", "body") if (typed := form.get(name, "")).strip()}
    if "body" not in given:
        raise Invalid({"body": [_NOTHING]})
    if is_number(form.get("template", "")):
        given["template"] = int(form["template"])
    seen = form.get("last_message", "")
    given["last_message"] = int(seen) if is_number(seen) else None
    return given


def _call_again(visit: Visit, feedback_id: int) -> Shown:
    return item.shown(visit, feedback_id, way="call")


@page("POST", "/feedback/<id:feedback_id>/calls", "record_call", right="message.write", again=_call_again)
def record_call(visit: Visit, feedback_id: int) -> See:
    """Record a call or another word that was exchanged elsewhere."""
    form = visit.form
    given: dict[str, Any] = {name: form.get(name, "").strip() for name in ("channel", "direction", "body")}
    if made_at := form.get("made_at", "").strip():
        given["made_at"] = read_moment(made_at, visit.reader)
    body = load(MessageIn(), given)
    contacts.record(visit.session, visit.caller, feedback_id, body, now=visit.now)
    return See(f"/feedback/{feedback_id}", Said(say(_RECORDED)))


def _share_again(visit: Visit, feedback_id: int) -> Shown:
    return item.shown(visit, feedback_id, way="share")


@page("POST", "/feedback/<id:feedback_id>/shares", "share_item", right="message.write", again=_share_again)
def share(visit: Visit, feedback_id: int) -> See:
    """Let others read the item: each gets a mail with a link of their own."""
    form = visit.form
    to = form.get("to", "").replace(",", " ").replace(";", " ").split()
    if not to:
        raise Invalid({"to": [_NOTHING]})
    given: dict[str, Any] = {"to": to, "language": form.get("language") or LANGUAGES[0]}
    days = form.get("days", "")
    given["days"] = int(days) if is_number(days) else 14
    given["body"] = form.get("body", "")
    if form.get("include_contact"):
        given["include_contact"] = True
    try:
        body = load(MessageIn(), given)
    except Invalid as wrong:
        raise Invalid({"to" if name.startswith("to.") else name: said for name, said in wrong.errors.items()}) from None
    wish = visit.service.settings.tell_customer
    fields = _DEFAULTS | dict(body)
    made = writing.write(visit.session, visit.caller, feedback_id, fields, wish=wish, now=visit.now)
    text = ngettext("Shared with %(n)s person.", "Shared with %(n)s people.", len(made)) % {"n": len(made)}
    return See(f"/feedback/{feedback_id}", Said(text, f"/messages/{made[0]['id']}/cancel" if len(made) == 1 else None))


@page("POST", "/messages/<id:message_id>/cancel", "cancel_message", right="message.write")
def cancel(visit: Visit, message_id: int) -> See:
    """Take back a mail that has not left."""
    feedback_id = messages_query.find(visit.session, visit.caller, message_id).feedback_id
    writing.cancel(visit.session, visit.caller, message_id, now=visit.now)
    return See(f"/feedback/{feedback_id}", Said(say(_BACK)))


@page("POST", "/shares/<id:share_id>/end", "end_share", right="message.write")
def end_share(visit: Visit, share_id: int) -> See:
    """End a share."""
    feedback_id = shares_query.find(visit.session, visit.caller, share_id).feedback_id
    sharing.revoke(visit.session, visit.caller, share_id, now=visit.now)
    return See(f"/feedback/{feedback_id}", Said(say(_ENDED)))


@page("POST", "/feedback/<id:feedback_id>/tell-solved", "tell_solved", right="message.write")
def tell_solved(visit: Visit, feedback_id: int) -> See:
    """Tell the customer that it is solved."""
    wish = visit.service.settings.tell_customer
    told = closing.tell_solved(visit.session, visit.caller, feedback_id, wish=wish, now=visit.now)
    return See(f"/feedback/{feedback_id}", Said(say(_SOLVED), f"/messages/{told['id']}/cancel"))
