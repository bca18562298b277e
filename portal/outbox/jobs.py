"""The job queue: Huey on SQLite or Redis. It only says when to look; what is owed stands in the outbox."""

import logging
from collections.abc import Callable

from flask import Flask
from huey import RedisHuey, SqliteHuey, crontab
from huey.api import Huey
from sqlalchemy.exc import SQLAlchemyError

from portal.database import db, transaction
from portal.kernel.acting import acting
from portal.kernel.clock import real_now
from portal.outbox.models import WorkerSign
from portal.outbox.services import follow_up

log = logging.getLogger(__name__)

Job = Callable[[], object]
_regular: list[Job] = []
_prompt: list[Job] = []


def each_minute(job: Job) -> Job:
    """Register what the worker does every minute, besides following up the outbox."""
    _regular.append(job)
    return job


def each_time(job: Job) -> Job:
    """Register what the worker does whenever it is woken, and every minute."""
    _prompt.append(job)
    return job


def build_queue(app: Flask) -> Huey:
    """The queue of this application, with its tasks; `app.extensions["wake_worker"]` then wakes the worker."""
    queue: Huey
    if app.config["REDIS_URL"]:
        queue = RedisHuey("portal", url=app.config["REDIS_URL"], results=False)
    else:
        # Not synced to the disk: a lost hint costs a minute, never a mail.
        queue = SqliteHuey("portal", filename=str(app.config["PORTAL_DATA"] / "jobs.db"), results=False, fsync=False)

    @queue.task()  # type: ignore[untyped-decorator]
    def look() -> None:
        _run(app, [*_prompt, follow_up])

    @queue.periodic_task(crontab(minute="*"))  # type: ignore[untyped-decorator]
    def tick() -> None:
        run_all(app)

    app.extensions["wake_worker"] = look
    return queue


def run_all(app: Flask) -> None:
    """Everything that is due."""
    _run(app, [sign_of_life, *_regular, *_prompt, follow_up])


def _run(app: Flask, jobs: list[Job]) -> None:
    """Each job by itself: one that fails keeps no other from running, and comes again in a minute."""
    acting.set("worker")
    for job in jobs:
        with app.app_context():
            try:
                job()
            except SQLAlchemyError as error:
                db.session.rollback()
                log.error("%s: the database says %s", job.__name__, type(error).__name__)
            except Exception:
                db.session.rollback()
                log.exception("%s failed", job.__name__)


def sign_of_life() -> None:
    with transaction() as session:
        session.merge(WorkerSign(name="worker", seen_at=real_now().timestamp()))


