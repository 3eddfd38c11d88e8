"""A broken inventory is refused before any host is touched, and the message says what, where and what to do."""

from __future__ import annotations

import copy
import functools
import json
import os
import pathlib
import re
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.utils.collection_loader import AnsibleCollectionConfig
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from loading import load

preflight = load("plugins/filter/inventory_problems.py")
docker_machine = load("plugins/modules/docker_machine.py")
PROJECT = pathlib.Path(__file__).resolve().parents[2]
SPECS = preflight.argument_specs(str(PROJECT / "roles"))
ROLE_VARS = yaml.safe_load((PROJECT / "roles/preflight/vars/main.yml").read_text(encoding="utf-8"))
VARIABLES: dict[str, Any] = ROLE_VARS["__preflight_variables"]
ROLE_GROUPS: dict[str, str] = ROLE_VARS["__preflight_role_groups"]
WIRING = preflight.yaml_keys(str(PROJECT / "inventory/shared/wiring.yml"))
DATABASE = ["maestro1", "slave1", "slave2", "slave3"]


class Cluster(NamedTuple):
    """An inventory as Ansible reads it: what a test breaks before it asks for problems."""

    hosts: dict[str, dict[str, Any]]
    groups: dict[str, list[str]]

    def everywhere(self, **variables: Any) -> None:
        for host in self.hosts.values():
            host.update(variables)

    def without(self, name: str) -> None:
        for host in self.hosts.values():
            host.pop(name, None)

    def problems(self, generating: bool = False) -> list[dict[str, str]]:
        found = preflight.inventory_problems(
            self.hosts, self.groups, SPECS, VARIABLES, WIRING, ROLE_GROUPS, generating=generating
        )
        return found["problems"]


def copied(source: str, target: pathlib.Path) -> pathlib.Path:
    """An inventory of the project, with secrets made here instead of its own."""
    unwanted = shutil.ignore_patterns("vault.yml", "authority")
    # one inventory may link another's files
    shutil.copytree(PROJECT / "inventory", target, symlinks=True, ignore=unwanted, dirs_exist_ok=True)
    wiring = yaml.safe_load((target / "shared/wiring.yml").read_text(encoding="utf-8"))
    names = wiring["cluster_own_secrets"] + wiring["cluster_app_secrets"]
    vault = target / source / "group_vars/all/vault.yml"
    vault.write_text(yaml.safe_dump({name: secrets.token_urlsafe(24) for name in names}), encoding="utf-8")
    return target / source


def loaded(folder: pathlib.Path) -> tuple[HostVars, dict[str, list[str]]]:
    if not AnsibleCollectionConfig.collection_finder:
        init_plugin_loader()
    loader = DataLoader()
    manager = InventoryManager(loader=loader, sources=[str(folder)])
    variables = VariableManager(loader=loader, inventory=manager)
    return HostVars(manager, variables, loader), manager.get_groups_dict()


