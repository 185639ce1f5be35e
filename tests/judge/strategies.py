"""Hypothesis strategies: small logs of valid events, and payloads that are broken in every way we could think of.

`EXAMPLES` are whole payloads with the verdict that a person gave them; `matrix` puts every odd literal into every field
of every topic. Both are plain lists, so a test can also go through all of them once. `broken` draws from both,
combines defects, and damages bytes.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from hypothesis import strategies as st

import schemas
from schemas.events import EVENTS
from tests.judge.validity import Reason
from tests.realdata.record import Record, key_field, record

BASE_MS = 1_772_380_680_000
"""2026-03-01T15:58:00Z: two minutes later a day begins in Shanghai."""

ROOMS = ("r1", "r2")
USERS = ("ann", "bob", "cid")
GROUPS = ("g1", "g2")
PRODUCTS = ("p1", "p2")


# Valid events


@st.composite
def events(draw: st.DrawFn, min_size: int = 0, max_size: int = 12, late: bool = True) -> list[Record]:
    """A log of valid records: six topics, two rooms, three users, four minutes around a midnight.

    Each has an `event_id` of its own, and an order belongs to one user and one room, as it should; so an order may be
    paid twice, or refunded before it was created, but never by two people. With `late`, some came later than an hour.
    """
    size = draw(st.integers(min_size, max_size))
    return [draw(_event(number, late)) for number in range(size)]


@st.composite
def _event(draw: st.DrawFn, number: int, late: bool) -> Record:
    topic = draw(st.sampled_from(sorted(EVENTS)))
    room, user = draw(st.sampled_from(ROOMS)), draw(st.sampled_from(USERS))
    # Few seconds, and the edges of a second: windows are shared, and their borders are met.
    second = draw(st.sampled_from((0, 1, 9, 10, 11, 59, 60, 61, 119, 120, 121, 239)))
    event_time = BASE_MS + second * 1_000 + draw(st.sampled_from((0, 0, 1, 500, 999)))
    delay = draw(st.sampled_from((0, 0, 0, 200, 90_000, 3_600_000, -300_000) + ((3_600_001, 7_200_000) if late else ())))
    event: dict[str, Any] = {
        "event_id": f"e{number}",
        "event_time": event_time,
        "schema_version": 1,
        "platform": "test",
        "room_id": room,
        "user_id": user,
    }
    stream = draw(st.sampled_from((None, "s1", "s2")))
    if stream is not None:
        event["stream_id"] = stream
    match topic:
        case "comment":
            event |= {"text": "hi"}
        case "like":
            event |= {"count": draw(st.sampled_from((1, 3, 50)))}
        case "group_message":
            role = draw(st.sampled_from(("member", "staff")))
            event |= {"group_id": draw(st.sampled_from(GROUPS)), "text": "hi", "role": role}
            if draw(st.booleans()):
                del event["room_id"]
        case "view":
            event |= {
                "action": draw(st.sampled_from(("enter", "heartbeat", "heartbeat", "leave"))),
                "source": draw(st.sampled_from(("community", "follow", "feed", "search", "paid", "share", "other"))),
            }
        case "product":
            action = draw(st.sampled_from(("expose", "click", "cart")))
            event |= {"action": action, "product_id": draw(st.sampled_from(PRODUCTS))}
        case "order":
            event |= {
                "order_id": f"{room}-{user}-{draw(st.integers(1, 3))}",
                "product_id": draw(st.sampled_from(PRODUCTS)),
                "quantity": draw(st.integers(1, 3)),
                "amount": draw(st.sampled_from((0, 1, 990, 1_000_000_000_000))),
                "currency": draw(st.sampled_from(("CNY", "USD"))),
                "status": draw(st.sampled_from(("created", "paid", "paid", "cancelled", "refunded"))),
            }
        case _:
            event |= {name: orjson.loads(text) for name, text in VALID_FIELDS[topic].items() if name not in _BASE}
    return record(topic, event, event_time + delay)


@st.composite
def interleaved(draw: st.DrawFn, log: list[Record]) -> list[Record]:
    """The same records as another run of producers and partitions could bring them: the sequence within a key stays."""
    waiting: dict[tuple[str, bytes], list[Record]] = {}
    for one in log:
        waiting.setdefault((one.topic, one.key), []).append(one)
    turns = draw(st.permutations([(one.topic, one.key) for one in log]))
    return [waiting[turn].pop(0) for turn in turns]


@st.composite
def redelivered(draw: st.DrawFn, log: list[Record]) -> list[Record]:
    """The same records, some of them again at any place behind the first copy."""
    result = list(log)
    for one in log:
        if draw(st.booleans()):
            place = draw(st.integers(result.index(one) + 1, len(result)))
            result.insert(place, one)
    return result


# Broken payloads


@dataclass(frozen=True, slots=True)
class Payload:
    """Bytes on a topic."""

    name: str
    topic: str
    value: bytes
    verdict: Reason | str | None = "unjudged"
    """By hand: the reason of the dead letter; None for an event, be it late; `unjudged` where nobody wrote one down."""

    def record(self, timestamp_ms: int = BASE_MS) -> Record:
        return Record(topic=self.topic, key=b"r1", timestamp_ms=timestamp_ms, value=self.value)


_BASE: dict[str, bytes] = {
    "event_id": b'"e1"',
    "event_time": str(BASE_MS).encode(),
    "schema_version": b"1",
    "platform": b'"test"',
    "room_id": b'"r1"',
    "stream_id": b'"s1"',
    "user_id": b'"ann"',
}

VALID_FIELDS: dict[str, dict[str, bytes]] = {
    "comment": _BASE | {"text": b'"hi"', "reply_to": b'"e0"', "age_group": b'"adult"'},
    "like": _BASE | {"count": b"3"},
    "order": _BASE
    | {
        "order_id": b'"o1"',
        "product_id": b'"p1"',
        "quantity": b"1",
        "amount": b"990",
        "currency": b'"CNY"',
        "status": b'"paid"',
        "source": b'"feed"',
        "promotion_id": b'"x1"',
    },
    "group_message": _BASE | {"group_id": b'"g1"', "text": b'"hi"', "role": b'"member"', "age_group": b'"under_14"'},
    "view": _BASE | {"action": b'"enter"', "source": b'"feed"'},
    "product": _BASE | {"action": b'"click"', "product_id": b'"p1"'},
}


def _of_example(topic: str) -> dict[str, bytes]:
    """The fields of a topic that was added later: those of its full example, in the judge's room and time."""
    full = (Path(schemas.__file__).parent / "examples" / topic / "pass" / "full.json").read_bytes()
    return {name: orjson.dumps(value) for name, value in orjson.loads(full).items()} | _BASE


