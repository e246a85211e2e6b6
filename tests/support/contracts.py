"""Contracts written by hand, and contracts made up by hypothesis."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from rollout.model.contract import (
    Check,
    Column,
    Contract,
    Domain,
    EnumType,
    ForeignKey,
    Function,
    Key,
    Policy,
    Relation,
    Sequence,
    Trigger,
)

ALL = ("INSERT", "SELECT", "UPDATE")


def column(name: str, type_: str = "text", **fields: Any) -> Column:
    return Column(name, type_, **{"may": ALL, **fields})


def table(*columns: Column, name: str = "public.note", **fields: Any) -> Relation:
    rights = ("DELETE", *ALL)
    return Relation(name, fields.pop("kind", "table"), columns, **{"may": rights, **fields})


def contract(*relations: Relation, **fields: Any) -> Contract:
    return Contract("app", tuple(relations), **fields)


NOTE = table(
    column("id", "integer", not_null=True, default="nextval('public.note_id_seq'::regclass)"),
    column("body", "text"),
    column("title", "character varying(20)", not_null=True),
    keys=(Key(("id",), "primary"),),
)


def note(*added: Column, without: str = "", **fields: Any) -> Contract:
    """Return the contract of one table, with columns put in the place of those of their name."""
    new = {one.name: one for one in added}
    kept = [new.pop(one.name, one) for one in NOTE.columns if one.name != without]
    return contract(replace(NOTE, columns=(*kept, *new.values()), **fields))


_names = st.sampled_from(["a", "b", "Ünï", "id", ""])
_relations = st.sampled_from(["public.a", "public.b", 'public."C d"', "x.a"])
_types = st.sampled_from(
    ["text", "integer", "bigint", "numeric(10,2)", "numeric", "character varying(20)", "public.e",
     "public.d", "public.e[]", "timestamp(3) without time zone", "jsonb", "json", "public.v(3)"]
)  # fmt: skip
_texts = st.sampled_from(["", "'x'::text", "now()", "NULL::text", "(a > 0)", "f(b)", "((", "CHECK"])
_groups = st.lists(_names, max_size=2).map(tuple)
_rights = st.lists(st.sampled_from(ALL), unique=True).map(lambda some: tuple(sorted(some)))


def _some(one: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(one, max_size=2).map(tuple)


def _named(one: st.SearchStrategy[Any], by: str = "name") -> st.SearchStrategy[Any]:
    """Draw some of which no two have one name."""
    return st.lists(one, max_size=2, unique_by=lambda thing: getattr(thing, by)).map(tuple)


_columns = st.builds(
    Column, _names, _types, st.booleans(), st.none() | _texts, st.sampled_from(["", "always"]),
    st.sampled_from(["", "lower(a)"]), st.sampled_from(["", "C"]), _texts, st.booleans(), _rights,
)  # fmt: skip
_actions = st.sampled_from(["no action", "cascade", "set null", "?"])
_keys = st.builds(
    Key, _groups, st.sampled_from(["primary", "unique", "exclusion"]), _texts, _texts,
    st.booleans(), st.booleans(), st.booleans(), st.booleans(),
)  # fmt: skip
_references = st.builds(
    ForeignKey, _groups, _relations, _groups, _actions, _actions,
    st.sampled_from(["simple", "full"]), st.booleans(), st.booleans(),
)  # fmt: skip
_made_relations = st.builds(
    Relation,
    _relations,
    st.sampled_from(["table", "view", "partitioned table", "?"]),
    _named(_columns),
    _some(st.builds(Check, _texts, _groups, st.booleans())),
    _some(_references),
    _some(_keys),
    st.booleans(),
    _some(st.builds(Policy, _names, _names, st.booleans(), _texts, _texts)),
    _named(st.builds(Trigger, _names, _texts, _texts)),
    _some(_texts),
    _texts,
    st.just("") | _relations,
    _rights,
    _some(_texts),
)
contracts = st.builds(
    Contract,
    st.sampled_from(["app", "other"]),
    _named(_made_relations),
    _named(st.builds(EnumType, st.just("public.e"), _groups)),
    _named(st.builds(Domain, st.sampled_from(["public.d", "x.d"]), _types, st.booleans(), _groups)),
    _named(st.builds(Sequence, _relations, st.booleans())),
    _named(st.builds(Function, _texts, _texts, st.booleans()), "signature"),
    _some(st.sampled_from(["search_path=x", "timezone=UTC"])),
    _some(_texts),
)
"""Any contract, possible or not."""
