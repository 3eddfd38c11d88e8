#!/usr/bin/python
"""Keep one table of nftables as a text says, and take back rules that nobody confirms."""

from __future__ import annotations

import pathlib
import shutil
import tempfile

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: nft_table
short_description: Keep one table of nftables, and take back rules that nobody confirms
description:
  - What is in force is compared, not what a file says. What the rules would be in force is found by loading them
    into a network namespace of their own, which also shows that they can be loaded. So check mode tells the truth.
  - Only the named table is touched. It is replaced in one step, and connections that are open go on.
  - With C(confirm_seconds), new rules are in force on trial. Unless C(state=confirmed) comes through another connection
    than the one that brought them, systemd puts the former ones back. A reboot does so too; only confirmed rules are
    in the file that is loaded then.
options:
  table:
    description: The table's name, in the family inet.
    type: str
    required: true
  rules:
    description: The table, as C(nft --file) takes it. It has to replace the table that is there.
    type: str
    default: ""
  file:
    description: Where the rules are kept, and loaded from when the host starts.
    type: path
    required: true
  unit:
    description: The service that loads the file when the host starts.
    type: str
    required: true
  state:
    description: C(absent) removes the table and the file. C(confirmed) ends the trial of rules.
    type: str
    choices: [present, confirmed, absent]
    default: present
  confirm_seconds:
    description: How long the new rules are on trial; 0 takes them for good.
    type: int
    default: 0
  where_possible:
    description: A host that does not let C(nft) work is warned of, instead of being a failure.
    type: bool
    default: false
author: [Inventario]
"""

EXAMPLES = r"""
- name: Have the rules in force
  nft_table:
    table: inventario
    rules: "{{ lookup('ansible.builtin.template', 'firewall.nft.j2') }}"
    file: /etc/inventario/firewall.nft
    unit: inventario-firewall.service
"""

RETURN = r"""
on_trial:
  description: Whether the rules will be taken back unless they are confirmed.
  type: bool
  returned: when state is present
"""

TRIAL = pathlib.Path("/run/inventario-firewall")
FORMER_RULES, BRINGER = TRIAL / "former.nft", TRIAL / "brought-by"
TAKE_BACK = "inventario-firewall-take-back"


class Table:
    """The table on this host."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.name: str = module.params["table"]
        self.file = pathlib.Path(module.params["file"])
        self.candidate = self.file.with_name(f"{self.file.name}.candidate")
        self.unit: str = module.params["unit"]

    def run(self, *command: str, failing: str = "") -> str:
        """The output; a failure ends the module if it was said what it means, and is no output otherwise."""
        code, out, err = self.module.run_command(list(command))
        if code != 0 and failing:
            self.module.fail_json(msg=f"{failing}: {(err or out).strip()}")
        return str(out) if code == 0 else ""

    def hindrance(self) -> str:
        """Why nft does not work here, in its own words; empty: it does."""
        code, _, err = self.module.run_command(["nft", "list", "tables"])
        return "" if code == 0 else " ".join(err.split())

    @property
    def in_force(self) -> str:
        return self.run("nft", "--stateless", "list", "table", "inet", self.name)

    @property
    def kept(self) -> str:
        return self.file.read_text(encoding="utf-8") if self.file.is_file() else ""

    @property
    def returns(self) -> bool:
        """Whether the rules come back when the host starts."""
        state = self.run("systemctl", "show", "--property=ActiveState,UnitFileState", "--value", self.unit).split()
        return sorted(state) == ["active", "enabled"]

    def loaded_elsewhere(self, rules: str) -> str:
        """What would be in force, found where nobody is."""
        with tempfile.NamedTemporaryFile("w", suffix=".nft", encoding="utf-8") as text:
            text.write(rules)
            text.flush()
            script = 'nft --file "$0" && nft --stateless list table inet "$1"'
            return self.run(
                "unshare", "--net", "sh", "-c", script, text.name, self.name, failing="the rules can't be loaded"
            )

    # --- rules on trial ---

    @property
    def on_trial(self) -> bool:
        return bool(self.run("systemctl", "is-active", f"{TAKE_BACK}.timer"))

    def end_trial(self) -> None:
        self.run("systemctl", "stop", f"{TAKE_BACK}.timer", failing="systemd does not stop the roll-back")

    def take_back(self) -> None:
        """Rules of a run that broke off are no starting point."""
        if self.on_trial:
            self.end_trial()
            self.load(FORMER_RULES)

    def begin_trial(self, former: str, seconds: int) -> None:
        TRIAL.mkdir(mode=0o700, exist_ok=True)
        without = f"table inet {self.name}\ndelete table inet {self.name}\n"
        FORMER_RULES.write_text(without + former, encoding="utf-8")
        BRINGER.write_text(ssh_connection(), encoding="utf-8")
        self.run(
            "systemd-run",
            f"--unit={TAKE_BACK}",
            f"--on-active={seconds}s",
            "--timer-property=AccuracySec=1s",
            "--collect",
            str(shutil.which("nft")),
            "--file",
            str(FORMER_RULES),
            failing="systemd does not take the roll-back on, so the rules were left alone",
        )

    def load(self, file: pathlib.Path) -> None:
        self.run("nft", "--file", str(file), failing=f"nft does not load {file}")

    def keep(self) -> None:
        """What is in force is for good."""
        self.candidate.replace(self.file)
        self.run("systemctl", "enable", "--quiet", self.unit, failing=f"{self.unit} can't be enabled")
        self.run("systemctl", "reload-or-restart", self.unit, failing=f"{self.unit} does not start")


