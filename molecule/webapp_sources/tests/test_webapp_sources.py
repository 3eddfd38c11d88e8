"""However an application is handed over, it is served: a wheel, a folder with a pyproject.toml, plain modules."""

import http.client
import json
import urllib.parse

import pytest
import testinfra

ADDRESSES = {"wheel": "172.31.43.21", "folder": "172.31.43.22", "plain": "172.31.43.23"}


def node(name):
    return testinfra.get_host(f"docker://molecule-webapp-sources-{name}")


def ask(name, path="/", form=None):
    """Status and body of one request."""
    link = http.client.HTTPConnection(ADDRESSES[name], 8000, timeout=10)
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
    link.request("POST" if form else "GET", path, urllib.parse.urlencode(form or {}), headers)
    answer = link.getresponse()
    body = answer.read().decode()
    link.close()
    return answer.status, body


@pytest.mark.parametrize("name", ["wheel", "folder"])
def test_a_package_serves_its_pages_and_its_files(name):
    assert ask(name, "/healthz") == (200, "well\n")
    status, style = ask(name, "/static/guestbook.css")
    assert status == 200
    assert "system-ui" in style
    assert ask(name, form={"author": "", "message": ""})[0] == 400


def test_a_wheel_alone_says_what_it_runs_with_and_gunicorn_is_added():
    installed = node("wheel").check_output("ls /opt/webapp/current/venv/lib/python3*/site-packages").lower()
    for package in ("flask", "pymysql", "gunicorn", "guestbook"):
        assert f"{package}-" in installed


def test_pins_hold():
    installed = node("folder").check_output("ls /opt/webapp/current/venv/lib/python3*/site-packages")
    assert "flask-3.1.3.dist-info" in installed
    assert "sqlalchemy-2.1.9.dist-info" in installed


def test_the_release_command_ran_for_the_wheel():
    assert node("wheel").file("/var/tmp/guestbook.db").size > 0


def test_plain_modules_are_served_from_their_folder():
    status, body = ask("plain")
    said = json.loads(body)
    assert status == 200
    assert said["greeting"] == "hello"
    assert node("plain").file("/opt/webapp/current/app/serve.py").exists


def test_packages_of_debian_are_there():
    assert json.loads(ask("plain")[1])["jq"].startswith("jq-")


def test_without_preloading_each_process_imports_the_application_itself():
    said = json.loads(ask("plain")[1])
    assert said["imported_by"] == said["answered_by"]


@pytest.mark.parametrize("name", ADDRESSES)
def test_only_root_reads_the_settings(name):
    assert node(name).file("/etc/webapp/environment").mode == 0o600
