"""A person's own pain thresholds: files `massage-arm/thresholds/1`, in place of what is typical at a site.

A slow ramp that the person ends with a word finds one (`massage-arm run assessment_ramp --site SITE`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from ..native.errors import InputError
from .limits import DEEP_M
from .pressure_profile import under_area
from .sites import load_sites
from .tool import Tool
from .yaml_file import Each, Field, Fields, locate, read_yaml

SCHEMA = "massage-arm/thresholds/1"
FIELDS: Fields = {
    "person": Field(str),
    "sites": Each(
        {
            "site": Field(str, choices=tuple(load_sites())),
            # From the touch force under a thumb on; assumption: nobody bears more than 1500.
            "threshold_kpa": Field(float, 5.0, 1500.0),
            "source": Field(str),
        }
    ),
}


def load_thresholds(path: Path, person: str | None = None) -> dict[str, float]:
    """Thresholds [kPa, on 1 cm²] by site; InputError for a wrong file, or for one of somebody else than `person`."""
    values = read_yaml(path, SCHEMA, FIELDS)
    if person is not None and values["person"] != person:
        line, _ = locate(path, "person")
        raise InputError(f"{path}:{line}: person: {values['person']} is not allowed; the run is of {person}")
    found: dict[str, float] = {}
    for i, entry in enumerate(values["sites"]):
        if entry["site"] in found:
            line, _ = locate(path, f"sites[{i}].site")
            raise InputError(f"{path}:{line}: sites[{i}].site: {entry['site']} is not allowed; it stands there already")
        found[entry["site"]] = entry["threshold_kpa"]
    return found


def find_thresholds(path: str | None) -> dict[str, float]:
    """Those of a file, if one is named."""
    return {} if path is None else load_thresholds(Path(path))


def threshold_kpa(force_n: float, tool: Tool) -> float:
    """The threshold [kPa] on 1 cm² of who spoke up at `force_n` under `tool`."""
    area: float = tool.contact_area(DEEP_M)
    return 1e-3 * force_n / area / under_area(area)


def thresholds_yaml(person: str, found: Mapping[str, float], source: str) -> str:
    """The text of a file that `load_thresholds` reads back."""
    sites = [{"site": site, "threshold_kpa": round(kpa, 1), "source": source} for site, kpa in found.items()]
    return yaml.safe_dump({"schema": SCHEMA, "person": person, "sites": sites}, sort_keys=False)
