"""Imports point one way: schemas <- jobs, dashboards <- pipelines. Tests import all, deploy is files only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import schemas

ROOT = Path(schemas.__file__).parent.parent

MAY_IMPORT = {
    "schemas": set(),
    "jobs": {"schemas"},
    "dashboards": {"schemas", "jobs"},
    "pipelines": {"schemas", "jobs", "dashboards", "deploy"},
    "tests": {"schemas", "jobs", "dashboards", "pipelines", "deploy"},
}
"""Folder -> the others of ours that it may import from, in functions too. `deploy` is imported to find its files."""

KAFKA_PYTHON = {"KafkaConsumer", "KafkaProducer", "KafkaAdminClient"}


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """(line, top-level package) of every import in a file, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, (node.module or "").partition(".")[0] if not node.level else "a relative import"


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_imports_point_one_way(folder: str) -> None:
    forbidden = {*MAY_IMPORT, "deploy", "a relative import"} - MAY_IMPORT[folder] - {folder}
    paths = sorted((ROOT / folder).rglob("*.py"))
    assert paths
    wrong = [f"{path.relative_to(ROOT)}:{line}: {name}" for path in paths for line, name in imported(path) if name in forbidden]
    assert not wrong


def test_every_client_of_kafka_is_told_how_to_log_in() -> None:
    """Where Kafka is and how to log in comes from `pipelines.kafka`: else a client works until Kafka wants a password."""
    wrong = []
    for path in (ROOT / "pipelines").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Sender", "Retention"):
                given = any(keyword.arg == "login" for keyword in node.keywords)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.startswith("Kafka"):
                given = node.func.id not in KAFKA_PYTHON or any(keyword.arg is None for keyword in node.keywords)
            else:
                continue
            if not given:
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not wrong


def test_deploy_is_files_only() -> None:
    for path in (ROOT / "deploy").rglob("*.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        assert all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body), path
