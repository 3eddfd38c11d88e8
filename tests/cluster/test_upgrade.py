"""Promise: the release before this one, with its data, becomes this one while people work: the schema is expanded under
them, old nodes and new ones serve side by side, no request fails and nothing is lost.

The release before is the application of the commit that ended it, deployed by today's roles.
"""

from __future__ import annotations

import io
import json
import pathlib
import subprocess
import tarfile

import pytest

from proof.browsing import EVERYDAY, Registration
from proof.cluster import Cluster
from proof.figures import Measure
from proof.ledger import Ledger
from proof.load import Load
from proof.playbook import ROOT
from proof.waiting import until

# the last commit of release 0.1.0
PREVIOUS = "74304b2"
PREVIOUS_REVISION = "0001"
ROWS = 20_000
RATE = 25
REQUESTS = 500


def revision(cluster: Cluster) -> str:
    return cluster.source.sql("SELECT version_num FROM alembic_version", cluster.database)[0][0]


@pytest.fixture(scope="module")
def previous_release(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The application's folder as it was."""
    folder = tmp_path_factory.mktemp("previous")
    archive = subprocess.run(["git", "archive", PREVIOUS, "webapp"], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        opened.extractall(folder, filter="data")
    return folder / "webapp"


def fill(cluster: Cluster) -> None:
    """Products of an ordinary company, as the previous release kept them."""
    numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
    cluster.source.sql("INSERT INTO categories (name) VALUES ('Ferretería'), ('Pintura')", cluster.database)
    for block in range(ROWS // 1000):
        cluster.source.sql(
            "INSERT INTO products (code, name, description, unit_code, category_id, created_by_id) "
            f"{numbers} SELECT CONCAT('V', {block} * 1000 + i), CONCAT('Artículo ', i), 'De antes', 'ud', "
            "(SELECT MIN(id) FROM categories), (SELECT MIN(id) FROM users) FROM n",
            cluster.database,
        )


def test_the_release_before_becomes_this_one_under_load(
    cluster: Cluster,
    measure: Measure,
    ledger: Ledger,
    registration: Registration,
    previous_release: pathlib.Path,
) -> None:
    assert not ledger.codes(), "this test begins with an empty database, so it comes before all that write"
    cluster.source.sql(f"DROP DATABASE {cluster.database}; CREATE DATABASE {cluster.database}", cluster.database)
    earlier = {
        "webapp_source": str(previous_release),
        "webapp_requirements": f"{previous_release}/requirements.txt",
        # it had none of its own
        "webapp_worker_class": "gthread",
    }
    cluster.site("-e", json.dumps(earlier)).expect_success()
    assert revision(cluster) == PREVIOUS_REVISION
    fill(cluster)

    def upgrade(load: Load) -> None:
        until(lambda: len(load.answers_since(0)) >= 3 * RATE, "some seconds of load", seconds=30)
        load.mark("the deployment begins")
        cluster.site().expect_success()
        load.mark("the deployment has ended")

    mix = [*((step, 2 * weight) for step, weight in EVERYDAY), (registration.step, 4)]
    result = measure(cluster.load(mix, rate=RATE, at_least=REQUESTS), upgrade)
    assert not result.failures, result.describe()
    assert revision(cluster) != PREVIOUS_REVISION
    kept = cluster.source.sql("SELECT COUNT(*) FROM products WHERE description = 'De antes'", cluster.database)[0][0]
    assert int(kept) == ROWS
    cluster.expect_acknowledged(ledger)
    # what the old nodes registered while the new ones came is made findable by the next run
    cluster.site().expect_success()
    unfindable = "SELECT COUNT(*) FROM products WHERE id NOT IN (SELECT product_id FROM product_terms)"
    assert cluster.source.sql(unfindable, cluster.database) == [["0"]]
