"""The files of a rehearsal, as a real installation would have them, made of what the simulation has.

The arm's URDF and the tool's weight are off by what the plan's disturbances say, the back is a scan with its errors:
the nodes know no more than they would of a real person on a real table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import yaml
from massage_arm.control.body import body_bytes
from massage_arm.control.plan import PressPlan, SessionPlan, plan_yaml
from massage_arm.native import InputError
from massage_arm.sim.press import PressSimulation
from massage_arm.sim.runs import simulate
from massage_arm.sim.session import SessionSimulation
from massage_arm.sim.world import TABLE_HEIGHT
from massage_arm.urdf.xml_tools import drop_links

from .arm_profile import SCHEMA as ARM_SCHEMA
from .arm_profile import load_arm
from .station import SCHEMA as STATION_SCHEMA

_MADE = "made by the rehearsal"
_TOOL_MOUNT = "tool_mount"


@dataclass(frozen=True)
class Stage:
    """Paths of what the processes are given."""

    plan: Path
    """For the simulated arm: with the person who truly lies there."""
    known: Path
    """For all others: with the back as it was scanned."""
    station: Path


def set_stage(folder: Path, plan: PressPlan | SessionPlan, arm: str | None = None, command: str | None = None) -> Stage:
    """Write all files of a rehearsal into a folder; `arm`: the profile whose driver is played, else none.

    `command`: the kind of commands that it takes, else the one that it prefers.

    Raises InputError for a plan that may not or cannot be done, and an arm that cannot play that profile.
    """
    simulation = simulate(plan)
    try:
        stage = Stage(folder / "plan.yaml", folder / "known.yaml", folder / "station.yaml")
        stage.plan.write_text(plan_yaml(plan), encoding="utf-8")
        back = folder / "back.npz"
        back.write_bytes(body_bytes(simulation.known))
        stage.known.write_text(plan_yaml(replace(plan, person=str(back))), encoding="utf-8")
        profile = _profile(simulation) if arm is None else None
        if profile is not None:
            (folder / "arm.yaml").write_text(yaml.safe_dump(profile, sort_keys=False), encoding="utf-8")
        (folder / "arm.urdf").write_text(_urdf(simulation, arm), encoding="utf-8")
        tool = yaml.safe_load(simulation.tool.file.read_text(encoding="utf-8"))
        tool["mass_kg"] = round(simulation.believed_tool_kg, 6)
        (folder / f"{simulation.tool.file.stem}.yaml").write_text(yaml.safe_dump(tool), encoding="utf-8")
        stage.station.write_text(yaml.safe_dump(_station(simulation, arm, command), sort_keys=False), encoding="utf-8")
    finally:
        simulation.close()
    return stage


def _station(simulation: PressSimulation | SessionSimulation, arm: str | None, command: str | None) -> dict[str, Any]:
    base, described = simulation.base, simulation.description
    x, y, z = (1e3 * base[:3, 3]).tolist()
    return {
        "schema": STATION_SCHEMA,
        "arm": arm or "arm.yaml",
        "urdf": "arm.urdf",
        "tool": f"{simulation.tool.file.stem}.yaml",
        "command": "effort" if arm is None else command or load_arm(arm).commands[0].kind,
        "base_mm": [x, y, z - 1e3 * TABLE_HEIGHT],
        "base_yaw_deg": float(np.degrees(np.arctan2(base[1, 0], base[0, 0]))),
        "mount_mm": [1e3 * value for value in described.mount_xyz],
        "mount_deg": np.degrees(described.mount_rpy).tolist(),
        "source": _MADE,
    }


def _urdf(simulation: PressSimulation | SessionSimulation, arm: str | None) -> str:
    """The arm without its tool, as heavy as it is thought to be, with the names of the profile that is played."""
    robot = ElementTree.fromstring(simulation.urdf)
    drop_links(robot, [_TOOL_MOUNT], "the simulated arm")
    _weigh_wrongly(robot, simulation)
    if arm is not None:
        profile, described = load_arm(arm), simulation.description
        if len(profile.joints) != len(described.joint_names):
            told = f"{described.name} with its {len(described.joint_names)} joints cannot play {profile.name}"
            raise InputError(f"arm: {told}, which has {len(profile.joints)}")
        joints = zip(described.joint_names, (joint.name for joint in profile.joints), strict=True)
        _rename(robot, dict(joints), {described.base: profile.base, described.flange: profile.flange})
    return ElementTree.tostring(robot, encoding="unicode")


def _weigh_wrongly(robot: ElementTree.Element, simulation: PressSimulation | SessionSimulation) -> None:
    """Masses and centres of mass off by up to the errors of the plan's disturbances."""
    d, rng = simulation.disturbances, np.random.default_rng([simulation.plan.seed, 5])
    for inertial in robot.iterfind("link/inertial"):
        scale = 1.0 + d.link_mass_error * rng.uniform(-1.0, 1.0)
        shift = 1e-3 * d.link_com_error_mm * rng.uniform(-1.0, 1.0, 3) / np.sqrt(3.0)
        for element in (inertial.find("mass"), inertial.find("inertia")):
            for key, value in {} if element is None else element.attrib.items():
                element.set(key, repr(scale * float(value)))  # type: ignore[union-attr]
        origin = inertial.find("origin")
        if origin is None:
            origin = ElementTree.SubElement(inertial, "origin", {"xyz": "0 0 0"})
        middle = np.array(origin.get("xyz", "0 0 0").split(), dtype=float) + shift
        origin.set("xyz", " ".join(repr(float(value)) for value in middle))


