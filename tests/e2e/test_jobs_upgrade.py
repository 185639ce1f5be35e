"""From the commit before to this one by savepoint, and back: nothing is lost, doubled or begun in the middle."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.settings import Settings
from pipelines.stack.layout import Layout
from tests.conftest import Cli, settings_of
from tests.e2e.pipeline import await_verified, broadcasts, send

pytestmark = pytest.mark.timeout(900)

ROOT = Path(__file__).parent.parent.parent
JAVA = ("pipelines/flink_extension", "deploy/local/pom.xml")
"""What the jars of an application are made from."""
PLAN = ("jobs", "schemas", *(f"pipelines/flink/{name}.py" for name in ("application", "plan", "script")), "requirements.lock")
"""What its plan is made from: where none of it has changed, every count must go on."""


def git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory, stack_env: dict[str, str]) -> Iterator[Cli]:
    """`livepulse` as it was at the commit before, with its jars; at the last commit, where something is not committed yet."""
    folder = tmp_path_factory.mktemp("before") / "livepulse"
    commit = commit_before()
    made = git("worktree", "add", "--detach", str(folder), commit)
    if made.returncode != 0:
        pytest.skip(f"the commit before is not here: {made.stderr.strip()}")
    environment = stack_env | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}

    def cli(*arguments: str, **overrides: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from pipelines.cli import main; main()", *arguments],
            cwd=folder,
            env=environment | overrides,
            capture_output=True,
            text=True,
            timeout=300,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    try:
        if git("diff", "--quiet", commit, "--", *JAVA).returncode != 0:
            components = folder.parent / "components"
            shutil.copytree(Layout.of(settings_of(stack_env)).components, components)
            environment["LIVEPULSE_COMPONENTS"] = str(components)
            succeed(cli("install"))
        yield cli
    finally:
        git("worktree", "remove", "--force", str(folder))


def commit_before() -> str:
    """The last commit, where something is not committed yet."""
    return "HEAD" if git("status", "--porcelain", "--untracked-files=no").stdout.strip() else "HEAD~1"


def succeed(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stdout + done.stderr


def go_on(version: Cli) -> None:
    """From the savepoint; where the SQL has changed since, that must be said, and everything is counted again."""
    resumed = version("jobs", "resume")
    if resumed.returncode != 0:
        assert git("diff", "--quiet", commit_before(), "--", *PLAN).returncode != 0, resumed.stderr
        assert "has changed since it was stopped" in resumed.stderr, resumed.stdout + resumed.stderr
        succeed(version("jobs", "submit"))


def test_an_upgrade_and_a_rollback_keep_every_count(before: Cli, cli: Cli, stack: Settings) -> None:
    # Half a minute of the same people: who counts for the first time now depends on what the version before remembered. Each
    # part but the first begins with records that it counted already.
    records = list(broadcasts(11))
    succeed(cli("jobs", "stop", "--no-savepoint"))
    succeed(before("jobs", "submit"))
    send(stack, records[:5_000])
    await_verified(cli)
    succeed(before("jobs", "stop"))
    go_on(cli)
    send(stack, records[4_000:10_000])
    await_verified(cli)
    succeed(cli("jobs", "stop"))
    go_on(before)
    send(stack, records[9_000:])
    await_verified(cli)
    succeed(before("jobs", "stop"))
    go_on(cli)
