"""A plan on the arm of a station: the controller and the slow side that it takes, whoever moves the arm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from massage_arm.control.body import load_body
from massage_arm.control.pacing import Pacing
from massage_arm.control.plan import PressPlan, SessionPlan, parse_plan
from massage_arm.control.slow_side import SlowSide
from massage_arm.control.task import PressTask, SessionTask
from massage_arm.control.tool import load_tool
from massage_arm.native import ArmState, Controller, ControllerSettings, InputError, SetPoint, Task
from numpy.typing import NDArray
from rclpy.node import Node
from scipy.spatial.transform import Rotation

from .station import Station, load_station

Floats = NDArray[np.float64]

SENSOR_TIMEOUT = 0.02
"""s. In process a reading is stale after 8 ms; over DDS on a busy machine single ones come late or never."""
_NEVER = 1.0  # det / trace³ of a 3 x 3 matrix is 1/27 at most
STAND_OFF = 0.05
"""m above the skin, where a session begins."""


class Performance:
    """One plan on one station; equal in every process that is given the same two files."""

    slow: SlowSide
    """The slow side, from `begin` on."""

    def __init__(self, plan: PressPlan | SessionPlan, station: Station, make: Callable[..., Any] = Controller) -> None:
        """`make` makes the controller. `plan.person` is the body as it was scanned. InputError for what may not be."""
        body = load_body(plan.person)
        if isinstance(plan, SessionPlan):
            self.task: PressTask | SessionTask = SessionTask(plan, body)
        else:
            site = body.sites[plan.site]
            self.task = PressTask(plan, site.position, site.normal)
        if load_tool(self.task.tool).name != station.tool.name:
            raise InputError(f"tool: {plan.title} is done with {self.task.tool}; the station has {station.tool.name}")
        self.plan, self.station, self._body = plan, station, body
        self.model, arm = station.model, station.description
        most, limits = self.task.allowed_limits[0]
        payload, middle = station.tool.payload if arm.gravity == "robot_without_tool" else (0.0, np.zeros(3))
        # The wrench comes as what acts on the tool at its TCP, its weight taken out: no sensor pose, no tool mass.
        self.controller = make(
            self.model,
            ControllerSettings(
                sensor_timeout=SENSOR_TIMEOUT,
                period=1.0 / plan.control_hz,
                force_max=most,
                observer_weakest=ControllerSettings().observer_weakest if station.joints_feel else _NEVER,
            ),
            arm.torque_limits,
            arm.torque_rates,
            limits=limits,
            compensate="us" if arm.gravity == "us" else "robot",
            payload_mass=payload,
            payload_com=middle,
        )
        self.set_point = SetPoint()

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Of the arm, base first."""
        return tuple(self.model.joint_names)

    @property
    def told(self) -> Sequence[str]:
        """What happened so far, when, in words."""
        return self.task.told if isinstance(self.task, SessionTask) and hasattr(self, "slow") else ()

    @property
    def body_to_base(self) -> Floats:
        """(4, 4)."""
        inverse: Floats = np.asarray(np.linalg.inv(self.station.base), dtype=np.float64)
        return inverse

    @property
    def field(self) -> Any:
        """Heights of the skin, body frame."""
        return self._body.height_field

    @property
    def start(self) -> tuple[Floats, Floats]:
        """(3,) m where the tool waits, and the outward normal (3,) against which it points there; body frame."""
        return self.task.position + STAND_OFF * self.task.normal, self.task.normal

    def hold(self, state: ArmState) -> None:
        """Want the arm to be where it is, not stiffly."""
        pose, s = self.model.forward(state.q), self.set_point
        s.task = Task.HOLD
        s.position[:], s.twist[:] = pose[:3, 3], 0.0
        s.quaternion[:] = Rotation.from_matrix(pose[:3, :3]).as_quat()
        s.press_direction[:] = pose[:3, 2]
        s.stiffness[:] = self.task.stiffness

    def begin(self, state: ArmState) -> None:
        """Make the slow side: the tool keeps the turn about its own axis that it has now."""
        to_base = self.body_to_base
        self.hold(state)
        direction = to_base[:3, :3] @ -self.task.normal
        self.set_point.press_direction[:] = direction
        self.set_point.quaternion[:] = pointing(self.model.forward(state.q)[:3, :3], direction)
        self.heart = Pacing(0.0, self.plan.rest_s)
        work = self.task.begin(self.controller, self.set_point, to_base, self.heart)
        self.slow = SlowSide(
            self.plan, self.task.tool, self.controller, self.set_point, work, self.task.stiffness, self._kept_out
        )
        self.hold(state)

    def _kept_out(self, point: Floats) -> str | None:
        x, y, _ = self.station.base[:3, :3] @ point + self.station.base[:3, 3]
        return self._body.kept_out(x, y)


def pointing(attitude: Floats, direction: Floats) -> Floats:
    """(4,) the attitude (3, 3) turned by the least so that its +z points along `direction` (3,), unit."""
    z = attitude[:, 2]
    axis, cosine = np.cross(z, direction), float(np.clip(z @ direction, -1.0, 1.0))
    sine = float(np.linalg.norm(axis))
    if sine < 1e-9:
        axis, sine = attitude[:, 0], 1.0 if cosine < 0.0 else 0.0
        turn = Rotation.from_rotvec(np.pi * sine * axis)
    else:
        turn = Rotation.from_rotvec(np.arctan2(sine, cosine) / sine * axis)
    quaternion: Floats = (turn * Rotation.from_matrix(attitude)).as_quat()
    return quaternion


def performed(node: Node, make: Callable[..., Any] = Controller) -> Performance:
    """Of the files that the node's parameters `plan` and `station` name.

    Raises InputError for what may not be done, OSError for a file that cannot be read.
    """
    station = load_station(str(node.get_parameter("station").value))
    plan = parse_plan(Path(str(node.get_parameter("plan").value)).read_text(encoding="utf-8"))
    return Performance(plan, station, make)
