"""Routes of the ledger: the feed and the event types."""

from typing import Any

from cfm_workflow import access
from cfm_workflow.api.event_schemas import event_types, thin_json_schema
from cfm_workflow.api.routing import Ask, Reply, route
from cfm_workflow.forms.events import EventTypesOut, FeedOut, FeedQuery
from cfm_workflow.queries import events as events_query

TAG = "events"


@route("GET", "/events", "listEvents", tag=TAG, right="events.read", query=FeedQuery, answers={200: FeedOut})
def list_events(ask: Ask) -> Any:
    """The feed: events after a position, none ever skipped; read on from `last_position`."""
    audit = access.allows(ask.caller, "events.audit")
    return Reply(events_query.feed(ask.session, ask.caller, ask.query, audit=audit))


@route("GET", "/event-types", "listEventTypes", tag=TAG, right="self.read", answers={200: EventTypesOut})
def list_event_types(ask: Ask) -> Any:
    """Every event type with its JSON Schema and a sample."""
    return {"items": event_types(ask.session), "thin_json_schema": thin_json_schema()}
