"""Releases on a real host: what serves, what is lost, and what an activation that fails leaves.

The tests run in order on one VM: each finds what the one before it left, as a production would.
"""

from __future__ import annotations

import json
import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from rollout.commands.compose import (
    NO_CONTAINER,
    NO_HEALTH_CHECK,
    OTHER_VERSION,
    STOPPED,
    compose,
    pull_command,
)
from rollout.commands.evidence import PART_BYTES, look_at_host_command, parse_host_look
from rollout.commands.kept import wait_answers_command
from rollout.commands.logs import parse_logs, read_logs_command
from rollout.config import Verify
from rollout.decide.activate import decide_activation
from rollout.decide.logs import new_errors
from rollout.decide.rollback import choose_release
from rollout.decide.verify import judge
from rollout.errors import CommandFailed
from rollout.executors.carry_out import carry_out
from rollout.executors.clock import now_utc
from rollout.executors.host import Host
from rollout.executors.probe import probe
from rollout.ledger import read_ledger
from rollout.model.command import Command, Secret, script
from rollout.model.evidence import Evidence
from rollout.model.finding import Go, Refuse
from rollout.model.release import Image, Release, Version
from rollout.render.env import render_env
from rollout.render.release import parse_release
from tasks.target import read_machine, read_unprepared
from tests.support.load import load_on
from tests.support.vm import (
    APPLICATION,
    CADDYFILE,
    COMPOSE,
    LAYOUT,
    REPOSITORY,
    VERIFY,
    Vm,
    activate,
    bare_vm,
    files_of,
    good_image,
    login,
    new_release,
    note,
    prepare,
    read,
    sick_image,
)
from tests.support.world import ROOT

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from rollout.commands.batch import Begun, Ended
    from rollout.model.command import Result
    from rollout.model.plan import Step

pytestmark = pytest.mark.rehearsal

A, B, SICK = "a" * 40, "b" * 40, "c" * 40
PAGE = ROOT / "docs/own-stack.md"
RUNNING = ["caddy", "cloud-sql-proxy", "inngest", "typesense"]


@pytest.fixture(scope="module")
def vm() -> Generator[Vm]:
    with bare_vm("activate", "10.77.0.63") as one, Host(one.address) as host:
        prepare(host)
        yield one


@pytest.fixture
def host(vm: Vm) -> Generator[Host]:
    with Host(vm.address) as one:
        yield one


def serving(vm: Vm) -> tuple[str, str]:
    """Return who answers from outside: the version in the body and the name in the header."""
    answer = httpx.get(vm.url, timeout=10)
    return answer.json()["version"], answer.headers["x-release"]


def running(host: Host) -> list[str]:
    return sorted(one.service for one in read(host).containers if one.status == "running")


def caddys_errors(host: Host) -> str:
    """Return what the proxy says of lost requests: the evidence of a test that fails."""
    result = host.run(Command(("docker", "logs", "--timestamps", "trovella-caddy-1")))
    return "\n".join(line for line in result.stderr.splitlines() if '"level":"error"' in line)


def touched(host: Host, since: str) -> list[str]:
    """Return the containers that were made, started, stopped or removed since then, as events."""
    what = ("--filter", "type=container", "--format", "{{.Action}} {{.Actor.Attributes.name}}")
    command = Command(("docker", "events", "--since", since, "--until", now_utc(), *what))
    result = host.check(command, "read events")
    told = ("create", "start", "stop", "destroy")
    return [line for line in result.stdout.splitlines() if line.split()[0] in told]


def verify(vm: Vm, **more: object) -> Verify:
    return Verify.model_validate({"url": vm.url, "timeout_s": 20, **more})


def test_the_first_release_comes_to_serve_on_a_bare_host(vm: Vm, host: Host):
    release = new_release(host, good_image(A), A)
    files = files_of(release)

    activate(host, release, files)

    report = probe(verify(vm), release)
    assert (report.status, report.version, report.upstream) == ("healthy", A, "web-r1")
    verdict = judge(Evidence(report, read(host), Go()), release, APPLICATION, verify(vm))
    assert isinstance(verdict, Go), verdict
    assert [check.name for check in verdict.checks] == [
        "health from outside",
        "dependency database from outside",
        "dependency redis from outside",
        "dependency typesense from outside",
        "version from outside",
        "live release on the host",
        "current release on the host",
        "image of its container",
        "image in the ledger",
        "restarts since the activation",
        "killed for want of memory",
        "disk free on the host",
        "memory available on the host",
        "migrations in the database",
        "container caddy",
        "container web-r1",
        "container cloud-sql-proxy",
        "container typesense",
        "container inngest",
    ]
    assert running(host) == [*RUNNING, "web-r1"]
    again = decide_activation(read(host), release, files, APPLICATION, login())
    assert again.describe() == "nothing to do"
    note(host, release, "verified")


