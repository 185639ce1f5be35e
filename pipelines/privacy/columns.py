"""Which columns of a table may say who somebody is, and what they become when that person is forgotten.

Nothing here names a table: it follows from the models, the grains and the tables' own definitions, so that a new event or
metric is covered as it is. Ids are looked for as words of their own, which no letter or digit touches: `u-42` is in
`order-u-42-7`, not in `u-421`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from schemas.events import EVENTS
from schemas.events.base import USER
from schemas.grains import grains
from schemas.rules import field_rules
from schemas.storage import StorageTable

RAW = "raw"
"""A column of records as they came."""


@dataclass(frozen=True)
class Request:
    """The table, in memory only, that holds whom to forget: no statement names an id, so no log and no mutation has it.

    A row an id: a person may have counted under two, their own and its keyed hash; each gets a pseudonym of its own, because
    as one they would be counted otherwise. Columns: `number` from 0, `id`, `pseudonym`; patterns: `part` finds the id
    anywhere, `word` where no letter or digit touches it, with what stands before and behind as groups.
    Of an empty table, which a restarted server has, nothing is found.
    """

    table: str
    """Its name with the database's: a mutation runs in none."""
    name: str
    ids: int

    def is_person(self, column: str) -> str:
        """The condition under which a column of whole ids says that it was this person."""
        return f"has((SELECT groupArray(id) FROM {self.table}), {column})"

    def names_person(self, column: str) -> str:
        """The condition under which a column of other text has an id in it, as a word of its own."""
        return " OR ".join(f"match(toValidUTF8({column}), {self._pattern('word', number)})" for number in range(self.ids))

    def contains_person(self, column: str) -> str:
        """The condition under which a column has an id anywhere in it."""
        return " OR ".join(f"match(toValidUTF8({column}), {self._pattern('part', number)})" for number in range(self.ids))

    def renamed(self, column: str) -> str:
        """A column of whole ids with the pseudonym for the id."""
        cases = ", ".join(f"{column} = {self._value('id', n)}, {self._value('pseudonym', n)}" for n in range(self.ids))
        return f"multiIf({cases}, {column})"

    def replaced(self, column: str, *, parts: bool) -> str:
        """A column of other text with the pseudonym for each id: with `parts` anywhere, else where it is a word of its own."""
        for number in range(self.ids):
            name = self._value("pseudonym", number)
            if parts:
                column = f"replaceRegexpAll({column}, {self._pattern('part', number)}, {name})"
                continue
            for _ in range(2):  # neighbours share what stands between them, and a match takes it
                column = rf"replaceRegexpAll({column}, {self._pattern('word', number)}, concat('\\1', {name}, '\\2'))"
        return column

    def _pattern(self, column: str, number: int) -> str:
        return rf"(SELECT if(count() = 0, '\\zx', any({column})) FROM {self.table} WHERE number = {number})"

    def _value(self, column: str, number: int) -> str:
        return f"(SELECT any({column}) FROM {self.table} WHERE number = {number})"


@dataclass(frozen=True)
class PersonalColumns:
    """A table's columns of text that may have a person's id in them, by what becomes of them."""

    table: str
    person: tuple[str, ...]
    """Whose row it is: the id becomes the pseudonym."""
    person_is_key: bool
    written: tuple[str, ...]
    """What the person wrote: emptied."""
    raw: tuple[str, ...]
    """Whole records: emptied when they name the person."""
    other: tuple[str, ...]
    """Ids of other things, and what others wrote: in each, the pseudonym for the id."""

    def affected(self, request: Request) -> str:
        """The condition under which a row is changed; empty when the table has no such column."""
        conditions = [request.is_person(column) for column in self.person]
        conditions += [request.names_person(column) for column in (*self.written, *self.raw, *self.other)]
        return " OR ".join(conditions)

    def forget_sql(self, request: Request, until: datetime) -> list[str]:
        """The statements that change the rows, in order; mutations among them, which go on by themselves.

        Args:
            until: when the last row was stored that is moved, in tables where the person is in the key. What is counted meanwhile
                stays for another time: it would be deleted, and was not copied.
        """
        if self.person_is_key:
            [person] = self.person
            those = f"({request.is_person(person)}) AND inserted_at <= toDateTime('{until:%Y-%m-%d %H:%M:%S}', 'UTC')"
            return [
                # Counters merge by max and min: rows that are put there twice change nothing.
                f"INSERT INTO {self.table} SELECT * REPLACE ({request.renamed(person)} AS {person}) FROM"
                f" (SELECT * FROM {self.table} WHERE {those})",
                f"ALTER TABLE {self.table} DELETE WHERE {those}",
            ]
        own = " OR ".join(request.is_person(column) for column in self.person) or "0"
        changes = {column: request.renamed(column) for column in self.person}
        changes |= {column: f"if({own}, '', {request.replaced(column, parts=False)})" for column in self.written}
        changes |= {column: f"if({request.names_person(column)}, '', {column})" for column in self.raw}
        for column in self.other:
            anywhere, words = (request.replaced(column, parts=parts) for parts in (True, False))
            changes[column] = f"if({own}, {anywhere}, {words})"
        assignments = ", ".join(f"{column} = {sql}" for column, sql in changes.items())
        return [f"ALTER TABLE {self.table} UPDATE {assignments} WHERE {self.affected(request)}"]


def personal_columns(table: StorageTable) -> PersonalColumns:
    """What a declared table has."""
    text = [name for name, definition in table.columns.items() if definition.partition(" ")[0] == "String"]
    # What rows are counted by stays: a room or product that is called like a person is not one.
    kept = {*_dimensions(), *table.order_by}
    person = tuple(name for name, definition in table.columns.items() if name in _person() and "String" in definition)
    others = [name for name in text if name not in kept and name not in person]
    return PersonalColumns(
        table=table.name,
        person=person,
        person_is_key=any(name in table.order_by for name in person),
        written=tuple(name for name in others if name in _written(table)),
        raw=tuple(name for name in others if name == RAW),
        other=tuple(name for name in others if name != RAW and name not in _written(table)),
    )


def is_person_column(name: str) -> bool:
    """Whether a column of this name holds whole user ids."""
    return name in _person()


@cache
def _person() -> frozenset[str]:
    """Names of columns that hold user ids."""
    return frozenset({USER, *(key for grain in grains().values() for key, sql in grain.batch_keys.items() if sql == USER)})


@cache
def _dimensions() -> frozenset[str]:
    return frozenset(key for grain in grains().values() for key in grain.keys) - _person()


def _written(table: StorageTable) -> frozenset[str]:
    """An event table's columns of free text."""
    model = EVENTS.get(table.name.removesuffix("_event"))
    return frozenset(rule.name for rule in field_rules(model) if rule.free_text) if model else frozenset()
