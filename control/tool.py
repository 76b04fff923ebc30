"""The tool on the flange: what it weighs, where it touches, and how large the contact is."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..native.errors import InputError
from ..urdf import TOOLS, tool_file
from .yaml_file import Field, Fields, read_yaml

SCHEMA = "massage-arm/tool/1"
_MIN_TIP_MM = 10.0  # docs/safety.md A.9: tip diameter at least 20 mm
_MIN_EDGE_MM = 5.0  # docs/safety.md A.9

FIELDS: Fields = {
    "name": Field(str),
    "mass_kg": Field(float, 0.01, 5.0),
    "com_mm": Field((float, float, float), -500.0, 500.0),
    "length_mm": Field(float, 20.0, 500.0),
    "tip_radius_mm": Field(float, _MIN_TIP_MM, 200.0),
    "contact_radius_mm": Field(float, 1.0, 100.0),
    "pad_radius_mm": Field(float, _MIN_TIP_MM, 100.0),
    "edge_radius_mm": Field(float, _MIN_EDGE_MM, 200.0),
    "body_radius_mm": Field(float, 5.0, 100.0),
    "adapter_radius_mm": Field(float, 5.0, 100.0),
    "adapter_length_mm": Field(float, 1.0, 100.0),
    "sensor": {
        "mass_kg": Field(float, 0.01, 2.0),
        "radius_mm": Field(float, 5.0, 100.0),
        "length_mm": Field(float, 1.0, 100.0),
    },
}


@dataclass(frozen=True, eq=False)
class Tool:
    """One tool in SI units; the mount frame has its origin in the mount plane and +z out of the flange."""

    name: str
    mass: float
    """kg, of all beyond the force sensor: what the sensor carries."""
    com: NDArray[np.float64]
    """(3,) m, of the same, in the mount frame."""
    length: float
    """m, mount plane to TCP along +z."""
    tip_radius: float
    """m, radius of curvature R_t at the TCP."""
    contact_radius: float
    """m, largest radius a_max that the contact can reach."""
    sensor_mass: float
    """kg, between flange and tool."""
    sensor_length: float
    """m, its middle is taken as its centre of mass."""
    file: Path
    """Where all this was read."""

    @property
    def tcp_offset(self) -> NDArray[np.float64]:
        """(4, 4) TCP in the mount frame."""
        offset = np.eye(4)
        offset[2, 3] = self.length
        return offset

    @property
    def payload(self) -> tuple[float, NDArray[np.float64]]:
        """Mass [kg] and centre of mass (3,) [m, seen from the TCP] of all that hangs on the flange."""
        mass = self.sensor_mass + self.mass
        middle = np.array([0.0, 0.0, 0.5 * self.sensor_length])
        com = (self.sensor_mass * middle + self.mass * self.com) / mass
        return mass, com - self.tcp_offset[:3, 3]

    def contact_area(self, depth_m: float) -> float:
        """m², of the contact when the tip is `depth_m` below the surface: Hertz, capped by the tip (safety.md D.1)."""
        if depth_m <= 0.0:
            return 0.0
        return math.pi * min(self.tip_radius * depth_m, self.contact_radius**2)


def load_tool(name_or_path: str | Path) -> Tool:
    """A shipped tool by name, or one from a tool file; InputError when it is unknown or not valid."""
    path = _file(name_or_path)
    values = read_yaml(path, SCHEMA, FIELDS)
    _check_shape(path, values)
    return Tool(
        name=values["name"],
        mass=values["mass_kg"],
        com=0.001 * np.array(values["com_mm"]),
        length=0.001 * values["length_mm"],
        tip_radius=0.001 * values["tip_radius_mm"],
        contact_radius=0.001 * values["contact_radius_mm"],
        sensor_mass=values["sensor"]["mass_kg"],
        sensor_length=0.001 * values["sensor"]["length_mm"],
        file=path,
    )


def _file(name_or_path: str | Path) -> Path:
    name = str(name_or_path)
    if name in TOOLS:
        return tool_file(name)
    path = Path(name)
    if path.suffix or path.exists():
        return path
    close = difflib.get_close_matches(name, TOOLS, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise InputError(f"tool: {name} is not known; {', '.join(TOOLS)} or the path of a tool file is{hint}")


def _check_shape(path: Path, values: Mapping[str, Any]) -> None:
    """Raise InputError when the sizes, each in its range, make no tool together."""
    for small, large in (("contact_radius_mm", "pad_radius_mm"), ("pad_radius_mm", "tip_radius_mm")):
        if values[small] > values[large]:
            raise InputError(
                f"{path}: {small}: {values[small]:g} is not allowed; at most {values[large]:g} ({large}) is"
            )
    tip, pad = values["tip_radius_mm"], values["pad_radius_mm"]
    sensor = values["sensor"]
    taken = sensor["length_mm"] + values["adapter_length_mm"] + tip - math.sqrt(tip**2 - pad**2)
    if not values["length_mm"] > taken:
        raise InputError(
            f"{path}: length_mm: {values['length_mm']:g} is not allowed; "
            f"more than {taken:.1f} (sensor, adapter and pad) is"
        )
