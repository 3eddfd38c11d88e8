"""What systemd and gunicorn are told about the application, and what names a release."""

from __future__ import annotations

import configparser
import json
import pathlib
import shlex
import subprocess
import sys

import pytest
from loading import ROOT, load
from rendering import render, variable, words

release = load("plugins/filter/release_digest.py")

ODD_VALUES = {
    "PLAIN": "value",
    "SPACES": "  two  spaces ",
    "QUOTES": 'it\'s "quoted"',
    "SHELL": "$HOME ${HOME} `id` $(id) !",
    "BACKSLASH": "a\\b\\",
    "COMMENT": "# ; not a comment",
    "LINES": "first\nsecond",
    "SPANISH": "año 100 %",
    "NUMBER": 5,
}


def unit(template: str, **variables: object) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False, delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(render("webapp", template, **variables).replace("\\\n", " "))
    return parser


def command(**variables: object) -> list[str]:
    return shlex.split(unit("webapp.service.j2", **variables)["Service"]["ExecStart"])


def test_settings_survive_the_environment_file(tmp_path: pathlib.Path) -> None:
    """A shell reads double quotes as systemd does: a backslash counts before `"`, `$`, the backquote and itself."""
    file = tmp_path / "environment"
    file.write_text(render("webapp", "environment.j2", webapp_environment=ODD_VALUES), encoding="utf-8")
    script = f'set -a; . {file}; exec {sys.executable} -c "import os, json; print(json.dumps(dict(os.environ)))"'
    read = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True, env={}).stdout
    loaded = json.loads(read)
    assert {name: loaded[name] for name in ODD_VALUES} == {name: str(value) for name, value in ODD_VALUES.items()}


def test_what_an_operator_sets_wins() -> None:
    text = render("webapp", "environment.j2", webapp_environment={"A": "1", "B": "2"}, webapp_settings={"B": "3"})
    assert words(text) == ['A="1"', 'B="3"']


def test_the_socket_listens_where_it_is_told() -> None:
    socket = unit("webapp.socket.j2", webapp_bind_address="192.0.2.21", webapp_port=8123)["Socket"]
    assert socket["ListenStream"] == "192.0.2.21:8123"


def test_gunicorn_gets_no_address_of_its_own() -> None:
    assert not {"--bind", "-b"} & set(command())


def test_gunicorn_loads_the_application_it_is_given() -> None:
    assert command(webapp_wsgi="shop.wsgi:make('a b')".replace("'", '"'))[-1] == 'shop.wsgi:make("a b")'


@pytest.mark.parametrize(
    ("wsgi", "worker_class"),
    [
        (None, "inventario.serving.WholeAnswers"),
        ("inventario:create_app()", "inventario.serving.WholeAnswers"),
        ("app:app", "gthread"),
        ("guestbook:create_app()", "gthread"),
        ("mysite.wsgi", "gthread"),
        # a name that only begins, or ends, like the bundled one's
        ("inventario2:create_app()", "gthread"),
        ("shop.inventario:app", "gthread"),
    ],
)
def test_only_the_bundled_application_gets_its_own_class_of_workers(wsgi: str | None, worker_class: str) -> None:
    """Any other application would not start with it: the class is in the bundled one's package."""
    told = {} if wsgi is None else {"webapp_wsgi": wsgi}
    assert variable("webapp", "webapp_worker_class", **told) == worker_class
    started = command(**told)
    assert started[started.index("--worker-class") + 1] == worker_class


def test_the_class_of_the_bundled_applications_workers_is_in_its_package() -> None:
    module, _, name = variable("webapp", "webapp_worker_class").rpartition(".")
    source = ROOT / "webapp" / "src" / pathlib.Path(*module.split(".")).with_suffix(".py")
    assert f"class {name}(" in source.read_text(encoding="utf-8")


def test_an_operators_class_of_workers_wins() -> None:
    started = command(webapp_wsgi="shop:app", webapp_worker_class="shop.serving.Worker")
    assert started[started.index("--worker-class") + 1] == "shop.serving.Worker"


def test_further_options_stand_before_the_application() -> None:
    assert command(webapp_gunicorn_options=["--max-requests=1000"])[-2:] == [
        "--max-requests=1000",
        "inventario:create_app()",
    ]


def test_requests_that_run_may_end_before_systemd_kills() -> None:
    service = unit("webapp.service.j2", webapp_graceful_timeout=40)["Service"]
    assert int(service["TimeoutStopSec"]) > 40


