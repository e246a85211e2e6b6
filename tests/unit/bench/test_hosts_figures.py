"""What a roll over simulated hosts says of itself."""

from __future__ import annotations

from infra.bench.hosts_figures import Roll, hosts_table

ROLL = Roll(
    hosts=10,
    batch="25%",
    batches=4,
    served=10,
    seconds=40.04,
    host_s=8.25,
    longest_s=9.96,
    cpu_s=5.0,
    peak_mib=200.4,
    requests=125,
)


def test_figures_are_shown_for_the_whole_roll_and_for_a_host():
    assert hosts_table([ROLL], {"Prefect": "3.8.8"}).splitlines() == [
        "| hosts beside the canary | at once | batches | whole roll, s | one host, s | CPU, s "
        "| CPU a host, s | memory at most, MiB | requests to Prefect a host |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| 10 | 25% | 4 | 40.0 | 8.2 (at most 10.0) | 5.0 | 0.50 | 200 | 12 |",
        "",
        "- Prefect: 3.8.8",
    ]
