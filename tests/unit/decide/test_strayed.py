"""Drift: what differs from the releases and the ledger, and what of it is news."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from rollout.decide.migrate import Applied
from rollout.decide.strayed import (
    SHOWN,
    decide_drift,
    engine_check,
    further_checks,
    host_checks,
    rows_ahead,
    schema_checks,
    schema_release,
    secret_checks,
    tag_checks,
    tags_of,
    to_remember,
    told_of,
    unseen,
)
from rollout.errors import DatabaseError
from rollout.ledger import Entry, render_entry
from rollout.model.command import Secret
from rollout.model.contract import Contract, EnumType
from rollout.model.drift import Remembered
from rollout.model.finding import Check
from rollout.model.host import Container, HostFacts
from rollout.model.secrets import Reading, SecretValue, Unusable
from rollout.render.release import render_release
from tests.support.values import image, release

if TYPE_CHECKING:
    from rollout.model.release import Release

FILES = {"docker-compose.prod.yml": "c" * 64, "Caddyfile": "d" * 64}
CURRENT = release(2, files=FILES, contract="e" * 64, secret_versions={"a": "1", "b": "1"})
COMPOSE = f"""
services:
  web-r2: {{image: "{CURRENT.image.reference}"}}
  search: {{image: "typesense/typesense:27.1"}}
  proxy: {{image: "${{REGISTRY}}/proxy"}}
