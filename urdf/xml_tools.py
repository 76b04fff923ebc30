"""URDF as XML: expanding xacro, finding the way to a link, fixing joints, dropping links, resolving mesh paths."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import xacro
from numpy.typing import NDArray

Element = ElementTree.Element
_MOVABLE = ("revolute", "continuous", "prismatic")


def expand(path: Path, mappings: Mapping[str, str] | None = None) -> Element:
    """The <robot> of a URDF or xacro file, expanded; FileNotFoundError or ValueError, each in one line."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: file not found; the path of a URDF or xacro file is expected")
    try:
        document = xacro.process_file(str(path), mappings=dict(mappings or {}))
        root = ElementTree.fromstring(document.toxml())
    except Exception as error:  # xacro lets through whatever an expression in the file raises
        raise ValueError(f"{path}: cannot be expanded: {' '.join(str(error).split())}") from None
    if root.tag != "robot":
        raise ValueError(f"{path}: the outermost element is <{root.tag}>; <robot> is expected")
    return root


def path_down(robot: Element, link: str, where: str) -> list[Element]:
    """The joints from the root down to `link`, in this order."""
    links = [element.get("name", "") for element in robot.findall("link")]
    if link not in links:
        raise ValueError(f"{where}: link {link} not found; there are {', '.join(links)}")
    above = {child: joint for joint in robot.findall("joint") if (child := end(joint, "child"))}
    path: list[Element] = []
    while link in above and len(path) <= len(links):  # a loop of joints ends here, and is told by who reads the chain
        path.insert(0, above[link])
        link = end(path[0], "parent")
    return path


def end(joint: Element, tag: str) -> str:
    """Name of the link at the `parent` or `child` end of a joint; empty when the joint does not say."""
    element = joint.find(tag)
    return "" if element is None else element.get("link", "")


def drop_links(robot: Element, names: Sequence[str], where: str) -> None:
    """Take links off, with all they carry."""
    links = {link.get("name", ""): link for link in robot.findall("link")}
    for name in names:
        if name not in links:
            raise ValueError(f"{where}: remove: link {name} not found; there are {', '.join(links)}")
        gone = [name]
        for link in gone:  # grows while it runs
            gone += [end(joint, "child") for joint in robot.findall("joint") if end(joint, "parent") == link]
        for joint in [joint for joint in robot.findall("joint") if end(joint, "child") in gone]:
            robot.remove(joint)
        for link in gone:
            robot.remove(links.pop(link))


def fix_joints(robot: Element, lock: Mapping[str, float], where: str) -> None:
    """Turn movable joints into fixed ones at the given position (rad or m)."""
    movable = {joint.get("name", ""): joint for joint in robot.findall("joint") if joint.get("type") in _MOVABLE}
    for name, position in lock.items():
        if name not in movable:
            raise ValueError(f"{where}: lock: joint {name} is not a movable joint; there are {', '.join(movable)}")
        joint = movable[name]
        origin, axis = joint.find("origin"), joint.find("axis")
        if origin is None:
            origin = ElementTree.SubElement(joint, "origin")
        xyz, rpy = _vector(origin.get("xyz", "0 0 0")), _vector(origin.get("rpy", "0 0 0"))
        along = _vector("1 0 0" if axis is None else axis.get("xyz", "1 0 0"))
        along /= np.linalg.norm(along)
        turn = rotation(rpy)
        if joint.get("type") == "prismatic":
            xyz = xyz + turn @ along * position
        elif position != 0.0:  # so that an angle of the file is not rewritten for nothing
            rpy = roll_pitch_yaw(turn @ _about(along, position))
        origin.set("xyz", _row(xyz))
        origin.set("rpy", _row(rpy))
        joint.set("type", "fixed")
        for element in list(joint):
            if element.tag not in ("origin", "parent", "child"):
                joint.remove(element)


def set_limits(robot: Element, limits: Mapping[str, tuple[float, float]], where: str) -> None:
    """Replace effort (Nm or N) and velocity (rad/s or m/s) of joints."""
    joints = {joint.get("name", ""): joint for joint in robot.findall("joint")}
    for name, (effort, velocity) in limits.items():
        if name not in joints:
            raise ValueError(f"{where}: limits: joint {name} not found; there are {', '.join(joints)}")
        limit = joints[name].find("limit")
        if limit is None:
            limit = ElementTree.SubElement(joints[name], "limit")
        limit.set("effort", repr(effort))
        limit.set("velocity", repr(velocity))


def weigh_frames(robot: Element) -> None:
    """Give every link that says nothing about its mass the mass 0: PyBullet would take it for 1 kg."""
    for link in robot.findall("link"):
        if link.find("inertial") is None:
            inertial = ElementTree.SubElement(link, "inertial")
            ElementTree.SubElement(inertial, "mass", value="0")
            moments = ("ixx", "iyy", "izz", "ixy", "ixz", "iyz")
            ElementTree.SubElement(inertial, "inertia", dict.fromkeys(moments, "0"))


def resolve_meshes(robot: Element, folder: Path) -> None:
    """Make mesh paths absolute, `folder` being that of the URDF; a shape whose mesh is not to be found goes."""
    for link in robot.findall("link"):
        for shape in [element for element in link if element.tag in ("visual", "collision")]:
            mesh = shape.find("geometry/mesh")
            if mesh is None:
                continue
            found = next((path for path in _mesh_paths(mesh.get("filename", ""), folder) if path.is_file()), None)
            if found is None:
                link.remove(shape)
            else:
                mesh.set("filename", str(found.resolve()))


def _mesh_paths(name: str, folder: Path) -> Iterator[Path]:
    """Where a mesh could be, the likeliest first."""
    scheme, separator, rest = name.partition("://")
    if not separator:
        yield folder / name
    elif scheme == "file":
        yield Path(rest)
    elif scheme == "package":
        for parent in folder.resolve().parents:  # a package's folder has its name, at a source and in an installation
            yield parent / rest
        yield folder.resolve() / rest
        for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep):  # ROS 2
            if prefix:
                yield Path(prefix) / "share" / rest


def rotation(rpy: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 3) from roll, pitch, yaw (3,) in rad about fixed x, y, z, as a URDF means it."""
    x, y, z = np.eye(3)
    return _about(z, rpy[2]) @ _about(y, rpy[1]) @ _about(x, rpy[0])


def roll_pitch_yaw(turn: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3,) the inverse of `rotation`; roll is 0 where roll and yaw cannot be told apart."""
    cos_pitch = math.hypot(turn[0, 0], turn[1, 0])
    pitch = math.atan2(-turn[2, 0], cos_pitch)
    if cos_pitch < 1e-9:
        return np.array([0.0, pitch, math.atan2(-turn[0, 1], turn[1, 1])])
    return np.array([math.atan2(turn[2, 1], turn[2, 2]), pitch, math.atan2(turn[1, 0], turn[0, 0])])


def _about(axis: NDArray[np.float64], angle: float) -> NDArray[np.float64]:
    """(3, 3) rotation by `angle` rad about a unit vector (Rodrigues)."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    turn: NDArray[np.float64] = np.eye(3) + math.sin(angle) * cross + (1.0 - math.cos(angle)) * (cross @ cross)
    return turn


def _vector(text: str) -> NDArray[np.float64]:
    values = np.array([float(word) for word in text.split()])
    if values.shape != (3,):
        raise ValueError(f"{text!r} is not allowed in a URDF here; three numbers are")
    return values


def _row(values: NDArray[np.float64]) -> str:
    return " ".join(repr(float(value)) for value in values)
