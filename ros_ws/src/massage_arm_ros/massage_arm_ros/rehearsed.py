"""The plan of a rehearsal, and what arm, person, controller and slow side it makes: the same ones in every process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from massage_arm.control.plan import SessionPlan, parse_plan
from massage_arm.native import Controller, ControllerSettings
from massage_arm.sim.press import PressSimulation
from massage_arm.sim.session import SessionSimulation
from rclpy.node import Node

SENSOR_TIMEOUT = 0.02
"""s. In process a reading is stale after 8 ms; over DDS on a busy machine single ones come late or never."""


def settings() -> ControllerSettings:
    """Of a controller that hears its arm over DDS."""
    return ControllerSettings(sensor_timeout=SENSOR_TIMEOUT)


def simulated(node: Node, make: Callable[..., Any] = Controller) -> PressSimulation | SessionSimulation:
    """What the plan file that the node's parameter `plan` names makes; `make` makes its controller.

    Raises InputError for a plan that may not or cannot be done, OSError for a file that cannot be read.
    """
    plan = parse_plan(Path(str(node.get_parameter("plan").value)).read_text(encoding="utf-8"))
    kind: Any = SessionSimulation if isinstance(plan, SessionPlan) else PressSimulation
    made: PressSimulation | SessionSimulation = type("Rehearsed", (kind,), {"make_controller": staticmethod(make)})(
        plan, pictured=False, settings=settings()
    )
    return made