@pytest.fixture(scope="module", params=["docker", "test", "production.example", "byo.example", "test_byo", "vm"])
def project_inventory(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    project = tmp_path_factory.mktemp("project")
    # an inventory may name an application that lies beside it
    (project / "examples").symlink_to(PROJECT / "examples")
    return loaded(copied(request.param, project / "inventory"))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """inventory/docker with every template computed."""
    hosts, groups = loaded(copied("docker", tmp_path_factory.mktemp("inventory")))
    inventory = preflight.Inventory(hosts, groups)
    wanted = set(WIRING) | set(VARIABLES) | {name for options in SPECS.values() for name in options}
    wanted |= set(inventory.shared("cluster_secrets"))
    values = {
        host: {
            name: value
            for name in inventory.names(host)
            if name in wanted and preflight.usable(value := inventory.value(host, name))
        }
        for host in hosts
    }
    return Cluster(values, groups)


@pytest.fixture
def cluster(sound: Cluster) -> Cluster:
    return copy.deepcopy(sound)


def test_the_projects_inventories_have_no_problem(project_inventory: Any) -> None:
    hosts, groups = project_inventory
    assert preflight.inventory_problems(hosts, groups, SPECS, VARIABLES, WIRING, ROLE_GROUPS)["problems"] == []


def test_a_sound_inventory_has_no_problem(cluster: Cluster) -> None:
    assert cluster.problems() == []


@pytest.mark.parametrize(
    "mixed",
    [
        {"docker_hosts_tier_suites": {"loadbalancer": "bookworm", "app": "bookworm", "admin": "bookworm"}},
        {"docker_hosts_tier_suites": {"database": "bookworm"}, "mysql_apt_repositories": []},
    ],
    ids=["all but the database", "MySQL from elsewhere"],
)
def test_tiers_may_rest_on_another_release(cluster: Cluster, mixed: dict[str, Any]) -> None:
    cluster.everywhere(**mixed)
    assert cluster.problems() == []


class Broken(NamedTuple):
    name: str
    breaks: Callable[[Cluster], object]
    variable: str
    host: str
    reason: str
    remedy: str


def on(host: str, **variables: Any) -> Callable[[Cluster], None]:
    return lambda cluster: cluster.hosts[host].update(variables)


def everywhere(**variables: Any) -> Callable[[Cluster], None]:
    return lambda cluster: cluster.everywhere(**variables)


def members(**groups: list[str]) -> Callable[[Cluster], None]:
    return lambda cluster: cluster.groups.update(groups)


def lacks(name: str, host: str = "") -> Callable[[Cluster], object]:
    return lambda cluster: cluster.hosts[host].pop(name) if host else cluster.without(name)


def unwired(cluster: Cluster) -> None:
    for name in set(WIRING) - set(VARIABLES):
        cluster.without(name)


BROKEN = [
    Broken("two sources", members(db_source=DATABASE[:2]), "db_source", "maestro1, slave1", "2 hosts", "exactly one"),
    Broken("no source", members(db_source=[]), "db_source", "", "no host", "exactly one"),
    Broken("source outside", members(db_source=["app"]), "db_source", "app", "not in database", "child of database"),
    Broken("no app nodes", members(app_nodes=[]), "app_nodes", "", "without hosts", "under app_nodes"),
    Broken("no balancer", members(loadbalancers=[]), "loadbalancers", "", "without hosts", "under loadbalancers"),
    Broken("no database", members(database=[]), "database", "", "without hosts", "under database"),
    Broken("no wiring", unwired, "group_vars/all/00_wiring.yml", "", "missing", "ln -s"),
    Broken("same server id", on("slave2", mysql_server_id=2), "mysql_server_id", "slave2", "as slave1", "its own"),
    Broken("server id text", on("slave2", mysql_server_id="three"), "mysql_server_id", "slave2", "whole", "number"),
    Broken("server id 0", on("slave2", mysql_server_id=0), "mysql_server_id", "slave2", "is 0", "1 to 4294967295"),
    Broken("server id huge", on("slave2", mysql_server_id=2**32), "mysql_server_id", "slave2", "4294967296", "from 1"),
    Broken("no server id", lacks("mysql_server_id", "slave1"), "mysql_server_id", "slave1", "not defined", "number"),
    Broken("weight 0", on("app1", app_weight=0), "app_weight", "app1", "is 0", "from 1"),
    Broken("weight below 0", on("app1", app_weight=-2), "app_weight", "app1", "is -2", "from 1"),
    Broken("weight text", on("app1", app_weight="many"), "app_weight", "app1", "a whole number", "share"),
    Broken("weight a half", on("app1", app_weight=0.5), "app_weight", "app1", "a whole number", "share"),
    Broken("weight empty", on("app1", app_weight=None), "app_weight", "app1", "is empty", "share"),
    Broken("read weight", on("slave1", db_proxy_read_weight=300), "db_proxy_read_weight", "slave1", "is 300", "256"),
    Broken("no address", lacks("node_address", "app2"), "node_address", "app2", "not defined", "IPv4"),
    Broken("no IPv4", on("app2", node_address="172.28.0"), "node_address", "app2", "'172.28.0'", "IPv4"),
    Broken(
        "outside",
        on("app2", node_address="172.30.0.9"),
        "node_address",
        "app2",
        "outside cluster_subnet",
        "of that network",
    ),
    Broken("same address", on("app2", node_address="172.28.0.21"), "node_address", "app2", "as app has", "of its own"),
    Broken("the gateway", on("app2", node_address="172.28.0.1"), "node_address", "app2", "gateway", "172.28.0.2"),
    Broken("the network", on("app2", node_address="172.28.0.0"), "node_address", "app2", "network's own", "172.28.0.2"),
    Broken("broadcast", on("app2", node_address="172.28.0.255"), "node_address", "app2", "broadcast", "172.28.0.2"),
    Broken("subnet", everywhere(cluster_subnet="172.28.0.5/24"), "cluster_subnet", "", "host bits", "ADDRESS/BITS"),
    Broken("no subnet", lacks("cluster_subnet"), "cluster_subnet", "", "not defined", "network"),
    Broken("ssh source", everywhere(cluster_ssh_sources=["office"]), "cluster_ssh_sources", "", "'office'", "or any"),
    Broken(
        "firewall source",
        on("app", common_firewall_extra_rules=[{"port": 9100, "sources": ["10.0.0.0/33"]}]),
        "common_firewall_extra_rules",
        "app",
        "'10.0.0.0/33'",
        "networks",
    ),
    Broken(
        "firewall port",
        on("app", common_firewall_extra_rules=[{"port": "9110-9100", "sources": ["any"]}]),
        "common_firewall_extra_rules",
        "app",
        "'9110-9100'",
        "9100-9110",
    ),
    Broken(
        "firewall rule",
        on("app", common_firewall_extra_rules=[{"port": 9100}]),
        "common_firewall_extra_rules",
        "app",
        "sources",
        "",
    ),
    Broken(
        "database on Debian 12",
        everywhere(docker_hosts_tier_suites={"app": "bookworm", "database": "bookworm"}),
        "docker_hosts_tier_suites",
        "",
        "the tier database on bookworm",
        "take trixie",
    ),
    Broken(
        "suite of no tier",
        everywhere(docker_hosts_tier_suites={"apps": "bookworm"}),
        "docker_hosts_tier_suites",
        "",
        "the tier 'apps'",
        "loadbalancer, app, database, admin",
    ),
    Broken(
        "no secret", lacks("vault_mysql_admin_password"), "vault_mysql_admin_password", "", "not defined", "secrets.yml"
    ),
    Broken("short", everywhere(vault_webapp_secret_key="a" * 11), "vault_webapp_secret_key", "", "11 char", "least 12"),
    Broken("empty", everywhere(vault_webapp_secret_key=""), "vault_webapp_secret_key", "", "0 char", "least 12"),
    Broken(
        "misspelt",
        everywhere(mysql_semysinc_acknowledgements=1),
        "mysql_semysinc_acknowledgements",
        "every host",
        "unknown",
        "did you mean mysql_semisync_acknowledgements?",
    ),
    Broken("misspelt there", on("app", app_wieght=2), "app_wieght", "app", "unknown", "did you mean app_weight?"),
    Broken(
        "misspelt prefix", on("app", nod_address="x"), "nod_address", "app", "unknown", "did you mean node_address?"
    ),
    Broken(
        "misspelt wiring",
        everywhere(cluster_app_databse="x"),
        "cluster_app_databse",
        "every host",
        "unknown",
        "did you mean cluster_app_database?",
    ),
    Broken("nothing like it", on("app", webapp_qqq=2), "webapp_qqq", "app", "unknown", "orrect or remove"),
    Broken(
        "type",
        on("nginx", loadbalancer_listen_addresses="::"),
        "loadbalancer_listen_addresses",
        "nginx",
        "a list",
        "ddress",
    ),
    Broken(
        "elements",
        on("nginx", loadbalancer_listen_addresses=[{}]),
        "loadbalancer_listen_addresses",
        "nginx",
        "each element is text",
        "ddress",
    ),
    Broken(
        "record",
        on("nginx", loadbalancer_upstreams=[{"name": "a", "address": "b", "port": "c"}]),
        "loadbalancer_upstreams",
        "nginx",
        "a whole number as its port",
        "nodes",
    ),
    Broken(
        "record's key",
        on("nginx", loadbalancer_upstreams=[{"name": "a", "address": "b", "port": 1, "wait": 1}]),
        "loadbalancer_upstreams",
        "nginx",
        "wait",
        "nodes",
    ),
    Broken(
        "choice",
        on("app", docker_hosts_restart_policy="often"),
        "docker_hosts_restart_policy",
        "app",
        "often",
        "Docker",
    ),
    Broken("port", everywhere(cluster_http_port=70000), "cluster_http_port", "every host", "is 70000", "65535"),
    Broken("port 0", everywhere(webapp_port=0), "webapp_port", "app, app1, app2, app3", "is 0", "1 to 65535"),
    Broken("port text", everywhere(cluster_http_port="http"), "cluster_http_port", "every host", "'http'", "Port"),
    Broken(
        "equal ports",
        everywhere(cluster_https_port=8080),
        "cluster_https_port",
        "",
        "is 8080, as cluster_http_port",
        "own",
    ),
    Broken(
        "published twice",
        on("phpmyadmin", docker_hosts_published_ports=["8443:80"]),
        "docker_hosts_published_ports",
        "phpmyadmin",
        "port 8443, which nginx",
        "of its own",
    ),
    Broken(
        "published how",
        on("nginx", docker_hosts_published_ports=["http:80"]),
        "docker_hosts_published_ports",
        "nginx",
        "'http:80'",
        "ADDRESS:PORT:CONTAINER_PORT",
    ),
    Broken("cluster name", everywhere(cluster_name="my cluster"), "cluster_name", "", "'my cluster'", "lower-case"),
    Broken("long name", everywhere(cluster_name="a" * 31), "cluster_name", "", "aaaa", "at most 30"),
    Broken("no name", lacks("cluster_name"), "cluster_name", "", "not defined", "main.yml"),
    Broken("administrator", everywhere(webapp_admin_username="a b"), "webapp_admin_username", "", "'a b'", "spaces"),
    Broken("no administrator", lacks("webapp_admin_username"), "webapp_admin_username", "", "not defined", "login"),
    Broken("application's name", everywhere(webapp_name="My Shop"), "webapp_name", "", "'My Shop'", "lower-case"),
    Broken(
        "no name of its own", on("app", webapp_wsgi="shop:app"), "webapp_wsgi", "app", "still inventario", "its own"
    ),
    Broken("no source", on("app", webapp_source="/none"), "webapp_source", "app", "no folder", "path"),
    Broken("no wheel", on("app", webapp_source="/none/a.whl"), "webapp_source", "app", "no file", "path"),
    Broken("no pins", on("app", webapp_requirements="/none"), "webapp_requirements", "app", "no file", "path"),
    Broken(
        "static prefix",
        on("nginx", loadbalancer_static=[{"prefix": "static", "source": "/"}]),
        "loadbalancer_static",
        "nginx",
        "'static'",
        "slashes",
    ),
    Broken(
        "static source",
        on("nginx", loadbalancer_static=[{"prefix": "/static/", "source": "/none"}]),
        "loadbalancer_static",
        "nginx",
        "no folder",
        "path",
    ),
    Broken(
        "not logged",
        everywhere(mysql_binlog_databases=["db_cluster"]),
        "mysql_binlog_databases",
        "",
        "db_inventario",
        "add",
    ),
    Broken(
        "canary not logged",
        everywhere(mysql_binlog_databases=["db_inventario"]),
        "mysql_binlog_databases",
        "",
        "db_cluster",
        "add",
    ),
    Broken(
        "acknowledgements",
        everywhere(mysql_semisync_acknowledgements=4),
        "mysql_semisync_acknowledgements",
        "",
        "3 replicas",
        "0 to 3",
    ),
    Broken(
        "default acknowledgements",
        members(database=["maestro1"]),
        "mysql_semisync_acknowledgements",
        "",
        "0 replicas",
        "0",
    ),
    Broken(
        "public names",
        everywhere(cluster_public_names=["inventario.example.org"]),
        "cluster_public_names",
        "",
        "inventario.example.org",
        "DNS:NAME",
    ),
]


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case.name.replace(" ", "-"))
def test_a_broken_inventory_is_refused(cluster: Cluster, case: Broken) -> None:
    case.breaks(cluster)
    problems = cluster.problems()
    blamed = [problem for problem in problems if problem["variable"] == case.variable]
    assert blamed, f"nothing is said of {case.variable}: {problems}"
    assert [problem["host"] for problem in blamed] == [case.host]
    assert case.reason in blamed[0]["reason"]
    assert case.remedy in blamed[0]["remedy"]
    line = preflight.problem_lines(blamed)[0]
    assert all(text in line for text in (case.variable, case.host, case.reason, case.remedy))


