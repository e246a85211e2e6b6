"""What the ledger, the artifacts and `bin/releases` say of deploys, good ones and others.

One world, in order: each test goes on where the one before it ended.
"""

from __future__ import annotations

import json
import subprocess
from base64 import b64decode
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from prefect import flow

from blocks.target_host import TargetHost
from tasks import record
from tests.support import blocks
from tests.support.world import ROOT, commit, newest, on_host, serving_version, trigger

pytestmark = pytest.mark.rehearsal


def releases(*options: str) -> subprocess.CompletedProcess[str]:
    command = [ROOT / "bin/releases", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)


def told(*options: str) -> dict[str, Any]:
    done = releases("rehearsal", "--json", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def ledger() -> list[dict[str, Any]]:
    return [json.loads(line) for line in on_host("cat /opt/trovella/ledger.jsonl").splitlines()]


def events(release: int) -> list[str]:
    return [one["event"] for one in ledger() if one["release"] == release]


def deployed() -> int:
    """Deploy the next commit and return its release."""
    version = commit()
    run = trigger("deploy", commit=version)
    assert run.exit_code == 0, run.log
    assert serving_version() == version
    return told()["current"]


def pictured() -> tuple[str, str]:
    """Return the title of the picture in the newest report, and all words in it."""
    address = newest("release").split("](data:image/svg+xml;base64,")[1].split(")")[0]
    picture = ET.fromstring(b64decode(address))
    title = picture.find("{http://www.w3.org/2000/svg}title")
    assert title is not None
    return str(title.text), " ".join(picture.itertext())


def test_each_release_of_a_good_deploy_is_told_step_by_step():
    deployed()
    number = deployed()

    assert events(number) == ["prepared", "migrated", "activated", "verified"]
    described = json.loads(on_host(f"cat /opt/trovella/releases/{number}/release.json"))
    assert described["secret_versions"]["trovella-database-url"].isdecimal()
    assert described["run_id"]
    for name, digest in described["files"].items():
        (line,) = on_host(f"sha256sum /opt/trovella/releases/{number}/{name}").splitlines()
        assert line.split()[0] == digest
    assert set(described["files"]) == {"Caddyfile", "docker-compose.prod.yml"}


def test_the_report_shows_the_switch():
    number, version = told()["current"], serving_version()
    title, words = pictured()

    assert title.startswith(f"Release {number}, seen from outside: ")
    assert ", 0 lost; switched after " in title
    assert f"web-r{number} {version[:12]}: " in words
    assert f"web-r{number - 1} " in words
    assert "errors: 0" in words


def test_the_table_marks_the_current_release_and_the_one_to_go_back_to():
    number, version = told()["current"], serving_version()
    lines = releases("rehearsal", "--limit", "2").stdout.splitlines()

    assert len(lines) == 3
    assert lines[0].split()[:3] == ["RELEASE", "VERSION", "STAGE"]
    assert lines[1].split()[:4] == ["current", str(number), version[:12], "verified"]
    assert lines[2].split()[:3] == ["previous", "good", str(number - 1)]


def test_a_release_that_never_served_is_abandoned_by_the_next_one():
    run = trigger("deploy", commit=commit("health"))
    assert run.state == "Failed", run.log
    unfinished = told()["releases"][0]["number"]
    assert events(unfinished) == ["prepared", "migrated"]

    number = deployed()

    assert number == unfinished + 1
    assert events(unfinished) == ["prepared", "migrated", "abandoned"]
    line = next(one for one in told()["releases"] if one["number"] == unfinished)
    assert (line["stage"], line["on_host"]) == ("abandoned", False)
    assert line["reason"] == f"it never served; found by the run of release {number}"


def test_a_retried_run_that_gives_way_says_so_of_what_it_began(monkeypatch: pytest.MonkeyPatch):
    run = trigger("deploy", commit=commit("health"))
    assert run.state == "Failed", run.log
    unfinished = told()["releases"][0]["number"]

    monkeypatch.setenv("PREFECT__RUNTIME__FLOW_RUN__ID", run.flow_run_id)
    assert gives_way()

    assert events(unfinished) == ["prepared", "migrated", "superseded"]
    assert told()["releases"][0]["reason"] == "a newer deploy takes this one's place"
    assert gives_way()
    assert events(unfinished) == ["prepared", "migrated", "superseded"]


@flow
def gives_way() -> bool:
    return record.gives_way("rehearsal", "a newer deploy takes this one's place")


def test_a_retried_run_whose_release_serves_gives_no_way(monkeypatch: pytest.MonkeyPatch):
    run = trigger("deploy", commit=commit())
    assert run.exit_code == 0, run.log
    before = ledger()

    monkeypatch.setenv("PREFECT__RUNTIME__FLOW_RUN__ID", run.flow_run_id)

    assert not gives_way()
    assert ledger() == before


def test_a_rollback_shows_in_all_of_them():
    left = told()
    run = trigger("rollback", reason="a test")
    assert run.exit_code == 0, run.log

    now = told()
    assert now["current"] == now["live"] == left["previous_good"]
    state = newest("state-rehearsal")
    assert state.startswith(f"# rehearsal: release {now['current']} serves\n")
    (was,) = [one for one in left["releases"] if one["number"] == left["current"]]
    assert f"| {was['number']} | {was['version'][:12]} | rolled-back |" in state
    title, words = pictured()
    assert title.startswith(f"Release {now['current']}, seen from outside: ")
    assert f"web-r{left['current']} " in words


def test_what_cannot_be_read_is_one_sentence():
    with blocks.without(TargetHost, "rehearsal-host"):
        done = releases("rehearsal")

    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "target-host/rehearsal-host" in done.stderr
