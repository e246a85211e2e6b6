"""What a rotation makes of a release, and whether an earlier one may serve with its own secrets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollout.commands.host import checksum
from rollout.decide.releases import release_to_activate
from rollout.decide.secrets import (
    describe_rotation,
    has_environment,
    is_renewed,
    judge_recorded,
    judge_rotation,
    release_to_renew,
    renew,
    unreadable_around,
)
from rollout.executors.files import read_environment
from rollout.ledger import Entry, LedgerState, render_entry
from rollout.model.command import Secret
from rollout.model.finding import Finding, Go, Refuse
from rollout.model.host import Container, HostFacts, ReleaseFolder
from rollout.model.release import Release
from rollout.model.secrets import Unusable
from rollout.render.release import parse_release, release_files, render_release, renewed_files
from tests.support.values import APPLICATION, CADDYFILE, COMPOSE, release

OLD, NEW = {"key": "1", "url": "4"}, {"key": "2", "url": "4"}
VERIFIED = LedgerState(stages={12: "verified"})
FORMER = release(12, secret_versions=OLD, reason="a merge", run_id="first", restores=7)


def files(one: Release, value: str):
    said = {"A": Secret(value)}
    return release_files(one, APPLICATION, compose=COMPOSE, caddyfile=CADDYFILE, variables=said)


FOLDER = ReleaseFolder(str(files(FORMER, "old")[0].content), str(files(FORMER, "old")[1].content))


def host(one: Release = FORMER, value: str = "old") -> HostFacts:
    """Return the facts of a host where one release serves."""
    folder = f"releases/{one.number}"
    named = {file.path.rsplit("/", 1)[-1]: file for file in files(one, value)}
    return HostFacts(
        live=f"web-r{one.number}",
        current=one.number,
        ledger=render_entry(Entry(one.number, "prepared", "v", "d")) + "\n",
        releases={one.number: str(named["release.json"].content)},
        files={f"{folder}/{name}": checksum(file) for name, file in named.items()},
    )


def draft(versions: dict[str, str], reason: str = "", run_id: str = "second") -> Release:
    return renew(
        FORMER, versions, created_at="2026-11-23T10:00:00Z", actor="ann", reason=reason,
        run_id=run_id,
    )  # fmt: skip


def decided(versions: dict[str, str], value: str, facts: HostFacts | None = None) -> Release:
    """Return what a rotation activates on a host, with variables of this value."""

    def render(one: Release):
        said = {"A": Secret(value)}
        return renewed_files(one, APPLICATION, former=12, folder=FOLDER, variables=said)

    return release_to_activate(facts or host(), draft(versions), render, "web")[0]


def test_a_rotation_keeps_the_code_and_names_the_secrets_that_differ():
    made = draft(NEW)

    assert (made.version, made.image, made.migrations) == (
        FORMER.version,
        FORMER.image,
        FORMER.migrations,
    )
    assert made.secret_versions == NEW
    assert made.reason == "secrets: key 1 -> 2"
    assert (made.actor, made.run_id, made.restores) == ("ann", "second", None)


def test_a_rotation_keeps_the_contract_of_its_code():
    former = replace(FORMER, contract="c" * 64)
    made = renew(
        former, NEW, created_at="2026-11-23T10:00:00Z", actor="", reason="", run_id="second"
    )
    folder = replace(FOLDER, contract="as it was\n")
    rendered = renewed_files(made, APPLICATION, former=12, folder=folder, variables={})

    named = {file.path.rsplit("/", 1)[-1]: file.content for file in rendered}
    assert named["contract.json"] == "as it was\n"
    assert parse_release(str(named["release.json"])).contract == "c" * 64


def test_a_rotation_of_a_release_without_a_contract_makes_none_up():
    rendered = renewed_files(
        replace(draft(NEW), number=13), APPLICATION, former=12, folder=FOLDER, variables={}
    )

    assert [file.path for file in rendered if file.path.endswith("contract.json")] == []


def test_a_reason_that_was_given_stays():
    assert draft(NEW, reason="the key leaked").reason == "the key leaked"


@pytest.mark.parametrize(
    ("versions", "told"),
    [
        (OLD, "secrets: the same versions, written anew"),
        ({"key": "2", "url": "5"}, "secrets: key 1 -> 2, url 4 -> 5"),
        ({"key": "1", "more": "1"}, "secrets: more none -> 1, url 4 -> none"),
    ],
)
def test_what_differs_is_told(versions: dict[str, str], told: str):
    assert describe_rotation(FORMER, versions) == told


def test_nothing_new_is_nothing_to_do():
    assert decided(OLD, "old").number == FORMER.number
    assert is_renewed(FORMER, decided(OLD, "old"), "second", VERIFIED)
    assert not is_renewed(FORMER, decided(NEW, "new"), "second", VERIFIED)


def test_what_nobody_saw_serving_is_looked_at_again():
    assert not is_renewed(FORMER, decided(OLD, "old"), "second", LedgerState())


def test_a_run_that_goes_on_verifies_what_it_has_made_serve_itself():
    assert not is_renewed(FORMER, decided(OLD, "old"), "first", VERIFIED)


@pytest.mark.parametrize(
    ("versions", "value"),
    [
        pytest.param(NEW, "new", id="a new value"),
        pytest.param(NEW, "old", id="a new version of the same value is recorded"),
        pytest.param(OLD, "new", id="a file that somebody edited, or another setting"),
    ],
)
def test_anything_new_is_a_release(versions: dict[str, str], value: str):
    made = decided(versions, value)

    assert (made.number, made.secret_versions) == (13, versions)


def test_the_release_that_serves_is_renewed():
    found = release_to_renew(host(), "web")

    assert isinstance(found, Release)
    assert found.number == FORMER.number


def test_where_nothing_serves_there_is_nothing_to_renew():
    verdict = release_to_renew(HostFacts(), "web")

    assert isinstance(verdict, Refuse)
    assert [one.rule for one in verdict.findings] == ["no-release"]


@pytest.mark.parametrize(
    ("environment", "versions", "rules"),
    [
        ("", NEW, []),
        ("    environment: {TOKEN: $KEY}\n", OLD, []),
        ("    environment: {TOKEN: $KEY}\n", NEW, ["secret-in-proxy"]),
    ],
)
def test_a_proxy_that_uses_a_changed_secret_is_a_warning(
    environment: str, versions: dict[str, str], rules: list[str]
):
    proxy = "    image: caddy:2-alpine\n"
    compose = FOLDER.compose.replace(proxy, proxy + environment)
    settings = read_environment("rehearsal").model_copy(
        update={"secrets": {"KEY": "key", "URL": "url"}}
    )

    told = judge_rotation(HostFacts(compose=compose), FORMER, versions, settings)

    assert [one.rule for one in told.findings] == rules


def test_whether_the_environment_file_is_there():
    assert has_environment(host(), FORMER)
    assert not has_environment(host(), release(11))


def test_an_earlier_release_whose_secrets_are_in_force_may_serve():
    assert judge_recorded(FORMER, {}) == Go()


def test_a_version_that_was_taken_away_is_a_finding():
    disabled = Unusable("key", "is disabled", withdrawn=True)
    denied = Unusable("url", "may not be read by the worker's account")

    assert judge_recorded(FORMER, {"key": disabled, "url": denied}) == Refuse(
        (
            Finding(
                "secret-version",
                "version 1 of key, which release 12 was made with, cannot be used: it is disabled",
                "Secret Manager",
                "Enable version 1 of key again, or roll back with secrets=newest, which gives that "
                "release the newest version of every secret.",
            ),
        )
    )


def test_one_that_only_we_cannot_read_is_a_warning():
    denied = Unusable("url", "may not be read by the worker's account")

    verdict = judge_recorded(FORMER, {"url": denied})

    assert isinstance(verdict, Go)
    assert [one.rule for one in verdict.findings] == ["secret-version"]


@pytest.mark.parametrize(
    ("live", "unreadable", "around"),
    [
        pytest.param("web-r2", {"web-r1"}, set(), id="a kept one's"),
        pytest.param("web-r2", {"web-r2"}, {"caddy", "typesense"}, id="what serves"),
        pytest.param("web-r2", {"web-r3"}, {"caddy", "typesense"}, id="what was to serve"),
        pytest.param("web-r1", {"web-r2"}, {"caddy", "typesense"}, id="the current one's"),
        pytest.param("web-r2", set[str](), set(), id="none"),
    ],
)
def test_what_surrounds_a_release_of_unreadable_secrets_is_unreadable_too(
    live: str, unreadable: set[str], around: set[str]
):
    names = ("web-r1", "web-r2", "web-r3", "typesense")
    facts = HostFacts(
        live=live,
        current=2,
        releases=dict.fromkeys((1, 2, 3), render_release(release(1))),
        containers=tuple(Container(name, name, "running") for name in names),
    )

    assert unreadable_around(facts, unreadable, APPLICATION) == unreadable | around