def test_the_files_have_the_names_that_people_know_and_no_secret_is_open(host: Host):
    listed = host.run(Command(script('cd "$1" && stat -c "%n %a" * .env', LAYOUT.directory)))

    assert listed.stdout.splitlines() == [
        "Caddyfile 644",
        "around 600",
        "current 777",
        "docker-compose.prod.yml 644",
        "ledger.jsonl 600",
        "proxy 755",
        "releases 700",
        ".env 600",
    ]
    assert not host.run(Command(("test", "-e", "/home/deploy/.docker/config.json"))).ok


def test_the_next_release_takes_over_under_load_and_nothing_is_lost(vm: Vm, host: Host):
    release = new_release(host, good_image(B), B)
    files = files_of(release)
    caddy = read(host).container("caddy")
    before, since = host.round_trips, now_utc()

    with load_on(f"http://{vm.address.host}") as load:
        activate(host, release, files)
        trips = host.round_trips - before
        version = serving(vm)

    assert load.lost == [], caddys_errors(host)
    assert load.sent > 40
    assert load.streams > 2
    assert load.versions == [A, B]
    assert version == (B, "web-r2")
    assert trips <= 15
    assert touched(host, since) == [
        "create trovella-web-r2-1",
        "start trovella-web-r2-1",
        "stop trovella-web-r1-1",
    ]
    assert running(host) == [*RUNNING, "web-r2"]
    assert read(host).container("caddy") == caddy
    assert decide_activation(read(host), release, files, APPLICATION).is_empty
    note(host, release, "verified")


def test_containers_that_call_the_web_service_by_its_name_reach_the_live_one(host: Host):
    asks = (
        "fetch('http://web:3000/api/health').then(r => r.json()).then(b => console.log(b.version))"
    )

    result = host.run(Command(("docker", "exec", "trovella-typesense-1", "node", "-e", asks)))

    assert result.stdout == f"{B}\n"


def test_an_image_that_never_becomes_healthy_leaves_the_old_one_serving(vm: Vm, host: Host):
    release = new_release(host, sick_image(SICK), SICK)
    application = APPLICATION.model_copy(update={"ready_timeout_s": 8})
    plan = decide_activation(read(host), release, files_of(release), application, login())
    since = now_utc()

    with load_on(f"http://{vm.address.host}") as load, pytest.raises(CommandFailed) as caught:
        carry_out(plan, host)

    assert touched(host, since) == [
        "create trovella-web-r3-1",
        "start trovella-web-r3-1",
        "stop trovella-web-r3-1",
        "destroy trovella-web-r3-1",
    ]
    assert caught.value.true.startswith(
        "wait until web-r3 is healthy: web-r3 did not become healthy within 8 s: "
    )
    # The evidence was read before the container was removed.
    assert '"Status":"starting"' in caught.value.true
    assert '"ExitCode":1' in caught.value.true
    assert caught.value.left == "Release 2 is still serving."
    assert caught.value.next_step.startswith("Read the container's health and last lines above")
    assert load.lost == [], caddys_errors(host)
    assert load.versions == [B]
    assert running(host) == [*RUNNING, "web-r2"]
    assert read(host).container("web-r3") is None
    note(host, release, "failed")


def test_an_image_of_another_version_never_gets_a_request(vm: Vm, host: Host):
    release = new_release(host, good_image(A), SICK)
    plan = decide_activation(read(host), release, files_of(release), APPLICATION, login(), VERIFY)

    with load_on(f"http://{vm.address.host}") as load, pytest.raises(CommandFailed) as caught:
        carry_out(plan, host)

    service = f"web-r{release.number}"
    assert caught.value.true.startswith(
        f"ask {service} for its version: {service} does not say that it is {SICK}: "
    )
    assert f"it says {A}" in caught.value.true
    assert "GET /api/health is answered with\nHTTP/1.1 200 OK" in caught.value.true
    assert caught.value.left == "Release 2 is still serving."
    assert load.lost == [], caddys_errors(host)
    assert load.versions == [B]
    assert read(host).container(service) is None
    note(host, release, "failed")