# what follows from the mistake is not told as a mistake of its own
CASCADING = {"no app nodes", "no balancer", "no database", "source outside", "no wiring"}


@pytest.mark.parametrize("case", [case for case in BROKEN if case.name not in CASCADING], ids=lambda case: case.name)
def test_one_mistake_is_one_problem(cluster: Cluster, case: Broken) -> None:
    case.breaks(cluster)
    assert len(cluster.problems()) == 1


def test_all_mistakes_are_told_at_once(cluster: Cluster) -> None:
    cluster.groups["db_source"] = []
    cluster.hosts["app"]["app_weight"] = 0
    cluster.hosts["slave1"]["mysql_server_id"] = 1
    cluster.everywhere(cluster_http_port=0)
    assert {problem["variable"] for problem in cluster.problems()} == {
        "db_source",
        "app_weight",
        "mysql_server_id",
        "cluster_http_port",
    }


def test_a_variable_of_the_operators_own_is_nobodys_business(cluster: Cluster) -> None:
    cluster.everywhere(rack="r12", team_contact="it", ansible_user="deploy")
    assert cluster.problems() == []


def test_another_application_says_everything_of_itself(cluster: Cluster) -> None:
    """What it left out would be the bundled one's."""
    cluster.everywhere(webapp_name="shop", webapp_admin_username="")
    assert {problem["variable"] for problem in cluster.problems()} == {
        *preflight.BUNDLED_DEFAULTS,
        "webapp_environment",
        "webapp_release_environment",
    }
    cluster.everywhere(webapp_source=str(PROJECT / "webapp"), webapp_source_paths=["."], webapp_requirements="")
    cluster.everywhere(webapp_wsgi="shop:app", webapp_release_command="", webapp_release_check_command="")
    cluster.everywhere(webapp_environment={"SHOP_TITLE": "x"}, webapp_release_environment={})
    assert cluster.problems() == []


