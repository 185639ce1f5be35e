"""All checks in one go, and what they say together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipelines.verify.counters import check_counters
from pipelines.verify.records import check_records
from pipelines.verify.result import Check

if TYPE_CHECKING:
    from clickhouse_driver import Client

    from pipelines.settings import Settings


def run(
    settings: Settings, client: Client, wait_seconds: float, settle_seconds: int, progress: Callable[[str], object] = lambda _: None
) -> list[Check]:
    """Checks every topic and every table, and stores what was found in `verify_result`.

    Args:
        wait_seconds: how long storage may take to catch up with Kafka.
        settle_seconds: rows that counted a record stored this recently are left out.
        progress: told what is checked next.
    """
    checked_at = datetime.now(UTC)
    progress("records")
    checks = check_records(settings, client, wait_seconds)
    checks += check_counters(settings, client, settle_seconds, progress)
    client.execute(
        "INSERT INTO verify_result (checked_at, subject, promise, compared, left_out, lost, extra, wrong, seconds) VALUES",
        [(checked_at, c.subject, c.promise, c.compared, c.left_out, c.lost, c.extra, c.wrong, c.seconds) for c in checks],
    )
    return checks


def verdict(checks: Sequence[Check]) -> str:
    """One line, for example `0 lost, 0 extra, 0 wrong in 1,000 records and 200 rows of counters`."""
    lost, extra, wrong = (sum(getattr(check, name) for check in checks) for name in ("lost", "extra", "wrong"))
    records, rows = (sum(check.compared for check in checks if check.promise == promise) for promise in ("records", "counters"))
    left_out = sum(check.left_out for check in checks)
    rest = f"; {left_out:,} left out, still filling or older than what is kept" if left_out else ""
    return f"{lost:,} lost, {extra:,} extra, {wrong:,} wrong in {records:,} records and {rows:,} rows of counters{rest}"
