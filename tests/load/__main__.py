"""`make soak`: the highest rate at which numbers stay fresh, that rate for half an hour, then three times as much for two minutes.

Exit 1 when something was lost, doubled or wrong, or numbers did not become fresh again.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from statistics import median

import orjson
from rich.console import Console
from rich.table import Table

from pipelines.verify.run import verdict
from pipelines.watch.demo import settle
from pipelines.watch.freshness import FreshnessProbe
from pipelines.watch.simulator import Simulator
from tests.faults.stack import Stack, own_stack
from tests.load import FRESH_SECONDS, ROOMS
from tests.load.plot import draw
from tests.load.samples import Sample, Sampler, growth_per_hour
from tests.stopping import stop_in_order

RATES = (3_000, 4_000, 5_000, 6_000, 7_000, 8_000, 10_000, 12_000)
FOLDER = Path("build/load")

_WARM_RATE, _WARM_SECONDS = 3_000, 180
_TRY_SECONDS, _JUDGED_SECONDS = 90, 50
_OVERLOAD, _OVERLOAD_SECONDS = 3, 120
_RECOVERS_WITHIN = 900
_STEADY_SECONDS = 20


class Load:
    """One stack under changing load."""

    def __init__(self, stack: Stack, probe: FreshnessProbe, sampler: Sampler, console: Console) -> None:
        self._stack, self._probe, self._sampler, self._console = stack, probe, sampler, console
        self._runs = 0
        self.sent = 0

    def send(self, phase: str, rate: int, seconds: float | None) -> float:
        """Sends at a rate, for so long or, with None, until numbers are fresh; returns how long it took."""
        self._runs += 1
        self._sampler.phase = phase
        log = self._stack.layout.logs / f"simulate-{self._runs}.log"
        began = time.monotonic()
        with Simulator(log, rate, ROOMS, seed=self._runs, duration=None) as simulator:
            while time.monotonic() - began < (_RECOVERS_WITHIN if seconds is None else seconds):
                time.sleep(1)
                assert simulator.running, f"the simulator ended: {log.read_text(encoding='utf-8')}"
                if seconds is None and time.monotonic() - began > _STEADY_SECONDS and self.p99(_STEADY_SECONDS) < FRESH_SECONDS:
                    break
            took = time.monotonic() - began
            sent = simulator.stop()
        self.sent += sent["sent"]
        self._console.print(
            f"{phase}: {sent['sent'] / sent['seconds']:,.0f}/s for {took:.0f} s, p99 {self.p99(_JUDGED_SECONDS):.2f} s"
        )
        return took

    def p99(self, seconds: float) -> float:
        """Of the last so many seconds, from produced to visible; infinite when nothing became visible."""
        found = self._probe.recent(seconds)
        return found.p99 if found else float("inf")

    def highest_fresh_rate(self) -> int:
        """The last of `RATES`, tried upwards, at which numbers were fresh."""
        self.send("warm-up", _WARM_RATE, _WARM_SECONDS)
        best = 0
        for rate in RATES:
            self.send(f"try {rate}", rate, _TRY_SECONDS)
            if self.p99(_JUDGED_SECONDS) >= FRESH_SECONDS:
                break
            best = rate
        assert best, f"not even {RATES[0]:,}/s is fresh"
        return best


def main() -> int:
    """Runs it, prints a table and writes samples and picture."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rate", type=int, help="events a second; looked for when left out")
    parser.add_argument("--minutes", type=float, default=30, help="how long that is kept up (default %(default)s)")
    asked = parser.parse_args()
    stop_in_order()
    logging.getLogger("clickhouse_driver").setLevel(logging.CRITICAL + 1)
    console = Console(highlight=False, soft_wrap=True)
    with own_stack() as stack, FreshnessProbe(stack.settings) as probe, Sampler(stack, probe) as sampler:
        os.environ.update(stack.environment)  # the simulator has its settings from there
        load = Load(stack, probe, sampler, console)
        rate = asked.rate or load.highest_fresh_rate()
        load.send("until fresh", rate, None)
        load.send("soak", rate, asked.minutes * 60)
        keep(sampler, rate, load.sent)
        console.print(freshness(sampler.of("soak")), table(sampler.of("soak")))
        load.send("overload", _OVERLOAD * rate, _OVERLOAD_SECONDS)
        recovered = load.send("recovery", rate, None)
        keep(sampler, rate, load.sent, recovered)
        console.print(
            f"{_OVERLOAD} times {rate:,}/s asked for during {_OVERLOAD_SECONDS} s, "
            f"then fresh again within {recovered:.0f} s; {load.sent:,} sent"
        )
        console.print("verify …")
        checks = settle(stack.settings, lambda _: None)
    console.print(verdict(checks))
    return 0 if all(check.holds for check in checks) and recovered < _RECOVERS_WITHIN else 1


def keep(sampler: Sampler, rate: int, sent: int, recovery_seconds: float | None = None) -> None:
    """Writes what was sampled so far, and draws it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = {"rate": rate, "sent": sent, "recovery_seconds": recovery_seconds, "samples": list(map(asdict, sampler.samples))}
    (FOLDER / "soak.json").write_bytes(orjson.dumps(found))
    draw(sampler.samples, FOLDER / "soak.png")


def freshness(samples: list[Sample]) -> str:
    """What one may say of the freshness of the whole soak, from its looks of ten seconds each."""
    p50 = [sample.p50 for sample in samples if sample.p50 is not None]
    p99 = [sample.p99 for sample in samples if sample.p99 is not None]
    fresh = sum(value < FRESH_SECONDS for value in p99) / len(samples)
    return (
        f"in {fresh:.1%} of the looks p99 was under {FRESH_SECONDS:.0f} s; median of the looks: "
        f"p50 {median(p50):.2f} s, p99 {median(p99):.2f} s; most: {max(p99):.2f} s"
    )


def table(samples: list[Sample]) -> Table:
    """How the second half of the soak differs from being flat."""
    second = samples[len(samples) // 2 :]
    moments = [sample.at for sample in second]
    shown = Table("", "mean of the second half", "growth in an hour")
    for name in sorted(second[-1].memory_mb):
        for what, unit in (("memory_mb", "MB"), ("files", "files")):
            values = [float(getattr(sample, what).get(name, 0)) for sample in second]
            shown.add_row(f"{name}, {unit}", f"{sum(values) / len(values):,.0f}", f"{growth_per_hour(moments, values):+.1%}")
    state = [(sample.at, sample.state_mb) for sample in second if sample.state_mb]
    values = [value for _, value in state]
    if len(values) > 1:
        growth = growth_per_hour([at for at, _ in state], values)
        shown.add_row("Flink's state, MB", f"{sum(values) / len(values):,.0f}", f"{growth:+.1%}")
    return shown


if __name__ == "__main__":
    sys.exit(main())