def test_another_applications_check_without_a_command_is_refused(cluster: Cluster) -> None:
    cluster.everywhere(webapp_name="shop", webapp_admin_username="", webapp_source=str(PROJECT / "webapp"))
    cluster.everywhere(webapp_source_paths=["."], webapp_requirements="", webapp_wsgi="shop:app")
    cluster.everywhere(webapp_release_command="", webapp_release_check_command="flask --app shop release --check")
    cluster.everywhere(webapp_environment={}, webapp_release_environment={})
    assert [(problem["variable"], problem["reason"]) for problem in cluster.problems()] == [
        ("webapp_release_check_command", "is set, and webapp_release_command is empty")
    ]


@pytest.mark.parametrize(
    ("wsgi", "reason"),
    [
        ("app:app", ""),
        ("app", ""),
        ("app.views:create_app('a b')", ""),
        ("inner:app", ""),
        ("app.py", "is 'app.py'"),
        ("app.py:app", "is 'app.py:app'"),
        ("./app:app", "is './app:app'"),
        ("guestbook:create_app()", "has no module guestbook"),
        ("ap:app", "has no module ap"),
    ],
)
def test_another_applications_module_is_looked_for(
    cluster: Cluster, tmp_path: pathlib.Path, wsgi: str, reason: str
) -> None:
    (tmp_path / "src" / "inner").mkdir(parents=True)
    (tmp_path / "app.py").touch()
    cluster.everywhere(webapp_name="shop", webapp_admin_username="", webapp_source=str(tmp_path), webapp_wsgi=wsgi)
    cluster.everywhere(webapp_source_paths=["."], webapp_requirements="", webapp_environment={})
    cluster.everywhere(webapp_release_command="", webapp_release_check_command="", webapp_release_environment={})
    told = cluster.problems()
    assert [problem["variable"] for problem in told] == (["webapp_wsgi"] if reason else [])
    assert all(reason in problem["reason"] for problem in told)
    # where a package's modules come from is not to be seen in its folder
    (tmp_path / "pyproject.toml").touch()
    assert bool(cluster.problems()) == ("has no module" not in reason and bool(reason))


