"""What garbage at the controller's inputs leads to: `python -m bench.garbage [--cycles N] [--seed S] [--json]`.

An arm presses on a plane; at a random cycle one input (or everything) turns into NaN, infinity, 1e308, … for a while
and then is sound again. Every cycle the command is checked; then that a cause is latched where one must be, that
nothing begins anew by itself, and that after activation the controller is a new one to the last bit. Exit code 1 on a
violation; each is printed with what it needs to be run again.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle, product
from typing import Any

import numpy as np
from massage_arm.app.figures import print_json, print_table
from massage_arm.control.figure import Figure
from massage_arm.control.tool import load_tool
from massage_arm.native import (
    ArmModel,
    ArmState,
    Cause,
    ContactState,
    Controller,
    ControllerSettings,
    GuardLimits,
    Level,
    SetPoint,
    Task,
)
from massage_arm.urdf import TCP, arm_description, arm_with_tool
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Floats = NDArray[np.float64]

DT = 0.001
FORCE = 15.0  # N asked for
STIFFNESS, DAMPING = 2000.0, 40.0  # N/m, Ns/m of the plane
GAP = 0.001  # m from the tip to the plane at the start
POSTURE = np.array([0.1, 0.6, 0.0, -1.4, 0.2, 1.1, 0.3])
# Quick, so that a short run is a whole press: hold is reached after about a quarter of a second.
SETTINGS = ControllerSettings(
    settle_time=0.02, retract_distance=0.004, stiffness_rate=1e5, touch_force=1.5, approach_speed_min=0.02
)
FIRST, LAST = 20, 500  # cycles after activation between which the garbage begins
LET_GO = 420  # cycle from which a release is asked for
LASTS = (1, 2, 5, 30)  # cycles
AFTER, AGAIN = 80, 50  # cycles that the press goes on, and of a second press that is asked for
WORKING = (ContactState.APPROACH, ContactState.TOUCH, ContactState.RAMP, ContactState.HOLD)

KINDS = {
    "nan": np.nan,
    "inf": np.inf,
    "-inf": -np.inf,
    "1e308": 1e308,
    "-1e308": -1e308,
    "huge": 9e4,
    "-huge": -9e4,
    "denormal": 5e-324,
    "-0": -0.0,
    "0": 0.0,
    "-1": -1.0,
    "half": 0.5,
}


def task_at(k: int) -> Task:
    """What a planner asks for in cycle k."""
    return Task.HOLD if k < 3 else Task.PRESS if k < LET_GO else Task.RELEASE


def inputs() -> dict[str, tuple[str, slice]]:
    """Every input: its name, and which numbers of which record it is. `everything` is all of them."""
    joints = {"q": 1, "dq": 11, "torque": 22}
    found = {
        "time": ("state", 0),
        "has_torque": ("state", 21),
        "has_wrench": ("state", 32),
        "wrench_time": ("state", 33),
    }
    found |= {f"{name}[{i}]": ("state", first + i) for name, first in joints.items() for i in range(10)}
    found |= {f"wrench[{i}]": ("state", 34 + i) for i in range(6)}
    names = ["task", "valid_until", *(f"position[{i}]" for i in range(3)), *(f"quaternion[{i}]" for i in range(4))]
    names += [*(f"twist[{i}]" for i in range(6)), *(f"press_direction[{i}]" for i in range(3)), "force", "force_rate"]
    names += [
        "wave_force",
        "wave_rate",
        "approach_speed",
        "stiffness_tangential",
        "stiffness_normal",
        "stiffness_rotational",
    ]
    found |= {name: ("set_point", i) for i, name in enumerate(names)}
    slices = {name: (record, slice(i, i + 1)) for name, (record, i) in found.items()}
    slices |= {name: ("state", slice(first, first + 7)) for name, first in joints.items()}
    slices |= {"wrench": ("state", slice(34, 40)), "position": ("set_point", slice(2, 5))}
    slices |= {"quaternion": ("set_point", slice(5, 9)), "twist": ("set_point", slice(9, 15))}
    slices |= {"press_direction": ("set_point", slice(15, 18)), "stiffness": ("set_point", slice(23, 26))}
    return slices | {"dt": ("dt", slice(0, 1)), "everything": ("everything", slice(0, 0))}


INPUTS = inputs()


def number(values: Floats, most: float) -> bool:
    """Whether all of them are numbers that add up to `most` or less."""
    with np.errstate(all="ignore"):
        return bool(np.isfinite(values).all() and np.abs(values).sum() <= most)


def usable_state(state: ArmState) -> bool:
    """Whether an arm can report this."""
    v = state.values
    return (
        number(v[:1], 1e12)
        and number(state.q, 1e5)
        and number(state.dq, 1e5)
        and number(v[21:22], 1.0)
        and (v[21] == 0.0 or number(state.torque, 1e5))
    )


def set_point_cause(s: SetPoint) -> Cause:
    """What must be latched for a set-point."""
    if not number(s.values, 1e12):
        return Cause.NOT_FINITE_SET_POINT
    unit = abs(s.quaternion @ s.quaternion - 1.0) <= 1e-3 and abs(s.press_direction @ s.press_direction - 1.0) <= 1e-3
    if s.values[0] in (0.0, 1.0, 2.0, 3.0) and unit and (s.values[18:24] >= 0.0).all():
        return Cause(0)
    return Cause.SET_POINT_REFUSED


def must_latch(state: ArmState, set_point: SetPoint, dt: float, working: bool, blind: bool) -> Cause:
    """Causes that this input must leave latched, as documented. `blind`: nothing more is looked at, it is latched."""
    cause = Cause(0) if 0.0 < dt <= 0.05 else Cause.BAD_DT
    if not usable_state(state):
        return cause | Cause.NOT_FINITE_STATE
    if blind:
        return cause
    cause |= set_point_cause(set_point)
    v = state.values
    heard = v[32] == 1.0 and number(v[34:40], 1e5) and abs(v[0] - v[33]) <= SETTINGS.sensor_timeout
    if working and not heard and not cause:  # with a cause it lets go at once, and needs no sensor for that
        cause |= Cause.STALE_SENSOR
    return cause


class Scene:
    """An arm that carries itself, its tip over a plane, and what it and a planner report; garbage may go over that."""

    def __init__(self) -> None:
        description = arm_description("iiwa14")
        urdf = arm_with_tool(description, load_tool("thumb").file)
        self.model = ArmModel.from_urdf(urdf, TCP, base=description.base)
        self.limit, self.rate = description.torque_limits, description.torque_rates
        self.state, self.set_point = ArmState(7), SetPoint()
        self.start_pose = self.model.forward(POSTURE)
        self.normal = self.start_pose[:3, 2]
        self.sound = SetPoint()
        s = self.sound
        s.position[:] = self.start_pose[:3, 3] + GAP * self.normal
        s.press_direction[:] = self.normal
        s.quaternion[:] = Rotation.from_matrix(self.start_pose[:3, :3]).as_quat()
        s.force, s.force_rate, s.approach_speed, s.valid_until = FORCE, 60.0, 0.05, 1e9
        s.stiffness[:] = (800.0, 100.0, 20.0)
        self.start()

    def controller(self) -> Controller:
        """A new one for this arm."""
        limits = GuardLimits(force_cap=34.0)
        return Controller(self.model, SETTINGS, self.limit, self.rate, limits=limits)

    def start(self) -> None:
        """Put the arm at rest over the plane."""
        self.q, self.dq, self.torque, self.time = POSTURE.copy(), np.zeros(7), np.zeros(7), 0.0
        self.force, self.speed = 0.0, 0.0
        self.state.values[:] = 0.0
        self.state.has_torque = self.state.has_wrench = True
        self.state.q[:] = self.q

    def activate(self, controller: Controller) -> None:
        """Activate and tare at the start."""
        controller.activate(self.state)
        controller.tare(np.zeros(6), self.q)

    def report(self, task: Task) -> None:
        """What sound inputs are now."""
        pose = self.model.forward(self.q)
        self.jacobian = self.model.jacobian(self.q)
        depth = float(self.normal @ (pose[:3, 3] - self.sound.position))
        inward = float(self.normal @ self.jacobian[:3] @ self.dq)
        self.force = max(0.0, STIFFNESS * depth + DAMPING * inward) if depth > 0.0 else 0.0
        self.speed = float(np.linalg.norm(self.jacobian[:3] @ self.dq))
        self.time += DT
        state = self.state
        state.values[:] = 0.0
        state.time = state.wrench_time = self.time
        state.q[:], state.dq[:], state.torque[:] = self.q, self.dq, self.torque
        state.has_torque = state.has_wrench = True
        state.wrench[:3] = -self.force * (pose[:3, :3].T @ self.normal)
        # No sensor repeats itself to the last bit; this one's last bits count the time.
        state.wrench[3] = 1e-6 * self.time
        self.sound.task = task
        self.set_point.values[:] = self.sound.values

    def move(self, torque: Floats) -> None:
        """Let a cycle of the arm pass under a command."""
        weightless = self.model.bias(self.q, self.dq) - self.model.gravity(self.q)
        push = self.jacobian[:3].T @ (-self.force * self.normal)
        self.dq = self.dq + np.linalg.solve(self.model.mass_matrix(self.q), torque - weightless + push) * DT
        self.q = self.q + self.dq * DT
        self.torque = torque


@dataclass
class Outcome:
    """What was seen in all the runs."""

    cycles: int = 0
    garbage_cycles: int = 0
    runs: Counter[tuple[str, str]] = field(default_factory=Counter)
    latched: Counter[tuple[str, str]] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    """What, and the first run that showed it, for every kind of violation and input."""
    worst_rate: float = 0.0
    """Largest torque step over the allowed one, where none was violated."""
    worst_force: float = 0.0
    """N on the plane."""


@dataclass
class Run:
    """One garbage: what it is, when it begins, and how long it lasts."""

    name: str
    kind: str
    begin: int
    lasts: int
    seed: int

    def spoil(self, scene: Scene, rng: np.random.Generator) -> float:
        """Put it over the sound inputs; returns dt."""
        record, at = INPUTS[self.name]
        if record == "dt":
            return KINDS[self.kind]
        if record == "everything":
            values = np.array([*KINDS.values()])
            for one in (scene.state.values, scene.set_point.values):
                bad = rng.random(one.size) < 0.3
                one[bad] = rng.choice(values, int(bad.sum()))
            return float(rng.choice(values))
        values = scene.state.values if record == "state" else scene.set_point.values
        values[at] = KINDS[self.kind]
        return DT


class Judge:
    """Checks every cycle of a run and keeps what it saw in `outcome`."""

    def __init__(self, scene: Scene, outcome: Outcome) -> None:
        self.scene, self.outcome = scene, outcome
        self.used = scene.controller()

    def run(self, run: Run) -> None:
        """One activation: sound inputs beside a new controller, then garbage, then sound inputs again."""
        scene, used = self.scene, self.used
        rng = np.random.default_rng(run.seed)
        self.now, self.causes, self.must = run, Cause(0), Cause(0)
        scene.start()
        fresh = scene.controller()
        scene.activate(used)
        scene.activate(fresh)
        for k in range(run.begin):
            scene.report(task_at(k))
            fresh.step(scene.state, scene.set_point, DT)
            self.cycle(DT)
            if used.command.values.tobytes() != fresh.command.values.tobytes() or (
                used.status.values.tobytes() != fresh.status.values.tobytes()
            ):
                self.violated("not_new")
        if self.causes:
            self.violated("stopped_without_garbage")
        for k in range(run.begin, run.begin + run.lasts):
            scene.report(task_at(k))
            dt = run.spoil(scene, rng)
            blind = bool(self.causes & (Cause.NOT_FINITE_STATE | Cause.STATE_JUMP | Cause.NOT_FINITE_COMMAND))
            working = used.status.contact_state in WORKING
            self.must |= must_latch(scene.state, scene.set_point, dt, working, blind)
            self.cycle(dt)
        self.outcome.garbage_cycles += run.lasts
        for k in range(AFTER + AGAIN):
            after = task_at(run.begin + run.lasts + k)
            scene.report(after if k < AFTER else Task.HOLD if k < AFTER + 5 else Task.PRESS)
            self.cycle(DT)
        self.outcome.runs[run.name, run.kind] += 1
        self.outcome.latched[run.name, run.kind] += bool(self.causes)

    def cycle(self, dt: float) -> None:
        """One cycle, and what must be true of it whatever comes in."""
        scene, used = self.scene, self.used
        before = used.command.torque.copy() if self.outcome.cycles else np.zeros(7)
        state_before, level_before = used.status.contact_state, used.status.level
        if scene.time <= DT:
            before, state_before, level_before = np.zeros(7), ContactState.IDLE, Level.NONE
        command, status = used.step(scene.state, scene.set_point, dt)
        torque = command.torque.copy()
        self.outcome.cycles += 1
        if not np.isfinite(torque).all() or not np.isfinite(status.values).all():
            self.violated("not_finite")
            torque = np.zeros(7)
        if not (np.abs(torque) <= scene.limit).all():
            self.violated("over_limit")
        lasted = min(max(dt, 0.5 * DT), 4.0 * DT) if 0.0 < dt <= 0.05 else 4.0 * DT
        lasted *= SETTINGS.stop_torque_rate if status.level >= Level.RELEASE else 1.0
        share = float((np.abs(torque - before) / (scene.rate * lasted)).max())
        if not share <= 1.0 + 1e-9:
            self.violated("over_rate")
        else:
            self.outcome.worst_rate = max(self.outcome.worst_rate, share)
        if self.must & ~status.causes:
            self.violated("not_latched")
        begins = status.contact_state in WORKING and state_before not in WORKING
        left = state_before is ContactState.FAULT and status.contact_state is not ContactState.FAULT
        if self.causes & ~status.causes or status.level < level_before or (self.causes and begins) or left:
            self.violated("recovered_by_itself")
        self.causes = status.causes
        scene.move(torque)
        self.outcome.worst_force = max(self.outcome.worst_force, scene.force)
        if not self.causes and not (scene.force <= FORCE * 1.25 + 8.0 and scene.speed <= 0.3):
            self.violated("silent_harm")

    def violated(self, what: str) -> None:
        """Count it; the first of its kind at this input is kept."""
        self.outcome.violations[what] += 1
        run = self.now
        key = f"{what} {run.name} = {run.kind}"
        self.outcome.examples.setdefault(key, f"cycle {round(self.scene.time / DT)}, {run}")


def planned(seed: int) -> Iterator[Run]:
    """Runs without end: every input with every kind once, in random order, then again."""
    rng = np.random.default_rng(seed)
    pairs = list(product(INPUTS, KINDS))
    rng.shuffle(pairs)
    for name, kind in cycle(pairs):
        yield Run(
            str(name), str(kind), int(rng.integers(FIRST, LAST)), int(rng.choice(LASTS)), int(rng.integers(1 << 31))
        )


def garbage(cycles: int, seed: int = 0, only: Callable[[Run], bool] = lambda run: True) -> Outcome:
    """At least so many cycles of it. `only` leaves runs out."""
    outcome = Outcome()
    judge = Judge(Scene(), outcome)
    runs = planned(seed)
    while outcome.cycles < cycles:
        run = next(runs)
        if only(run):
            judge.run(run)
    return outcome


def figures(outcome: Outcome) -> list[Figure]:
    """What was counted, and that nothing was violated."""
    tried = len(outcome.runs) / (len(INPUTS) * len(KINDS))
    kinds = ("not_finite", "over_limit", "over_rate", "not_latched", "recovered_by_itself", "not_new", "silent_harm",
             "stopped_without_garbage")  # fmt: skip
    return [
        Figure("garbage.cycles", "1", outcome.cycles),
        Figure("garbage.cycles_with_garbage", "1", outcome.garbage_cycles),
        Figure("garbage.runs", "1", outcome.runs.total()),
        Figure("garbage.share_of_inputs_and_kinds_tried", "1", tried),
        Figure("garbage.share_of_runs_latched", "1", outcome.latched.total() / max(1, outcome.runs.total())),
        Figure("garbage.worst_force", "N", outcome.worst_force),
        Figure("garbage.worst_torque_step", "1", outcome.worst_rate, 1.0 + 1e-9),
        *(Figure(f"garbage.{kind}", "1", outcome.violations[kind], 0.0) for kind in kinds),
    ]


def counts(outcome: Outcome) -> dict[str, dict[str, dict[str, int]]]:
    """By input and kind: runs, and how many of them latched a cause."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for (name, kind), runs in sorted(outcome.runs.items()):
        found.setdefault(name, {})[kind] = {"runs": runs, "latched": outcome.latched[name, kind]}
    return found


def main(arguments: list[str]) -> int:
    """Exit code."""
    parser = argparse.ArgumentParser(description="garbage at every input of the controller")
    parser.add_argument("--cycles", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    outcome = garbage(given.cycles, given.seed)
    found: dict[str, Any] = {"figures": figures(outcome), "counts": counts(outcome), "violations": outcome.examples}
    if given.json:
        print_json(found)
    else:
        print_table(found["figures"])
        for name, kinds in found["counts"].items():
            print(f"{name:22}", *(f"{kind} {seen['latched']}/{seen['runs']}" for kind, seen in kinds.items()))
        for what, where in outcome.examples.items():
            print(f"VIOLATED {what}: {where}", file=sys.stderr)
    return 1 if outcome.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
