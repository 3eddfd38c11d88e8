#!/usr/bin/python3
"""The health agent of a database node: says who may be written to and read from, and opens or closes its own MySQL.

Rules (the only place that decides whether this node takes writes):
  * A node boots closed. It opens itself when its epoch file names it as the source, no channel of replication
    is configured, and
    enough nodes of the cluster answer, itself included, none of which knows a higher epoch. Else it closes itself.
  * Who is in the cluster, and how many must answer, stands in a file of its own: a change counts at the next check.
  * What was found out more than a few seconds ago is no longer true: an agent that stalled answers 503 until
    it has checked again.

MySQL is asked in a thread of its own, opened and closed in another, so that nothing there can hold up an answer.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import json
import os
import pathlib
import signal
import socket
import ssl
import sys
import time
from typing import Any, NamedTuple

try:
    import pymysql
except ImportError:  # the rules below are tested where there is no MySQL
    pymysql = None

REQUEST_LIMIT = 4096
CONNECTIONS = 200


def now() -> float:
    """Seconds that go on while the machine sleeps or this process is frozen."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Epoch(NamedTuple):
    number: int = 0
    source: str = ""


class Local(NamedTuple):
    """What the last check of this node's MySQL found."""

    answers: bool = False
    reason: str = "not checked yet"
    read_only: bool = True
    super_read_only: bool = True
    semisync: bool = False
    gtid_executed: str = ""
    channel: bool = False
    source_host: str = ""
    receiving: bool = False
    applying: bool = False
    lag: int | None = None

    @property
    def writable(self) -> bool:
        return self.answers and not self.read_only and not self.super_read_only


class Answer(NamedTuple):
    """The last that was heard of another node."""

    name: str
    epoch: Epoch = Epoch()
    heard_at: float | None = None


class Verdict(NamedTuple):
    may_write: bool
    reason: str


def decide(me: str, epoch: Epoch, local: Local, answers: list[Answer], wanted: int, heard_since: float) -> Verdict:
    """Whether this node may take writes.

    :param answers: of every other node; an old one counts for its epoch, which only rises, but not as an answer.
    :param wanted: how many nodes must answer, this one included.
    :param heard_since: answers older than this count no more.
    """
    if not local.answers:
        return Verdict(False, f"MySQL does not answer: {local.reason}")
    if epoch.source != me:
        return Verdict(False, f"epoch {epoch.number} names {epoch.source or 'no source'}")
    if local.channel:
        return Verdict(False, f"a source of replication is configured ({local.source_host})")
    for answer in answers:
        if answer.epoch.number > epoch.number:
            return Verdict(False, f"{answer.name} knows epoch {answer.epoch.number} with source {answer.epoch.source}")
        if answer.epoch.number == epoch.number and answer.epoch.source != me:
            return Verdict(False, f"{answer.name} names {answer.epoch.source} for epoch {epoch.number}")
    answering = 1 + sum(answer.heard_at is not None and answer.heard_at >= heard_since for answer in answers)
    if answering < wanted:
        return Verdict(False, f"only {answering} of the {wanted} nodes wanted answer")
    return Verdict(True, f"source of epoch {epoch.number}, {answering} nodes answer")


def replica_verdict(local: Local, max_lag: int) -> Verdict:
    """Whether this node is a replica fresh enough to read from."""
    if not local.answers:
        return Verdict(False, f"MySQL does not answer: {local.reason}")
    if not local.channel:
        return Verdict(False, "not a replica")
    if not local.receiving:
        return Verdict(False, "not connected to the source")
    if not local.applying or local.lag is None:
        return Verdict(False, "the applier does not run")
    if local.lag > max_lag:
        return Verdict(False, f"{local.lag} s behind")
    return Verdict(True, f"{local.lag} s behind")


def wanted_action(local: Local, verdict: Verdict, loose_since: float | None, moment: float, patience: float) -> str:
    """``open``, ``close`` or nothing.

    A closed node's super_read_only alone may be off for a moment, while accounts are changed.
    """
    if not local.answers:
        return ""
    if verdict.may_write:
        return "" if local.writable else "open"
    if not local.read_only:
        return "" if local.super_read_only else "close"
    if loose_since is not None and moment - loose_since > patience:
        return "close"
    return ""


