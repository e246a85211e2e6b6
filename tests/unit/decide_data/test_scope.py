"""Which part of a database is the application's."""

from __future__ import annotations

import pytest

from rollout.config import Migrations
from rollout.decide.scope import decide_scope, judge_scope
from rollout.model.contract import EnumType, Scope
from rollout.model.finding import Go, Refuse
from tests.support.contracts import contract, table


def migrations(**more: object) -> Migrations:
    return Migrations.model_validate({"folder": "migrations", **more})


@pytest.mark.parametrize(
    ("said", "scope"),
    [
        pytest.param(
            {},
            Scope("trovella-app", (), ("drizzle.__drizzle_migrations", "deploy")),
            id="by default the URL's user, and all schemas",
        ),
        pytest.param(
            {"role": "reader", "schemas": ["public", "billing"]},
            Scope("reader", ("public", "billing"), ("drizzle.__drizzle_migrations", "deploy")),
            id="a role and schemas by name",
        ),
        pytest.param(
            {"table_schema": "public", "table": "applied"},
            Scope("trovella-app", (), ("public.applied", "deploy")),
            id="where Drizzle's table lies beside the application's, only that is left out",
        ),
    ],
)
def test_what_a_contract_is_about(said: dict[str, object], scope: Scope):
    assert decide_scope(migrations(**said), "trovella-app") == scope


FULL = contract(table(), table(name='"Odd ""one"""."T"'), enums=(EnumType("billing.kind", ("a",)),))


@pytest.mark.parametrize("schemas", [(), ("public",), ("billing", 'Odd "one"')])
def test_named_schemas_that_hold_something(schemas: tuple[str, ...]):
    assert judge_scope(FULL, Scope("app", schemas)) == Go()


def test_a_schema_with_a_slip_of_the_pen_is_no_contract_of_nothing():
    verdict = judge_scope(FULL, Scope("app", ("public", "billings")))

    assert isinstance(verdict, Refuse)
    (finding,) = verdict.findings
    assert finding.rule == "named-schema-empty"
    assert finding.consequence.startswith("the database has nothing in the schema billings")
