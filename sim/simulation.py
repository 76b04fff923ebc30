"""A simulated run, end to end: arm, tool, person, disturbances, controller and work; blocks of ticks come out."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..control.arm import ArmAbilities
from ..control.body import BODY_FILE, Body, load_body
from ..control.pacing import Pacing
from ..control.plan import RunPlan
from ..control.slow_side import SlowSide
from ..control.task import Task
from ..control.ticks import Ticks
from ..control.tool import load_tool
from ..native import (
    ArmModel,
    Command,
    ContactState,
    Controller,
    ControllerSettings,
    InputError,
    Level,
    Person,
    Plant,
    SetPoint,
)
from ..urdf import TCP, ArmDescription, arm_urdf_path, arm_with_tool
from .arm import PERIOD, SimulatedArm, describe_arm
from .disturbances import load_disturbances, wrong_chain
from .faults import parse_faults
from .flesh import flesh, friction_after
from .hardware import make_plant, payload, sensor_pose
from .injector import Injector
from .people import find_person
from .placement import Placement
from .tick_rows import BEATS, Records, ticks_of
from .world import TABLE_HEIGHT, World

Floats = NDArray[np.float64]

STARTLE = 0.015  # m up, of 10 to 30 mm in 0.2 to 0.5 s; assumption
STARTLE_UP, STARTLE_DOWN = 0.25, 1.0  # s; assumption
AFTERMATH = 1.0  # s that a run goes on after a stop at least
SHIFT_TIME = 0.5  # s that re-positioning takes; assumption
_SET_POINT_EVERY = 10  # cycles of 1 ms: set-points come at 100 Hz
UP = np.array([0.0, 0.0, TABLE_HEIGHT])


class Simulation(ABC):
    """A run that is advanced in blocks; equal plans give equal ticks, bit for bit.

    What is done in it is said by who inherits: `PressSimulation` and `SessionSimulation`.
    """

    task: Task
    """What is to be done."""
    known: Body
    """The back as the arm knows it: scanned, and what has moved since."""
    make_controller: Any = Controller
    """What drives the arm; the stroke bench puts its baseline here."""
    _placement: Placement
    _surface_error: float

    def __init__(
        self,
        plan: RunPlan,
        tool: str,
        *,
        gui: bool = False,
        pictured: bool = True,
        settings: ControllerSettings | None = None,
        surface_off: float | None = None,
    ) -> None:
        """`pictured`: `picture` will be called; `settings`: the controller's, for tuning.

        `surface_off` [m]: how far the surface really is off, for tests.
        """
        faults = parse_faults(plan.faults or "")
        self.plan = plan
        self.disturbances = load_disturbances(plan.disturbances)
        self._rng = np.random.default_rng(plan.seed)
        self.tool = load_tool(tool)
        self._person = find_person(plan.person)
        self._body = load_body(self._person.body)
        self._describe(plan)
        found = {fault.kind: 1e-3 * fault.size for fault in faults if fault.kind in ("surface_off", "bone")}
        surface_off = found.get("surface_off", surface_off)
        self._bone = found.get("bone")
        self._look(surface_off, plan.seed if plan.scan_seed is None else plan.scan_seed)
        self._stand(gui, pictured)
        self._control(settings)
        self._faults = Injector(faults, self) if faults else None
        self._events = self._plan_events()
        self._stopped_at: float | None = None
        self._lying = 0.0
        self._done = False
        self.force_true = 0.0

    # What the run folder wants to know.

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Names of the arm's joints."""
        names: tuple[str, ...] = self.model.joint_names
        return names

    @property
    def torque_limits(self) -> list[float]:
        """(n,) Nm."""
        return [float(limit) for limit in self._arm_description.torque_limits]

    @property
    def description(self) -> ArmDescription:
        """The arm, without its tool."""
        return self._arm_description

    @property
    def base(self) -> Floats:
        """(4, 4) where the arm stands, world."""
        return self._placement.base

    @property
    def believed_tool_kg(self) -> float:
        """What the controller believes the tool to weigh."""
        return self._believed_tool_kg

    # What is done.

    @property
    @abstractmethod
    def duration_s(self) -> float:
        """Estimate of the whole run."""

    @abstractmethod
    def _look(self, surface_off: float | None, scan_seed: int) -> None:
        """What the arm is told of the surface: a scan, and what has moved since."""

    @abstractmethod
    def _place(self) -> Placement:
        """Where the arm stands."""

    @abstractmethod
    def _press_directions(self, governed: Floats) -> Floats:
        """(N, 3) world, for the log; `governed` (N, 3) is what the controller had."""

    @property
    def metadata(self) -> Mapping[str, str]:
        """What is true of this run and of every repetition of it."""
        base = self._placement.base
        return {
            "person": json.dumps(self._person.record()),
            "arm_base_m": " ".join(f"{x:.4f}" for x in base[:3, 3]),
            "surface_error_mm": f"{1e3 * self._surface_error:.3f}",
            "simulator": "pybullet",
            "locked_joints": ", ".join(f"{name} at {at:g}" for name, at in self._arm_description.lock.items()),
        }

    @property
    def input_files(self) -> Mapping[str, bytes]:
        """The files that the run was made from."""
        files = {"arm.urdf": self._arm_file.read_bytes(), "tool.yaml": self.tool.file.read_bytes()}
        if self.plan.person.endswith(BODY_FILE):
            files["body.npz"] = Path(self.plan.person).read_bytes()
        if self.plan.limits is not None:
            files["limits.yaml"] = Path(self.plan.limits).read_bytes()
        return files

    @property
    def time(self) -> float:
        """s, simulated."""
        return self.arm.steps * PERIOD

    @property
    def contact_state(self) -> ContactState:
        """Where the press stands."""
        state: ContactState = self.controller.status.contact_state
        return state

    @property
    def told(self) -> Sequence[str]:
        """What happened on the way, when, in words; of a press nothing but what the log shows."""
        return ()

    @property
    def thresholds_kpa(self) -> Mapping[str, float]:
        """Pain thresholds on 1 cm² that were found, by site; a press finds none."""
        return {}

    @property
    def refusals(self) -> Sequence[str]:
        """What was asked on the way and refused, and why."""
        return self.session.refusals

    # Building it.

    def _describe(self, plan: RunPlan) -> None:
        self._arm_description = describe_arm(plan)
        try:
            self._arm_file = Path(arm_urdf_path(self._arm_description))
            self.urdf = arm_with_tool(self._arm_description, self.tool.file)
        except (ValueError, FileNotFoundError) as error:
            raise InputError(str(error)) from error
        self.model = ArmModel.from_urdf(self.urdf, TCP, base=self._arm_description.base)

    def _stand(self, gui: bool, pictured: bool) -> None:
        self._placement = self._place()
        self.world = World(
            self.urdf, self.joint_names, self._placement.base, self._body, PERIOD, gui=gui, pictured=pictured
        )
        self.world.place(self._placement.q)
        abilities = ArmAbilities(self.joint_names, self.plan.control_hz, self._arm_description.gravity, True)
        self.arm = SimulatedArm(self.world, self._hardware(), abilities)
        if self._arm_description.gravity == "us":
            held = Command(self.model.n)
            held.torque[:] = self.model.gravity(self._placement.q)
            self.arm.plant.begin_with(held)

    def _hardware(self) -> Plant:
        d = self.disturbances
        breath_rate, breath_phase = 2.0 * np.pi * d.breathing_hz, self._rng.uniform(-np.pi, np.pi)
        self.tissue = flesh(self._body, self._person, self.plan.skin, self._bone)
        self._human = Person(self._person.constants, period=PERIOD, breath_rate=breath_rate, breath_phase=breath_phase)
        breath = (breath_rate, breath_phase)
        return make_plant(
            self.model,
            self._arm_description,
            self.tool,
            self.urdf,
            self._placement.base,
            self.tissue,
            self._human,
            breath,
            d,
            self._rng,
        )

    def _plan_events(self) -> list[tuple[float, Callable[[], None]]]:
        """What the person does, and when [s]; in time's order."""
        events: list[tuple[float, Callable[[], None]]] = []
        if self.plan.shift_s is not None:
            events.append((self.plan.shift_s, self._shift))
        if self.plan.startle_s is not None:
            events.append((self.plan.startle_s, self.startle))
            events.append((self.plan.startle_s + STARTLE_UP, self.lie_back))
        return sorted(events, key=lambda event: event[0])

    def _shift(self) -> None:
        self._lying = self.plan.shift_mm * 1e-3
        self.arm.plant.shift_skin(self._lying, SHIFT_TIME)

    def startle(self) -> None:
        """They start: muscles tighten, the body comes up."""
        self._human.startle()
        self.arm.plant.shift_skin(self._lying + STARTLE, STARTLE_UP)

    def lie_back(self) -> None:
        """They sink back after a start."""
        self.arm.plant.shift_skin(self._lying, STARTLE_DOWN)

    @property
    def carried(self) -> Floats:
        """(n,) Nm of weight in the commands: all of it where it is ours, else none."""
        ours = self._arm_description.gravity == "us"
        weight: Floats = self.model.gravity(self.arm.read().q) if ours else np.zeros(self.model.n)
        return weight

    @property
    def link_force(self) -> float:
        """N, the most with which a link has pressed on what was in its way."""
        return 0.0 if self._faults is None else self._faults.block_force

    def _control(self, settings: ControllerSettings | None) -> None:
        d, rng = self.disturbances, self._rng
        self._cycle = round(1.0 / (self.plan.control_hz * PERIOD))
        settings = settings or ControllerSettings()
        most, limits = self.task.allowed_limits[0]
        settings = replace(settings, period=self._cycle * PERIOD, force_max=most)
        believed = ArmModel(wrong_chain(self.model.chain, d, rng))
        heavier = 1.0 + d.tool_mass_error * rng.uniform(-1.0, 1.0)
        self._believed_tool_kg = self.tool.mass * heavier
        payload_mass, payload_com = payload(self._arm_description, self.tool)
        self.controller = self.make_controller(
            believed,
            settings,
            self._arm_description.torque_limits,
            self._arm_description.torque_rates,
            limits=limits,
            compensate="us" if self._arm_description.gravity == "us" else "robot",
            payload_mass=payload_mass * heavier,
            payload_com=payload_com,
            sensor=sensor_pose(self.tool),
            tool_mass=self._believed_tool_kg,
            tool_com=self.tool.com,
        )
        self.controller.activate(self.arm.read())
        to_base: Floats = np.asarray(np.linalg.inv(self._placement.base), dtype=np.float64)
        start = self.model.forward(self._placement.q)
        self._set_point = SetPoint()
        self._set_point.position[:] = start[:3, 3]
        self._set_point.quaternion[:] = Rotation.from_matrix(start[:3, :3]).as_quat()
        self._set_point.press_direction[:] = to_base[:3, :3] @ -self.task.normal
        body_to_base = to_base.copy()
        body_to_base[:3, 3] += to_base[:3, :3] @ UP
        self.heart = Pacing(0.0, self.plan.rest_s)
        self.session = SlowSide(
            self.plan,
            self.tool.name,
            self.controller,
            self._set_point,
            self.task.begin(self.controller, self._set_point, body_to_base, self.heart),
            self.task.stiffness,
            self._kept_out,
        )
        self._cycles = 0
        self._last_time = -self._cycle * PERIOD

    def _kept_out(self, point: Floats) -> str | None:
        """The area of the scanned body that holds a point (3,) m, base, and in which nothing may press."""
        base = self._placement.base
        x, y, _ = base[:3, :3] @ point + base[:3, 3]  # the body lies on the table with its axes along the world's
        return self.known.kept_out(x, y)

    # Running it.

    def advance(self, ticks: int) -> Ticks | None:
        """The next control cycles, at most `ticks`; None once the arm has withdrawn."""
        if self._done:
            return None
        n = self.model.n
        rows = [np.empty((ticks, len(r))) for r in self._records()]
        late, lost = self._jitter(ticks)
        count = 0
        while count < ticks and not self._done:
            self._tick(rows, count, late[count], lost[count])
            count += 1
        records = Records(*(r[:count] for r in rows))
        block = ticks_of(records, n, self._placement.base, self._press_directions, self._surface_error)
        self.force_true = float(block["force_true"][-1])
        return block

    def let_pass(self, steps: int) -> None:
        """Let `steps` of 1 ms pass for arm and person; what is written to the arm is somebody else's."""
        now = self.time
        while self._events and now >= self._events[0][0]:
            self._events.pop(0)[1]()
        self.tissue.friction = friction_after(self.plan.skin, now)
        self.arm.advance(steps, 0.0)

    @property
    def pressing_n(self) -> float:
        """N with which the tool truly presses now, along the skin's own normal: its friction is no pressing."""
        base, place = self._placement.base, self.model.forward(self.arm.read().q)[:3, 3]
        x, y, _ = base[:3, :3] @ place + base[:3, 3]
        if not self._body.height_field.contains(x, y):
            return 0.0
        _, dx, dy = self._body.height_field.value_and_gradient(x, y)
        return float(self._truth[6:9] @ [-dx, -dy, 1.0]) / math.sqrt(1.0 + dx * dx + dy * dy)

    @property
    def beats(self) -> float:
        """Heartbeats of the person so far."""
        return float(self._truth[BEATS])

    @property
    def set_point(self) -> SetPoint:
        """What the slow side wants now."""
        return self._set_point

    def withdraw(self) -> None:
        """Let the force out and withdraw, from the next cycle on."""
        self.session.end()

    def picture(self) -> bytes:
        """A PNG of the scene as it is."""
        return self.world.picture(self.task.position + UP)

    def close(self) -> None:
        """Close the world; may be called twice."""
        self.arm.close()

    def _records(self) -> tuple[Floats, ...]:
        c = self.controller
        return self.arm.read().values, c.command.values, c.status.values, self._truth

    @property
    def _truth(self) -> Floats:
        truth: Floats = self.arm.plant.truth
        return truth

    def _jitter(self, ticks: int) -> tuple[list[float], list[bool]]:
        d = self.disturbances
        draws = self._rng.random((ticks, 2))
        return (d.cycle_jitter_ms * 1e-3 * draws[:, 0]).tolist(), (draws[:, 1] < d.lost_cycles).tolist()

    def _tick(self, rows: list[Floats], row: int, late: float, lost: bool) -> None:
        """One control cycle: read, decide (unless the cycle is lost), write, let time pass."""
        true = self.arm.read()
        state, set_point, faults = true, self._set_point, self._faults
        while self._events and true.time >= self._events[0][0]:
            self._events.pop(0)[1]()
        if faults is not None:
            faults.pass_time(true.time)
            late = faults.late(late, self._cycle * PERIOD)
            lost = faults.loses(true.time) or lost
            state, set_point = faults.read(true), faults.ask(self._set_point)
        if not lost or not self._cycles:  # a loop that has not begun has no cycle to lose
            now = true.time + late
            command = self.controller.step(state, set_point, now - self._last_time)[0]
            self.arm.write(command if faults is None else faults.write(command))
            self._last_time = now
        for block, record in zip(rows, (state.values, *self._records()[1:]), strict=True):
            block[row] = record
        self.arm.advance(self._cycle, late, faults.push if faults is not None and faults.blocks else None)
        self._cycles += 1
        if self._cycles * self._cycle % _SET_POINT_EVERY == 0:
            self._update()

    def _update(self) -> None:
        """The slow side, 100 Hz; what it sees of the arm is what the controller sees."""
        state = self.arm.read()
        self.tissue.friction = friction_after(self.plan.skin, state.time)
        self.session.update(state if self._faults is None else self._faults.read(state), state.time)
        if self._stopped_at is None and self.controller.status.level >= Level.RELEASE:
            self._stopped_at = state.time
        # What follows on a stop belongs to the record of it.
        still = self._stopped_at is not None and state.time - self._stopped_at < AFTERMATH
        self._done = self.session.over and not still
