"""The one place that chooses between the source and a replica.

Services mark their functions with `reads` or `writes`; nobody else opens a connection or commits.
"""

from inventario.database.extension import db, migrate, register_database
from inventario.database.faults import (
    DatabaseUnavailable,
    DataRefused,
    OutcomeUnknown,
    duplicate_key,
    refused_by,
)
from inventario.database.health import Health, check_health
from inventario.database.long_writes import long_write
from inventario.database.own_writes import must_see
from inventario.database.snapshots import as_of, saw
from inventario.database.units import read_is_stale, reads, reads_latest, writes

__all__ = [
    "DataRefused",
    "DatabaseUnavailable",
    "Health",
    "OutcomeUnknown",
    "as_of",
    "check_health",
    "db",
    "duplicate_key",
    "long_write",
    "migrate",
    "must_see",
    "read_is_stale",
    "reads",
    "reads_latest",
    "refused_by",
    "register_database",
    "saw",
    "writes",
]
