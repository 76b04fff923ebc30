"""The atlas: landmarks, sites and areas to keep out of, as they lie on the template body; both sides."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .sites import REGIONS, SIDES
from .yaml_file import Field, Fields, read_yaml

Floats = NDArray[np.float64]
FILE = Path(__file__).with_name("bodies") / "atlas.yaml"
AREAS = ("spinous_processes", "cervical_spine", "kidney", "floating_ribs", "anterior_neck", "axilla")
_MIDDLE = ("c7", "sacrum")
_SIDED = ("acromion", "iliac_spine", "iliac_crest", "scapula_tip")
_SIGN = dict(zip(SIDES, (1.0, -1.0), strict=True))


@dataclass(frozen=True)
class AtlasSite:
    """A site of the template, seen from above."""

    at: Floats
    """(2,) m."""
    fibre: Floats
    """(2,) m, another point of the same muscle, along its fibres."""
    radius: float
    """m, how far the muscle reaches around `at`."""


@dataclass(frozen=True)
class Atlas:
    """All that is named on a back; x towards the head, y to the left, m."""

    landmarks: dict[str, Floats]
    sites: dict[str, AtlasSite]
    keep_out: dict[str, Floats]
    """Corners (N, 2)."""


@cache
def load_atlas() -> Atlas:
    """The atlas of `bodies/atlas.yaml`; InputError names what is wrong in it."""
    point = Field((float, float), -2000.0, 2000.0)
    site = {"at": point, "fibre": point, "radius": Field(float, 5.0, 100.0)}
    fields: Fields = {
        "landmarks": dict.fromkeys(_MIDDLE + _SIDED, point),
        "sites": dict.fromkeys(REGIONS, site),
        "keep_out": dict.fromkeys(AREAS, Field((float,) * 8, -2000.0, 2000.0)),
    }
    values = read_yaml(FILE, "massage-arm/atlas/1", fields)
    marks = values["landmarks"]
    landmarks = {name: _there(marks[name], 1.0) for name in _MIDDLE}
    landmarks |= {f"{name}_{side}": _there(marks[name], _SIGN[side]) for name in _SIDED for side in SIDES}
    sites = {
        f"{region}_{side}": AtlasSite(
            _there(entry["at"], _SIGN[side]), _there(entry["fibre"], _SIGN[side]), 1e-3 * entry["radius"]
        )
        for region, entry in values["sites"].items()
        for side in SIDES
    }
    keep_out = {
        f"{area}_{side}": np.array(
            [_there(corner, _SIGN[side]) for corner in zip(corners[::2], corners[1::2], strict=True)]
        )
        for area, corners in values["keep_out"].items()
        for side in SIDES
    }
    return Atlas(landmarks, sites, keep_out)


def _there(point_mm: tuple[float, float], sign: float) -> Floats:
    return np.array([1e-3 * point_mm[0], 1e-3 * sign * point_mm[1]])
