"""API tokens, each person's own."""

from __future__ import annotations

import datetime

from flask import Blueprint, abort, current_app, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from inventario.access import current_actor, personal
from inventario.forms.accounts import KeyForm, TokenForm
from inventario.idempotency import current_key
from inventario.models.users import OPERATOR
from inventario.services import tokens
from inventario.services.submissions import new_key

blueprint = Blueprint("tokens", __name__, url_prefix="/account/tokens")


@blueprint.get("")
def index() -> str:
    return _page(TokenForm(submission_key=new_key()))


@blueprint.post("")
@personal
def create() -> str | tuple[str, int]:
    form = TokenForm()
    if not form.validate():
        return _page(form), 422
    # a token can do no more than its owner, whatever it says
    new = tokens.NewToken(form.name.data or "", form.access.data == "write", _expiry(form.days.data))
    token = tokens.new_token(_secret(), current_user.id, current_key())
    try:
        value = tokens.create(new, token, actor=current_actor(), submission_key=current_key())
    except tokens.TooManyTokens:
        form.name.errors = [_("Ya tiene %(count)s tokens. Revoque los que no use.", count=tokens.MOST_TOKENS)]
        return _page(form), 409
    except tokens.OwnerGone:
        abort(403)
    return _page(TokenForm(None, submission_key=new_key()), made=new, value=value)


@blueprint.post("/<int:token_id>/revoke")
@personal
def revoke(token_id: int) -> Response:
    if not tokens.revoke(token_id, actor=current_actor(), submission_key=current_key()):
        abort(404)
    flash(_("Token revocado: ya no sirve."), "success")
    return redirect(url_for("tokens.index"))


def _page(form: TokenForm, *, made: tokens.NewToken | None = None, value: str = "") -> str:
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    rows = [(row, KeyForm(None, submission_key=new_key())) for row in tokens.of_user(current_user.id)]
    return render_template(
        "account/tokens.html",
        form=form,
        rows=rows,
        now=now,
        made=made,
        value=value,
        may_write=current_user.may(OPERATOR),
    )


def _expiry(days: str) -> datetime.datetime | None:
    if not days:
        return None
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None) + datetime.timedelta(days=int(days))


def _secret() -> bytes:
    secret = current_app.secret_key or ""
    return secret.encode() if isinstance(secret, str) else secret
