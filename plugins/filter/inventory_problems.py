"""Everything that is wrong with an inventory, found in its variables alone, before any host is touched."""

from __future__ import annotations

import difflib
import ipaddress
import pathlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.vars.hostvars import HostVars, HostVarsVars
from jinja2 import Undefined

REQUIRED_GROUPS = ("loadbalancers", "app_nodes", "database")
INVENTORY_PREFIXES = ("cluster_", "node_", "app_")
CLUSTER_NAME = re.compile(r"[a-z]([a-z0-9-]{0,28}[a-z0-9])?")
PUBLISHED_PORT = re.compile(r"(?:(?P<address>\[[0-9a-fA-F:]+\]|[0-9.]+):)?(?P<port>\d+):(?P<inside>\d+)(?:/tcp)?")
PORTS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")
SHORTEST_SECRET = 12
LARGEST_SERVER_ID = 2**32 - 1
APPLICATION_NAME = re.compile(r"[a-z]([a-z0-9_-]{0,28}[a-z0-9])?")
STATIC_PREFIX = re.compile(r"/[\w./-]*[\w-]/")
# of the role webapp's variables, those whose defaults only fit the application that comes with the project
BUNDLED_DEFAULTS = (
    "webapp_source",
    "webapp_source_paths",
    "webapp_requirements",
    "webapp_wsgi",
    "webapp_release_command",
    "webapp_release_check_command",
)
BUNDLED_ENVIRONMENT = "INVENTARIO_"
# a module, and what it has of gunicorn: a name, or a call; not a file
WSGI = re.compile(r"(?P<top>[^\W\d]\w*)(?:\.(?!py(?::|$))[^\W\d]\w*)*(?::.+)?")
PACKAGED = ("pyproject.toml", "setup.py")
# releases of Debian and Ubuntu on which Debian's MySQL packages can't be installed (roles/host_check has the systems)
WITHOUT_MYSQL = ("bookworm", "noble")
# numbers with bounds of their own, beside the ports
BOUNDS = {"app_weight": (1, 10000), "db_proxy_read_weight": (1, 256), "mysql_server_id": (1, LARGEST_SERVER_ID)}
# 0 switches these off
OPTIONAL_PORT = re.compile(r"_https_port$")
SECRET_NAME = re.compile(r"^vault_|password|passphrase|secret|_environment$")
CAUSES = (re.compile(r"'(\w+)' is undefined"), re.compile(r"has no attribute '(\w+)'"))
# how alike a name with no known prefix and a known one are, for the first to be a slip of the pen
SLIP = 0.9
TEXT, NUMBER = "text", "a whole number"
MISSING = object()


class Broken(NamedTuple):
    """Stands for a value that could not be computed."""

    reason: str


class Found(NamedTuple):
    variable: str
    host: str
    reason: str
    remedy: str


class Inventory:
    """The variables of all hosts, each read once; ``hosts`` may compute a value when it is asked for."""

    def __init__(self, hosts: Mapping[str, Mapping[str, Any]], groups: Mapping[str, Sequence[str]]) -> None:
        self.hosts = hosts
        self.groups = groups
        self._variables: dict[str, Mapping[str, Any]] = {}
        self._raw: dict[str, Mapping[str, Any]] = {}
        self._values: dict[tuple[str, str], Any] = {}
        self._alike: dict[tuple[str, frozenset[tuple[str, str]]], Any] = {}

    def members(self, group: str) -> list[str]:
        return list(self.groups.get(group, []))

    @property
    def cluster(self) -> list[str]:
        """The hosts of the cluster; every host where its groups are missing."""
        named = [host for group in (*REQUIRED_GROUPS, "admin") for host in self.members(group)]
        return list(dict.fromkeys(named)) or list(self.hosts)

    @property
    def containers(self) -> bool:
        return bool(self.members("container_hosts"))

    def names(self, host: str) -> list[str]:
        return list(self._of(host))

    def value(self, host: str, name: str) -> Any:
        if (host, name) not in self._values:
            alike = (name, self._depends_on(host, name))
            if alike not in self._alike:
                self._alike[alike] = self._computed(host, name)
            self._values[host, name] = self._alike[alike]
        return self._values[host, name]

    def _computed(self, host: str, name: str) -> Any:
        variables = self._of(host)
        try:
            return plain(variables[name]) if name in variables else MISSING
        except Exception as error:  # whatever a template may raise is an answer about the inventory
            return Broken(" ".join(str(error).split()))

    def _depends_on(self, host: str, name: str) -> frozenset[tuple[str, str]]:
        """The host's variables that decide a value, as they are written: hosts that have the same have the same value.

        So what is derived from the whole inventory is computed once and not for each of a thousand hosts.
        """
        raw = self.written(host)
        found: dict[str, str] = {}
        ahead = [name]
        while ahead:
            one = ahead.pop()
            if one in found or one not in raw:
                continue
            found[one] = str(raw[one])
            for text in _texts(raw[one]):
                if BY_NAME.search(text):
                    # it may look up what it does not mention
                    found["inventory_hostname"] = host
                ahead += _mentioned(text)
        return frozenset(found.items())

    def written(self, host: str) -> Mapping[str, Any]:
        """The host's variables as they stand, with their templates."""
        self._of(host)
        return self._raw[host]

    def shared(self, name: str) -> Any:
        """A variable of the whole cluster, as its first host sees it."""
        cluster = self.cluster
        return self.value(cluster[0], name) if cluster else MISSING

    def _of(self, host: str) -> Mapping[str, Any]:
        if host not in self._variables:
            if isinstance(self.hosts, HostVars):
                # as the host itself sees them: what Ansible gives of another host can't be derived from hostvars again
                self._raw[host] = self.hosts.raw_get(host)
                variables = {**self._raw[host], "hostvars": self.hosts}
                self._variables[host] = HostVarsVars(variables, loader=self.hosts._loader, host=host)
            else:
                self._variables[host] = self._raw[host] = self.hosts[host]
        return self._variables[host]