def test_an_image_that_is_not_in_the_registry_changes_nothing(vm: Vm, host: Host):
    release = new_release(host, Image(REPOSITORY, f"sha256:{'0' * 64}"), SICK)

    with pytest.raises(CommandFailed) as caught:
        activate(host, release, files_of(release))

    missing = f"{REPOSITORY}@sha256:{'0' * 64}"
    assert caught.value.true.startswith(f"pull {missing}: {missing} could not be pulled: ")
    assert caught.value.left == "Release 2 is still serving."
    assert serving(vm) == (B, "web-r2")
    note(host, release, "failed")


def test_a_login_that_the_registry_refuses_is_told_and_its_token_is_not(vm: Vm, host: Host):
    release = new_release(host, Image(REPOSITORY, f"sha256:{'0' * 64}"), SICK)
    wrong = replace(login(), token=Secret("hunter2-wrong-token"))
    plan = decide_activation(read(host), release, files_of(release), APPLICATION, wrong)

    with pytest.raises(CommandFailed) as caught:
        carry_out(plan, host)

    assert "us-central1-docker.pkg.dev refused the login" in caught.value.true
    assert "hunter2" not in str(caught.value)
    assert serving(vm) == (B, "web-r2")
    note(host, release, "failed")


def test_a_caddyfile_that_caddy_refuses_leaves_the_proxy_as_it_was(vm: Vm, host: Host):
    release = new_release(host, good_image(A), A)
    wrong = CADDYFILE.replace("{\n", "{\n\tno_such_directive\n", 1)

    with load_on(f"http://{vm.address.host}") as load, pytest.raises(CommandFailed) as caught:
        activate(host, release, files_of(release, caddyfile=wrong))

    assert "no_such_directive" in caught.value.true
    assert caught.value.left == "Release 2 is still serving."
    assert load.lost == [], caddys_errors(host)
    assert load.versions == [B]
    assert running(host) == [*RUNNING, "web-r2"]
    note(host, release, "failed")


def test_a_new_caddyfile_and_a_release_are_taken_together_and_nothing_is_lost(vm: Vm, host: Host):
    """A reload closes the connections that wait: what is sent on one just then is sent again."""
    release = new_release(host, good_image(A), A)
    changed = CADDYFILE.replace("{\n", '{\n\theader X-New "yes"\n', 1)
    files = files_of(release, caddyfile=changed)

    with load_on(f"http://{vm.address.host}", cut_counts=False) as load:
        activate(host, release, files)

    assert load.lost == [], caddys_errors(host)
    assert load.versions == [B, A]
    assert httpx.get(vm.url).headers["x-new"] == "yes"
    assert decide_activation(read(host), release, files, APPLICATION).is_empty
    note(host, release, "verified")


def test_the_former_release_is_taken_up_again_and_nothing_is_lost(vm: Vm, host: Host):
    back = choose_release(read(host))
    assert isinstance(back, Release)
    assert back.number == 2

    with load_on(f"http://{vm.address.host}") as load:
        plan = activate(host, back)

    asked = "wait until web-r2 answers, healthy and at its version"
    assert asked in [step.name for step in plan.steps]
    assert load.lost == [], caddys_errors(host)
    assert load.versions == [A, B]
    assert serving(vm) == (B, "web-r2")
    assert "x-new" not in httpx.get(vm.url).headers
    assert read_ledger(read(host).ledger).current == 2
    assert decide_activation(read(host), back, (), APPLICATION).is_empty


def test_a_container_is_asked_for_itself(host: Host):
    stopped = next(one.name for one in read(host).containers if one.status == "exited")

    def asked(container: str, version: str = B) -> int:
        command = wait_answers_command(
            container,
            port=APPLICATION.port,
            path=VERIFY.path,
            key=VERIFY.version_key,
            version=version,
            healthy=VERIFY.healthy,
            timeout_s=5,
        )
        return host.run(command).exit_code

    assert asked("trovella-web-r2-1") == 0
    assert asked("trovella-web-r2-1", A) == OTHER_VERSION
    assert asked(stopped) == STOPPED
    assert asked("trovella-caddy-1") == NO_HEALTH_CHECK
    assert asked("trovella-web-r99-1") == NO_CONTAINER


