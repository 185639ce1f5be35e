"""400,000 simulated events with every kind of fault: the judge, verify, and the pipeline must agree exactly."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from pipelines.recording import Record, to_line
from pipelines.settings import Settings
from pipelines.simulate import Simulation, SimulationSettings
from tests.conftest import Cli
from tests.e2e.pipeline import await_tables, new_prefix, query, send, wait_for
from tests.golden.case import TIME_ZONE
from tests.judge.recompute import Judgement, recompute
from tests.judge.tables import Tables
from tests.recordings import read

EVENTS = 400_000
SEED = 20_261_122


@pytest.fixture(scope="module")
def run(stack: Settings, tmp_path_factory: pytest.TempPathFactory) -> Judgement:
    """Sends the run, recording it as JSON Lines, and lets the judge recompute it from the recording alone."""
    recording = tmp_path_factory.mktemp("run") / "sent.jsonl"
    settings = SimulationSettings(
        start_ms=int(time.time() * 1_000) - 600_000,
        seed=SEED,
        events=EVENTS,
        rate=1_000,
        rooms=12,
        room_prefix=new_prefix() + "room",  # other tests simulate rooms in this stack too
        duplicates=0.02,
        disorder=0.05,
        late=0.01,
        malformed=0.005,
    )

    def recorded() -> Iterator[Record]:
        with recording.open("wb") as out:
            for record in Simulation(settings).records():
                out.write(to_line(record))
                yield record

    assert send(stack, recorded()) == EVENTS
    return recompute(read([recording]), time_zone=TIME_ZONE)


def test_counters_equal_an_independent_recomputation(run: Judgement, stack: Settings) -> None:
    rooms = {str(key[0]) for table in run.tables.values() for key in table}

    def own(tables: Tables) -> Tables:
        return {name: {key: row for key, row in rows.items() if key[0] in rooms} for name, rows in tables.items()}

    comparison = await_tables(stack, run.tables, "", seconds=240, own=own)
    assert comparison.ok, str(comparison)
    assert comparison.compared > 2_000


def test_every_record_is_stored_once_with_the_judges_verdict(run: Judgement, stack: Settings) -> None:
    summary = run.summary()
    assert summary["late"] > EVENTS * 0.005
    assert sum(count for kind, count in summary.items() if kind not in ("valid", "late")) > EVENTS * 0.003

    def dead() -> bool:
        rows = query(stack, "SELECT reason, count() FROM dead_letter FINAL GROUP BY reason")
        # Other tests send broken records too: at least these are there, and verify says that none is there twice.
        return all(dict(rows).get(reason, 0) >= count for reason, count in summary.items() if reason not in ("valid", "late"))

    wait_for(dead, "a dead letter for every record that the judge refuses")


def test_verify_finds_no_difference(run: Judgement, cli: Cli) -> None:
    done = cli("verify", "--json", "--settle", "0")
    report = json.loads(done.stdout)
    differing = [check for check in report["checks"] if check["lost"] or check["extra"] or check["wrong"]]
    assert done.returncode == 0, differing
    assert report["verdict"].startswith("0 lost, 0 extra, 0 wrong")
    assert sum(check["compared"] for check in report["checks"] if check["promise"] == "records") >= EVENTS
