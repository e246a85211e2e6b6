"""What makes a release serve, from whatever state a host is in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from rollout.commands.compose import NOT_DRAINED, drain_command
from rollout.commands.host import checksum
from rollout.config import Verify
from rollout.decide.activate import decide_activation
from rollout.decide.releases import (
    next_release_number,
    release_on,
    release_to_activate,
    release_to_return_to,
    releases_on,
    served_before,
)
from rollout.decide.retire import undrained
from rollout.errors import LedgerCorrupt, Refused
from rollout.ledger import Entry, Event, render_entry
from rollout.model.activation import Activation, Return
from rollout.model.command import Command, Result, Secret
from rollout.model.host import Container, HostFacts
from rollout.render.compose import images_of
from rollout.render.release import parse_release, release_files, render_release
from tests.support.values import APPLICATION, CADDYFILE, COMPOSE, LOGIN, image, release

if TYPE_CHECKING:
    from rollout.model.plan import Plan, Step
    from rollout.model.release import Release

SERVED: tuple[Event, ...] = ("prepared", "migrated", "activated", "verified")
OURS = (("/opt/trovella/proxy", "/etc/caddy"),)


def files(one: Release, caddyfile: str = CADDYFILE):
    return release_files(
        one,
        APPLICATION,
        compose=COMPOSE,
        caddyfile=caddyfile,
        variables={"A": Secret(str(one.number))},
    )


def texts(one: Release) -> dict[str, str]:
    return {file.path.rsplit("/", 1)[-1]: checksum(file) for file in files(one)}


def around(number: int) -> str:
    """Return what the host remembers once a release's other services were started."""
    described = str(files(release(number))[-1].content)
    return f"{parse_release(described).around} {texts(release(number))['.env']}"


def web(number: int, status: str = "running", health: str = "healthy") -> Container:
    return Container(
        name=f"trovella-web-r{number}-1",
        service=f"web-r{number}",
        status=status,
        health=health,
        reference=release(number).image.reference,
        release=number,
    )


def other(name: str, status: str = "running") -> Container:
    mounts = OURS if name == "caddy" else ()
    reference = images_of(COMPOSE).get(name, name)
    return Container(f"trovella-{name}-1", name, status, reference=reference, mounts=mounts)


OTHERS = tuple(other(name) for name in ("cloud-sql-proxy", "typesense", "inngest"))


def served(*numbers: int) -> list[tuple[int, Event]]:
    """Return what the ledger says of releases that came to serve and were verified."""
    return [(number, event) for number in numbers for event in SERVED]


def ledger(*said: tuple[int, Event]) -> str:
    lines = [Entry(number, event, release(number).version.sha, "d") for number, event in said]
    return "".join(render_entry(one) + "\n" for one in lines)


def serving(number: int, *stopped: int) -> HostFacts:
    """Return the facts of a host where a release serves and earlier ones are kept."""
    known = (*stopped, number)
    own = texts(release(number))
    published = ("docker-compose.prod.yml", "Caddyfile", ".env")
    return HostFacts(
        live=f"web-r{number}",
        current=number,
        around=around(number),
        ledger=ledger(*served(*known)),
        compose=str(files(release(number))[0].content),
        releases={one: render_release(release(one)) for one in known},
        files={
            **{f"releases/{n}/{name}": s for n in known for name, s in texts(release(n)).items()},
            **{name: own[name] for name in published},
            "proxy/Caddyfile": own["Caddyfile"],
        },
        containers=(
            web(number),
            *(web(one, "exited", "unhealthy") for one in stopped),
            other("caddy"),
            *OTHERS,
        ),
        images={release(one).image.reference: "id" for one in known},
    )


def with_job(facts: HostFacts, *ended: Container) -> HostFacts:
    """Return the facts of a host whose release also brings a job."""
    waits = "services:\n  migrate: {image: migrate}\n"
    needs = "      migrate:\n        condition: service_completed_successfully\n"
    compose = facts.compose.replace("services:\n", waits, 1).replace(
        "    depends_on:\n", f"    depends_on:\n{needs}", 1
    )
    return replace(facts, compose=compose, containers=(*facts.containers, *ended))


