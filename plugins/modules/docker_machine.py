#!/usr/bin/python
"""Whether this machine can carry a cluster of containers. Only looks."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_machine
short_description: Say what on this machine would stop a cluster of containers
description:
  - Looks at the Docker Engine, the ports to be published, disk, memory and networks, and reports all problems at once.
  - An engine on another machine (DOCKER_HOST) is asked for its networks only.
options:
  cluster:
    description: Name of the cluster; containers that are labelled with it are its own.
    type: str
    required: true
  network:
    description: Name of the cluster's own network.
    type: str
    required: true
  subnet:
    description: The network's addresses in CIDR notation; empty checks no network.
    type: str
    default: ""
  ports:
    description: Ports to be published.
    type: list
    elements: dict
    default: []
    suboptions:
      variable: {description: The variable that sets it., type: str, required: true}
      host: {description: The host that publishes it., type: str, required: true}
      address: {description: Address of this machine., type: str, required: true}
      port: {description: Port of this machine., type: int, required: true}
  disk_free_mib:
    description: MiB that must be free where Docker keeps its data.
    type: int
    default: 0
  memory_mib:
    description: MiB of memory that must be available, while no container of the cluster runs.
    type: int
    default: 0
author: [Inventario]
"""

EXAMPLES = r"""
- name: Look at this machine
  docker_machine:
    cluster: inventario
    network: inventarioApp
    subnet: 172.28.0.0/24
"""

RETURN = r"""
problems:
  description: Records of variable, host, reason and remedy.
  type: list
  returned: always
"""

import errno
import ipaddress
import json
import os
import pathlib
import re
import socket
import subprocess
from typing import Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule

TIMEOUT = 20
PUBLISHED = re.compile(r"(?P<address>\S*):(?P<first>\d+)(?:-(?P<last>\d+))?->")
# wider routes are a default route in parts
WIDEST_ROUTE = 8
CONTAINERS = (
    '{"names": {{json .Names}}, "ports": {{json .Ports}}, "state": {{json .State}}, '
    '"cluster": {{json (.Label "inventario.cluster")}}}'
)


class Answer(NamedTuple):
    code: int
    text: str
    error: str


def problem(variable: str, host: str, reason: str, remedy: str) -> dict[str, str]:
    return {"variable": variable, "host": host, "reason": reason, "remedy": remedy}


