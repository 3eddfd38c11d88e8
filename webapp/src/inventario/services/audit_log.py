"""Reading the audit log (services.audit writes it)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from sqlalchemy import Select, select

from inventario.database import db, reads
from inventario.models import AuditEntry, Product, User
from inventario.services import timeline
from inventario.services.timeline import Period, Timeline

# MySQL would rather sort all entries of a subject, by way of the index that has their actions
_IN_ORDER = "FORCE INDEX (ix_audit_entries_subject_type_subject_id_id)"

_NOBODY: Timeline[AuditEntry] = Timeline(rows=[], older=None, newer=None)


@dataclass(frozen=True)
class Filters:
    """What the log is narrowed to; empty: nothing in particular."""

    username: str = ""
    # the first half of an action
    family: str = ""
    # the code of a product or the name of a user, as it is now
    subject: str = ""
    period: Period = dataclasses.field(default_factory=Period)


@reads
def page(
    filters: Filters, *, older_than: int | None = None, newer_than: int | None = None
) -> Timeline[AuditEntry]:
    """Entries, newest first."""
    matching = select(AuditEntry)
    if filters.family:
        matching = matching.where(AuditEntry.family == filters.family)
    if filters.username:
        user_id = _first(select(User.id).where(User.username == filters.username))
        if user_id is None:
            return _NOBODY
        matching = matching.where(AuditEntry.user_id == user_id)
    if filters.subject:
        subject = _subject(filters.subject)
        if subject is None:
            return _NOBODY
        matching = matching.where(
            AuditEntry.subject_type == subject[0], AuditEntry.subject_id == subject[1]
        ).with_hint(AuditEntry, _IN_ORDER)
    return timeline.page(
        matching,
        AuditEntry,
        filters.period,
        older_than=older_than,
        newer_than=newer_than,
        by_id=bool(filters.subject),
    )


def _subject(name: str) -> tuple[str, int] | None:
    for subject_type, query in (
        ("product", select(Product.id).where(Product.code == name)),
        ("user", select(User.id).where(User.username == name)),
    ):
        found = _first(query)
        if found is not None:
            return subject_type, found
    return None


def _first(query: Select[int]) -> int | None:
    return db.session.scalars(query).first()
