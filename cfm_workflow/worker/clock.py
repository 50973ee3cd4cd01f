"""The clock: what is done again and again, and how often. Started after any fork; it holds no state of its own."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from cfm_workflow import clock
from cfm_workflow.service import Service
from cfm_workflow.worker.absences import turn_absences
from cfm_workflow.worker.closing import ask_customers, assume_answers, raise_silence, settle_items
from cfm_workflow.worker.digests import send_digests
from cfm_workflow.worker.importing import forget_uploads, run_imports
from cfm_workflow.worker.mail import empty_outbox
from cfm_workflow.worker.merging import merge_labels
from cfm_workflow.worker.reckoning import follow_calendars
from cfm_workflow.worker.reminders import tell_reminders
from cfm_workflow.worker.rolling import roll_up_reports
from cfm_workflow.worker.upkeep import (
    beat,
    beat_of_worker,
    forget_old_answers,
    forget_old_attempts,
    forget_old_links,
    forget_old_sessions,
    shorten_wal,
    watch_clock,
)
from cfm_workflow.worker.waiting import resume_due
from cfm_workflow.worker.webhooks import forget_deliveries, replay_to_webhooks, watch_webhooks
from cfm_workflow.worker.weekly import send_reports


class Part(StrEnum):
    """Which of the parts of a distributed service does a job: `cfm scheduler` or `cfm worker`. `cfm serve` does all."""

    SCHEDULER = "scheduler"
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class Job:
    """A function that is called with the service. It may run in several processes at once and must not mind.

    One that takes longer than a second looks at `service.stopping` now and then.
    """

    tick: Callable[[Service], None]
    every: timedelta
    part: Part


JOBS: Final[tuple[Job, ...]] = (
    # what                    how often               who
    Job(beat,                 timedelta(seconds=5),   Part.SCHEDULER),
    Job(beat_of_worker,       timedelta(seconds=5),   Part.WORKER),
    Job(watch_clock,          timedelta(minutes=1),   Part.WORKER),
    Job(resume_due,           timedelta(seconds=5),   Part.SCHEDULER),
    Job(turn_absences,        timedelta(seconds=5),   Part.SCHEDULER),
    Job(tell_reminders,       timedelta(seconds=1),   Part.SCHEDULER),
    Job(send_digests,         timedelta(minutes=1),   Part.SCHEDULER),
    Job(send_reports,         timedelta(minutes=1),   Part.SCHEDULER),
    Job(follow_calendars,     timedelta(seconds=2),   Part.SCHEDULER),
    Job(merge_labels,         timedelta(seconds=2),   Part.SCHEDULER),
    Job(settle_items,         timedelta(seconds=5),   Part.SCHEDULER),
    Job(ask_customers,        timedelta(seconds=5),   Part.SCHEDULER),
    Job(assume_answers,       timedelta(minutes=1),   Part.SCHEDULER),
    Job(raise_silence,        timedelta(minutes=1),   Part.SCHEDULER),
    Job(roll_up_reports,      timedelta(seconds=30),  Part.SCHEDULER),
    Job(run_imports,          timedelta(seconds=2),   Part.WORKER),
    Job(replay_to_webhooks,   timedelta(seconds=1),   Part.WORKER),
    Job(watch_webhooks,       timedelta(minutes=1),   Part.SCHEDULER),
    Job(shorten_wal,          timedelta(minutes=1),   Part.SCHEDULER),
    Job(forget_old_attempts,  timedelta(hours=1),     Part.SCHEDULER),
    Job(forget_uploads,       timedelta(hours=1),     Part.WORKER),
    Job(empty_outbox,         timedelta(hours=1),     Part.WORKER),
    Job(forget_old_answers,   timedelta(hours=1),     Part.SCHEDULER),
    Job(forget_old_links,     timedelta(hours=1),     Part.SCHEDULER),
    Job(forget_old_sessions,  timedelta(hours=1),     Part.SCHEDULER),
    Job(forget_deliveries,    timedelta(hours=1),     Part.SCHEDULER),
)  # fmt: skip


class Clock:
    """Runs the jobs of some parts in threads of this process. An error is logged, and the next tick comes."""

    def __init__(self, service: Service, parts: Collection[Part] = tuple(Part)) -> None:
        self._service = service
        jobs = [job for job in JOBS if job.part in parts]
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(max(len(jobs), 1))},
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
            timezone="UTC",
        )
        for job in jobs:
            self._scheduler.add_job(
                job.tick,
                "interval",
                seconds=job.every.total_seconds(),
                args=[service],
                id=job.tick.__name__,
                next_run_time=clock.now(),  # and at once
            )

    def start(self) -> None:
        """Begin ticking; after any fork, threads do not come along."""
        self._scheduler.start()

    def stop(self) -> None:
        """End the jobs under way and tick no more."""
        self._service.stop()
        self._scheduler.shutdown(wait=True)
