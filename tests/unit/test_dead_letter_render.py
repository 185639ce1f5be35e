"""A dead letter is shown whatever it holds, and does nothing to the terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.dead_letters.render import LONGEST, legible


@pytest.mark.parametrize(
    ("raw", "form", "text"),
    [
        (b'{"b":1,"a":[1.0]}', "JSON", '{\n  "b": 1,\n  "a": [\n    1.0\n  ]\n}'),
        ('{"text":"你好 🔥"}'.encode(), "JSON", '{\n  "text": "你好 🔥"\n}'),
        (b'{"a":1,"a":2}', "text", '{"a":1,"a":2}'),  # indented, one of the two would be gone
        (b'{"a":1', "text", '{"a":1'),
        (b"NaN", "text", "NaN"),
        (b"[" * 5_000 + b"]" * 5_000, "text", "[" * LONGEST),
        (b"9" * 4_000, "text", "9" * 4_000),
        (b"red \x1b[31m\r", "text", "red \\x1b[31m\\r"),
        (b'{"text":"\\u009b31m\\u202e"}', "JSON", '{\n  "text": "\\x9b31m\\u202e"\n}'),
        (b"\xff\x00A", "bytes", "00000000  ff 00 41                                         ..A"),
        (b"", "text", ""),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_bytes_are_legible(raw: bytes, form: str, text: str) -> None:
    shown = legible(raw)
    assert (shown.form, shown.text) == (form, text)


@pytest.mark.parametrize("raw", [b"x" * 1_000_000, b"\xff" * 1_000_000, b'{"a":"' + b"x" * 1_000_000 + b'"}'])
def test_long_ones_are_cut_and_say_so(raw: bytes) -> None:
    shown = legible(raw)
    assert shown.cut
    assert len(shown.text) < 2 * LONGEST
    assert not legible(raw[:500]).cut


@given(st.binary() | st.text().map(str.encode))
def test_nothing_steers_the_terminal(raw: bytes) -> None:
    assert legible(raw).text.replace("\n", "").isprintable()
