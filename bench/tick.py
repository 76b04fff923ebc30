"""What a simulated tick costs beside PyBullet alone: `python -m bench.tick [--json]`.

The bare tick (set torques, step, read joint states) and the whole tick (plant, controller, profile, log) take turns in
one process and one scene, so that a noisy machine slows both.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from massage_arm.control.plan import PressPlan
from massage_arm.control.run_log import RunLog
from massage_arm.native import ContactState
from massage_arm.sim.press import PressSimulation

BATCH = 200
GOAL = 2.0


def figures(batches: int = 60) -> list[dict[str, Any]]:
    """The figures of the tick: the least of many batches each, in microseconds, and their ratio."""
    whole = PressSimulation(PressPlan(hold_s=90.0))
    bare = PressSimulation(PressPlan(hold_s=90.0))
    while whole.contact_state is not ContactState.HOLD:
        whole.advance(BATCH)
    world, torques = bare._world, bare._arm._plant.drive(0.0)
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
        _figure("tick.bare", "us", best["bare"], None),
        _figure("tick.whole", "us", best["whole"], None),
        _figure("tick.ratio", "1", ratio, GOAL),
    ]


def _figure(name: str, unit: str, value: float, goal: float | None) -> dict[str, Any]:
    met = None if goal is None else value <= goal
    return {"name": name, "unit": unit, "value": value, "goal": goal, "best_published": None, "met": met}


if __name__ == "__main__":
    result = figures()
    if "--json" in sys.argv[1:]:
        print(json.dumps(result, indent=2))
    else:
        for figure in result:
            print(f"{figure['name']:12} {figure['value']:8.2f} {figure['unit']:3} goal {figure['goal']}")
