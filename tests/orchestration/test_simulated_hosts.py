"""The roll that `bin/bench --of hosts` measures, over few hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.bench.hosts import roll_over

if TYPE_CHECKING:
    from tests.orchestration.prefect_server import Server


def test_a_release_comes_to_simulated_hosts_by_the_real_flow(server: Server):
    done = roll_over(3, "50%", server.environment)

    assert (done.hosts, done.batches, done.served) == (3, 2, 3)
    assert done.requests > 0