class Database:
    """This node's MySQL, through its socket. Every call may block, but never for long."""

    def __init__(self, config: dict[str, Any], timeout: float) -> None:
        self.config = config
        self.timeout = timeout
        self.connection: Any = None

    def connect(self) -> Any:
        if self.connection is None:
            self.connection = pymysql.connect(
                unix_socket=self.config["socket"],
                user=self.config["user"],
                connect_timeout=self.timeout,
                read_timeout=self.timeout,
                write_timeout=self.timeout,
                autocommit=True,
                cursorclass=pymysql.cursors.DictCursor,
            )
        return self.connection

    def forget(self) -> None:
        if self.connection is not None:
            with contextlib.suppress(Exception):
                self.connection._force_close()
            self.connection = None

    def check(self) -> Local:
        try:
            with self.connect().cursor() as cursor:
                cursor.execute(
                    "SELECT @@GLOBAL.read_only ro, @@GLOBAL.super_read_only sro, @@GLOBAL.gtid_executed gtids, "
                    "@@GLOBAL.rpl_semi_sync_source_enabled semisync"
                )
                row = cursor.fetchone()
                cursor.execute("SHOW REPLICA STATUS")
                replica = cursor.fetchone() or {}
        except (pymysql.MySQLError, OSError) as error:
            self.forget()
            return Local(reason=str(error))
        return Local(
            answers=True,
            reason="",
            read_only=bool(row["ro"]),
            super_read_only=bool(row["sro"]),
            semisync=bool(row["semisync"]),
            gtid_executed=row["gtids"].replace("\n", ""),
            channel=bool(replica),
            source_host=replica.get("Source_Host", ""),
            receiving=replica.get("Replica_IO_Running") == "Yes",
            applying=replica.get("Replica_SQL_Running") == "Yes",
            lag=replica.get("Seconds_Behind_Source"),
        )

    def open(self) -> str:
        statements = ["SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF"]
        if self.config["semisync"]:
            # no write may come before commits wait for a replica
            statements.insert(0, "SET GLOBAL rpl_semi_sync_source_enabled = ON")
        return self.carry_out(statements)

    def close(self) -> str:
        # commits that wait for a replica hold it up: give up soon and try again
        return self.carry_out(["SET SESSION lock_wait_timeout = 1", "SET GLOBAL super_read_only = ON"])

    def carry_out(self, statements: list[str]) -> str:
        try:
            with self.connect().cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
        except (pymysql.MySQLError, OSError) as error:
            return str(error)
        finally:
            self.forget()
        return ""


class Peer:
    """Another node's agent, asked over one connection that stays."""

    def __init__(self, name: str, address: str, port: int, context: ssl.SSLContext) -> None:
        self.address = address
        self.port = port
        self.context = context
        self.answer = Answer(name)
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, timeout: float) -> None:
        try:
            async with asyncio.timeout(timeout):
                try:
                    state = await self.request()
                except (OSError, EOFError, ValueError, asyncio.IncompleteReadError):
                    # a connection that was kept may have ended with the other agent's restart
                    self.drop()
                    state = await self.request()
            epoch = Epoch(int(state["epoch"]), str(state["epoch_source"]))
            self.answer = Answer(self.answer.name, max(epoch, self.answer.epoch), now())
        except (OSError, EOFError, ValueError, KeyError, TimeoutError):
            self.drop()

    async def request(self) -> dict[str, Any]:
        if self.streams is None:
            self.streams = await asyncio.open_connection(
                self.address, self.port, ssl=self.context, server_hostname=self.address, limit=1 << 20
            )
        reader, writer = self.streams
        writer.write(b"GET /state HTTP/1.1\r\nHost: " + self.address.encode() + b"\r\n\r\n")
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(head.split("content-length:", 1)[1].split("\r\n", 1)[0])
        return json.loads(await reader.readexactly(length))

    def drop(self) -> None:
        if self.streams is not None:
            self.streams[1].transport.abort()
            self.streams = None