VALID_FIELDS |= {topic: _of_example(topic) for topic in sorted(EVENTS.keys() - VALID_FIELDS.keys())}
"""A valid event of every topic with every field, each value as its JSON text."""


def payload(fields: Mapping[str, bytes]) -> bytes:
    """The JSON object of these fields, values spliced in as they are."""
    return b"{" + b",".join(b'"' + name.encode() + b'":' + literal for name, literal in fields.items()) + b"}"


def _text(text: str) -> bytes:
    return orjson.dumps(text)


GRINNING = "\N{GRINNING FACE}"  # one code point, two UTF-16 units, four bytes
FAMILY = "\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}\N{ZERO WIDTH JOINER}\N{GIRL}"  # one picture, five code points

_LENGTHS = (1, 31, 32, 33, 63, 64, 65, 499, 500, 501, 1_999, 2_000, 2_001)

LITERALS: dict[str, bytes] = {
    "null": b"null",
    "true": b"true",
    "false": b"false",
    "empty object": b"{}",
    "object": b'{"a":1}',
    "empty array": b"[]",
    "array of one": b'["e1"]',
    "array of an integer": b"[1]",
    # numbers
    **{
        f"number {text}": text.encode()
        for text in (
            *("0", "-0", "1", "-1", "2", "0.0", "-0.0", "1.0", "1.5", "3.0", "1e3", "1E3", "1e0", "1e-1", "1.0e3"),
            *("10e-1", "1e308", "1e-400", "1772380680000.0", "1.77238068e12", "32766", "32767", "32768", "10000"),
            *("10001", "1000000", "1000001", "1000000000000", "1000000000001", "4102444799999", "4102444800000"),
            *("2147483647", "2147483648", "4294967295", "4294967296", "4294967297", "9007199254740991", "9007199254740993"),
            *("9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616", "18446744073709551617"),
            *("-9223372036854775808", "-9223372036854775809", "123456789012345678901234567890", "-123456789012345678901234567890"),
        )
    },
    "integer of 300 digits": b"9" * 300,
    "number with spaces": b" \t\r\n1 \n",
    # no JSON at all
    "leading zero": b"01",
    "minus and leading zero": b"-01",
    "plus": b"+1",
    "no digit before the point": b".5",
    "no digit behind the point": b"1.",
    "no exponent": b"1e",
    "hexadecimal": b"0x10",
    "underscore": b"1_000",
    "minus": b"-",
    "NaN": b"NaN",
    "Infinity": b"Infinity",
    "-Infinity": b"-Infinity",
    "nothing": b"",
    "bare word": b"enter",
    "True": b"True",
    "undefined": b"undefined",
    "single quotes": b"'e1'",
    "two values": b"1 1",
    # strings
    "empty string": b'""',
    "blank": b'" "',
    "number in quotes": b'"1"',
    "time in quotes": b'"1772380680000"',
    "time as text": b'"2026-03-01T15:58:00Z"',
    "null in quotes": b'"null"',
    "NUL escape": b'"a\\u0000b"',
    "only NUL escape": b'"\\u0000"',
    "NUL byte": b'"a\x00b"',
    "tab byte": b'"a\tb"',
    "line break byte": b'"a\nb"',
    "unit separator byte": b'"a\x1fb"',
    "DEL byte": b'"a\x7fb"',
    "tab escape": b'"a\\tb"',
    "line break escape": b'"a\\nb"',
    "every short escape": b'"\\"\\\\\\/\\b\\f\\n\\r\\t"',
    "unknown escape": b'"\\x41"',
    "escaped quote mark of other languages": b'"\\\'"',
    "short unicode escape": b'"\\u12"',
    "escaped letters": b'"\\u0070\\u0061\\u0069\\u0064"',  # "paid"
    "surrogate pair escape": b'"\\ud83d\\ude00"',
    "lone high surrogate": b'"\\ud83d"',
    "lone low surrogate": b'"\\ude00"',
    "surrogates the wrong way round": b'"\\ude00\\ud83d"',
    "high surrogate and a letter": b'"\\ud83dx"',
    "two high surrogates": b'"\\ud83d\\ud83d\\ude00"',
    "CESU-8 surrogates": b'"\xed\xa0\xbd\xed\xb8\x80"',
    "byte FF": b'"\xff"',
    "overlong slash": b'"\xc0\xaf"',
    "overlong NUL": b'"\xc0\x80"',
    "cut two-byte sequence": b'"\xc3"',
    "cut four-byte sequence": b'"\xf0\x9f\x98"',
    "continuation byte alone": b'"\x80"',
    "above U+10FFFF": b'"\xf4\x90\x80\x80"',
    "byte order mark in a string": b'"\xef\xbb\xbfa"',
    "non-character": _text("\uffff"),
    "last code point": _text("\U0010ffff"),
    "line separator": _text("\N{LINE SEPARATOR}"),
    "next line": _text("\x85"),
    "no-break space": _text("\N{NO-BREAK SPACE}"),
    "right to left": _text("\N{RIGHT-TO-LEFT OVERRIDE}abc"),
    "emoji": _text(GRINNING),
    "family": _text(FAMILY),
    "combining": _text("e\N{COMBINING ACUTE ACCENT}"),
    "unclosed": b'"e1',
    # enumerations and the pattern
    **{
        f"word {word!r}": _text(word)
        for word in (
            *("enter", "Enter", "ENTER", " enter", "enter ", "enter\n", "enter\0", "heartbeat", "leave"),
            *("expose", "click", "cart", "created", "paid", "PAID", "paid ", "paid\n", "cancelled", "canceled", "refunded"),
            *("member", "staff", "Staff", "community", "follow", "feed", "search", "share", "other", "null", "None", "unknown"),
            *("CNY", "cny", "Cny", "CN", "CNYY", "CNY\n", "CNY\r", "\nCNY", "CNY\r\n", "CNY ", "CNY\0", "CN1", "USD\nCNY"),
            *(
                "ÄÖÜ",
                "\uff23\uff2e\uff39",
                "\uff4f\uff54\uff48\uff45\uff52",
                "\N{KELVIN SIGN}RW",
                "CNY\N{NEXT LINE}",
                "CNY\N{LINE SEPARATOR}",
            ),
        )
    },
    # lengths, counted in code points
    **{f"{n} letters": _text("a" * n) for n in _LENGTHS},
    **{f"{n} Han characters": _text("\u5728" * n) for n in _LENGTHS},
    **{f"{n} emoji": _text(GRINNING * n) for n in _LENGTHS},
    **{f"{n} escaped emoji": b'"' + b"\\ud83d\\ude00" * n + b'"' for n in (32, 33, 64, 65, 500, 501)},
    **{f"{n} escaped NUL": b'"' + b"\\u0000" * n + b'"' for n in (64, 65, 500, 501)},
    **{f"{n} combining accents": _text("\N{COMBINING ACUTE ACCENT}" * n) for n in (64, 65, 500, 501)},
}
"""Odd JSON values, and text that is none, by name."""


