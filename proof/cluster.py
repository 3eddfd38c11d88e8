"""A running cluster as its tests see it: its nodes, its state, and what can be done to it."""

from __future__ import annotations

import asyncio
import functools
import http.client
import json
import pathlib
import shlex
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from typing import Any

import testinfra
from testinfra.host import Host

from proof.browsing import Visitor
from proof.ledger import Ledger
from proof.load import Load, Reply, Step
from proof.playbook import Operator, PlaybookRun
from proof.waiting import PATIENCE, until

SOCKET = "/run/mysqld/mysqld.sock"
EPOCH_FILE = "/var/lib/mysql/cluster/epoch.json"
ASK_SECONDS = 5 * PATIENCE
WHOLE_SECONDS = 90
REGISTER_SECONDS = 30
BINARY_UNITS = {"B": 2**-20, "KiB": 2**-10, "MiB": 1, "GiB": 2**10}


class Node:
    """One host of the cluster."""

    def __init__(self, facts: Mapping[str, Any], cluster: str) -> None:
        self.name: str = facts["name"]
        self.address: str = facts["address"]
        self.connection: str = facts.get("connection", "ssh").rpartition(".")[2]
        self.target: str = facts.get("target", self.address)
        self.weight = int(facts.get("weight", 0))
        self.volume: str = f"{cluster}-{facts['volume']}" if facts.get("volume") else ""
        self._facts = facts

    def __repr__(self) -> str:
        return self.name

    @functools.cached_property
    def host(self) -> Host:
        """The same node for testinfra, by the inventory's connection."""
        if self.connection == "docker":
            return testinfra.get_host(f"docker://{self.target}")
        user = f"{self._facts['user']}@" if self._facts.get("user") else ""
        return testinfra.get_host(
            f"ssh://{user}{self.target}:{self._facts.get('port', 22)}",
            sudo=True,
            ssh_identity_file=self._facts.get("key_file") or None,
            ssh_extra_args=self._facts.get("ssh_arguments") or None,
        )

    def run(self, command: str, *arguments: str) -> str:
        """A command's output; a command that fails is an error. Arguments are quoted into %s."""
        result = self.host.run(command, *arguments)
        assert result.rc == 0, f"{self}: {command} {arguments}: exit {result.rc}: {result.stderr}{result.stdout}"
        return str(result.stdout)

    def pipe(self, script: str, text: str) -> str:
        """Run a shell script that reads this text: what must not stand in a command line."""
        if self.connection == "docker":
            command = ["docker", "exec", "--interactive", self.target, "sh", "-c", script]
        else:
            where = f"{self._facts['user']}@{self.target}" if self._facts.get("user") else self.target
            key = ["-i", str(self._facts["key_file"])] if self._facts.get("key_file") else []
            options = shlex.split(self._facts.get("ssh_arguments", ""))
            command = ["ssh", *options, *key, "-p", str(self._facts.get("port", 22)), where, f"sudo sh -c '{script}'"]
        result = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        assert result.returncode == 0, f"{self}: {script}: exit {result.returncode}: {result.stderr}"
        return result.stdout

    # --- MySQL ---

    def sql(self, statement: str, database: str = "") -> list[list[str]]:
        """Rows of a statement, as root by the socket."""
        client = f"mysql --no-defaults --socket={SOCKET} --batch --skip-column-names --execute=%s"
        output = self.run(f"{client} %s", statement, database) if database else self.run(client, statement)
        return [line.split("\t") for line in output.splitlines()]

    def value(self, expression: str, database: str = "") -> str:
        return self.sql(f"SELECT {expression}", database)[0][0]

    @property
    def is_writable(self) -> bool:
        """Whether mysqld runs here and takes writes."""
        client = f"mysql --no-defaults --socket={SOCKET} --batch --skip-column-names --execute=%s"
        result = self.host.run(client, "SELECT @@GLOBAL.super_read_only OR @@GLOBAL.read_only")
        return result.rc == 0 and str(result.stdout).strip() == "0"

    @property
    def epoch(self) -> dict[str, Any]:
        return dict(json.loads(self.run("cat %s", EPOCH_FILE)))

    # --- faults; all but the killed process are for hosts that are containers ---

    def docker(self, *arguments: str) -> str:
        assert self.connection == "docker", f"{self} is no container"
        return docker(*arguments, self.target)

    def kill_unit(self, unit: str) -> None:
        """Kill every process of a service at once, as the kernel does when memory is short."""
        self.run("systemctl kill --signal=KILL --kill-whom=all %s", unit)

    def remove_with_volume(self) -> None:
        """The host and its data are gone."""
        self.docker("rm", "--force", "--volumes")
        docker("volume", "rm", self.volume)