# what finds a variable by a name that is not written where it is used, or knows more than variables
BY_NAME = re.compile(r"\b(?:lookup|query|q|vars|varnames|now|omit|random)\b")
# the same for every host, or looked at through another name
EVERYWHERE = frozenset({"groups", "hostvars"})


EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
LITERAL = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""")


@cache
def _mentioned(text: str) -> tuple[str, ...]:
    """Every word of a text that has an expression in it, but for its literals: what it reads is among them."""
    if not EXPRESSION.search(text):
        return ()
    unquoted = EXPRESSION.sub(lambda found: LITERAL.sub(" ", found[0]), text)
    return tuple(set(re.findall(r"[A-Za-z_]\w*", unquoted)) - EVERYWHERE)


def _texts(value: Any) -> Iterator[str]:
    """All texts in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)


def plain(value: Any) -> Any:
    """The value with every template in it computed."""
    if isinstance(value, Undefined):
        # saying what it is raises what is undefined
        return str(value)
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def usable(value: Any) -> bool:
    return value is not MISSING and not isinstance(value, Broken)


def whole(value: Any) -> int | None:
    """The number that Ansible would take it for."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    try:
        return int(value)
    except ValueError:
        return None


def bounds_of(name: str) -> tuple[int, int] | None:
    if name.endswith("_port"):
        return (0 if OPTIONAL_PORT.search(name) else 1, 65535)
    return BOUNDS.get(name)


def is_secret(name: str, option: Mapping[str, Any]) -> bool:
    return bool(option.get("no_log") or SECRET_NAME.search(name))


def shown(name: str, option: Mapping[str, Any], value: Any) -> str:
    return "a value that is not shown" if is_secret(name, option) else repr(value)[:60]


# --- types ----------------------------------------------------------------------------------------------------------


def wrong_type(option: Mapping[str, Any], value: Any) -> str | None:
    """What is wanted instead of this value. Stricter than Ansible, which makes a text of anything."""
    wanted = option.get("type", "str")
    fits: Callable[[Any], bool]
    match wanted:
        case "str" | "path":
            fits, name = lambda v: isinstance(v, str) or whole(v) is not None, TEXT
        case "int":
            fits, name = lambda v: whole(v) is not None, NUMBER
        case "float":
            fits, name = _is_number, "a number"
        case "bool":
            fits, name = (
                lambda v: isinstance(v, bool) or str(v).lower() in {"true", "false", "yes", "no"},
                "true or false",
            )
        case "list":
            fits, name = lambda v: isinstance(v, list), "a list"
        case "dict":
            fits, name = lambda v: isinstance(v, dict), "a mapping"
        case _:
            return None
    if not fits(value):
        return name
    if wanted == "list" and "elements" in option:
        element = {"type": option["elements"], "options": option.get("options")}
        for item in value:
            if inner := wrong_type(element, item):
                return f"a list in which each element is {inner}"
    if wanted == "dict":
        for key, inner_option in (option.get("options") or {}).items():
            if key in value and (inner := wrong_type(inner_option, value[key])):
                return f"{inner} as its {key}"
    return None


def _is_number(value: Any) -> bool:
    try:
        return not isinstance(value, (bool, list, dict)) and float(value) is not None
    except (TypeError, ValueError):
        return False


def option_problem(name: str, option: Mapping[str, Any], value: Any) -> str | None:
    """Why a role would not take this value."""
    if value is None:
        return "is empty"
    wanted = wrong_type(option, value)
    if wanted:
        return f"is {shown(name, option, value)}, where {wanted} is wanted"
    # choices, and the keys of records
    errors = _validator(name, option).validate({name: value}).error_messages
    if errors:
        return "is not valid" if is_secret(name, option) else f"is {shown(name, option, value)}: {'; '.join(errors)}"
    return None


_validators: dict[str, tuple[Mapping[str, Any], ArgumentSpecValidator]] = {}


def _validator(name: str, option: Mapping[str, Any]) -> ArgumentSpecValidator:
    known = _validators.get(name)
    if not known or known[0] is not option:
        known = _validators[name] = (option, ArgumentSpecValidator({name: _without_defaults(option)}))
    return known[1]


def _without_defaults(option: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a role's specification that Ansible's validator knows, without defaults that are templates."""
    known = {key: option[key] for key in ("type", "elements", "choices", "required") if key in option}
    if option.get("options"):
        known["options"] = {key: _without_defaults(inner) for key, inner in option["options"].items()}
    return known


