"""What is read of a host and written to it; the scripts about files run here for real."""

from __future__ import annotations

import json
import subprocess
from base64 import b64decode, b64encode
from dataclasses import replace
from pathlib import Path

import pytest

from rollout.commands import host
from rollout.model.command import Command, Secret
from rollout.model.host import Container, Figures, HostFacts
from rollout.model.layout import Layout
from rollout.model.plan import RemoteFile


def run(command: Command) -> subprocess.CompletedProcess[str]:
    stdin = command.stdin.reveal() if isinstance(command.stdin, Secret) else command.stdin
    return subprocess.run(
        command.argv, input=stdin or "", capture_output=True, text=True, check=False
    )


def folder(layout: Layout, number: int, **more: str) -> tuple[RemoteFile, ...]:
    there = layout.release(number)
    return (
        RemoteFile(f"{there}/docker-compose.prod.yml", "services: {}\n"),
        RemoteFile(f"{there}/Caddyfile", ":80\n"),
        RemoteFile(f"{there}/.env", Secret("A='ß'\n"), 0o600),
        RemoteFile(f"{there}/release.json", more.get("release", "{}\n")),
    )


def names(path: str) -> list[str]:
    return sorted(one.name for one in Path(path).iterdir())


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(str(tmp_path))


def test_a_release_is_uploaded_whole(layout: Layout):
    assert run(host.upload_release_command(layout, 12, folder(layout, 12))).returncode == 0

    there = Path(layout.release(12))
    assert (there / ".env").read_text() == "A='ß'\n"
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in there.iterdir()} == {
        ".env": "0o600",
        "Caddyfile": "0o644",
        "SHA256SUMS": "0o600",
        "docker-compose.prod.yml": "0o644",
        "release.json": "0o644",
    }
    assert oct(there.stat().st_mode & 0o777) == "0o700"
    assert [path.name for path in there.parent.iterdir()] == ["12"]


def test_an_upload_replaces_what_a_killed_one_left(layout: Layout):
    for left in (".12.tmp", ".11.tmp", ".11.old"):
        Path(f"{layout.directory}/releases/{left}").mkdir(parents=True)
    run(host.upload_release_command(layout, 12, folder(layout, 12)))
    files = folder(layout, 12, release='{"again": true}\n')

    assert run(host.upload_release_command(layout, 12, files)).returncode == 0

    assert (Path(layout.release(12)) / "release.json").read_text() == '{"again": true}\n'
    assert names(f"{layout.directory}/releases") == ["12"]


def test_a_damaged_upload_leaves_nothing(layout: Layout):
    command = host.upload_release_command(layout, 12, folder(layout, 12))
    assert isinstance(command.stdin, Secret)
    tar = b64decode(command.stdin.reveal())
    damaged = b64encode(tar.replace(b"services: {}", b"services: []")).decode()

    done = run(Command(command.argv, stdin=damaged))

    assert command.meanings[done.returncode] == "the files arrived damaged"
    assert not Path(layout.release(12)).exists()


def test_no_secret_stands_on_the_command_line(layout: Layout):
    command = host.upload_release_command(layout, 12, folder(layout, 12))

    assert "A='" not in command.shell()
    assert isinstance(command.stdin, Secret)


def test_the_checksum_is_the_one_that_the_host_reads(layout: Layout):
    files = folder(layout, 12)
    run(host.upload_release_command(layout, 12, files))

    for file in files:
        done = subprocess.run(["sha256sum", file.path], capture_output=True, text=True, check=True)
        assert done.stdout.split()[0] == host.checksum(file)


def test_the_ledger_grows_by_whole_lines(layout: Layout):
    for number in (1, 2):
        assert run(host.append_ledger_command(layout, f'{{"release": {number}}}')).returncode == 0

    lines = Path(f"{layout.directory}/ledger.jsonl").read_text().splitlines()
    assert [json.loads(line)["release"] for line in lines] == [1, 2]
    assert all(json.loads(line)["at"].endswith("Z") for line in lines)
    assert oct(Path(f"{layout.directory}/ledger.jsonl").stat().st_mode & 0o777) == "0o600"


def test_a_torn_line_is_cut_off_before_another_follows(layout: Layout):
    ledger = Path(f"{layout.directory}/ledger.jsonl")
    ledger.write_text('{"release": 1}\n{"rele')

    run(host.append_ledger_command(layout, '{"release": 2}'))

    assert [json.loads(line)["release"] for line in ledger.read_text().splitlines()] == [1, 2]


def test_text_of_people_reaches_the_ledger_as_it_is(layout: Layout):
    reason = 'it\'s $(id) "now" %s \\n ü\n2'

    run(host.append_ledger_command(layout, json.dumps({"reason": reason})))

    line = Path(f"{layout.directory}/ledger.jsonl").read_text().splitlines()[0]
    assert json.loads(line)["reason"] == reason


def test_the_switch_is_one_rename_and_writes_no_line_end(layout: Layout):
    Path(layout.proxy).mkdir()
    run(host.switch_command(layout, "web-r11"))

    assert run(host.switch_command(layout, "web-r12")).returncode == 0

    assert {path.name: path.read_text() for path in Path(layout.proxy).iterdir()} == {
        "live": "web-r12"
    }