def written(application: str, folder: pathlib.Path) -> list[dict[str, str]]:
    """What is said of a copy of inventory/byo.example, before it has secrets, with this as its application.yml."""
    inventory = copied("byo.example", folder / "inventory")
    (inventory / "group_vars/all/vault.yml").unlink()
    (inventory / "group_vars/all/application.yml").write_text(application, encoding="utf-8")
    hosts, groups = loaded(inventory)
    found = preflight.inventory_problems(hosts, groups, SPECS, VARIABLES, WIRING, ROLE_GROUPS, generating=True)
    problems: list[dict[str, str]] = found["problems"]
    return problems


@pytest.fixture
def least(tmp_path: pathlib.Path) -> str:
    """What the example's page says is the least to write, with the folder that it names."""
    page = (PROJECT / "inventory/byo.example/README.md").read_text(encoding="utf-8")
    text = page.split("```yaml\n")[1].split("```")[0]
    folder = tmp_path / "tides"
    folder.mkdir()
    (folder / "requirements.txt").write_text("flask\n", encoding="utf-8")
    (folder / "app.py").touch()
    assert "/home/me/tides" in text
    return text.replace("/home/me/tides", str(folder))


def test_the_least_that_the_example_tells_to_write_is_enough(least: str, tmp_path: pathlib.Path) -> None:
    assert written(least, tmp_path) == []


