"""How a release goes from the first host of a target to the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rollout.commands.host import checksum
from rollout.config import parse_environment
from rollout.decide.defects import of_the_domain
from rollout.decide.hosts import (
    at_host,
    batches_of,
    behind,
    goes_back,
    judge_environment,
    judge_level,
    lacks,
    nowhere_to_go,
    on_canary,
    result_of,
    returned_all,
    unreached,
)
from rollout.errors import (
    CommandFailed,
    ConfigInvalid,
    HostUnreachable,
    OutcomeUnknown,
    RolloutError,
    VerificationFailed,
)
from rollout.hosts import Hosts
from rollout.model.activation import Return
from rollout.model.command import Command, Result, Secret
from rollout.model.finding import Go, Refuse, Verdict
from rollout.model.host import HostFacts
from rollout.model.hosts import HostResult, HostsSeen
from rollout.model.plan import RemoteFile
from rollout.render.hosts import host_rows
from rollout.render.release import render_release
from tests.support.values import SMALL_ENVIRONMENT, release

if TYPE_CHECKING:
    from rollout.model.release import Release

SEVEN = release(7)
LEFT, NEXT = "Release 6 is serving again.", "Look."


def environment(hosts: str):
    return parse_environment("small.toml", f"{SMALL_ENVIRONMENT}\n[secrets]\n[hosts]\n{hosts}")


@pytest.mark.parametrize(
    ("further", "batch", "expected"),
    [
        ((), 3, ()),
        (("b",), 1, (("b",),)),
        (("b", "c", "d"), 1, (("b",), ("c",), ("d",))),
        (("b", "c", "d"), 2, (("b", "c"), ("d",))),
        (("b", "c", "d"), 9, (("b", "c", "d"),)),
        (("b", "c", "d"), "1%", (("b",), ("c",), ("d",))),
        (("b", "c", "d"), "50%", (("b", "c"), ("d",))),
        (("b", "c", "d", "e"), "50%", (("b", "c", "d"), ("e",))),
        (("b", "c", "d"), "100%", (("b", "c", "d"),)),
    ],
)
def test_further_hosts_are_switched_in_batches_of_a_number_or_a_share_of_all(
    further: tuple[str, ...], batch: int | str, expected: tuple[tuple[str, ...], ...]
):
    assert batches_of(Hosts(further=further, batch=batch)) == expected


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('further = ["h"]', "which is the first already"),
        ('further = ["b", "b"]', "each block once"),
        ("batch = 0", "hosts.batch"),
        ('batch = "0%"', "hosts.batch"),
        ('batch = "150%"', "hosts.batch"),
        ('url = "host:80"', "hosts.url"),
        ('on_failure = "some"', "hosts.on_failure"),
    ],
)
def test_what_cannot_be_is_refused_when_the_file_is_read(written: str, told: str):
    with pytest.raises(ConfigInvalid, match=told):
        environment(written)


@pytest.mark.parametrize(
    ("address", "dialled"), [("10.0.0.3", "10.0.0.3"), ("fd00::3", "[fd00::3]")]
)
def test_a_host_is_asked_at_its_own_address_and_not_where_the_public_name_leads(
    address: str, dialled: str
):
    settings = environment('further = ["b"]\nurl = "http://app.example/health"')

    narrowed = at_host(settings, "b", address)

    assert narrowed.blocks.target_host == "b"
    assert (narrowed.verify.url, narrowed.verify.address) == (
        "http://app.example/health", dialled,
    )  # fmt: skip
    assert narrowed.name == settings.name
    assert at_host(environment('further = ["b"]'), "b", address).verify.url == settings.verify.url


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (HostUnreachable("no answer", next_step=NEXT), "lost"),
        (OutcomeUnknown("cut", next_step=NEXT), "lost"),
        (VerificationFailed("sick", left=LEFT, next_step=NEXT), "refused"),
    ],
)
def test_a_host_that_is_not_reached_says_nothing_about_the_release(
    error: RolloutError, outcome: str
):
    result = result_of("b", error.on("b"))

    assert (result.outcome, result.told) == (outcome, f"{error.true}. {error.left}")
    assert goes_back([result], Hosts()) == (outcome == "refused")
    assert not goes_back([result], Hosts(on_failure="host"))


def test_a_release_that_every_host_serves_is_behind_nowhere():
    assert behind(SEVEN, [HostResult("b", "serves")], "https://app.example") is None


def test_hosts_that_are_behind_are_named_with_what_is_true_of_each():
    results = [
        HostResult("b", "serves"),
        HostResult("c", "lost", "no answer. Nothing was changed."),
        HostResult("d", "refused", LEFT),
    ]

    error = behind(SEVEN, results, "https://app.example")

    assert error is not None
    assert error.true.endswith("not on every host of the target: c, d")
    assert "serves on 2 of 4 hosts" in error.left
    assert "c: no answer. Nothing was changed." in error.left
    assert f"d: {LEFT}" in error.left
    assert "retry" in error.next_step


def test_hosts_that_are_not_reached_are_named_before_anything_is_changed():
    error = unreached(HostsSeen(unreached=(("b", "b: no answer"), ("c", "c: refuses"))))

    assert error.true == "hosts of the target cannot be reached: b: no answer; c: refuses"
    assert error.left == "Nothing was changed."
    assert "b, c" in error.next_step


def test_a_host_lacks_what_it_was_never_given_or_whose_secrets_are_gone():
    known = {7: render_release(SEVEN)}

    assert lacks(HostFacts(), SEVEN) is True
    assert lacks(HostFacts(releases=known), SEVEN) is True
    assert lacks(HostFacts(releases=known, files={"releases/7/.env": "0"}), SEVEN) is False


def test_an_environment_that_cannot_be_made_as_the_first_host_has_it_is_refused():
    made = (RemoteFile("/opt/trovella/releases/7/.env", Secret("A='1'\n"), mode=0o600),)
    as_written = HostFacts(files={"releases/7/.env": checksum(made[0])})

    assert judge_environment(as_written, SEVEN, made) == Go()
    assert judge_environment(HostFacts(), SEVEN, made) == Go()
    refusal = judge_environment(HostFacts(files={"releases/7/.env": "0"}), SEVEN, made)
    assert isinstance(refusal, Refuse)
    assert "another .env now than release 7 has" in refusal.findings[0].consequence


def test_what_fails_in_the_canary_s_turn_is_said_of_the_canary_alone():
    error = CommandFailed(
        "append to the ledger",
        Result(Command(("true",)), 1, "", "", 0.0),
        left="Release 7 serves.",
        next_step="Look.",
    )

    told = on_canary(error, "a")

    assert isinstance(told, CommandFailed)
    assert told.true.startswith("a: append to the ledger")
    assert told.left == "Release 7 serves. No other host was touched by this try."
    assert told.next_step == "Look."


def test_a_number_that_is_another_release_s_on_a_host_is_refused():
    refusal = lacks(HostFacts(releases={7: render_release(release(7, "b"))}), SEVEN)

    assert isinstance(refusal, Refuse)
    assert "release 7 is another one there, of bbbbbbbbbbbb" in refusal.findings[0].consequence


def test_a_release_with_other_secrets_is_another_one():
    known = {7: render_release(release(7, secret_versions={"a": "1"}))}

    assert isinstance(lacks(HostFacts(releases=known), SEVEN), Refuse)


@pytest.mark.parametrize(
    ("serves", "pending", "accept", "kind", "told"),
    [
        ({"b": SEVEN}, ("0003_a",), (), Go, 0),
        ({"b": release(6)}, (), (), Go, 0),
        ({"b": release(6), "c": SEVEN}, ("0003_a",), (), Refuse, 1),
        ({"b": release(6)}, ("0003_a",), ("hosts-behind",), Go, 1),
    ],
)
def test_migrations_wait_until_every_host_serves_the_code_that_they_were_judged_by(
    serves: dict[str, Release],
    pending: tuple[str, ...],
    accept: tuple[str, ...],
    kind: type[Verdict],
    told: int,
):
    seen = HostsSeen(versions=tuple((name, one.version.sha) for name, one in serves.items()))

    verdict = judge_level(seen, SEVEN.version, pending, accept)

    assert isinstance(verdict, kind)
    assert [one.consequence[:1] for one in verdict.findings] == ["b"] * told
    assert judge_level(seen, None, pending, accept) == Go()


def test_a_host_that_a_defect_left_is_asked_what_serves_there_by_now():
    assert result_of("b", of_the_domain(ValueError("?"))).outcome == "kept"


def test_a_host_that_keeps_what_it_refuses_has_not_gone_back():
    error = VerificationFailed("sick", left=LEFT, next_step=NEXT)
    error.is_kept = True
    result = result_of("b", error.on("b"))

    assert result.outcome == "kept"
    assert goes_back([result], Hosts())
    assert not returned_all(Return("First.", serves=True), (result,)).serves
    assert not nowhere_to_go(SEVEN).serves


@pytest.mark.parametrize(
    ("results", "serves"),
    [
        ((HostResult("b", "returned", "b's."), HostResult("c", "refused", "c's.")), True),
        ((HostResult("b", "kept", "b's."),), False),
        ((HostResult("b", "lost", "b's."),), False),
    ],
)
def test_a_target_has_gone_back_when_each_of_its_hosts_has(
    results: tuple[HostResult, ...], serves: bool
):
    done = returned_all(Return("First.", serves=True), results)

    assert done.serves is serves
    assert done.told == " ".join(("First.", *(f"{one.block}: {one.told}" for one in results)))
    assert not returned_all(Return("No."), results).serves


def test_the_table_of_the_hosts_says_what_came_of_each():
    rows = host_rows(SEVEN, (HostResult("b", "serves", "", 6, 9, 4, 12.34),))

    assert rows == [
        {
            "host": "b",
            "release 7": "serves",
            "before": "release 6",
            "steps": "9",
            "round trips": "4",
            "seconds": "12.3",
            "what is true": "",
        }
    ]
