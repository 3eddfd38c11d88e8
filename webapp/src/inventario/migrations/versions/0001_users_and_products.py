"""Users, products, and the forms that were counted"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None

SPANISH: dict[str, Any] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_es_0900_ai_ci",
    "mysql_engine": "InnoDB",
}

UNITS = [
    ("ud", "unidad"),
    ("caja", "caja"),
    ("paq", "paquete"),
    ("par", "par"),
    ("kg", "kilogramo"),
    ("g", "gramo"),
    ("l", "litro"),
    ("ml", "mililitro"),
    ("m", "metro"),
    ("m2", "metro cuadrado"),
    ("rollo", "rollo"),
]


def created_at() -> sa.Column[object]:
    return sa.Column(
        "created_at", mysql.DATETIME(fsp=6), nullable=False, server_default=sa.text("(utc_timestamp(6))")
    )


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("username", sa.String(64, collation="utf8mb4_0900_as_ci"), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        created_at(),
        sa.UniqueConstraint("username", name="uq_users_username"),
        **SPANISH,
    )
    units = op.create_table(
        "units",
        sa.Column("code", sa.String(8), primary_key=True),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.UniqueConstraint("name", name="uq_units_name"),
        **SPANISH,
    )
    op.bulk_insert(
        units,
        [{"code": code, "name": name, "position": place} for place, (code, name) in enumerate(UNITS, 1)],
    )
    op.create_table(
        "categories",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(60), nullable=False),
        sa.UniqueConstraint("name", name="uq_categories_name"),
        **SPANISH,
    )
    op.create_table(
        "products",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("description", sa.String(1000), nullable=False),
        sa.Column("unit_code", sa.String(8), nullable=False),
        sa.Column("category_id", sa.Integer, nullable=True),
        sa.Column("created_by_id", sa.Integer, nullable=False),
        created_at(),
        sa.UniqueConstraint("code", name="uq_products_code"),
        sa.ForeignKeyConstraint(["unit_code"], ["units.code"], name="fk_products_unit_code"),
        sa.ForeignKeyConstraint(["category_id"], ["categories.id"], name="fk_products_category_id"),
        sa.ForeignKeyConstraint(["created_by_id"], ["users.id"], name="fk_products_created_by_id"),
        **SPANISH,
    )
    op.create_index("ix_products_name", "products", ["name"])
    op.create_index("ix_products_created_at", "products", ["created_at"])
    op.create_table(
        "submissions",
        sa.Column("key", sa.CHAR(32, collation="ascii_bin"), primary_key=True),
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("subject", sa.String(60), nullable=False),
        created_at(),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_submissions_user_id"),
        **SPANISH,
    )
    op.create_index("ix_submissions_created_at", "submissions", ["created_at"])


def downgrade() -> None:
    for table in ("submissions", "products", "categories", "units", "users"):
        op.drop_table(table)
