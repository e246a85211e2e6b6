"""What a dry run says, what it refuses, and what became of the promise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from rollout.decide.candidates import serving_contract
from rollout.decide.differences import differences
from rollout.decide.drift import decide_drift
from rollout.decide.dry_run import SHOWN, Tried, decide_dry_run, planned_by
from rollout.decide.lint import may_be_accepted, with_all_names, with_verdict
from rollout.decide.migrate import MigrationPlan
from rollout.migrations.contract_json import render_contract
from rollout.model.contract import Check, Contract, EnumType, Key
from rollout.model.dry_run import Difference, DryRun
from rollout.model.finding import Finding, Go, Refuse
from rollout.model.host import StoredContracts
from rollout.model.migrated import Planned
from rollout.policy import DryRunPolicy
from tests.support.contracts import column, contract, note
from tests.support.migrations import migration

if TYPE_CHECKING:
    from collections.abc import Iterable

SIDES = ("live", "scratch")
LIVE = note()
NO_CONTRACT = Finding("no-contract", "release 3 has no schema contract", "releases/3", "Deploy it.")
NONE = Finding("no-dry-run", "there is no scratch server", "[blocks]", "Name one.")
FAILS = Finding("dry-run-fails", "it fails: 0001_step.sql", "the scratch copy", "Correct it.")


def ran(after: Contract | None, live: Contract = LIVE, copy: Contract = LIVE) -> DryRun:
    return DryRun(live, copy, after, servers=(17, 17))


def tried(
    run: DryRun | Finding | None,
    serving: Contract | Finding | None = LIVE,
    accepted: Iterable[str] = (),
    **policy: str,
) -> Tried:
    said = {name.replace("_", "-"): value for name, value in policy.items()}
    return decide_dry_run(run, serving, tuple(accepted), DryRunPolicy.model_validate(said))


def rules(one: Tried) -> list[tuple[str, str]]:
    return [(finding.rule, finding.where) for finding in one.findings]


def test_where_no_dry_run_was_called_for_nothing_is_said():
    assert tried(None, None) == Tried((), Go())


def test_migrations_that_leave_the_serving_code_alone_may_be_applied():
    assert tried(ran(note(column("extra", "text")))) == Tried((), Go())


def test_a_missing_scratch_server_is_a_warning_and_can_be_made_a_refusal():
    assert tried(NONE, None) == Tried((NONE,), Go((NONE,)))
    assert tried(NONE, None, no_dry_run="refuse").verdict == Refuse((NONE,))
    assert tried(NONE, None, no_dry_run="allow") == Tried((), Go())


def test_a_migration_that_fails_on_the_copy_is_refused_unless_that_is_accepted():
    run = replace(ran(None), failure=FAILS)

    refused = tried(run)
    accepted = tried(run, accepted=["dry-run-fails"])

    assert isinstance(refused.verdict, Refuse)
    assert refused.findings[0].help == (
        "Correct it. To do it all the same, deploy with `accept` naming dry-run-fails."
    )
    assert isinstance(accepted.verdict, Go)
    assert accepted.findings[0].consequence == "accepted: it fails: 0001_step.sql"


def test_what_breaks_the_serving_code_is_refused_with_what_to_write_instead():
    gone = tried(ran(note(without="body")))

    assert isinstance(gone.verdict, Refuse)
    assert rules(gone) == [("column-gone", "public.note.body")]
    (finding,) = gone.findings
    assert finding.consequence.startswith("the code that serves now: ")
    assert "Expand and contract" in finding.help
    assert finding.help.endswith("deploy with `accept` naming column-gone.")


def test_a_break_that_is_accepted_by_its_name_is_shown_and_goes_on():
    run = ran(note(without="body"))

    assert isinstance(tried(run, accepted=["column-gone"]).verdict, Go)
    assert isinstance(tried(run, accepted=["label-gone"]).verdict, Refuse)
    assert isinstance(tried(run, contract_break="warn").verdict, Go)


def test_a_risk_is_a_warning_and_what_is_low_is_not_shown():
    risky = note(checks=(Check("(body <> ''::text)", ("body",)),))
    low = note(column("id", "bigint", not_null=True, default=LIVE.relations[0].columns[0].default))

    assert rules(tried(ran(risky))) == [("new-check", "public.note.body")]
    assert isinstance(tried(ran(risky)).verdict, Go)
    assert rules(tried(ran(low))) == []


def test_what_the_serving_code_lives_with_already_is_none_of_these_migrations_doing():
    serving = note(column("gone", "text"))

    assert tried(ran(note(column("extra", "text"))), serving) == Tried((), Go())
    assert rules(tried(ran(note(without="body")), serving)) == [("column-gone", "public.note.body")]


def test_without_a_contract_of_what_serves_the_live_schema_stands_in_for_it():
    gone = tried(ran(note(without="body")), NO_CONTRACT)

    assert rules(gone) == [
        ("column-gone", "public.note.body"),
        ("no-serving-contract", "releases/3"),
    ]
    assert gone.findings[1].consequence.startswith("release 3 has no schema contract; the live ")


def test_an_empty_database_has_no_code_to_break():
    empty = contract()

    assert tried(ran(LIVE, empty, empty), NO_CONTRACT) == Tried((), Go())


def test_a_host_that_serves_nothing_of_ours_has_no_contract():
    found = serving_contract(StoredContracts(), "web")

    assert isinstance(found, Finding)
    assert found.rule == "no-contract"


def test_what_the_copy_lacks_is_named_and_does_not_refuse():
    live = replace(LIVE, settings=("search_path=app",))

    told = tried(replace(ran(LIVE, live), servers=(15, 17)))

    assert [(one.rule, one.where, one.consequence) for one in told.findings] == [
        (
            "scratch-differs",
            "the scratch server",
            "PostgreSQL 17 tries what PostgreSQL 15 will run",
        ),
        (
            "scratch-differs",
            "the schema",
            "setting search_path=app is only in the live database",
        ),
    ]
    assert isinstance(told.verdict, Go)


def test_many_differences_are_counted_and_not_listed():
    live = replace(LIVE, settings=tuple(f"a{n:03}=b" for n in range(SHOWN + 5)))

    told = tried(ran(LIVE, live)).findings

    assert (len(told), told[-1].consequence) == (SHOWN + 1, "5 more differences")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (LIVE, LIVE, []),
        (note(), contract(), [("public.note", "this relation is only in live")]),
        (
            note(without="body"),
            note(),
            [("public.note.body", "this column is only in scratch")],
        ),
        (
            note(column("body", "integer")),
            note(),
            [("public.note.body", "type is integer in live and text in scratch")],
        ),
        (
            note(column("body", default="'x'::text")),
            note(),
            [("public.note.body", "default is 'x'::text in live and nothing in scratch")],
        ),
        (
            note(checks=(Check("(a > 0)", ("a",), validated=False),)),
            note(),
            [
                (
                    "public.note",
                    "check (expression (a > 0), columns a, validated False) is only in live",
                )
            ],
        ),
        (
            note(keys=(Key(("id",), "primary"), Key(("body",)))),
            note(),
            [("public.note", "key (columns body) is only in live")],
        ),
        (
            replace(LIVE, enums=(EnumType("public.mood", ("a", "b")),)),
            replace(LIVE, enums=(EnumType("public.mood", ("b", "a")),)),
            [("public.mood", "its labels stand in another order")],
        ),
        (
            replace(LIVE, relations=(replace(LIVE.relations[0], row_security=True),)),
            LIVE,
            [("public.note", "row security is True in live and False in scratch")],
        ),
        (
            replace(
                LIVE,
                relations=(replace(LIVE.relations[0], columns=LIVE.relations[0].columns[::-1]),),
            ),
            LIVE,
            [("public.note", "its columns stand in another order")],
        ),
    ],
)
def test_a_difference_names_the_object_and_the_side(
    one: Contract, other: Contract, expected: list[tuple[str, str]]
):
    assert [(it.where, it.told) for it in differences(one, other, SIDES)] == expected


def promised(after: Contract, *known: Difference) -> Planned:
    return Planned(("0001_step",), render_contract(after), known)


def test_a_live_schema_that_became_what_was_promised_may_serve():
    after = note(column("extra", "text"))

    assert decide_drift(promised(after), after, DryRunPolicy()) == Go()
    assert decide_drift(Planned(("0001_step",)), LIVE, DryRunPolicy()) == Go()


def test_drift_names_the_object_and_warns():
    live = note(column("extra", "text"), column("surprise", "text"))

    verdict = decide_drift(promised(note(column("extra", "text"))), live, DryRunPolicy())

    assert isinstance(verdict, Go)
    assert [(one.rule, one.where, one.consequence) for one in verdict.findings] == [
        ("schema-drift", "public.note.surprise", "this column is only in the live database")
    ]


def test_drift_that_the_new_code_cannot_live_with_is_refused():
    verdict = decide_drift(promised(note(column("extra", "text"))), note(), DryRunPolicy())

    assert isinstance(verdict, Refuse)
    assert [(one.rule, one.where) for one in verdict.findings] == [
        ("drift-breaks", "public.note.extra")
    ]
    assert "column-gone" in verdict.findings[0].consequence


def test_what_the_copy_lacked_from_the_beginning_is_no_drift():
    live = replace(LIVE, settings=("search_path=app",))
    plan = MigrationPlan((migration("SELECT 1"),), (), Go(), seed_expected=True)

    planned = planned_by(plan, ran(LIVE, live))

    assert planned.tags == ("0001_step",)
    assert decide_drift(planned, live, DryRunPolicy()) == Go()
    assert planned_by(plan, NONE) == Planned(("0001_step",))
    assert planned_by(plan, replace(ran(None), failure=FAILS)) == Planned(("0001_step",))


def test_many_drifted_objects_are_counted():
    live = replace(LIVE, settings=tuple(f"a{n:03}=b" for n in range(SHOWN + 2)))

    verdict = decide_drift(promised(LIVE), live, DryRunPolicy())

    assert len(verdict.findings) == SHOWN + 1
    assert verdict.findings[-1].consequence == "2 more differences"


def refused(*names: str) -> MigrationPlan:
    findings = tuple(Finding(name, "it breaks", "here", "Do not.") for name in names)
    return with_verdict(
        MigrationPlan((), (), Go(), seed_expected=False), findings, Refuse(findings)
    )


def test_one_refusal_names_everything_that_has_to_be_accepted():
    plan = with_all_names(refused("drop-column", "column-gone"), ("rename",))

    assert isinstance(plan.verdict, Refuse)
    assert plan.verdict.findings[-1].help == (
        "Do not. For all of it at once: rename, column-gone, drop-column."
    )


@pytest.mark.parametrize("names", [(), ("drop-column",), ("drop-column", "syntax-error")])
def test_what_has_one_name_or_cannot_be_accepted_is_left_as_it_is(names: tuple[str, ...]):
    plan = refused(*names) if names else MigrationPlan((), (), Go(), seed_expected=False)

    assert with_all_names(plan, ()) == plan
    assert may_be_accepted(plan.verdict) is ("syntax-error" not in names)