def plan(facts: HostFacts, number: int) -> Plan:
    one = release(number)
    return decide_activation(facts, one, files(one), APPLICATION, LOGIN)


def names(facts: HostFacts, number: int) -> list[str]:
    return [step.name for step in plan(facts, number).steps]


NEXT = [
    "upload release 2",
    "write into the ledger: release 2 prepared",
    "write into the ledger: release 2 migrated",
    f"pull {image('2').reference}",
    "forget what runs around it until that is known again",
    "start the other services where they changed",
    "start web-r2",
    "wait until web-r2 is healthy",
    "check that web-r2 runs the release's image",
    "start the proxy where it changed",
    "switch to web-r2",
    "make release 2 the current one",
    "remember what runs around it",
    "write into the ledger: release 2 activated",
    "drain web-r1",
    "stop web-r1",
]


def test_the_first_release_of_a_bare_host():
    assert names(HostFacts(), 1) == [
        "upload release 1",
        "write into the ledger: release 1 prepared",
        "write into the ledger: release 1 migrated",
        f"pull {image('1').reference}",
        "start the other services where they changed",
        "start web-r1",
        "wait until web-r1 is healthy",
        "check that web-r1 runs the release's image",
        "stage the Caddyfile",
        "check the Caddyfile",
        "put the Caddyfile in its place",
        "name web-r1 as the live one",
        "start the proxy",
        "make release 1 the current one",
        "remember what runs around it",
        "write into the ledger: release 1 activated",
    ]


def test_the_next_release():
    assert names(serving(1), 2) == NEXT


def test_there_is_nothing_to_do_where_it_serves():
    assert plan(serving(2, 1), 2).describe() == "nothing to do"


def test_a_job_that_has_ended_well_is_not_run_again():
    assert plan(with_job(serving(2, 1), other("migrate", "exited")), 2).is_empty


OTHERS_START = "start the other services where they changed"


def test_a_job_that_failed_or_never_ran_is_run():
    failed = replace(other("migrate", "exited"), exit_code=1)

    assert names(with_job(serving(2, 1), failed), 2) == [OTHERS_START]
    assert names(with_job(serving(2, 1)), 2) == [OTHERS_START]


def test_what_somebody_started_from_another_image_is_put_back():
    there = serving(2, 1)
    by_hand = replace(other("typesense"), reference="typesense/typesense:by-hand")
    kept = tuple(one for one in there.containers if one.service != "typesense")

    assert names(replace(there, containers=(*kept, by_hand)), 2) == [OTHERS_START]


def after(steps: int) -> HostFacts:
    """Return the facts after so many steps of `NEXT`, as a killed run leaves them."""
    facts, done = serving(1), serving(2, 1)
    uploaded = {path: sum_ for path, sum_ in done.files.items() if path.startswith("releases/")}
    changes = [
        {"files": {**facts.files, **uploaded}, "releases": done.releases},
        {"ledger": facts.ledger + ledger((2, "prepared"))},
        {"ledger": facts.ledger + ledger((2, "prepared"), (2, "migrated"))},
        {"images": done.images},
        {"around": ""},
        {},
        {"containers": (web(2, "running", "starting"), *facts.containers)},
        {"containers": (web(2), *facts.containers)},
        {},
        {},
        {"live": "web-r2"},
        {"files": done.files, "current": 2, "compose": done.compose},
        {"around": done.around},
        {"ledger": facts.ledger + ledger(*served(2)[:3])},
        {},
        {"containers": done.containers},
    ]
    for change in changes[:steps]:
        facts = replace(facts, **change)
    return facts


# Looking again costs nothing, so what facts cannot show is done again: these steps always.
AGAIN = [NEXT[5], NEXT[9]]


