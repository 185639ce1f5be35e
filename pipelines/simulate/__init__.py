"""Believable broadcasts from a seed: rooms, viewers, comments, orders, chat, and what goes wrong on the way.

    for record in Simulation(SimulationSettings(start_ms=1_767_225_600_000, duration_seconds=60)).records():
        ...

`world` is the clock and the agenda; `rooms`, `audience`, `shopping` and `chat` say what happens; `faults` turns that into
records in the order of sending; `simulation` is the loop over them.
"""

from pipelines.simulate.settings import SimulationSettings
from pipelines.simulate.simulation import Simulation

__all__ = ["Simulation", "SimulationSettings"]