# --- the checks -----------------------------------------------------------------------------------------------------


class Checks:
    """Each method yields what it finds wrong; the order of ``all`` is the order in which an operator reads it."""

    def __init__(
        self,
        inventory: Inventory,
        specs: Mapping[str, Mapping[str, Any]],
        variables: Mapping[str, Any],
        wiring: Iterable[str],
        role_groups: Mapping[str, str],
        generating: bool,
    ) -> None:
        self.inventory = inventory
        self.specs = specs
        self.variables = variables
        self.wiring = set(wiring)
        self.role_groups = role_groups
        self.generating = generating
        self.options = {name: option for options in specs.values() for name, option in options.items()} | dict(
            variables
        )
        secrets = inventory.shared("cluster_secrets")
        self.known = self.wiring | set(self.options) | set(secrets if isinstance(secrets, list) else [])
        self.similar = cache(lambda name: difflib.get_close_matches(name, self.known, n=1))
        self.prefixes = (*sorted((f"{role}_" for role in specs), key=len, reverse=True), *INVENTORY_PREFIXES)
        self.missing: set[str] = set()
        self.reasons: dict[tuple[str, int], str | None] = {}

    def all(self) -> Iterator[Found]:
        found = [
            *self.groups(),
            *self.source(),
            *self.wired(),
            *self.names(),
            *self.cluster(),
            *self.addresses(),
            *self.database(),
            *self.application(),
            *self.firewall(),
            *self.suites(),
            *self.secrets(),
        ]
        yield from found
        blamed = {(problem.variable, problem.host) for problem in found}
        typed = [problem for problem in self.types(blamed) if (problem.variable, problem.host) not in blamed]
        yield from typed
        yield from self.published({problem.variable for problem in (*found, *typed)})

    def groups(self) -> Iterator[Found]:
        for group in REQUIRED_GROUPS:
            if not self.inventory.members(group):
                self.missing.add(group)
                yield Found(group, "", "is a group without hosts", f"put at least one host under {group} in hosts.yml")

    def source(self) -> Iterator[Found]:
        sources = self.inventory.members("db_source")
        if len(sources) != 1:
            reason = f"has {len(sources)} hosts ({', '.join(sources)})" if sources else "has no host"
            remedy = (
                "name exactly one database host in it, where a new cluster starts; the others belong to db_replicas"
            )
            yield Found("db_source", ", ".join(sources), f"{reason}, where one is wanted", remedy)
        for host in sources:
            if host not in self.inventory.members("database"):
                yield Found(
                    "db_source", host, "has a host that is not in database", "make db_source a child of database"
                )

    def wired(self) -> Iterator[Found]:
        present = set(self.inventory.names(self.inventory.cluster[0])) if self.inventory.cluster else set()
        if self.wiring and not self.wiring & present - set(self.variables):
            self.missing |= self.wiring
            remedy = "link it: ln -s ../../../shared/wiring.yml INVENTORY/group_vars/all/00_wiring.yml"
            yield Found(
                "group_vars/all/00_wiring.yml", "", "is missing: no variable is derived from this inventory", remedy
            )

    def names(self) -> Iterator[Found]:
        """Names that no role and no playbook reads."""
        for host in self.inventory.hosts:
            for name in self.inventory.names(host):
                if name not in self.known and not name.startswith(("ansible_", "_")):
                    yield from self.unknown(host, name)

    def unknown(self, host: str, name: str) -> Iterator[Found]:
        # with no known prefix it may be the operator's own, unless it is a slip of the pen of a known one
        similar = self.similar(name)
        owned = name.startswith(self.prefixes)
        if not (owned or (similar and difflib.SequenceMatcher(None, name, similar[0]).ratio() > SLIP)):
            return
        advice = f"did you mean {similar[0]}? " if similar else ""
        yield Found(
            name,
            host,
            "is an unknown variable",
            f"{advice}Correct or remove it; a variable of your own takes another prefix",
        )

    def cluster(self) -> Iterator[Found]:
        name = self.inventory.shared("cluster_name")
        if name is MISSING:
            yield self.absent("cluster_name", "", "a name for the cluster, such as inventario")
        elif usable(name) and not (isinstance(name, str) and CLUSTER_NAME.fullmatch(name)):
            remedy = (
                "take at most 30 lower-case letters, digits and hyphens, a letter first: it names containers and files"
            )
            yield Found("cluster_name", "", f"is {name!r}", remedy)
        administrator = self.inventory.shared("webapp_admin_username")
        if self.foreign and administrator == "":
            # it has no such user
            pass
        elif administrator is MISSING:
            what = "the first user's login" + ('; "" where it has no users' if self.foreign else "")
            yield self.absent("webapp_admin_username", "", what)
        elif usable(administrator) and not re.fullmatch(r"[^\s:]{1,64}", str(administrator)):
            remedy = "take 1 to 64 characters without spaces and colons"
            yield Found("webapp_admin_username", "", f"is {administrator!r}", remedy)
        if self.inventory.containers and self.inventory.shared("cluster_subnet") is MISSING:
            yield self.absent("cluster_subnet", "", "the containers' network, such as 172.28.0.0/24")
        public = self.inventory.shared("cluster_public_names")
        for entry in public if isinstance(public, list) else []:
            if not re.fullmatch(r"DNS:[A-Za-z0-9*._-]+|IP:[0-9a-fA-F.:]+", str(entry)):
                yield Found("cluster_public_names", "", f"has {entry!r}", "write each name as DNS:NAME or IP:ADDRESS")

    def addresses(self) -> Iterator[Found]:
        network, problem = self.network()
        if problem:
            yield problem
        holders: dict[Any, str] = {}
        for host in self.inventory.cluster:
            value = self.inventory.value(host, "node_address")
            if value is MISSING:
                yield self.absent("node_address", host, "the host's IPv4 address, by which the others reach it")
                continue
            if not isinstance(value, str):
                continue
            try:
                address = ipaddress.IPv4Address(value)
            except ValueError:
                yield Found("node_address", host, f"is {value!r}", "write an IPv4 address")
                continue
            if address in holders:
                reason = f"is {address}, as {holders[address]} has"
                yield Found("node_address", host, reason, "give each host an address of its own")
            holders.setdefault(address, host)
            if network:
                yield from self.placed(host, address, network)

    def network(self) -> tuple[ipaddress.IPv4Network | None, Found | None]:
        value = self.inventory.shared("cluster_subnet")
        if not isinstance(value, str):
            return None, None
        try:
            return ipaddress.IPv4Network(value), None
        except ValueError as error:
            remedy = "write a network as ADDRESS/BITS with no bit set beyond BITS, such as 172.28.0.0/24"
            return None, Found("cluster_subnet", "", f"is {value!r}: {error}", remedy)

    @staticmethod
    def placed(host: str, address: ipaddress.IPv4Address, network: ipaddress.IPv4Network) -> Iterator[Found]:
        reserved = {
            network.network_address: "the network's own address",
            network.broadcast_address: "the broadcast address",
            network.network_address + 1: "the gateway's address",
        }
        if address not in network:
            remedy = "take an address of that network, or correct cluster_subnet"
            yield Found("node_address", host, f"is {address}, outside cluster_subnet {network}", remedy)
        elif address in reserved:
            reason = f"is {address}, {reserved[address]} in cluster_subnet {network}"
            yield Found("node_address", host, reason, f"take an address from {network.network_address + 2} on")

    def database(self) -> Iterator[Found]:
        nodes = self.inventory.members("database")
        holders: dict[int, str] = {}
        for host in nodes:
            value = self.inventory.value(host, "mysql_server_id")
            number = whole(value)
            if value is MISSING:
                yield self.absent("mysql_server_id", host, "a number that no other database host has")
            elif number in holders:
                reason = f"is {number}, as {holders[number]} has"
                yield Found("mysql_server_id", host, reason, "give each database host a number of its own")
            elif number is not None:
                holders[number] = host
        if not nodes:
            return
        logged = self.inventory.value(nodes[0], "mysql_binlog_databases")
        for purpose in ("cluster_app_database", "cluster_meta_database"):
            wanted = self.inventory.value(nodes[0], purpose)
            if isinstance(logged, list) and usable(wanted) and wanted not in logged:
                reason = f"lacks {wanted!r} ({purpose}), which would not be replicated"
                yield Found("mysql_binlog_databases", "", reason, f"add {wanted} to the list")
        name = "mysql_semisync_acknowledgements"
        value = self.inventory.value(nodes[0], name)
        wanted_copies = whole(self.options.get(name, {}).get("default", 0) if value is MISSING else value)
        if wanted_copies is not None and not 0 <= wanted_copies <= len(nodes) - 1:
            reason = f"is {wanted_copies}, but there are {len(nodes) - 1} replicas: no commit would ever return"
            yield Found(name, "", reason, f"take 0 to {len(nodes) - 1}, or add replicas")

    @property
    def foreign(self) -> bool:
        """Whether the application is another one than the project's own."""
        name = self.inventory.shared("webapp_name")
        bundled = self.options.get("webapp_name", {}).get("default", name)
        return isinstance(name, str) and bool(APPLICATION_NAME.fullmatch(name)) and name != bundled

    def application(self) -> Iterator[Found]:
        nodes = self.inventory.members("app_nodes")
        name = self.inventory.shared("webapp_name")
        if isinstance(name, str) and not APPLICATION_NAME.fullmatch(name):
            remedy = (
                "take at most 30 lower-case letters, digits, hyphens and underscores, a letter first: it names files"
            )
            yield Found("webapp_name", "", f"is {name!r}", remedy)
        for host in nodes:
            names = set(self.inventory.names(host))
            yield from self.foreign_application(host, names) if self.foreign else self.bundled_application(host, names)
            yield from self.application_files(host, names)
        for host in self.inventory.members("loadbalancers"):
            files = self.inventory.value(host, "loadbalancer_static")
            for record in files if isinstance(files, list) else []:
                if isinstance(record, Mapping):
                    yield from self.static_files(host, str(record.get("prefix")), str(record.get("source")))

    def foreign_application(self, host: str, names: set[str]) -> Iterator[Found]:
        """What it does not say of itself would be taken from the project's own application."""
        wheel = str(self.inventory.value(host, "webapp_source")).endswith(".whl")
        for name in BUNDLED_DEFAULTS:
            if name not in names and not (wheel and name == "webapp_source_paths"):
                reason = f"is not set, and its default is that of {self.options['webapp_name']['default']}"
                yield Found(name, host, reason, "set it as inventory/byo.example does; empty where there is none")
        if self.inventory.value(host, "webapp_release_command") == "":
            name = "webapp_release_check_command"
            if name in names and self.inventory.value(host, name) != "":
                reason = "is set, and webapp_release_command is empty"
                yield Found(name, host, reason, "empty it too: --check would run it")
        for name in ("webapp_environment", "webapp_release_environment"):
            value = self.inventory.value(host, name)
            if isinstance(value, Broken):
                # a secret that it needs may not be there yet
                value = self.inventory.written(host).get(name)
            if isinstance(value, Mapping) and any(str(key).startswith(BUNDLED_ENVIRONMENT) for key in value):
                reason = f"is that of {self.options['webapp_name']['default']}"
                yield Found(name, host, reason, "set it as inventory/byo.example does; {} where there is none")

        yield from self.wsgi(host)

    def wsgi(self, host: str) -> Iterator[Found]:
        """What gunicorn would not find. Plain modules lie in their folder; where a package has its own, pip knows."""
        told, source = self.inventory.value(host, "webapp_wsgi"), self.inventory.value(host, "webapp_source")
        if not isinstance(told, str) or not isinstance(source, str):
            return
        match, folder = WSGI.fullmatch(told), pathlib.Path(source)
        plain_modules = folder.is_dir() and not any((folder / name).is_file() for name in PACKAGED)
        if not match:
            remedy = "write MODULE:NAME, as app:app for an app.py in which app = Flask(...)"
            yield Found("webapp_wsgi", host, f"is {told!r}", remedy)
        elif plain_modules and not has_module(folder, match["top"]):
            reason = f"is {told!r}, and {source} has no module {match['top']}"
            yield Found(
                "webapp_wsgi", host, reason, "name one that it has, such as one that imports what a package brings"
            )

    def bundled_application(self, host: str, names: set[str]) -> Iterator[Found]:
        if "webapp_wsgi" in names:
            reason = f"is set, and webapp_name is still {self.inventory.shared('webapp_name')}"
            yield Found(
                "webapp_wsgi", host, reason, "give your application a webapp_name of its own, or remove webapp_wsgi"
            )

    def application_files(self, host: str, names: set[str]) -> Iterator[Found]:
        """Files and folders of the control node."""
        for name in {"webapp_source", "webapp_requirements"} & names:
            value = self.inventory.value(host, name)
            if not isinstance(value, str) or (name == "webapp_requirements" and not value):
                continue
            path = pathlib.Path(value)
            folder = name == "webapp_source" and path.suffix != ".whl"
            if not (path.is_dir() if folder else path.is_file()):
                what = "folder" if folder else "file"
                reason = f"is {value!r}, which is no {what} of the control node"
                yield Found(name, host, reason, "correct the path; {{ cluster_inventory_dir }} is this inventory's")

    @staticmethod
    def static_files(host: str, prefix: str, source: str) -> Iterator[Found]:
        if not STATIC_PREFIX.fullmatch(prefix) or ".." in prefix:
            yield Found(
                "loadbalancer_static", host, f"has the prefix {prefix!r}", "write it as /static/, with both slashes"
            )
        if not pathlib.Path(source).is_dir():
            reason = f"has the source {source!r}, which is no folder"
            remedy = "correct the path, which is one of the control node, or remove the record"
            yield Found("loadbalancer_static", host, reason, remedy)

    def firewall(self) -> Iterator[Found]:
        """What nft would refuse, or take for something else, when a host is already being changed."""
        for name in ("cluster_ssh_sources", "cluster_phpmyadmin_sources", "cluster_health_sources"):
            yield from self.sources_of(name, "", self.inventory.shared(name))
        name = "common_firewall_extra_rules"
        for host in self.inventory.cluster:
            rules = self.inventory.value(host, name)
            for rule in rules if isinstance(rules, list) else []:
                if not isinstance(rule, Mapping):
                    continue
                ends = PORTS.fullmatch(str(rule.get("port", 1)))
                first, last = (int(ends[1]), int(ends[2] or ends[1])) if ends else (0, 0)
                if not 1 <= first <= last <= 65535:
                    yield Found(
                        name, host, f"has port {rule['port']!r}", "take ports from 1 to 65535, as 9100 or 9100-9110"
                    )
                yield from self.sources_of(name, host, rule.get("sources"))

    def sources_of(self, name: str, host: str, sources: Any) -> Iterator[Found]:
        for source in sources if isinstance(sources, list) else []:
            if source != "any" and not _is_network(source):
                yield Found(name, host, f"has {source!r}", "write addresses or networks, such as 192.0.2.0/24, or any")

    def suites(self) -> Iterator[Found]:
        """Images that could not be built, or would be built of another release than the one that is meant."""
        name, tiers = "docker_hosts_tier_suites", self.inventory.shared("docker_hosts_tiers")
        if not isinstance(tiers, Mapping):
            tiers = self.options["docker_hosts_tiers"]["default"]
        suites = self.inventory.shared(name)
        elsewhere = self.inventory.shared("mysql_apt_repositories") is not MISSING
        for tier, suite in suites.items() if isinstance(suites, Mapping) else ():
            if tier not in tiers:
                yield Found(name, "", f"names the tier {tier!r}, which no host has", f"take one of: {', '.join(tiers)}")
            elif "mysql" in (tiers[tier] or ()) and suite in WITHOUT_MYSQL and not elsewhere:
                reason = f"puts the tier {tier} on {suite}, for which Debian's MySQL packages do not exist"
                remedy = "take trixie for it, or name Oracle's APT repository in mysql_apt_repositories"
                yield Found(name, "", reason, remedy)

    def secrets(self) -> Iterator[Found]:
        names = self.inventory.shared("cluster_secrets")
        for name in names if isinstance(names, list) else []:
            value = self.inventory.shared(name)
            if value is MISSING:
                self.missing.add(name)
                if not self.generating:
                    yield Found(
                        name, "", "is a secret that is not defined", "run playbooks/secrets.yml, which generates it"
                    )
            elif usable(value) and len(str(value or "")) < SHORTEST_SECRET:
                remedy = f"take at least {SHORTEST_SECRET} characters, or remove it and run playbooks/secrets.yml"
                yield Found(name, "", f"is a secret of {len(str(value or ''))} characters", remedy)

    def types(self, blamed: set[tuple[str, str]]) -> Iterator[Found]:
        """Values that their role would refuse, on the hosts where it runs; but for those that are blamed already."""
        for role, options in (*self.specs.items(), ("", self.variables)):
            for host in self.hosts_of(role):
                for name in self.inventory.names(host):
                    if name in options and (name, host) not in blamed:
                        yield from self.typed(host, name, options[name])

    def hosts_of(self, role: str) -> list[str]:
        """Where a role's variables count: on its group's hosts, on all, or (on the control node) once."""
        group = self.role_groups.get(role, "")
        match group:
            case "":
                return self.inventory.cluster
            case "localhost":
                return self.inventory.cluster[:1]
            case _:
                return self.inventory.members(group)

    def typed(self, host: str, name: str, option: Mapping[str, Any]) -> Iterator[Found]:
        value = self.inventory.value(host, name)
        if isinstance(value, Broken):
            yield from self.broken(host, name, value)
            return
        # hosts that have a value in common hold it once, for as long as the inventory lives
        judged = (name, id(value))
        if judged not in self.reasons:
            self.reasons[judged] = option_problem(name, option, value)
        reason = self.reasons[judged]
        if reason:
            described = option.get("description", "")
            described = " ".join(described) if isinstance(described, list) else str(described)
            yield Found(name, host, reason, f"it means: {described}")
            return
        number, bounds = whole(value), bounds_of(name)
        if option.get("type") == "int" and number is not None and bounds and not bounds[0] <= number <= bounds[1]:
            yield Found(name, host, f"is {number}", f"take a number from {bounds[0]} to {bounds[1]}")

    def broken(self, host: str, name: str, value: Broken) -> Iterator[Found]:
        """Blame the variable that is undefined, not each one that needs it; and nothing that was reported already."""
        if self.missing & set(REQUIRED_GROUPS):
            return
        cause = next((match[1] for pattern in CAUSES if (match := pattern.search(value.reason))), None)
        if (
            cause in self.missing
            or cause in {"node_address", "cluster_name", "webapp_admin_username"}
            or (cause in self.wiring and self.missing)
        ):
            return
        if cause:
            yield Found(cause, host, f"is not defined, and {name} needs it", f"define {cause}, or {name} itself")
        else:
            reason = (
                "could not be computed" if SECRET_NAME.search(name) else f"could not be computed: {value.reason[:200]}"
            )
            yield Found(name, host, reason, "correct its template")

    def published(self, blamed: set[str]) -> Iterator[Found]:
        """Ports of the Docker host."""
        if not self.inventory.containers:
            return
        ports = {
            name: whole(self.inventory.shared(name))
            for name in self.variables
            if name.startswith("cluster_") and name.endswith("_port") and name not in blamed
        }
        told = set()
        for name, port in ports.items():
            twin = next((other for other in ports if other < name and ports[other] == port), None)
            if port is not None and twin:
                told.add(port)
                yield Found(name, "", f"is {port}, as {twin} is", "publish each service on a port of its own")
        holders: list[tuple[str, int, str]] = []
        for host, text in self.publications():
            variable = "docker_hosts_published_ports"
            match = PUBLISHED_PORT.fullmatch(str(text))
            if not match:
                yield Found(variable, host, f"has {text!r}", "write ADDRESS:PORT:CONTAINER_PORT")
                continue
            address, port = match["address"] or "0.0.0.0", int(match["port"])
            if not (1 <= port <= 65535 and 1 <= int(match["inside"]) <= 65535):
                if not blamed & {name for name in self.options if name.endswith("_port")}:
                    yield Found(variable, host, f"has {text!r}", "take ports from 1 to 65535")
                continue
            other = next(
                (holder for where, taken, holder in holders if taken == port and _overlap(where, address)), None
            )
            if other is not None and port not in told:
                reason = f"has port {port}, which {other or 'this host'} publishes too"
                yield Found(variable, host, reason, "publish each service on a port of its own")
            holders.append((address, port, host))

    def publications(self) -> Iterator[tuple[str, Any]]:
        for host in self.inventory.members("container_hosts"):
            value = self.inventory.value(host, "docker_hosts_published_ports")
            for text in value if isinstance(value, list) else []:
                yield host, text

    @staticmethod
    def absent(name: str, host: str, what: str) -> Found:
        where = "in hosts.yml" if host else "in group_vars/all/main.yml"
        return Found(name, host, "is not defined", f"set it {where}: {what}")


