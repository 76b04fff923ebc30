"""How faults happen to a simulated press: what it reads, writes and is asked passes through the injector.

So the compiled code under test is the one that ships. What can go wrong is data in `faults`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..native import ArmModel, ArmState, Chain, Command, SetPoint
from .faults import FROM_THE_START, Fault

if TYPE_CHECKING:
    from .simulation import Simulation

Floats = NDArray[np.float64]


class Injector:
    """Lets faults happen to a press: what it reads, writes and is asked goes through here."""

    def __init__(self, faults: Sequence[Fault], simulation: Simulation) -> None:
        self._simulation = simulation
        self._n = simulation.model.n
        self._waiting = sorted(faults, key=lambda fault: fault.at)
        self._on: list[tuple[Fault, np.random.Generator]] = []
        self._events: list[tuple[float, Callable[[], None]]] = []
        self._state = ArmState(self._n)
        self._command = Command(self._n)
        self._set_point = SetPoint()
        self._held: dict[str, Any] = {}
        self._past: deque[tuple[float, Floats]] = deque(maxlen=100)
        self._frozen_until = -1.0
        for fault in faults:
            if fault.kind in FROM_THE_START:
                self._begin(fault)

    def pass_time(self, time: float) -> None:
        """Begin what is due."""
        while self._waiting and self._waiting[0].at <= time:
            fault = self._waiting.pop(0)
            self._on.append((fault, np.random.default_rng(fault.seed)))
            if fault.kind not in FROM_THE_START:
                self._begin(fault)
        self._events.sort(key=lambda event: event[0])
        while self._events and self._events[0][0] <= time:
            self._events.pop(0)[1]()

    def read(self, true: ArmState) -> ArmState:
        """What the controller gets to see of the arm."""
        self._past.append((true.wrench_time, true.wrench.copy()))
        if not self._on:
            return true
        self._state.values[:] = true.values
        for fault, rng in self._on:
            spoil = _STATE.get(fault.kind)
            if spoil is not None:
                spoil(self, fault, rng, self._state)
        return self._state

    def write(self, command: Command) -> Command:
        """What the joints get of a command."""
        self._command.values[:] = command.values
        for fault, _ in self._on:
            i = fault.joint % self._n
            weight = self._simulation.carried[i]
            asked = self._command.torque[i] - weight
            if fault.kind == "actuator_weak":
                self._command.torque[i] = weight + fault.size * asked
            elif fault.kind == "actuator_saturated":
                self._command.torque[i] = weight + min(max(asked, -fault.size), fault.size)
            elif fault.kind == "actuator_dead":
                self._command.torque[i] = weight
        return self._command

    def ask(self, wanted: SetPoint) -> SetPoint:
        """What the controller is asked."""
        if not any(fault.kind.startswith("set_point") for fault, _ in self._on):
            return wanted
        s = self._set_point
        s.values[:] = wanted.values
        for fault, _ in self._on:
            if fault.kind == "set_point_nan":
                s.values[int(fault.joint) % len(s.values)] = np.nan
            elif fault.kind == "set_point_jump":
                s.position[:] += 1e-3 * fault.size * _unit(np.random.default_rng(fault.seed))
            elif fault.kind == "set_point_stale":
                s.values[:] = self._held.setdefault("set_point", s.values.copy())
            elif fault.kind == "set_point_wild":
                s.stiffness[:] *= fault.size
                s.force *= fault.size
                s.force_rate *= fault.size
                s.approach_speed *= fault.size
            elif fault.kind == "set_point_frame":
                _turn_frame(s, math.radians(fault.size), np.random.default_rng(fault.seed))
        return s

    def late(self, late: float, period: float) -> float:
        """S that this cycle begins late."""
        for fault, rng in self._on:
            if fault.kind == "loop_late":
                late = max(late, float(rng.uniform(0.0, fault.size)) * period)
        return late

    def loses(self, time: float) -> bool:
        """Whether the loop does nothing in this cycle."""
        lost = time < self._frozen_until
        for fault, rng in self._on:
            if fault.kind == "loop_losing":
                lost = bool(rng.random() < fault.size) or lost
        return lost

    @property
    def blocks(self) -> bool:
        """Whether something has come against a link."""
        return "block" in self._held

    def push(self, q: Floats, dq: Floats) -> Floats:
        """Nm (n,) of what has come against a link."""
        link, at, normal = self._held["block"]
        n = link.n
        J = np.zeros((3, self._n))
        J[:, :n] = link.jacobian(q[:n])[:3]
        here = link.forward(q[:n])[:3, 3]
        depth = float(normal @ (at - here))
        if depth <= 0.0:
            return np.zeros(self._n)
        speed = float(normal @ (J @ dq))
        force = max(0.0, 10e3 * depth - 200.0 * speed)  # N/m of a forearm pressed, with skin and muscle; assumption
        self._held["block_force"] = max(self._held.get("block_force", 0.0), force)
        torque: Floats = J.T @ (force * normal)
        return torque

    @property
    def block_force(self) -> float:
        """N, the most with which a link pressed on what was in its way."""
        return float(self._held.get("block_force", 0.0))

    def _begin(self, fault: Fault) -> None:
        begin = _BEGIN.get(fault.kind)
        if begin is not None:
            begin(self, fault, self._simulation)


def _unit(rng: np.random.Generator, n: int = 3) -> Floats:
    v = rng.standard_normal(n)
    unit: Floats = v / np.linalg.norm(v)
    return unit


def _turn_frame(s: SetPoint, angle: float, rng: np.random.Generator) -> None:
    turn = Rotation.from_rotvec(angle * _unit(rng))
    s.position[:] = turn.apply(s.position)
    s.press_direction[:] = turn.apply(s.press_direction)
    s.quaternion[:] = (turn * Rotation.from_quat(s.quaternion)).as_quat()


# What the arm reports, fault by fault.

Spoil = Callable[[Injector, Fault, np.random.Generator, ArmState], None]


def _stuck(injector: Injector, fault: Fault, rng: np.random.Generator, s: ArmState) -> None:
    s.wrench[:] = injector._held.setdefault("wrench", s.wrench.copy())


def _biased(injector: Injector, fault: Fault, rng: np.random.Generator, s: ArmState) -> None:
    s.wrench[:3] += fault.size * _along_tool(fault)


def _jumping(injector: Injector, fault: Fault, rng: np.random.Generator, s: ArmState) -> None:
    if int((s.time - fault.at) * 10.0) % 2 == 0:
        s.wrench[:3] += fault.size * _along_tool(fault)


def _drifting(injector: Injector, fault: Fault, rng: np.random.Generator, s: ArmState) -> None:
    s.wrench[:3] += fault.size * (s.time - fault.at) * _along_tool(fault)


def _noisy(injector: Injector, fault: Fault, rng: np.random.Generator, s: ArmState) -> None:
    s.wrench[:3] += fault.size * rng.standard_normal(3)


def _delayed(injector: Injector, fault: Fault, rng: np.random.Generator, s: ArmState) -> None:
    due = [past for past in injector._past if past[0] <= s.wrench_time - 1e-3 * fault.size + 1e-9]
    if due:
        s.wrench_time, s.wrench[:] = due[-1]


def _flipped(injector: Injector, fault: Fault, rng: np.random.Generator, s: ArmState) -> None:
    s.wrench[:] *= -1.0


def _cut(injector: Injector, fault: Fault, rng: np.random.Generator, s: ArmState) -> None:
    if fault.seed % 2:
        s.has_wrench = False
    else:
        s.wrench_time, s.wrench[:] = injector._held.setdefault("cut", (s.wrench_time, s.wrench.copy()))


def _nan(injector: Injector, fault: Fault, rng: np.random.Generator, s: ArmState) -> None:
    s.wrench[fault.joint % 6] = np.nan


def _encoder_stuck(injector: Injector, fault: Fault, rng: np.random.Generator, s: ArmState) -> None:
    i = fault.joint % s.n
    s.q[i] = injector._held.setdefault("q", float(s.q[i]))
    s.dq[i] = 0.0


def _encoder_jumping(injector: Injector, fault: Fault, rng: np.random.Generator, s: ArmState) -> None:
    s.q[fault.joint % s.n] += 1e-3 * fault.size * (1.0 if fault.seed % 2 else -1.0)


def _encoder_cut(injector: Injector, fault: Fault, rng: np.random.Generator, s: ArmState) -> None:
    s.q[fault.joint % s.n] = s.dq[fault.joint % s.n] = np.nan


def _clock(injector: Injector, fault: Fault, rng: np.random.Generator, s: ArmState) -> None:
    s.time += fault.size * (1.0 if fault.seed % 2 else -1.0)


def _along_tool(fault: Fault) -> Floats:
    """Mostly along the tool, where it matters, either way."""
    direction = np.array([0.3, 0.3, 1.0]) * _unit(np.random.default_rng(fault.seed))
    unit: Floats = direction / np.linalg.norm(direction)
    return unit


def _weight_gone(injector: Injector, fault: Fault, rng: np.random.Generator, s: ArmState) -> None:
    simulation = injector._simulation
    R = simulation.model.forward(simulation.arm.read().q)[:3, :3]
    s.wrench[:3] -= simulation.tool.mass * (R.T @ simulation.model.chain.gravity)


def _weight_more(injector: Injector, fault: Fault, rng: np.random.Generator, s: ArmState) -> None:
    simulation = injector._simulation
    R = simulation.model.forward(simulation.arm.read().q)[:3, :3]
    s.wrench[:3] += fault.size * (R.T @ simulation.model.chain.gravity)


_STATE: dict[str, Spoil] = {
    "sensor_stuck": _stuck,
    "sensor_biased": _biased,
    "sensor_jumping": _jumping,
    "sensor_drifting": _drifting,
    "sensor_noisy": _noisy,
    "sensor_delayed": _delayed,
    "sensor_flipped": _flipped,
    "sensor_cut": _cut,
    "sensor_nan": _nan,
    "encoder_stuck": _encoder_stuck,
    "encoder_jumping": _encoder_jumping,
    "encoder_cut": _encoder_cut,
    "clock_jump": _clock,
    "tool_falls": _weight_gone,
    "tool_heavier": _weight_more,
}


# What happens once, when the fault begins.

Begin = Callable[[Injector, Fault, "Simulation"], None]


def _rise(injector: Injector, fault: Fault, simulation: Simulation) -> None:
    simulation.arm.plant.shift_skin(0.05, fault.size)


def _roll(injector: Injector, fault: Fault, simulation: Simulation) -> None:
    rng = np.random.default_rng(fault.seed)
    simulation.arm.plant.roll(math.radians(fault.size) * float(rng.choice([-1.0, 1.0])), float(rng.uniform(0.5, 2.0)))


def _startle(injector: Injector, fault: Fault, simulation: Simulation) -> None:
    simulation.startle()
    injector._events.append((fault.at + 0.25, simulation.lie_back))


def _cough(injector: Injector, fault: Fault, simulation: Simulation) -> None:
    plant = simulation.arm.plant
    for k in range(3):
        injector._events.append((fault.at + 0.5 * k, lambda: plant.shift_skin(1e-3 * fault.size, 0.12)))
        injector._events.append((fault.at + 0.5 * k + 0.12, lambda: plant.shift_skin(0.0, 0.2)))


def _get_up(injector: Injector, fault: Fault, simulation: Simulation) -> None:
    simulation.arm.plant.shift_skin(0.30, fault.size)


def _lose(injector: Injector, fault: Fault, simulation: Simulation) -> None:
    simulation.arm.plant.shift_skin(-0.30, 0.02)


def _fall(injector: Injector, fault: Fault, simulation: Simulation) -> None:
    _lose(injector, fault, simulation)
    simulation.world.add_tool_mass(-0.95 * simulation.tool.mass)


def _load(injector: Injector, fault: Fault, simulation: Simulation) -> None:
    simulation.world.add_tool_mass(fault.size)


def _freeze(injector: Injector, fault: Fault, simulation: Simulation) -> None:
    injector._frozen_until = fault.at + 1e-3 * fault.size


def _block(injector: Injector, fault: Fault, simulation: Simulation) -> None:
    """Something comes against a link that moves: in the way of it now, already pressed by some of it."""
    q = np.asarray(simulation.arm.read().q)
    link = ArmModel(_up_to(simulation.model.chain, 2 + fault.joint % max(1, simulation.model.n - 3)))
    rng = np.random.default_rng(fault.seed)
    normal = _unit(rng)
    normal[2] = abs(normal[2])
    at = link.forward(q[: link.n])[:3, 3]
    way = 1e-3 * fault.size * normal

    def advance(k: int) -> Callable[[], None]:
        def come() -> None:
            injector._held["block"] = (link, at - way + 2.0 * way * min(1.0, k / 200), normal)

        return come

    injector._events += [(fault.at + 0.002 * k, advance(k)) for k in range(201)]


def _up_to(chain: Chain, link: int) -> Chain:
    """The chain that ends in the middle of a link's mass."""
    n = link + 1
    tip = np.eye(4)
    tip[:3, 3] = chain.com[link]
    per_joint = ("revolute", "placement", "mass", "com", "inertia", "lower", "upper", "velocity_limit", "effort_limit")
    cut = {name: getattr(chain, name)[:n] for name in per_joint}
    return replace(chain, tip=f"link{link}", joint_names=chain.joint_names[:n], tip_placement=tip, **cut)


_BEGIN: dict[str, Begin] = {
    "person_rises": _rise,
    "person_rolls": _roll,
    "person_startles": _startle,
    "person_coughs": _cough,
    "person_gets_up": _get_up,
    "contact_lost": _lose,
    "tool_falls": _fall,
    "tool_heavier": _load,
    "loop_frozen": _freeze,
    "arm_in_the_way": _block,
}
