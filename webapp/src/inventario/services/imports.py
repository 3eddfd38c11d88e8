"""Imports: what was sent, how far it is, and who works on it. Any node can tell, and go on."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, select, text, update

from inventario.database import db, reads, reads_latest, writes
from inventario.models import ImportJob, ImportRow, User
from inventario.services import submissions
from inventario.services.actors import Actor

READING = "reading"
CHECKED = "checked"
RUNNING = "running"
DONE = "done"
FAILED = "failed"

# of problems and rows
SHOWN_PROBLEMS = 200
SHOWN_ROWS = 20
KEPT_DAYS = 7
# whoever works on an import says so every few seconds; after so long their node is gone
SILENT_SECONDS = 30
_BATCH = 1000


class NotReady(Exception):
    """This import cannot be taken over: it is not checked, has problems, or is being taken over."""


class Superseded(Exception):
    """Somebody else works on this import now."""


@dataclass(frozen=True)
class Problem:
    """`row` as the person's own program counts, None for the file as a whole; `column` as it is called."""

    row: int | None
    column: str
    message: str


@dataclass(frozen=True)
class Job:
    id: str
    filename: str
    username: str
    state: str
    total_rows: int
    done_rows: int
    problem_count: int
    created_at: datetime.datetime
    finished_at: datetime.datetime | None
    # it is said to be at work, and nobody is
    interrupted: bool
    problems: Sequence[Problem] = field(default=())
    # None: it was never read to its end
    summary: dict[str, Any] | None = None

    @property
    def at_work(self) -> bool:
        return self.state in (READING, RUNNING) and not self.interrupted

    @property
    def can_run(self) -> bool:
        if self.state == CHECKED:
            return self.problem_count == 0 and self.total_rows > 0
        return self.summary is not None and (
            self.state == FAILED or (self.state == RUNNING and self.interrupted)
        )


@writes(repeatable=True)
def begin(filename: str, fingerprint: str, *, actor: Actor, submission_key: str) -> tuple[str, str | None]:
    """A new import that is about to be read; its id, and the claim of whoever is to read it.

    The same form again finds the first one's import, and goes on with it (a claim) only if nobody does.
    """
    job_id, claim = uuid.uuid4().hex, uuid.uuid4().hex
    try:
        submissions.count(submission_key, actor.user_id, job_id, fingerprint)
    except submissions.AlreadyCounted as earlier:
        job_id = earlier.subject
        _, interrupted = _lock(job_id)
        if not interrupted:
            return job_id, None
        db.session.execute(_claim(job_id, READING, claim))
        return job_id, claim
    db.session.add(
        ImportJob(
            id=job_id,
            user_id=actor.user_id,
            filename=filename[:200],
            state=READING,
            claim=claim,
            heartbeat_at=func.utc_timestamp(6),
        )
    )
    return job_id, claim


@writes(repeatable=True)
def start(job_id: str, *, actor: Actor, submission_key: str) -> str | None:
    """The claim of whoever is to take this import over; None when this form has been counted before.

    :raise NotReady: it has problems, or somebody is at it already.
    """
    try:
        submissions.count(submission_key, actor.user_id, job_id)
    except submissions.AlreadyCounted:
        return None
    _lock(job_id)
    job = find(job_id)
    if job is None or not job.can_run:
        raise NotReady
    claim = uuid.uuid4().hex
    db.session.execute(_claim(job_id, RUNNING, claim).values(done_rows=0, problems=None, problem_count=0))
    return claim


@writes(repeatable=True)
def give_back(job_id: str, claim: str) -> None:
    """This node cannot do it now."""
    db.session.execute(mine(job_id, claim).values(state=CHECKED, claim=None))


@writes(repeatable=True)
def note_progress(job_id: str, claim: str, **figures: int) -> None:
    """Somebody is at work, and so far.

    :raise Superseded: they should stop.
    """
    row = mine(job_id, claim).values(heartbeat_at=func.utc_timestamp(6), **figures)
    if db.session.execute(row).rowcount != 1:  # type: ignore[attr-defined]
        raise Superseded


