"""The proxy to Cloud SQL, and what lets no program outlive its run."""

from __future__ import annotations

import subprocess

from rollout.commands.child import ending_with_us
from rollout.commands.cloud_sql import cloud_sql_proxy_command


def test_the_proxy_listens_on_the_loopback_and_tries_a_connection_first():
    command = cloud_sql_proxy_command(
        "trovella-prod:us-central1:trovella", 40001, 40002, is_private=True
    )

    assert " ".join(command) == (
        "cloud-sql-proxy --address=127.0.0.1 --port=40001 --http-address=127.0.0.1 "
        "--http-port=40002 --private-ip --health-check --run-connection-test "
        "trovella-prod:us-central1:trovella"
    )


def test_a_program_has_its_own_words_streams_and_status_and_nothing_to_read():
    words = ending_with_us(("sh", "-c", 'echo "$1"; cat; echo hurt >&2; exit 3', "-", "two  words"))

    with subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as ended:
        assert ended.wait(10) == 3
        assert ended.stdout is not None
        assert ended.stderr is not None
        assert (ended.stdout.read(), ended.stderr.read()) == ("two  words\n", "hurt\n")


def test_a_program_ends_when_its_input_does():
    with subprocess.Popen(ending_with_us(("sleep", "600")), stdin=subprocess.PIPE) as running:
        assert running.poll() is None
        assert running.stdin is not None
        running.stdin.close()

        assert running.wait(10) == 128 + 15
