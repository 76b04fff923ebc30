"""Puts the arm's URDF and a tool together, and makes the table and the stand: files in, URDF text out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from .arms import ArmDescription, arm_urdf_path
from .xml_tools import drop_links, expand, fix_joints, resolve_meshes, set_limits, weigh_frames

URDF_DIR = Path(__file__).parent
TOOLS: tuple[str, ...] = tuple(sorted(path.stem for path in (URDF_DIR / "tools").glob("*.yaml")))
TOOL_LINKS = ("tool_mount", "force_sensor", "tool", "tcp")
TCP = "tcp"
"""The link at the tool centre point, +z into the body."""

_KEPT = ("link", "joint", "material")  # transmissions and simulator tags would name joints that are gone


def tool_file(name: str) -> Path:
    """The tool file of a tool in `TOOLS`; ValueError when there is none."""
    if name not in TOOLS:
        raise ValueError(f"tool: {name} is not known; {', '.join(TOOLS)} or the path of a tool file is")
    return URDF_DIR / "tools" / f"{name}.yaml"


def mount_tool(
    arm_urdf: Path | str,
    flange: str,
    tool_yaml: Path,
    mount_xyz_m: Sequence[float] = (0.0, 0.0, 0.0),
    mount_rpy: Sequence[float] = (0.0, 0.0, 0.0),
    *,
    lock: Mapping[str, float] | None = None,
    remove: Sequence[str] = (),
    limits: Mapping[str, tuple[float, float]] | None = None,
) -> str:
    """The URDF text of an arm with a tool on link `flange`; its tip is link `TCP`.

    The mount is given in the flange link (m, rad about fixed axes). Links in `remove` come off with all they carry,
    joints in `lock` become fixed at that position, `limits` (effort, velocity; SI) replace the URDF's. Mesh paths are
    absolute, shapes whose mesh is not found are left out. The tool file must be valid. Raises FileNotFoundError or
    ValueError, in one line.
    """
    where = str(arm_urdf)
    arm = expand(Path(arm_urdf))
    links = [link.get("name", "") for link in arm.findall("link")]
    if flange not in links:
        raise ValueError(f"{where}: flange: link {flange} not found; there are {', '.join(links)}")
    taken = [link for link in TOOL_LINKS if link in links]
    if taken:
        raise ValueError(f"{where}: link {taken[0]} is not allowed in an arm; the tool brings {', '.join(TOOL_LINKS)}")
    if not Path(tool_yaml).is_file():
        raise FileNotFoundError(f"{tool_yaml}: file not found; the path of a tool file is expected")
    robot = expand(
        URDF_DIR / "mount.urdf.xacro",
        {
            "arm": str(Path(arm_urdf).resolve()),
            "tool": str(Path(tool_yaml).resolve()),
            "flange": flange,
            "mount_xyz": _row(mount_xyz_m),
            "mount_rpy": _row(mount_rpy),
        },
    )
    for element in [element for element in robot if element.tag not in _KEPT]:
        robot.remove(element)
    drop_links(robot, remove, where)
    fix_joints(robot, lock or {}, where)
    set_limits(robot, limits or {}, where)
    weigh_frames(robot)
    resolve_meshes(robot, Path(arm_urdf).parent)
    return _text(robot)


def arm_with_tool(arm: ArmDescription, tool_yaml: Path) -> str:
    """`mount_tool` with everything that the description says."""
    return mount_tool(
        arm_urdf_path(arm),
        arm.flange,
        tool_yaml,
        arm.mount_xyz,
        arm.mount_rpy,
        lock=arm.lock,
        remove=arm.remove,
        limits=arm.limits,
    )


def table_urdf(height_m: float = 0.70) -> str:
    """The treatment table, its top at `height_m` (0.4 to 1.1) above the floor; link `table` is on the floor."""
    return _furniture("table", height_m, 0.4, 1.1)


def stand_urdf(height_m: float = 0.60) -> str:
    """The pedestal of an arm, its top at `height_m` (0.1 to 1.5) above the floor; link `stand` is on the floor."""
    return _furniture("stand", height_m, 0.1, 1.5)


def _furniture(name: str, height: float, low: float, high: float) -> str:
    if not low <= height <= high:
        raise ValueError(f"{name}: height {height:g} m is not allowed; {low:g} to {high:g} m is")
    return _text(expand(URDF_DIR / f"{name}.urdf.xacro", {"height": repr(float(height))}))


def _row(values: Sequence[Any]) -> str:
    return " ".join(repr(float(value)) for value in values)


def _text(robot: ElementTree.Element) -> str:
    ElementTree.indent(robot)
    return '<?xml version="1.0"?>\n' + ElementTree.tostring(robot, encoding="unicode") + "\n"
