"""Is it alive, is it ready, how is it doing: `/healthz`, `/readyz`, `/metrics`. No sign-in; details for a few only."""

import ipaddress
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from flask import Flask, Response, current_app, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from sqlalchemy.exc import DBAPIError

from cfm_workflow import access, clock, migrating
from cfm_workflow.access import Caller
from cfm_workflow.api.signin import signed_in
from cfm_workflow.errors import CfmError, Forbidden, NotReady
from cfm_workflow.queries import health as health_query
from cfm_workflow.service import Service

CLOCK_MAY_STAND: Final = timedelta(seconds=30)


def register(app: Flask, service: Service) -> None:
    """Add the pages, and count every answer."""
    began = clock.now()
    metrics = Metrics()
    app.add_url_rule("/healthz", "healthz", lambda: _json({"status": "ok"}))
    app.add_url_rule("/readyz", "readyz", lambda: _readyz(service, began))
    app.add_url_rule("/metrics", "metrics", lambda: _metrics(service, metrics))
    app.before_request(_start)
    app.after_request(metrics.count)


class Metrics:
    """Counters of this process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        names = ["operation", "method", "status"]
        self.requests = Counter("cfm_requests", "Answers given.", names, registry=self.registry)
        self.seconds = Histogram("cfm_request_seconds", "Time to the answer.", ["operation"], registry=self.registry)
        self.clock_age = Gauge("cfm_clock_age_seconds", "Since the last tick of the clock.", registry=self.registry)
        self.drift = Gauge(
            "cfm_clock_drift_seconds", "This machine's clock ahead of the database's.", registry=self.registry
        )
        self.reminders_lag = Gauge(
            "cfm_reminders_lag_seconds", "How long the oldest reminder that is due has waited.", registry=self.registry
        )
        self.horizon_age = Gauge(
            "cfm_feed_horizon_age_seconds", "Age of the oldest open write transaction.", registry=self.registry
        )
        self.waiting_imports = Gauge("cfm_imports_waiting", "Imports not finished.", registry=self.registry)
        self.worker_age = Gauge("cfm_worker_age_seconds", "Since the last tick of a worker.", registry=self.registry)
        self.waiting = Gauge("cfm_deliveries_waiting", "Mails and webhooks that are due.", registry=self.registry)
        self.streams = Gauge("cfm_streams_open", "Live streams of this process.", registry=self.registry)
        self.given_up = Gauge("cfm_mails_given_up", "Mails that never arrived, of those kept.", registry=self.registry)
        self.oldest = Gauge(
            "cfm_deliveries_oldest_seconds", "How long the oldest of them has waited.", registry=self.registry
        )

    def count(self, response: Response) -> Response:
        counter, seconds = self._of(request.endpoint or "none", request.method, response.status_code)
        counter.inc()
        if (began := g.get("began")) is not None:
            seconds.observe(clock.stopwatch() - began)
        return response

    def _of(self, operation: str, method: str, status: int) -> tuple[Counter, Histogram]:
        """The two that belong to an answer; looked up by their labels once, not at every request."""
        found = self._known.get((operation, method, status))
        if found is None:
            counter = self.requests.labels(operation, method, str(status))
            found = self._known[operation, method, status] = counter, self.seconds.labels(operation)
        return found


def _start() -> None:
    g.began = clock.stopwatch()


def _readyz(service: Service, began: datetime) -> Response:
    """503 only when the database cannot be reached, migrations are missing, or the clock has stood still."""
    now = clock.now()
    facts: dict[str, Any] = {"status": "ok"}
    try:
        migrating.check(service.database)
        with service.database.reading() as session:
            state = health_query.state(session, now=now)
    except NotReady as reason:
        facts = {"status": "not ready", "reason": str(reason)}
    except DBAPIError:
        facts = {"status": "not ready", "reason": "The database cannot be reached."}
    else:
        facts |= state
        last = state["clock_at"]
        if now - began > CLOCK_MAY_STAND and (last is None or now - last > CLOCK_MAY_STAND):
            facts |= {"status": "not ready", "reason": "The clock stands still: is a scheduler running?"}
    status = 200 if facts["status"] == "ok" else 503
    if not _may_see_details(service):
        facts = {"status": facts["status"]}
    return _json(facts, status)


def _metrics(service: Service, metrics: Metrics) -> Response:
    if not _may_see_details(service):
        raise Forbidden("settings.manage", "Metrics are for CFM_METRICS_NETWORKS or an administrator's token.")
    now = clock.now()
    with service.database.reading() as session:
        state = health_query.state(session, now=now)
    for gauge, last in ((metrics.clock_age, state["clock_at"]), (metrics.worker_age, state["worker_at"])):
        gauge.set((now - last).total_seconds() if last else float("nan"))
    metrics.drift.set(state["clock_drift_seconds"])
    metrics.reminders_lag.set(state["reminders_lag_seconds"])
    metrics.streams.set(current_app.extensions["cfm_listener"].open_streams)
    metrics.waiting.set(state["deliveries_waiting"])
    metrics.given_up.set(state["mails_given_up"])
    metrics.oldest.set(state["oldest_delivery_seconds"])
    metrics.horizon_age.set(state["horizon_age_seconds"])
    metrics.waiting_imports.set(state["imports_waiting"])
    return Response(generate_latest(metrics.registry), content_type=CONTENT_TYPE_LATEST)


def _may_see_details(service: Service) -> bool:
    address = ipaddress.ip_address(request.remote_addr or "::")
    if any(address in network for network in service.settings.metrics_networks if network.version == address.version):
        return True
    if "Authorization" not in request.headers:
        return False
    try:
        with service.database.reading() as session:
            caller: Caller = signed_in(service, session, now=clock.now())
    except CfmError:
        return False
    return access.allows(caller, "settings.manage")


def _json(body: dict[str, Any], status: int = 200) -> Response:
    text = orjson.dumps(body, option=orjson.OPT_UTC_Z)
    response = Response(text, status=status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