def docker(*arguments: str) -> str:
    result = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"docker {' '.join(arguments)}: {result.stderr}"
    return result.stdout.strip()


def _mebibytes(text: str) -> float:
    unit = text.lstrip("0123456789.")
    return float(text.removesuffix(unit)) * BINARY_UNITS[unit]


class Cluster:
    """The cluster of one inventory."""

    def __init__(self, operator: Operator) -> None:
        self.operator = operator
        facts = self._describe()
        self.name: str = facts["name"]
        self.url: str = facts["url"]
        self.admin_url: str = facts["admin_url"]
        self.username: str = facts["username"]
        self.health_path: str = facts["health_path"]
        self.database: str = facts["database"]
        self.meta_database: str = facts["meta_database"]
        self.vault_file = pathlib.Path(facts["vault_file"])
        self.authority_dir = pathlib.Path(facts["authority_dir"])
        self.secrets: dict[str, str] = facts["secrets"]
        self._health_port: int = facts["health_port"]
        self.nodes = {host["name"]: Node(host, self.name) for host in facts["hosts"]}
        groups: dict[str, list[str]] = facts["groups"]
        self.load_balancers = [self.nodes[name] for name in groups["loadbalancers"]]
        self.app_nodes = [self.nodes[name] for name in groups["app_nodes"]]
        self.database_nodes = [self.nodes[name] for name in groups["database"]]
        self.admin_nodes = [self.nodes[name] for name in groups.get("admin", [])]

    def _describe(self) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "cluster.json"
            self.operator.play("proof/describe.yml", "-e", f"describe_file={file}").expect_success()
            return dict(json.loads(file.read_text(encoding="utf-8")))

    @property
    def password(self) -> str:
        return self.secrets["vault_webapp_admin_password"]

    @property
    def in_containers(self) -> bool:
        return all(node.connection == "docker" for node in self.nodes.values())

    def play(self, playbook: str, *arguments: str, **options: Any) -> PlaybookRun:
        return self.operator.play(playbook, *arguments, **options)

    def site(self, *arguments: str, **options: Any) -> PlaybookRun:
        return self.play("site.yml", *arguments, **options)

    def verify(self) -> PlaybookRun:
        return self.play("playbooks/verify.yml")

    # --- the application ---

    def visitor(self, _number: int = 0) -> Visitor:
        return Visitor(self.url, self.username, self.password)

    def register(self, code: str) -> Reply:
        """One product, sent by somebody who signs in for it."""

        async def send() -> Reply:
            visitor = self.visitor()
            try:
                await visitor.open()
                return await asyncio.wait_for(visitor.register(code), REGISTER_SECONDS)
            finally:
                await visitor.close()

        return asyncio.run(send())

    def load(self, mix: Iterable[tuple[Step, int]], *, rate: float, at_least: int, at_most: int | None = None) -> Load:
        """A load on the published address that goes on until it is finished, for at most ten minutes."""
        most = max(at_least, int(rate * 600)) if at_most is None else at_most
        return Load(self.visitor, mix, rate=rate, at_least=at_least, at_most=most)

    def served_by(self, requests: int) -> set[str]:
        """Who answers the next requests; a failure counts as nobody."""
        names = set()
        for _ in range(requests):
            try:
                with urllib.request.urlopen(self.url + self.health_path, timeout=ASK_SECONDS) as response:
                    names.add(str(response.headers.get("X-Served-By", "")))
            except (OSError, http.client.HTTPException):
                names.add("")
        return names

    # --- the database ---

    @functools.cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.database_nodes[0].run("cat /etc/inventario/tls/ca.pem"))

    def ask(self, node: Node, path: str, seconds: float = ASK_SECONDS) -> tuple[int, str]:
        """The health agent's answer as HAProxy gets it; status 0: none."""
        url = f"https://{node.address}:{self._health_port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=seconds, context=self._tls) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except (OSError, http.client.HTTPException) as error:
            return 0, str(error)

    def state(self, node: Node) -> dict[str, Any]:
        """The agent's /state; empty: no answer."""
        status, body = self.ask(node, "/state")
        return dict(json.loads(body)) if status == 200 else {}

    def sources(self, seconds: float = ASK_SECONDS) -> list[Node]:
        """The nodes that the health agents offer for writes."""
        return [node for node in self.database_nodes if self.ask(node, "/source", seconds)[0] == 200]

    @property
    def source(self) -> Node:
        """The one source; it may be closed for a moment after a fault."""
        found = until(self._only_source, "one database node is the source", seconds=WHOLE_SECONDS)
        assert found
        return found

    def _only_source(self) -> Node | None:
        sources = self.sources()
        return sources[0] if len(sources) == 1 else None

    @property
    def replicas(self) -> list[Node]:
        source = self.source
        return [node for node in self.database_nodes if node is not source]

    def lacking(self) -> str:
        """What keeps the cluster from being whole: nothing, or a sentence."""
        sources = self.sources()
        if len(sources) != 1:
            return f"sources: {sources}"
        for node in self.database_nodes:
            if node is not sources[0] and self.ask(node, "/replica")[0] != 200:
                return f"{node} is no fresh replica: {self.ask(node, '/state')[1][:300]}"
        wanted = {node.name for node in self.app_nodes}
        answered = self.served_by(2 * sum(node.weight for node in self.app_nodes))
        return "" if answered == wanted else f"the load balancer answers from {answered}, not from {wanted}"

    def wait_until_whole(self, seconds: float = WHOLE_SECONDS) -> None:
        reasons: list[str] = [""]

        def whole() -> bool:
            reasons[0] = self.lacking()
            return not reasons[0]

        try:
            until(whole, "the cluster is whole", seconds=seconds, every=0.5)
        except AssertionError as error:
            raise AssertionError(f"{error}: {reasons[0]}") from error

    def catch_up(self, node: Node, seconds: float = 120) -> None:
        """Wait until a replica has executed what the source has executed by now."""
        executed = self.source.value("@@GLOBAL.gtid_executed").replace("\\n", "")
        until(
            lambda: (
                node.host.run("mysqladmin --no-defaults --socket=%s ping", SOCKET).rc == 0
                and node.value(f"GTID_SUBSET('{executed}', @@GLOBAL.gtid_executed)") == "1"
            ),
            f"{node} has executed what the source had",
            seconds=seconds,
        )

    def codes(self, node: Node) -> set[str]:
        """Codes of all products on a node."""
        return {row[0] for row in node.sql("SELECT code FROM products", self.database)}

    def expect_acknowledged(self, ledger: Ledger) -> None:
        """Every write that a client was told is saved is on every node."""
        for node in self.database_nodes:
            self.catch_up(node)
            missing = ledger.missing(self.codes(node))
            assert not missing, f"{node} lacks {len(missing)} acknowledged products: {sorted(missing)[:5]}"

    # --- containers ---

    def memory(self) -> dict[str, float]:
        """MiB of each container: its cgroup's usage less inactive_file, as `docker stats` has it."""
        names = {node.target: node.name for node in self.nodes.values()}
        lines = docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", *names).splitlines()
        return {names[name]: _mebibytes(usage) for name, usage, *_ in map(str.split, lines)}

    def repair(self) -> None:
        """Undo what a test that broke off may have left: frozen and stopped containers."""
        if not self.in_containers:
            return
        present = dict(
            line.split()
            for line in docker("ps", "--all", "--format", "{{.Names}} {{.State}}").splitlines()
            if line.startswith(f"{self.name}-")
        )
        for node in self.nodes.values():
            state = present.get(node.target, "gone")
            if state == "paused":
                docker("unpause", node.target)
            elif state in ("exited", "created"):
                docker("start", node.target)
