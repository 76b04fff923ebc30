"""The sites of the back that may be pressed, their limits and their tissue (figures and sources: `sites.yaml`)."""

import difflib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from ..native.errors import InputError
from .yaml_file import Field, read_yaml

SITES_FILE = Path(__file__).with_name("sites.yaml")
REGIONS = (
    "posterior_neck", "levator", "upper_trapezius", "interscapular", "infraspinatus", "thoracic_erector",
    "lumbar_erector", "quadratus_lumborum", "gluteal",
)  # fmt: skip
SIDES = ("left", "right")
_SCHEMA = "massage-arm/sites/1"


@dataclass(frozen=True)
class TissueConstants:
    """Tissue law F(d) = k0/beta (exp(beta d) − 1) + bone max(0, d − bone_depth)^1.5, d in mm, F in N."""

    k0_n_mm: float
    beta_per_mm: float
    bone_depth_mm: float
    bone_n_mm15: float
    """K_b in N/mm^1.5."""
    ppt_kpa: float
    """Pressure-pain threshold on 1 cm²."""


@dataclass(frozen=True)
class SiteLimits:
    """What one site stands. Working range < soft cap < hard stop < ISO/TS 15066 wall (`limits.py`)."""

    name: str
    work_force_n: tuple[float, float]
    soft_cap_n: float
    """The most that may be asked for."""
    hard_stop_n: float
    """The force at which the arm withdraws."""
    pressure_cap_kpa: float
    """Largest mean pressure under the tool."""
    area: str
    """The area of the body whose outer wall holds here, a key of `load_walls()`."""
    tissue: TissueConstants

    @property
    def region(self) -> str:
        """The site without its side."""
        return self.name.rsplit("_", 1)[0]

    @property
    def side(self) -> str:
        """`left` or `right`."""
        return self.name.rsplit("_", 1)[1]


def load_sites() -> "MappingProxyType[str, SiteLimits]":
    """All sites by name, such as `interscapular_right`; read-only."""
    return _load(SITES_FILE)


def find_site(name: str) -> SiteLimits:
    """The site called `name`; InputError that lists the known ones otherwise."""
    sites = load_sites()
    if name not in sites:
        close = difflib.get_close_matches(name, sites, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise InputError(f"site: {name!r} is not known; known are {', '.join(sites)}{hint}")
    return sites[name]


_FIELDS = {
    "work_force_n": Field((float, float), minimum=0),
    **{name: Field(float, minimum=0) for name in ("soft_cap_n", "hard_stop_n", "pressure_cap_kpa")},
    "area": Field(str),
    "tissue": {
        name: Field(float, minimum=0) for name in ("k0_n_mm", "beta_per_mm", "bone_depth_mm", "bone_n_mm15", "ppt_kpa")
    },
}


@cache
def _load(path: Path) -> "MappingProxyType[str, SiteLimits]":
    sites = {}
    for region, entry in read_yaml(path, _SCHEMA, dict.fromkeys(REGIONS, _FIELDS)).items():
        tissue = TissueConstants(**entry.pop("tissue"))
        for side in SIDES:
            name = f"{region}_{side}"
            sites[name] = SiteLimits(name=name, tissue=tissue, **entry)
    return MappingProxyType(sites)
