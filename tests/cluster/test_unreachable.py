"""Promise: with one application node out of reach site.yml converges the others, names that node at the end and exits
non-zero; once it is back, the next run is clean."""

from __future__ import annotations

import pytest

from proof.cluster import Cluster

PROXY_CONFIGURATION = "/etc/haproxy/haproxy.cfg"


@pytest.mark.containers
def test_others_converge_and_the_node_is_named(cluster: Cluster) -> None:
    away, other = cluster.app_nodes[-1], cluster.app_nodes[0]
    wanted = other.host.file(PROXY_CONFIGURATION).content_string
    other.run("echo '# drift' >> %s", PROXY_CONFIGURATION)
    away.docker("pause")
    try:
        run = cluster.site()
    finally:
        away.docker("unpause")
    assert run.rc != 0
    last_words = run.output[run.output.rindex("TASK [") : run.output.rindex("PLAY RECAP")]
    assert away.name in last_words, last_words
    assert other.host.file(PROXY_CONFIGURATION).content_string == wanted
    cluster.wait_until_whole()
    cluster.site().expect_success()
