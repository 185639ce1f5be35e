"""Every golden case through Kafka, Flink and ClickHouse, side by side in one running pipeline."""

from __future__ import annotations

from collections import Counter

import pytest

from pipelines.settings import Settings
from tests.e2e.pipeline import await_tables, new_prefix, query, send, wait_for
from tests.golden.case import Case, cases


@pytest.fixture(scope="module")
def sent(stack: Settings) -> dict[str, str]:
    """All cases are sent at once; case -> its prefix."""
    prefixes = {case.id: new_prefix() for case in cases()}
    send(stack, (record for case in cases() for record in case.records(prefixes[case.id])))
    return prefixes


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.id)
def test_golden_case(case: Case, sent: dict[str, str], stack: Settings) -> None:
    prefix = sent[case.id]
    comparison = await_tables(stack, case.expected(prefix), prefix, own=lambda tables: case.own(tables, prefix))
    assert comparison.ok, f"{case.description}\n{comparison}"

    def stored() -> bool:
        [(late,)] = query(
            stack,
            " UNION ALL ".join(
                f"SELECT countIf(is_late) FROM {topic}_event FINAL WHERE startsWith(event_id, %(prefix)s)"
                for topic in ("comment", "group_message", "like", "order", "product", "view")
            ).join(("SELECT sum(*) FROM (", ")")),
            prefix=prefix,
        )
        sql = "SELECT reason, count() FROM dead_letter FINAL WHERE position(raw, %(prefix)s) > 0 GROUP BY reason"
        dead = Counter(dict(query(stack, sql, prefix=prefix)))
        return late == case.late and dead == case.dead_letters

    wait_for(stored, f"{case.late} late events and dead letters {dict(case.dead_letters)}", 30)
