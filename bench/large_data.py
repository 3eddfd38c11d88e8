"""A database on disk with a million products and five million movements, made for `bench.large` and thrown away.

The products are the same on every machine. Their words are as uneven as those of a real catalogue: a few nouns and
materials stand in every tenth product, most makers in a few hundred, some words in a dozen, one in a single product.
"""

from __future__ import annotations

import contextlib
import random
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pymysql
from sqlalchemy import URL

PRODUCTS = 1_000_000
MOVEMENTS_PER_PRODUCT = 5
BUFFER_POOL = "1G"
DATABASE = "inventario"
_SEED = 20261124
_ROWS = 5000
_DATADIR = "/var/lib/mysql/data"
_SOCKET = "--socket=/run/mysqld/mysqld.sock"
# what was acknowledged is on the disk, as in the cluster; a restart begins with an empty buffer pool
_START = f"""
mkdir -p /run/mysqld {_DATADIR} && chown -R mysql:mysql /run/mysqld /var/lib/mysql &&
run="mysqld --no-defaults --secure-file-priv=NULL --user=mysql --datadir={_DATADIR}" &&
{{ [ -e {_DATADIR}/ibdata1 ] || $run --initialize-insecure; }} &&
exec $run --socket=/run/mysqld/mysqld.sock --gtid-mode=ON --enforce-gtid-consistency=ON --server-id=1 \
    --log-bin=mysql-bin --sync-binlog=1 --innodb-flush-log-at-trx-commit=1 --innodb-flush-method=O_DIRECT \
    --innodb-buffer-pool-size={BUFFER_POOL} --innodb-redo-log-capacity=1G --innodb-buffer-pool-load-at-startup=OFF \
    --performance-schema=OFF --mysqlx=OFF
"""


def _listed(words: str) -> list[str]:
    return words.split()


# the first ones are the most frequent ones
NOUNS = _listed(
    "Tornillo Tuerca Arandela Tubo Cable Válvula Perfil Broca Bisagra Lámpara Interruptor Pintura Guante Cinta "
    "Manguera Rodamiento Correa Filtro Bombilla Llave Martillo Sierra Taladro Enchufe Cerradura Candado Clavo Remache "
    "Muelle Junta Codo Brida Racor Grifo Sifón Azulejo Ladrillo Cemento Yeso Silicona Adhesivo Lija Disco Cepillo "
    "Brocha Rodillo Escalera Andamio Carretilla Pala Cubo Cuerda Cadena Gancho Polea Imán Sensor Relé Fusible Batería"
)
MATERIALS = _listed(
    "acero inoxidable latón aluminio cobre plástico nailon goma madera cerámica vidrio titanio fundición PVC"
)
QUALITIES = _listed(
    "zincado hexagonal galvanizado reforzado flexible negro blanco azul rojo industrial doméstico exterior interior "
    "pequeño grande ligero estanco autorroscante antideslizante térmico"
)
USES = _listed(
    "construcción fontanería electricidad jardín taller carpintería automoción náutica riego calefacción señalización "
    "ventilación"
)
CATEGORIES = 40
UNITS = ("ud", "caja", "paq", "par", "kg", "m", "l", "rollo")
# in a dozen products, and in one
RARE_WORD, SINGLE_WORD = "ornitóptero", "zahorí"
_SYLLABLES = _listed(
    "ba be bi bo bu ca co da de di fa fe ga go la le li lo ma me mi mo na ne no pa pe ra re ri sa se ta te ti vo"
)


class ServerDidNotStart(RuntimeError):
    """The message holds the end of the server's log."""


class Server:
    """A throw-away container with a MySQL that keeps its data on the disk."""

    def __init__(self, container: str, password: str, port: int) -> None:
        self._container, self._password, self._port = container, password, port

    @property
    def url(self) -> URL:
        return URL.create("mysql+pymysql", "bench", self._password, "127.0.0.1", self._port, DATABASE)

    def restart(self) -> None:
        """Everything that was in memory is gone afterwards."""
        docker("restart", "--timeout", "120", self._container)
        wait_until_up(self._container)

    @contextlib.contextmanager
    def session(self) -> Iterator[Any]:
        url = self.url
        connection = pymysql.connect(
            host=url.host, port=self._port, user=url.username, password=self._password, database=DATABASE,
            charset="utf8mb4", autocommit=True,
        )  # fmt: skip
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()


@contextlib.contextmanager
def server(image: str) -> Iterator[Server]:
    # a port of our own choice stays the same over a restart
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    container = docker(
        "run", "--detach", "--publish", f"127.0.0.1:{port}:3306", "--label", "inventario.bench=large",
        "--volume", "/var/lib/mysql", "--tmpfs", "/run", "--entrypoint", "/bin/sh",
        # the image's own is what systemd stops at; mysqld ignores it, is killed two minutes later and recovers
        "--stop-signal", "SIGTERM", image, "-c", _START,
    )  # fmt: skip
    try:
        wait_until_up(container)
        password = secrets.token_hex(16)
        docker(
            "exec", "--interactive", container, "mysql", _SOCKET,
            given=f"CREATE USER bench@'%' IDENTIFIED BY '{password}'; GRANT ALL ON *.* TO bench@'%';"
            f"CREATE DATABASE {DATABASE};",
        )  # fmt: skip
        yield Server(container, password, port)
    finally:
        docker("rm", "--force", "--volumes", container)


