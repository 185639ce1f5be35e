"""One seed of the quick cases, on the session's stack: what was killed comes back by itself, and nothing is lost or wrong."""

from __future__ import annotations

import pytest

from pipelines.settings import Settings
from tests.faults import report
from tests.faults.cases import CASES
from tests.faults.run import run
from tests.faults.stack import Stack

pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize("name", [case.name for case in CASES.values() if case.quick])
def test_nothing_is_lost_extra_or_wrong(name: str, stack: Settings, stack_env: dict[str, str]) -> None:
    result = run(Stack(stack, stack_env), CASES[name], seed=1)
    assert result.holds, f"{report.line(result)}\n{result.differences}"
    assert result.rows > 50
