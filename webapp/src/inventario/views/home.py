from __future__ import annotations

import datetime

from flask import Blueprint, render_template
from flask_login import current_user

from inventario.access import public
from inventario.rendering import page_for_everybody
from inventario.services import products

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
@public
def index() -> str:
    """The way in for those who are not signed in, the overview for those who are."""
    if not current_user.is_authenticated:
        return page_for_everybody("welcome.html")
    today = datetime.datetime.now(datetime.UTC).date()
    return render_template("overview.html", overview=products.overview(today))
