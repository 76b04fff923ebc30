"""What an arm is to the controller: read it, command it, close it. Which arm it is, nobody else knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from ..native import ArmState, Command


@dataclass(frozen=True)
class ArmAbilities:
    """What an arm offers."""

    joint_names: tuple[str, ...]
    control_hz: float
    gravity: Literal["robot", "robot_without_tool", "us"]
    """Who balances the weight while torques are commanded."""
    has_force_sensor: bool


class Arm(Protocol):
    """A torque-controlled arm: PyBullet, a vendor link, ROS topics, a replayed log or a test double."""

    @property
    def abilities(self) -> ArmAbilities:
        """What this arm can do; does not change while it is open."""

    def read(self) -> ArmState:
        """The newest state; may return the same object every time."""

    def write(self, command: Command) -> None:
        """Hand over joint torques [Nm]; they hold until the next ones."""

    def close(self) -> None:
        """Let go of the arm; may be called twice."""
