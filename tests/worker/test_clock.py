"""The clock: which jobs there are, that they are called, and what they do for the database."""

import sqlite3
import threading
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text

from cfm_workflow import clock
from cfm_workflow.models import IdempotencyKey, Installation
from cfm_workflow.service import Service
from cfm_workflow.worker import clock as worker_clock
from cfm_workflow.worker import upkeep
from cfm_workflow.worker.clock import JOBS, Clock, Job, Part
from tests.ledger.telling import mails
from tests.world import World


def test_every_tick_leaves_a_sign_of_life(service: Service, noon: datetime) -> None:
    upkeep.beat(service)
    with service.database.reading() as session:
        assert session.scalars(select(Installation.clock_at)).one() == noon


def test_supervisors_hear_once_that_the_clock_stands_still_and_that_it_goes_again(world: World, noon: datetime) -> None:
    upkeep.watch_clock(world.service)  # it has never ticked: nobody has begun yet
    upkeep.beat(world.service)
    clock.freeze(noon + timedelta(minutes=5, seconds=-1))
    upkeep.watch_clock(world.service)
    assert world.events(types="scheduler.stalled") == []
    clock.freeze(noon + timedelta(minutes=5))
    for _ in range(2):
        upkeep.watch_clock(world.service)
    [stalled] = world.events(types="scheduler.stalled")
    assert stalled["data"]["scheduler"]["last_tick_at"] == "2026-11-23T12:00:00Z"
    assert sorted(person["name"] for person in stalled["data"]["told"]) == ["Ada", "Sam"]
    assert sorted(mails(world, "pending")) == ["Ada", "Sam"]
    for _ in range(2):
        upkeep.beat(world.service)
    assert len(world.events(types="scheduler.resumed")) == 1


def test_answers_are_forgotten_after_a_day(world: World, noon: datetime) -> None:
    world.olga.post("/feedback", {"text": "Once"}, headers={"Idempotency-Key": "k1"})

    def kept() -> int:
        with world.service.database.reading() as session:
            return len(session.scalars(select(IdempotencyKey.key)).all())

    clock.freeze(noon + timedelta(hours=24))
    upkeep.forget_old_answers(world.service)
    assert kept() == 1
    clock.freeze(noon + timedelta(hours=24, seconds=1))
    upkeep.forget_old_answers(world.service)
    assert kept() == 0


def test_a_long_log_of_sqlite_is_cut(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    service = small_world.service
    small_world.feedback()
    assert service.settings.sqlite_file is not None
    wal = service.settings.sqlite_file.with_name("cfm.sqlite-wal")
    assert wal.stat().st_size > 0
    upkeep.shorten_wal(service)
    assert wal.stat().st_size > 0
    monkeypatch.setattr(upkeep, "LONGEST_WAL", 0)
    upkeep.shorten_wal(service)
    assert wal.stat().st_size == 0


def test_a_reader_keeps_the_log_but_holds_up_nobody(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    service = small_world.service
    monkeypatch.setattr(upkeep, "LONGEST_WAL", 0)
    monkeypatch.setattr(upkeep, "PATIENCE_SECONDS", 0)
    with service.database.reading() as session:
        session.execute(text("SELECT count(*) FROM accounts")).one()
        small_world.feedback()
        upkeep.shorten_wal(service)
    assert small_world.feedback()["id"] == 2


def test_the_jobs_run_at_once_and_an_error_stops_nothing(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    failed, went_on = threading.Event(), threading.Event()

    def fails(service: Service) -> None:
        if failed.is_set():
            went_on.set()
        failed.set()
        raise sqlite3.OperationalError("no such table")

    often = timedelta(milliseconds=10)
    monkeypatch.setattr(worker_clock, "JOBS", (Job(fails, often, Part.SCHEDULER), *JOBS))
    ticking = Clock(small_world.service)
    ticking.start()
    assert went_on.wait(10)
    ticking.stop()
    assert small_world.service.stopping.is_set()


def test_no_two_jobs_share_a_name() -> None:
    assert len({job.tick.__name__ for job in JOBS}) == len(JOBS)


def test_a_log_of_postgresql_is_none_of_our_business(small_world: World) -> None:
    service = small_world.service
    elsewhere = replace(service.settings, database_url="postgresql+psycopg://nobody@nowhere/nothing")
    upkeep.shorten_wal(replace(service, settings=elsewhere))
