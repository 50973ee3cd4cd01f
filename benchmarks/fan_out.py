"""How long it takes to give work on one item to a thousand people in one request."""

import statistics
from time import perf_counter

from sqlalchemy import insert, text

from benchmarks.databases import place
from benchmarks.seed import seed
from cfm_workflow import clock, create_app
from cfm_workflow.models import Account

PEOPLE = 1_000
AT_MOST_SECONDS = 1.0


def run(kind: str, *, rounds: int) -> None:
    """Time requests on one kind of database and print the median."""
    with place(kind) as where:
        first = seed(where, actions=100, open_per_person=1)[0]
        names = where.service.database.transaction(_many_people)
        client = create_app(where.service).test_client()
        headers = {"Authorization": f"Bearer {first.token}"}
        seconds = []
        for item in range(1, rounds + 1):
            body = {"title": "Read this", "assignees": [{"user": name} for name in names], "due_in": "P2D"}
            began = perf_counter()
            answer = client.post(f"/api/v1/feedback/{item}/actions", json=body, headers=headers)
            seconds.append(perf_counter() - began)
            if answer.status_code != 201 or len(answer.json["actions"]) != PEOPLE:
                raise RuntimeError(f"answered {answer.status_code}: {answer.text[:400]}")
    median = statistics.median(seconds)
    verdict = "as promised" if kind == "sqlite" or median <= AT_MOST_SECONDS else f"more than {AT_MOST_SECONDS} s"
    print(f"\n{kind}: fan-out to {PEOPLE:,} people in one request: {median:.2f} s, {verdict}")


def _many_people(session) -> list[str]:
    names = [f"someone{n}@example.com" for n in range(PEOPLE)]
    rows = [
        {"id": 10_000 + n, "kind": "user", "name": f"Someone {n}", "email": name, "role": "agent", "language": "en",
         "time_zone": "UTC", "active": True, "scopes": None, "owner_id": None, "version": 1, "created_at": clock.now()}
        for n, name in enumerate(names)
    ]  # fmt: skip
    session.execute(insert(Account.__table__), rows)
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT setval(pg_get_serial_sequence('accounts', 'id'), max(id)) FROM accounts"))
    return names