@pytest.mark.parametrize(
    ("done", "left"),
    [
        (0, NEXT),
        (1, NEXT[1:]),
        (2, NEXT[2:]),
        (3, NEXT[3:]),
        (4, NEXT[4:]),
        (5, NEXT[5:]),
        (6, NEXT[5:]),
        (7, NEXT[5:]),
        (8, [*AGAIN, *NEXT[10:]]),
        (9, [*AGAIN, *NEXT[10:]]),
        (10, [*AGAIN, *NEXT[10:]]),
        (11, [*AGAIN, *NEXT[11:]]),
        (12, [*AGAIN, *NEXT[12:]]),
        (13, NEXT[13:]),
        (14, NEXT[14:]),
        (15, NEXT[14:]),
        (16, []),
    ],
)
def test_a_run_that_was_killed_is_finished_by_the_next(done: int, left: list[str]):
    assert names(after(done), 2) == left


def test_the_point_of_no_return_is_the_switch():
    steps = plan(serving(1), 2).steps

    assert [one.name for one in steps if one.point_of_no_return] == ["switch to web-r2"]
    assert [one.name for one in steps if one.undo] == [
        "start the other services where they changed",
        "start web-r2",
        "start the proxy where it changed",
    ]
    assert [one.name for one in steps if one.best_effort] == ["drain web-r1", "stop web-r1"]


def test_the_container_that_serves_is_in_no_command_but_those_that_retire_it():
    """Compose takes a service that is started in another way for a changed one, and replaces it."""
    steps = plan(serving(1), 2).steps
    commands = [command for one in steps for command in (one.command, one.undo) if command]

    naming = [command.argv[3:6] for command in commands if "web-r1" in command.argv]
    assert naming == [("sh", "caddy", "web-r1")]  # as the two services that are left alone


def test_what_is_said_to_be_left():
    assert (plan(serving(1), 2).before, plan(serving(1), 2).after) == (
        "Release 1 is still serving.",
        "Release 2 serves.",
    )
    assert plan(HostFacts(), 1).before == "Nothing served before, and nothing does now."
    assert plan(LEGACY, 1).before == "What served before is still serving."


LEGACY = HostFacts(
    files={"docker-compose.prod.yml": "1", "Caddyfile": "2", ".env": "3"},
    containers=(
        Container("trovella-web-1", "web", "running", "healthy", "web:latest"),
        Container(
            "trovella-caddy-1",
            "caddy",
            "running",
            mounts=(("/opt/trovella/Caddyfile", "/etc/caddy/Caddyfile"),),
        ),
        *OTHERS,
    ),
)


def test_a_host_that_runs_the_wikis_own_files_is_adopted():
    steps = plan(LEGACY, 1).steps

    assert [one.name for one in steps][-7:] == [
        "name web-r1 as the live one",
        "start the proxy",
        "make release 1 the current one",
        "remember what runs around it",
        "write into the ledger: release 1 activated",
        "drain web",
        "stop web",
    ]
    start = next(one for one in steps if one.name == "start the proxy")
    assert start.point_of_no_return
    assert start.undo is not None
    assert start.undo.shell() == (
        "docker compose --project-name trovella --project-directory /opt/trovella "
        "--file /opt/trovella/docker-compose.prod.yml up --detach caddy"
    )


def test_a_new_caddyfile_is_tried_before_it_is_taken():
    one = release(2)
    changed = files(one, CADDYFILE.replace("301", "308"))
    steps = decide_activation(serving(1), one, changed, APPLICATION, LOGIN).steps

    assert [step.name for step in steps][9:14] == [
        "stage the Caddyfile",
        "let the proxy take the Caddyfile",
        "put the Caddyfile in its place",
        "start the proxy where it changed",
        "switch to web-r2",
    ]


def test_a_proxy_that_stopped_is_started():
    facts = serving(1)
    stopped = replace(facts, containers=(web(1), replace(other("caddy"), status="exited"), *OTHERS))

    assert names(stopped, 1) == ["name web-r1 as the live one", "start the proxy"]


