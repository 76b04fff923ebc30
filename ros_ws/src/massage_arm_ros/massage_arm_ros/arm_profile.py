"""What a real arm's ROS 2 driver offers and how it behaves: one YAML file per arm, so that code has no arm names.

Every shipped profile is unverified: its facts were read, not measured. docs/real_arm.md says how to verify one.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from massage_arm.control.yaml_file import FileProblems, Problem, locate, read_yaml
from massage_arm.native import InputError
from numpy.typing import ArrayLike, NDArray

from .arm_fields import FIELDS, PERSON_LEVEL, PHANTOM_LEVEL, UNKNOWN

Floats = NDArray[np.float64]

SCHEMA = "massage-arm/arm/1"
FOLDER = Path(__file__).with_name("arms")


@dataclass(frozen=True)
class Joint:
    """One joint, found in a message by its name; no torque where the driver takes none."""

    name: str
    speed_deg_s: float
    torque_nm: float | None


@dataclass(frozen=True)
class JointStates:
    """Where the joints are published; older than `timeout_ms` is stale. `effort` says what JointState.effort means."""

    topic: str
    reliability: str
    """As the driver publishes; a best-effort subscriber hears both kinds, a reliable one only `reliable`."""
    rate_hz: float
    timeout_ms: float
    effort: str
    source: str


@dataclass(frozen=True)
class Wrench:
    """The wrench that the arm publishes, N and Nm; older than `timeout_ms` is stale."""

    kind: str
    topic: str
    reliability: str
    rate_hz: float
    timeout_ms: float
    frame_id: str
    point: str
    """Frame about whose origin the moment is; `axes`: along whose axes both are."""
    axes: str
    sign: str
    """on_tool: what the environment does to the tool; on_environment: the opposite."""
    dead_band_n: float
    """Subtracted by the driver: less reads 0, more reads too low by this."""
    source: str


@dataclass(frozen=True)
class Input:
    """One topic or service that takes commands; `carries` says what of."""

    carries: tuple[str, ...]
    by: str
    name: str
    type: str


@dataclass(frozen=True)
class Command:
    """One way to command the arm; set_points go to an impedance controller, force_mode is the robot's own."""

    kind: str
    controller: str
    inputs: tuple[Input, ...]
    rate_hz: float
    timeout_ms: float | None
    """After which the far side notices that commands stopped; None: it never does."""
    when_commands_stop: str
    protects: bool
    """Whether the far side by itself makes the arm safe for a person when our process dies or freezes."""
    source: str


@dataclass(frozen=True)
class ReadyCheck:
    """A field of a topic has one of these values, spelled as in YAML (`true`, `1`); else `said` is what to do."""

    topic: str
    field: str
    values: tuple[str, ...]
    said: str


@dataclass(frozen=True)
class Step:
    """One step of a procedure: a service, an action, a controller to switch, or something the operator does."""

    do: str
    said: str
    name: str = ""


@dataclass(frozen=True)
class Verified:
    """How far somebody verified the profile on their own arm (0: not at all); `hash` is its `profile_hash` then."""

    level: int
    date: str | None
    operator: str | None
    hash: str | None


@dataclass(frozen=True)
class ArmProfile:
    """One arm as this version of its driver shows it; units are in the names, the sources of all facts in the file.

    Joints go from base to flange, commands by preference.
    """

    name: str
    about: str
    driver: str
    driver_version: str
    base: str
    flange: str
    joints: tuple[Joint, ...]
    torque_rate_nm_s: float | None
    joint_states: JointStates
    wrench: Wrench | None
    gravity: str
    friction: str
    commands: tuple[Command, ...]
    ready: tuple[ReadyCheck, ...]
    settings_while_idle: tuple[Step, ...]
    stop: tuple[Step, ...]
    recovery: tuple[Step, ...]
    traps: tuple[str, ...]
    not_known: tuple[str, ...]
    verified: Verified
    file: Path

    def refusal(self, on_person: bool, command: Command | None = None) -> str:
        """Why this arm may not press a person or, if not `on_person`, a phantom; empty when it may.

        `command` is the one that will be used, by default the first. Raises InputError when the file is gone.
        """
        reasons = []
        level, needed = self.verified.level, PERSON_LEVEL if on_person else PHANTOM_LEVEL
        if level < needed:
            whom = "person" if on_person else "phantom"
            reasons.append(f"it is verified to level {level}, and to press a {whom} takes level {needed}")
        if level > 0 and self.verified.hash != profile_hash(self):
            reasons.append("its file has changed since it was verified")
        command = command or self.commands[0]
        reasons += self.unknown(command)
        if on_person and not command.protects:
            reasons.append(f"when commands stop, no watchdog of {command.controller} protects a person")
        return f"arm {self.name}: " + "; ".join(reasons) if reasons else ""

    def unknown(self, command: Command) -> list[str]:
        """What nobody has said about the arm, but must be known before it is commanded in this way."""
        reasons = []
        if self.wrench is None:
            reasons.append("the arm gives no wrench, so pressing needs a force sensor on the flange")
        else:
            facts = {name: getattr(self.wrench, name) for name in ("topic", "point", "axes", "sign")}
            reasons += [f"wrench.{name} is unknown" for name, fact in facts.items() if fact == UNKNOWN]
        if self.gravity == UNKNOWN:
            reasons.append("gravity.compensated_by is unknown")
        if UNKNOWN in (given.name for given in command.inputs):
            reasons.append(f"where {command.kind} commands go is unknown")
        return reasons


