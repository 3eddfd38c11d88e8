"""Promise: no secret stands in plain text in a log, a process list or the repository; where one must stand, only its
owner reads it. Private keys are the exception that is held apart: a group may read them (0640), nobody else."""

from __future__ import annotations

import pathlib
import subprocess

import pytest

from proof.cluster import Cluster, Node
from proof.playbook import ROOT

# the patterns come by standard input, and lie in a folder of memory for as long as they are looked for
LOOK = """
umask 077
patterns=$(mktemp -p /dev/shm) || exit 1
trap 'rm -f "$patterns"' EXIT
cat > "$patterns"
"""
LOGS = (
    LOOK
    + 'grep -rlsaFf "$patterns" /var/log; '
    + 'journalctl --no-pager --output=cat | grep -qaFf "$patterns" && echo journal; true'
)
# a process may end while it is read; grep's own patterns are in a file
PROCESSES = LOOK + 'grep -lsaFf "$patterns" /proc/[0-9]*/cmdline; true'
FILES = (
    LOOK
    + 'grep -rlsaFf "$patterns" --exclude-dir=proc --exclude-dir=sys --exclude-dir=shm --exclude-dir=data / '
    + "| while read -r file; do stat --format='%a %n' \"$file\"; done"
)
KEYS = (
    "find /etc /opt /home /root /srv -type f \\( -name '*.key' -o -name '*-key.pem' \\) "
    "-exec stat --format='%a %n' {} +"
)
MOST_BYTES = 20_000_000


@pytest.fixture(scope="module")
def patterns(cluster: Cluster) -> str:
    assert cluster.secrets, "the inventory names no secrets"
    assert all(len(secret) >= 16 for secret in cluster.secrets.values())
    return "".join(f"{secret}\n" for secret in cluster.secrets.values())


def each(cluster: Cluster) -> list[Node]:
    return list(cluster.nodes.values())


def test_the_search_finds_what_is_there(cluster: Cluster, patterns: str) -> None:
    """A search that finds nothing proves nothing unless it finds what was put before it."""
    node = cluster.load_balancers[0]
    try:
        node.pipe("umask 077; cat > /var/log/probe.log", patterns)
        assert "/var/log/probe.log" in node.pipe(LOGS, patterns)
    finally:
        node.run("rm --force /var/log/probe.log")


def test_no_secret_in_logs(cluster: Cluster, patterns: str) -> None:
    assert {node.name: found for node in each(cluster) if (found := node.pipe(LOGS, patterns).split())} == {}


@pytest.mark.containers
def test_no_secret_in_docker_logs_and_definitions(cluster: Cluster) -> None:
    for node in each(cluster):
        for words in (["logs"], ["inspect"]):
            shown = subprocess.run(["docker", *words, node.target], capture_output=True, text=True, check=True)
            found = [name for name, secret in cluster.secrets.items() if secret in shown.stdout + shown.stderr]
            assert not found, (node, words)


def test_no_secret_in_process_lists(cluster: Cluster, patterns: str) -> None:
    assert {node.name: found for node in each(cluster) if (found := node.pipe(PROCESSES, patterns).split())} == {}


def test_only_their_owner_reads_files_with_secrets(cluster: Cluster, patterns: str) -> None:
    wide = {
        node.name: lines
        for node in each(cluster)
        if (lines := [line for line in node.pipe(FILES, patterns).splitlines() if int(line.split()[0], 8) & 0o077])
    }
    assert wide == {}


def test_private_keys_are_open_to_nobody_else(cluster: Cluster) -> None:
    wide = {
        node.name: lines
        for node in each(cluster)
        if (lines := [line for line in node.run(KEYS).splitlines() if int(line.split()[0], 8) & 0o027])
    }
    assert wide == {}


def test_no_secret_in_the_repository_and_its_build(cluster: Cluster) -> None:
    """Everything below the project but the virtual environments and git's own objects, logs of playbooks included."""
    secrets = {name: secret.encode() for name, secret in cluster.secrets.items()}
    found = {
        str(path.relative_to(ROOT)): names
        for path in _files(ROOT)
        if (names := [name for name, secret in secrets.items() if secret in path.read_bytes()])
    }
    assert found == {}


def _files(folder: pathlib.Path) -> list[pathlib.Path]:
    skipped = {".git", ".venv", "node_modules", "__pycache__"}
    return [
        path
        for path in folder.rglob("*")
        if not skipped.intersection(path.relative_to(folder).parts)
        and path.is_file()
        and not path.is_symlink()
        and path.stat().st_size <= MOST_BYTES
    ]


def test_no_secret_in_the_history(cluster: Cluster) -> None:
    history = subprocess.run(["git", "log", "--all", "--patch"], cwd=ROOT, capture_output=True, check=True).stdout
    assert [name for name, secret in cluster.secrets.items() if secret.encode() in history] == []


def test_control_node_keeps_its_keys_to_itself(cluster: Cluster) -> None:
    assert cluster.vault_file.read_text(encoding="utf-8").startswith("$ANSIBLE_VAULT;")
    kept = [cluster.vault_file, ROOT / ".vault-key", *cluster.authority_dir.rglob("*.key")]
    assert len(kept) > 2
    assert {str(path): oct(path.stat().st_mode) for path in kept if path.stat().st_mode & 0o077} == {}
    ignored = subprocess.run(
        ["git", "check-ignore", *map(str, kept)], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.splitlines()
    assert str(ROOT / ".vault-key") in ignored
