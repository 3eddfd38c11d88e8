"""What the role does for an application on each node: it serves it, and shuts it in."""

import concurrent.futures
import json
import time
import urllib.request

testinfra_hosts = ["ansible://app_nodes"]


def get(host, path, timeout=10):
    address = host.check_output("hostname -I").split()[0]
    with urllib.request.urlopen(f"http://{address}:8000{path}", timeout=timeout) as answer:
        return json.load(answer)


def test_it_answers(host):
    assert get(host, "/")["version"] == 1


def test_its_settings_arrive_as_they_were_written(host):
    settings = get(host, "/environment")
    assert settings["HELLO_NODE"] == host.ansible.get_variables()["inventory_hostname"]
    assert settings["HELLO_ODD"] == "spaces  and 'quotes' \"double\" $HOME `id` back\\slash 100% #hash ñ; last \\"
    assert settings["HELLO_LINES"] == "first\nsecond"


def test_what_only_the_release_command_gets_is_not_the_services(host):
    assert "HELLO_LEDGER" not in get(host, "/environment")


def test_the_release_command_ran_once_and_before_anybody_served(host):
    ledger = host.file("/var/tmp/hello-ledger")
    if host.ansible.get_variables()["inventory_hostname"] == "app":
        assert ledger.content_string == "version 1\n"
        assert ledger.user == "webapp"
    else:
        assert not ledger.exists


def test_only_root_reads_the_settings(host):
    for path in ("/etc/webapp/environment", "/etc/webapp/served/environment"):
        assert host.file(path).mode == 0o600
    assert host.run("runuser -u webapp -- cat /etc/webapp/environment").rc != 0


def test_the_service_can_write_nowhere_but_in_its_own_folder(host):
    places = ["/opt/webapp/current/app/x", "/etc/x", "/var/tmp/x", "/root/x", "/run/x", "/run/webapp/x"]
    answers = get(host, "/write?" + "&".join(f"path={place}" for place in places))
    assert [place for place in places if answers[place] == "written"] == ["/var/tmp/x", "/run/webapp/x"]
    # a /var/tmp of its own, which nobody else sees
    assert not host.file("/var/tmp/x").exists


def test_the_service_has_no_privileges(host):
    main = host.check_output("systemctl show --property MainPID --value webapp")
    status = dict(
        line.split(":\t", 1) for line in host.file(f"/proc/{main}/status").content_string.splitlines() if ":\t" in line
    )
    assert status["CapBnd"] == status["CapEff"] == "0000000000000000"
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"


def test_a_node_stays_small(host):
    proportional = host.check_output(
        "cat /proc/$(pgrep -d'/smaps_rollup /proc/' -u webapp)/smaps_rollup | grep ^Pss: | tr -dc '0-9\\n'"
    )
    assert sum(int(kilobytes) for kilobytes in proportional.split()) < 100_000


def test_no_request_is_refused_while_the_service_restarts(host):
    """Every connection waits in the socket, and a request that is being answered gets its answer."""
    before = get(host, "/")["process"]
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        slow = pool.submit(get, host, "/slow?seconds=2", 15)
        time.sleep(0.5)
        restart = pool.submit(host.check_output, "systemctl restart webapp")
        versions = []
        while not restart.done():
            versions += [answer["version"] for answer in pool.map(lambda _: get(host, "/", 15), range(10))]
        assert slow.result()["version"] == 1
    assert len(versions) >= 10
    assert set(versions) == {1}
    assert get(host, "/")["process"] != before


def test_it_comes_back_when_it_is_killed_again_and_again(host):
    for _ in range(6):
        host.check_output("systemctl kill --signal KILL webapp")
        assert get(host, "/", timeout=30)["version"] == 1
    assert host.check_output("systemctl is-active webapp.socket") == "active"
