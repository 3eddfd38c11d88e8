"""Tables. A model holds data; what may happen to it is decided by the services."""

from inventario.models.audit import AuditEntry
from inventario.models.catalogue import Category, Unit
from inventario.models.imports import ImportJob, ImportRow
from inventario.models.products import Product
from inventario.models.search import ProductTerm
from inventario.models.stock import Movement
from inventario.models.submissions import Submission
from inventario.models.users import ApiToken, EndedSession, LoginFailures, Person, User

__all__ = [
    "ApiToken",
    "AuditEntry",
    "Category",
    "EndedSession",
    "ImportJob",
    "ImportRow",
    "LoginFailures",
    "Movement",
    "Person",
    "Product",
    "ProductTerm",
    "Submission",
    "Unit",
    "User",
]