def test_a_service_that_stopped_is_started():
    facts = serving(1)
    stopped = replace(
        facts, containers=(*facts.containers[:2], replace(OTHERS[0], status="exited"), *OTHERS[1:])
    )

    assert names(stopped, 1) == ["start the other services where they changed"]


def test_a_kept_release_is_taken_up_again_from_its_folder():
    facts = serving(2, 1)
    steps = decide_activation(facts, release(1), (), APPLICATION, LOGIN).steps

    assert [one.name for one in steps] == [
        "forget what runs around it until that is known again",
        "start the other services where they changed",
        "start web-r1",
        "wait until web-r1 is healthy",
        "check that web-r1 runs the release's image",
        "start the proxy where it changed",
        "switch to web-r1",
        "make release 1 the current one",
        "write into the ledger: release 1 activated",
        "drain web-r2",
        "stop web-r2",
    ]


KEPT = [
    "start web-r1",
    "wait until web-r1 is healthy",
    "check that web-r1 runs the release's image",
    "switch to web-r1",
    "make release 1 the current one",
    "write into the ledger: release 1 activated",
    "drain web-r2",
    "stop web-r2",
]


def alike(facts: HostFacts) -> HostFacts:
    """Return a host whose releases 1 and 2 have the same environment, and say what is around."""
    described = {n: parse_release(str(files(release(n))[-1].content)) for n in (1, 2)}
    environment = facts.files["releases/2/.env"]
    return replace(
        facts,
        releases={number: render_release(one) for number, one in described.items()},
        files={**facts.files, "releases/1/.env": environment},
    )


def back(facts: HostFacts) -> tuple[Step, ...]:
    chosen = release_on(facts, 1)
    assert chosen is not None
    return decide_activation(facts, chosen, (), APPLICATION, LOGIN).steps


def test_what_is_around_a_release_is_left_alone_where_it_is_the_same():
    steps = back(alike(serving(2, 1)))

    assert [one.name for one in steps] == KEPT
    start = steps[0]
    assert start.command.argv == ("docker", "start", "trovella-web-r1-1")
    assert start.undo is not None
    assert start.undo.argv == ("docker", "stop", "trovella-web-r1-1")


def test_a_kept_container_is_asked_itself_and_the_engine_after_the_switch():
    facts = alike(serving(2, 1))
    known = {release(1).image.reference: "sha256:1"}
    kept = replace(web(1, "exited"), image_id="sha256:1")
    others = tuple(one for one in facts.containers if one.service != "web-r1")
    verify = Verify(url="https://trovella.ai/api/health")
    there = replace(facts, containers=(*others, kept), images=known)

    def steps(at: HostFacts) -> tuple[Step, ...]:
        chosen = release_on(at, 1)
        assert chosen is not None
        return decide_activation(at, chosen, (), APPLICATION, LOGIN, verify).steps

    assert [one.name for one in steps(there)] == [
        "start web-r1",
        "wait until web-r1 answers, healthy and at its version",
        "switch to web-r1",
        "make release 1 the current one",
        "write into the ledger: release 1 activated",
        "wait until the engine finds web-r1 healthy",
        "drain web-r2",
        "stop web-r2",
    ]
    assert steps(there)[5].best_effort
    another = replace(there, images={release(1).image.reference: "sha256:2"})
    asked = [one.name for one in steps(another)]
    assert asked[1:4] == [*KEPT[1:3], "ask web-r1 for its version"]
    assert "wait until the engine finds web-r1 healthy" not in asked


@pytest.mark.parametrize("status", ["restarting", "paused"])
def test_a_former_release_that_the_engine_starts_again_and_again_is_stopped(status: str):
    facts = serving(1)
    containers = (web(1, status), *facts.containers[1:])

    names = [one.name for one in plan(replace(facts, containers=containers), 2).steps]

    assert names[-2:] == ["drain web-r1", "stop web-r1"]


