"""What people have for themselves: their sessions, password, language and clock."""

from __future__ import annotations

from sqlalchemy import String, bindparam, literal_column, select

from inventario.database import db, reads, saw, writes
from inventario.models import EndedSession, Person, User
from inventario.services import audit, submissions
from inventario.services.actors import Actor

# every request asks for it, and in the same statement as of when its server answers
_OF_SESSION = (
    select(
        User.id,
        User.username,
        User.role,
        User.must_change_password,
        User.language,
        User.time_zone,
        literal_column("@@GLOBAL.gtid_executed", String),
    )
    .outerjoin(EndedSession, EndedSession.session_id == bindparam("session_id"))
    .where(
        User.id == bindparam("user_id"),
        User.active,
        User.session_version == bindparam("session_version"),
        EndedSession.session_id.is_(None),
    )
)


class SessionOver(Exception):
    """Somebody ended this person's sessions at this very moment."""


@reads
def of_session(user_id: int, session_id: str, version: int) -> Person | None:
    """The active user of a session that neither ended nor began before all of theirs were ended."""
    session = {"session_id": session_id, "user_id": user_id, "session_version": version}
    row = db.session.connection().execute(_OF_SESSION, session).one_or_none()
    if row is None:
        return None
    *columns, executed = row
    saw(executed)
    return Person(*columns)


@writes(repeatable=True)
def change_password(confirmed: User, password_hash: str, *, actor: Actor, submission_key: str) -> int:
    """Give oneself another password and end one's sessions; the number that the present one goes on with.

    :param confirmed: who gave the right password just now (see logins.confirm).
    """
    try:
        submissions.count(submission_key, confirmed.id, "password")
    except submissions.AlreadyCounted:
        return db.session.get_one(User, confirmed.id).session_version
    user = db.session.get_one(User, confirmed.id, with_for_update=True)
    if user.session_version != confirmed.session_version or not user.active:
        raise SessionOver
    user.password_hash = password_hash
    user.must_change_password = False
    user.session_version += 1
    user.version += 1
    audit.record(actor, "user.password_changed", subject_type="user", subject_id=user.id, subject=user.username)
    return user.session_version


@writes(repeatable=True)
def save_preferences(language: str | None, time_zone: str | None, *, actor: Actor) -> None:
    """How somebody reads; None: as their browser says. The same when done twice, and nothing to audit."""
    user = db.session.get_one(User, actor.user_id)
    user.language = language
    user.time_zone = time_zone
