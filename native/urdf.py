"""Reads a serial chain out of a URDF: moving joints from base to tip, everything rigidly attached folded in."""

from __future__ import annotations

import difflib
import io
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import ArrayLike

from .chain import Chain, Floats
from .errors import InputError

MAX_JOINTS = 10
_MOVING = ("revolute", "continuous", "prismatic")
_TYPES = (*_MOVING, "fixed", "floating", "planar")
_TRIANGLE_TOLERANCE = 1e-9  # relative; figures rounded in a file may miss the triangle inequality by their last digit


def read_chain(
    path_or_xml: str | Path,
    tip: str,
    base: str | None = None,
    gravity: ArrayLike = (0.0, 0.0, -9.81),
    lock: Mapping[str, float] | None = None,
) -> Chain:
    """The chain from link `base` (None: the root above `tip`) to link `tip`, from a URDF or xacro file or its text.

    `gravity` (3,) in m/s² and base axes: a tilted mount is a rotated gravity. `lock` maps movable joints to the
    position (rad or m) at which they count as fixed. Branches that hang off the base or off links above it do not move
    with the chain and are left out; any other link counts with the moving joint that carries it.

    Raises InputError for a file or text that does not describe such a chain.
    """
    tree = _read_tree(path_or_xml, dict(lock or {}))
    pull = np.asarray(gravity, dtype=np.float64)
    if pull.shape != (3,) or not np.isfinite(pull).all():
        raise InputError(f"gravity: {pull.tolist()} is not allowed; three finite numbers in m/s², base axes, are")
    path = tree.path(base, tip)
    joints = [joint for joint in path if not tree.rigid(joint)]
    tree.check_moving(joints, tip)
    frames, tip_placement = _frames(tree, path)
    bodies = [tree.body(joint, joints) for joint in joints]
    turned = [body.seen_from(frame.turn) for body, frame in zip(bodies, frames, strict=True)]
    limits = np.array([tree.limits(joint) for joint in joints])
    return Chain(
        base=path[0].parent,
        tip=tip,
        joint_names=tuple(joint.name for joint in joints),
        revolute=np.array([joint.type != "prismatic" for joint in joints]),
        placement=np.array([frame.placement for frame in frames]),
        mass=np.array([body.mass for body in turned]),
        com=np.array([body.com for body in turned]),
        inertia=np.array([body.inertia for body in turned]),
        lower=limits[:, 0],
        upper=limits[:, 1],
        velocity_limit=limits[:, 2],
        effort_limit=limits[:, 3],
        tip_placement=tip_placement,
        gravity=pull,
    )


# ---------------------------------------------------------------------------------------------------- text to tree


def _read_tree(source: str | Path, lock: dict[str, float]) -> _Tree:
    where, text = _text(source)
    root = _xml(where, text)
    if root.tag != "robot":
        raise InputError(f"{where}: the outermost element is <{root.tag}>; <robot> is expected")
    root.attrib.setdefault("name", "arm")  # of no use here
    for link in root.iter("link"):
        for tag in ("visual", "collision"):
            for element in link.findall(tag):
                link.remove(element)
    for joint in root.findall("joint"):
        for tag in ("parent", "child"):
            if joint.find(tag) is None:
                raise InputError(f"{where}: joint {joint.get('name')} has no <{tag}>; one is expected")
    return _Tree(where, _parse(where, ElementTree.tostring(root)), lock)


def _text(source: str | Path) -> tuple[str, str]:
    """The name to call the source in messages, and its text with xacro expanded."""
    where, text = "URDF text", str(source)
    if isinstance(source, Path) or not text.lstrip("\ufeff \t\r\n").startswith("<"):
        where = text
        try:
            text = Path(source).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise InputError(f"{where}: file not found; the path of a URDF or xacro file is expected") from None
        except OSError as error:
            raise InputError(f"{where}: cannot be read ({error.strerror})") from None
        except UnicodeDecodeError:
            raise InputError(f"{where}: is not a text file in UTF-8") from None
    if where.endswith(".xacro") or "<xacro:" in text:
        text = _expand(where, text)
    return where, text.strip("\ufeff \t\r\n") if where == "URDF text" else text.lstrip("\ufeff")


