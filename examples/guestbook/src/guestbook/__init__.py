"""A guest book that knows nothing of the cluster: it gets two database URLs and a key from its environment."""

from __future__ import annotations

import os

from flask import Flask, flash, redirect, render_template, request, url_for
from sqlalchemy import Engine, create_engine, text
from werkzeug.wrappers import Response

from guestbook.release import release

# what one page shows
ENTRIES = 20


def engine(url: str) -> Engine:
    """Connections to the database, verified by an authority's certificate where one is named."""
    authority = os.environ.get("GUESTBOOK_DATABASE_CA")
    # a connection that a proxy has closed is replaced before it is used
    return create_engine(url, pool_pre_ping=True, connect_args={"ssl": {"ca": authority}} if authority else {})


def create_app() -> Flask:
    """The application; it connects to nothing before the first request."""
    app = Flask(__name__)
    # every node must have the same: one signs what another reads
    app.secret_key = os.environ["GUESTBOOK_SECRET_KEY"]
    source = engine(os.environ["DATABASE_URL"])
    replicas = engine(os.environ["DATABASE_READ_URL"])

    @app.get("/")
    def read() -> str:
        with replicas.connect() as connection:
            entries = connection.execute(
                text("SELECT author, message, written_at FROM entries ORDER BY id DESC LIMIT :most"), {"most": ENTRIES}
            ).all()
        return render_template("guestbook.html", entries=entries)

    @app.post("/")
    def sign() -> Response | tuple[str, int]:
        author, message = (request.form.get(name, "").strip() for name in ("author", "message"))
        if not (0 < len(author) <= 80 and 0 < len(message) <= 500):
            return "A name of at most 80 and a message of at most 500 characters are wanted.\n", 400
        with source.begin() as connection:
            connection.execute(
                text("INSERT INTO entries (author, message) VALUES (:author, :message)"),
                {"author": author, "message": message},
            )
        flash("Thank you. Your entry is kept.")
        return redirect(url_for("read"), 303)

    @app.get("/healthz")
    def health() -> str:
        with replicas.connect() as connection:
            connection.execute(text("SELECT 1"))
        return "well\n"

    app.cli.add_command(release)
    return app
