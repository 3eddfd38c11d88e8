"""How releases follow each other under the users of an application, the bad ones included."""

import collections
import json
import os
import pathlib
import shutil
import subprocess
import threading
import urllib.request

import pytest
import testinfra

testinfra_hosts = ["ansible://app"]
SCENARIO = pathlib.Path(__file__).parents[1]
PROJECT = SCENARIO.parents[1]
INVENTORY = os.environ["MOLECULE_EPHEMERAL_DIRECTORY"] + "/inventory"
NODES = ("app", "app1")


def node(name):
    return testinfra.get_host(f"ansible://{name}?ansible_inventory={INVENTORY}")


ADDRESSES = {name: node(name).check_output("hostname -I").split()[0] for name in NODES}


def get(name, path="/", port=8000):
    with urllib.request.urlopen(f"http://{ADDRESSES[name]}:{port}{path}", timeout=20) as answer:
        return json.load(answer)


def converge(source=SCENARIO / "app", **variables):
    """Run the scenario's playbook again, with this source and other settings."""
    variables = json.dumps({"webapp_source": str(source), **variables})
    return subprocess.run(
        ["ansible-playbook", "-i", INVENTORY, "-e", variables, str(SCENARIO / "converge.yml")],
        env={**os.environ, "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg")},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def edited(folder, before, after):
    """The application with one thing changed in it."""
    source = folder / "app"
    shutil.copytree(SCENARIO / "app", source)
    program = source / "hello.py"
    text = program.read_text(encoding="utf-8")
    assert before in text
    program.write_text(text.replace(before, after), encoding="utf-8")
    return source


@pytest.fixture
def first_release_again():
    yield
    back = converge()
    assert back.returncode == 0, back.stdout
    assert [get(name)["version"] for name in NODES] == [1, 1]


@pytest.mark.usefixtures("first_release_again")
def test_a_release_is_rolled_out_without_a_failed_request(tmp_path):
    stop, answers = threading.Event(), collections.Counter()

    def use(name):
        while not stop.is_set():
            try:
                answers[name, get(name, "/slow?seconds=0.02")["version"]] += 1
            except OSError as error:
                answers[name, repr(error)] += 1

    users = [threading.Thread(target=use, args=(name,)) for name in NODES * 4]
    for user in users:
        user.start()
    rolled = converge(edited(tmp_path, "VERSION = 1", "VERSION = 2"))
    stop.set()
    for user in users:
        user.join()
    assert rolled.returncode == 0, rolled.stdout
    assert set(answers) == {(name, version) for name in NODES for version in (1, 2)}
    assert [get(name)["version"] for name in NODES] == [2, 2]


@pytest.mark.parametrize(
    ("broken", "said", "cause"),
    [
        pytest.param("", "", "told to fail", id="a release that does not start"),
        pytest.param("503 Unwell", " (it answered 503)", "told to be broken", id="settings that it is not ready with"),
        pytest.param("404 Nothing", " (it answered 404: set webapp_health_path to", "told to be broken", id="no page"),
    ],
)
def test_what_is_not_ready_stops_at_the_first_node_and_is_taken_back(tmp_path, broken, said, cause):
    untouched = get("app1")["process"]
    if broken:
        run = converge(webapp_settings={"HELLO_BROKEN": broken})
    else:
        stop = "assert os.environ.get('HELLO_LEDGER'), 'told to fail'"
        run = converge(edited(tmp_path, "VERSION = 1", f"{stop}\nVERSION = 3"))
    assert run.returncode != 0
    assert f"was not ready at /ready within 8 s{said}" in run.stdout
    assert "; the node serves release" in run.stdout
    assert cause in run.stdout
    assert get("app", "/ready")["version"] == 1
    assert "HELLO_BROKEN" not in get("app", "/environment")
    assert get("app1")["process"] == untouched


def test_a_failed_release_command_changes_nothing_that_is_served(tmp_path):
    before = [get(name)["process"] for name in NODES]
    run = converge(
        edited(tmp_path, "VERSION = 1", "VERSION = 4"), webapp_release_command="echo no such table >&2; exit 3"
    )
    assert run.returncode != 0
    assert "failed on app (exit 3); no node serves the new release. no such table" in " ".join(run.stdout.split())
    assert [get(name)["process"] for name in NODES] == before


@pytest.mark.usefixtures("first_release_again")
def test_the_application_moves_to_another_port():
    assert converge(webapp_port=8001).returncode == 0
    assert [get(name, port=8001)["version"] for name in NODES] == [1, 1]
    with pytest.raises(OSError, match="refused"):
        get("app", port=8000)


def test_what_was_interrupted_or_changed_by_hand_is_put_right(host):
    release = host.check_output("readlink /opt/webapp/current")
    host.check_output(f"rm -r {release}/complete {release}/venv/bin/gunicorn")
    host.check_output("echo HELLO_NODE=x >/etc/webapp/environment")
    node("app1").check_output("systemctl stop webapp.socket webapp.service")
    assert converge().returncode == 0
    assert host.file(f"{release}/venv/bin/gunicorn").exists
    assert [get(name)["node"] for name in NODES] == list(NODES)


def test_old_releases_are_removed(host):
    assert len(host.check_output("ls /opt/webapp/releases").split()) == 2
