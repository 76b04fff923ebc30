"""Every limit with its source: the outer wall of the area, the inner wall of site and tool, and what somebody lowered.

The outer wall is ISO/TS 15066 per body area, for force and for pressure through the tool's contact area. The inner wall
is the comfort cap of the site. A file of one's own may lower limits, never raise them. Figures: `limits.yaml`,
`sites.yaml`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ..native.settings import GuardLimits
from .sites import REGIONS, SiteLimits, find_site
from .tool import Tool, load_tool
from .yaml_file import Field, Maybe, read_yaml

LIMITS_FILE = Path(__file__).with_name("limits.yaml")
OWN_SCHEMA = "massage-arm/own-limits/1"
DEEP_M = 0.05  # deeper than any tool goes in: its contact area has reached its largest
EVERYWHERE = "everywhere"
AREAS = (
    "forehead", "temple", "masticatory_muscle", "neck_muscle", "seventh_neck_vertebra", "shoulder_joint",
    "fifth_lumbar_vertebra", "sternum", "pectoral_muscle", "abdominal_muscle", "pelvic_bone", "deltoid_muscle",
    "humerus", "radial_bone", "forearm_muscle", "arm_nerve", "forefinger_pad_dominant", "forefinger_pad_other",
    "forefinger_joint_dominant", "forefinger_joint_other", "thenar_eminence", "palm_dominant", "palm_other",
    "back_of_hand_dominant", "back_of_hand_other", "thigh_muscle", "kneecap", "shin", "calf_muscle",
)  # fmt: skip
GENERAL = (
    "depth", "speed_in_contact", "speed", "approach", "force_rate", "swing_rate", "hold", "power", "energy",
    "force_jump", "joint_speed", "reach",
)  # fmt: skip


@dataclass(frozen=True)
class Limit:
    """One limit: nothing above `value` is allowed."""

    name: str
    value: float
    unit: str
    source: str

    @property
    def shown(self) -> float:
        """The value for a person, rounded down to a tenth: whoever asks for what is shown is not refused."""
        return math.floor(10 * self.value) / 10


@dataclass(frozen=True)
class OwnLimits:
    """What somebody lowered at one place, and why."""

    force_n: float | None
    pressure_kpa: float | None
    hold_s: float | None
    source: str


@dataclass(frozen=True)
class Wall:
    """ISO/TS 15066 for one area of the body."""

    force_n: float
    pressure_kpa: float
    source: str


def load_walls() -> dict[str, Wall]:
    """The outer wall of every area."""
    return {area: Wall(**values) for area, values in _load()["wall"].items()}


def general_limits() -> dict[str, Limit]:
    """The limits that hold everywhere."""
    return {name: Limit(name, **values) for name, values in _load()["general"].items()}


@cache
def _load() -> dict[str, Any]:
    wall = {"force_n": Field(float, minimum=0), "pressure_kpa": Field(float, minimum=0), "source": Field(str)}
    general = {"value": Field(float, minimum=0), "unit": Field(str), "source": Field(str)}
    fields = {"general": dict.fromkeys(GENERAL, general), "wall": dict.fromkeys(AREAS, wall)}
    return read_yaml(LIMITS_FILE, "massage-arm/limits/1", fields)


def load_own_limits(path: Path) -> dict[str, OwnLimits]:
    """The limits of a file of one's own, by region or `everywhere`.

    Raises InputError (file, line, key, value, what is allowed and by which source) where it raises a limit, names no
    source, or holds a unit or a place that is not known.
    """
    hold = general_limits()["hold"]
    fields: dict[str, Any] = {}
    for place in (EVERYWHERE, *REGIONS):
        sites = [find_site(f"{region}_left") for region in (REGIONS if place == EVERYWHERE else (place,))]
        force, pressure = max(s.soft_cap_n for s in sites), max(s.pressure_cap_kpa for s in sites)
        note = "a limit may be lowered, not raised: "
        fields[place] = Maybe(
            {
                "force_n": _lower(force, note + "soft cap, docs/safety.md A.9"),
                "pressure_kpa": _lower(pressure, note + "pressure cap, docs/safety.md A.9"),
                "hold_s": _lower(hold.value, note + hold.source),
                "source": Field(str),
            }
        )
    values = read_yaml(path, OWN_SCHEMA, fields)
    return {place: _own(entry) for place, entry in values.items() if entry is not None}


def _own(entry: dict[str, Any]) -> OwnLimits:
    """One place; its source on one line, for the messages that it is told in."""
    return OwnLimits(**{**entry, "source": " ".join(entry["source"].split())})


def _lower(most: float, note: str) -> Field:
    return Field(float, minimum=0, maximum=most, required=False, note=note)


def force_limits(site: SiteLimits, tool: Tool, own: dict[str, OwnLimits] | None = None) -> list[Limit]:
    """All limits on the force along the press direction (N), the binding one first."""
    area = tool.contact_area(DEEP_M)
    on = f"on the {1e6 * area:.0f} mm² of tool {tool.name}"
    wall = load_walls()[site.area]
    limits = [
        Limit("soft cap", site.soft_cap_n, "N", "sites.yaml, docs/safety.md A.9"),
        _pressure("mean pressure cap", site.pressure_cap_kpa, area, on, "sites.yaml, docs/safety.md A.9"),
        Limit("hard stop", site.hard_stop_n, "N", "sites.yaml, docs/safety.md A.9"),
        Limit("outer wall, force", wall.force_n, "N", wall.source),
        _pressure("outer wall, pressure", wall.pressure_kpa, area, on, wall.source),
    ]
    for place in (EVERYWHERE, site.region):
        lowered = (own or {}).get(place)
        if lowered is not None and lowered.force_n is not None:
            limits.append(Limit(f"own limit, {place}", lowered.force_n, "N", lowered.source))
        if lowered is not None and lowered.pressure_kpa is not None:
            limits.append(_pressure(f"own limit, {place}", lowered.pressure_kpa, area, on, lowered.source))
    return sorted(limits, key=lambda limit: limit.value)


def _pressure(name: str, kpa: float, area: float, on: str, source: str) -> Limit:
    return Limit(f"{name} {kpa:g} kPa {on}", kpa * 1e3 * area, "N", source)


def hold_limits(site: SiteLimits, own: dict[str, OwnLimits] | None = None) -> list[Limit]:
    """All limits on a static hold (s), the binding one first."""
    limits = [general_limits()["hold"]]
    for place in (EVERYWHERE, site.region):
        lowered = (own or {}).get(place)
        if lowered is not None and lowered.hold_s is not None:
            limits.append(Limit(f"own limit, {place}", lowered.hold_s, "s", lowered.source))
    return sorted(limits, key=lambda limit: limit.value)


def guard_limits(site: SiteLimits, cap_n: float) -> GuardLimits:
    """What the guard stands for at a site where `cap_n` is the binding force limit."""
    general = {name: limit.value for name, limit in general_limits().items()}
    return GuardLimits(
        force_hard=site.hard_stop_n,
        force_cap=min(site.hard_stop_n, 1.03 * cap_n + 0.5),  # control error and noise at the cap itself; own choice
        depth_max=1e-3 * general["depth"],
        speed_max=1e-3 * general["speed"],
        power_max=general["power"],
        jump_force=general["force_jump"],
        joint_speed_max=general["joint_speed"],
        reach=1e-3 * general["reach"],
    )


def find_own_limits(path: str | None) -> dict[str, OwnLimits] | None:
    """The limits of a file, if one is named."""
    return None if path is None else load_own_limits(Path(path))


def binding_force(site: str, tool: str, own: str | None = None) -> Limit:
    """The limit that binds the force at a site with a tool, and with a file of one's own if there is one."""
    return force_limits(find_site(site), load_tool(tool), find_own_limits(own))[0]
