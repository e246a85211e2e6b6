"""The statements that Drizzle would send for a contract, written out."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from rollout.migrations.trials import trials, witnesses
from rollout.model.contract import Contract, EnumType, ForeignKey, Key
from rollout.model.trial import Outcome, Trial, Witness
from tests.support.contracts import column, contract, contracts, table

PERSON = table(
    column("id", "integer", not_null=True, default="nextval('s'::regclass)", sequence="s"),
    column("name", "character varying(3)", not_null=True),
    name="public.person",
    keys=(Key(("id",), "primary"), Key(("name",))),
)


def statements(of: Contract) -> dict[str, tuple[str, ...]]:
    return {trial.name: trial.statements for trial in trials(of)}


def test_a_small_table_written_out():
    insert = 'insert into person ("id", "name") values (default, {}) returning "id", "name"'
    by_id = ' where ("id") = (select "id" from person order by "id"{} limit 1)'
    fresh = insert.format("'n5@'")
    upsert = 'insert into person ("id", "name") values (default, \'n5@\') on conflict ({}) do {}'

    found = trials(contract(PERSON))

    assert {trial.relation for trial in found} == {"public.person"}
    assert tuple(replace(trial, relation="") for trial in found) == (
        Trial("row 1 of public.person", (insert.format("'n1@'"),), keeps=True),
        Trial("row 2 of public.person", (insert.format("'n2@'"),), keeps=True),
        Trial("select public.person", ('select "id", "name" from person',)),
        Trial("count public.person", ("select count(*) from person",)),
        Trial("insert public.person, few columns", (fresh,)),
        Trial("insert public.person, all columns", (fresh,)),
        Trial(
            "insert public.person, twice the same but its keys",
            (insert.format("'n7@'"), insert.format("'n8@'")),
        ),
        Trial("insert public.person, id -2147483648", (fresh.replace("default", "-2147483648"),)),
        Trial("insert public.person, id 2147483647", (fresh.replace("default", "2147483647"),)),
        Trial("insert public.person, name ''", (insert.format("''"),)),
        Trial("insert public.person, name 'xxx'", (insert.format("'xxx'"),)),
        Trial("insert public.person, name 'n@n'", (insert.format("'n@n'"),)),
        Trial(
            "update public.person, name",
            ("update person set \"name\" = 'n1@'" + by_id.format(""),),
        ),
        Trial(
            "upsert public.person, by id",
            (upsert.format('"id"', 'update set "name" = excluded."name"'),),
        ),
        Trial(
            "upsert public.person, by name",
            (upsert.format('"name"', 'update set "id" = excluded."id"'),),
        ),
        Trial("delete public.person, a row", ("delete from person" + by_id.format(""),)),
        Trial(
            "delete public.person, a new row", (fresh, "delete from person" + by_id.format(" desc"))
        ),
    )


def test_a_reference_finds_a_row_and_what_a_delete_leaves_is_looked_at():
    pet = table(
        column("owner", "integer"),
        name="public.pet",
        foreign_keys=(ForeignKey(("owner",), "public.person", ("id",), "cascade"),),
    )
    found = statements(contract(pet, PERSON))

    assert found["insert public.pet, all columns"] == (
        'insert into pet ("owner") values '
        '((select "id" from person order by "id" limit 1 offset 1)) returning "owner"',
    )
    assert list(found).index("row 1 of public.person") < list(found).index("row 1 of public.pet")
    assert found["delete public.person, and owner of public.pet"][1::2] == (
        'update pet set ("owner") = (select "id" from person order by "id" desc limit 1)',
        'select "owner" from pet where "owner" is not null',
    )


def test_each_label_and_null_are_written():
    mood = table(column("mood", "public.mood"), name="x.car")
    of = Contract("app", (mood,), enums=(EnumType("public.mood", ("calm", "it's")),))

    names = [name for name in statements(of) if name.startswith("insert x.car, mood")]
    assert names == [
        "insert x.car, mood NULL",
        "insert x.car, mood 'calm'",
        "insert x.car, mood 'it''s'",
    ]


@given(contracts)
def test_there_are_trials_for_any_contract(any_contract: Contract):
    assert all(trial.statements for trial in trials(any_contract))


def test_witnesses_are_what_was_accepted_and_is_answered_otherwise():
    before = (
        Outcome("same", "a", rows=1, types=("text",)),
        Outcome("refused before", "b", "23505"),
        Outcome("refused now", "c"),
        Outcome("other rows", "d", rows=2),
        Outcome("other type", "e", types=("int4", "text")),
    )
    after = (
        Outcome("same", "a", rows=1, types=("text",)),
        Outcome("refused before", "b"),
        Outcome("refused now", "c", "23502"),
        Outcome("other rows", "d", rows=0),
        Outcome("other type", "e", types=("int8", "text")),
        Outcome("not tried before", "f", "42601"),
    )

    assert witnesses(before, after) == (
        Witness("refused now", "c", "is refused", "23502"),
        Witness("other rows", "d", "was about 2 rows and is about 0"),
        Witness("other type", "e", "int4 became int8", decodes_only=True),
    )


PET = table(
    column("id", "uuid", not_null=True, default="gen_random_uuid()"),
    column("person_id", "integer"),
    name="public.pet",
    keys=(Key(("id",), "primary"),),
    foreign_keys=(ForeignKey(("person_id",), "public.person", ("id",)),),
)
TOY = table(column("id", "integer"), name="public.toy")


def test_what_is_not_asked_about_is_not_tried_and_its_rows_are_made_where_they_are_needed():
    names = [trial.name for trial in trials(contract(PERSON, PET, TOY), {"public.person"})]

    assert [name for name in names if name.startswith("row ")] == [
        f"row {row} of public.{table}" for table in ("person", "pet") for row in (1, 2)
    ]
    assert not [name for name in names if "public.toy" in name]
    assert [name for name in names if "public.pet" in name and not name.startswith("row ")] == [
        "delete public.person, and person_id of public.pet"
    ]
    about_pets = [trial.name for trial in trials(contract(PERSON, PET), {"public.pet"})]
    assert about_pets[:4] == names[:4]


def test_a_row_that_stays_names_its_key_rather_than_let_a_default_make_it_up():
    first = next(trial for trial in trials(contract(PET)) if trial.keeps)

    assert first.statements[0].startswith(
        'insert into pet ("id", "person_id") values (\'00000000-0000-4000-8000-000000000001\', '
    )
