"""The statements that Drizzle would send for a contract, as trials.

Drizzle names every column of a table in each read and insert, writes `default` for those that are
not given, and never names a column that it does not know. Rows are told apart by a number: the rows
1 and 2 of every table are made first and stay, so that references find them.

Source: drizzle-orm 0.45.4 `toSQL()`; `migrations.md` section 5, read 2026-11-25.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.migrations.sample_values import edges, sample
from rollout.model.contract import Contract, Relation
from rollout.model.trial import Outcome, Trial, Witness

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from rollout.model.contract import Column, ForeignKey, Key

_TABLES = ("table", "partitioned table")
# Rows that stay; the numbers beyond are for one trial each.
_KEPT = (1, 2)
_OTHER, _TWIN = 5, 7


def trials(contract: Contract, about: Collection[str] | None = None) -> tuple[Trial, ...]:
    """Return what code of a contract would do, in an order in which it can be tried.

    Args:
        contract: What the code was verified with.
        about: Names of the relations that are tried, in full; None means all of them.

    Returns:
        First the rows that stay, tables after those that they refer to; then one trial for each
        read, insert, update, upsert and delete. A partition is met through its table only.
    """
    relations = [one for one in _referred_first(contract) if not one.parent]
    tables = [_Table(one, contract) for one in relations if one.kind in _TABLES]
    if about is not None:
        needed = _needed(contract, about)
        kept = [trial for table in tables if table.table.name in needed for trial in table.kept()]
        tables = [table for table in tables if table.table.name in about]
        relations = [one for one in relations if one.name in about]
    else:
        kept = [trial for table in tables for trial in table.kept()]
    others = [trial for table in tables for trial in table.trials()]
    views = [_read(one) for one in relations if one.kind not in _TABLES]
    return (*kept, *views, *others)


def _needed(contract: Contract, about: Collection[str]) -> set[str]:
    """Return the relations whose rows are there while some are tried.

    Those that refer to them get rows too, since deletes are tried with a row that refers; and so
    does whatever any of these refers to.
    """
    refers = {one.name: {key.references for key in one.foreign_keys} for one in contract.relations}
    needed = set(about) | {name for name, there in refers.items() if there & set(about)}
    while True:
        more = {there for name in needed for there in refers.get(name, ())} - needed
        if not more:
            return needed
        needed |= more


def witnesses(before: Iterable[Outcome], after: Iterable[Outcome]) -> tuple[Witness, ...]:
    """Return what was accepted by one database, and is refused or answered otherwise by another.

    Args:
        before: What the database said that the code was verified with.
        after: What the other one said to the same trials.
    """
    then = {outcome.trial: outcome for outcome in before}
    pairs = ((then[one.trial], one) for one in after if one.trial in then)
    found = (_witness(old, new) for old, new in pairs if not old.sqlstate)
    return tuple(witness for witness in found if witness is not None)


def _witness(old: Outcome, new: Outcome) -> Witness | None:
    if new.sqlstate:
        return Witness(new.trial, new.statement, "is refused", new.sqlstate, relation=new.relation)
    if old.rows != new.rows:
        told = f"was about {old.rows} rows and is about {new.rows}"
        return Witness(new.trial, new.statement, told, relation=new.relation)
    if old.types != new.types:
        changed = ", ".join(
            f"{was} became {now}"
            for was, now in zip(old.types, new.types, strict=False)
            if was != now
        )
        return Witness(new.trial, new.statement, changed, decodes_only=True, relation=new.relation)
    return None


def _referred_first(contract: Contract) -> list[Relation]:
    """Return relations after those that they refer to, as far as there is such an order."""
    left = list(contract.relations)
    ordered: list[Relation] = []
    while left:
        names = {one.name for one in left}
        free = [
            one
            for one in left
            if not any(k.references in names - {one.name} for k in one.foreign_keys)
        ]
        ordered += free or left[:1]
        left = [one for one in left if one not in ordered]
    return ordered


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _list(columns: Iterable[Column]) -> str:
    return ", ".join(_quoted(column.name) for column in columns)


def _sent(name: str) -> str:
    """Return a relation's name as the code sends it, which takes `public` for granted."""
    return name.removeprefix("public.")


def _read(relation: Relation) -> Trial:
    return Trial(
        f"select {relation.name}",
        (f"select {_list(relation.columns)} from {_sent(relation.name)}",),
        relation=relation.name,
    )


