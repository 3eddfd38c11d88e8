"""Measure the cluster on this machine, in the tests' own cluster, and keep the figures in build/bench.

usage: python -m bench [--inventory DIR] [--no-linear] [--running] [--large] [--growth]

What is timed is what an operator types: `make up`. It is timed with the images there and nothing else, and again with
nothing to change; both also with Ansible's own strategy instead of Mitogen's. Then the pages, each beside a plain Flask
application (see pages.py). The application on a million products is measured apart (see large.py), and so
is what an inventory of a thousand hosts costs (see growth.py).
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import subprocess
import sys
import time
from typing import Any

from bench import growth, large, pages
from proof.browsing import EVERYDAY, WELCOME
from proof.cluster import Cluster
from proof.load import Load, Result, running
from proof.playbook import ROOT, Operator, PlaybookRun

FIGURES = ROOT / "build" / "bench"
EVERYDAY_RATE, EVERYDAY_REQUESTS = 60, 1800
PAGES_RATE, PAGES_REQUESTS = 140, 4200
STRATEGIES = {"mitogen": {}, "linear": {"ANSIBLE_STRATEGY": "linear"}}
# what the project promises; told beside what was measured
FIRST_RUN_SECONDS, SECOND_RUN_SECONDS, HOST_TASKS, IDLE_MEBIBYTES = 120, 30, 600, 5120


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    measured: str
    promised: str = ""


def say(text: str) -> None:
    print(text, flush=True)


def make_up(inventory: str, name: str, environment: dict[str, str]) -> PlaybookRun:
    """`make up`, from its first word to its last."""
    say(f"{name} ...")
    log = FIGURES / f"{name.replace(' ', '-')}.log"
    began = time.monotonic()
    with log.open("w", encoding="utf-8") as output:
        done = subprocess.run(
            ["make", "--no-print-directory", "up", f"INVENTORY={inventory}"],
            cwd=ROOT,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    seconds = time.monotonic() - began
    # the recap of site.yml stands between that of the engine and that of the welcome
    text = log.read_text(encoding="utf-8", errors="replace")
    recaps = text.split("PLAY RECAP")
    site = max(recaps[1:], key=lambda recap: recap.count("unreachable="), default="")
    run = PlaybookRun(name, done.returncode, f"PLAY RECAP{site}" if done.returncode == 0 else text, seconds, log)
    run.expect_success()
    say(run.describe())
    return run


def deployment(operator: Operator, strategies: list[str]) -> dict[str, Any]:
    """Two runs of each strategy, the last one of the default's, so that its cluster is the one that stays."""
    figures: dict[str, Any] = {}
    for strategy in strategies:
        operator.play("playbooks/destroy.yml", "-e", "destroy_data=true", "-e", "destroy_confirm=yes").expect_success()
        for name in ("images alone", "nothing to change"):
            run = make_up(operator.inventory, f"{strategy} {name}", STRATEGIES[strategy])
            figures.setdefault(strategy, {})[name] = {
                "seconds": round(run.seconds, 1),
                "host_tasks": run.host_tasks,
                "changed": run.total("changed"),
            }
    return figures


def load(cluster: Cluster) -> dict[str, Result]:
    """How the application answers at a fixed rate, and what most requests a second of one page cost."""

    def measured(measured_load: Load) -> Result:
        with running(measured_load):
            return measured_load.finish()

    say("load ...")
    everyday = cluster.load(EVERYDAY, rate=EVERYDAY_RATE, at_least=EVERYDAY_REQUESTS, at_most=EVERYDAY_REQUESTS)
    pages = cluster.load([(WELCOME, 1)], rate=PAGES_RATE, at_least=PAGES_REQUESTS, at_most=PAGES_REQUESTS)
    return {"everyday": measured(everyday), "first page": measured(pages)}


def loadtest(operator: Operator) -> dict[str, Any]:
    """The operator's own load test, with ab; its result file."""
    say("make loadtest ...")
    operator.play("playbooks/loadtest.yml").expect_success()
    newest = max((ROOT / "build" / "loadtest").glob("*.json"), key=lambda path: path.stat().st_mtime)
    return dict(json.loads(newest.read_text(encoding="utf-8")))


