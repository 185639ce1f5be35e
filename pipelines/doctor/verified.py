"""What the last `livepulse verify` said."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.clickhouse import connect
from pipelines.doctor.finding import Finding, Level, span
from pipelines.settings import Settings

OLD_SECONDS = 86_400
"""A result that is older proves little of today's numbers."""


def look(settings: Settings) -> list[Finding]:
    """The newest rows of verify_result."""
    with connect(settings) as client:
        rows = client.execute(
            """SELECT subject, lost + extra + wrong, dateDiff('second', checked_at, now()) FROM verify_result
            WHERE checked_at = (SELECT max(checked_at) FROM verify_result)"""
        )
    return [judge({subject: differences for subject, differences, _ in rows}, rows[0][2] if rows else None)]


def judge(differences: Mapping[str, int], age_seconds: float | None) -> Finding:
    """A difference is a problem, an old result a warning.

    Args:
        differences: topic or table -> lost, extra and wrong together.
        age_seconds: None where verify never ran.
    """
    check, help_ = "verify", "livepulse verify"
    if age_seconds is None:
        return Finding(check, Level.UNKNOWN, "never ran here", help_)
    wrong = {subject: count for subject, count in differences.items() if count}
    if wrong:
        said = ", ".join(f"{subject} {count:,}" for subject, count in sorted(wrong.items(), key=lambda item: -item[1]))
        seen = f"differences {span(age_seconds)} ago: {said}"
        return Finding(check, Level.PROBLEM, seen, f"{help_}    (docs/runbook.md#verify-difference)")
    if age_seconds > OLD_SECONDS:
        return Finding(check, Level.WARNING, f"found no difference, but {span(age_seconds)} ago", help_)
    return Finding(check, Level.OK, f"no difference in {len(differences)} topics and tables, {span(age_seconds)} ago")