class Killed(Exception):
    """Raised by a host whose worker dies after so many commands."""


class Dying:
    """A real host that loses its worker after so many commands."""

    def __init__(self, host: Host, commands: int) -> None:
        self.log = host.log
        self._host, self._left = host, commands

    def run(self, command: Command) -> Result:
        return self._host.run(command)

    def run_all(self, steps: Sequence[Step]) -> Iterator[Begun | Ended]:
        yield from self._host.run_all(steps[: self._left])
        raise Killed


@pytest.mark.parametrize("steps", [1, 3, 5, 8, 9, 11])
def test_a_worker_killed_between_two_steps_leaves_what_the_next_one_finishes(
    vm: Vm, host: Host, steps: int
):
    before = serving(vm)[0]
    version = A if before == B else B
    release = new_release(host, good_image(version), version)
    files = files_of(release)

    with load_on(f"http://{vm.address.host}") as load:
        with pytest.raises(Killed):
            carry_out(
                decide_activation(read(host), release, files, APPLICATION, login()),
                Dying(host, steps),
            )
        with Host(vm.address) as second:
            activate(second, release, files)

    assert load.lost == [], caddys_errors(host)
    assert load.versions == [before, version]
    assert running(host) == [*RUNNING, f"web-r{release.number}"]
    assert decide_activation(read(host), release, files, APPLICATION).is_empty
    said = [one.event for one in read_ledger(read(host).ledger).entries[-3:]]
    assert said == ["prepared", "migrated", "activated"]
    note(host, release, "verified")


def test_old_releases_are_gone_and_those_that_a_rollback_may_want_are_not(host: Host):
    facts = read(host)
    current = facts.current or 0
    kept = sorted(facts.releases)

    assert kept == [current - 2, current - 1, current]
    assert {one.release for one in facts.containers if one.release} <= set(kept)
    assert len([one for one in facts.images if one.startswith(REPOSITORY)]) == 2


def test_a_release_that_is_no_longer_there_by_its_image_is_pulled_again(vm: Vm, host: Host):
    facts = read(host)
    current = facts.current or 0
    back = choose_release(facts, current - 1)
    assert isinstance(back, Release)
    host.check(Command(("docker", "rm", f"trovella-web-r{current - 1}-1")), "remove")
    for number in (current - 2,):
        host.run(Command(("docker", "rm", f"trovella-web-r{number}-1")))
    host.check(Command(("docker", "image", "rm", back.image.reference)), "remove")

    plan = activate(host, back)

    assert plan.steps[0].name == f"pull {back.image.reference}"
    assert serving(vm) == (back.version.sha, f"web-r{back.number}")


def test_a_full_disk_is_told_and_the_old_one_serves_on(vm: Vm, host: Host):
    before = serving(vm)
    releases = f"{LAYOUT.directory}/releases"
    release = new_release(host, good_image(A), A)
    vm.machine.run("mount", "-t", "tmpfs", "-o", "size=8k,uid=1000,gid=1000", "tmpfs", releases)
    try:
        with pytest.raises(CommandFailed) as caught:
            activate(host, release, files_of(release))
    finally:
        vm.machine.run("umount", releases)

    assert caught.value.true.startswith(f"upload release {release.number}: ")
    assert "No space left on device" in caught.value.true
    assert "Avail Use% Mounted on" in caught.value.true
    assert caught.value.next_step.startswith("Look at the free space above")
    assert serving(vm) == before


def test_a_release_that_does_not_answer_as_itself_is_refused(vm: Vm, host: Host):
    facts = read(host)
    other = choose_release(facts, (facts.current or 0) + 1)
    assert isinstance(other, Release)

    report = probe(verify(vm, timeout_s=1), other)
    verdict = judge(Evidence(report, facts, Go()), other, APPLICATION, verify(vm))

    assert isinstance(verdict, Refuse)
    assert {one.name for one in verdict.checks if not one.ok} >= {
        "version from outside",
        "live release on the host",
        "current release on the host",
    }


def test_an_application_that_names_no_version_is_known_by_the_proxys_header(vm: Vm, host: Host):
    facts = read(host)
    current = parse_release(facts.releases[facts.current or 0])

    report = probe(verify(vm, version_key="commit"), current)

    assert (report.version, report.upstream) == ("", f"web-r{current.number}")
    verdict = judge(Evidence(report, facts, Go()), current, APPLICATION, verify(vm))
    assert isinstance(verdict, Go), verdict