@cache
def has_module(folder: pathlib.Path, name: str) -> bool:
    """Whether a module or a package of this name is in the folder, or below it: PYTHONPATH may name that."""
    return any(
        path.is_dir() or path.suffix in {".py", ".so"}
        for path in folder.rglob(f"{name}*")
        if path.name.split(".")[0] == name
    )


def _is_network(source: Any) -> bool:
    try:
        return isinstance(source, str) and bool(ipaddress.ip_network(source, strict=False))
    except ValueError:
        return False


def _overlap(one: str, other: str) -> bool:
    anywhere = {"0.0.0.0", "[::]"}
    return one == other or one in anywhere or other in anywhere


# --- what the role is given -------------------------------------------------------------------------------------------


def together(found: Iterable[Found], everyone: Sequence[str]) -> list[dict[str, str]]:
    """One record where several hosts share a mistake."""
    hosts: dict[tuple[str, str, str], list[str]] = {}
    for problem in dict.fromkeys(found):
        hosts.setdefault((problem.variable, problem.reason, problem.remedy), []).append(problem.host)
    return [
        {"variable": variable, "host": _hosts(names, everyone), "reason": reason, "remedy": remedy}
        for (variable, reason, remedy), names in hosts.items()
    ]


def _hosts(names: list[str], everyone: Sequence[str]) -> str:
    named = [name for name in names if name]
    return "every host" if len(named) > 1 and set(everyone) <= set(named) else ", ".join(named)