class Agent:
    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.me = config["node"]
        self.epoch = Epoch()
        self.local = Local()
        self.verdict = Verdict(False, "not checked yet")
        self.checked_at: float | None = None
        self.loose_since: float | None = None
        self.connections = 0
        self.asker = Database(config, timeout=config["timeout_seconds"])
        self.actor = Database(config, timeout=5)
        self.asking = concurrent.futures.ThreadPoolExecutor(1, "check")
        self.acting = concurrent.futures.ThreadPoolExecutor(1, "act")
        self.action: asyncio.Future[str] | None = None
        self.context = ssl.create_default_context(cafile=config["tls_ca"])
        self.peers: list[Peer] = []
        # nobody was told yet who is in the cluster: more than can answer
        self.wanted = sys.maxsize
        self.peers_changed: int | None = None

    # --- checking ------------------------------------------------------------------------------------------------
    async def watch(self) -> None:
        """Check for ever; one round a second, the next at once after this node was opened or closed."""
        while True:
            began = now()
            acted = await self.check(began)
            if not acted:
                await asyncio.sleep(max(0.05, self.config["interval_seconds"] - (now() - began)))

    async def check(self, began: float) -> bool:
        loop = asyncio.get_running_loop()
        self.read_peers()
        local = await loop.run_in_executor(self.asking, self.asker.check)
        # after MySQL: whoever closes it has raised the epoch before
        epoch = self.read_epoch()
        if epoch.source == self.me:
            await asyncio.gather(*(peer.ask(self.config["timeout_seconds"]) for peer in self.peers))
        heard_since = now() - self.config["grace_seconds"] if local.writable else began
        answers = [peer.answer for peer in self.peers]
        verdict = decide(self.me, epoch, local, answers, self.wanted, heard_since)
        if verdict != self.verdict and (verdict.may_write != self.verdict.may_write or self.checked_at is None):
            print(f"{'writable' if verdict.may_write else 'closed'}: {verdict.reason}", flush=True)
        moment = now()
        loose = local.answers and not local.super_read_only and not verdict.may_write
        self.loose_since = (self.loose_since or moment) if loose else None
        # true as of its beginning: a freeze in the middle of a check makes it an old one
        self.local, self.epoch, self.verdict, self.checked_at = local, epoch, verdict, began
        return await self.act(wanted_action(local, verdict, self.loose_since, moment, self.config["loose_seconds"]))

    async def act(self, action: str) -> bool:
        if not action or (self.action is not None and not self.action.done()):
            return False
        job = self.actor.open if action == "open" else self.actor.close
        self.action = asyncio.get_running_loop().run_in_executor(self.acting, job)
        done, _ = await asyncio.wait([self.action], timeout=0.5)
        if not done:
            return False
        error = self.action.result()
        print(f"{action}: {error or 'done'}", flush=True)
        return not error

    def read_peers(self) -> None:
        """Heed the file of peers when it is another; one that can't be read leaves what was known."""
        path = pathlib.Path(self.config["peers_file"])
        try:
            changed = path.stat().st_mtime_ns
            if changed == self.peers_changed:
                return
            held = json.loads(path.read_text(encoding="utf-8"))
            wanted = int(held["wanted"])
            addresses = {str(peer["name"]): str(peer["address"]) for peer in held["peers"]}
        except (OSError, ValueError, KeyError, TypeError) as error:
            print(f"{path}: {error}", file=sys.stderr, flush=True)
            return
        addresses.pop(self.me, None)
        stay = [peer for peer in self.peers if addresses.get(peer.answer.name) == peer.address]
        for peer in self.peers:
            if peer not in stay:
                peer.drop()
        known = {peer.answer.name for peer in stay}
        self.peers = stay + [
            Peer(name, address, self.config["port"], self.context)
            for name, address in addresses.items()
            if name not in known
        ]
        self.wanted, self.peers_changed = wanted, changed
        print(f"told of {', '.join(addresses) or 'no other node'}; {wanted} must answer", flush=True)

    def read_epoch(self) -> Epoch:
        try:
            held = json.loads(pathlib.Path(self.config["epoch_file"]).read_text(encoding="utf-8"))
            return Epoch(int(held["epoch"]), str(held["source"]))
        except FileNotFoundError:
            return Epoch()
        except (OSError, ValueError, KeyError, TypeError) as error:
            print(f"{self.config['epoch_file']}: {error}", file=sys.stderr, flush=True)
            return Epoch()

    # --- answering -----------------------------------------------------------------------------------------------
    def age(self) -> float | None:
        return None if self.checked_at is None else now() - self.checked_at

    def health(self, path: str) -> Verdict | None:
        """The verdict for a path; None for a path that there is not."""
        age = self.age()
        stale = (
            None
            if age is not None and age <= self.config["stale_seconds"]
            else Verdict(False, f"last check: {age} s ago")
        )
        if path == "/source":
            if stale or not self.verdict.may_write:
                return stale or self.verdict
            return self.verdict if self.local.writable else Verdict(False, "being opened")
        if path == "/replica":
            return stale or replica_verdict(self.local, self.config["max_lag_seconds"])
        if path == "/alive":
            return stale or Verdict(self.local.answers, self.local.reason or "MySQL answers")
        return None

    def state(self) -> dict[str, Any]:
        local = self.local
        age = self.age()
        # the file, not the last check: an epoch counts from the moment it is on the disk
        epoch = max(self.read_epoch(), self.epoch)
        return {
            "node": self.me,
            "epoch": epoch.number,
            "epoch_source": epoch.source,
            "role": "replica" if local.channel else "source" if epoch.source == self.me else "none",
            "may_write": self.verdict.may_write,
            "reason": self.verdict.reason,
            "mysql": local.answers,
            "read_only": local.read_only,
            "super_read_only": local.super_read_only,
            "semisync": local.semisync,
            "gtid_executed": local.gtid_executed,
            "replicates_from": local.source_host,
            "receiving": local.receiving,
            "applying": local.applying,
            "lag_seconds": local.lag,
            "checked_seconds_ago": None if age is None else round(age, 2),
            "wanted": self.wanted if self.peers_changed is not None else None,
            "peers": {
                peer.answer.name: {
                    "epoch": peer.answer.epoch.number,
                    "heard_seconds_ago": None
                    if peer.answer.heard_at is None
                    else round(now() - peer.answer.heard_at, 2),
                }
                for peer in self.peers
            },
        }

    def respond(self, path: str) -> tuple[str, str, str]:
        if path == "/state":
            return "200 OK", "application/json", json.dumps(self.state())
        verdict = self.health(path)
        if verdict is None:
            return "404 Not Found", "text/plain", "no such path"
        return ("200 OK" if verdict[0] else "503 Service Unavailable"), "text/plain", verdict.reason

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while self.connections <= CONNECTIONS:
                async with asyncio.timeout(30):
                    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                method, path, version = head.split("\r\n", 1)[0].split(" ")
                status, kind, body = self.respond(path)
                if method not in ("GET", "HEAD", "OPTIONS"):
                    status, kind, body = "405 Method Not Allowed", "text/plain", "GET only"
                stays = version == "HTTP/1.1" and "connection: close" not in head.lower()
                data = f"{body}\n".encode()
                writer.write(
                    f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n"
                    f"Cache-Control: no-store\r\nConnection: {'keep-alive' if stays else 'close'}\r\n\r\n".encode()
                    + (b"" if method == "HEAD" else data)
                )
                await writer.drain()
                if not stays:
                    break
        except (OSError, EOFError, ValueError, TimeoutError, asyncio.LimitOverrunError):
            pass
        finally:
            self.connections -= 1
            writer.close()

    async def run(self) -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.config["tls_certificate"], self.config["tls_key"])
        server = await asyncio.start_server(
            self.serve,
            self.config["bind_address"],
            self.config["port"],
            ssl=context,
            ssl_handshake_timeout=3,
            ssl_shutdown_timeout=1,
            limit=REQUEST_LIMIT,
            reuse_address=True,
        )
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        watching = asyncio.create_task(self.watch())
        tell_systemd("READY=1")
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([watching, stopping], return_when=asyncio.FIRST_COMPLETED)
        server.close()
        if watching.done():
            # a fault of the agent's own: end loudly, systemd starts it anew
            watching.result()


def tell_systemd(message: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.connect("\0" + address[1:] if address.startswith("@") else address)
            notify.sendall(message.encode())


def main() -> None:
    config = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    asyncio.run(Agent(config).run())
    # a thread that still waits for MySQL must not hold the end up
    os._exit(0)


if __name__ == "__main__":
    main()
