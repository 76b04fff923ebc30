"""What binds at a site with a tool, as a table or as JSON."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..control.atlas import AREAS
from ..control.limits import Limit, force_limits, general_limits, hold_limits, load_own_limits, load_walls
from ..control.sites import find_site
from ..control.tool import load_tool
from ..native.errors import InputError
from ..urdf import ARMS, arm_description
from .figures import print_json

_ARMS, _ATLAS = "urdf/arms.yaml", "control/bodies/atlas.yaml, docs/safety.md A.8"


def print_limits(site_name: str, tool_name: str, arm: str | None, file: Path | None, as_json: bool) -> None:
    """All limits of a site and tool and, where it is named, of an arm; the binding force first."""
    site, tool = find_site(site_name), load_tool(tool_name)
    joints = [] if arm is None else arm_limits(arm)
    own = None if file is None else load_own_limits(file)
    force, hold = force_limits(site, tool, own), hold_limits(site, own)
    others = [limit for name, limit in general_limits().items() if name != "hold"]
    binding = force[0]
    if as_json:
        lists = {"force": force, "hold": hold, "others": others, "joints": joints}
        shown = {name: [asdict(limit) for limit in group] for name, group in lists.items()}
        keep_out = {"areas": AREAS, "source": _ATLAS}
        head = {"site": site.name, "tool": tool.name, "area": site.area, "binding": asdict(binding)}
        print_json({**head, "keep_out": keep_out, **shown})
        return
    wall = load_walls()[site.area]
    print(f"{site.name} with {tool.name}: at most {binding.shown:.1f} N, by {binding.name} ({binding.source})")
    print(f"outer wall: {wall.force_n:g} N, {wall.pressure_kpa:g} kPa ({wall.source})")
    print(f"to keep out of: {', '.join(AREAS).replace('_', ' ')} ({_ATLAS})")
    table = Table(box=None, pad_edge=False)
    for column in ("limit", "value", "source"):
        table.add_column(column, justify="right" if column == "value" else "left", overflow="fold")
    for limit in (*force, *hold, *others, *joints):
        row = (limit.name.replace("_", " "), f"{_spelled(limit)} {limit.unit}", limit.source)
        table.add_row(*map(Text, row))  # as it is: brackets that somebody wrote are no mark-up
    Console().print(table)


def arm_limits(name: str) -> list[Limit]:
    """Torque, torque rate and speed of every joint of an arm of ours. Raises InputError for one that is none."""
    if name not in ARMS:
        raise InputError(f"arm: {name!r} is not known; one of {', '.join(ARMS)} is allowed")
    arm = arm_description(name)
    columns = [
        ("torque", "Nm", arm.torque_limits),
        ("torque rate", "Nm/s", arm.torque_rates),
        ("speed", "rad/s", arm.velocity_limits),
    ]
    return [
        Limit(f"{what} of {joint}", float(value), unit, f"{_ARMS}, {name}")
        for what, unit, values in columns
        for joint, value in zip(arm.joint_names, values, strict=True)
    ]


def _spelled(limit: Limit) -> str:
    return f"{limit.shown:.1f}" if limit.unit == "N" else f"{limit.value:g}"