def test_what_is_around_a_release_is_started_anew_where_that_is_not_known():
    """Somebody was at it and was killed; or one of its services stopped since."""
    facts = alike(serving(2, 1))
    stopped = (*facts.containers[:3], replace(OTHERS[0], status="exited"), *OTHERS[1:])

    cut, down = back(replace(facts, around="")), back(replace(facts, containers=stopped))

    assert [one.name for one in cut] == [
        OTHERS_START,
        *KEPT[:3],
        "start the proxy where it changed",
        *KEPT[3:5],
        "remember what runs around it",
        *KEPT[5:],
    ]
    assert [one.name for one in down] == [OTHERS_START, *KEPT]


def test_another_environment_is_started_anew_and_remembered():
    facts = alike(serving(2, 1))
    other_env = {**facts.files, "releases/1/.env": "f" * 64}

    steps = [one.name for one in back(replace(facts, files=other_env))]

    assert steps[:2] == ["forget what runs around it until that is known again", OTHERS_START]
    assert "remember what runs around it" in steps


def test_a_kept_release_whose_image_is_gone_is_pulled():
    facts = replace(serving(2, 1), images={})

    steps = decide_activation(facts, release(1), (), APPLICATION, LOGIN).steps

    assert steps[0].name == f"pull {image('1').reference}"


def test_a_release_that_the_host_does_not_have_is_refused():
    with pytest.raises(Refused) as caught:
        decide_activation(serving(2), release(1), (), APPLICATION, LOGIN)

    assert caught.value.findings[0].consequence == "the host no longer has release 1"


def test_what_a_run_left_that_was_killed_before_its_switch_goes_with_the_next_release():
    facts = serving(1)
    left = replace(
        facts,
        containers=(*facts.containers, web(2)),
        releases={**facts.releases, 2: render_release(release(2))},
        images={**facts.images, release(2).image.reference: "id"},
    )

    steps = plan(left, 3).steps

    assert [one.name for one in steps][-7:] == [
        "drain web-r1",
        "stop web-r1",
        "drain web-r2",
        "stop web-r2",
        "remove the containers of old releases",
        "remove the images of old releases",
        "remove the folders of old releases",
    ]
    assert steps[-3].command.shell() == "docker rm trovella-web-r2-1"


def test_what_no_rollback_wants_is_removed():
    application = APPLICATION.model_copy(update={"retain_releases": 2})
    facts = serving(6, 1, 2, 3, 4, 5)
    one = release(7)
    steps = decide_activation(facts, one, files(one), application, LOGIN).steps

    removed = [step for step in steps if step.name.startswith("remove")]
    assert [step.command.shell().removeprefix("sh -euc ") for step in removed[:2]] == [
        "docker rm trovella-web-r1-1 trovella-web-r2-1 trovella-web-r3-1 trovella-web-r4-1",
        "docker image rm " + " ".join(image(str(n)).reference for n in (1, 2, 3, 4)),
    ]
    assert removed[2].command.argv[-4:] == ("1", "2", "3", "4")
    assert all(step.best_effort for step in removed)


def test_the_last_good_release_is_never_removed():
    application = APPLICATION.model_copy(update={"retain_releases": 1})
    facts = serving(3, 1, 2)
    failed = replace(
        facts,
        ledger=ledger(
            *served(1),
            (2, "prepared"),
            (2, "activated"),
            (3, "prepared"),
            (3, "activated"),
        ),
    )
    one = release(4)
    steps = decide_activation(failed, one, files(one), application, LOGIN).steps

    folders = next(one for one in steps if one.name == "remove the folders of old releases")
    assert folders.command.argv[-1:] == ("2",)


def test_a_ledger_that_cannot_be_trusted_ends_it():
    with pytest.raises(LedgerCorrupt):
        plan(HostFacts(ledger="torn\n"), 1)


