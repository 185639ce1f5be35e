"""Deleting a stack's data."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import UserError
from pipelines.settings import Settings
from pipelines.stack.layout import Layout
from pipelines.stack.lifecycle import refuse_offsets_anew, wipe


def stack(tmp_path: Path) -> tuple[Settings, Layout]:
    settings = Settings(_env_file=None, home=tmp_path / "home")
    layout = Layout.of(settings)
    layout.create()
    return settings, layout


def test_a_home_that_was_open_to_others_keeps_its_data_to_its_owner(tmp_path: Path) -> None:
    (tmp_path / "home" / "kafka").mkdir(parents=True)  # as an older version made it
    _, layout = stack(tmp_path)
    assert {folder.name: folder.stat().st_mode & 0o777 for folder in layout.home.iterdir()} == dict.fromkeys(
        ("clickhouse", "flink", "kafka", "logs", "run", "secrets"), 0o700
    )


def test_all_of_it_is_deleted_and_it_says_so(tmp_path: Path) -> None:
    settings, layout = stack(tmp_path)
    said: list[str] = []
    wipe(settings, (), said.append)
    assert not layout.home.exists()
    assert said == [f"Deleted the data of kafka, clickhouse, flink in {layout.home}."]


@pytest.mark.parametrize("names", [("kafka",), ("kafka", "flink")])
def test_kafkas_data_goes_with_what_was_read_from_it(names: tuple[str, ...]) -> None:
    with pytest.raises(UserError, match="counts its offsets from 0 again"):
        refuse_offsets_anew(names)
    for allowed in ((), ("flink",), ("flink", "clickhouse", "kafka")):
        refuse_offsets_anew(allowed)


def test_what_cannot_be_deleted_is_named_and_the_rest_is_deleted(tmp_path: Path) -> None:
    settings, layout = stack(tmp_path)
    elsewhere = layout.home.rename(tmp_path / "elsewhere")
    layout.home.mkdir()
    (elsewhere / "clickhouse").rename(layout.home / "clickhouse")
    (layout.home / "kafka").symlink_to(elsewhere / "kafka")  # as somebody does whose disk is full
    said: list[str] = []
    with pytest.raises(UserError, match=r"kafka: .*symbolic link"):
        wipe(settings, (), said.append)
    assert said == []
    assert [path.name for path in layout.home.iterdir()] == ["kafka"]
