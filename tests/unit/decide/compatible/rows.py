"""Rows of the relation: what was, what is, and what is said about it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rollout.model.contract import (
    Check,
    Contract,
    Domain,
    EnumType,
    ForeignKey,
    Function,
    Key,
    Policy,
    Sequence,
    Trigger,
)
from tests.support.contracts import NOTE, column, contract, note, table

if TYPE_CHECKING:
    from rollout.model.contract import Relation

Row = tuple[Contract, Contract, set[str]]

ID = Key(("id",), "primary")
TO_NOTE = ForeignKey(("note_id",), "public.note", ("id",))
MOOD = EnumType("public.mood", ("calm", "busy"))
STAMP = Trigger("stamp", "CREATE TRIGGER stamp ...", "1")


def typed(old: str, new: str, *expected: str) -> Row:
    return note(column("body", old)), note(column("body", new)), set(expected)


def body(old: dict[str, Any], new: dict[str, Any], *expected: str) -> Row:
    return note(column("body", **old)), note(column("body", **new)), set(expected)


def extra(fields: dict[str, Any], *expected: str, **more: Any) -> Row:
    return note(), note(column("extra", **fields), **more), set(expected)


def whole(old: dict[str, Any], new: dict[str, Any], *expected: str) -> Row:
    return note(**old), note(**new), set(expected)


def enum(*labels: str) -> Contract:
    return replace(note(column("body", "public.mood")), enums=(EnumType("public.mood", labels),))


def domain(type_: str, *checks: str, base: str = "text") -> Contract:
    return replace(note(column("body", type_)), domains=(Domain("public.d", base, False, checks),))


def with_child(child: ForeignKey, *more: Relation, not_null: bool = False) -> Contract:
    reference = column("note_id", "integer", not_null=not_null)
    return contract(NOTE, table(reference, name="public.z", foreign_keys=(child,)), *more)


def function(body: str = "1", usable: bool = True) -> Contract:
    return replace(note(), functions=(Function("public.f()", body, usable),))


PART = table(*NOTE.columns, name="public.part", parent="public.note", definition="FOR 1")
CHILDLESS = contract(NOTE, table(column("note_id", "integer"), name="public.z"))

ROWS: dict[str, Row] = {
    "nothing changed": (note(), note(), set()),
    # Names.
    "a table is gone": (note(), contract(), {"BREAK relation-gone"}),
    "a table is new": (contract(), note(), set()),
    "a table became a view": (note(), note(kind="view"), {"RISK kind-changed"}),
    "a column is gone": (note(), note(without="body"), {"BREAK column-gone"}),
    "a view asks otherwise": (
        note(kind="view", definition="SELECT 1"),
        note(kind="view", definition="SELECT 2"),
        {"RISK view-changed"},
    ),
    "a partition is gone": (contract(NOTE, PART), contract(NOTE), {"RISK partition-changed"}),
    "a partition holds other rows": (
        contract(NOTE, PART),
        contract(NOTE, replace(PART, definition="FOR 2")),
        {"RISK partition-changed"},
    ),
    "a partition is new": (contract(NOTE), contract(NOTE, PART), set()),
    "a new partition refuses more": (
        contract(NOTE),
        contract(NOTE, replace(PART, checks=(Check("(id > 5)", ("id",)),))),
        {"RISK partition-changed"},
    ),
    "a sequence is gone": (
        replace(note(), sequences=(Sequence("public.s", usable=True),)),
        note(),
        {"RISK sequence-gone"},
    ),
    "a sequence is closed": (
        replace(note(), sequences=(Sequence("public.s", usable=True),)),
        replace(note(), sequences=(Sequence("public.s", usable=False),)),
        {"RISK sequence-gone"},
    ),
    # Types.
    "varchar is wider": typed("character varying(20)", "character varying(40)"),
    "varchar became text": typed("character varying(20)", "text"),
    "text became varchar": typed("text", "character varying"),
    "varchar is shorter": typed(
        "character varying(20)", "character varying(10)", "RISK type-narrower"
    ),
    "text became a short one": typed("text", "character varying(10)", "RISK type-narrower"),
    "text became char": typed("text", "character(10)", "RISK type-narrower"),
    "char became text": typed("character(10)", "text", "LOW type-wider"),
    "numeric has more digits": typed("numeric(10,2)", "numeric(12,2)"),
    "numeric has no limit": typed("numeric(10,2)", "numeric"),
    "numeric has a limit": typed("numeric", "numeric(10,2)", "RISK type-narrower"),
    "numeric has more scale": typed("numeric(10,2)", "numeric(12,4)"),
    "numeric has more scale only": typed("numeric(10,2)", "numeric(10,4)", "RISK type-narrower"),
    "numeric has less scale": typed("numeric(10,2)", "numeric(10)", "RISK type-narrower"),
    "integer became bigint": typed("integer", "bigint", "LOW type-wider"),
    "bigint became integer": typed("bigint", "integer", "RISK type-narrower"),
    "real became double": typed("real", "double precision", "LOW type-wider"),
    "integer became text": typed("integer", "text", "BREAK type-other"),
    "integer became numeric": typed("integer", "numeric", "BREAK type-other"),
    "timestamp has a zone": typed(
        "timestamp without time zone", "timestamp with time zone", "BREAK type-other"
    ),
    "timestamp is finer": typed("timestamp(3) with time zone", "timestamp with time zone"),
    "timestamp is coarser": typed(
        "timestamp with time zone", "timestamp(0) with time zone", "LOW type-rounds"
    ),
    "json became jsonb": typed("json", "jsonb", "RISK type-narrower"),
    "an unknown type has another length": typed(
        "public.vector(3)", "public.vector(4)", "RISK type-narrower"
    ),
    "an array's type is narrower": typed("text[]", "character(1)[]", "RISK type-narrower"),
    "an array became one value": typed("text[]", "text", "BREAK type-other"),
    "the collation is another": body({}, {"collation": '"C"'}, "RISK collation-changed"),
    "text became a domain without checks": (domain("text"), domain("public.d"), set()),
    "text became a domain": (
        domain("text", "CHECK (a)"),
        domain("public.d", "CHECK (a)"),
        {"RISK type-narrower"},
    ),
    "a domain became its base": (
        domain("public.d", "CHECK (a)"),
        domain("text", "CHECK (a)"),
        set(),
    ),
    "a domain became something else": (
        domain("public.d"),
        domain("integer"),
        {"BREAK type-other"},
    ),
    "a domain has a new check": (
        domain("public.d"),
        domain("public.d", "CHECK (a)"),
        {"RISK domain-stricter"},
    ),
    "a domain lost a check": (
        domain("public.d", "CHECK (a)"),
        domain("public.d"),
        {"LOW check-lost"},
    ),
    "a domain stands over another type": (
        domain("public.d"),
        domain("public.d", base="integer"),
        {"RISK domain-stricter"},
    ),
    "an enum became a domain of its name": (
        enum("calm"),
        replace(enum(), enums=(), domains=(Domain("public.mood", "text"),)),
        {"BREAK type-other"},
    ),
    # Enums.
    "a label is gone": (enum("calm", "busy"), enum("calm"), {"BREAK label-gone"}),
    "a label is new": (enum("calm"), enum("sad", "calm"), {"LOW label-new"}),
    "labels stand otherwise": (enum("a", "b"), enum("b", "a"), {"RISK label-order"}),
    "an enum has another name": (
        replace(note(column("body", "public.mood[]")), enums=(MOOD,)),
        replace(
            note(column("body", "public.temper[]")), enums=(replace(MOOD, name="public.temper"),)
        ),
        set(),
    ),
    # NULL.
    "null is refused": body({}, {"not_null": True}, "BREAK null-refused"),
    "null is refused and filled in": body(
        {"default": "now()"},
        {"not_null": True, "default": "now()"},
        "RISK null-refused-default",
    ),
    "null is refused of what is generated": body(
        {"generated": "a"}, {"generated": "a", "not_null": True}, "RISK null-refused"
    ),
    "null is allowed": body({"not_null": True}, {}, "LOW null-allowed"),
    # Defaults.
    "a needed default is lost": body(
        {"not_null": True, "default": "0"}, {"not_null": True}, "BREAK default-lost"
    ),
    "a default is lost": body({"default": "0"}, {}, "LOW default-lost"),
    "a default became NULL": body({"default": "0"}, {"default": "NULL::text"}, "LOW default-lost"),
    "a checked default is lost": (
        note(column("body", default="0"), checks=(Check("(body <> 'x')", ("body",)),)),
        note(column("body"), checks=(Check("(body <> 'x')", ("body",)),)),
        {"RISK default-lost"},
    ),
    "an identity is lost": body(
        {"not_null": True, "identity": "always"}, {"not_null": True}, "BREAK default-lost"
    ),
    "a default is another": body({"default": "0"}, {"default": "1"}, "LOW default-changed"),
    "a default only has another type": body(
        {"default": "'a'::text"}, {"default": "'a'::character varying"}
    ),
    "a default may fail": body({"default": "0"}, {"default": "f()"}, "RISK default-changed"),
    "a default is too long": (
        note(column("title", "character varying(3)", default="'a'::text")),
        note(column("title", "character varying(3)", default="'long'::text")),
        {"RISK default-changed"},
    ),
    "a key's default is another": (
        note(column("id", default="1")),
        note(column("id", default="2")),
        {"RISK default-changed"},
    ),
    "a default is new": body({}, {"default": "'a'::text"}, "LOW default-new"),
    "serial became identity": (
        note(),
        note(column("id", "integer", not_null=True, identity="by default")),
        set(),
    ),
    "identity became always": body(
        {"identity": "by default"}, {"identity": "always"}, "RISK identity-always"
    ),
    "what must be given became identity": body(
        {"not_null": True}, {"not_null": True, "identity": "always"}, "BREAK identity-always"
    ),
    "a column became generated": body({}, {"generated": "lower(title)"}, "RISK became-generated"),
    "what must be given became generated": body(
        {"not_null": True}, {"not_null": True, "generated": "a"}, "BREAK became-generated"
    ),
    "generated no more": body({"generated": "a"}, {}, "LOW generated-no-more"),
    "generated no more and needed": body(
        {"generated": "a", "not_null": True}, {"not_null": True}, "BREAK generated-no-more"
    ),
    "generated otherwise": body(
        {"generated": "a"}, {"generated": "b"}, "RISK generated-otherwise"
    ),
    # Columns that the code does not know.
    "a column is new": extra({}),
    "a new column has a default": extra({"not_null": True, "default": "now()"}),
    "a new column is an identity": extra({"not_null": True, "identity": "always"}),
    "a new column is generated": extra({"generated": "lower(body)"}),
    "a new column must be given": extra({"not_null": True}, "BREAK unknown-column-required"),
    "a new default may fail": extra({"default": "public.f()"}, "RISK unknown-default"),
    "a new generated one may fail": extra(
        {"type_": "integer", "generated": "(1 / length(body))"}, "RISK unknown-generated"
    ),
    "a new column's sequence is closed": extra(
        {"default": "nextval('public.s'::regclass)", "sequence_usable": False},
        "BREAK sequence-closed",
    ),
    "a sequence was closed": (
        note(),
        note(
            column(
                "id",
                "integer",
                not_null=True,
                default="nextval('public.note_id_seq'::regclass)",
                sequence_usable=False,
            )
        ),
        {"BREAK sequence-closed"},
    ),
    # Checks.
    "a check is new": whole({}, {"checks": (Check("(body <> 'x')", ("body",)),)}, "RISK new-check"),
    "a check asks what is so": whole({}, {"checks": (Check("(title IS NOT NULL)", ("title",)),)}),
    "a check is about what stays null": extra(
        {}, checks=(Check("(extra = ANY (ARRAY['a'::text, 'b'::text]))", ("extra",)),)
    ),
    "a check refuses what stays null": extra(
        {}, "RISK new-check", checks=(Check("(extra IS NOT NULL)", ("extra",)),)
    ),
    "a check is about a new default": extra(
        {"default": "'a'::text"}, "RISK new-check", checks=(Check("(extra = 'b')", ("extra",)),)
    ),
    "a check is lost": whole({"checks": (Check("(a)", ("body",)),)}, {}, "LOW check-lost"),
    "a check is not validated any more": whole(
        {"checks": (Check("(a)", ("body",)),)}, {"checks": (Check("(a)", ("body",), False),)}
    ),
    # Keys.
    "a key is new": whole({}, {"keys": (ID, Key(("body",)))}, "RISK new-key"),
    "a new key contains a key": whole({}, {"keys": (ID, Key(("body", "id")))}),
    "a new key where null stands once": whole(
        {"keys": (ID, Key(("body",)))},
        {"keys": (ID, Key(("body",), nulls_distinct=False))},
        "RISK new-key",
        "RISK key-lost",
    ),
    "a new key contains a part of a key": whole(
        {"keys": (ID, Key(("body",), predicate="(id > 5)"))},
        {"keys": (ID, Key(("body",)))},
        "RISK new-key",
    ),
    "a new exclusion": whole(
        {}, {"keys": (ID, Key(("body",), "exclusion", operators="="))}, "RISK new-key"
    ),
    "a new key of what stays null": extra({}, keys=(ID, Key(("extra",)))),
    "a new key of what is random": extra(
        {"default": "gen_random_uuid()"}, keys=(ID, Key(("extra",)))
    ),
    "a new key of a constant": extra(
        {"default": "0"}, "BREAK unknown-key-constant", keys=(ID, Key(("extra",)))
    ),
    "a new key of a constant and more": extra(
        {"default": "0"}, "RISK new-key", keys=(ID, Key(("extra", "body")))
    ),
    "a key is lost": whole({"keys": (ID, Key(("body",)))}, {}, "RISK key-lost"),
    "a key stands in another order": whole(
        {"keys": (ID, Key(("body", "title")))}, {"keys": (ID, Key(("title", "body")))}
    ),
    "a key is deferrable": whole({}, {"keys": (replace(ID, deferrable=True),)}, "RISK key-lost"),
    "an exclusion is lost": whole(
        {"keys": (ID, Key(("body",), "exclusion", operators="="))}, {}, "LOW key-lost"
    ),
    # References.
    "a reference is new": (CHILDLESS, with_child(TO_NOTE), {"RISK new-reference"}),
    "a new reference stays null": (
        note(),
        note(
            column("note_id", "integer"), foreign_keys=(replace(TO_NOTE, on_delete="set null"),)
        ),
        set(),
    ),
    "a new reference stays null and restricts": (
        note(),
        note(column("note_id", "integer"), foreign_keys=(TO_NOTE,)),
        {"RISK new-restriction"},
    ),
    "a new table restricts": (note(), with_child(TO_NOTE), {"RISK new-restriction"}),
    "a new table cascades": (note(), with_child(replace(TO_NOTE, on_delete="cascade")), set()),
    "a new table cannot be set null": (
        note(),
        with_child(replace(TO_NOTE, on_delete="set null"), not_null=True),
        {"RISK new-restriction"},
    ),
    "a new table cascades and is held": (
        note(),
        with_child(
            replace(TO_NOTE, on_delete="cascade"),
            table(
                column("z_id"),
                name="public.zz",
                foreign_keys=(ForeignKey(("z_id",), "public.z", ("note_id",)),),
            ),
        ),
        {"RISK new-restriction"},
    ),
    "a reference is lost": (with_child(TO_NOTE), CHILDLESS, {"LOW reference-lost"}),
    "a cascade is lost": (
        with_child(replace(TO_NOTE, on_delete="cascade")),
        CHILDLESS,
        {"RISK cascade-lost"},
    ),
    "a reference acts otherwise": (
        with_child(replace(TO_NOTE, on_delete="cascade")),
        with_child(TO_NOTE),
        {"RISK reference-acts-otherwise"},
    ),
    "a reference is checked later": (
        with_child(TO_NOTE),
        with_child(replace(TO_NOTE, deferrable=True)),
        {"LOW reference-deferrable"},
    ),
    "a reference is checked at once": (
        with_child(replace(TO_NOTE, deferrable=True)),
        with_child(TO_NOTE),
        {"RISK reference-deferrable"},
    ),
    # Rights and surroundings.
    "a delete is not allowed": whole(
        {}, {"may": ("INSERT", "SELECT", "UPDATE")}, "BREAK privilege-lost"
    ),
    "an update of one column is not allowed": body(
        {}, {"may": ("INSERT", "SELECT")}, "BREAK privilege-lost"
    ),
    "an update is allowed by column": whole({}, {"may": ("DELETE", "INSERT", "SELECT")}),
    "row security is on": whole({}, {"row_security": True}, "RISK row-security"),
    "a policy is not in force": whole({}, {"policies": (Policy("p", "all", True, "a", ""),)}),
    "a policy is in force": whole(
        {"row_security": True},
        {"row_security": True, "policies": (Policy("p", "all", True, "a", ""),)},
        "RISK row-security",
    ),
    "a setting is another": (
        replace(note(), settings=("search_path=a",)),
        replace(note(), settings=("search_path=b",)),
        {"RISK setting-changed"},
    ),
    "another role": (note(), replace(note(), role="other"), {"RISK role-changed"}),
    "a trigger is new": whole({}, {"triggers": (STAMP,)}, "RISK trigger-changed"),
    "a trigger does something else": whole(
        {"triggers": (STAMP,)},
        {"triggers": (replace(STAMP, function="2"),)},
        "RISK trigger-changed",
    ),
    "a trigger is lost": whole({"triggers": (STAMP,)}, {}, "RISK trigger-lost"),
    "a rule is new": whole({}, {"rules": ("CREATE RULE",)}, "BREAK rule-new"),
    "a rule is lost": whole({"rules": ("CREATE RULE",)}, {}, "RISK rule-lost"),
    "a function is new": (note(), function(), set()),
    "a function is gone": (function(), note(), {"RISK function-changed"}),
    "a function does something else": (function(), function("2"), {"RISK function-changed"}),
    "a function is closed": (function(), function(usable=False), {"RISK function-changed"}),
    "an unknown constraint is new": whole({}, {"other": ("constraint ?",)}, "RISK not-understood"),
    "a composite type is new": (note(), replace(note(), other=("composite a",)), set()),
    "a composite type is another": (
        replace(note(), other=("composite a",)),
        replace(note(), other=("composite b",)),
        {"RISK not-understood"},
    ),
}  # fmt: skip
