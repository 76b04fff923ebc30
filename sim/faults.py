"""What can go wrong, as data: sensor, encoders, actuators, timing, set-points, the person, the tool.

A fault has a kind, a moment and a size; from that moment on it stays. `FAULTS` says what each kind is and in which
range its size is drawn; `Injector` lets them happen to a simulated press. What the controller reads, writes and is
asked passes through the injector, so that the compiled code under test is the one that ships.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..native import ArmState, Command, InputError, SetPoint

if TYPE_CHECKING:
    from .press import PressSimulation

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Kind:
    """One way to fail."""

    what: str
    low: float
    high: float
    unit: str
    quick: bool = False
    """Must be noticed within 10 ms: the input says itself that it is bad."""

    @property
    def middle(self) -> float:
        """Of the range, by its logarithm; where it has a sign, the largest."""
        return math.sqrt(self.low * self.high) if self.low > 0.0 else self.high


FAULTS: dict[str, Kind] = {
    "sensor_stuck": Kind("the force sensor repeats one reading with fresh stamps", 0.0, 0.0, ""),
    "sensor_biased": Kind("the reading is off by a constant force", 2.0, 40.0, "N"),
    "sensor_jumping": Kind("the reading leaps to and fro, ten times a second", 5.0, 60.0, "N"),
    "sensor_drifting": Kind("the reading runs away", 0.5, 20.0, "N/s"),
    "sensor_noisy": Kind("noise is added to the reading", 1.0, 20.0, "N"),
    "sensor_delayed": Kind("the reading comes late, with its true stamp", 2.0, 60.0, "ms"),
    "sensor_flipped": Kind("the reading has the wrong sign", 0.0, 0.0, ""),
    "sensor_cut": Kind("the sensor falls silent", 0.0, 0.0, "", quick=True),
    "sensor_nan": Kind("the reading is NaN", 0.0, 0.0, "", quick=True),
    "encoder_stuck": Kind("a joint's position stands, its speed reads 0", 0.0, 0.0, ""),
    "encoder_jumping": Kind("a joint's position is off from now on", 0.5, 200.0, "mrad"),
    "encoder_cut": Kind("a joint's position is NaN", 0.0, 0.0, "", quick=True),
    "actuator_weak": Kind("a joint gives a share of what it is asked for", 0.2, 0.9, "1"),
    "actuator_saturated": Kind("a joint gives at most so much", 1.0, 20.0, "Nm"),
    "actuator_dead": Kind("a joint gives nothing on top of its weight", 0.0, 0.0, ""),
    "loop_late": Kind("the loop runs late, up to so much, every cycle", 0.3, 0.95, "cycles"),
    "loop_frozen": Kind("the loop stands still once", 5.0, 500.0, "ms"),
    "loop_losing": Kind("a share of the cycles is lost", 0.02, 0.5, "1"),
    "clock_jump": Kind("the arm's clock leaps", 0.011, 100.0, "s", quick=True),
    "set_point_nan": Kind("a number in the set-point is NaN", 0.0, 0.0, "", quick=True),
    "set_point_jump": Kind("the set-point's position leaps", 10.0, 500.0, "mm"),
    "set_point_stale": Kind("set-points stop coming", 0.0, 0.0, "", quick=True),
    "set_point_wild": Kind("gains and force are multiplied", 3.0, 1e6, "1"),
    "set_point_frame": Kind("the set-point is in a frame turned by so much", 5.0, 180.0, "deg"),
    "person_rises": Kind("the person comes up by 5 cm within so long", 0.2, 1.5, "s"),
    "person_rolls": Kind("the person rolls within half a second to two", 5.0, 40.0, "deg"),
    "person_startles": Kind("the person starts", 0.0, 0.0, ""),
    "person_coughs": Kind("the back jerks up and down, thrice", 3.0, 15.0, "mm"),
    "person_gets_up": Kind("the person comes up by 30 cm within so long", 0.8, 3.0, "s"),
    "arm_in_the_way": Kind("something as stiff as a forearm comes against a link", 10.0, 60.0, "mm"),
    "bone": Kind("bone lies so deep where muscle was expected", 2.0, 8.0, "mm"),
    "surface_off": Kind("the surface is elsewhere than the scan said", -40.0, 40.0, "mm"),
    "contact_lost": Kind("the surface falls away", 0.0, 0.0, ""),
    "tool_falls": Kind("the tool comes off", 0.0, 0.0, ""),
    "tool_heavier": Kind("the tool weighs more than known", 0.05, 0.5, "kg"),
}
"""Every kind by name. What is drawn is uniform in the logarithm of the size, or uniform if it may be negative."""

FROM_THE_START = ("bone", "surface_off", "tool_heavier")
"""Kinds that are there before the first cycle; the first two are made with the simulation."""
_FORM = re.compile(r"\w+@(?P<at>[^:]+)(:(?P<size>[^:]+)(:(?P<joint>\d+)(:(?P<seed>\d+))?)?)?")
STALE_AFTER = 0.1  # s: a set-point is believed for so long, so that silence is noticed no earlier


@dataclass(frozen=True)
class Fault:
    """One fault of one run."""

    kind: str
    at: float
    """s, when it begins."""
    size: float
    """In the kind's unit."""
    joint: int = 0
    """Which joint or which link, of those that the arm has."""
    seed: int = 0
    """Of what is random in it."""

    def __str__(self) -> str:
        """As `parse_faults` reads it."""
        return f"{self.kind}@{self.at!r}:{self.size!r}:{self.joint}:{self.seed}"