@writes(repeatable=True)
def fail(job_id: str, claim: str, problems: Sequence[Problem], count: int | None = None) -> None:
    """It did not work, and nothing of it is there."""
    db.session.execute(
        mine(job_id, claim).values(
            state=FAILED,
            claim=None,
            done_rows=0,
            finished_at=func.utc_timestamp(6),
            problems=as_json(problems[:SHOWN_PROBLEMS]),
            problem_count=len(problems) if count is None else count,
        )
    )


@reads_latest
def find(job_id: str) -> Job | None:
    found = db.session.execute(_with_user(ImportJob.id == job_id)).one_or_none()
    return None if found is None else _job(found)


@reads
def latest() -> Sequence[Job]:
    rows = _with_user().order_by(ImportJob.created_at.desc()).limit(20)
    return [_job(row) for row in db.session.execute(rows)]


@reads
def first_rows(job_id: str) -> Sequence[dict[str, Any]]:
    rows = select(ImportRow.fields).where(ImportRow.job_id == job_id).order_by(ImportRow.number)
    return db.session.scalars(rows.limit(SHOWN_ROWS)).all()


def all_problems(job: Job) -> Iterator[Problem]:
    """Of the file, then row by row; read in pieces."""
    yield from (problem for problem in job.problems if problem.row is None)
    after = 0
    while rows := _rows_with_problems(job.id, after):
        for number, found in rows:
            yield from (Problem(number, problem["column"], problem["message"]) for problem in found)
        after = rows[-1][0]


@reads
def _rows_with_problems(job_id: str, after: int) -> Sequence[tuple[int, list[dict[str, str]]]]:
    rows = (
        select(ImportRow.number, ImportRow.problems)
        .where(ImportRow.job_id == job_id, ImportRow.number > after, ImportRow.problems.is_not(None))
        .order_by(ImportRow.number)
        .limit(_BATCH)
    )
    return [(number, problems or []) for number, problems in db.session.execute(rows)]


def purge(connection: Connection) -> int:
    """Forget imports of long ago, their rows first and in small transactions; how many."""
    old = ImportJob.created_at < func.utc_timestamp(6) - text(f"INTERVAL {KEPT_DAYS} DAY")
    jobs = connection.scalars(select(ImportJob.id).where(old).limit(1000)).all()
    connection.rollback()
    for job_id in jobs:
        some = delete(ImportRow).where(ImportRow.job_id == job_id).with_dialect_options(mysql_limit=5000)
        while connection.execute(some).rowcount:
            connection.commit()
        connection.execute(delete(ImportJob).where(ImportJob.id == job_id))
        connection.commit()
    return len(jobs)


def mine(job_id: str, claim: str) -> Any:
    """An update of an import that only counts for whoever works on it."""
    return update(ImportJob).where(ImportJob.id == job_id, ImportJob.claim == claim)


def as_json(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    return [{"row": problem.row, "column": problem.column, "message": problem.message} for problem in problems]


def _claim(job_id: str, state: str, claim: str) -> Any:
    return (
        update(ImportJob)
        .where(ImportJob.id == job_id)
        .values(state=state, claim=claim, heartbeat_at=func.utc_timestamp(6), finished_at=None)
    )


def _silent() -> ColumnElement[bool]:
    latest = func.utc_timestamp(6) - text(f"INTERVAL {SILENT_SECONDS} SECOND")
    return ImportJob.state.in_((READING, RUNNING)) & (ImportJob.heartbeat_at < latest)


def _lock(job_id: str) -> tuple[str, bool]:
    """Its state, and whether nobody is at it any more; nobody else changes it until this unit of work ends."""
    row = select(ImportJob.state, _silent()).where(ImportJob.id == job_id).with_for_update()
    found = db.session.execute(row).one_or_none()
    return ("", False) if found is None else (found[0], bool(found[1]))


def _with_user(*conditions: ColumnElement[bool]) -> Any:
    return (
        select(ImportJob, User.username, _silent()).join(User, User.id == ImportJob.user_id).where(*conditions)
    )


def _job(row: Row[ImportJob, str, bool]) -> Job:
    job, username, silent = row
    return Job(
        id=job.id,
        filename=job.filename,
        username=username,
        state=job.state,
        total_rows=job.total_rows,
        done_rows=job.done_rows,
        problem_count=job.problem_count,
        created_at=job.created_at,
        finished_at=job.finished_at,
        interrupted=bool(silent),
        problems=[Problem(**problem) for problem in job.problems or []],
        summary=job.summary,
    )