def _rename(robot: ElementTree.Element, joints: dict[str, str], links: dict[str, str]) -> None:
    for joint in robot.iterfind("joint"):
        joint.set("name", joints.get(joint.get("name", ""), joint.get("name", "")))
        for end in (joint.find("parent"), joint.find("child")):
            assert end is not None
            end.set("link", links.get(end.get("link", ""), end.get("link", "")))
    for link in robot.iterfind("link"):
        link.set("name", links.get(link.get("name", ""), link.get("name", "")))


def _profile(simulation: PressSimulation | SessionSimulation) -> dict[str, Any]:
    """Of the simulated arm itself, which needs no adapter."""
    arm = simulation.description
    chain = [
        {"name": name, "speed_deg_s": float(np.degrees(min(speed, 10.0))), "torque_nm": float(torque)}
        for name, speed, torque in zip(arm.joint_names, arm.velocity_limits, arm.torque_limits, strict=True)
    ]
    topic = {"reliability": "best_effort", "rate_hz": float(simulation.plan.control_hz), "timeout_ms": 20.0}
    wrench = {"frame_id": "tcp", "point": "tcp", "axes": "tcp", "sign": "on_tool", "source": _MADE}
    effort = {"carries": ["effort"], "by": "topic", "name": "arm/effort", "type": "massage_msgs/msg/JointEffort"}
    command = {
        "kind": "effort", "controller": "simulated_arm", "inputs": [effort], "rate_hz": topic["rate_hz"],
        "timeout_ms": 40.0, "when_commands_stop": "zero_effort", "protects": True, "source": _MADE,
    }  # fmt: skip
    return {
        "schema": ARM_SCHEMA,
        "name": "simulated",
        "about": f"{arm.name} in PyBullet",
        "driver": {"package": "massage_arm_ros", "version": "simulated_arm", "source": _MADE},
        "frames": {"base": arm.base, "flange": arm.flange, "source": _MADE},
        "joints": {"chain": chain, "torque_rate_nm_s": float(arm.torque_rates[0]), "source": _MADE},
        "joint_states": {"topic": "arm/joint_states", "effort": "gravity_compensated_torque", **topic, "source": _MADE},
        "wrench": {"kind": "sensor", "topic": "arm/wrench", **topic, **wrench},
        "gravity": {"compensated_by": arm.gravity, "friction_compensated_by": "us", "source": _MADE},
        "commands": [command],
        "ready": {"checks": [], "source": _MADE},
        "steps": {"settings_while_idle": [], "stop": [], "recovery": [], "source": _MADE},
        "traps": [],
        "not_known": [],
        "verified": {"level": 0},
    }
