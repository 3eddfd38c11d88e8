from __future__ import annotations

import datetime
from typing import Any

from sqlalchemy import CHAR, JSON, ForeignKey, String, text
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column

from inventario.models.base import Base, CreatedAt


class ImportJob(Base):
    """A file of products that somebody sent: checked first, then taken over as a whole or not at all."""

    __tablename__ = "import_jobs"

    id: Mapped[str] = mapped_column(CHAR(32, collation="ascii_bin"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    filename: Mapped[str] = mapped_column(String(200))
    # checked, running, done, failed
    state: Mapped[str] = mapped_column(String(12))
    total_rows: Mapped[int] = mapped_column(server_default=text("0"))
    done_rows: Mapped[int] = mapped_column(server_default=text("0"))
    # what is wrong: [{row, column, message}], the first of them
    problems: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON)
    problem_count: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[CreatedAt] = mapped_column(index=True)
    # told by whoever works on it; long ago means that its node is gone
    heartbeat_at: Mapped[datetime.datetime | None] = mapped_column(mysql.DATETIME(fsp=6))
    finished_at: Mapped[datetime.datetime | None] = mapped_column(mysql.DATETIME(fsp=6))


class ImportRow(Base):
    """A row of such a file, as it was read. Any node can go on with it."""

    __tablename__ = "import_rows"

    job_id: Mapped[str] = mapped_column(ForeignKey("import_jobs.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    fields: Mapped[dict[str, Any]] = mapped_column(JSON)