@dataclass(frozen=True, slots=True)
class _Table:
    table: Relation
    contract: Contract

    @property
    def name(self) -> str:
        return _sent(self.table.name)

    def kept(self) -> Iterator[Trial]:
        for row in _KEPT:
            # What a default would make up decides which row is the first: it is given instead.
            insert = self._insert({**self._few(row), **self._named(row)})
            what = f"row {row} of {self.table.name}"
            yield Trial(what, (insert,), keeps=True, relation=self.table.name)

    def _named(self, row: int) -> dict[str, str]:
        key = self._primary()
        names = key.columns if key else ()
        given = self._row(row)
        return {name: given[name] for name in names if name in given}

    def trials(self) -> Iterator[Trial]:
        yield _read(self.table)
        yield self._trial("count", f"select count(*) from {self.name}")
        yield from self._inserts()
        yield from self._updates()
        yield from self._upserts()
        yield from self._deletes()

    def _trial(self, what: str, *statements: str) -> Trial:
        place = self.table.name + what.partition(",")[1] + what.partition(",")[2]
        return Trial(f"{what.partition(',')[0]} {place}", statements, relation=self.table.name)

    def _inserts(self) -> Iterator[Trial]:
        row = self._row(_OTHER)
        yield self._trial("insert, few columns", self._insert(self._few(_OTHER)))
        yield self._trial("insert, all columns", self._insert(row))
        yield self._trial("insert, twice the same but its keys", *self._twins())
        for column in self._written():
            if not column.not_null:
                yield self._trial(
                    f"insert, {column.name} NULL", self._insert({**row, column.name: "null"})
                )
            for edge in edges(column, self.contract):
                values = {**row, column.name: edge}
                yield self._trial(f"insert, {column.name} {edge[:40]}", self._insert(values))

    def _twins(self) -> Iterator[str]:
        """Yield inserts of rows that agree in everything that is no key."""
        unique = {name for key in self.table.keys for name in key.columns}
        unique |= {
            column.name
            for column in self.table.columns
            for key in self.table.keys
            if key.expressions and any(column.name in part for part in key.columns)
        }
        same = {name: value for name, value in self._row(1).items() if name not in unique}
        for row in (_TWIN, _TWIN + 1):
            yield self._insert({**self._row(row), **same})

    def _updates(self) -> Iterator[Trial]:
        where = self._first()
        for column in self._written():
            # What a sequence gives is different in each database, and no code changes it.
            if "UPDATE" not in column.may or column.sequence or column.identity:
                continue
            value = self._value(column, 1)
            target = f"update {self.name} set {_quoted(column.name)}"
            yield self._trial(f"update, {column.name}", f"{target} = {value}{where}")
            if not column.not_null:
                yield self._trial(f"update, {column.name} NULL", f"{target} = null{where}")

    def _upserts(self) -> Iterator[Trial]:
        for key in self.table.keys:
            if key.kind == "exclusion" or key.expressions or key.deferrable or not key.valid:
                continue
            names = ", ".join(map(_quoted, key.columns))
            where = f" where {key.predicate}" if key.predicate else ""
            others = (_quoted(one.name) for one in self._written() if one.name not in key.columns)
            acts = next((f"update set {one} = excluded.{one}" for one in others), "nothing")
            insert = self._insert(self._row(_OTHER), returning=False)
            yield self._trial(
                f"upsert, by {', '.join(key.columns)}{where}",
                f"{insert} on conflict ({names}){where} do {acts}",
            )

    def _deletes(self) -> Iterator[Trial]:
        yield self._trial("delete, a row", f"delete from {self.name}{self._first()}")
        if self._primary() is None:
            return
        insert = self._insert(self._row(_OTHER))
        delete = f"delete from {self.name}{self._first(last=True)}"
        yield self._trial("delete, a new row", insert, delete)
        for child in self.contract.relations:
            for key in child.foreign_keys:
                if key.references == self.table.name and not child.parent:
                    what = f"delete, and {', '.join(key.columns)} of {child.name}"
                    refer, left = _Table(child, self.contract).refer(key)
                    yield self._trial(what, insert, refer, delete, left)

    def refer(self, key: ForeignKey) -> tuple[str, str]:
        """Return how a row comes to refer to the newest one over there, and what then refers."""
        names = ", ".join(map(_quoted, key.columns))
        there = ", ".join(map(_quoted, key.referenced))
        order = ", ".join(_quoted(name) + " desc" for name in key.referenced)
        newest = f"(select {there} from {_sent(key.references)} order by {order} limit 1)"
        some = " and ".join(f"{_quoted(name)} is not null" for name in key.columns)
        return (
            f"update {self.name} set ({names}) = {newest}{self._first()}",
            f"select {names} from {self.name} where {some}",
        )

    def _primary(self) -> Key | None:
        return next((key for key in self.table.keys if key.kind == "primary"), None)

    def _first(self, *, last: bool = False) -> str:
        """Return a WHERE for the first row, or the last; empty without a primary key."""
        key = self._primary()
        if key is None:
            return ""
        names = ", ".join(map(_quoted, key.columns))
        way = " desc" if last else ""
        order = ", ".join(_quoted(name) + way for name in key.columns)
        return f" where ({names}) = (select {names} from {self.name} order by {order} limit 1)"

    def _written(self) -> Iterator[Column]:
        """Yield the columns that an insert may give."""
        return (
            column
            for column in self.table.columns
            if not column.generated and column.identity != "always"
        )

    def _few(self, row: int) -> dict[str, str]:
        return {
            column.name: self._value(column, row)
            for column in self._written()
            if column.not_null and not column.fills_itself
        }

    def _row(self, row: int) -> dict[str, str]:
        # A number that a sequence gives is left to it, as the code does.
        return {
            column.name: self._value(column, row)
            for column in self._written()
            if not column.sequence and not column.identity
        }

    def _value(self, column: Column, row: int) -> str:
        for key in self.table.foreign_keys:
            referenced = dict(zip(key.columns, key.referenced, strict=False)).get(column.name)
            if referenced is not None and key.references != self.table.name:
                place = _quoted(referenced)
                which = _KEPT[row % len(_KEPT)] - 1
                return (
                    f"(select {place} from {_sent(key.references)} order by {place} "
                    f"limit 1 offset {which})"
                )
            if column.name in key.columns and not column.not_null:
                return "null"
        return sample(column, row, self.table, self.contract)

    def _insert(self, values: Mapping[str, str], *, returning: bool = True) -> str:
        given = [column for column in self.table.columns if "INSERT" in column.may]
        told = [column for column in given if not column.generated]
        words = ", ".join(values.get(column.name, "default") for column in told)
        back = f" returning {_list(self.table.columns)}" if returning else ""
        return f"insert into {self.name} ({_list(told)}) values ({words}){back}"
