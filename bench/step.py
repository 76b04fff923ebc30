"""What one controller step costs: `python -m bench.step [--json]`; instructions need `valgrind` on the PATH.

The step is taken while pressing, so that contact state, force loop and slews are in it, on top of the step that
Pinocchio is compared at (kinematics, Jacobian, mass matrix, bias, mobility, damping, wrench, null space, limits).

The compiled loop (`native_loop.pyx`) takes the step without Python: callgrind counts the instructions inside it, and
what the call from Python adds is the difference of the two loops.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence

import numpy as np
from massage_arm.app.figures import print_json, print_table
from massage_arm.control.figure import Figure
from massage_arm.control.tool import load_tool
from massage_arm.native import (
    ArmModel,
    ArmState,
    ContactState,
    Controller,
    ControllerSettings,
    GuardLimits,
    SetPoint,
    Task,
)
from massage_arm.urdf import TCP, arm_description, arm_with_tool
from scipy.spatial.transform import Rotation

from .native_loop import native_steps

PINOCCHIO_INSTRUCTIONS = 30_298.0
COUNTED = 5_000  # steps
# Time, encoders and sensor stand still while the steps are counted: what would notice that looks, but lets it pass.
STILL = GuardLimits(clock_jump=1e9, frozen_time=1e9, disagree_force=1e9, collision_torque=1e9)


def make() -> tuple[Controller, ArmState, SetPoint, str]:
    """An iiwa controller that presses with 20 N, its inputs, and the URDF it was made from."""
    description = arm_description("iiwa14")
    urdf = arm_with_tool(description, load_tool("thumb").file)
    model = ArmModel.from_urdf(urdf, TCP, base=description.base)
    controller = Controller(
        model, ControllerSettings(), description.torque_limits, description.torque_rates, limits=STILL
    )
    state, set_point = ArmState(7), SetPoint()
    state.q[:] = (0.1, 0.5, 0.2, -1.2, 0.3, 0.8, 0.1)
    state.has_wrench = True
    controller.activate(state)
    controller.tare(np.zeros(6), state.q)
    pose = model.forward(state.q)
    set_point.position[:] = pose[:3, 3] + (0.002, 0.001, 0.0)
    set_point.press_direction[:] = pose[:3, 2]
    set_point.quaternion[:] = Rotation.from_matrix(pose[:3, :3]).as_quat()
    set_point.stiffness[:] = (500.0, 150.0, 10.0)
    set_point.force, set_point.force_rate, set_point.approach_speed, set_point.valid_until = 20.0, 60.0, 0.05, 1e9
    controller.step(state, set_point, 0.001)
    set_point.task = Task.PRESS
    status = controller.status
    state.dq[:] = 0.01
    while status.contact_state is not ContactState.HOLD:
        touching = status.contact_state is not ContactState.IDLE
        state.wrench[:3] = -max(4.0, status.force_reference) * touching * np.array([0.0, 0.0, 1.0])
        controller.step(state, set_point, 0.001)
        if status.causes:
            raise RuntimeError(f"the press was stopped: {status.causes!r}")
    return controller, state, set_point, urdf


def steps_per_call(steps: int, native: bool) -> Callable[[], None]:
    """A function that takes `steps` steps, in Python or in the compiled loop."""
    controller, state, set_point, _ = make()
    if native:
        loop = native_steps()
        return lambda: loop(controller, state, set_point, steps)

    def run() -> None:
        step = controller.step
        for _ in range(steps):
            step(state, set_point, 0.001)

    return run


def least_ns(calls: Sequence[Callable[[], object]], batch: int) -> list[float]:
    """The least time of one of the `batch` things that each call does; they take turns, so noise hits all alike."""
    best = [float("inf")] * len(calls)
    for _ in range(300):
        for k, call in enumerate(calls):
            begin = time.perf_counter()
            call()
            best[k] = min(best[k], time.perf_counter() - begin)
    return [seconds / batch * 1e9 for seconds in best]


def repeated(call: Callable[[], object]) -> Callable[[], None]:
    """The call fifty times."""

    def repeat() -> None:
        for _ in range(50):
            call()

    return repeat


def instructions() -> float:
    """Instructions of a step, counted inside the compiled loop of a child; NaN without valgrind."""
    if shutil.which("valgrind") is None:
        return float("nan")
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*pw*native_steps"]
    child = [sys.executable, "-m", "bench.step", "--child"]
    result = subprocess.run([*command, *child], capture_output=True, text=True, check=True)
    found = re.search(r"Collected : (\d+)", result.stderr)
    assert found is not None, result.stderr
    return int(found[1]) / COUNTED


def allocations() -> float:
    """Blocks of memory that 9,000 further steps leave behind."""

    def left(steps: int) -> int:
        run = steps_per_call(steps, native=False)
        run()
        before = sys.getallocatedblocks()
        run()
        return sys.getallocatedblocks() - before

    return float(abs(left(10_000) - left(1_000)))


def model_ns(urdf: str) -> dict[str, float]:
    """Pose, Jacobian, mass matrix and bias of one state, each asked from Python: ours, Pinocchio's and PyBullet's."""
    import pinocchio
    import pybullet

    ours = ArmModel.from_urdf(urdf, TCP)
    q, dq = [0.1, 0.5, 0.2, -1.2, 0.3, 0.8, 0.1], [0.1] * 7
    theirs = pinocchio.buildModelFromXML(urdf)
    data, tip = theirs.createData(), theirs.getFrameId(TCP)
    p, v = np.array(q), np.array(dq)
    with tempfile.NamedTemporaryFile("w", suffix=".urdf") as file:
        file.write(urdf)
        file.flush()
        client = pybullet.connect(pybullet.DIRECT)
        body = pybullet.loadURDF(file.name, useFixedBase=True, flags=pybullet.URDF_USE_INERTIA_FROM_FILE)
    last, still = pybullet.getNumJoints(body) - 1, [0.0] * 7
    calls: dict[str, list[Callable[[], object]]] = {
        "ours": [
            lambda: ours.forward(p),
            lambda: ours.jacobian(p),
            lambda: ours.mass_matrix(p),
            lambda: ours.bias(p, v),
        ],
        "pinocchio": [
            lambda: (pinocchio.forwardKinematics(theirs, data, p), pinocchio.updateFramePlacement(theirs, data, tip)),
            lambda: pinocchio.computeFrameJacobian(theirs, data, p, tip, pinocchio.LOCAL_WORLD_ALIGNED),
            lambda: pinocchio.crba(theirs, data, p),
            lambda: pinocchio.nonLinearEffects(theirs, data, p, v),
        ],
        "pybullet": [
            lambda: pybullet.getLinkState(body, last, computeForwardKinematics=1),
            lambda: pybullet.calculateJacobian(body, last, [0.0, 0.0, 0.0], q, dq, still),
            lambda: pybullet.calculateMassMatrix(body, q),
            lambda: pybullet.calculateInverseDynamics(body, q, dq, still),
        ],
    }
    times = least_ns([repeated(call) for each in calls.values() for call in each], 50)
    pybullet.disconnect(client)
    return {whose: sum(times[4 * k : 4 * k + 4]) for k, whose in enumerate(calls)}


def figures() -> list[Figure]:
    """Instructions, time, ratios and allocations of a step."""
    native, python = least_ns([steps_per_call(200, native) for native in (True, False)], 200)
    count, model = instructions(), model_ns(make()[3])
    return [
        Figure("step.instructions", "1", count, 20_000.0),
        # The same step without contact states, force loop and slews, Pinocchio 4.1, gcc 12 -O3, x86-64: 30,298.
        Figure("step.instructions_against_pinocchio", "1", count / PINOCCHIO_INSTRUCTIONS, 0.5, 1.0),
        Figure("step.time", "ns", native),
        Figure("step.call_overhead", "ns", python - native, 100.0),
        Figure("step.allocations", "1", allocations(), 0.0),
        Figure("step.model_time", "ns", model["ours"]),
        Figure("step.model_time_against_pinocchio", "1", model["ours"] / model["pinocchio"]),
        Figure("step.model_time_against_pybullet", "1", model["ours"] / model["pybullet"]),
    ]


if __name__ == "__main__":
    if "--child" in sys.argv:
        steps_per_call(COUNTED, native=True)()
    elif "--json" in sys.argv:
        print_json(figures())
    else:
        print_table(figures())