def inventory_problems(
    hosts: Mapping[str, Mapping[str, Any]],
    groups: Mapping[str, Sequence[str]],
    specs: Mapping[str, Mapping[str, Any]],
    variables: Mapping[str, Any],
    wiring: Iterable[str],
    role_groups: Mapping[str, str] | None = None,
    generating: bool = False,
) -> dict[str, Any]:
    """Find everything that is wrong.

    :param hosts: each host's variables, Ansible's ``hostvars``.
    :param groups: each group's hosts.
    :param specs: each role's options, as its argument specification has them.
    :param variables: the options that are the inventory's own and no role's.
    :param wiring: names that inventory/shared/wiring.yml derives.
    :param role_groups: where a role runs: a group, or ``localhost``; all hosts if it is not named.
    :param generating: secrets that are missing are no problem, as a run that changes something generates them.
    :returns: ``problems``, records of variable, host, reason, remedy; ``secrets`` that are missing; ``ports`` that are
        published; ``cluster``, its name, network and subnet.
    """
    inventory = Inventory(hosts, groups)
    checks = Checks(inventory, specs, variables, wiring, role_groups or {}, generating)
    problems = together(checks.all(), inventory.cluster)
    names = inventory.shared("cluster_secrets")
    return {
        "problems": problems,
        "secrets": [name for name in names if name in checks.missing] if isinstance(names, list) else [],
        "generating": generating,
        "ports": list(_ports(checks)),
        "cluster": _cluster(inventory),
    }


