"""Pressure profiles: what force is asked for over time, and what ends each part of it; YAML files, some shipped.

Targets are in N, in kPa through the tool's largest contact area, or in percent of the person's pain threshold under
that area. Every number has its source, or says that it is an assumption. `PressureFollower` (pressure_follower.py)
carries a profile out.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..native.errors import InputError
from .limits import DEEP_M
from .tool import Tool
from .yaml_file import Each, Field, Fields, Variants, locate, read_yaml

FOLDER = Path(__file__).with_name("profiles")
SCHEMA = "massage-arm/profile/1"
LISTENING_S = 20.0
"""By which a rise with the breath takes longer at most: two windows to hear it in, and a breath to begin with."""
_SPREAD = -0.4  # thresholds fall with the area pressed, as A^-0.4 in cm²: docs/safety.md D.3, exponent an assumption
_TARGETS = ("force_n", "pressure_kpa", "percent_of_threshold")

_SOURCE = {"source": Field(str)}
_ENDS = {
    "seconds": Field(float, 0.5, 600.0),
    "give_mm_min": Field(float, 0.05, 20.0, required=False),
    "release_mm": Field(float, 0.2, 20.0, required=False),
    "until_word": Field(bool, required=False, default=False),
}
_TARGET = {
    "force_n": Field(float, 3.0, 70.0, required=False),
    "pressure_kpa": Field(float, 1.0, 400.0, required=False),
    "percent_of_threshold": Field(float, 1.0, 120.0, required=False),
}
_KINDS = {
    "ramp": {
        **_TARGET, "seconds": Field(float, 0.5, 600.0), "until_word": Field(bool, required=False, default=False),
        **_SOURCE,
    },
    "hold": {**_ENDS, **_SOURCE},
    "step": {**_TARGET, **_ENDS, **_SOURCE},
    "pulse": {
        **_TARGET, "low_share": Field(float, 0.1, 0.95), "period_s": Field(float, 2.0, 30.0),
        "seconds": Field(float, 2.0, 600.0), **_SOURCE,
    },
    "sine": {
        "swing_share": Field(float, 0.02, 0.9), "rate_hz": Field(float, 0.1, 20.0), "seconds": Field(float, 1.0, 600.0),
        **_SOURCE,
    },
    "follow": {**_TARGET, "step_percent": Field(float, 5.0, 30.0), **_ENDS, **_SOURCE},
}  # fmt: skip
FIELDS: Fields = {
    "name": Field(str),
    "about": Field(str),
    "on_exhale": Field(bool, required=False, default=False),
    "segments": Each(Variants("kind", _KINDS)),
}


def under_area(area: float) -> float:
    """What a threshold on 1 cm² is multiplied by under a tool of `area` [m²]."""
    return float(max(1e4 * area, 1.0) ** _SPREAD)


@dataclass(frozen=True)
class Segment:
    """One part of a profile; what its kind does not need is None."""

    kind: str
    """ramp: to the target in `seconds` · hold · step: to the target in 2 s, then hold · pulse: between target and
    `low_share` of it · sine: swing about where the force is · follow: hold, and after each give up by `step_percent`,
    as far as the target."""
    seconds: float
    """At most."""
    source: str
    force_n: float | None = None
    pressure_kpa: float | None = None
    percent_of_threshold: float | None = None
    give_mm_min: float | None = None
    """Ends once the tissue gives way more slowly than that."""
    release_mm: float | None = None
    """Ends once the tissue has given way by that much."""
    until_word: bool = False
    """Ends at a word from the person."""
    low_share: float | None = None
    period_s: float | None = None
    swing_share: float | None = None
    rate_hz: float | None = None
    step_percent: float | None = None

    def target_n(self, tool: Tool, threshold_kpa: float) -> float | None:
        """The target in N through `tool`, for a pain threshold of `threshold_kpa` on 1 cm²; None: none is named."""
        area: float = tool.contact_area(DEEP_M)
        if self.pressure_kpa is not None:
            return 1e3 * self.pressure_kpa * area
        if self.percent_of_threshold is not None:
            return 0.01 * self.percent_of_threshold * 1e3 * threshold_kpa * under_area(area) * area
        return self.force_n


@dataclass(frozen=True)
class PressureProfile:
    """Segments, one after the other."""

    name: str
    about: str
    segments: Sequence[Segment]
    on_exhale: bool = False
    """The force rises while the person exhales, and is held while they inhale."""

    @property
    def seconds(self) -> float:
        """How long it lasts at most."""
        rises = sum(segment.kind in ("ramp", "step", "follow") for segment in self.segments)
        return sum(segment.seconds for segment in self.segments) + (LISTENING_S * rises if self.on_exhale else 0.0)

    def most_n(self, tool: Tool, threshold_kpa: float) -> float:
        """The largest force [N] that it asks for."""
        force, most = 0.0, 0.0
        for segment in self.segments:
            target = segment.target_n(tool, threshold_kpa)
            force = force if target is None else target
            most = max(most, force * (1.0 + (segment.swing_share or 0.0)))
        return most


def constant(force_n: float, seconds: float) -> PressureProfile:
    """The plainest profile: rise to a force at 10 N/s or slower, and stay there for `seconds`."""
    rise = Segment("ramp", max(1.5, force_n / 10.0), "docs/safety.md A.9", force_n=force_n)
    return PressureProfile("constant", "one force", [rise, Segment("hold", seconds, "the stroke")])


def profile_names() -> list[str]:
    """The profiles that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_profile(name_or_path: str | Path) -> PressureProfile:
    """A shipped profile by name, or one of a file; InputError (file, line, key, what is allowed) for a wrong one."""
    path = profile_file(str(name_or_path))
    values = read_yaml(path, SCHEMA, FIELDS)
    segments = [_segment(path, i, entry) for i, entry in enumerate(values["segments"])]
    _check_order(path, segments)
    return PressureProfile(values["name"], values["about"], segments, values["on_exhale"])


