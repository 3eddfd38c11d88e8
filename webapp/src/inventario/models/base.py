"""What all tables share: names of keys, character set, time stamps, quantities."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Sequence
from typing import Annotated, Any

from sqlalchemy import CheckConstraint, MetaData, Numeric, func
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, mapped_column

# keeps ñ apart from n, and takes á for a, A for a
SPANISH = "utf8mb4_es_0900_ai_ci"

TABLE_OPTIONS = {"mysql_charset": "utf8mb4", "mysql_collate": SPANISH, "mysql_engine": "InnoDB"}

# UTC, without a zone, as MySQL gives it
Moment = Annotated[datetime.datetime, mapped_column(mysql.DATETIME(fsp=6))]
# the same, set by the server that executes the insert
CreatedAt = Annotated[
    datetime.datetime,
    mapped_column(mysql.DATETIME(fsp=6), server_default=func.utc_timestamp(6), nullable=False),
]
# how much of something: exact, to a thousandth of its unit
Quantity = Annotated[decimal.Decimal, mapped_column(Numeric(18, 3))]


def not_blank(table: str, column: str) -> CheckConstraint:
    """What has no name cannot be found. A collation takes characters that nobody sees for nothing, too."""
    return CheckConstraint(f"TRIM({column}) <> ''", name=f"ck_{table}_{column}")


def one_of(table: str, column: str, values: Sequence[str]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"ck_{table}_{column}")


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    __table_args__: Any = TABLE_OPTIONS