def arm_names() -> list[str]:
    """The profiles that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_arm(name_or_path: str | Path) -> ArmProfile:
    """A shipped profile by name, or one from a file.

    Raises InputError (file, line, key, value, what is allowed) when it is unknown or not valid.
    """
    path = _file(str(name_or_path))
    values = read_yaml(path, SCHEMA, FIELDS)
    _check(path, values)
    wrench = values["wrench"]
    del values["steps"]["source"]
    return ArmProfile(
        name=values["name"],
        about=values["about"],
        driver=values["driver"]["package"],
        driver_version=values["driver"]["version"],
        base=values["frames"]["base"],
        flange=values["frames"]["flange"],
        joints=tuple(Joint(**joint) for joint in values["joints"]["chain"]),
        torque_rate_nm_s=values["joints"]["torque_rate_nm_s"],
        joint_states=JointStates(**values["joint_states"]),
        wrench=None if wrench["kind"] == "none" else Wrench(**wrench),
        gravity=values["gravity"]["compensated_by"],
        friction=values["gravity"]["friction_compensated_by"],
        commands=tuple(
            Command(**{**command, "inputs": tuple(Input(**given) for given in command["inputs"])})
            for command in values["commands"]
        ),
        ready=tuple(ReadyCheck(**check) for check in values["ready"]["checks"]),
        **{procedure: tuple(Step(**step) for step in steps) for procedure, steps in values["steps"].items()},
        traps=tuple(trap["said"] for trap in values["traps"]),
        not_known=values["not_known"],
        verified=Verified(**values["verified"]),
        file=path,
    )


def profile_hash(profile: ArmProfile) -> str:
    """SHA-256 of the profile's file, as it is now, above its last key `verified`, which holds this hash.

    Raises InputError when the file is gone.
    """
    return hashlib.sha256(_halves(profile.file)[0]).hexdigest()


def to_tool_wrench(published: ArrayLike, wrench: Wrench, in_tool: Mapping[str, Floats]) -> Floats:
    """The wrench (6,) [N, Nm] that the environment does to the tool, at the TCP, in tool axes.

    `published` (6,) is force and moment as the arm publishes it; `in_tool` holds, by name, the pose (4, 4) [m] in the
    tool frame of every frame that `wrench.point` and `wrench.axes` name (`tcp` is the tool frame itself). NaN stays
    NaN. Raises InputError for a wrong shape, an unknown sign, and a frame that is not given.
    """
    given = np.asarray(published, dtype=np.float64)
    if given.shape != (6,):
        raise InputError(f"wrench: shape {given.shape} is not allowed; (6,), force and moment, is")
    if wrench.sign not in ("on_tool", "on_environment"):
        raise InputError(f"wrench.sign: {wrench.sign} is not allowed; on_tool or on_environment is, after a push test")
    poses = {"tcp": np.eye(4), **in_tool}
    for name in (wrench.point, wrench.axes):
        if name not in poses:
            raise InputError(f"wrench: the pose of frame {name} in the tool frame is missing")
    turn, lever = poses[wrench.axes][:3, :3], poses[wrench.point][:3, 3]
    sign = 1.0 if wrench.sign == "on_tool" else -1.0
    force, moment = sign * turn @ given[:3], sign * turn @ given[3:]
    return np.concatenate((force, moment + np.cross(lever, force)))


def _file(name: str) -> Path:
    if name in arm_names():
        return FOLDER / f"{name}.yaml"
    if Path(name).suffix:
        return Path(name)
    close = difflib.get_close_matches(name, arm_names(), n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise InputError(f"arm: {name!r} is not known; a file or one of {', '.join(arm_names())} is{hint}")


def _halves(path: Path) -> tuple[bytes, bytes]:
    """The file above the line that begins with `verified:`, and from there on; the second is empty without one."""
    try:
        facts, found, record = path.read_bytes().partition(b"\nverified:")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    return facts, found[1:] + record


def _check(path: Path, values: Mapping[str, Any]) -> None:
    """Raise FileProblems for what each key allows and all of them together do not."""
    problems: list[Problem] = []

    def refuse(key: str, text: str) -> None:
        problems.append(Problem(*locate(path, key), key, f"{key}: {text}"))

    chain = values["joints"]["chain"]
    names = [joint["name"] for joint in chain]
    for i, name in enumerate(names):
        if name in names[:i]:
            refuse(f"joints.chain[{i}].name", f"{name} is not allowed; a name that no other joint has is")
    has_torque = values["joints"]["torque_rate_nm_s"] and all(joint["torque_nm"] for joint in chain)
    for i, command in enumerate(values["commands"]):
        stop = command["when_commands_stop"]
        if command["kind"] == "effort" and not has_torque:
            refuse(
                f"commands[{i}].kind", "effort is not allowed; it takes torque_rate_nm_s and torque_nm of all joints"
            )
        if command["protects"] and (command["timeout_ms"] is None or stop in ("repeats_last", UNKNOWN)):
            refuse(f"commands[{i}].protects", f"true is not allowed; it takes timeout_ms and an end other than {stop}")
    verified = values["verified"]
    for key in ("date", "operator", "hash"):
        if verified["level"] > 0 and verified[key] is None:
            refuse("verified.level", f"{verified['level']} is not allowed; above 0 it takes {key}")
    keys_after = re.findall(rb"^\w+:", _halves(path)[1], re.MULTILINE)
    if len(keys_after) != 1:
        refuse("verified", "this place is not allowed; the last key of the file, on a line of its own, is")
    if problems:
        raise FileProblems(path, problems)
