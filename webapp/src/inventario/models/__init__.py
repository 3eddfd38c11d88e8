"""Tables. A model holds data; what may happen to it is decided by the services."""

from inventario.models.catalogue import Category, Unit
from inventario.models.products import Product
from inventario.models.submissions import Submission
from inventario.models.users import User

__all__ = ["Category", "Product", "Submission", "Unit", "User"]
