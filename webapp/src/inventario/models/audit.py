from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from inventario.models.base import TABLE_OPTIONS, Base, CreatedAt


def _family(context: Any) -> str:
    return str(context.get_current_parameters()["action"]).partition(".")[0]


class AuditEntry(Base):
    """Who did what, when, from where, through which node. Written with the change itself, never changed."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        # the newest ones, of a family of actions, a subject or a person
        Index("ix_audit_entries_created_at_id_subject_type", "created_at", "id", "subject_type"),
        Index("ix_audit_entries_family_created_at", "family", "created_at"),
        Index("ix_audit_entries_subject_type_subject_id_id", "subject_type", "subject_id", "id"),
        # what happened to a product besides its movements, however many there are between
        Index("ix_audit_entries_subject_type_subject_id_action", "subject_type", "subject_id", "action"),
        Index("ix_audit_entries_user_id_created_at", "user_id", "created_at"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    created_at: Mapped[CreatedAt]
    # None: nobody who is known, as for a wrong user name
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    username: Mapped[str] = mapped_column(String(64, collation="utf8mb4_0900_as_ci"))
    # subject and verb, as product.created
    action: Mapped[str] = mapped_column(String(40))
    # the subject of the action, by itself
    family: Mapped[str] = mapped_column(String(20), default=_family, server_default="")
    subject_type: Mapped[str] = mapped_column(String(20))
    subject_id: Mapped[int | None] = mapped_column(BigInteger)
    # what people call it, as it was called then
    subject: Mapped[str] = mapped_column(String(130))
    # {field: [before, after]}, or what else there is to say
    changes: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    address: Mapped[str] = mapped_column(String(45))
    node: Mapped[str] = mapped_column(String(64))
    request_id: Mapped[str] = mapped_column(String(64))
