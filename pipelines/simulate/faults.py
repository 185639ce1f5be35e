"""What goes wrong between the phone and Kafka: duplicates, disorder, lateness, broken messages."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from operator import itemgetter
from random import Random
from typing import Any

import orjson

from pipelines.recording import Record
from pipelines.simulate.settings import SimulationSettings
from pipelines.simulate.world import STEP_MS, Fact
from schemas.events import EVENTS
from schemas.rules import FieldRule, Reason, field_rules

DISORDER_MS = (1_000, 30_000)
LATE_BY_MS = (60_000, 7_200_000)
"""Beyond the allowed lateness."""

FUTURE_BY_MS = (300_000, 864_000_000)
"""Beyond how far ahead an event may be: far enough that a slow sender's later timestamp changes nothing."""


class Faults:
    """Turns facts into records in the order in which they are sent, with the faults that the settings ask for."""

    def __init__(self, settings: SimulationSettings, run_id: str) -> None:
        self._settings, self._prefix = settings, f'{{"event_id":"{run_id}-'
        self._random = Random(f"{settings.seed} faults")
        self._held: defaultdict[int, list[Record]] = defaultdict(list)
        self.start_ms = settings.start_ms
        """When the run really begins: all times are moved there from the settings' start."""
        self.duplicates = 0
        self.disordered = 0
        self.late = 0
        self.malformed: Counter[str] = Counter()

    def send(self, facts: list[Fact], step: int) -> list[Record]:
        """The records that leave in this step: most of its facts, and what was held back until now."""
        settings, random, prefix = self._settings, self._random.random, self._prefix
        malformed, late = settings.malformed, settings.malformed + settings.late
        faulty, duplicates = late + settings.disorder, settings.duplicates
        delay = self.start_ms - settings.start_ms
        records: list[Record] = []
        for planned, number, topic, key, skew, tail in facts:
            time = planned + delay
            record = Record(topic, key, time, f'{prefix}{number}","event_time":{time + skew}{tail}'.encode())
            draw = random()
            if draw < faulty:
                if draw < malformed:
                    record = self._break(record)
                    self.malformed[str(record.fault)] += 1
                elif draw < late:
                    happened = max(0, time - settings.lateness_seconds * 1_000 - self._random.randint(*LATE_BY_MS))
                    record = record._replace(value=f'{prefix}{number}","event_time":{happened}{tail}'.encode())
                    self.late += 1
                else:
                    record = record._replace(timestamp_ms=time + self._random.randint(*DISORDER_MS))
                    self._hold(record)
                    self.disordered += 1
            if draw >= faulty or draw < late:
                records.append(record)
            if random() < duplicates and record.fault is None:
                self._hold(record._replace(timestamp_ms=record.timestamp_ms + self._duplicate_after()))
                self.duplicates += 1
        records += self._held.pop(step, ())
        records.sort(key=itemgetter(2))
        return records

    def finish(self, facts: list[Fact]) -> list[Record]:
        """Records of facts from after the end of the run: without faults."""
        prefix = self._prefix
        return [
            Record(topic, key, time, f'{prefix}{number}","event_time":{time}{tail}'.encode())
            for time, number, topic, key, _, tail in facts
        ]

    def _hold(self, record: Record) -> None:
        self._held[(record.timestamp_ms - self.start_ms) // STEP_MS].append(record)

    def _duplicate_after(self) -> int:
        draw = self._random.random()
        if draw < 0.5:
            return self._random.randint(0, 500)
        return self._random.randint(500, 30_000) if draw < 0.9 else self._random.randint(30_000, 300_000)

    def _break(self, record: Record) -> Record:
        ways = _WAYS[record.topic]
        reason = self._random.choice(tuple(ways))
        rules = ways[reason]
        return record._replace(value=_BREAK[reason](self._random, record, rules, self._settings), fault=str(reason))


_Breaker = Callable[[Random, Record, list[FieldRule], SimulationSettings], bytes]


def _change(record: Record, field: str, value: object) -> bytes:
    event: dict[str, Any] = orjson.loads(record.value)
    event[field] = value
    return orjson.dumps(event)


def _malformed_json(random: Random, record: Record, rules: list[FieldRule], settings: SimulationSettings) -> bytes:
    value = record.value
    return random.choice(
        (
            value[: random.randint(1, len(value) - 1)],  # cut off
            value + b"}",
            value.replace(b'"', b"'"),
            b"%s\n%s" % (value, value),  # two in one
            value[:20] + b"\xff\xfe" + value[20:],  # not UTF-8
            b"GET /healthz HTTP/1.1",
        )
    )


def _not_an_object(random: Random, record: Record, rules: list[FieldRule], settings: SimulationSettings) -> bytes:
    return random.choice((b"[" + record.value + b"]", b"null", b"42", b"true", orjson.dumps(record.value.decode())))


def _missing_field(random: Random, record: Record, rules: list[FieldRule], settings: SimulationSettings) -> bytes:
    if random.random() < 0.2:
        return b"{}"
    event = orjson.loads(record.value)
    field = random.choice(rules).name
    if random.random() < 0.3:
        event[field] = None
    else:
        del event[field]
    return orjson.dumps(event)


def _wrong_type(random: Random, record: Record, rules: list[FieldRule], settings: SimulationSettings) -> bytes:
    rule = random.choice(rules)
    if rule.kind == "integer":
        return _change(record, rule.name, random.choice(("1767225600000", "", 12.5, True, [1], {"value": 1})))
    return _change(record, rule.name, random.choice((12, 12.5, False, ["a"], {"text": "a"})))


def _out_of_range(random: Random, record: Record, rules: list[FieldRule], settings: SimulationSettings) -> bytes:
    rule = random.choice(rules)
    assert rule.minimum is not None
    outside = [rule.minimum - 1]
    if rule.maximum is not None:
        outside.append(rule.maximum + 1)
    return _change(record, rule.name, random.choice(outside))


def _bad_format(random: Random, record: Record, rules: list[FieldRule], settings: SimulationSettings) -> bytes:
    return _change(record, random.choice(rules).name, random.choice(("cny", "RMB¥", "人民币", "US", "")))


def _unknown_value(random: Random, record: Record, rules: list[FieldRule], settings: SimulationSettings) -> bytes:
    return _change(record, random.choice(rules).name, random.choice(("unknown", "HEARTBEAT", "2", "")))


def _too_long(random: Random, record: Record, rules: list[FieldRule], settings: SimulationSettings) -> bytes:
    rule = random.choice(rules)
    assert rule.max_length is not None
    return _change(record, rule.name, random.choice("长x🔥") * (rule.max_length + random.randint(1, 40)))


def _too_short(random: Random, record: Record, rules: list[FieldRule], settings: SimulationSettings) -> bytes:
    return _change(record, random.choice(rules).name, "")


def _future_event_time(random: Random, record: Record, rules: list[FieldRule], settings: SimulationSettings) -> bytes:
    ahead = settings.future_seconds * 1_000 + random.randint(*FUTURE_BY_MS)
    return _change(record, "event_time", record.timestamp_ms + ahead)


_BREAK: dict[Reason, _Breaker] = {
    Reason.MALFORMED_JSON: _malformed_json,
    Reason.NOT_AN_OBJECT: _not_an_object,
    Reason.MISSING_FIELD: _missing_field,
    Reason.WRONG_TYPE: _wrong_type,
    Reason.OUT_OF_RANGE: _out_of_range,
    Reason.BAD_FORMAT: _bad_format,
    Reason.UNKNOWN_VALUE: _unknown_value,
    Reason.TOO_LONG: _too_long,
    Reason.TOO_SHORT: _too_short,
    Reason.FUTURE_EVENT_TIME: _future_event_time,
}

_FITS: dict[Reason, Callable[[FieldRule], bool]] = {
    Reason.MALFORMED_JSON: lambda rule: True,
    Reason.NOT_AN_OBJECT: lambda rule: True,
    Reason.MISSING_FIELD: lambda rule: rule.required,
    Reason.WRONG_TYPE: lambda rule: True,
    Reason.OUT_OF_RANGE: lambda rule: rule.minimum is not None,
    Reason.BAD_FORMAT: lambda rule: rule.pattern is not None,
    Reason.UNKNOWN_VALUE: lambda rule: bool(rule.values),
    Reason.TOO_LONG: lambda rule: rule.max_length is not None,
    Reason.TOO_SHORT: lambda rule: bool(rule.min_length),
    Reason.FUTURE_EVENT_TIME: lambda rule: rule.name == "event_time",
}
"""The fields that can fail for each reason, by their rules."""

_WAYS: dict[str, dict[Reason, list[FieldRule]]] = {
    topic: {reason: fitting for reason, fits in _FITS.items() if (fitting := [rule for rule in field_rules(model) if fits(rule)])}
    for topic, model in EVENTS.items()
}
"""Topic -> every reason that one of its events can be refused for, with the fields to break."""
