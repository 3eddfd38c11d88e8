"""What keeps hosts from carrying their tiers, found in what each of them said of itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

TIER_NAMES = {
    "loadbalancers": "load balancer",
    "app_nodes": "application",
    "database": "database",
    "admin": "phpMyAdmin",
}

# What a connection that failed means, by words of ssh, sudo, Mitogen and Ansible: the thing, the reason, the remedy.
# The first that fits counts.
Meanings = tuple[tuple[str, str, str, str], ...]
SUDO: Meanings = (
    (
        r"sudo: (?:command )?not found|'sudo'|sudo.{0,20}No such file",
        "ansible_become",
        "wants sudo, which the host does not have",
        "install sudo there and let {user} use it, or set ansible_user to root and ansible_become to false",
    ),
    (
        r"not in the sudoers|not allowed to execute|may not run sudo",
        "ansible_user",
        "is {user}, who may not use sudo",
        "allow it on the host: echo '{user} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/{user}, as root",
    ),
    (
        r"(?i)sudo password is incorrect|incorrect sudo password|incorrect (?:become )?password|sorry, try again",
        "ansible_become_password",
        "is not the password of {user} for sudo",
        "run it again with --ask-become-pass and type that user's password",
    ),
    (
        r"(?i)sudo.{0,20}password is required|missing sudo password|missing become password|a password is required",
        "ansible_become",
        "needs a password: {user} may use sudo, but not without one",
        "run it with --ask-become-pass, or allow sudo without a password in /etc/sudoers.d",
    ),
)
SET_UP_WRONGLY: Meanings = (
    *SUDO,
    (
        r"(?i)host key verification failed|mismatching host key|host identification has changed",
        "ansible_host",
        "shows an ssh host key that your known_hosts lacks, or has otherwise",
        "compare it with the host's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then ssh {where} once; "
        "ssh-keygen -R {where} forgets the key of a host that was made anew",
    ),
    (
        r"(?i)permission denied|authentication is incorrect|authentication failed|authentication cancelled|"
        r"password was requested|password is incorrect|too many authentication",
        "ansible_user",
        "is {user}, whom the host's ssh does not let in: your key was refused",
        "put your public key there (ssh-copy-id {user}@{where}), or correct ansible_user and "
        "ansible_ssh_private_key_file",
    ),
    (
        r"(?i)could not resolve|name or service not known|temporary failure in name resolution",
        "ansible_host",
        "is {where}, a name that nobody knows",
        "correct the name, or write an address",
    ),
    (
        r"(?i)requires? a minimum of python|unsupported python|SyntaxError|python version",
        "ansible_python_interpreter",
        "is a Python that is too old for Ansible",
        "install Python 3.11 or newer (Debian 12 and later have it)",
    ),
    (
        r"(?i)python[0-9.]*['\"]?:? (?:command )?not found|interpreter.{0,60}not found|python.{0,40}no such file",
        "ansible_python_interpreter",
        "is missing: the host has no Python 3",
        "install it: apt-get install python3",
    ),
)
INSTALLING: Meanings = (
    *SUDO,
    (
        r"\(13: Permission denied\)|are you root",
        "ansible_become",
        "is not set, and {user} is not root",
        "set ansible_become to true and let {user} use sudo, or set ansible_user to root",
    ),
)
# nothing is wrong with such a host but that it is not there
AWAY: Meanings = (
    (
        r"(?i)no such container|is not running|is paused",
        "container",
        "{where} does not run",
        "playbooks/platform.yml makes and starts it; docker unpause {where} thaws one that was paused",
    ),
    (
        r"(?i)connection refused",
        "ansible_host",
        "is {where}, where nothing answers on the port of ssh",
        "start ssh there, or correct ansible_host or ansible_port",
    ),
    (
        r"(?i)timed? ?out|no route to host|unreachable|eof on stream|connection closed|reset by peer",
        "ansible_host",
        "is {where}, which does not answer",
        "see that the host is on, and that address, port and firewall let this machine reach it (ssh {user}@{where})",
    ),
)


def problem(variable: str, host: str, reason: str, remedy: str) -> dict[str, str]:
    return {"variable": variable, "host": host, "reason": reason, "remedy": remedy}


def meaning(said: str, meanings: Meanings, host: str, record: Mapping[str, Any]) -> dict[str, str] | None:
    words = {
        "user": record.get("user") or "the user that ssh takes",
        "where": record.get("where") or host,
    }
    for pattern, variable, reason, remedy in meanings:
        if re.search(pattern, said):
            return problem(variable, host, reason.format(**words), remedy.format(**words))
    return None


def set_up_wrongly(said: str, host: str, record: Mapping[str, Any]) -> dict[str, str] | None:
    """Why a host that is there could not be asked, if that is known."""
    known = meaning(said, SET_UP_WRONGLY, host, record)
    if known or "Failed to create temporary directory" not in said or in_container(record):
        return known
    reason = f"is {record.get('user') or 'the user that ssh takes'}, who has no home folder there that may be written"
    return problem("ansible_user", host, reason, "give that user one, with room on its disk, or correct ansible_user")


def not_there(said: str, host: str, record: Mapping[str, Any]) -> dict[str, str]:
    """Why a host could not be asked, for all that is known."""
    known = meaning(said, AWAY, host, record)
    if known:
        return known
    where = record.get("where") or host
    if "Failed to create temporary directory" in said:
        # Ansible's own strategy keeps to itself what Docker said
        remedy = "playbooks/platform.yml makes and starts it; docker unpause thaws one that was paused"
        return problem("container", host, f"{where} does not run", remedy)
    by_hand = f"ssh {record['user']}@{where}" if record.get("user") else f"ssh {where}"
    return problem(
        "ansible_host", host, f"is {where}, which could not be asked: {last_line(said)}", f"try {by_hand} by hand"
    )


def in_container(record: Mapping[str, Any]) -> bool:
    return str(record.get("connection", "")).endswith("docker")


def last_line(said: str) -> str:
    return (said.strip().splitlines() or ["nothing was said"])[-1].strip()[:200]


def python_problem(answer: Mapping[str, Any], host: str, user: str) -> dict[str, str]:
    """Why Python could not be installed on a host that has none."""
    said = " ".join(str(answer.get(key, "")) for key in ("msg", "stderr", "stdout"))
    known = meaning(said, INSTALLING, host, {"user": user})
    by_hand = "install Python there by hand, as root: apt-get install python3"
    if known:
        reason = f"is missing, and could not be installed: {known['variable']} {known['reason']}"
        return problem("Python 3", host, reason, f"{known['remedy']}; or {by_hand}")
    told = last_line(str(answer.get("stderr", ""))) if answer.get("stderr") else last_line(said)
    return problem("Python 3", host, f"is missing, and could not be installed: {told}", by_hand)


class Host:
    """One host: what it said of itself, and what its tiers want."""

    def __init__(self, record: Mapping[str, Any], wanted: Mapping[str, Any], now: float) -> None:
        self.name = str(record["name"])
        self.survey: Mapping[str, Any] = record["answer"]["survey"]
        self.tiers: Sequence[str] = record.get("tiers") or []
        self.listeners: Sequence[Mapping[str, Any]] = record.get("listeners") or []
        self.address = str(record.get("address") or "")
        self.mysql_elsewhere = bool(record.get("mysql_elsewhere"))
        self.wanted = wanted
        self.now = now

    def problems(self) -> Iterator[dict[str, str]]:
        yield from self.system()
        yield from self.machine()
        yield from self.place()
        yield from self.ports()
        yield from self.room()
        yield from self.clock()
        yield from self.belonging()

    def found(self, variable: str, reason: str, remedy: str) -> dict[str, str]:
        return problem(variable, self.name, reason, remedy)

    def system(self) -> Iterator[dict[str, str]]:
        system = self.survey["system"]
        releases: Mapping[str, Any] = self.wanted["systems"].get(system["id"], {})
        supported = releases.get(str(system["version"]))
        known = ", ".join(
            f"{name.capitalize()} {version}" for name, all_ in self.wanted["systems"].items() for version in all_
        )
        if supported is None:
            yield self.found("the system", f"is {system['name']}, which is not supported", f"take one of: {known}")
            return
        for tier in self.tiers:
            if tier in supported["tiers"] or (tier == "database" and self.mysql_elsewhere):
                continue
            yield self.found(
                "the system",
                f"is {system['name']}, for which Debian's MySQL packages of the {TIER_NAMES[tier]} tier do not exist",
                "take Debian 13 for database hosts, or name Oracle's APT repository in mysql_apt_repositories",
            )

    def machine(self) -> Iterator[dict[str, str]]:
        if not self.survey["root"]:
            remedy = "set ansible_become to true and let the user use sudo, or set ansible_user to root"
            yield self.found("ansible_become", "is not set, and the user is not root", remedy)
        if self.survey["architecture"] not in self.wanted["architectures"]:
            known = ", ".join(self.wanted["architectures"])
            reason = f"is {self.survey['architecture']}, for which there are no packages of MySQL or wheels"
            yield self.found("the processor", reason, f"take a machine with one of: {known}")
        python, least = self.survey["python"], self.wanted["python"]
        if list(python[:2]) < list(least):
            reason = f"is Python {'.'.join(map(str, python))}, which is too old"
            remedy = f"let it name Python {'.'.join(map(str, least))} or newer (Debian 12 and later have it)"
            yield self.found("ansible_python_interpreter", reason, remedy)
        if not self.survey["systemd"]:
            remedy = "boot the host with systemd (in a container: /lib/systemd/systemd as its command)"
            yield self.found("systemd", "does not run: services could not be started", remedy)

    def place(self) -> Iterator[dict[str, str]]:
        if not self.survey["address"]:
            reason = f"is {self.address}, which no interface of the host has"
            remedy = "write the address that ip -4 address shows there, in the network that the hosts share"
            yield self.found("node_address", reason, remedy)

    def ports(self) -> Iterator[dict[str, str]]:
        for listener in self.listeners:
            holder = self.survey["listeners"].get(str(listener["port"]))
            # where the cluster's own unit runs, it is the one that listens; on a host that has nothing of the cluster
            # yet, a unit of that name is somebody else's, and would be configured anew
            ours = self.survey["packaged"] and listener["unit"] in self.survey["active"]
            if holder is None or ours:
                continue
            variable, port, who = listener["variable"], listener["port"], holder or "another process"
            yield self.found(
                variable,
                f"is port {port}, on which {who} listens and not the cluster's {listener['unit']}",
                f"set {variable} to a free port, or end what holds it (ss -ltnp 'sport = :{port}')",
            )

    def room(self) -> Iterator[dict[str, str]]:
        least = max((self.wanted["memory_mib"].get(tier, 0) for tier in self.tiers), default=0)
        if self.survey["memory_mib"] < least:
            names = " and ".join(TIER_NAMES[tier] for tier in self.tiers)
            reason = f"asks for {least} MiB for a host of the {names} tier, which has {self.survey['memory_mib']}"
            yield self.found(
                "host_check_memory_mib", reason, "give the host more memory, or lower the figure if you know better"
            )
        for folder, free in self.survey["free_mib"].items():
            if free < self.wanted["free_mib"]:
                reason = f"asks for {self.wanted['free_mib']} MiB, but only {free} are free under {folder}"
                remedy = f"free some space there (du -xh --max-depth=2 {folder} | sort -h), or give it a larger disk"
                yield self.found("host_check_free_mib", reason, remedy)

    def clock(self) -> Iterator[dict[str, str]]:
        """How far its clock is off at least: it was read at some moment between question and now."""
        asked_at, clock, allowed = self.survey["asked_at"], self.survey["clock"], self.wanted["clock_seconds"]
        if not asked_at:
            return
        off, direction = (asked_at - clock, "behind") if clock < asked_at else (clock - self.now, "ahead of")
        if off > allowed:
            yield self.found(
                "the clock",
                f"is {off:.0f} s {direction} this machine's: certificates and live pages go by it",
                "set it by time synchronisation on both (apt-get install systemd-timesyncd; timedatectl set-ntp true)",
            )

    def belonging(self) -> Iterator[dict[str, str]]:
        there, own = self.survey["authority"], self.wanted["authority"]
        if there and own and there != own:
            reason = f"holds the certificates of another cluster ({there}), where this one's is {own}"
            remedy = (
                "take another host, or, when that cluster is no more, remove /etc/inventario and its data there by hand"
            )
            yield self.found("/etc/inventario/tls/ca.pem", reason, remedy)
        here = self.wanted["authority_here"]
        if here and there and there == own and self.survey["authority_digest"] != self.wanted["authority_digest"]:
            lacking = "is not there" if not self.wanted["authority_digest"] else "is another one of the same name"
            reason = (
                f"is of this cluster's authority, whose certificate {here} {lacking}: every host would change its own"
            )
            remedy = (
                "put that folder back from its backup; where it is lost for good, remove /etc/inventario/tls on every "
                "host first, and work stops until all of them have new certificates"
            )
            yield self.found("/etc/inventario/tls/ca.pem", reason, remedy)
        if self.survey["index"]:
            reason = f"is out of the host's reach: {self.survey['index']}"
            remedy = "correct /etc/apt/sources.list.d, the proxy (Acquire::http::Proxy) or the way out of its network"
            yield self.found("every package index", reason, remedy)


def twins(surveyed: Iterable[Host]) -> Iterator[dict[str, str]]:
    """Two names of one machine, or a machine copied with its identity."""
    holders: dict[str, str] = {}
    for host in surveyed:
        identity = host.survey["machine_id"]
        first = holders.setdefault(identity, host.name) if identity else host.name
        if first != host.name:
            remedy = (
                "correct ansible_host if both names lead to one machine; on a copy: "
                "rm /etc/machine-id /var/lib/dbus/machine-id; systemd-machine-id-setup; reboot"
            )
            yield problem("/etc/machine-id", host.name, f"is the one of {first}", remedy)


def host_problems(records: Iterable[Mapping[str, Any]], wanted: Mapping[str, Any], now: float) -> dict[str, Any]:
    """What keeps hosts from their tiers: ``refused`` stops the run, ``away`` are hosts that are not there.

    One that shuts this machine out by how it is set up (key, sudo, Python) is refused, though Ansible calls it
    unreachable.

    :param records: for each host its name and what host_survey answered, its tiers, listeners and address.
    :param wanted: what a host must be, see roles/host_check/vars/main.yml.
    :param now: the control node's clock after the last answer.
    """
    asked = [record for record in records if record.get("answer")]
    away, refused, surveyed = [], [], []
    for record in asked:
        name, answer = str(record["name"]), record["answer"]
        if "survey" in answer:
            surveyed.append(Host(record, wanted, now))
            continue
        said = " ".join(str(answer.get(key, "")) for key in ("msg", "module_stderr", "module_stdout", "exception"))
        wrong = set_up_wrongly(said, name, record)
        if answer.get("unreachable") and not wrong:
            away.append(not_there(said, name, record))
        else:
            refused.append(wrong or not_there(said, name, record))
    for host in surveyed:
        refused.extend(host.problems())
    refused.extend(twins(surveyed))
    # with nobody there, there is nothing to go on with
    if asked and len(away) == len(asked):
        return {"refused": away, "away": []}
    return {"refused": refused, "away": away}


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"host_problems": host_problems, "python_problem": python_problem}