def ssh_connection() -> str:
    """The addresses and ports of the SSH connection that brought this process; empty where it came another way."""
    process = "self"
    while process not in ("0", "1"):
        variables = pathlib.Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
        for variable in variables:
            if variable.startswith(b"SSH_CONNECTION="):
                return variable.partition(b"=")[2].decode()
        status = pathlib.Path(f"/proc/{process}/status").read_text(encoding="utf-8")
        process = status.partition("PPid:")[2].split()[0]
    return ""


def have(table: Table) -> None:
    module = table.module
    rules, seconds = module.params["rules"], module.params["confirm_seconds"]
    hindrance = table.hindrance() if shutil.which("nft") else ""
    if hindrance and module.params["where_possible"]:
        module.warn(
            f"the firewall is OFF on this host: its container or kernel does not let nft work ({hindrance}). Who "
            "reaches its network reaches every port. A firewall needs nf_tables in the kernel and, in a container, the "
            "capability NET_ADMIN."
        )
        module.exit_json(changed=False, on_trial=False)
    if hindrance:
        module.fail_json(
            msg=f"nft does not work on this host: {hindrance}. Remedy: a kernel with nf_tables and, in a container, "
            "the capability NET_ADMIN; or common_firewall_mode=where_possible, which goes on without a firewall here."
        )
    if not shutil.which("nft"):
        if not module.check_mode:
            module.fail_json(msg="nftables is not installed")
        # a new host: its packages would have been installed by now
        module.exit_json(changed=True, on_trial=False, diff=[difference(table, "", rules)])

    if not module.check_mode:
        table.take_back()
    former, wanted = table.in_force, table.loaded_elsewhere(rules)
    changes = []
    if former != wanted:
        changes.append(difference(table, former, wanted))
    elif table.kept != rules:
        changes.append({"before_header": str(table.file), "after_header": str(table.file),
                        "before": table.kept, "after": rules})  # fmt: skip
    changed = bool(changes) or not table.returns
    if module.check_mode or not changed:
        module.exit_json(changed=changed, on_trial=False, diff=changes)

    table.file.parent.mkdir(mode=0o755, exist_ok=True)
    table.candidate.touch(mode=0o644)
    table.candidate.write_text(rules, encoding="utf-8")
    table.run("nft", "--check", "--file", str(table.candidate), failing="nft refuses the rules")
    on_trial = seconds > 0 and former != wanted
    if on_trial:
        table.begin_trial(former, seconds)
    table.load(table.candidate)
    if not on_trial:
        table.keep()
    module.exit_json(changed=True, on_trial=on_trial, diff=changes)


def difference(table: Table, former: str, wanted: str) -> dict[str, str]:
    header = f"table inet {table.name}"
    return {"before_header": header, "after_header": header, "before": former, "after": wanted}


def confirm(table: Table) -> None:
    module = table.module
    if not table.on_trial:
        module.fail_json(
            msg="The new rules of the firewall were taken back: no new connection came through within the time that "
            "was given, so they would have shut you out. The former rules are in force. Remedy: look whether the new "
            "ones let this control node (or its jump host) reach the SSH port: cluster_ssh_sources, "
            "common_firewall_allowed, common_firewall_extra_rules; --check --diff shows them."
        )
    came_by = ssh_connection()
    if came_by and came_by == BRINGER.read_text(encoding="utf-8"):
        module.fail_json(
            msg="The new rules of the firewall will be taken back: they can only be confirmed by a new connection, and "
            "this is the one that brought them. Remedy: let ssh open a connection of its own for this host "
            "(ControlPath none in your ssh configuration)."
        )
    wanted = table.loaded_elsewhere(table.candidate.read_text(encoding="utf-8"))
    table.end_trial()
    if table.in_force != wanted:
        module.fail_json(msg="The new rules of the firewall were taken back while they were confirmed. Run again.")
    table.keep()
    module.exit_json(changed=True)


def remove(table: Table) -> None:
    module = table.module
    former = table.in_force if shutil.which("nft") else ""
    kept = [file for file in (table.file, table.candidate) if file.is_file()]
    changed = bool(former or kept)
    if changed and not module.check_mode:
        if table.on_trial:
            table.end_trial()
        for file in kept:
            file.unlink()
        # stopping it deletes the table; it may not be what loaded it
        table.run("systemctl", "stop", table.unit, failing=f"{table.unit} does not stop")
        if table.in_force:
            table.run("nft", "delete", "table", "inet", table.name, failing="nft does not remove the table")
    module.exit_json(changed=changed, diff=[difference(table, former, "")] if former else [])


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "table": {"type": "str", "required": True},
            "rules": {"type": "str", "default": ""},
            "file": {"type": "path", "required": True},
            "unit": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "confirmed", "absent"], "default": "present"},
            "confirm_seconds": {"type": "int", "default": 0},
            "where_possible": {"type": "bool", "default": False},
        },
        required_if=[("state", "present", ["rules"])],
        supports_check_mode=True,
    )
    {"present": have, "confirmed": confirm, "absent": remove}[module.params["state"]](Table(module))


if __name__ == "__main__":
    main()