def test_an_idle_connection_outlasts_the_load_balancers() -> None:
    keepalive = command()[command().index("--keep-alive") + 1]
    nginx = render(
        "loadbalancer",
        "nginx.conf.j2",
        loadbalancer_upstreams=[{"name": "a", "address": "192.0.2.1", "port": 1, "weight": 1}],
    )
    upstream = next(line for line in words(nginx) if line.startswith("keepalive_timeout 60"))
    assert int(keepalive) > int(upstream.removesuffix("s;").split()[1])


def test_the_service_never_gives_up_and_takes_no_socket_along() -> None:
    assert unit("webapp.service.j2")["Unit"]["StartLimitIntervalSec"] == "0"
    assert unit("webapp.socket.j2")["Socket"]["TriggerLimitIntervalSec"] == "0"


def test_no_secret_stands_in_a_unit() -> None:
    for template in ("webapp.service.j2", "webapp.socket.j2"):
        assert "s3cret" not in render("webapp", template, webapp_environment={"KEY": "s3cret"})


@pytest.fixture
def source(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "src" / "app").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "src" / "app" / "__init__.py").write_text("A = 1\n")
    (tmp_path / "requirements.txt").write_text("gunicorn==1\n")
    return tmp_path


def digest(source: pathlib.Path, *platform: str) -> str:
    return str(
        release.release_digest(str(source), ["pyproject.toml", "src"], str(source / "requirements.txt"), *platform)
    )


@pytest.mark.parametrize("path", ["src/app/__init__.py", "src/app/new.html", "pyproject.toml", "requirements.txt"])
def test_whatever_goes_into_a_release_changes_its_name(source: pathlib.Path, path: str) -> None:
    before = digest(source)
    (source / path).write_text("changed\n")
    assert digest(source) != before


@pytest.mark.parametrize(
    "path",
    [
        "src/app/__pycache__/a.pyc",
        "src/app.egg-info/PKG-INFO",
        "build/lib/app.py",
        "src/.cache/x",
        "tests/test_app.py",
        "README.md",
    ],
)
def test_whatever_does_not_leaves_it(source: pathlib.Path, path: str) -> None:
    before = digest(source)
    (source / path).parent.mkdir(parents=True, exist_ok=True)
    (source / path).write_text("anything\n")
    assert digest(source) == before


def test_a_file_that_moves_changes_the_name(source: pathlib.Path) -> None:
    before = digest(source)
    (source / "src" / "app" / "__init__.py").rename(source / "src" / "app" / "other.py")
    assert digest(source) != before


def test_another_python_has_a_release_of_its_own(source: pathlib.Path) -> None:
    assert digest(source, "3.11", "x86_64") != digest(source, "3.13", "x86_64")


def test_a_wheel_is_a_source_too(tmp_path: pathlib.Path) -> None:
    wheel = tmp_path / "shop-1-py3-none-any.whl"
    wheel.write_bytes(b"one")
    before = release.release_digest(str(wheel), ["."], "")
    wheel.write_bytes(b"two")
    assert release.release_digest(str(wheel), ["."], "") != before
    wheel.unlink()
    with pytest.raises(ValueError, match="webapp_source is no file"):
        release.release_digest(str(wheel), ["."], "")


@pytest.mark.parametrize("line", ["-r more/pins.txt", "--requirement=more/pins.txt", "-c more/pins.txt"])
def test_pins_that_are_taken_in_name_the_release_too(source: pathlib.Path, line: str) -> None:
    (source / "requirements.txt").write_text(f"{line}\n")
    (source / "more").mkdir()
    (source / "more" / "pins.txt").write_text("flask==1\n-r pins.txt\n")
    before = digest(source)
    (source / "more" / "pins.txt").write_text("flask==2\n")
    assert digest(source) != before


def test_pins_that_are_not_there_are_refused(source: pathlib.Path) -> None:
    (source / "requirements.txt").write_text("-r missing.txt\n")
    with pytest.raises(ValueError, match=r"webapp_requirements is, or takes in, no file: .*missing\.txt"):
        digest(source)


def test_the_server_is_the_bundled_applications() -> None:
    pins = (ROOT / "webapp" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert variable("webapp", "webapp_server") in pins


def test_an_application_that_must_not_be_forked_is_not_loaded_before() -> None:
    assert "--preload" in command()
    assert "--preload" not in command(webapp_preload=False)


def test_plain_modules_are_taken_whole(source: pathlib.Path) -> None:
    assert release.release_files(str(source), ["."]) == ["pyproject.toml", "requirements.txt", "src/app/__init__.py"]


@pytest.mark.parametrize(("name", "message"), [("missing", "is no folder"), ("empty", "holds none of")])
def test_a_source_with_nothing_in_it_is_refused(tmp_path: pathlib.Path, name: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=message):
        digest(tmp_path / name)
