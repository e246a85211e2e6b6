"""Reading the schema contract of a real PostgreSQL: all of it, and only the application's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rollout.errors import DatabaseError
from rollout.executors.contract import read_contract
from rollout.migrations.contract_json import parse_contract, render_contract
from rollout.model.contract import (
    Check,
    Column,
    Contract,
    Domain,
    EnumType,
    ForeignKey,
    Key,
    Relation,
    Scope,
    Sequence,
    Trigger,
)
from tests.support.contract_lab import Lab, contract_lab
from tests.support.database import Scratch, scratch_database

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.rehearsal

IUS = ("INSERT", "SELECT", "UPDATE")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with contract_lab() as lab:
        yield lab


@pytest.fixture
def scratch() -> Iterator[Scratch]:
    with scratch_database() as scratch:
        yield scratch


def only(contract: Contract, name: str) -> Relation:
    relation = contract.relation(name)
    assert relation is not None
    return relation


def test_a_table_is_read_in_full(lab: Lab):
    comments = only(lab.contract, "public.comments")

    assert comments == Relation(
        name="public.comments",
        kind="table",
        columns=(
            Column("id", "bigint", not_null=True, identity="by default", may=IUS),
            Column("post_id", "uuid", not_null=True, may=IUS),
            Column("parent_id", "bigint", may=IUS),
            Column("body", "text", not_null=True, may=IUS),
            Column("hits", "bigint", not_null=True, default="0", may=IUS),
        ),
        foreign_keys=(
            ForeignKey(("parent_id",), "public.comments", ("id",)),
            ForeignKey(("post_id",), "public.posts", ("id",), on_delete="cascade"),
        ),
        keys=(Key(("id",), "primary"), Key(("post_id", "body"))),
        may=("DELETE", *IUS),
    )


def test_checks_triggers_defaults_and_views_are_read(lab: Lab):
    users = only(lab.contract, "public.users")

    assert users.checks == (Check("((age IS NULL) OR (age >= 0))", ("age",)),)
    assert users.column("id") == Column(
        "id",
        "integer",
        not_null=True,
        default="nextval('public.users_id_seq'::regclass)",
        sequence="public.users_id_seq",
        may=IUS,
    )
    assert [(one.name, one.definition) for one in users.triggers] == [
        (
            "users_stamp",
            "CREATE TRIGGER users_stamp BEFORE UPDATE ON public.users FOR EACH ROW "
            "EXECUTE FUNCTION public.stamp()",
        )
    ]
    assert users.triggers == (Trigger(*_texts(users.triggers[0])),)
    view = only(lab.contract, "public.active_users")
    assert (view.kind, view.definition.split()[0]) == ("view", "SELECT")
    words = only(lab.contract, "public.posts").column("words")
    assert words is not None
    assert words.generated == "length(COALESCE(body, ''::text))"
    assert words.default is None
    invoices = only(lab.contract, "billing.invoices")
    assert Key(("number",), predicate="(NOT paid)") in invoices.keys


def _texts(trigger: Trigger) -> tuple[str, str, str]:
    return trigger.name, trigger.definition, trigger.function


def test_types_sequences_and_functions_are_read(lab: Lab):
    assert lab.contract.enums == (EnumType("public.mood", ("calm", "busy")),)
    assert lab.contract.domains == (
        Domain("public.email", "text", checks=("CHECK ((VALUE ~ '@'::text))",)),
        Domain("public.label", "text"),
    )
    assert lab.contract.sequences == (Sequence("public.ticket", usable=True),)
    assert [one.signature for one in lab.contract.functions] == ["public.is_short(text)"]
    assert lab.contract.other == ()


def test_reading_twice_and_through_text_gives_the_same(lab: Lab):
    assert lab.read() == lab.contract
    assert parse_contract(render_contract(lab.contract)) == lab.contract


def test_only_the_named_schemas_are_read(lab: Lab):
    scope = Scope(lab.app, ("billing",))
    contract = read_contract(lab.address, scope, print)

    assert [relation.name for relation in contract.relations] == ["billing.invoices"]


def test_what_is_not_the_applications_is_left_out(scratch: Scratch):
    scratch.ask(
        "create extension pg_stat_statements; create schema drizzle; create schema deploy; "
        "create table drizzle.__drizzle_migrations (id int); create table deploy.step (id int); "
        "create table note (body text); create table ledger (id int); "
        "create type deploy.kind as enum ('a')"
    )
    user = scratch.ask("select current_user::text")[0][0]
    scope = Scope(user, without=("drizzle", "deploy", "public.ledger"))
    contract = read_contract(scratch.address, scope, print)

    assert [relation.name for relation in contract.relations] == ["public.note"]
    assert (contract.enums, contract.functions, contract.other) == ((), (), ())


def test_what_has_no_place_in_the_form_is_kept_as_text(scratch: Scratch):
    scratch.ask("create type place as (street text, number int); create type span as range "
                "(subtype = date)")  # fmt: skip
    user = scratch.ask("select current_user::text")[0][0]
    contract = read_contract(scratch.address, Scope(user), print)

    assert contract.other == (
        "composite public.place (street text, number integer)",
        "range public.span of date",
    )


def test_a_role_that_is_not_there_is_told(scratch: Scratch):
    with pytest.raises(DatabaseError) as refused:
        read_contract(scratch.address, Scope("nobody at all"), print)

    assert refused.value.true == "the database knows no role nobody at all"