def ask(*questions: list[str]) -> list[Answer]:
    """Ask the engine several things at once."""
    running = [
        subprocess.Popen(["docker", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for words in questions
    ]
    answers = []
    for process in running:
        try:
            text, error = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            text, error = "", f"no answer within {TIMEOUT} s" if not process.communicate()[1] else "it does not answer"
        answers.append(Answer(process.returncode, text, error.strip()))
    return answers


def refusal(answer: Answer) -> dict[str, str] | None:
    """Why the engine can't be used; `docker info` ends with 0 even when no engine answers."""
    words = answer.text + answer.error
    host = "localhost"
    if "permission denied" in words.lower():
        remedy = "add your user to the group docker (usermod -aG docker USER) and log in anew, or run as root"
        return problem("Docker", host, "refuses you: no rights to its socket", remedy)
    try:
        information = json.loads(answer.text)
    except ValueError:
        information = {}
    errors = information.get("ServerErrors") or []
    if answer.code == 0 and information.get("ServerVersion") and not errors:
        return None
    reason = "; ".join(errors) or answer.error or "no answer"
    where = f" (DOCKER_HOST is {os.environ['DOCKER_HOST']})" if os.environ.get("DOCKER_HOST") else ""
    remedy = "start it (systemctl start docker), or run ansible-playbook playbooks/engine.yml"
    return problem("Docker", host, f"does not answer{where}: {reason[:200]}", remedy)


def distant() -> bool:
    return os.environ.get("DOCKER_HOST", "").startswith(("tcp:", "ssh:", "http"))


def published(text: str) -> list[tuple[str, int]]:
    """The ports in docker's own words, such as ``127.0.0.1:8080-8081->80-81/tcp, [::]:443->443/tcp``."""
    return [
        (match["address"].strip("[]"), port)
        for match in PUBLISHED.finditer(text)
        for port in range(int(match["first"]), int(match["last"] or match["first"]) + 1)
    ]


def overlap(one: str, other: str) -> bool:
    anywhere = {"0.0.0.0", "::", ""}
    return one == other or one in anywhere or other in anywhere


def binding_error(address: str, port: int) -> int:
    """The error that listening there ends with; 0 for none."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((address, port))
            listener.listen(1)
        except OSError as error:
            return error.errno or 0
    return 0


def port_problems(ports: list[dict[str, Any]], containers: list[dict[str, str]], cluster: str) -> list[dict[str, str]]:
    own = {
        pair for container in containers if container["cluster"] == cluster for pair in published(container["ports"])
    }
    others = [(pair, c["names"]) for c in containers if c["cluster"] != cluster for pair in published(c["ports"])]
    found = []
    for item in ports:
        address, port, variable, host = item["address"], item["port"], item["variable"], item["host"]
        if any(port == taken and overlap(address, where) for where, taken in own):
            continue
        holder = next((name for (where, taken), name in others if taken == port and overlap(address, where)), None)
        error = errno.EADDRINUSE if holder else binding_error(address, port)
        if error == errno.EADDRINUSE:
            who = f"container {holder}" if holder else "another process"
            remedy = f"set {variable} to a free port, or stop what holds it (ss -ltnp 'sport = :{port}' shows it)"
            found.append(problem(variable, host, f"is port {port}, which {who} holds on {address}", remedy))
        elif error == errno.EADDRNOTAVAIL:
            remedy = "publish on an address of this machine, or on 0.0.0.0"
            found.append(problem("cluster_publish_address", host, f"is {address}, no address of this machine", remedy))
    return found


def disk_problems(root: str, wanted_mib: int) -> list[dict[str, str]]:
    path = pathlib.Path(root)
    while not path.exists() and path != path.parent:
        path = path.parent
    state = os.statvfs(path)
    free = state.f_bavail * state.f_frsize // 2**20
    if free >= wanted_mib:
        return []
    reason = f"is {wanted_mib}, but only {free} MiB are free under {root}"
    return [
        problem(
            "preflight_docker_free_mib",
            "localhost",
            reason,
            "free some space (docker system df shows what Docker keeps)",
        )
    ]


def memory_problems(wanted_mib: int, meminfo: pathlib.Path) -> list[dict[str, str]]:
    match = re.search(
        r"^MemAvailable:\s+(\d+)", meminfo.read_text(encoding="ascii") if meminfo.exists() else "", re.MULTILINE
    )
    available = int(match[1]) // 1024 if match else wanted_mib
    if available >= wanted_mib:
        return []
    reason = f"is {wanted_mib}, but only {available} MiB of memory are available"
    return [
        problem(
            "preflight_memory_mib",
            "localhost",
            reason,
            "stop what needs it, or take fewer hosts and smaller docker_hosts_memory",
        )
    ]


def network_problems(subnet: str, network: str, networks: list[dict[str, Any]], routes: str) -> list[dict[str, str]]:
    try:
        wanted = ipaddress.ip_network(subnet)
    except ValueError:
        return []
    found, bridges = [], {"docker0"}
    for other in networks:
        bridges.add((other.get("Options") or {}).get("com.docker.network.bridge.name") or f"br-{other['Id'][:12]}")
        subnets = [
            ipaddress.ip_network(c["Subnet"]) for c in (other.get("IPAM") or {}).get("Config") or [] if c.get("Subnet")
        ]
        if other["Name"] == network:
            if subnets and wanted not in subnets:
                reason = f"is {wanted}, but the cluster's network {network} is there with {subnets[0]}"
                remedy = "put the old network back, or remove the containers first (playbooks/down.yml)"
                found.append(problem("cluster_subnet", "localhost", reason, remedy))
        elif any(there.version == wanted.version and there.overlaps(wanted) for there in subnets):
            reason = f"is {wanted}, which Docker's network {other['Name']} uses"
            found.append(
                problem("cluster_subnet", "localhost", reason, "take another one, or docker network rm that network")
            )
    for interface, route in host_routes(routes):
        if interface not in bridges and route.prefixlen >= WIDEST_ROUTE and route.overlaps(wanted):
            reason = f"is {wanted}, which this machine reaches through {interface} ({route})"
            found.append(problem("cluster_subnet", "localhost", reason, "take a network that nothing else uses"))
    return found


def host_routes(text: str) -> list[tuple[str, ipaddress.IPv4Network]]:
    """Read /proc/net/route, whose addresses are little-endian hexadecimal numbers."""
    rows = [line.split() for line in text.splitlines()[1:]]
    return [
        (row[0], ipaddress.IPv4Network((bytes.fromhex(row[1])[::-1], bin(int(row[7], 16)).count("1")), strict=False))
        for row in rows
        if len(row) > 7
    ]


def look(wanted: dict[str, Any], proc: pathlib.Path = pathlib.Path("/proc")) -> list[dict[str, str]]:
    """All problems of this machine."""
    try:
        information, listed, ids = ask(
            ["info", "--format", "{{json .}}"],
            ["container", "ls", "--all", "--no-trunc", "--format", CONTAINERS],
            ["network", "ls", "--quiet", "--no-trunc"],
        )
    except FileNotFoundError:
        return [
            problem(
                "Docker",
                "localhost",
                "is not installed",
                "run ansible-playbook playbooks/engine.yml, which installs it",
            )
        ]
    refused = refusal(information)
    if refused:
        return [refused]
    containers = [json.loads(line) for line in listed.text.splitlines()]
    networks = json.loads(ask(["network", "inspect", *ids.text.split()])[0].text or "[]") if wanted["subnet"] else []
    running = any(c["cluster"] == wanted["cluster"] and c["state"] == "running" for c in containers)
    if distant():
        return network_problems(wanted["subnet"], wanted["network"], networks, "")
    routes = proc / "net" / "route"
    return [
        *port_problems(wanted["ports"], containers, wanted["cluster"]),
        *disk_problems(json.loads(information.text)["DockerRootDir"], wanted["disk_free_mib"]),
        *([] if running else memory_problems(wanted["memory_mib"], proc / "meminfo")),
        *network_problems(
            wanted["subnet"], wanted["network"], networks, routes.read_text(encoding="ascii") if routes.exists() else ""
        ),
    ]


def main() -> None:
    port = {name: {"type": "str", "required": True} for name in ("variable", "host", "address")}
    module = AnsibleModule(
        argument_spec={
            "cluster": {"type": "str", "required": True},
            "network": {"type": "str", "required": True},
            "subnet": {"type": "str", "default": ""},
            "ports": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {**port, "port": {"type": "int", "required": True}},
            },
            "disk_free_mib": {"type": "int", "default": 0},
            "memory_mib": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    module.exit_json(changed=False, problems=look(module.params))


if __name__ == "__main__":
    main()
