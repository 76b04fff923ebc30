"""What one controller step costs: `python -m bench.step [--json]`; instructions need `valgrind` on the PATH.

Instructions are counted by callgrind as the difference of two run lengths of a Python child, so the child's start
does not count but the call from Python does. `Controller.step` holds the whole step that Pinocchio is compared at
(kinematics, Jacobian, mass matrix, bias, task inertia, damping, wrench, null space, limits) and contact states, force
loop and slews on top of it, so its count is an upper bound for that step.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from typing import Any

import numpy as np
from massage_arm.control.tool import load_tool
from massage_arm.native import ArmModel, ArmState, Controller, ControllerSettings, SetPoint
from massage_arm.urdf import TCP, arm_description, arm_with_tool

PINOCCHIO_INSTRUCTIONS = 30_298  # the same step in C++ with Pinocchio 4.1, header-only, -O3 x86-64, iiwa
SHORT, LONG = 2_000, 12_000


def make() -> tuple[Controller, ArmState, SetPoint, str]:
    """An active iiwa controller off its set-point, and the URDF it was made from."""
    description = arm_description("iiwa14")
    urdf = arm_with_tool(description, load_tool("thumb").file)
    model = ArmModel.from_urdf(urdf, TCP, base=description.base)
    controller = Controller(model, ControllerSettings(), description.torque_limits, description.torque_rates)
    state, set_point = ArmState(7), SetPoint()
    state.q[:] = (0.1, 0.5, 0.2, -1.2, 0.3, 0.8, 0.1)
    state.dq[:] = 0.01
    controller.activate(state)
    set_point.position[:] = model.forward(state.q)[:3, 3] + (0.0, 0.0, 0.01)
    set_point.quaternion[:] = (1.0, 0.0, 0.0, 0.0)
    set_point.stiffness[:] = (500.0, 150.0, 10.0)
    return controller, state, set_point, urdf


def run(steps: int) -> float:
    """Seconds for `steps` steps."""
    controller, state, set_point, _ = make()
    step = controller.step
    begin = time.perf_counter()
    for _ in range(steps):
        step(state, set_point, 0.001)
    return time.perf_counter() - begin


def instructions() -> float | None:
    """Instructions per step, the call from Python and the loop around it included; None without valgrind."""
    if shutil.which("valgrind") is None:
        return None
    return (_collected(LONG) - _collected(SHORT)) / (LONG - SHORT)


def _collected(steps: int) -> int:
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable, "-m", "bench.step"]
    result = subprocess.run([*command, "--child", str(steps)], capture_output=True, text=True, check=True)
    found = re.search(r"Collected : (\d+)", result.stderr)
    assert found is not None, result.stderr
    return int(found[1])


def pinocchio_ns(urdf: str) -> float:
    """Least ns of Pinocchio's computeAllTerms (no law, no limits) called from Python, made in this run."""
    import pinocchio

    model = pinocchio.buildModelFromXML(urdf)
    data = model.createData()
    q, v = np.full(model.nq, 0.3), np.full(model.nv, 0.1)
    best = float("inf")
    for _ in range(200):
        begin = time.perf_counter()
        for _ in range(100):
            pinocchio.computeAllTerms(model, data, q, v)
        best = min(best, (time.perf_counter() - begin) / 100 * 1e9)
    return best


def figures() -> list[dict[str, Any]]:
    """Instructions, time, ratios and allocations of a step."""
    controller, state, set_point, urdf = make()
    least = min(run(200) for _ in range(200)) / 200 * 1e9
    before = sys.getallocatedblocks()
    for _ in range(10_000):
        controller.step(state, set_point, 0.001)
    allocated = sys.getallocatedblocks() - before
    count = instructions()
    share = None if count is None else count / PINOCCHIO_INSTRUCTIONS
    return [
        _figure("step.instructions", "1", count, 20_000.0),
        _figure("step.instructions_against_pinocchio", "1", share, 0.5),
        _figure("step.time", "ns", least, None),
        _figure("step.time_against_pinocchio_all_terms", "1", least / pinocchio_ns(urdf), None),
        _figure("step.allocations", "1", float(max(0, allocated - 2)), 0.0),
    ]


def _figure(name: str, unit: str, value: float | None, goal: float | None) -> dict[str, Any]:
    met = None if goal is None or value is None else value <= goal
    return {"name": name, "unit": unit, "value": value, "goal": goal, "best_published": None, "met": met}


if __name__ == "__main__":
    if "--child" in sys.argv:
        run(int(sys.argv[-1]))
    elif "--json" in sys.argv:
        print(json.dumps(figures(), indent=2))
    else:
        for figure in figures():
            print(f"{figure['name']:42} {figure['value']} {figure['unit']} goal {figure['goal']}")
