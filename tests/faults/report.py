"""The table of what faults did, for people, for docs/measurements.md and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from rich.box import MARKDOWN
from rich.table import Table

from tests.faults.cases import CASES
from tests.faults.run import Result


def line(result: Result) -> str:
    """One result, as soon as it is there."""
    verdict = "ok   " if result.holds else "WRONG"
    timing = "" if result.recovery_seconds is None else f", fresh after {result.recovery_seconds:.1f} s"
    return (
        f"{verdict} {result.case} seed {result.seed}: {result.sent:,} sent, {result.lost} lost, {result.extra} extra, "
        f"{result.wrong} wrong of {result.rows:,} rows{timing}"
    )


def table(results: Sequence[Result]) -> Table:
    """A row a case: sums over its seeds, medians of its times."""
    shown = Table("Case", "What happens", box=MARKDOWN)
    for name in ("Seeds", "Sent", "Lost", "Extra", "Wrong", "Recovery, s", "Longest gap, s", "Catch-up, ×"):
        shown.add_column(name, justify="right")
    for name in dict.fromkeys(result.case for result in results):
        own = [result for result in results if result.case == name]
        shown.add_row(
            name,
            CASES[name].what,
            str(len(own)),
            f"{sum(result.sent for result in own):,}",
            *(str(sum(getattr(result, what) for result in own)) for what in ("lost", "extra", "wrong")),
            _middle(result.recovery_seconds for result in own),
            _middle(result.longest_gap_seconds for result in own),
            _middle(result.catch_up for result in own),
        )
    return shown


def _middle(values: Iterable[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{median(known):.1f}" if known else "–"
