from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import re
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from typing import IO, BinaryIO, cast

from flask import Blueprint, Response, abort, flash, jsonify, redirect, render_template, url_for
from flask import stream_with_context as streamed
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as Answer

from inventario.access import current_actor, requires
from inventario.background import Busy, in_background
from inventario.forms import KeyedForm
from inventario.forms.imports import UploadForm
from inventario.forms.product_rows import LABELS, ProductRows
from inventario.idempotency import current_key
from inventario.models.users import OPERATOR
from inventario.services import catalogue, importing, imports, staging
from inventario.services.imports import Job, Problem
from inventario.services.submissions import new_key
from inventario.tables.csv_writing import write_csv
from inventario.uploads import import_settings, takes_file

logger = logging.getLogger(__name__)

blueprint = Blueprint("imports", __name__, url_prefix="/imports")

_CHUNK = 256 * 1024
_ID = re.compile(r"[0-9a-f]{32}")
STATES = {
    imports.READING: _l("Leyendo"),
    imports.CHECKED: _l("Comprobado"),
    imports.RUNNING: _l("En marcha"),
    imports.DONE: _l("Terminado"),
    imports.FAILED: _l("No se ha hecho"),
}
_BUSY = _l("Este servidor está ocupado con otras importaciones. Vuelva a intentarlo dentro de un minuto.")


@blueprint.get("")
@requires(OPERATOR)
def index() -> str:
    return _index(UploadForm(submission_key=new_key()))


@blueprint.post("")
@takes_file
def create() -> str | Answer | tuple[str, int]:
    """Take the file; what it says is read after the answer, and the page of the import tells how far it is."""
    form = UploadForm()
    if not form.validate():
        return _index(form), 422
    with contextlib.ExitStack() as unused:
        file, fingerprint = _kept(form.file.data.stream)
        unused.callback(file.close)
        job_id, claim = imports.begin(
            _shown(form.file.data.filename or ""),
            fingerprint,
            actor=current_actor(),
            submission_key=current_key(),
        )
        if claim is not None:
            rows = ProductRows(catalogue.units())
            work = functools.partial(staging.stage, job_id, claim, file, rows, import_settings().rows)
            try:
                in_background(work)
                unused.pop_all()
            except Busy:
                imports.fail(job_id, claim, [Problem(None, "", str(_BUSY))])
            logger.info("import received", extra={"import": job_id})
    return redirect(url_for("imports.show", job_id=job_id))


@blueprint.get("/example.csv")
@requires(OPERATOR)
def example() -> Response:
    """A file to begin with, in the reader's language."""
    rows = [
        [str(label) for label in LABELS.values()],
        ["T-001", _("Tornillo M4"), _("De acero, 20 mm"), "ud", _("Ferretería"), "100", "250"],
    ]
    return _csv("".join(write_csv(rows)), _("ejemplo"))


@blueprint.get("/<job_id>")
@requires(OPERATOR)
def show(job_id: str) -> str:
    job = _found(job_id)
    return render_template(
        "imports/show.html",
        job=job,
        states=STATES,
        labels=LABELS,
        rows=imports.first_rows(job_id) if job.state == imports.CHECKED else [],
        form=KeyedForm(submission_key=new_key()),
    )


@blueprint.get("/<job_id>/progress")
@requires(OPERATOR)
def progress(job_id: str) -> Response:
    job = _found(job_id)
    return jsonify(state=job.state, at_work=job.at_work, done=job.done_rows, total=job.total_rows)


@blueprint.get("/<job_id>/problems.csv")
@requires(OPERATOR)
def problems(job_id: str) -> Response:
    job = _found(job_id)
    heading = [_("Fila"), _("Columna"), _("Problema")]
    found = ([str(problem.row or ""), problem.column, problem.message] for problem in imports.all_problems(job))
    return _csv(streamed(write_csv(_chain(heading, found))), _("problemas"))


@blueprint.post("/<job_id>/run")
def run(job_id: str) -> Answer:
    _found(job_id)
    actor = current_actor()
    try:
        claim = imports.start(job_id, actor=actor, submission_key=current_key())
    except imports.NotReady:
        flash(_("Esta importación ya está en marcha o no se puede hacer."), "warning")
        return redirect(url_for("imports.show", job_id=job_id))
    if claim is not None:
        work = functools.partial(
            importing.take_over, job_id, claim, actor=actor, code_label=str(LABELS["code"])
        )
        try:
            in_background(work)
        except Busy:
            imports.give_back(job_id, claim)
            flash(str(_BUSY), "warning")
    return redirect(url_for("imports.show", job_id=job_id))


def _index(form: UploadForm) -> str:
    return render_template(
        "imports/index.html",
        form=form,
        jobs=imports.latest(),
        states=STATES,
        labels=LABELS,
        limits=import_settings(),
    )


def _found(job_id: str) -> Job:
    # as others write it, it is no id: the database would not even compare it
    job = imports.find(job_id) if _ID.fullmatch(job_id) else None
    if job is None:
        abort(404)
    return job


def _kept(stream: IO[bytes]) -> tuple[BinaryIO, str]:
    """A copy that outlasts the request, and a hash of what is in it."""
    copy = tempfile.TemporaryFile()  # noqa: SIM115 - it ends with the work that reads it
    content = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        content.update(chunk)
        copy.write(chunk)
    copy.seek(0)
    return cast(BinaryIO, copy), content.hexdigest()[:32]


def _shown(filename: str) -> str:
    """A file's name without its folders and without what cannot be seen."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    kept = "".join(character for character in name if unicodedata.category(character)[0] != "C")
    return kept.strip()[:200] or _("sin nombre")


def _chain(first: list[str], others: Iterable[list[str]]) -> Iterator[list[str]]:
    yield first
    yield from others


def _csv(body: str | Iterator[str], name: str) -> Response:
    response = Response(body, mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response
