from __future__ import annotations

from typing import Any

from flask import g
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from inventario.api.blueprints import Resources
from inventario.api.schemas import MeBody

blueprint = Resources("account", __name__, description=_l("Con quién se ha entrado."))


@blueprint.operation(
    "/me",
    "GET",
    "whoAmI",
    _l("De quién es el token"),
)
@blueprint.response(200, MeBody)
def show() -> Any:
    return {"username": current_user.username, "role": current_user.role, "may_write": g.token_may_write}