def parse_faults(text: str) -> tuple[Fault, ...]:
    """Faults from a text such as "sensor_cut@6.5, person_rises@7:0.5": KIND@SECONDS[:SIZE[:JOINT[:SEED]]].

    A size that is left out lies in the middle of its range. Raises InputError for what is not such a text.
    """
    return tuple(_parse_fault(part.strip()) for part in text.split(",") if part.strip())


def _parse_fault(text: str) -> Fault:
    name = text.partition("@")[0]
    if name not in FAULTS:
        raise InputError(f"faults: {text!r}: {name!r} is not known; one of {', '.join(FAULTS)} is allowed")
    kind = FAULTS[name]
    form = _FORM.fullmatch(text)
    try:
        at, size = float(form["at"]), float(form["size"] or kind.middle)  # type: ignore[index]  # no match: refused too
    except (TypeError, ValueError):
        raise InputError(f"faults: {text!r} is not allowed; KIND@SECONDS[:SIZE[:JOINT[:SEED]]] is") from None
    if not 0.0 <= at < math.inf:
        raise InputError(f"faults: {text!r}: {at:g} s is not allowed; a finite number from 0 up is")
    if not kind.low <= size <= kind.high:
        raise InputError(
            f"faults: {text!r}: {size:g} is not allowed; from {kind.low:g} to {kind.high:g} {kind.unit} is"
        )
    return Fault(name, at, size, int(form["joint"] or 0), int(form["seed"] or 0))  # type: ignore[index]


def draw_fault(kind: str, rng: np.random.Generator, latest: float) -> Fault:
    """A fault of a kind with random size, at a random moment up to `latest` [s]."""
    what = FAULTS[kind]
    if what.low > 0.0:
        size = math.exp(rng.uniform(math.log(what.low), math.log(what.high)))
    else:
        size = rng.uniform(what.low, what.high)
    at = 0.0 if kind in FROM_THE_START else float(rng.uniform(0.0, latest))
    return Fault(kind, round(at, 3), float(size), int(rng.integers(1 << 16)), int(rng.integers(1 << 31)))


class Injector:
    """Lets faults happen to a press: what it reads, writes and is asked goes through here."""

    def __init__(self, faults: Sequence[Fault], simulation: PressSimulation) -> None:
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
        J = self._simulation.link_jacobian(q, link)
        here = self._simulation.link_position(q, link)
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
    from scipy.spatial.transform import Rotation

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

Begin = Callable[[Injector, Fault, "PressSimulation"], None]


def _rise(injector: Injector, fault: Fault, simulation: PressSimulation) -> None:
    simulation.arm.plant.shift_skin(0.05, fault.size)


def _roll(injector: Injector, fault: Fault, simulation: PressSimulation) -> None:
    rng = np.random.default_rng(fault.seed)
    simulation.arm.plant.roll(math.radians(fault.size) * float(rng.choice([-1.0, 1.0])), float(rng.uniform(0.5, 2.0)))


def _startle(injector: Injector, fault: Fault, simulation: PressSimulation) -> None:
    simulation.startle()
    injector._events.append((fault.at + 0.25, simulation.lie_back))


def _cough(injector: Injector, fault: Fault, simulation: PressSimulation) -> None:
    plant = simulation.arm.plant
    for k in range(3):
        injector._events.append((fault.at + 0.5 * k, lambda: plant.shift_skin(1e-3 * fault.size, 0.12)))
        injector._events.append((fault.at + 0.5 * k + 0.12, lambda: plant.shift_skin(0.0, 0.2)))


def _get_up(injector: Injector, fault: Fault, simulation: PressSimulation) -> None:
    simulation.arm.plant.shift_skin(0.30, fault.size)


def _lose(injector: Injector, fault: Fault, simulation: PressSimulation) -> None:
    simulation.arm.plant.shift_skin(-0.30, 0.02)


def _fall(injector: Injector, fault: Fault, simulation: PressSimulation) -> None:
    _lose(injector, fault, simulation)
    simulation.world.add_tool_mass(-0.95 * simulation.tool.mass)


def _load(injector: Injector, fault: Fault, simulation: PressSimulation) -> None:
    simulation.world.add_tool_mass(fault.size)


def _freeze(injector: Injector, fault: Fault, simulation: PressSimulation) -> None:
    injector._frozen_until = fault.at + 1e-3 * fault.size


def _block(injector: Injector, fault: Fault, simulation: PressSimulation) -> None:
    """Something comes against a link that moves: in the way of it now, already pressed by some of it."""
    q = np.asarray(simulation.arm.read().q)
    link = 2 + fault.joint % max(1, simulation.model.n - 3)
    rng = np.random.default_rng(fault.seed)
    normal = _unit(rng)
    normal[2] = abs(normal[2])
    at = simulation.link_position(q, link)
    way = 1e-3 * fault.size * normal

    def advance(k: int) -> Callable[[], None]:
        def come() -> None:
            injector._held["block"] = (link, at - way + 2.0 * way * min(1.0, k / 200), normal)

        return come

    injector._events += [(fault.at + 0.002 * k, advance(k)) for k in range(201)]


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