def table(figures: dict[str, Any], loads: dict[str, Result]) -> list[Row]:
    runs = figures["deployment"]
    first, second = (runs["mitogen"][name] for name in ("images alone", "nothing to change"))
    rows = [
        Row("make up, images alone", f"{first['seconds']} s", f"{FIRST_RUN_SECONDS} s"),
        Row("make up, nothing to change", f"{second['seconds']} s", f"{SECOND_RUN_SECONDS} s"),
        Row("  changed", str(second["changed"]), "0"),
        Row("  host-tasks", str(second["host_tasks"]), str(HOST_TASKS)),
    ]
    if "linear" in runs:
        for name, mine in (("images alone", first), ("nothing to change", second)):
            other = runs["linear"][name]["seconds"]
            rows.append(Row(f"  {name}, linear", f"{other} s = {other / mine['seconds']:.1f} times"))
    rows.append(Row("idle memory", f"{sum(figures['memory'].values()):.0f} MiB", f"{IDLE_MEBIBYTES} MiB"))
    for name, result in loads.items():
        seconds = result.figures()["seconds"]
        times = ", ".join(f"{key} {1000 * value:.0f} ms" for key, value in seconds.items())
        rows.append(Row(f"{name}, {result.rate:g}/s", f"{times}; {len(result.failures)} failed", "0 failed"))
    return rows


def page_rows(figures: dict[str, Any]) -> list[Row]:
    return [
        Row(
            name,
            f"{page['per_second']}/s = {page['ratio']} of hello; p50 {page['p50_milliseconds']} ms, "
            f"application CPU {page['cpu_milliseconds']} ms",
            f"at least {page['promised']}" if page["promised"] else "",
        )
        for name, page in figures.items()
    ]


def growth_rows(sizes: dict[str, Any], runs: dict[str, Any]) -> list[Row]:
    return [
        *(
            Row(
                size,
                f"checked in {seconds['check_seconds']} s, derived in {seconds['derive_seconds']} s",
                f"{growth.CHECK_SECONDS} s",
            )
            for size, seconds in sizes.items()
        ),
        *(
            Row(
                f"{size}, nothing to change",
                f"{run['seconds']} s, {run['host_tasks']} host-tasks, changed={run['changed']}",
            )
            for size, run in runs.items()
        ),
    ]


def show(rows: list[Row]) -> None:
    widths = [max(len(getattr(row, field)) for row in rows) for field in ("what", "measured")]
    say(f"\n{'':<{widths[0]}}  {'measured':<{widths[1]}}  at most")
    for row in rows:
        say(f"{row.what:<{widths[0]}}  {row.measured:<{widths[1]}}  {row.promised}".rstrip())


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--inventory", default="inventory/test", help="its cluster and its data are REMOVED")
    parser.add_argument("--no-linear", action="store_true", help="leave out Ansible's own strategy")
    parser.add_argument("--running", action="store_true", help="only the pages, on the cluster as it runs")
    parser.add_argument("--large", action="store_true", help="only the application on a million products")
    parser.add_argument("--growth", action="store_true", help="only what large inventories cost")
    arguments = parser.parse_args()
    if arguments.large:
        return large.run()
    if arguments.growth:
        FIGURES.mkdir(parents=True, exist_ok=True)
        sizes, runs = growth.measure(FIGURES), growth.no_change()
        (FIGURES / "growth.json").write_text(json.dumps(sizes | runs, indent=1) + "\n", encoding="utf-8")
        show(growth_rows(sizes, runs))
        return 0
    if arguments.running:
        FIGURES.mkdir(parents=True, exist_ok=True)
        measured = pages.measure(Cluster(Operator(arguments.inventory, (), FIGURES / "playbooks")))
        pages.save(measured, FIGURES)
        show(page_rows(measured))
        return 0
    if pathlib.Path(arguments.inventory).name != "test":
        print(f"the cluster of {arguments.inventory} and all its data will be removed", file=sys.stderr)
        if input("type its path to go on: ") != arguments.inventory:
            return 1
    FIGURES.mkdir(parents=True, exist_ok=True)
    operator = Operator(arguments.inventory, (), FIGURES / "playbooks")
    operator.play("playbooks/secrets.yml").expect_success()
    began = time.monotonic()
    operator.play("playbooks/images.yml", timeout=1800).expect_success()
    images_seconds = time.monotonic() - began
    strategies = ["mitogen"] if arguments.no_linear else ["linear", "mitogen"]
    figures: dict[str, Any] = {
        "when": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": {"cores": os.cpu_count(), "kernel": platform.release()},
        "images_seconds": round(images_seconds, 1),
        "deployment": deployment(operator, strategies),
    }
    cluster = Cluster(operator)
    cluster.wait_until_whole()
    figures["memory"] = {name: round(size, 1) for name, size in cluster.memory().items()}
    loads = load(cluster)
    figures["load"] = {name: result.figures() for name, result in loads.items()}
    figures["loadtest"] = loadtest(operator)
    say("pages ...")
    figures["pages"] = pages.measure(cluster)
    (FIGURES / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    operator.play("playbooks/destroy.yml", "-e", "destroy_data=true", "-e", "destroy_confirm=yes").expect_success()
    show([*table(figures, loads), *page_rows(figures["pages"])])
    say(f"\nkept in {(FIGURES / 'figures.json').relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