def _expand(where: str, text: str) -> str:
    import xacro

    _xml(where, text)  # a syntax error is told with its line
    try:
        document = xacro.process_file(where) if where != "URDF text" else xacro.parse(text)
        if where == "URDF text":
            xacro.process_doc(document)
    except Exception as error:  # xacro lets through whatever an expression in the file raises
        raise InputError(f"{where}: xacro cannot expand it: {_one_line(error)}") from None
    return str(document.toxml())


def _xml(where: str, text: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        line, column = error.position
        problem = re.sub(r": line \d+, column \d+$", "", str(error))
        raise InputError(f"{where}:{line}: is not XML: {problem} at column {column + 1}") from None


def _parse(where: str, xml: bytes) -> Any:
    import yourdfpy  # takes a second to import, and only this function needs it

    logging.getLogger("yourdfpy").setLevel(logging.CRITICAL)
    try:
        urdf = yourdfpy.URDF.load(
            io.BytesIO(xml), build_scene_graph=False, build_collision_scene_graph=False, load_meshes=False
        )
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise InputError(f"{where}: is not a valid URDF: {type(error).__name__}: {_one_line(error)}") from None
    return urdf.robot


def _one_line(error: object) -> str:
    return " ".join(str(error).split())


# ------------------------------------------------------------------------------------------------- the tree of links


@dataclass(frozen=True)
class _Body:
    """Mass (kg), centre of mass (3,) and inertia (3, 3) about it."""

    mass: float
    com: Floats
    inertia: Floats

    def seen_from(self, turn: Floats) -> _Body:
        """The same body in axes turned by `turn` (3, 3; the new axes as columns)."""
        return _Body(self.mass, turn.T @ self.com, turn.T @ self.inertia @ turn)

    def moved(self, placement: Floats) -> _Body:
        """The same body in the frame in which its own frame is placed at `placement` (4, 4)."""
        turn = placement[:3, :3]
        return _Body(self.mass, turn @ self.com + placement[:3, 3], turn @ self.inertia @ turn.T)


class _Tree:
    """Links and joints of one URDF, by name."""

    def __init__(self, where: str, robot: Any, lock: dict[str, float]) -> None:
        self.where = where
        self.lock = lock
        self.links = {link.name: link for link in robot.links}
        self.children: dict[str, list[Any]] = {name: [] for name in self.links}
        self.above: dict[str, Any] = {}  # link: the joint it hangs on
        self._check_unique("link", [link.name for link in robot.links])
        self._check_unique("joint", [joint.name for joint in robot.joints])
        for joint in robot.joints:
            self._add(joint)
        movable = [joint.name for joint in robot.joints if joint.type in _MOVING]
        for name, position in lock.items():
            if name not in movable:
                raise InputError(f"{where}: lock: joint {name} is not a movable joint; {_known(name, movable)}")
            if not np.isfinite(position):
                raise InputError(f"{where}: lock: joint {name}: {position} is not allowed; a finite position is")

    def _check_unique(self, kind: str, names: list[str]) -> None:
        seen: set[str] = set()
        for name in names:
            if name in seen:
                raise InputError(f"{self.where}: {kind} {name} is defined twice; each {kind} may be defined once")
            seen.add(name)

    def _add(self, joint: Any) -> None:
        for link in (joint.parent, joint.child):
            if link not in self.links:
                raise InputError(f"{self.where}: joint {joint.name}: link {link} is not defined")
        if joint.type not in _TYPES:
            raise InputError(f"{self.where}: joint {joint.name}: type {joint.type} is unknown; {', '.join(_TYPES)} are")
        if joint.child in self.above:
            raise InputError(
                f"{self.where}: link {joint.child} hangs on two joints, {self.above[joint.child].name} and "
                f"{joint.name}; one is allowed"
            )
        self.children[joint.parent].append(joint)
        self.above[joint.child] = joint

    def rigid(self, joint: Any) -> bool:
        return joint.type == "fixed" or joint.name in self.lock

    def path(self, base: str | None, tip: str) -> list[Any]:
        """The joints from base to tip, in this order; at least one."""
        for role, link in (("tip", tip), ("base", base)):
            if link is not None and link not in self.links:
                raise InputError(f"{self.where}: {role}: link {link} not found; {_known(link, self.links)}")
        path: list[Any] = []
        link = tip
        while link != base and link in self.above:
            path.insert(0, self.above[link])
            link = path[0].parent
            if len(path) > len(self.links):
                raise InputError(f"{self.where}: the joints above link {tip} form a closed loop; a tree is allowed")
        if base is not None and link != base:
            raise InputError(f"{self.where}: tip: link {tip} is not below base {base}; its root is {link}")
        if not path:
            raise InputError(
                f"{self.where}: no joint between base {link} and tip {tip}; 1 to {MAX_JOINTS} that move are"
            )
        return path

    def check_moving(self, joints: list[Any], tip: str) -> None:
        """Raise InputError for joints that a chain cannot have."""
        for joint in joints:
            what = f"{self.where}: joint {joint.name}"
            if joint.type not in _MOVING:
                raise InputError(
                    f"{what}: type {joint.type} is not allowed on the chain; {', '.join(_MOVING)}, fixed are"
                )
            if joint.mimic is not None:
                raise InputError(
                    f"{what} mimics {joint.mimic.joint}, which is not allowed on the chain; `lock` can fold it in"
                )
        if not 1 <= len(joints) <= MAX_JOINTS:
            raise InputError(
                f"{self.where}: {len(joints)} joints move between base and tip {tip}; 1 to {MAX_JOINTS} are allowed"
            )

    def axis(self, joint: Any) -> Floats:
        """(3,) unit vector in the joint frame."""
        axis = np.asarray(joint.axis, dtype=np.float64)
        if axis.shape != (3,) or not 1e-6 < np.linalg.norm(axis) < np.inf:  # NaN fails too
            raise InputError(f"{self.where}: joint {joint.name}: axis {_row(axis)} is not allowed; a direction is")
        unit: Floats = axis / np.linalg.norm(axis)
        return unit

    def placement(self, joint: Any) -> Floats:
        """(4, 4) joint frame in its parent link, at the locked position or at zero."""
        origin = np.eye(4) if joint.origin is None else np.asarray(joint.origin, dtype=np.float64)
        if not np.isfinite(origin).all():
            raise InputError(f"{self.where}: joint {joint.name}: its origin is not finite; numbers are allowed")
        if joint.name not in self.lock or joint.type == "fixed":
            return origin
        shift, position = np.eye(4), self.lock[joint.name]
        axis = self.axis(joint)
        if joint.type == "prismatic":
            shift[:3, 3] = position * axis
        else:
            turn = turn_z_to(axis)
            cos, sin = np.cos(position), np.sin(position)
            shift[:3, :3] = turn @ np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]]) @ turn.T
        return origin @ shift

    def limits(self, joint: Any) -> tuple[float, float, float, float]:
        """Lower, upper, velocity and effort limit of a moving joint (SI)."""
        what, limit = f"{self.where}: joint {joint.name}", joint.limit
        lower, upper = -np.inf, np.inf
        if joint.type != "continuous":  # there the URDF format says to ignore them
            if limit is None or limit.lower is None or limit.upper is None:
                raise InputError(f"{what} is {joint.type} and has no <limit> with lower and upper; both are needed")
            lower, upper = limit.lower, limit.upper
            if not lower <= upper:
                raise InputError(f"{what}: limits lower {lower:g}, upper {upper:g} are not allowed; lower <= upper is")
        rates = [None, None] if limit is None else [limit.velocity, limit.effort]
        velocity, effort = (np.inf if rate is None else rate for rate in rates)
        if not (velocity >= 0.0 and effort >= 0.0):
            raise InputError(f"{what}: velocity {velocity:g}, effort {effort:g} are not allowed; numbers from 0 up are")
        return lower, upper, velocity, effort

    def body(self, joint: Any, chain: list[Any]) -> _Body:
        """Everything that moves rigidly with `joint`, in its frame."""
        parts = [body for body in self._attached(joint.child, np.eye(4), chain) if body is not None]
        mass = sum(part.mass for part in parts)
        what = f"{self.where}: link {joint.child}, moved by joint {joint.name},"
        if mass <= 0.0:
            raise InputError(
                f"{what} has no mass (0 kg with all that is fixed to it); an <inertial> with mass > 0 is needed"
            )
        com = np.sum([part.mass * part.com for part in parts], axis=0) / mass
        inertia = np.zeros((3, 3))
        for part in parts:
            arm = part.com - com
            inertia += part.inertia + part.mass * (arm @ arm * np.eye(3) - np.outer(arm, arm))
        if np.linalg.eigvalsh(inertia)[0] <= 0.0:
            raise InputError(f"{what} has the inertia {_row(inertia.ravel())} kg m²; positive definite is allowed")
        return _Body(mass, com, inertia)

    def _attached(self, link: str, placement: Floats, chain: list[Any]) -> Iterator[_Body | None]:
        """The inertia of `link` and of all that is fixed to it, in the frame in which link is placed at `placement`."""
        inertia = self._link_inertia(link)
        yield None if inertia is None else inertia.moved(placement)
        for joint in self.children[link]:
            if self.rigid(joint):
                yield from self._attached(joint.child, placement @ self.placement(joint), chain)
            elif joint not in chain:
                raise InputError(
                    f"{self.where}: branching chain: {joint.type} joint {joint.name} on link {link} leads away from "
                    f"the tip; a serial chain is allowed, with {joint.name} fixed or locked"
                )

    def _link_inertia(self, name: str) -> _Body | None:
        """In link axes; None for a frame without mass."""
        inertial = self.links[name].inertial
        if inertial is None:
            return None
        what = f"{self.where}: link {name}"
        mass = inertial.mass
        if mass is None or not 0.0 <= mass < np.inf:
            raise InputError(f"{what}: mass {mass} kg is not allowed; a finite number from 0 up is")
        if mass == 0.0:
            return None
        if inertial.inertia is None:
            raise InputError(f"{what} has a mass of {mass:g} kg and no <inertia>; one is needed")
        inertia = inertial.inertia
        origin = np.eye(4) if inertial.origin is None else np.asarray(inertial.origin)
        if not (np.isfinite(inertia).all() and np.isfinite(origin).all()):
            raise InputError(f"{what}: its <inertial> has a number that is not finite; numbers are allowed")
        moments = np.linalg.eigvalsh(inertia)
        tolerance = _TRIANGLE_TOLERANCE * abs(moments[2])
        if moments[0] < -tolerance or moments[2] > moments[0] + moments[1] + tolerance:
            raise InputError(
                f"{what}: principal inertias {_row(moments)} kg m² are those of no body; "
                "none below 0 and none above the sum of the other two is allowed"
            )
        return _Body(mass, np.zeros(3), inertia).moved(origin)