def test_what_is_missing_of_the_least_is_told_once_and_before_there_are_secrets(
    least: str, tmp_path: pathlib.Path
) -> None:
    lines = [line for line in least.splitlines() if line.startswith("webapp_") and line[-2:] in {'""', "{}"}]
    assert len(lines) == 5
    told = written("\n".join(line for line in least.splitlines() if line not in lines), tmp_path)
    assert sorted(problem["variable"] for problem in told) == sorted(line.split(":")[0] for line in lines)


def test_a_missing_secret_is_no_problem_where_it_will_be_generated(cluster: Cluster) -> None:
    cluster.without("vault_webapp_secret_key")
    cluster.without("webapp_environment")
    assert cluster.problems(generating=True) == []


def test_a_secret_is_never_shown(cluster: Cluster) -> None:
    secret = secrets.token_urlsafe(24)
    cluster.everywhere(mysql_admin_password=[secret], webapp_environment=secret, vault_webapp_secret_key=secret[:5])
    problems = cluster.problems()
    assert len(problems) == 3
    assert secret[:5] not in json.dumps(problems)


def test_neither_is_what_a_role_keeps_out_of_its_log(cluster: Cluster) -> None:
    secret = secrets.token_urlsafe(24)
    cluster.everywhere(webapp_settings=[f"SMTP_PASSWORD={secret}"])
    (problem,) = cluster.problems()
    assert problem["variable"] == "webapp_settings"
    assert secret not in json.dumps(problem)


# --- every option of every role -------------------------------------------------------------------------------------

WRONG: dict[str, list[Any]] = {
    "str": [["text"], {"a": "b"}, True, 1.5, None],
    "path": [["/"], {"a": "b"}, False, None],
    "int": ["many", 1.5, True, [1], None],
    "float": ["many", True, [1.5], None],
    "bool": ["perhaps", 7, [True], None],
    "list": ["a,b", 3, {"a": "b"}, None],
    "dict": ["a=b", 3, ["a"], None],
}
OPTIONS = [
    (role, name, option) for role, options in (*SPECS.items(), ("", VARIABLES)) for name, option in options.items()
]


@pytest.fixture(scope="module")
def refused(sound: Cluster) -> Callable[[str, int], set[str]]:
    """What is refused when every option of a role has its nth wrong value."""

    @functools.cache
    def names(role: str, nth: int) -> set[str]:
        options = SPECS[role] if role else VARIABLES
        wrong = {name: WRONG[option.get("type", "str")] for name, option in options.items()}
        overlay = {name: values[nth % len(values)] for name, values in wrong.items()}
        hosts = {host: {**variables, **overlay} for host, variables in sound.hosts.items()}
        return {problem["variable"] for problem in Cluster(hosts, sound.groups).problems()}

    return names


@pytest.mark.parametrize(("role", "name", "option"), OPTIONS, ids=[name for _, name, _ in OPTIONS])
def test_a_value_of_a_wrong_type_is_refused(
    refused: Callable[[str, int], set[str]], role: str, name: str, option: dict[str, Any]
) -> None:
    for nth, value in enumerate(WRONG[option.get("type", "str")]):
        assert name in refused(role, nth), f"{role} would get {value!r}"


@pytest.mark.parametrize(("role", "name", "option"), OPTIONS, ids=[name for _, name, _ in OPTIONS])
def test_a_default_has_the_type_that_is_wanted(role: str, name: str, option: dict[str, Any]) -> None:
    default = option.get("default")
    if default is not None and "{{" not in str(default):
        assert preflight.option_problem(name, option, default) is None, role


# --- this machine ---------------------------------------------------------------------------------------------------

INFORMATION = json.dumps({"ServerVersion": "20.10", "DockerRootDir": "/"})
DENIED = "Got permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock"


