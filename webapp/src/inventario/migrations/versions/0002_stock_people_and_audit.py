"""Stock, people's roles and sessions, audit, tokens, imports

It only expands: the release before this one goes on serving on the new schema, so every new column of an old
table may be left out of an INSERT.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0002"
down_revision = "0001"

SPANISH: dict[str, Any] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_es_0900_ai_ci",
    "mysql_engine": "InnoDB",
}
USERNAME = sa.String(64, collation="utf8mb4_0900_as_ci")
KEY = sa.CHAR(32, collation="ascii_bin")
# what the tables of the first release are held to from now on
CHECKED: dict[str, dict[str, str]] = {
    "users": {"username": "TRIM(username) <> ''", "role": "role IN ('viewer', 'operator', 'administrator')"},
    "units": {"code": "TRIM(code) <> ''", "name": "TRIM(name) <> ''", "decimals": "decimals BETWEEN 0 AND 3"},
    "categories": {"name": "TRIM(name) <> ''"},
    "products": {"code": "TRIM(code) <> ''", "name": "TRIM(name) <> ''", "minimum": "minimum >= 0"},
}
COUNTED = ("ud", "caja", "paq", "par", "rollo")


def moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, mysql.DATETIME(fsp=6), nullable=nullable)


def created_at(name: str = "created_at") -> sa.Column[object]:
    return sa.Column(name, mysql.DATETIME(fsp=6), nullable=False, server_default=sa.text("(utc_timestamp(6))"))


def flag(name: str, default: bool) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.true() if default else sa.false())


def number(name: str, default: int) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default=sa.text(str(default)))


def expand(table: str, *columns: sa.Column[Any]) -> None:
    """Columns with a constant default or none: MySQL adds them at once, whatever the table's size."""
    for column in columns:
        op.add_column(table, column)


def check(table: str, rules: dict[str, str]) -> None:
    """Rules for the columns of a table of the first release. MySQL copies the table for them, and writers wait
    until it is done: in one step, while the table holds what was typed by hand."""
    added = ", ".join(f"ADD CONSTRAINT ck_{table}_{column} CHECK ({rule})" for column, rule in rules.items())
    op.execute(f"ALTER TABLE {table} {added}")


