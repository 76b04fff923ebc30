"""Strokes: how a tool moves over the skin and how its force goes with that; figures and sources in `strokes.yaml`."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from ..native.errors import InputError
from . import skin_path
from .body import HeightField, Site
from .skin_path import SkinPath
from .yaml_file import Field, Some, read_yaml

FILE = Path(__file__).with_name("strokes.yaml")
NAMES = (
    "effleurage_light", "effleurage_deep", "petrissage", "circular_friction", "cross_fibre_friction", "stripping",
    "compression", "myofascial_release", "tapotement", "vibration", "rolling", "static_hold",
)  # fmt: skip
PATHS = ("spot", "line", "across", "circle")
_NEEDS = {
    "spot": (),
    "line": ("length_mm", "speed_mm_s"),
    "across": ("length_mm", "rate_hz"),
    "circle": ("radius_mm", "rate_hz"),
}
_NUMBERS = (
    "length_mm",
    "radius_mm",
    "speed_mm_s",
    "rate_hz",
    "force_n",
    "return_share",
    "swing_share",
    "swing_hz",
    "seconds",
)


@dataclass(frozen=True)
class Stroke:
    """One stroke; numbers that its path does not need are 0."""

    name: str
    about: str
    path: str
    """One of `PATHS`."""
    force_n: float
    seconds: float
    tool: str
    length_mm: float
    radius_mm: float
    speed_mm_s: float
    rate_hz: float
    return_share: float
    swing_share: float
    swing_hz: float
    sources: Mapping[str, str]

    def way(self, field: HeightField, site: Site) -> SkinPath:
        """The way over the skin at a site; InputError where it leaves the back that is known."""
        if self.path == "spot":
            return skin_path.spot(field, site)
        if self.path == "circle":
            return skin_path.circle(field, site, 1e-3 * self.radius_mm)
        return skin_path.line(field, site, 1e-3 * self.length_mm, across=self.path == "across")

    @property
    def turn_s(self) -> float:
        """Length of one turn in s: there and back, or once round; infinite for a spot."""
        if self.path == "line":
            return 2.0 * self.length_mm / self.speed_mm_s
        return 1.0 / self.rate_hz if self.rate_hz else math.inf

    def place(self, clock: float, length: float) -> tuple[float, float]:
        """(m along a way of `length` [m], m/s) at `clock` [s] of the stroke's own time: there and back as a cosine."""
        turn = 2.0 * math.pi / self.turn_s
        if self.path == "spot":
            return 0.0, 0.0
        if self.path == "circle":
            return length * clock / self.turn_s, length / self.turn_s
        return 0.5 * length * (1.0 - math.cos(turn * clock)), 0.5 * length * turn * math.sin(turn * clock)

    def share(self, clock: float) -> float:
        """What of the force is asked for at `clock` [s]: all of it on the way there, `return_share` back.

        It changes while the tool is slow, by a polynomial that is smooth to the second derivative.
        """
        if self.return_share == 1.0 or self.path not in ("line", "across"):
            return 1.0
        towards = math.sin(2.0 * math.pi * clock / self.turn_s)
        return self.return_share + (1.0 - self.return_share) * smooth(0.5 + towards)


def smooth(x: float) -> float:
    """From 0 at x <= 0 to 1 at x >= 1, with no slope and no bend at either end: minimum jerk (Flash and Hogan 1985)."""
    x = min(1.0, max(0.0, x))
    return x * x * x * (10.0 - 15.0 * x + 6.0 * x * x)


@cache
def load_strokes() -> Mapping[str, Stroke]:
    """All strokes by name; InputError where the file lacks a number, or the source of one."""
    numbers = {
        "length_mm": Field(float, 1.0, 400.0, required=False, default=0.0),
        "radius_mm": Field(float, 3.0, 60.0, required=False, default=0.0),
        "speed_mm_s": Field(float, 0.5, 90.0, required=False, default=0.0),
        "rate_hz": Field(float, 0.02, 3.0, required=False, default=0.0),
        "force_n": Field(float, 3.0, 70.0),
        "return_share": Field(float, 0.1, 1.0, required=False, default=1.0),
        "swing_share": Field(float, 0.0, 0.9, required=False, default=0.0),
        "swing_hz": Field(float, 0.0, 20.0, required=False, default=0.0),
        "seconds": Field(float, 1.0, 600.0),
    }
    fields = {"about": Field(str), "path": Field(str, choices=PATHS), "tool": Field(str), **numbers}
    fields_and_sources = {**fields, "sources": Some(_NUMBERS, Field(str))}
    values = read_yaml(FILE, "massage-arm/strokes/1", dict.fromkeys(NAMES, fields_and_sources))
    strokes = {name: Stroke(name=name, **entry) for name, entry in values.items()}
    for stroke in strokes.values():
        _check(stroke)
    return MappingProxyType(strokes)


def find_stroke(name: str) -> Stroke:
    """The stroke called `name`; InputError that lists the known ones otherwise."""
    if name not in load_strokes():
        close = difflib.get_close_matches(name, NAMES, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise InputError(f"stroke: {name!r} is not known; known are {', '.join(NAMES)}{hint}")
    return load_strokes()[name]


def _check(stroke: Stroke) -> None:
    for name in _NEEDS[stroke.path]:
        if not getattr(stroke, name):
            raise InputError(f"{FILE}: {stroke.name}.{name} is missing; a stroke of path {stroke.path} needs it")
    usual = {"return_share": 1.0}
    for name in _NUMBERS:
        if getattr(stroke, name) != usual.get(name, 0.0) and name not in stroke.sources:
            raise InputError(f"{FILE}: {stroke.name}.sources.{name} is missing; every number needs its source")