def fill(server: Server, products: int = PRODUCTS) -> None:
    """Products, movements and audit entries, into the schema that is there. Not their words: the release does that."""
    with server.session() as cursor:
        cursor.execute("SET SESSION sql_log_bin = 0, unique_checks = 0, foreign_key_checks = 0")
        cursor.execute("SET GLOBAL innodb_flush_log_at_trx_commit = 2")
        names = ", ".join(f"('Categoría {number:02}')" for number in range(1, CATEGORIES + 1))
        cursor.execute(f"INSERT INTO categories (name) VALUES {names}")
        cursor.execute("SELECT id FROM categories ORDER BY id")
        categories = [number for (number,) in cursor.fetchall()]
        columns = (
            "code, name, description, unit_code, category_id, active, quantity, minimum, created_by_id, "
            "created_at, updated_at"
        )
        for rows in _product_rows(products, categories):
            cursor.execute(f"INSERT INTO products ({columns}) VALUES {rows}")
        for number in range(MOVEMENTS_PER_PRODUCT):
            cursor.execute(_movements(number))
        cursor.execute(
            "INSERT INTO audit_entries (created_at, user_id, username, action, subject_type, subject_id, subject, "
            "address, node, request_id) SELECT created_at, 1, 'bench', 'product.created', 'product', id, code, "
            "'192.0.2.1', 'bench', '' FROM products"
        )
        cursor.execute("SET GLOBAL innodb_flush_log_at_trx_commit = 1")


def analyze(server: Server) -> None:
    with server.session() as cursor:
        cursor.execute("ANALYZE TABLE products, product_terms, movements, audit_entries, categories, units")


def _product_rows(products: int, categories: Sequence[int]) -> Iterator[str]:
    chance = random.Random(_SEED)
    # as in a language: the n-th word is n times as rare as the first
    weights = [1 / rank for rank in range(1, len(NOUNS) + 1)]
    makers = sorted({"".join(chance.choices(_SYLLABLES, k=3)).capitalize() for _ in range(3000)})
    maker_weights = [1 / rank for rank in range(3, len(makers) + 3)]
    for first in range(0, products, _ROWS):
        size = min(_ROWS, products - first)
        nouns = chance.choices(range(len(NOUNS)), weights, k=size)
        others = chance.choices(NOUNS, weights, k=size)
        brands = chance.choices(makers, maker_weights, k=size)
        rows = []
        for offset in range(size):
            number = first + offset
            noun = nouns[offset]
            kind, what = chance.getrandbits(30), NOUNS[noun]
            material, quality = MATERIALS[kind % 14 * (kind >> 4 & 1)], QUALITIES[(kind >> 5) % 20]
            name = f"{what} {quality} de {material} M{2 + kind % 29}x{5 * (1 + (kind >> 8) % 40)} {brands[offset]}"
            special = RARE_WORD if number % 83_333 == 4711 else SINGLE_WORD if number == 654_321 % products else ""
            use, look = USES[(kind >> 12) % 12], QUALITIES[(kind >> 16) % 20]
            description = f"Para {others[offset].lower()} y {use}, uso {look} {special}"
            code = f"{what[:3].upper()}-{number * 7919 % 1_000_003:06}"
            quantity = 0 if kind % 25 == 0 else kind % 900
            minimum = "NULL" if kind % 3 else str(kind % 40)
            category = categories[(noun * 7 + kind % 3) % len(categories)] if kind % 11 else "NULL"
            created = f"'2024-01-01' + INTERVAL {number * 60} SECOND"
            updated = f"{created} + INTERVAL {kind % 8_000_000} SECOND"
            unit = UNITS[0 if kind % 2 else noun % 8]
            rows.append(
                f"('{code}','{name}','{description}','{unit}',{category},{int(kind % 33 > 0)},{quantity},{minimum},1,"
                f"{created},{updated})"
            )
        yield ",".join(rows)


def _movements(number: int) -> str:
    """The n-th movement of every product: one in, some outs, and a count that found what was expected."""
    taken = "(id % 7 + 1)"
    kind, quantity, balance, reason = {
        0: ("in", f"quantity + 3 * {taken}", f"quantity + 3 * {taken}", "purchase"),
        MOVEMENTS_PER_PRODUCT - 1: ("adjustment", "0", "quantity", "count"),
    }.get(number, ("out", f"-{taken}", f"quantity + {3 - number} * {taken}", "sale"))
    moved_at = f"created_at + INTERVAL {30 * number} DAY"
    return (
        "INSERT INTO movements (product_id, kind, quantity, balance, reason, user_id, created_at) "
        f"SELECT id, '{kind}', {quantity}, {balance}, '{reason}', 1, {moved_at} FROM products"
    )


def docker(*arguments: str, given: str | None = None) -> str:
    done = subprocess.run(["docker", *arguments], input=given, capture_output=True, check=True, text=True)
    return done.stdout.strip()


def wait_until_up(container: str, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ping = ["docker", "exec", container, "mysqladmin", _SOCKET, "ping"]
        if subprocess.run(ping, capture_output=True, check=False).returncode == 0:
            return
        if docker("inspect", "--format", "{{.State.Running}}", container) != "true":
            break
        time.sleep(0.2)
    logs = subprocess.run(["docker", "logs", container], capture_output=True, check=False, text=True)
    raise ServerDidNotStart(f"MySQL does not start in this image:\n{logs.stderr[-2000:]}")
