"""Who works here: what administrators do with the users of the application.

Every change names the version of the user that was seen: whoever changed them in between is not overwritten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select, update
from sqlalchemy.exc import IntegrityError

from inventario.database import db, duplicate_key, reads, writes
from inventario.models import ApiToken, User
from inventario.models.users import ADMINISTRATOR
from inventario.services import audit, submissions
from inventario.services.actors import Actor
from inventario.services.products import normalise

PAGE_ROWS = 50


class NameTaken(Exception):
    """Another user has this name already."""


class LastAdministrator(Exception):
    """Nobody could manage the users any more."""


class Outdated(Exception):
    """Somebody changed this user since they were seen."""


class NoSuchUser(Exception):
    """There is no user with this id."""


@dataclass(frozen=True)
class NewUser:
    username: str
    role: str
    password_hash: str


@dataclass(frozen=True)
class Page:
    """Users in the order of their names. `after` is the name from which the next page starts."""

    users: Sequence[User]
    after: str | None


@reads
def page(search: str = "", *, after: str = "") -> Page:
    wanted = select(User).order_by(User.username).limit(PAGE_ROWS + 1)
    if normalise(search):
        wanted = wanted.where(User.username.contains(normalise(search), autoescape=True))
    if after:
        wanted = wanted.where(User.username > after)
    found = db.session.scalars(wanted).all()
    users = found[:PAGE_ROWS]
    return Page(users, users[-1].username if len(found) > PAGE_ROWS else None)


@reads
def find(user_id: int) -> User:
    user = db.session.get(User, user_id)
    if user is None:
        raise NoSuchUser
    return user


@writes(repeatable=True)
def create(new: NewUser, *, actor: Actor, submission_key: str) -> int:
    """Add a user with a first password, which they must change; their id."""
    try:
        content = submissions.fingerprint("user.created", new.username, new.role)
        submissions.count(submission_key, actor.user_id, "", content)
    except submissions.AlreadyCounted as earlier:
        return int(earlier.subject)
    user = User(
        username=new.username, role=new.role, password_hash=new.password_hash, must_change_password=True
    )
    db.session.add(user)
    try:
        db.session.flush()
    except IntegrityError as error:
        if duplicate_key(error) == "uq_users_username":
            raise NameTaken from error
        raise
    submissions.tell(submission_key, str(user.id))
    _note(actor, "user.created", user, {"role": [None, new.role]})
    return user.id


@writes(repeatable=True)
def change_role(user_id: int, version: int, role: str, *, actor: Actor, submission_key: str) -> None:
    """Takes effect with the user's next request."""
    if _counted(submission_key, actor, "user.role_changed", user_id, role):
        return
    user = _seen(user_id, version)
    if user.role == role:
        return
    if user.role == ADMINISTRATOR:
        _another_administrator(user)
    before, user.role = user.role, role
    user.version += 1
    _note(actor, "user.role_changed", user, {"role": [before, role]})


@writes(repeatable=True)
def set_active(user_id: int, version: int, active: bool, *, actor: Actor, submission_key: str) -> None:
    """Whoever is deactivated is out at once: sessions and tokens end for good."""
    action = "user.reactivated" if active else "user.deactivated"
    if _counted(submission_key, actor, action, user_id):
        return
    user = _seen(user_id, version)
    if user.active == active:
        return
    if not active:
        if user.role == ADMINISTRATOR:
            _another_administrator(user)
        user.session_version += 1
        db.session.execute(
            update(ApiToken)
            .where(ApiToken.user_id == user.id, ApiToken.revoked_at.is_(None))
            .values(revoked_at=func.utc_timestamp(6))
            .execution_options(synchronize_session=False)
        )
    user.active = active
    user.version += 1
    _note(actor, action, user, {"active": [not active, active]})


@writes(repeatable=True)
def set_password(user_id: int, version: int, password_hash: str, *, actor: Actor, submission_key: str) -> None:
    """Give somebody a password that they must change, as when they forgot theirs. Their sessions end."""
    if _counted(submission_key, actor, "user.password_set", user_id):
        return
    user = _seen(user_id, version)
    user.password_hash = password_hash
    user.must_change_password = True
    user.session_version += 1
    user.version += 1
    _note(actor, "user.password_set", user)


@writes(repeatable=True)
def end_sessions(user_id: int, *, actor: Actor, submission_key: str) -> int:
    """Sign somebody out everywhere; the number that their sessions begin with from now on."""
    if _counted(submission_key, actor, "user.sessions_ended", user_id):
        return find(user_id).session_version
    user = db.session.get(User, user_id, with_for_update=True)
    if user is None:
        raise NoSuchUser
    user.session_version += 1
    _note(actor, "user.sessions_ended", user)
    return user.session_version


def _counted(key: str, actor: Actor, *content: object) -> bool:
    """Count a form; whether it was counted before."""
    try:
        submissions.count(key, actor.user_id, "user", submissions.fingerprint(*content))
    except submissions.AlreadyCounted:
        return True
    return False


def _seen(user_id: int, version: int) -> User:
    """The user, locked, as they were seen. Administrators are locked first, one by one, by everybody alike."""
    db.session.scalars(_administrators().with_for_update()).all()
    user = db.session.get(User, user_id, with_for_update=True, populate_existing=True)
    if user is None:
        raise NoSuchUser
    if user.version != version:
        raise Outdated
    return user


def _another_administrator(than: User) -> None:
    """Refuse what would leave nobody to manage the users; `_seen` has locked those who do."""
    if not any(user.id != than.id for user in db.session.scalars(_administrators())):
        raise LastAdministrator


def _administrators() -> Select[User]:
    return select(User).where(User.role == ADMINISTRATOR, User.active).order_by(User.id)


def _note(actor: Actor, action: str, user: User, changes: dict[str, object] | None = None) -> None:
    audit.record(actor, action, subject_type="user", subject_id=user.id, subject=user.username, changes=changes)
