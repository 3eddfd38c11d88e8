from __future__ import annotations

import datetime

from flask import Blueprint, render_template
from flask_babel import get_timezone
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from inventario.access import public
from inventario.models.stock import ADJUSTMENT, IN, OUT
from inventario.rendering import page_for_everybody
from inventario.services import dashboard

blueprint = Blueprint("home", __name__)

# in the order in which the charts stack them
KIND_LABELS = {IN: _l("Entradas"), OUT: _l("Salidas"), ADJUSTMENT: _l("Ajustes")}
# more categories than a chart can show become one
MOST_CATEGORIES = 10


@blueprint.get("/")
@public
def index() -> str:
    """The way in for those who are not signed in, the overview for those who are."""
    if not current_user.is_authenticated:
        return page_for_everybody("welcome.html")
    categories = dashboard.by_category()
    return render_template(
        "dashboard.html",
        products=sum(category.products for category in categories),
        low=sum(category.low for category in categories),
        categories=sum(category.name is not None for category in categories),
        largest=categories[:MOST_CATEGORIES],
        others=categories[MOST_CATEGORIES:],
        movements=dashboard.movements_over_time(datetime.datetime.now(datetime.UTC), get_timezone()),
        kinds=KIND_LABELS,
        low_products=dashboard.low_products(),
        latest=dashboard.latest_changes(),
    )