def test_a_caddyfile_is_staged_installed_and_restored(layout: Layout):
    run(host.upload_release_command(layout, 12, folder(layout, 12)))
    proxy = Path(layout.proxy)
    (proxy / "Caddyfile").write_text(":8080\n")

    run(host.stage_caddyfile_command(layout, 12))
    assert (proxy / "Caddyfile").read_text() == ":8080\n"
    run(host.install_caddyfile_command(layout))
    assert (proxy / "Caddyfile").read_text() == ":80\n"
    run(host.restore_caddyfile_command(layout))

    assert {path.name: path.read_text() for path in proxy.iterdir()} == {"Caddyfile": ":8080\n"}


def test_a_first_caddyfile_has_no_former_to_go_back_to(layout: Layout):
    run(host.upload_release_command(layout, 12, folder(layout, 12)))
    run(host.stage_caddyfile_command(layout, 12))
    run(host.install_caddyfile_command(layout))

    assert run(host.restore_caddyfile_command(layout)).returncode == 0

    assert (Path(layout.proxy) / "Caddyfile").read_text() == ":80\n"


def test_publishing_gives_the_names_that_people_know(layout: Layout):
    for number in (11, 12):
        run(host.upload_release_command(layout, number, folder(layout, number)))
        assert run(host.publish_command(layout, number)).returncode == 0

    root = Path(layout.directory)
    assert str((root / "current").readlink()) == "releases/12"
    assert (root / ".env").read_text() == "A='ß'\n"
    assert oct((root / ".env").stat().st_mode & 0o777) == "0o600"
    assert sorted(path.name for path in root.iterdir()) == [
        ".env",
        "Caddyfile",
        "current",
        "docker-compose.prod.yml",
        "proxy",
        "releases",
    ]


def test_old_releases_are_forgotten_and_no_other(layout: Layout):
    for number in (9, 10, 11):
        run(host.upload_release_command(layout, number, folder(layout, number)))

    assert run(host.forget_releases_command(layout, [9, 10])).returncode == 0

    assert names(f"{layout.directory}/releases") == ["11"]


def test_a_host_that_was_never_prepared_says_so(tmp_path: Path):
    done = run(host.read_host_command(f"{tmp_path}/missing", "trovella"))

    assert done.returncode == host.NOT_PREPARED
    assert host.read_host_command("/opt/trovella", "trovella").meanings == {
        70: "there is no /opt/trovella: the host was never prepared",
        71: "the Docker engine does not answer",
    }


CONTAINER = {
    "name": "/trovella-web-r12-1",
    "status": "running",
    "exit_code": 0,
    "restarts": 2,
    "oom_killed": True,
    "started_at": "2026-11-25T13:00:00.5Z",
    "health": "healthy",
    "service": "web-r12",
    "release": "12",
    "reference": "web@sha256:1",
    "image": "sha256:2",
    "mounts": [{"Type": "bind", "Source": "/opt/trovella/proxy", "Destination": "/etc/caddy"}],
}


LEDGER = "line 1\nline 2\n"


def said(text: str) -> str:
    return b64encode(text.encode()).decode()


def test_what_was_read_becomes_facts():
    stdout = (
        "live web-r12\n"
        "current releases/12\n"
        f"ledger {said(LEDGER)}\n"
        f"compose {said('services: {}')}\n"
        f"release releases/11/release.json {said('eleven')}\n"
        f"release releases/12/release.json {said('twelve')}\n"
        "file 00ff  releases/12/.env\n"
        f"container {json.dumps(CONTAINER)}\n"
        "image web@sha256:1 sha256:2\n"
        "free 3000\nfree 2000\n"
        "memory 4\n"
        "clock 1764075600.250000000\n"
    )

    facts = host.parse_host(stdout)

    assert facts.figures == Figures(2000, 4096, 1764075600.25)
    assert facts == HostFacts(
        live="web-r12",
        current=12,
        ledger=LEDGER,
        compose="services: {}",
        releases={11: "eleven", 12: "twelve"},
        files={"releases/12/.env": "00ff"},
        containers=(
            Container(
                name="trovella-web-r12-1",
                service="web-r12",
                status="running",
                health="healthy",
                reference="web@sha256:1",
                image_id="sha256:2",
                release=12,
                mounts=(("/opt/trovella/proxy", "/etc/caddy"),),
                restarts=2,
                oom_killed=True,
                started_at="2026-11-25T13:00:00.5Z",
            ),
        ),
        images={"web@sha256:1": "sha256:2"},
    )


def test_a_bare_host_has_no_facts():
    assert host.parse_host("") == HostFacts()


def test_a_container_of_somebody_else_has_no_release():
    other = {**CONTAINER, "service": None, "release": "latest", "mounts": [], "health": ""}

    assert host.parse_host(f"container {json.dumps(other)}\n").containers == (
        replace(
            Container("trovella-web-r12-1", "", "running", "", "web@sha256:1", "sha256:2"),
            restarts=2,
            oom_killed=True,
            started_at="2026-11-25T13:00:00.5Z",
        ),
    )
