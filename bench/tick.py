"""What a simulated tick costs beside PyBullet alone: `python -m bench.tick [--json]`.

The bare tick (set torques, step, read joint states) and the whole tick (plant, controller, profile, log) take turns in
one process and one scene, so that a noisy machine slows both.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from massage_arm.app.figures import print_json, print_table
from massage_arm.control.figure import Figure
from massage_arm.control.plan import PressPlan
from massage_arm.control.run_log import RunLog
from massage_arm.native import ContactState
from massage_arm.sim.press import PressSimulation

BATCH = 200
GOAL = 2.0


def figures(batches: int = 60) -> list[Figure]:
    """The figures of the tick: the least of many batches each, in microseconds, and their ratio."""
    whole = PressSimulation(PressPlan(hold_s=90.0))
    bare = PressSimulation(PressPlan(hold_s=90.0))
    while whole.contact_state is not ContactState.HOLD:
        if whole.advance(BATCH) is None:
            raise RuntimeError("the press ended before it held its force")
    world, torques = bare.world, bare.arm.plant.drive(0.0)
    best = {"whole": float("inf"), "bare": float("inf")}
    with tempfile.TemporaryDirectory() as folder, RunLog(Path(folder) / "run.mcap", whole.joint_names, {}) as log:
        for _ in range(batches):
            begin = time.perf_counter()
            for _ in range(BATCH):
                world.step(torques)
            middle = time.perf_counter()
            block = whole.advance(BATCH)
            assert block is not None
            log.write(block)
            end = time.perf_counter()
            best["bare"] = min(best["bare"], (middle - begin) / BATCH * 1e6)
            best["whole"] = min(best["whole"], (end - middle) / BATCH * 1e6)
    whole.close()
    bare.close()
    ratio = best["whole"] / best["bare"]
    return [
        Figure("tick.bare", "us", best["bare"]),
        Figure("tick.whole", "us", best["whole"]),
        Figure("tick.ratio", "1", ratio, GOAL),
    ]


if __name__ == "__main__":
    (print_json if "--json" in sys.argv else print_table)(figures())