@pytest.mark.parametrize(
    ("facts", "number"),
    [
        pytest.param(HostFacts(), 1, id="a bare host"),
        pytest.param(serving(2, 1), 3, id="one more than the last"),
        pytest.param(
            HostFacts(ledger=ledger((4, "prepared"))), 5, id="a number is never used twice"
        ),
        pytest.param(HostFacts(containers=(web(7),)), 8, id="not even a container's"),
        pytest.param(HostFacts(releases={3: "torn"}), 4, id="not even a torn folder's"),
    ],
)
def test_the_next_number(facts: HostFacts, number: int):
    assert next_release_number(facts) == number


def test_a_folder_that_cannot_be_read_is_no_release():
    facts = HostFacts(releases={2: render_release(release(2)), 1: "torn"})

    assert releases_on(facts) == (release(2),)


def test_deploying_what_serves_is_no_new_release():
    draft = replace(release(2), number=0, actor="somebody else", reason="again", run_id="run-9")

    chosen, rendered = release_to_activate(serving(2, 1), draft, files, "web")

    assert chosen == release(2)
    assert decide_activation(serving(2, 1), chosen, rendered, APPLICATION).is_empty


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(HostFacts(), id="on a bare host"),
        pytest.param(replace(serving(2, 1), live="web-r1"), id="where another one is live"),
        pytest.param(replace(serving(2, 1), files={}), id="where its files are others"),
        pytest.param(serving(1), id="where another version serves"),
    ],
)
def test_anything_else_is_a_new_release(facts: HostFacts):
    draft = replace(release(2), number=0)

    chosen, rendered = release_to_activate(facts, draft, files, "web")

    assert chosen == replace(draft, number=next_release_number(facts))
    assert rendered == files(chosen)


def begun(run_id: str) -> tuple[HostFacts, Release]:
    """Return a host where release 1 serves and a run has put release 2 on it, and that release."""
    own = release(2, run_id=run_id)
    facts = serving(1)
    folder = {f"releases/2/{name}": sum_ for name, sum_ in texts(own).items()}
    return replace(
        facts,
        ledger=facts.ledger + ledger((2, "prepared")),
        releases={**facts.releases, 2: render_release(own)},
        files={**facts.files, **folder},
    ), own


def test_a_run_takes_up_its_own_release_as_it_stands():
    facts, own = begun("run-2")
    draft = replace(own, number=0, created_at="2026-11-22T11:00:00Z")

    chosen, rendered = release_to_activate(facts, draft, files, "web")

    assert chosen == own
    steps = decide_activation(facts, chosen, rendered, APPLICATION, LOGIN).steps
    assert [step.name for step in steps] == NEXT[2:]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"run_id": "run-3"}, id="another run's"),
        pytest.param({"run_id": ""}, id="nobody's"),
        pytest.param({"secret_versions": {"key": "2"}}, id="one with other secrets"),
        pytest.param({"image": image("f")}, id="one with another image"),
    ],
)
def test_a_release_on_a_host_never_becomes_another(change: dict[str, object]):
    facts, own = begun("run-2")

    chosen, _ = release_to_activate(facts, replace(own, number=0, **change), files, "web")

    assert chosen.number == 3


def test_a_release_whose_files_would_be_others_is_a_new_one():
    facts, own = begun("run-2")
    torn = replace(facts, files={**facts.files, "releases/2/.env": "another"})

    chosen, _ = release_to_activate(torn, own, files, "web")

    assert chosen.number == 3


@pytest.mark.parametrize(
    ("live", "said", "number"),
    [
        pytest.param("web-r1", ((1, "verified"),), 1, id="what serves now"),
        pytest.param("web-r2", ((1, "verified"), (2, "activated")), 1, id="a try that was cut"),
        pytest.param("web-r2", ((1, "verified"), (2, "verified")), None, id="it served before"),
        pytest.param("web-r2", ((2, "activated"),), None, id="there is no other"),
        pytest.param("", (), None, id="nothing served yet"),
    ],
)
def test_what_is_gone_back_to(live: str, said: tuple[tuple[int, str], ...], number: int | None):
    upto = {"activated": SERVED[:-1], "verified": SERVED}
    told = [Entry(one, event, "v", "d") for one, last in said for event in upto[last]]
    facts = HostFacts(
        live=live,
        ledger="".join(render_entry(one) + "\n" for one in told),
        releases={one: render_release(release(one)) for one in (1, 2)},
    )

    assert release_to_return_to(facts, release(2), "web") == number


