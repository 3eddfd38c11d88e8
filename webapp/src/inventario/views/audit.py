from __future__ import annotations

from flask import Blueprint, render_template, request

from inventario.access import requires
from inventario.models.users import ADMINISTRATOR
from inventario.services import audit_log
from inventario.services.audit_log import Filters
from inventario.views import audit_labels, periods

blueprint = Blueprint("audit", __name__, url_prefix="/audit")

_LONGEST = 64


@blueprint.get("")
@requires(ADMINISTRATOR)
def index() -> str:
    """Who did what, when, from where, through which node."""
    first, last = (periods.day(request.args.get(name, "")) for name in ("from", "to"))
    family = request.args.get("family", "")
    filters = Filters(
        username=request.args.get("person", "").strip()[:_LONGEST],
        family=family if family in audit_labels.FAMILIES else "",
        subject=request.args.get("subject", "").strip()[:_LONGEST],
        period=periods.period(first, last),
    )
    page = audit_log.page(
        filters,
        older_than=request.args.get("older", type=int),
        newer_than=request.args.get("newer", type=int),
    )
    # what the links to the other pages keep
    chosen = {
        "person": filters.username,
        "family": filters.family,
        "subject": filters.subject,
        "from": first and first.isoformat(),
        "to": last and last.isoformat(),
    }
    return render_template(
        "audit/index.html",
        page=page,
        labels=audit_labels,
        chosen={name: value for name, value in chosen.items() if value},
    )