def _known(name: str, names: Mapping[str, Any] | list[str]) -> str:
    """What could be meant: all names when few, else the closest."""
    if len(names) <= 12:
        return f"there are {', '.join(names)}" if names else "there is none"
    close = difflib.get_close_matches(name, names, n=5, cutoff=0.4)
    return f"close to it are {', '.join(close)}" if close else f"none of the {len(names)} names is close to it"


def _row(values: Floats) -> str:
    return "[" + " ".join(f"{value:g}" for value in values) + "]"


# ------------------------------------------------------------------------------------------------------------ frames


@dataclass(frozen=True)
class _Frame:
    placement: Floats  # (4, 4) turned joint frame in the turned frame before it
    turn: Floats  # (3, 3) turned axes in the axes of the URDF


def _frames(tree: _Tree, path: list[Any]) -> tuple[list[_Frame], Floats]:
    """The frame of every moving joint, its axis turned to +z, and the tip (4, 4) in the last one."""
    frames: list[_Frame] = []
    placement = np.eye(4)  # of the link reached so far, in the last turned frame
    for joint in path:
        placement = placement @ tree.placement(joint)
        if not tree.rigid(joint):
            turn = turn_z_to(tree.axis(joint))
            turned = placement.copy()
            turned[:3, :3] = placement[:3, :3] @ turn
            frames.append(_Frame(turned, turn))
            placement = np.eye(4)
            placement[:3, :3] = turn.T
    return frames, placement


def turn_z_to(axis: Floats) -> Floats:
    """(3, 3) the smallest rotation that takes +z to the unit vector `axis`; for -z half a turn about x."""
    if axis[2] < 0.0:  # the formula below loses its digits near -z
        return turn_z_to(-axis) @ np.diag([1.0, -1.0, -1.0])
    x, y, z = axis
    share = 1.0 / (1.0 + z)
    return np.array([[1.0 - x * x * share, -x * y * share, x], [-x * y * share, 1.0 - y * y * share, y], [-x, -y, z]])
