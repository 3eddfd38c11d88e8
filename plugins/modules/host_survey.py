#!/usr/bin/python
"""What a host is, as far as a tier of the cluster depends on it. Only looks, in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_survey
short_description: Tell what a host is before anything is done to it
description:
  - Reads the system, the processor, memory, disk, addresses, clock, who listens on the ports that a tier wants, and
    whose certificates are there.
  - It judges nothing and changes nothing; the filter C(host_problems) compares what it finds with what is wanted.
options:
  address:
    description: The address by which the other hosts reach this one.
    type: str
    default: ""
  ports:
    description: Ports that this host's services listen on.
    type: list
    elements: int
    default: []
  units:
    description: Units of the cluster that listen on them.
    type: list
    elements: str
    default: []
  data:
    description: Folders whose file systems must have room.
    type: list
    elements: path
    default: [/var]
  authority:
    description: Where the certificate of the cluster's authority lies once the host belongs to a cluster.
    type: path
    default: /etc/inventario/tls/ca.pem
  asked_at:
    description: The control node's clock, in seconds since 1970, when the question was sent.
    type: float
    default: 0
author: [Inventario]
"""

EXAMPLES = r"""
- name: Look at the host
  host_survey:
    address: 172.28.0.31
    ports: [3306, 9200]
    units: [mysql.service, db-health.service]
    data: [/var/lib/mysql]
    asked_at: "{{ now(utc=true).timestamp() }}"
"""

RETURN = r"""
survey:
  description: What the host is.
  type: dict
  returned: always
"""

import contextlib
import hashlib
import os
import pathlib
import platform
import re
import shutil
import socket
import subprocess
import sys
import time

from ansible.module_utils.basic import AnsibleModule

INDEX_SECONDS = 5
LISTENING = "0A"
IMAGE_NOTE = "/etc/ansible/facts.d/inventario_image.fact"


def read(path):
    try:
        return pathlib.Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def system(root="/"):
    """The distribution, as /etc/os-release names it."""
    pairs = [line.partition("=") for line in read(root + "etc/os-release").splitlines()]
    values = {name: value.strip("\"'") for name, _sign, value in pairs}
    return {
        "id": values.get("ID", ""),
        "version": values.get("VERSION_ID", ""),
        "name": values.get("PRETTY_NAME", "a system without /etc/os-release"),
    }


