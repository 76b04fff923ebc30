"""One arm beside one table, in a file: which arm, its URDF and tool, where it stands, how it is commanded."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from massage_arm.control.tool import Tool, load_tool
from massage_arm.control.yaml_file import Field, Fields, locate, read_yaml
from massage_arm.native import ArmModel, InputError
from massage_arm.urdf import TCP, ArmDescription, arm_with_tool, user_arm
from numpy.typing import NDArray

from .arm_profile import ArmProfile, Command, load_arm

Floats = NDArray[np.float64]

SCHEMA = "massage-arm/station/1"
_TORQUE_RATE = 300.0  # Nm/s where the profile names none; assumption as in arms.yaml
TORQUES = {"link_torque_with_gravity": True, "gravity_compensated_torque": False}
"""What of `JointState.effort` is a torque, and whether gravity has to be taken out of it."""
FIELDS: Fields = {
    "arm": Field(str),
    "urdf": Field(str),
    "tool": Field(str),
    "command": Field(str, choices=("set_points", "effort")),
    "base_mm": Field((float, float, float), -3000.0, 3000.0),
    "base_yaw_deg": Field(float, -180.0, 180.0),
    "mount_mm": Field((float, float, float), -500.0, 500.0, required=False, default=(0.0, 0.0, 0.0)),
    "mount_deg": Field((float, float, float), -180.0, 180.0, required=False, default=(0.0, 0.0, 0.0)),
    "source": Field(str),
}


@dataclass(frozen=True, eq=False)
class Station:
    """What is true of one installation."""

    profile: ArmProfile
    command: Command
    """The way to command the arm that is used."""
    tool: Tool
    base: Floats
    """(4, 4) m, the arm's base in the body frame: on the table, x towards the head, y to their left, z up."""
    model: ArmModel
    """Arm with tool; its tip is the TCP."""
    description: ArmDescription
    file: Path

    @property
    def joints_feel(self) -> bool:
        """Whether torques are known that acted, so that the joints can contradict the force sensor."""
        return self.command.kind == "effort" or self.profile.joint_states.effort in TORQUES


def load_station(file: str | Path) -> Station:
    """Read a station; names of files count from its folder.

    Raises InputError (file, line, key, value, what is allowed) where it, the profile, the URDF or the tool is wrong, or
    where they do not fit each other. The arm stands upright: `base_yaw_deg` is all that turns it.
    """
    path = Path(file)
    values = read_yaml(path, SCHEMA, FIELDS)

    def refusal(key: str, why: str) -> InputError:
        return InputError(f"{path}:{locate(path, key)[0]}: {key}: {why}")

    try:
        profile = load_arm(_beside(path, values["arm"]))
    except InputError as error:
        raise refusal("arm", str(error)) from None
    try:
        tool = load_tool(_beside(path, values["tool"]))
    except InputError as error:
        raise refusal("tool", str(error)) from None
    command = next((one for one in profile.commands if one.kind == values["command"]), None)
    if command is None:
        kinds = ", ".join(one.kind for one in profile.commands)
        raise refusal("command", f"{values['command']} is not allowed with {profile.name}, which takes {kinds}")
    try:
        description = _description(path.parent / values["urdf"], profile, values["mount_mm"], values["mount_deg"])
        model = ArmModel.from_urdf(arm_with_tool(description, tool.file), TCP, base=profile.base)
    except (ValueError, FileNotFoundError) as error:
        raise refusal("urdf", str(error)) from None
    if profile.gravity == "robot_without_tool" and command.kind == "set_points":
        raise refusal("command", "set_points is not allowed where the tool's weight is ours; effort is")
    return Station(profile, command, tool, _base(values["base_mm"], values["base_yaw_deg"]), model, description, path)


def _beside(path: Path, name: str) -> str:
    return str(path.parent / name) if Path(name).suffix else name


def _base(position_mm: tuple[float, float, float], yaw_deg: float) -> Floats:
    pose, yaw = np.eye(4), math.radians(yaw_deg)
    pose[:2, :2] = [[math.cos(yaw), -math.sin(yaw)], [math.sin(yaw), math.cos(yaw)]]
    pose[:3, 3] = 1e-3 * np.array(position_mm)
    return pose


def _description(
    urdf: Path,
    profile: ArmProfile,
    mount_mm: tuple[float, float, float],
    mount_deg: tuple[float, float, float],
) -> ArmDescription:
    """The URDF's arm with the limits of the profile; ValueError where joints or links are not the same."""
    arm = user_arm(urdf, profile.flange)
    names = tuple(joint.name for joint in profile.joints)
    if arm.joint_names != names:
        raise ValueError(f"{urdf}: joints {', '.join(arm.joint_names)}; {profile.name} has {', '.join(names)}")
    torques = [urdf_limit if joint.torque_nm is None else joint.torque_nm
               for joint, urdf_limit in zip(profile.joints, arm.torque_limits, strict=True)]  # fmt: skip
    x, y, z = (1e-3 * value for value in mount_mm)
    roll, pitch, yaw = (math.radians(value) for value in mount_deg)
    return replace(
        arm,
        base=profile.base,
        torque_limits=np.array(torques),
        torque_rates=np.full(len(names), profile.torque_rate_nm_s or _TORQUE_RATE),
        velocity_limits=np.radians([joint.speed_deg_s for joint in profile.joints]),
        gravity="robot" if profile.gravity == "robot" else "us" if profile.gravity == "us" else "robot_without_tool",
        mount_xyz=(x, y, z),
        mount_rpy=(roll, pitch, yaw),
    )
