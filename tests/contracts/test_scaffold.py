"""`livepulse new` in a copy of the sources: what CONTRIBUTING names is all that a new event or metric touches, and it works."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import pytest
import yaml

import schemas
from jobs.catalogue import jobs
from pipelines.clickhouse import connect
from pipelines.errors import UserError
from pipelines.produce import Sender
from pipelines.scaffold import Kind, skeleton
from pipelines.settings import Settings
from pipelines.topics import admin
from schemas.topics import topics
from tests.e2e.pipeline import new_prefix, query, send, wait_for
from tests.golden.case import Case

ROOT = Path(schemas.__file__).parent.parent
SOURCES = ("schemas", "jobs", "pipelines", "dashboards", "deploy", "tests")
EVENT, METRIC = "gift", "entering_users"
PLACES = {"<event>": EVENT, "<metric>": METRIC, "<topic>": "view", "<case>": "*"}

Tree = dict[str, bytes]


@dataclass(frozen=True)
class Checkout:
    """A copy of the sources."""

    folder: Path

    def python(self, *arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Runs Python so that it imports from the copy."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("LIVEPULSE_")}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=inherited
            | {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "160"}
            | (environment or {}),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def livepulse(self, *arguments: str, code: int = 0, environment: dict[str, str] | None = None) -> str:
        """Runs the copy's command line; returns all that it says."""
        done = self.python("-c", "from pipelines.cli import main; main()", *arguments, environment=environment)
        said = done.stdout + done.stderr
        assert done.returncode == code, f"livepulse {' '.join(arguments)} ended with {done.returncode}:\n{said}"
        return said

    def tree(self) -> Tree:
        """Path -> content of every file."""
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}


def copy_sources(folder: Path, *names: str) -> Checkout:
    for name in names:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "target"))
    return Checkout(folder)


def changed(before: Tree, after: Tree) -> set[str]:
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def named(section: str) -> list[str]:
    """Files and folders (ending with /) that the numbered steps of a section of CONTRIBUTING name, as patterns."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    steps = re.findall(r"^\d+\. .*(?:\n   .*)*", text, re.MULTILINE)
    assert len(steps) > 4
    paths = [path for step in steps for path in re.findall(rf"`((?:{'|'.join(SOURCES)})/[^`\s]*)`", step)]
    for place, value in PLACES.items():
        paths = [path.replace(place, value) for path in paths]
    return paths


@dataclass(frozen=True)
class Scaffolded:
    """A checkout after the steps, and which files changed by which."""

    checkout: Checkout
    event: set[str]
    metric: set[str]
    generated: set[str]


@pytest.fixture(scope="module")
def scaffolded(tmp_path_factory: pytest.TempPathFactory) -> Scaffolded:
    checkout = copy_sources(tmp_path_factory.mktemp("checkout"), *SOURCES)
    shutil.copy(ROOT / "pyproject.toml", checkout.folder)
    trees = [checkout.tree()]
    checkout.livepulse("new", "event", EVENT)
    trees.append(checkout.tree())
    checkout.livepulse("new", "metric", METRIC)
    view = checkout.folder / "schemas" / "topics" / "view.yaml"
    view.write_text(view.read_text().replace("flink:dwell", f"flink:dwell, flink:{METRIC}"))
    trees.append(checkout.tree())
    checkout.livepulse("generate")
    trees.append(checkout.tree())
    return Scaffolded(checkout, *(changed(before, after) for before, after in pairwise(trees)))


@pytest.mark.parametrize(("section", "kind"), [("Add an event", "event"), ("Add a metric", "metric")])
def test_the_files_are_those_that_contributing_names(section: str, kind: str, scaffolded: Scaffolded) -> None:
    touched: set[str] = getattr(scaffolded, kind)
    patterns = [path for path in named(section) if not path.endswith("/")]
    assert not {path for path in touched if not any(fnmatchcase(path, pattern) for pattern in patterns)}
    assert not {pattern for pattern in patterns if not any(fnmatchcase(path, pattern) for path in touched)}


def test_all_else_is_generated(scaffolded: Scaffolded) -> None:
    folders = [path for path in named("Add an event") if path.endswith("/")]
    # A metric is no topic: only the event is in ClickHouse's configuration.
    assert [path for path in folders if path != "deploy/compose/generated/"] == [
        path for path in named("Add a metric") if path.endswith("/")
    ]
    assert not {path for path in scaffolded.generated if not path.startswith(tuple(folders))}
    assert all(any(path.startswith(folder) for path in scaffolded.generated) for folder in folders)
    assert "up to date" in scaffolded.checkout.livepulse("generate", "--check")


def test_the_migration_makes_the_table_and_the_column(scaffolded: Scaffolded) -> None:
    [path] = [path for path in scaffolded.generated if path.endswith("_tables.sql")]
    migration = (scaffolded.checkout.folder / path).read_text()
    assert f"CREATE TABLE IF NOT EXISTS {EVENT}_event" in migration
    assert f"ALTER TABLE room_1m_counters ADD COLUMN IF NOT EXISTS {METRIC} SimpleAggregateFunction(max, UInt64)" in migration
    assert migration.count(";\n") == 2


def test_the_application_has_it(scaffolded: Scaffolded) -> None:
    """The script for Flink, of the new job alone and of all."""
    code = f"""