def _cluster(inventory: Inventory) -> dict[str, str]:
    """What its containers and their network are called; a name that is wrong is reported, and asks for nothing here."""
    name, subnet = inventory.shared("cluster_name"), inventory.shared("cluster_subnet")
    hosts = inventory.members("container_hosts")
    network = inventory.value(hosts[0], "docker_hosts_network_name") if hosts else MISSING
    return {
        "name": str(name) if usable(name) else "",
        "network": str(network) if usable(network) else f"{name}App",
        "subnet": str(subnet) if usable(subnet) else "",
    }


def _ports(checks: Checks) -> Iterator[dict[str, Any]]:
    named = {
        whole(checks.inventory.shared(name)): name
        for name in checks.variables
        if name.startswith("cluster_") and name.endswith("_port")
    }
    for host, text in checks.publications():
        match = PUBLISHED_PORT.fullmatch(str(text))
        if match and 1 <= int(match["port"]) <= 65535:
            port = int(match["port"])
            variable = named.get(port, "docker_hosts_published_ports")
            yield {
                "variable": variable,
                "host": host,
                "address": (match["address"] or "0.0.0.0").strip("[]"),
                "port": port,
            }


def argument_specs(roles_dir: str) -> dict[str, dict[str, Any]]:
    """Each role's options; those of a role without a specification are not known."""
    files = sorted(pathlib.Path(roles_dir).glob("*/meta/argument_specs.yml"))
    return {file.parts[-3]: _load(str(file))["argument_specs"]["main"].get("options", {}) for file in files}


def yaml_keys(path: str) -> list[str]:
    """The names that a file of variables defines."""
    return list(_load(path))


def _load(path: str) -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(pathlib.Path(path).read_text(encoding="utf-8"), Loader=loader) or {}


def problem_lines(problems: Iterable[Mapping[str, str]]) -> list[str]:
    """One line for each problem, as an operator reads it."""
    return [
        f"{p['variable']}{' on ' + p['host'] if p['host'] else ''} {p['reason']}. Remedy: {p['remedy'].rstrip('.')}."
        for p in problems
    ]


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {
            "argument_specs": argument_specs,
            "inventory_problems": inventory_problems,
            "problem_lines": problem_lines,
            "yaml_keys": yaml_keys,
        }
