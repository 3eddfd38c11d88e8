"""Settings come from the environment, each also as NAME_FILE; what is missing or wrong stops the boot."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytz

PREFIX = "INVENTARIO_"


class SettingsError(RuntimeError):
    """A setting is missing or has a value that cannot be used; the message names it, never its value."""


@dataclass(frozen=True)
class DatabaseSettings:
    """How long the application waits for MySQL, in seconds, and how much of it it uses."""

    write_url: str = field(repr=False)
    read_url: str = field(repr=False)
    ca: str
    connect_timeout: float
    read_timeout: float
    write_timeout: float
    read_budget: float
    write_budget: float
    replica_wait: float
    pool_size: int
    retrying_writers: int


@dataclass(frozen=True)
class ImportSettings:
    """The largest file of products that is taken."""

    megabytes: int
    rows: int


@dataclass(frozen=True)
class LoginSettings:
    """How many wrong passwords in a row are free, and for how long an account is locked after more."""

    free_failures: int
    lock_seconds: int
    lock_most_seconds: int


@dataclass(frozen=True)
class Settings:
    secret_key: str = field(repr=False)
    node_name: str
    session_cookie_secure: bool | None
    session_hours: int
    log_level: str
    login: LoginSettings
    allow_negative_stock: bool
    # of those whose browser says none
    time_zone: str
    imports: ImportSettings
    database: DatabaseSettings


class Environment:
    """Reads INVENTARIO_X or the file that INVENTARIO_X_FILE names."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def optional(self, name: str, default: str) -> str:
        name = PREFIX + name
        path = self._variables.get(f"{name}_FILE", "")
        if path and name in self._variables:
            raise SettingsError(f"{name} and {name}_FILE are both set; set one of them.")
        if path:
            try:
                return Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise SettingsError(f"{name}_FILE cannot be read: {error.strerror} ({path}).") from error
        return self._variables.get(name, "").strip() or default

    def required(self, name: str) -> str:
        value = self.optional(name, "")
        if not value:
            raise SettingsError(f"{PREFIX}{name} is not set; set it, or {PREFIX}{name}_FILE to a file with it.")
        return value

    def number(self, name: str, default: float, low: float, high: float) -> float:
        try:
            value = float(self.optional(name, str(default)))
        except ValueError as error:
            raise SettingsError(f"{PREFIX}{name} must be a number.") from error
        if not low <= value <= high:
            raise SettingsError(f"{PREFIX}{name} must be between {low} and {high}.")
        return value

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        value = self.optional(name, default)
        if value not in allowed:
            raise SettingsError(f"{PREFIX}{name} must be one of: {', '.join(allowed)}.")
        return value

    def time_zone(self, name: str, default: str) -> str:
        value = self.optional(name, default)
        if value not in pytz.all_timezones_set:
            raise SettingsError(f"{PREFIX}{name} must be the name of a time zone, as Europe/Madrid.")
        return value

    def mysql_url(self, name: str) -> str:
        value = self.required(name)
        scheme, _, rest = value.partition("://")
        # the database must be in the URL: with binlog-do-db only statements with it selected are replicated
        if scheme != "mysql+pymysql" or not rest.rpartition("@")[2].partition("/")[2]:
            raise SettingsError(
                f"{PREFIX}{name} must look like mysql+pymysql://USER:PASSWORD@HOST:PORT/DATABASE."
            )
        return value


def load(variables: Mapping[str, str] | None = None) -> Settings:
    environment = Environment(os.environ if variables is None else variables)
    secret_key = environment.required("SECRET_KEY")
    if len(secret_key) < 16:
        raise SettingsError(f"{PREFIX}SECRET_KEY must have at least 16 characters.")
    secure = environment.choice("SESSION_COOKIE_SECURE", "auto", ("auto", "true", "false"))
    ca = environment.optional("DATABASE_CA", "")
    if ca and not Path(ca).is_file():
        raise SettingsError(f"{PREFIX}DATABASE_CA names a file that does not exist: {ca}.")
    return Settings(
        secret_key=secret_key,
        node_name=environment.optional("NODE_NAME", socket.gethostname()),
        session_cookie_secure=None if secure == "auto" else secure == "true",
        session_hours=int(environment.number("SESSION_HOURS", 12, 1, 720)),
        log_level=environment.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
        login=LoginSettings(
            free_failures=int(environment.number("LOGIN_FREE_FAILURES", 5, 1, 100)),
            lock_seconds=int(environment.number("LOGIN_LOCK_SECONDS", 30, 1, 3600)),
            lock_most_seconds=int(environment.number("LOGIN_LOCK_MOST_SECONDS", 900, 1, 86400)),
        ),
        allow_negative_stock=environment.choice("ALLOW_NEGATIVE_STOCK", "false", ("true", "false")) == "true",
        time_zone=environment.time_zone("TIME_ZONE", "Europe/Madrid"),
        imports=ImportSettings(
            megabytes=int(environment.number("IMPORT_MEGABYTES", 20, 1, 200)),
            rows=int(environment.number("IMPORT_ROWS", 100_000, 1, 1_000_000)),
        ),
        database=DatabaseSettings(
            write_url=environment.mysql_url("DATABASE_WRITE_URL"),
            read_url=environment.mysql_url("DATABASE_READ_URL"),
            ca=ca,
            connect_timeout=environment.number("DATABASE_CONNECT_TIMEOUT", 1, 0.1, 30),
            read_timeout=environment.number("DATABASE_READ_TIMEOUT", 1.5, 0.1, 60),
            write_timeout=environment.number("DATABASE_WRITE_TIMEOUT", 5, 0.1, 60),
            read_budget=environment.number("DATABASE_READ_BUDGET", 2.5, 0.1, 60),
            write_budget=environment.number("DATABASE_WRITE_BUDGET", 15, 0.1, 120),
            replica_wait=environment.number("DATABASE_REPLICA_WAIT", 0.3, 0, 10),
            pool_size=int(environment.number("DATABASE_POOL_SIZE", 8, 1, 200)),
            retrying_writers=int(environment.number("DATABASE_RETRYING_WRITERS", 4, 0, 200)),
        ),
    )


def administrator(variables: Mapping[str, str] | None = None) -> tuple[str, str] | None:
    """The first administrator, for the release command alone; None when neither variable is set."""
    environment = Environment(os.environ if variables is None else variables)
    username = environment.optional("ADMIN_USERNAME", "")
    password = environment.optional("ADMIN_PASSWORD", "")
    if not username and not password:
        return None
    if not username or not password:
        missing = "ADMIN_USERNAME" if password else "ADMIN_PASSWORD"
        raise SettingsError(
            f"{PREFIX}{missing} is not set; the first administrator needs both name and password."
        )
    if len(password) < 8:
        raise SettingsError(f"{PREFIX}ADMIN_PASSWORD must have at least 8 characters.")
    return username, password