"""
IN_FOLDER = {**FILES, "contract.json": "e" * 64, ".env": "f" * 64}
PUBLISHED = {**FILES, ".env": "f" * 64, "proxy/Caddyfile": "d" * 64}
WELL = HostFacts(
    live="web-r2",
    current=2,
    compose=COMPOSE,
    releases={2: render_release(CURRENT)},
    files={**PUBLISHED, **{f"releases/2/{name}": digest for name, digest in IN_FOLDER.items()}},
    containers=(
        Container("app-web-r2", "web-r2", "running", reference=CURRENT.image.reference, release=2),
        Container("app-search", "search", "running", reference="typesense/typesense:27.1"),
        Container("app-proxy", "proxy", "running", reference="registry.example/proxy"),
        # Kept, so that a rollback is fast.
        Container("app-web-r1", "web-r1", "exited", release=1),
    ),
)
GONE = Check("file Caddyfile", "as release 2 has it", "nothing", ok=False)


def ledger(*events: tuple[Release, str]) -> str:
    entries = (
        Entry(one.number, event, one.version.sha, one.image.digest)  # pyright: ignore[reportArgumentType]
        for one, event in events
    )
    return "".join(f'{render_entry(entry)[:-1]}, "at": "t"}}\n' for entry in entries)


def differing(facts: HostFacts) -> list[tuple[str, str]]:
    return [(one.name, one.seen) for one in host_checks(facts, CURRENT, "web") if not one.ok]


# --- the host ---


def test_a_host_as_it_was_left_has_no_difference():
    assert differing(WELL) == []
    assert len(list(host_checks(WELL, CURRENT, "web"))) == 15


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("Caddyfile", ["file Caddyfile"]),
        (".env", ["file .env"]),
        ("proxy/Caddyfile", ["file proxy/Caddyfile"]),
        ("releases/2/contract.json", ["file releases/2/contract.json"]),
        (
            "releases/2/docker-compose.prod.yml",
            ["file releases/2/docker-compose.prod.yml", "file docker-compose.prod.yml"],
        ),
    ],
)
def test_a_changed_file_is_named(path: str, names: list[str]):
    changed = replace(WELL, files={**WELL.files, path: "0123456789abcdef"})

    assert [name for name, _ in differing(changed)] == names
    without = replace(WELL, files={key: one for key, one in WELL.files.items() if key != path})
    assert differing(without)[0] == (names[0], "nothing")
    assert differing(changed)[0] == (names[0], "changed (0123456789ab)")


def test_containers_that_are_others_or_nobodys_are_named():
    web, search, *others = WELL.containers
    stranger = Container("tool", "", "running")
    changed = (web, replace(search, reference="typesense/typesense:hand"), *others, stranger)

    assert differing(replace(WELL, containers=changed)) == [
        ("image of container search", "typesense/typesense:hand"),
        ("container tool", "running"),
    ]
    assert differing(replace(WELL, containers=(web, *others))) == [("container search", "nothing")]
    again = replace(stranger, status="restarting")
    assert ("container tool", "restarting") in differing(
        replace(WELL, containers=(*WELL.containers, again))
    )


# --- around it ---


def test_the_schema_is_that_of_the_release_with_the_most_migrations():
    first = release(1, migrations=("0000",), contract="1" * 64)
    second = release(2, migrations=("0000", "0001"), contract="2" * 64)
    back = release(3, migrations=("0000",), contract="1" * 64, restores=1)
    begun = release(4, migrations=("0000", "0001", "0002"), contract="4" * 64)
    history = [(one, event) for one in (first, second, back) for event in ("prepared", "activated")]
    facts = HostFacts(
        ledger=ledger(*history, (begun, "prepared")),
        releases={one.number: render_release(one) for one in (first, second, back, begun)},
    )

    assert schema_release(facts) == second
    assert schema_release(HostFacts()) is None


def test_the_schema_names_what_differs_but_not_without_end():
    recorded = Contract("app")
    more = replace(recorded, enums=tuple(EnumType(f"e{one}", ()) for one in range(SHOWN + 2)))

    assert [one.ok for one in schema_checks(recorded, recorded, 2)] == [True]
    one, *_, last = schema_checks(more, recorded, 2)
    assert (one.name, one.seen) == ("schema e0", "this enum is only in the live database")
    assert (last.name, last.seen) == ("schema", "2 more differences")


def test_applied_migrations_that_no_release_has_are_not_to_be_undone():
    recorded = Contract("app")
    live = replace(recorded, enums=(EnumType("half", ()),))

    (check,) = schema_checks(live, recorded, 2, ("0007_half",))

    assert (check.name, check.ok) == ("migrations without a release", False)
    drift = decide_drift((check,), 2, Remembered())
    assert str(told_of(drift, "production")) == (
        "production is not what its releases say: migrations without a release: expected none, "
        "seen 0007_half: applied, and no release has them yet\n"
        "left: Nothing was changed; release 2 is the current one.\n"
        "next: Deploy the commit that has these migrations, repaired where it failed; take nothing "
        "back, and leave the text of a file that is applied in part. The schema is compared again "
        "after that."
    )
    (both,) = schema_checks(live, recorded, 2, ("0007_half",), ("0008_index",))
    assert both.seen == "0007_half, 0008_index (in part): applied, and no release has them yet"
    (begun,) = schema_checks(live, recorded, 2, begun=("0008_index",))
    assert begun.seen == "0008_index (in part): applied, and no release has them yet"
    # Where the schema is the release's all the same, nothing is to be told.
    assert schema_checks(recorded, recorded, 2, ("0007_half",))[0].ok


def test_rows_beyond_the_releases_are_known_by_name_or_else_by_their_order():
    two = release(2, migrations=("0000_a", "0001_b"))
    named = [
        Applied(1, "h", 5, "0000_a"),
        Applied(2, "i", 6, "0002_c"),
        Applied(3, "j", 7, "0001_b"),
    ]
    older = [Applied(1, "a" * 64, 5), Applied(2, "b" * 64, 6), Applied(4, "c" * 64, 7)]

    assert rows_ahead(named, two) == ("0002_c",)
    assert rows_ahead(named[:1], two) == ()
    assert rows_ahead(older, two) == ("row 4 (hash cccccccccccc)",)
    # A row that stands twice stands for one migration.
    assert rows_ahead([*older[:2], replace(older[1], id=3)], two) == ()
    assert rows_ahead([], two) == ()


def test_secrets_with_newer_versions_or_none_are_named():
    newest = Reading(
        {"a": SecretValue("a", "1", Secret("x")), "b": SecretValue("b", "2", Secret("x"))},
        {"c": Unusable("c", "is disabled")},
    )

    told = [(one.name, one.expected, one.seen) for one in secret_checks(newest, CURRENT)]

    assert told == [
        ("secret a", "version 1", "version 1"),
        ("secret b", "version 1", "version 2"),
        ("secret c", "version none", "is disabled"),
    ]


def test_tags_name_the_digests_of_the_ledger():
    other = release(1)
    facts = replace(WELL, releases={1: render_release(other), **WELL.releases})
    history = ledger((other, "prepared"), (other, "activated"), (other, "verified"))
    tags, latest = tags_of(facts), other.image.digest
    assert tags == {"1" * 40: other.image.digest, "2" * 40: CURRENT.image.digest}

    def named(found: dict[str, str | None], latest: str | None) -> list[str]:
        checks = tag_checks(tags, found, latest, history)
        return [f"{one.name}: {one.seen}" for one in checks if not one.ok]

    assert named({**tags}, latest) == []
    strange = image("9").digest
    assert named({"1" * 40: None, "2" * 40: strange}, strange) == [
        "tag 111111111111 in the registry: nothing",
        f"tag 222222222222 in the registry: {strange}",
        f"tag latest in the registry: {strange}",
    ]
    assert not list(tag_checks({}, {}, None, ""))


def test_an_engine_is_news_once():
    assert engine_check("28.0", "").ok
    assert engine_check("28.0", "28.0").ok
    changed = engine_check("29.0", "28.0")
    assert (changed.ok, changed.expected, changed.seen) == (False, "28.0", "29.0")
    assert not engine_check("", "").ok


# --- what is news ---


def test_a_difference_is_news_until_it_was_told_and_again_after_it_was_gone():
    first = decide_drift((engine_check("1", ""), GONE), 2, Remembered())
    assert (first.new, first.known) == ((GONE,), ())
    assert [one.ok for one in first.checks] == [False, True]

    kept = to_remember(first, "1")
    assert kept.engine == "1"
    again = decide_drift((GONE,), 2, kept)
    assert (again.new, again.known) == ((), (GONE,))
    assert to_remember(again, "1") == kept

    otherwise = replace(GONE, seen="changed (0123456789ab)")
    assert decide_drift((otherwise,), 2, kept).new == (otherwise,)
    mended = to_remember(decide_drift((), 2, kept), "1")
    assert decide_drift((GONE,), 2, mended).new == (GONE,)


def test_what_counts_down_or_cannot_be_seen_is_the_same_difference_tomorrow():
    days = Check("certificate from outside", "valid for 7 days more", "6.5 days", ok=False)
    silent = unseen("schema", DatabaseError("no answer within 3 s", next_step="Look."))
    kept = to_remember(decide_drift((days, silent), 2, Remembered()), "1")
    later = (replace(days, seen="5.5 days"), replace(silent, seen="could not be looked at: reset"))

    assert decide_drift(later, 2, kept).new == ()


def test_what_is_told_has_three_parts():
    secret = Check("secret a", "version 1", "version 2", ok=False)
    kept = to_remember(decide_drift((secret,), 2, Remembered()), "1")

    silent = unseen("schema", DatabaseError("no answer", next_step="Look."))
    told = told_of(decide_drift((secret, GONE, silent), 2, kept), "production")

    assert str(told) == (
        "production is not what its releases say: "
        "file Caddyfile: expected as release 2 has it, seen nothing; "
        "schema could not be looked at: no answer\n"
        "left: Nothing was changed; release 2 is the current one. 1 more were told before.\n"
        "next: Make the change in the repository; the next deploy puts back what is in use. "
        "Write the change as a migration, or take it back."
    )


def test_a_further_host_is_held_against_its_own_release_and_that_against_the_first_one_s():
    same = list(further_checks("b", WELL, CURRENT, CURRENT, "web"))
    behind = list(further_checks("b", replace(WELL, files={}), CURRENT, release(3), "web"))

    assert all(one.ok for one in same)
    assert {one.name.rpartition(" on ")[2] for one in same} == {"b"}
    wrong = {one.name: (one.expected, one.seen) for one in behind if not one.ok}
    assert wrong["release on b"] == ("3 (333333333333)", "2 (222222222222)")
    assert "file releases/2/Caddyfile on b" in wrong