def upgrade() -> None:
    expand(
        "users",
        flag("active", True),
        flag("must_change_password", False),
        number("session_version", 1),
        sa.Column("language", sa.String(8), nullable=True),
        sa.Column("time_zone", sa.String(40), nullable=True),
        number("version", 1),
    )
    expand(
        "units",
        sa.Column("decimals", sa.SmallInteger, nullable=False, server_default=sa.text("3")),
        flag("active", True),
        number("version", 1),
    )
    units = sa.table("units", sa.column("code"), sa.column("decimals"))
    op.execute(units.update().where(units.c.code.in_(COUNTED)).values(decimals=0))
    expand("categories", flag("active", True), number("version", 1))
    expand(
        "products",
        flag("active", True),
        sa.Column("quantity", sa.Numeric(18, 3), nullable=False, server_default=sa.text("0")),
        sa.Column("minimum", sa.Numeric(18, 3), nullable=True),
        number("version", 1),
        moment("updated_at"),
    )
    expand("submissions", sa.Column("fingerprint", KEY, nullable=True))
    for table, rules in CHECKED.items():
        check(table, rules)
    op.create_table(
        "movements",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("product_id", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("quantity", sa.Numeric(18, 3), nullable=False),
        sa.Column("balance", sa.Numeric(18, 3), nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("note", sa.String(500), nullable=False, server_default=""),
        sa.Column("user_id", sa.Integer, nullable=False),
        created_at(),
        sa.CheckConstraint("kind IN ('in', 'out', 'adjustment')", name="ck_movements_kind"),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name="fk_movements_product_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_movements_user_id"),
        sa.Index("ix_movements_product_id_id", "product_id", "id"),
        sa.Index("ix_movements_created_at_id_kind", "created_at", "id", "kind"),
        sa.Index("ix_movements_kind_created_at", "kind", "created_at"),
        sa.Index("ix_movements_user_id_created_at", "user_id", "created_at"),
        **SPANISH,
    )
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.BigInteger, primary_key=True),
        created_at(),
        sa.Column("user_id", sa.Integer, nullable=True),
        sa.Column("username", USERNAME, nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("family", sa.String(20), nullable=False, server_default=""),
        sa.Column("subject_type", sa.String(20), nullable=False),
        sa.Column("subject_id", sa.BigInteger, nullable=True),
        sa.Column("subject", sa.String(130), nullable=False),
        sa.Column("changes", sa.JSON, nullable=True),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("node", sa.String(64), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_audit_entries_user_id"),
        sa.Index("ix_audit_entries_created_at_id_subject_type", "created_at", "id", "subject_type"),
        sa.Index("ix_audit_entries_family_created_at", "family", "created_at"),
        sa.Index("ix_audit_entries_subject_type_subject_id_id", "subject_type", "subject_id", "id"),
        sa.Index("ix_audit_entries_subject_type_subject_id_action", "subject_type", "subject_id", "action"),
        sa.Index("ix_audit_entries_user_id_created_at", "user_id", "created_at"),
        **SPANISH,
    )
    op.create_table(
        "login_failures",
        sa.Column("username", USERNAME, primary_key=True),
        sa.Column("device", KEY, primary_key=True, server_default=""),
        sa.Column("failures", sa.Integer, nullable=False),
        moment("last_failed_at", nullable=False),
        moment("locked_until"),
        sa.Index("ix_login_failures_last_failed_at", "last_failed_at"),
        **SPANISH,
    )
    op.create_table(
        "ended_sessions",
        sa.Column("session_id", KEY, primary_key=True),
        sa.Column("user_id", sa.Integer, nullable=False),
        created_at("ended_at"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_ended_sessions_user_id"),
        sa.Index("ix_ended_sessions_ended_at", "ended_at"),
        **SPANISH,
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("token_hash", sa.CHAR(64, collation="ascii_bin"), nullable=False),
        flag("may_write", False),
        created_at(),
        moment("expires_at"),
        moment("revoked_at"),
        sa.UniqueConstraint("token_hash", name="uq_api_tokens_token_hash"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_api_tokens_user_id"),
        sa.Index("ix_api_tokens_user_id", "user_id"),
        **SPANISH,
    )
    op.create_table(
        "import_jobs",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("filename", sa.String(200), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("claim", KEY, nullable=True),
        number("total_rows", 0),
        number("done_rows", 0),
        sa.Column("problems", sa.JSON, nullable=True),
        number("problem_count", 0),
        sa.Column("summary", sa.JSON, nullable=True),
        created_at(),
        moment("heartbeat_at"),
        moment("finished_at"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_import_jobs_user_id"),
        sa.Index("ix_import_jobs_created_at", "created_at"),
        **SPANISH,
    )
    op.create_table(
        "import_rows",
        sa.Column("job_id", KEY, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("code", sa.String(40), nullable=True),
        sa.Column("fields", sa.JSON, nullable=False),
        sa.Column("problems", sa.JSON, nullable=True),
        sa.Index("ix_import_rows_job_id_code", "job_id", "code"),
        sa.ForeignKeyConstraint(
            ["job_id"], ["import_jobs.id"], name="fk_import_rows_job_id", ondelete="CASCADE"
        ),
        **SPANISH,
    )


def downgrade() -> None:
    for table in (
        "import_rows",
        "import_jobs",
        "api_tokens",
        "ended_sessions",
        "login_failures",
        "audit_entries",
        "movements",
    ):
        op.drop_table(table)
    for table, rules in CHECKED.items():
        for column in rules:
            op.drop_constraint(f"ck_{table}_{column}", table, type_="check")
    for table, columns in (
        ("submissions", ("fingerprint",)),
        ("products", ("active", "quantity", "minimum", "version", "updated_at")),
        ("categories", ("active", "version")),
        ("units", ("decimals", "active", "version")),
        ("users", ("active", "must_change_password", "session_version", "language", "time_zone", "version")),
    ):
        for column in columns:
            op.drop_column(table, column)