class Engine:
    """A `docker` that answers what a test wants."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.answer("info", INFORMATION)
        self.answer("container", "")
        self.answer("network", "", second="ls")
        self.answer("network", "[]", second="inspect")
        script = folder / "docker"
        script.write_text(
            f'#!/bin/sh\nfile="{folder}/$1"; [ "$1" = network ] && file="$file-$2"\n'
            'cat "$file"; cat "$file-error" >&2 2>/dev/null || exit 0; exit 1\n',
            encoding="utf-8",
        )
        script.chmod(0o755)

    def answer(self, first: str, text: str, second: str = "") -> None:
        (self.folder / f"{first}{'-' + second if second else ''}").write_text(text, encoding="utf-8")

    def refuse(self, error: str) -> None:
        self.answer("info", "")
        self.answer("info-error", error)

    def publish(self, ports: str, cluster: str = "", state: str = "running", name: str = "somebody") -> None:
        self.answer("container", json.dumps({"names": name, "ports": ports, "state": state, "cluster": cluster}) + "\n")

    def network(self, name: str, subnet: str) -> None:
        self.answer("network", "0123456789ab", second="ls")
        config = [{"Subnet": subnet}]
        inspected = [{"Id": "0123456789abcdef", "Name": name, "Options": {}, "IPAM": {"Config": config}}]
        self.answer("network", json.dumps(inspected), second="inspect")


@pytest.fixture
def engine(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    return Engine(tmp_path)


@pytest.fixture
def proc(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "proc/net").mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text("MemTotal: 8388608 kB\nMemAvailable:    4194304 kB\n", encoding="ascii")
    head = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
    # a default route, 10.8.0.0/16 of a VPN, and the network of docker's own bridge
    rows = [
        "eth0 00000000 0101A8C0 3 0 0 0 00000000",
        "tun0 0000080A 0 3 0 0 0 0000FFFF",
        "docker0 000011AC 0 1 0 0 0 0000FFFF",
    ]
    (tmp_path / "proc/net/route").write_text(head + "\n".join(rows) + "\n", encoding="ascii")
    return tmp_path / "proc"


@pytest.fixture
def port() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def machine(proc: pathlib.Path, **wanted: Any) -> list[dict[str, str]]:
    base = {
        "cluster": "mine",
        "network": "mineApp",
        "subnet": "172.28.0.0/24",
        "ports": [],
        "disk_free_mib": 0,
        "memory_mib": 0,
    }
    return docker_machine.look({**base, **wanted}, proc)


def publishing(port: int, address: str = "127.0.0.1") -> list[dict[str, Any]]:
    return [{"variable": "cluster_http_port", "host": "nginx", "address": address, "port": port}]


@pytest.mark.usefixtures("engine")
def test_a_machine_that_can_carry_the_cluster_has_no_problem(proc: pathlib.Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]
    assert machine(proc, ports=publishing(free), disk_free_mib=1, memory_mib=4096) == []


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_port_that_a_process_holds_is_refused(proc: pathlib.Path, port: int, address: str) -> None:
    (problem,) = machine(proc, ports=publishing(port, address))
    assert (problem["variable"], problem["host"]) == ("cluster_http_port", "nginx")
    assert f"port {port}, which another process holds" in problem["reason"]
    assert "set cluster_http_port to a free port" in problem["remedy"]


def test_a_port_that_another_container_holds_is_refused_with_its_name(engine: Engine, proc: pathlib.Path) -> None:
    engine.publish("0.0.0.0:9001-9003->80-82/tcp, :::9001-9003->80-82/tcp", name="somebodys-web")
    (problem,) = machine(proc, ports=publishing(9002))
    assert "container somebodys-web" in problem["reason"]


def test_a_port_that_this_cluster_holds_is_its_own(engine: Engine, proc: pathlib.Path, port: int) -> None:
    engine.publish(f"127.0.0.1:{port}->80/tcp", cluster="mine")
    assert machine(proc, ports=publishing(port)) == []


@pytest.mark.usefixtures("engine")
def test_an_address_that_is_not_this_machines_is_refused(proc: pathlib.Path) -> None:
    (problem,) = machine(proc, ports=publishing(9002, "192.0.2.1"))
    assert problem["variable"] == "cluster_publish_address"
    assert "192.0.2.1" in problem["reason"]


@pytest.mark.usefixtures("engine")
def test_a_full_disk_is_refused(proc: pathlib.Path) -> None:
    (problem,) = machine(proc, disk_free_mib=2**40)
    assert (problem["variable"], problem["host"]) == ("preflight_docker_free_mib", "localhost")
    assert "docker system df" in problem["remedy"]


@pytest.mark.usefixtures("engine")
def test_too_little_memory_is_refused(proc: pathlib.Path) -> None:
    (problem,) = machine(proc, memory_mib=4097)
    assert problem["variable"] == "preflight_memory_mib"
    assert "only 4096 MiB" in problem["reason"]


def test_memory_that_the_running_cluster_uses_is_no_lack(engine: Engine, proc: pathlib.Path) -> None:
    engine.publish("", cluster="mine")
    assert machine(proc, memory_mib=2**40) == []


def test_a_network_of_somebody_else_is_refused(engine: Engine, proc: pathlib.Path) -> None:
    engine.network("other_default", "172.28.0.0/16")
    (problem,) = machine(proc)
    assert problem["variable"] == "cluster_subnet"
    assert "other_default" in problem["reason"]


def test_the_clusters_own_network_is_no_obstacle(engine: Engine, proc: pathlib.Path) -> None:
    engine.network("mineApp", "172.28.0.0/24")
    assert machine(proc) == []


def test_the_clusters_own_network_with_other_addresses_is_refused(engine: Engine, proc: pathlib.Path) -> None:
    engine.network("mineApp", "172.29.0.0/24")
    (problem,) = machine(proc)
    assert "is there with 172.29.0.0/24" in problem["reason"]


@pytest.mark.usefixtures("engine")
def test_a_network_behind_a_route_of_this_machine_is_refused(proc: pathlib.Path) -> None:
    (problem,) = machine(proc, subnet="10.8.3.0/24")
    assert "through tun0 (10.8.0.0/16)" in problem["reason"]


def test_no_rights_to_the_engine_are_told_as_such(engine: Engine, proc: pathlib.Path) -> None:
    engine.refuse(DENIED)
    (problem,) = machine(proc)
    assert problem["variable"] == "Docker"
    assert "no rights" in problem["reason"]
    assert "group docker" in problem["remedy"]


@pytest.mark.skipif(not shutil.which("docker"), reason="docker's own client is not installed")
def test_an_engine_that_does_not_answer_is_told_as_such(proc: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{proc}/docker.sock")
    (problem,) = machine(proc)
    assert "does not answer" in problem["reason"]
    assert "docker.sock" in problem["reason"]
    assert "playbooks/engine.yml" in problem["remedy"]


def test_no_engine_at_all_is_told_as_such(proc: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(proc))
    (problem,) = machine(proc)
    assert "not installed" in problem["reason"]


# --- the playbook ---------------------------------------------------------------------------------------------------


def validated(folder: pathlib.Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    programs = pathlib.Path(sys.executable).parent
    command = [str(programs / "ansible-playbook"), "playbooks/validate.yml", "-i", str(folder)]
    # a key of the test's own: the copy's secrets are not encrypted, and the project may have none
    key = folder.parent / "vault-key"
    key.write_text(secrets.token_hex(16), encoding="ascii")
    environment = {
        **os.environ,
        "ANSIBLE_NOCOLOR": "1",
        "INVENTARIO_VAULT_KEY_FILE": str(key),
        "PATH": f"{programs}:{os.environ['PATH']}",
    }
    return subprocess.run(
        [*command, *arguments], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )


def recap(output: str) -> list[str]:
    return re.findall(r"^(\S+)\s+: ok=", output, re.MULTILINE)


class Edit(NamedTuple):
    name: str
    file: str
    old: str
    new: str
    message: str


EDITS = [
    Edit(
        "weight", "hosts.yml", "app_weight: 2", "app_weight: many", "app_weight on app1 is 'many', where a whole number"
    ),
    Edit(
        "source",
        "hosts.yml",
        "        db_source:\n          hosts:\n",
        "        db_old:\n          hosts:\n",
        "db_source has no host",
    ),
    Edit(
        "undefined",
        "group_vars/all/main.yml",
        "cluster_http_port: 8080\n",
        "",
        "cluster_http_port on nginx is not defined",
    ),
    Edit("wiring", "group_vars/all/00_wiring.yml", "", "", "00_wiring.yml is missing"),
]


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_the_playbook_refuses_and_touches_no_host(tmp_path: pathlib.Path, edit: Edit) -> None:
    folder = copied("docker", tmp_path)
    file = folder / edit.file
    if edit.old:
        text = file.read_text(encoding="utf-8")
        assert edit.old in text
        file.write_text(text.replace(edit.old, edit.new), encoding="utf-8")
    else:
        file.unlink()
    run = validated(folder)
    output = run.stdout + run.stderr
    assert run.returncode != 0
    assert edit.message in output
    assert "Remedy: " in output
    assert recap(run.stdout) == ["localhost"]


def test_the_playbook_accepts_the_example_for_servers_before_it_has_secrets(tmp_path: pathlib.Path) -> None:
    folder = copied("production.example", tmp_path)
    (folder / "group_vars/all/vault.yml").unlink()
    run = validated(folder, "--check")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "These secrets do not exist yet" in run.stdout
    assert recap(run.stdout) == ["localhost"]
