"""Flask-SQLAlchemy with two engines, and the session that goes where its unit of work says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flask_sqlalchemy.session
from flask import Flask, current_app
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine

from inventario.database import own_writes
from inventario.database.connections import REPLICA, SOURCE, bound, engine_options
from inventario.database.waiting import Writers
from inventario.models.base import Base
from inventario.settings import DatabaseSettings, Settings


class RoutedSession(flask_sqlalchemy.session.Session):
    """A session works on the side that its unit of work chose, and on nothing outside of one."""

    def get_bind(self, *_arguments: Any, **_options: Any) -> Engine:
        side = self.info.get("side")
        if side is None:
            raise RuntimeError("a query outside of a unit of work: mark the service with reads or writes")
        return engine(side)


db = SQLAlchemy(
    model_class=Base,
    session_options={"class_": RoutedSession, "expire_on_commit": False, "autoflush": False},
)
MIGRATIONS = Path(__file__).parents[1] / "migrations"
migrate = Migrate(directory=str(MIGRATIONS))


def engine(side: str) -> Engine:
    return db.engines[None if side == SOURCE else REPLICA]


def writers() -> Writers:
    under_way: Writers = current_app.extensions["inventario_writers"]
    return under_way


def register_database(app: Flask, settings: Settings) -> None:
    options = engine_options(settings.database)
    app.config["SQLALCHEMY_DATABASE_URI"] = options[SOURCE].pop("url")
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options[SOURCE]
    app.config["SQLALCHEMY_BINDS"] = {REPLICA: options[REPLICA]}
    db.init_app(app)
    migrate.init_app(app, db)
    app.extensions["inventario_database"] = settings.database
    app.extensions["inventario_writers"] = Writers(settings.database.retrying_writers)
    with app.app_context():
        for side in (SOURCE, REPLICA):
            bound(engine(side), side, settings.database)
    own_writes.register(app)


def database_settings() -> DatabaseSettings:
    settings: DatabaseSettings = current_app.extensions["inventario_database"]
    return settings
