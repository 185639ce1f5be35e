"""What `make protections` takes away is still there to be taken away."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.cases import CASES
from tests.faults.protections import PROTECTIONS, Protection, without


@pytest.mark.parametrize("protection", PROTECTIONS, ids=lambda protection: protection.what)
def test_it_can_be_taken_away(protection: Protection, tmp_path: Path) -> None:
    assert protection.case in CASES
    without(protection, tmp_path)
    assert (tmp_path / "pipelines" / "cli" / "__init__.py").is_file()