@pytest.mark.parametrize(("run", "number"), [("own", 1), ("another", None)])
def test_what_the_run_itself_saw_serving_on_this_host_is_gone_back_from(
    run: str, number: int | None
):
    told = [
        Entry(one, event, "v", "d", run_id="first" if one == 1 else "own")
        for one in (1, 2)
        for event in SERVED
    ]
    facts = HostFacts(
        live="web-r2",
        ledger="".join(render_entry(one) + "\n" for one in told),
        releases={one: render_release(release(one)) for one in (1, 2)},
    )

    assert release_to_return_to(facts, release(2), "web", run) == number
    assert served_before(facts, release(2), "web", run) is (number is None)
    assert not served_before(facts, release(1), "web", run)


def test_a_rollback_that_was_cut_behind_its_switch_has_seen_nothing_yet():
    cut = replace(serving(2, 1), live="web-r1")
    own = replace(release(1), run_id="the rollback")

    assert not served_before(cut, own, "web", "the rollback")
    assert release_to_return_to(cut, own, "web", "the rollback") == 2


def test_a_version_that_nobody_saw_serve_is_no_way_back_from_itself():
    facts = serving(1)
    cut = replace(release(2), run_id="cut")
    facts = replace(
        facts,
        live="web-r2",
        ledger=facts.ledger + ledger((2, "prepared"), (2, "migrated")),
        releases={**facts.releases, 2: render_release(cut)},
    )
    again = replace(cut, number=3, run_id="again")

    assert release_to_return_to(facts, again, "web", "again") == 1
    # What was seen serving with other secrets is one, and so is another version.
    seen = replace(facts, ledger=facts.ledger + ledger((2, "activated"), (2, "verified")))
    assert release_to_return_to(seen, again, "web", "again") == 2
    assert release_to_return_to(facts, release(3), "web", "again") == 2
    # Where there is no other one, what serves is all that there is.
    alone = replace(facts, ledger=ledger((2, "prepared"), (2, "migrated")))
    assert release_to_return_to(alone, again, "web", "again") == 2


def test_what_was_stopped_before_it_had_drained_is_told():
    drain, stop = drain_command("trovella-web-r1-1", 3000, 30), Command(("docker", "stop", "x"))
    said = ((stop, 0), (drain, NOT_DRAINED), (stop, NOT_DRAINED))
    answers = tuple(Result(command, status, "", "", 0.1) for command, status in said)

    assert undrained(answers) == ("trovella-web-r1-1 still had connections after 30 s",)
    assert undrained((Result(drain, 0, "", "", 0.1),)) == ()
    activation = Activation(release(2), 1, 3, 1, 0.5, undrained=undrained(answers))
    assert activation.cut_off.endswith("after 30 s and was stopped: what they carried was cut off")
    assert Activation(release(2), 1, 3, 1, 0.5).cut_off == ""
    assert Return("1 serves.").after(activation).told == f"{activation.cut_off}. 1 serves."


def test_new_secrets_of_a_release_that_came_by_a_cut_rollback_go_back_to_it():
    said = [Entry(one, event, f"{one}" * 40, "d") for one in (2, 3) for event in SERVED]
    said.append(Entry(2, "activated", "2" * 40, "d"))
    facts = HostFacts(
        live="web-r2",
        ledger="".join(render_entry(one) + "\n" for one in said),
        releases={one: render_release(release(one)) for one in (2, 3)},
    )

    assert release_to_return_to(facts, replace(release(2), number=4), "web") == 2
