"""The one place that chooses between the source and a replica.

Services mark their functions with `reads` or `writes`; nobody else opens a connection or commits.
"""

from inventario.database.extension import db, migrate, register_database
from inventario.database.faults import DatabaseUnavailable, OutcomeUnknown, duplicate_key
from inventario.database.health import Health, check_health
from inventario.database.own_writes import must_see
from inventario.database.units import read_is_stale, reads, reads_latest, writes

__all__ = [
    "DatabaseUnavailable",
    "Health",
    "OutcomeUnknown",
    "check_health",
    "db",
    "duplicate_key",
    "migrate",
    "must_see",
    "read_is_stale",
    "reads",
    "reads_latest",
    "register_database",
    "writes",
]