def profile_file(name: str) -> Path:
    """Where a profile stands; InputError for a name that is not known."""
    if name in profile_names():
        return FOLDER / f"{name}.yaml"
    if Path(name).suffix:
        return Path(name)
    close = difflib.get_close_matches(name, profile_names(), n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise InputError(f"profile: {name!r} is not known; a file or one of {', '.join(profile_names())} is{hint}")


def _segment(path: Path, i: int, entry: dict[str, Any]) -> Segment:
    named = [key for key in _TARGETS if entry.get(key) is not None]
    needs = entry["kind"] in ("ramp", "step", "pulse", "follow")
    if needs and len(named) != 1:
        line, _ = locate(path, f"segments[{i}]")
        found = " and ".join(named) or "none"
        raise InputError(f"{path}:{line}: segments[{i}]: {found} is not allowed; one of {', '.join(_TARGETS)} is")
    return Segment(**entry)


def _check_order(path: Path, segments: Sequence[Segment]) -> None:
    """The first segment says where the force goes; and it rises: starting deep makes muscles brace.

    Roberts 2011 (n = 25): rising pressure left the EMG as it was, starting deep and falling raised it by 235 %.
    """
    if segments[0].kind not in ("ramp", "step", "follow"):
        line, _ = locate(path, "segments[0]")
        raise InputError(f"{path}:{line}: segments[0].kind: {segments[0].kind} is not allowed; ramp, step or follow is")
    for unit in _TARGETS:
        values = [(i, getattr(s, unit)) for i, s in enumerate(segments) if getattr(s, unit) is not None]
        if values and values[0][1] > 0.85 * max(v for _, v in values) and len(values) > 1:
            i, value = values[0]
            line, _ = locate(path, f"segments[{i}].{unit}")
            most = 0.85 * max(v for _, v in values)
            raise InputError(
                f"{path}:{line}: segments[{i}].{unit}: {value:g} is not allowed; at most {most:g} is, 85 % of the "
                "deepest: starting deep makes muscles brace (Roberts 2011: EMG + 235 %)"
            )