def memory_mib():
    """What the host may use: its memory, or less where it is a container with a limit."""
    match = re.search(r"^MemTotal:\s+(\d+)", read("/proc/meminfo"), re.MULTILINE)
    sizes = [int(match.group(1)) // 1024] if match else []
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        text = read(limit).strip()
        if text.isdigit():
            sizes.append(int(text) // 2**20)
    return min(sizes) if sizes else 0


def free_mib(folder):
    """Room of the file system that the folder is on, or will be on."""
    path = pathlib.Path(folder)
    while not path.exists() and path != path.parent:
        path = path.parent
    state = os.statvfs(path)
    return state.f_bavail * state.f_frsize // 2**20


def has_address(address):
    """Whether something here could listen on it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def held(process):
    """What a process has open; nothing of one that has ended, or that a container's root may not look into."""
    links = set()
    try:
        for link in (process / "fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                links.add(str(link.readlink()))
    except OSError:
        return set()
    return links


def listeners(ports, proc="/proc"):
    """The ports of these that somebody listens on, each with the process's name where it may be known."""
    sockets = {}
    for table in ("tcp", "tcp6"):
        for line in read(f"{proc}/net/{table}").splitlines()[1:]:
            fields = line.split()
            port = int(fields[1].rpartition(":")[2], 16)
            if fields[3] == LISTENING and port in ports:
                sockets[f"socket:[{fields[9]}]"] = str(port)
    found = dict.fromkeys(sockets.values(), "")
    for process in pathlib.Path(proc).glob("[0-9]*") if sockets else []:
        for name in held(process).intersection(sockets):
            found[sockets[name]] = read(process / "comm").strip()
    return found


def active(units):
    """Those of these systemd units that run."""
    states = output("systemctl", "is-active", *units).split() if units else []
    return [unit for unit, state in zip(units, states, strict=False) if state in ("active", "activating", "reloading")]


def authority(path):
    """The name in the certificate of the authority that this host trusts; empty: none is there."""
    if not pathlib.Path(path).exists() or not shutil.which("openssl"):
        return ""
    answer = subprocess.run(
        ["openssl", "x509", "-noout", "-subject", "-nameopt", "multiline", "-in", path],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    match = re.search(r"commonName\s*=\s*(.*)", answer.stdout)
    return match.group(1).strip() if match else "a file that is no certificate"


def digest(path):
    """Which certificate a file is: its SHA-256."""
    return hashlib.sha256(read(path).strip().encode()).hexdigest()


def output(*command):
    try:
        answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    except OSError:
        return ""
    return answer.stdout


def index_problem():
    """Why no package index answers; empty: one does. Asked through the proxy that apt would take."""
    # without release info: a new host has no lists yet, and its sources count all the same
    targets = output("apt-get", "indextargets", "--no-release-info", "--format", "$(REPO_URI) $(RELEASE)")
    places = sorted(set(targets.splitlines()))
    if not places:
        return "apt has no sources"
    # half of the module's time on a slow host, and a host that is set up never gets here
    import urllib.error
    import urllib.request

    proxies = dict(re.findall(r'Acquire::(https?)::[Pp]roxy "(http[^"]+)"', output("apt-config", "dump")))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies or None))
    reasons = []
    for place in places[:3]:
        uri, _space, release = place.partition(" ")
        if not uri.startswith("http"):
            return ""
        url = f"{uri.rstrip('/')}/dists/{release}/InRelease"
        try:
            with opener.open(urllib.request.Request(url, method="HEAD"), timeout=INDEX_SECONDS):
                return ""
        except urllib.error.HTTPError:
            # it answers, and what it lacks apt says better
            return ""
        except OSError as error:
            reasons.append(f"{uri}: {getattr(error, 'reason', error)}")
    return "; ".join(reasons)


def look(wanted):
    joined = authority(wanted["authority"])
    # a host that has its packages may be cut off from where they came from
    packaged = pathlib.Path(wanted["authority"]).exists() or pathlib.Path(IMAGE_NOTE).exists()
    return {
        "system": system(),
        "architecture": platform.machine(),
        "python": list(sys.version_info[:3]),
        "root": os.geteuid() == 0,
        "systemd": pathlib.Path("/run/systemd/system").is_dir(),
        "machine_id": read("/etc/machine-id").strip(),
        "memory_mib": memory_mib(),
        "free_mib": {folder: free_mib(folder) for folder in wanted["data"]},
        "address": not wanted["address"] or has_address(wanted["address"]),
        "listeners": listeners(set(wanted["ports"])),
        "active": active(wanted["units"]),
        "authority": joined,
        "authority_digest": digest(wanted["authority"]) if joined else "",
        "packaged": packaged,
        "index": "" if packaged else index_problem(),
        "asked_at": wanted["asked_at"],
        "clock": time.time(),
    }


def main():
    module = AnsibleModule(
        argument_spec={
            "address": {"type": "str", "default": ""},
            "ports": {"type": "list", "elements": "int", "default": []},
            "units": {"type": "list", "elements": "str", "default": []},
            "data": {"type": "list", "elements": "path", "default": ["/var"]},
            "authority": {"type": "path", "default": "/etc/inventario/tls/ca.pem"},
            "asked_at": {"type": "float", "default": 0},
        },
        supports_check_mode=True,
    )
    module.exit_json(changed=False, survey=look(module.params))


if __name__ == "__main__":
    main()
