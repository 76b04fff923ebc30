"""The arms that come with the package (`arms.yaml`), and any arm of the user's own from its URDF."""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

import numpy as np
import yaml
from numpy.typing import NDArray

from .xml_tools import end, expand, path_down

ARMS_FILE = Path(__file__).with_name("arms.yaml")
TORQUE_RATE = 300.0  # Nm/s, for an arm of the user's own; assumption as in arms.yaml

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ArmDescription:
    """What a URDF does not say about an arm, and the limits that replace the URDF's."""

    name: str
    source: str
    """`package:path` for an arm of `arms.yaml`, else the path of the user's URDF."""
    base: str
    flange: str
    joint_names: tuple[str, ...]
    """The n moving joints from base to flange."""
    torque_limits: Floats  # (n,) Nm or N; inf where neither the file nor the URDF names one
    torque_rates: Floats  # (n,) Nm/s or N/s
    velocity_limits: Floats  # (n,) rad/s or m/s; inf likewise
    gravity: Literal["robot", "robot_without_tool", "us"] = "robot"
    """Who balances the weight: robot, robot_without_tool or us."""
    mount_xyz: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """m, tool mount in the flange link."""
    mount_rpy: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """rad, fixed axes x, y, z; +z of the mount points out of the flange."""
    lock: Mapping[str, float] = field(default_factory=dict)
    """Movable joints that count as fixed, and where (rad or m)."""
    remove: tuple[str, ...] = ()
    """Links that come off with all they carry, such as a gripper."""

    @property
    def limits(self) -> dict[str, tuple[float, float]]:
        """Joint name to torque and velocity limit, where both are finite."""
        rows = zip(self.joint_names, self.torque_limits.tolist(), self.velocity_limits.tolist(), strict=True)
        return {name: (torque, speed) for name, torque, speed in rows if math.isfinite(torque + speed)}


@cache
def _table() -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = yaml.safe_load(ARMS_FILE.read_text(encoding="utf-8"))
    return table


ARMS: tuple[str, ...] = tuple(_table())


def arm_description(name: str) -> ArmDescription:
    """The arm `name` of `arms.yaml`; ValueError when there is none."""
    entry = _entry(name)
    joints = entry["joints"]
    torques = np.array([row["torque_nm"] for row in joints.values()], dtype=np.float64)
    x, y, z = (0.001 * float(value) for value in entry["mount_xyz_mm"])
    roll, pitch, yaw = (math.radians(value) for value in entry["mount_rpy_deg"])
    return ArmDescription(
        name=name,
        source=entry["source"],
        base=entry["base"],
        flange=entry["flange"],
        joint_names=tuple(joints),
        torque_limits=torques,
        torque_rates=np.full(len(torques), float(entry["torque_rate_nm_s"])),
        velocity_limits=np.radians([row["speed_deg_s"] for row in joints.values()]),
        gravity=entry["gravity"],
        mount_xyz=(x, y, z),
        mount_rpy=(roll, pitch, yaw),
        lock=entry.get("lock", {}),
        remove=tuple(entry.get("remove", ())),
    )


def user_arm(path: Path, tip: str) -> ArmDescription:
    """An arm from the user's own URDF or xacro file; the tool goes to link `tip`, the base is the root.

    Limits are those of the URDF. Movable joints on the last moving body, such as fingers, and on the base are locked at
    the position nearest to zero that their limits allow; those of a chain that branches between are left for who reads
    the chain to refuse. Raises FileNotFoundError, or ValueError for what is not such a URDF.
    """
    robot = expand(path)
    chain = path_down(robot, tip, str(path))
    moving = [joint for joint in chain if _movable(joint)]
    if not moving:
        raise ValueError(f"{path}: no joint moves link {tip}; the last link of an arm is expected")
    beside = [joint for joint in robot.findall("joint") if _movable(joint) and joint not in chain]
    carrier = {id(joint): set(moving) & set(path_down(robot, end(joint, "parent"), str(path))) for joint in beside}
    beside = [joint for joint in beside if not carrier[id(joint)] or moving[-1] in carrier[id(joint)]]
    return ArmDescription(
        name=path.stem.removesuffix(".urdf"),
        source=str(path),
        base=end(chain[0], "parent"),
        flange=tip,
        joint_names=tuple(joint.get("name", "") for joint in moving),
        torque_limits=np.array([_limit(path, joint, "effort", math.inf) for joint in moving]),
        torque_rates=np.full(len(moving), TORQUE_RATE),
        velocity_limits=np.array([_limit(path, joint, "velocity", math.inf) for joint in moving]),
        lock={joint.get("name", ""): _rest(path, joint) for joint in beside},
    )


def arm_urdf_path(arm: str | ArmDescription) -> Path:
    """The URDF of an arm by name or description; FileNotFoundError says what to install when it is absent."""
    source = _entry(arm)["source"] if isinstance(arm, str) else arm.source
    package, colon, inside = source.partition(":")
    if package not in _FOLDERS or not colon:
        if not Path(source).is_file():
            raise FileNotFoundError(f"{source}: file not found; the path of a URDF or xacro file is expected")
        return Path(source)
    for folder in _FOLDERS[package]():
        if (folder / inside).is_file():
            return folder / inside
    name = arm if isinstance(arm, str) else arm.name
    raise FileNotFoundError(f"arm {name}: its URDF comes with {package}; install it with: {_INSTALL[package]}")


def _entry(name: str) -> dict[str, Any]:
    if name not in ARMS:
        raise ValueError(f"arm: {name} is not known; {', '.join(ARMS)} or the path of a URDF is")
    return _table()[name]


def _pybullet_folders() -> Iterator[Path]:
    spec = importlib.util.find_spec("pybullet_data")
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent


def _example_folders() -> Iterator[Path]:
    inside = Path("share") / "example-robot-data" / "robots"
    with suppress(metadata.PackageNotFoundError):  # a wheel keeps its data beside the packages
        yield Path(str(metadata.distribution("example-robot-data").locate_file("cmeel.prefix"))) / inside
    yield Path(sys.prefix) / inside  # conda


_FOLDERS = {"pybullet_data": _pybullet_folders, "example-robot-data": _example_folders}
_INSTALL = {"pybullet_data": "pip install pybullet", "example-robot-data": "pip install 'massage-arm[arms]'"}


def _movable(joint: ElementTree.Element) -> bool:
    return joint.get("type") in ("revolute", "continuous", "prismatic")


def _limit(path: Path, joint: ElementTree.Element, key: str, default: float) -> float:
    limit = joint.find("limit")
    text = None if limit is None else limit.get(key)
    try:
        value = default if text is None else float(text)
    except ValueError:
        value = math.nan
    if math.isnan(value):
        raise ValueError(f"{path}: joint {joint.get('name')}: {key} {text!r} is not allowed; a number is")
    return value


def _rest(path: Path, joint: ElementTree.Element) -> float:
    if joint.get("type") == "continuous":
        return 0.0
    return min(max(0.0, _limit(path, joint, "lower", 0.0)), _limit(path, joint, "upper", 0.0))
