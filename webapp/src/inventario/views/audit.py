from __future__ import annotations

from flask import Blueprint, render_template

from inventario.access import requires
from inventario.models.users import ADMINISTRATOR
from inventario.services import audit_log
from inventario.services.audit_log import Filters
from inventario.views import audit_labels
from inventario.views.narrowing import Narrowing, place

blueprint = Blueprint("audit", __name__, url_prefix="/audit")


@blueprint.get("")
@requires(ADMINISTRATOR)
def index() -> str:
    """Who did what, when, from where, through which node."""
    narrowing = Narrowing()
    older, newer = place()
    filters = Filters(
        username=narrowing.text("person"),
        family=narrowing.one_of("family", audit_labels.FAMILIES),
        subject=narrowing.text("subject"),
        period=narrowing.period(),
    )
    page = audit_log.page(filters, older_than=older, newer_than=newer)
    return render_template("audit/index.html", page=page, labels=audit_labels, chosen=narrowing.chosen)
