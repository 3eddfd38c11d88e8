"""Words to find products by, and the indexes of the lists

It only expands. The words of the products that exist are written by the release command, after its migrations.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0003"
down_revision = "0002"

BATCH = 5000
INDEXES = {
    "ix_products_quantity": ("quantity",),
    "ix_products_updated_at": ("updated_at",),
    "ix_products_active_code": ("active", "code"),
    "ix_products_low_code": ("low", "code"),
    "ix_products_category_id_code": ("category_id", "code"),
    "ix_products_category_id_name": ("category_id", "name"),
    "ix_products_unit_code_code": ("unit_code", "code"),
    "ix_products_active_category_id_low": ("active", "category_id", "low"),
}


def upgrade() -> None:
    op.create_table(
        "product_terms",
        sa.Column("product_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("term", sa.String(40, collation="utf8mb4_0900_bin"), primary_key=True),
        sa.Column("code", sa.String(40), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name="fk_product_terms_product_id", ondelete="CASCADE"
        ),
        sa.Index("ix_product_terms_term_code", "term", "code"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_es_0900_ai_ci",
        mysql_engine="InnoDB",
    )
    # virtual columns cost nothing until their index is made, and indexes are made while others write
    op.add_column(
        "products",
        sa.Column(
            "low", sa.Boolean, sa.Computed("minimum IS NOT NULL AND quantity <= minimum", persisted=False)
        ),
    )
    for name, columns in INDEXES.items():
        op.create_index(name, "products", list(columns))
    # the release before this one sets no date itself: from here on each product has one
    op.alter_column(
        "products",
        "updated_at",
        existing_type=mysql.DATETIME(fsp=6),
        existing_nullable=True,
        server_default=sa.text("(utc_timestamp(6))"),
    )
    _date_what_never_changed()


def _date_what_never_changed() -> None:
    """In short transactions: others go on writing."""
    connection = op.get_bind()
    last = connection.execute(sa.text("SELECT max(id) FROM products")).scalar() or 0
    date = sa.text(
        "UPDATE products SET updated_at = created_at WHERE id > :low AND id <= :high AND updated_at IS NULL"
    )
    for low in range(0, last, BATCH):
        connection.execute(date, {"low": low, "high": low + BATCH})
        connection.commit()


def downgrade() -> None:
    # the foreign keys need an index of their own again
    op.create_index("fk_products_category_id", "products", ["category_id"])
    op.create_index("fk_products_unit_code", "products", ["unit_code"])
    for name in INDEXES:
        op.drop_index(name, "products")
    op.alter_column(
        "products",
        "updated_at",
        existing_type=mysql.DATETIME(fsp=6),
        existing_nullable=True,
        server_default=None,
    )
    op.drop_column("products", "low")
    op.drop_table("product_terms")
