from __future__ import annotations

import datetime
from typing import Any

from sqlalchemy import CHAR, JSON, ForeignKey, Index, String, text
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column

from inventario.models.base import TABLE_OPTIONS, Base, CreatedAt


class ImportJob(Base):
    """A file of products that somebody sent: checked first, then taken over as a whole or not at all."""

    __tablename__ = "import_jobs"

    id: Mapped[str] = mapped_column(CHAR(32, collation="ascii_bin"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    filename: Mapped[str] = mapped_column(String(200))
    # reading, checked, running, done, failed
    state: Mapped[str] = mapped_column(String(12))
    # of whoever works on it: another one means that somebody else has taken it over
    claim: Mapped[str | None] = mapped_column(CHAR(32, collation="ascii_bin"))
    total_rows: Mapped[int] = mapped_column(server_default=text("0"))
    done_rows: Mapped[int] = mapped_column(server_default=text("0"))
    # what is wrong: [{row, column, message}], the first of them
    problems: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON)
    problem_count: Mapped[int] = mapped_column(server_default=text("0"))
    # what it will make, as far as it has been read: {categories: [...], stocked: number}
    summary: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    created_at: Mapped[CreatedAt] = mapped_column(index=True)
    # told by whoever works on it; long ago means that its node is gone
    heartbeat_at: Mapped[datetime.datetime | None] = mapped_column(mysql.DATETIME(fsp=6))
    finished_at: Mapped[datetime.datetime | None] = mapped_column(mysql.DATETIME(fsp=6))


class ImportRow(Base):
    """A row of such a file, as it was read. Any node can go on with it."""

    __tablename__ = "import_rows"
    __table_args__ = (Index("ix_import_rows_job_id_code", "job_id", "code"), TABLE_OPTIONS)

    job_id: Mapped[str] = mapped_column(ForeignKey("import_jobs.id", ondelete="CASCADE"), primary_key=True)
    # as the person's own program counts: the headings are row 1
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    # once more, for the collation to compare; None: it cannot be one
    code: Mapped[str | None] = mapped_column(String(40))
    fields: Mapped[dict[str, Any]] = mapped_column(JSON)
    # what is wrong with it: [{column, message}]
    problems: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