def test_the_evidence_of_a_host_is_read_at_once_and_within_a_bound(host: Host):
    web = f"web-r{read(host).current}"
    noise = 'i=0; while [ $i -lt 2000 ]; do echo "$0 $i" >/proc/1/fd/1; i=$((i + 1)); done'
    told = Command(("docker", "exec", f"trovella-{web}-1", "sh", "-c", noise, "a long log's line"))
    host.check(told, "write into the log")
    before = host.round_trips

    answer = host.run(look_at_host_command(LAYOUT, APPLICATION.project, "caddy"))

    seen = parse_host_look(answer.stdout, 0.0)
    assert host.round_trips == before + 1
    logs = {one.service: one for one in seen.containers}
    assert {*RUNNING, web} <= set(logs)
    assert logs[web].status == "running"
    assert "a long log's line 1999" in logs[web].lines
    assert "a long log's line 1900" not in logs[web].lines
    assert max(len("\n".join(one.lines)) for one in seen.containers) <= PART_BYTES
    assert seen.memory_available_bytes


def test_the_logs_of_before_and_after_an_activation_are_equally_long(host: Host):
    facts = read(host)
    web, caddy = facts.container(f"web-r{facts.current}"), facts.container("caddy")
    assert web is not None
    assert caddy is not None
    say = Command(("docker", "exec", web.name, "sh", "-c", "echo 'Error: now' >/proc/1/fd/2"))
    host.check(say, "write into the log")
    at = host.check(Command(("date", "-u", "-d", "-30 seconds", "+%FT%TZ")), "the time")
    asked = [("web", web.name, ""), ("caddy", caddy.name, caddy.name), ("gone", "", "nobody")]

    answer = host.run(read_logs_command(at.stdout.strip(), asked))

    logs = parse_logs(answer.stdout)
    assert logs is not None
    assert 30 <= logs.seconds < 90
    assert [one.service for one in logs.now] == ["web", "caddy"]
    assert [one.service for one in logs.before] == ["caddy"]
    assert "Error: now" in logs.now[0].text
    assert [one.fingerprint for one in new_errors(logs) if one.service == "web"] == ["Error: now"]


AWKWARD = {
    "PLAIN": "plain",
    "EMPTY": "",
    "SPACES": "  two  words  ",
    "HASH": "a # b",
    "DOLLAR": "$HOME ${HOME} $$ $1 \\$",
    "SINGLE": "it's",
    "DOUBLE": 'say "no"',
    "BOTH": 'it\'s "both" $5 `id` \\n \\\\ \\',
    "LINES": "-----BEGIN KEY-----\nline=1\n\nline 2\n-----END KEY-----\n",
    "LINES_AND_QUOTE": "it's\ntwo 'lines'\n",
    "WINDOWS": "a\r\nb\rc",
    "UNICODE": "schöne Grüße 👋",
    "JSON": '{"key": "va\'l", "n": [1, 2], "esc": "\\u00e9\\n"}',
    "URL": "postgresql://user:p%40ss'w$rd@host:5432/db?sslmode=require#frag",
    "TAB": "a\tb",
    "BACKSLASH": "\\",
    "EQUALS": "a=b=c",
    "CONTROL": "\x01\x1b[0m\x7f",
}


def test_every_kind_of_value_arrives_as_it_was_meant(host: Host):
    number = read(host).current or 0
    env = f"{LAYOUT.directory}/awkward.env"
    text = render_env({name: Secret(value) for name, value in AWKWARD.items()})
    host.check(Command(script('umask 077; cat >"$1"', env), stdin=text), "write")
    override = (
        f"services:\n  web-r{number}:\n    env_file: !override\n      - {env}\n"
        "    environment:\n      FROM_FILE: ${BOTH}\n"
    )
    file = f"{LAYOUT.directory}/awkward.yml"
    host.check(Command(script('cat >"$1"', file), stdin=override), "write")
    words = compose(LAYOUT, APPLICATION.project, number)
    where = words.index("--env-file")
    show = ("node", "-e", "process.stdout.write(JSON.stringify(process.env))")

    result = host.check(
        Command(
            (
                *words[:where],
                *("--file", file, "--env-file", env),
                *("run", "--rm", "--no-deps", "--no-TTY", f"web-r{number}", *show),
            )
        ),
        "show",
    )

    seen = json.loads(result.stdout)
    assert {name: seen.get(name) for name in AWKWARD} == AWKWARD
    assert seen["FROM_FILE"] == AWKWARD["BOTH"]