@functools.cache
def matrix() -> tuple[Payload, ...]:
    """Every literal in every field of every topic, and every field left out: some of them are valid."""
    found = []
    for topic, fields in VALID_FIELDS.items():
        for field in fields:
            rest = {name: literal for name, literal in fields.items() if name != field}
            found.append(Payload(f"{topic}.{field} left out", topic, payload(rest)))
            found += [
                Payload(f"{topic}.{field}: {name}", topic, payload(fields | {field: literal})) for name, literal in LITERALS.items()
            ]
    return tuple(found)


def _documents() -> list[Payload]:
    """Whole payloads, judged by hand."""
    valid = VALID_FIELDS["comment"]
    whole = payload(valid)
    inside = whole[1:-1]

    def comment(name: str, verdict: Reason | None, value: bytes) -> Payload:
        return Payload(name, "comment", value, verdict)

    def with_fields(name: str, verdict: Reason | None, topic: str = "comment", **fields: bytes) -> Payload:
        return Payload(name, topic, payload(VALID_FIELDS[topic] | fields), verdict)

    def without(name: str, verdict: Reason | None, topic: str, *fields: str) -> Payload:
        return Payload(
            name, topic, payload({key: value for key, value in VALID_FIELDS[topic].items() if key not in fields}), verdict
        )

    def nested(levels: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
        return opening * levels + closing * levels

    found = [Payload(f"valid {topic}", topic, payload(fields), None) for topic, fields in VALID_FIELDS.items()]
    found += [
        # documents
        comment("empty payload", "malformed_json", b""),
        comment("only white space", "malformed_json", b" \n"),
        comment("NUL byte", "malformed_json", b"\x00"),
        comment("white space around", None, b" \t\r\n" + whole + b" \t\r\n"),
        comment("white space between", None, whole.replace(b",", b" ,\n\t").replace(b":", b" : ")),
        comment("form feed around", "malformed_json", b"\x0c" + whole),
        comment("vertical tab behind", "malformed_json", whole + b"\x0b"),
        comment("no-break space behind", "malformed_json", whole + b"\xc2\xa0"),
        comment("byte order mark", "malformed_json", b"\xef\xbb\xbf" + whole),
        comment("UTF-16 with mark", "malformed_json", whole.decode().encode("utf-16")),
        comment("UTF-16 without mark", "malformed_json", whole.decode().encode("utf-16-le")),
        comment("GB 18030", "malformed_json", payload(valid | {"text": '"弹幕"'.encode("gb18030")})),
        comment("garbage behind", "malformed_json", whole + b"x"),
        comment("closing brace behind", "malformed_json", whole + b"}"),
        comment("comma behind", "malformed_json", whole + b","),
        comment("NUL behind", "malformed_json", whole + b"\x00"),
        comment("two documents", "malformed_json", whole + whole),
        comment("two lines", "malformed_json", whole + b"\n" + whole),
        comment("garbage before", "malformed_json", b"x" + whole),
        comment("Confluent's magic byte", "malformed_json", b"\x00\x00\x00\x00\x01" + whole),
        comment("not closed", "malformed_json", whole[:-1]),
        comment("half", "malformed_json", whole[: len(whole) // 2]),
        comment("brace", "malformed_json", b"{"),
        comment("trailing comma", "malformed_json", b"{" + inside + b",}"),
        comment("leading comma", "malformed_json", b"{," + inside + b"}"),
        comment("double comma", "malformed_json", whole.replace(b",", b",,", 1)),
        comment("no comma", "malformed_json", whole.replace(b",", b" ", 1)),
        comment("no colon", "malformed_json", whole.replace(b":", b" ", 1)),
        comment("equals sign", "malformed_json", whole.replace(b":", b"=", 1)),
        comment("single quotes", "malformed_json", whole.replace(b'"', b"'")),
        comment("key without quotes", "malformed_json", whole.replace(b'"text"', b"text")),
        comment("number as key", "malformed_json", b"{1:2," + inside + b"}"),
        comment("comment at the end", "malformed_json", whole + b"//"),
        comment("comment inside", "malformed_json", b"{/**/" + inside + b"}"),
        comment("hash comment", "malformed_json", b"# x\n" + whole),
        # not objects
        comment("null", "not_an_object", b"null"),
        comment("true", "not_an_object", b"true"),
        comment("number", "not_an_object", b"12"),
        comment("float", "not_an_object", b"-1.5e3"),
        comment("string", "not_an_object", b'"hello"'),
        comment("empty string", "not_an_object", b'""'),
        comment("event in a string", "not_an_object", orjson.dumps(whole.decode())),
        comment("empty array", "not_an_object", b"[]"),
        comment("array of an event", "not_an_object", b"[" + whole + b"]"),
        comment("array of numbers", "not_an_object", b" [1, 2] "),
        comment("leading zero alone", "malformed_json", b"012"),
        # missing
        comment("empty object", "missing_field", b"{}"),
        comment("only unknown fields", "missing_field", b'{"hello":"world"}'),
        comment("event one level down", "missing_field", b'{"payload":' + whole + b"}"),
        without("no text", "missing_field", "comment", "text"),
        without("no optional fields", None, "comment", "stream_id", "reply_to"),
        without("no optional fields in an order", None, "order", "stream_id", "source", "promotion_id"),
        without("group message without room", None, "group_message", "room_id", "stream_id"),
        without("comment without room", "missing_field", "comment", "room_id"),
        with_fields("null where required", "missing_field", text=b"null"),
        with_fields("null where optional", None, stream_id=b"null", reply_to=b"null"),
        with_fields("null room of a group message", None, "group_message", room_id=b"null"),
        with_fields("null source of an order", None, "order", source=b"null"),
        with_fields("null source of a view", "missing_field", "view", source=b"null"),
        # types
        with_fields("number for a string", "wrong_type", text=b"5"),
        with_fields("boolean for a string", "wrong_type", text=b"true"),
        with_fields("array for a string", "wrong_type", text=b'["hi"]'),
        with_fields("object for a string", "wrong_type", user_id=b'{"id":"ann"}'),
        with_fields("string for an integer", "wrong_type", event_time=_text(str(BASE_MS))),
        with_fields("boolean for an integer", "wrong_type", schema_version=b"true"),
        with_fields("whole float for an integer", "wrong_type", schema_version=b"1.0"),
        with_fields("exponent for an integer", "wrong_type", "like", count=b"1e3"),
        with_fields("fraction for an integer", "wrong_type", "like", count=b"1.5"),
        with_fields("float beyond 64 bits for an integer", "wrong_type", "like", count=b"1e20"),
        with_fields("long float for an integer", "wrong_type", "like", count=b"18446744073709551616.0"),
        with_fields("number for an enumeration", "wrong_type", "order", status=b"1"),
        with_fields("boolean for an enumeration", "wrong_type", "view", action=b"false"),
        with_fields("array for an enumeration", "wrong_type", "view", source=b'["feed"]'),
        with_fields("number for a pattern", "wrong_type", "order", currency=b"156"),
        with_fields("wrong type where optional", "wrong_type", stream_id=b"7"),
        # ranges
        with_fields("time 0", None, event_time=b"0"),
        with_fields("time -0", None, event_time=b"-0"),
        with_fields("time before 1970", "out_of_range", event_time=b"-1"),
        with_fields("time in 2100", "out_of_range", event_time=b"4102444800000"),
        with_fields("time in microseconds", "out_of_range", event_time=b"1772380680000000"),
        with_fields("schema version 0", "out_of_range", schema_version=b"0"),
        with_fields("schema version 32767", None, schema_version=b"32767"),
        with_fields("schema version 32768", "out_of_range", schema_version=b"32768"),
        with_fields("no likes", "out_of_range", "like", count=b"0"),
        with_fields("no likes with a minus", "out_of_range", "like", count=b"-0"),
        with_fields("10,000 likes", None, "like", count=b"10000"),
        with_fields("10,001 likes", "out_of_range", "like", count=b"10001"),
        with_fields("4,294,967,297 likes", "out_of_range", "like", count=b"4294967297"),
        with_fields("a million pieces", None, "order", quantity=b"1000000"),
        with_fields("a million and one pieces", "out_of_range", "order", quantity=b"1000001"),
        with_fields("free", None, "order", amount=b"0"),
        with_fields("a cent owed", "out_of_range", "order", amount=b"-1"),
        with_fields("greatest amount", None, "order", amount=b"1000000000000"),
        with_fields("beyond the greatest amount", "out_of_range", "order", amount=b"1000000000001"),
        with_fields("2 ** 63 - 1", "out_of_range", "order", amount=b"9223372036854775807"),
        with_fields("2 ** 63", "out_of_range", "order", amount=b"9223372036854775808"),
        with_fields("2 ** 64 - 1", "out_of_range", "order", amount=b"18446744073709551615"),
        with_fields("2 ** 64", "malformed_json", "order", amount=b"18446744073709551616"),
        with_fields("2 ** 64 + 990: valid if it wraps around", "malformed_json", "order", amount=b"18446744073709552606"),
        with_fields("-(2 ** 63) - 1", "malformed_json", "order", amount=b"-9223372036854775809"),
        with_fields("30 digits", "malformed_json", "order", amount=b"1" * 30),
        with_fields("300 digits", "malformed_json", "order", amount=b"1" * 300),
        # lengths
        with_fields("empty text", None, text=b'""'),
        with_fields("empty id", "too_short", user_id=b'""'),
        with_fields("empty optional id", "too_short", stream_id=b'""'),
        with_fields("blank id", None, user_id=b'" "'),
        with_fields("64 letters", None, user_id=_text("a" * 64)),
        with_fields("65 letters", "too_long", user_id=_text("a" * 65)),
        with_fields("64 emoji", None, user_id=_text(GRINNING * 64)),
        with_fields("65 emoji", "too_long", user_id=_text(GRINNING * 65)),
        with_fields("platform of 33", "too_long", platform=_text("a" * 33)),
        with_fields("500 letters", None, text=_text("a" * 500)),
        with_fields("501 letters", "too_long", text=_text("a" * 501)),
        with_fields("500 Han characters", None, text=_text("在" * 500)),
        with_fields("501 Han characters", "too_long", text=_text("在" * 501)),
        with_fields("500 emoji", None, text=_text(GRINNING * 500)),
        with_fields("501 emoji", "too_long", text=_text(GRINNING * 501)),
        with_fields("251 emoji: over 500 in UTF-16", None, text=_text(GRINNING * 251)),
        with_fields("100 families of five code points", None, text=_text(FAMILY * 100)),
        with_fields("101 families", "too_long", text=_text(FAMILY * 101)),
        with_fields("500 escaped emoji", None, text=b'"' + b"\\ud83d\\ude00" * 500 + b'"'),
        with_fields("501 escaped emoji", "too_long", text=b'"' + b"\\ud83d\\ude00" * 501 + b'"'),
        with_fields("2,000 letters to a group", None, "group_message", text=_text("a" * 2_000)),
        with_fields("2,001 letters to a group", "too_long", "group_message", text=_text("a" * 2_001)),
        # words
        with_fields("unknown status", "unknown_value", "order", status=b'"shipped"'),
        with_fields("status in capitals", "unknown_value", "order", status=b'"PAID"'),
        with_fields("status and a blank", "unknown_value", "order", status=b'"paid "'),
        with_fields("status and a line break", "unknown_value", "order", status=b'"paid\\n"'),
        with_fields("status and a NUL", "unknown_value", "order", status=b'"paid\\u0000"'),
        with_fields("empty status", "unknown_value", "order", status=b'""'),
        with_fields("status in escapes", None, "order", status=b'"\\u0070aid"'),
        with_fields("unknown source where optional", "unknown_value", "order", source=b'"tv"'),
        with_fields("currency in small letters", "bad_format", "order", currency=b'"cny"'),
        with_fields("empty currency", "bad_format", "order", currency=b'""'),
        with_fields("currency of four", "bad_format", "order", currency=b'"CNYY"'),
        with_fields("currency and a line break", "bad_format", "order", currency=b'"CNY\\n"'),
        with_fields("currency behind a line break", "bad_format", "order", currency=b'"\\nCNY"'),
        with_fields("currency in wide letters", "bad_format", "order", currency=_text("\uff23\uff2e\uff39")),
        with_fields("unknown currency", None, "order", currency=b'"XYZ"'),
        # strings
        with_fields("NUL escape", None, text=b'"a\\u0000b"'),
        with_fields("NUL escape in an id", None, user_id=b'"a\\u0000b"'),
        with_fields("NUL byte in a string", "malformed_json", text=b'"a\x00b"'),
        with_fields("tab in a string", "malformed_json", text=b'"a\tb"'),
        with_fields("line break in a string", "malformed_json", text=b'"a\nb"'),
        with_fields("DEL in a string", None, text=b'"a\x7fb"'),
        with_fields("unknown escape", "malformed_json", text=b'"\\x41"'),
        with_fields("lone high surrogate", "malformed_json", text=b'"\\ud83d"'),
        with_fields("lone low surrogate", "malformed_json", text=b'"\\ude00"'),
        with_fields("surrogate pair", None, text=b'"\\ud83d\\ude00"'),
        with_fields("surrogates in UTF-8", "malformed_json", text=b'"\xed\xa0\xbd\xed\xb8\x80"'),
        with_fields("invalid UTF-8", "malformed_json", text=b'"\xff"'),
        with_fields("invalid UTF-8 in an id", "malformed_json", user_id=b'"\xc3"'),
        with_fields("overlong UTF-8", "malformed_json", text=b'"\xc0\xaf"'),
        with_fields("above U+10FFFF", "malformed_json", text=b'"\xf4\x90\x80\x80"'),
        # numbers that are none
        with_fields("NaN", "malformed_json", "like", count=b"NaN"),
        with_fields("Infinity", "malformed_json", "like", count=b"Infinity"),
        with_fields("leading zero", "malformed_json", "like", count=b"03"),
        with_fields("plus", "malformed_json", "like", count=b"+3"),
        with_fields("point without digits", "malformed_json", "like", count=b"3."),
        # unknown fields: whatever they hold, it must be JSON
        with_fields("unknown field", None, mood=b'"good"'),
        with_fields("unknown object", None, mood=b'{"text":5,"user_id":null}'),
        with_fields("unknown array", None, mood=b'[1,2.5e-7,{"a":[[]]},"\\u0000"]'),
        with_fields("unknown number beyond 64 bits", "malformed_json", mood=b"123456789012345678901234567890"),
        comment("unknown field with an empty name", None, b'{"":1,' + inside + b"}"),
        with_fields("unknown field in another case", None, Text=b"5", USER_ID=b"5"),
        with_fields("field in another case only", "missing_field", "like", count=b"null", Count=b"3"),
        with_fields("unknown NaN", "malformed_json", mood=b"NaN"),
        with_fields("unknown leading zero", "malformed_json", mood=b"01"),
        with_fields("unknown invalid UTF-8", "malformed_json", mood=b'"\xff"'),
        with_fields("unknown lone surrogate", "malformed_json", mood=b'"\\ud83d"'),
        with_fields("unknown tab in a string", "malformed_json", mood=b'"\t"'),
        with_fields("unknown, nested 100 levels", None, mood=nested(100)),
        with_fields("field of another topic, broken", None, count=b'"many"'),
        comment("invalid UTF-8 in an unknown name", "malformed_json", b'{"\xff":1,' + inside + b"}"),
        comment("lone surrogate in an unknown name", "malformed_json", b'{"\\ud83d":1,' + inside + b"}"),
        comment("NUL in an unknown name", None, b'{"a\\u0000":1,' + inside + b"}"),
        comment("known name and a NUL", None, b'{"text\\u0000":1,' + inside + b"}"),
        comment("name in escapes", None, whole.replace(b'"text"', b'"\\u0074ext"')),
        # names that stand twice: the last one counts
        comment("twice, first broken", "wrong_type", b'{"text":5,' + inside + b"}"),
        comment("twice, last broken", None, b"{" + inside + b',"text":5}'),
        comment("twice, last null", None, b"{" + inside + b',"text":null}'),
        comment("twice, first null", "missing_field", b'{"text":null,' + inside + b"}"),
        comment("twice, last in escapes", None, b"{" + inside + b',"\\u0074ext":5}'),
        comment("unknown name twice", None, b'{"mood":1,' + inside + b',"mood":2}'),
        # the first field that fails gives the reason, in the model's order and not the payload's
        with_fields("several: first missing, then wrong type", "missing_field", event_id=b"null", event_time=b'"x"'),
        with_fields("several: base before own", "too_long", text=b"5", user_id=_text("a" * 65)),
        comment(
            "several: payload's order does not matter",
            "too_short",
            b'{"text":5,"user_id":"",' + inside.replace(b'"user_id":"ann",', b"").replace(b',"text":"hi"', b"") + b"}",
        ),
        with_fields("several: status before source", "unknown_value", "order", status=b'"x"', source=b"5"),
        with_fields(
            "several: room of a group message before its group", "too_short", "group_message", room_id=b'""', group_id=b"5"
        ),
        # event times, against the record's timestamp BASE_MS
        with_fields("5 min ahead", None, event_time=str(BASE_MS + 300_000).encode()),
        with_fields("5 min and 1 ms ahead", "future_event_time", event_time=str(BASE_MS + 300_001).encode()),
        with_fields("in 2099", "future_event_time", event_time=b"4102444799999"),
        with_fields("ahead and broken", "wrong_type", event_time=b"4102444799999", text=b"5"),
    ]
    return found


EXAMPLES: tuple[Payload, ...] = tuple(_documents())
"""Payloads with their verdicts by hand, when the record's timestamp is `BASE_MS`."""


def _limits() -> list[Payload]:
    fields = VALID_FIELDS["comment"]
    found: list[tuple[str, Reason | None, bytes]] = [
        ("number beyond a double in an unknown field", "malformed_json", payload(fields | {"mood": b"1e400"})),
        ("number beyond a double in an integer", "malformed_json", payload(fields | {"schema_version": b"1e400"})),
        ("integer of 400 digits in an unknown field", "malformed_json", payload(fields | {"mood": b"9" * 400})),
        ("integer of 400 digits in an integer", "malformed_json", payload(fields | {"schema_version": b"9" * 400})),
        ("integer of 5,000 digits in an integer", "malformed_json", payload(fields | {"schema_version": b"9" * 5_000})),
        ("number too small for a double", None, payload(fields | {"mood": b"1e-400"})),
        ("1,023 levels below the object", None, payload(fields | {"mood": b"[" * 1_023 + b"]" * 1_023})),
        ("1,024 levels below the object", "malformed_json", payload(fields | {"mood": b"[" * 1_024 + b"]" * 1_024})),
        ("100,000 levels below the object", "malformed_json", payload(fields | {"mood": b"[" * 100_000 + b"]" * 100_000})),
        (
            "900 levels beside an integer of 30 digits",
            "malformed_json",
            payload(fields | {"mood": b"[" * 900 + b"]" * 900, "schema_version": b"9" * 30}),
        ),
        ("1,000,000 characters in an unknown field", None, payload(fields | {"mood": _text("a" * 1_000_000)})),
        ("1,000,000 characters of text", "too_long", payload(fields | {"text": _text("a" * 1_000_000)})),
    ]
    return [Payload(f"limit: {name}", "comment", value, verdict) for name, verdict, value in found]


LIMITS: tuple[Payload, ...] = tuple(_limits())
"""JSON by the letter of RFC 8259, which lets a parser set limits: where the judge's lie. Validators may differ here
only by decision."""


@st.composite
def broken(draw: st.DrawFn) -> Record:
    """A record whose payload is odd in some way; a few turn out valid, or late, or ahead of their time."""
    timestamp_ms = BASE_MS + draw(st.sampled_from((0, 0, 0, 0, 3_600_000, 3_600_001, -300_000, -300_001)))
    value_and_topic = draw(
        st.one_of(
            st.sampled_from(EXAMPLES).map(lambda example: (example.topic, example.value)),
            st.sampled_from(matrix()).map(lambda example: (example.topic, example.value)),
            _several_defects(),
            _damaged(),
        )
    )
    topic, value = value_and_topic
    return Record(topic=topic, key=key_field(topic).encode(), timestamp_ms=timestamp_ms, value=value)


@st.composite
def _several_defects(draw: st.DrawFn) -> tuple[str, bytes]:
    """Two or three fields with odd values, or missing, in any sequence, some names twice."""
    topic = draw(st.sampled_from(sorted(VALID_FIELDS)))
    items = list(VALID_FIELDS[topic].items())
    for _ in range(draw(st.integers(2, 3))):
        place = draw(st.integers(0, len(items) - 1))
        change = draw(st.sampled_from(("replace", "replace", "drop", "repeat")))
        odd = (items[place][0], draw(st.sampled_from(sorted(LITERALS.values()))))
        if change == "replace":
            items[place] = odd
        elif change == "repeat":
            items.append(odd)
        elif len(items) > 1:
            del items[place]
    items = draw(st.permutations(items))
    return topic, b"{" + b",".join(b'"' + name.encode() + b'":' + literal for name, literal in items) + b"}"


@st.composite
def _damaged(draw: st.DrawFn) -> tuple[str, bytes]:
    """A valid payload in which one stretch of bytes was lost or replaced by others."""
    topic = draw(st.sampled_from(sorted(VALID_FIELDS)))
    whole = payload(VALID_FIELDS[topic])
    start = draw(st.integers(0, len(whole)))
    end = draw(st.integers(start, min(len(whole), start + 4)))
    return topic, whole[:start] + draw(st.binary(max_size=4)) + whole[end:]
