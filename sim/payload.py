"""What hangs on the arm's flange, read from the URDF that the engine moves."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def tool_inertia(urdf: str) -> Floats:
    """(3, 3) kg m² of all beyond the force sensor, about its centre of mass, tool axes; from `mount_tool`'s text."""
    inertia = ElementTree.fromstring(urdf).find("link[@name='tool']/inertial/inertia")
    assert inertia is not None
    xx, xy, xz, yy, yz, zz = (float(inertia.get(key, 0.0)) for key in ("ixx", "ixy", "ixz", "iyy", "iyz", "izz"))
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