def test_a_host_that_runs_the_wikis_own_files_is_adopted():
    with bare_vm("adopt", "10.77.0.64") as vm, Host(vm.address) as host:
        prepare(host)
        _stand_up_the_wikis(host)
        # Before the login is let into the engine's group its plan is the same.
        assert read_unprepared(host, APPLICATION).containers == read(host).containers
        version = httpx.get(vm.url).json()["version"]
        assert version == A
        assert read_machine(host, APPLICATION).serves
        release = new_release(host, good_image(B), B)
        files = files_of(release)

        plan = activate(host, release, files)

        assert [one.name for one in plan.steps if one.point_of_no_return] == ["start the proxy"]
        assert serving(vm) == (B, "web-r1")
        assert running(host) == [*RUNNING, "web-r1"]
        assert not read_machine(host, APPLICATION).serves
        left = decide_activation(read(host), release, files, APPLICATION)
        assert [one.name for one in left.steps] == [
            "remove the containers of old releases",
            "remove the images of old releases",
        ]


def test_a_take_over_beside_data_is_taken_back_as_the_page_says():
    keeps_files, goes_back = _page_about_data()
    with bare_vm("adopt", "10.77.0.64") as vm, Host(vm.address) as host:
        prepare(host)
        _stand_up_the_wikis(host)
        kept = f"{LAYOUT.directory}/data/kept"
        vm.machine.run("sh", "-euc", 'mkdir "${1%/*}"; echo rows >"$1"', "sh", kept)
        before = vm.machine.run("ls", "-A", LAYOUT.directory)
        vm.machine.run("sh", "-euc", keeps_files)
        release = new_release(host, good_image(B), B)
        plan = activate(host, release, files_of(release))
        assert serving(vm) == (B, "web-r1")

        vm.machine.run("sh", "-euc", goes_back)

        assert httpx.get(vm.url, timeout=10).json()["version"] == A
        assert running(host) == [*RUNNING, "web"]
        assert vm.machine.run("cat", kept).strip() == "rows"
        assert vm.machine.run("ls", "-A", LAYOUT.directory) == before
        facts = read(host)
        assert (facts.ledger, facts.current, facts.live) == ("", None, "")
        again = new_release(host, good_image(B), B)
        steps = activate(host, again, files_of(again)).steps
        # The image is there by now; all else is done as the first time.
        afresh = [one.name for one in plan.steps if not one.name.startswith("pull ")]
        assert [one.name for one in steps] == afresh
        assert serving(vm) == (B, "web-r1")


def _page_about_data() -> tuple[str, str]:
    """Return what `docs/own-stack.md` has for a folder with data: the copy, and the way back."""
    copy, back = (
        textwrap.dedent(block)
        for block in PAGE.read_text().split("```sh\n")[1:]
        for block in (block.partition("```")[0],)
        if ".before" in block
    )
    fitted = {"/srv/notes": LAYOUT.directory, "--project-name notes": "--project-name trovella"}
    for written, here in (*fitted.items(), ("sudo ", "")):
        copy, back = copy.replace(written, here), back.replace(written, here)
    return copy, back


def _stand_up_the_wikis(host: Host) -> None:
    """Start the wiki's files as the wiki does: one web service, the Caddyfile mounted."""
    image = good_image(A).reference
    env = next(
        one
        for one in files_of(Release(1, Version(A), good_image(A), now_utc()))
        if one.path.endswith("/.env")
    )
    for name, text in (
        ("docker-compose.prod.yml", COMPOSE.replace(f"{REPOSITORY}:latest", image)),
        ("Caddyfile", CADDYFILE),
        (".env", env.content),
    ):
        path = f"{LAYOUT.directory}/{name}"
        host.check(Command(script('cat >"$1"', path), stdin=text), "write")
    host.check(pull_command(image, login()), "pull")
    up = ("docker", "compose", "--file", "docker-compose.prod.yml", "up", "--detach", "--wait")
    start = script('cd "$1"; shift; "$@"', LAYOUT.directory, *up)
    host.check(Command(start, timeout_s=120), "start")