from jobs.catalogue import jobs
from pipelines.flink.script import script
from pipelines.settings import Settings
for chosen in [jobs()["{METRIC}"]], list(jobs().values()):
    made = script(chosen, Settings(), group="test")
    print(sum("`{METRIC}_room`" in one for one in made.definitions), sum("INTO {METRIC}_room" in one for one in made.inserts))
"""
    done = scaffolded.checkout.python("-c", code)
    assert done.stdout.splitlines() == ["1 1", "1 1"], done.stderr


def test_nothing_else_needs_to_know(scaffolded: Scaffolded) -> None:
    """Lint, and the tests that go over all events, topics, jobs and golden cases, pass in the changed copy."""
    code = sorted(path for path in scaffolded.event if path.endswith(".py"))
    tests = (
        "tests/unit/test_judge.py",
        "tests/contracts/test_examples.py",
        "tests/contracts/test_imports.py",
        f"tests/contracts/test_scaffold.py::{test_topics_name_their_readers.__name__}",
    )
    for arguments in (
        ("ruff", "check", "--no-cache", *code),
        ("ruff", "format", "--no-cache", "--check", *code),
        ("pytest", "-q", "-p", "no:cacheprovider", *tests),
    ):
        done = scaffolded.checkout.python("-m", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr


def test_topics_name_their_readers() -> None:
    for topic in topics().values():
        readers = {consumer for consumer in topic.consumers if consumer.startswith("flink:")}
        assert readers == {f"flink:{job.name}" for job in jobs().values() if topic.name in job.topics}
        assert f"clickhouse:{topic.name}_event" in topic.consumers


@pytest.mark.parametrize(
    ("kind", "name", "why"),
    [
        ("event", "comment", "There is already an event"),
        ("metric", "dwell", "There is already a job"),
        ("metric", "viewers", "There is already a counter"),
        ("metric", "room_id", "There is already a key"),
        ("event", "Gift", "cannot be the name"),
        ("event", "gift_2", "cannot be the name"),  # its class would be Gift2, and its topic gift2
        ("event", "../gift", "cannot be the name"),
        ("event", "none", "cannot be the name"),  # class None
        ("event", "event", "cannot be the name"),  # class Event(Event)
        ("metric", "on", "cannot be the name"),  # YAML's word for true
        ("metric", "interaction_rate", "There is already a rate"),
        ("metric", "import", "cannot be the name"),
        ("metric", "first_gift_at", "would be taken for one"),
    ],
)
def test_a_name_that_cannot_be_is_refused(kind: Kind, name: str, why: str) -> None:
    with pytest.raises(UserError, match=why) as caught:
        skeleton(kind, name)
    assert caught.value.exit_code == 2


def test_what_is_there_is_left_alone(scaffolded: Scaffolded) -> None:
    before = scaffolded.checkout.tree()
    said = scaffolded.checkout.livepulse("new", "event", "base", code=1)  # schemas/events/base.py, though no event
    assert "There is already schemas/events/base.py" in said
    assert scaffolded.checkout.tree() == before


def test_without_sources_there_is_nothing_to_add_to(tmp_path: Path) -> None:
    installed = copy_sources(tmp_path, "schemas", "jobs", "pipelines")
    before = installed.tree()
    assert "without its sources" in installed.livepulse("new", "event", EVENT, code=1)
    assert installed.tree() == before


# On real services


@pytest.fixture
def deployed(scaffolded: Scaffolded, stack: Settings, stack_env: dict[str, str]) -> Iterator[Settings]:
    """The session's services with the copy's tables in a database of their own, and the new job as an application of its own."""
    settings = stack.model_copy(update={"clickhouse_database": f"scaffold_{uuid4().hex[:8]}"})
    environment = {name: value for name, value in stack_env.items() if name.startswith("LIVEPULSE_")}
    environment["LIVEPULSE_CLICKHOUSE_DATABASE"] = settings.clickhouse_database
    checkout = scaffolded.checkout
    try:
        migrations = len(list((checkout.folder / "schemas" / "clickhouse" / "migrations").glob("[0-9]*.sql")))
        assert f"{migrations} migrations applied" in checkout.livepulse("migrate", environment=environment)
        assert "0 migrations applied" in checkout.livepulse("migrate", environment=environment)
        everything = checkout.livepulse("jobs", "submit", code=1, environment=environment)
        assert f"Or start the others beside it: livepulse jobs submit {METRIC}\n" in everything
        checkout.livepulse("jobs", "submit", METRIC, environment=environment)
        yield settings
        assert "runs already" in checkout.livepulse("jobs", "submit", METRIC, environment=environment)
        checkout.livepulse("jobs", "stop", METRIC, "--no-savepoint", environment=environment)
    finally:
        with connect(settings, "default") as client:
            client.execute(f"DROP DATABASE IF EXISTS {settings.clickhouse_database} SYNC")
        kafka = admin(settings)
        kafka.delete_topics([EVENT, f"metric_{METRIC}_room"])
        kafka.close()


@pytest.mark.timeout(900)  # with the start of the session's stack, where it is the first to ask for it
def test_it_runs(deployed: Settings, scaffolded: Scaffolded) -> None:
    folder = scaffolded.checkout.folder
    case = Case.read(folder / "tests" / "golden" / METRIC / "first")
    prefix = new_prefix()
    send(deployed, case.records(prefix))
    rows = yaml.safe_load((case.path / "expect.yaml").read_text())["rows"]["room_1m"]
    expected = [(row["key"]["window_start"].replace(tzinfo=None), row[METRIC]) for row in rows]

    def counted() -> bool:
        sql = f"SELECT toDateTime(window_start, 'UTC'), {METRIC} FROM room_1m WHERE room_id = %(room)s ORDER BY window_start"
        found = query(deployed, sql, room=f"{prefix}room")
        return [(start.replace(tzinfo=None), count) for start, count in found] == expected

    wait_for(counted, f"{METRIC} as {case.path} expects: {expected}")

    now = int(time.time() * 1_000)
    with Sender(deployed.kafka_address) as sender:
        for example in (folder / "schemas" / "examples" / EVENT).glob("*/*.json"):
            if example.stem in ("minimal", "out_of_range-count"):
                event = json.loads(example.read_bytes()) | {"event_time": now}
                sender.send(EVENT, event["room_id"], json.dumps(event).encode(), now)
    wait_for(lambda: query(deployed, f"SELECT count FROM {EVENT}_event FINAL") == [(3,)], f"an event in {EVENT}_event")
    dead = "SELECT reason, field FROM dead_letter FINAL WHERE _topic = %(topic)s"
    wait_for(lambda: query(deployed, dead, topic=EVENT) == [("out_of_range", "count")], "a dead letter")

    # Forgetting a person covers the new event as it is.
    user = json.loads((folder / "schemas" / "examples" / EVENT / "pass" / "minimal.json").read_bytes())["user_id"]
    environment = {f"LIVEPULSE_{name.upper()}": str(getattr(deployed, name)) for name in ("home", "clickhouse_port", "kafka_port")}
    environment["LIVEPULSE_CLICKHOUSE_DATABASE"] = deployed.clickhouse_database
    said = json.loads(scaffolded.checkout.livepulse("forget-user", user, "--json", environment=environment).partition("\n")[0])
    assert (said["rows"][f"{EVENT}_event"], said["remains"]) == (1, [])
    assert query(deployed, f"SELECT startsWith(user_id, 'forgotten-') FROM {EVENT}_event FINAL") == [(1,)]
