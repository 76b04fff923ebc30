"""The dose ledger: what pressure over time every square centimetre of a back was given, and how much may still follow.

Seen from above, body frame (x, y as in the world). The contact is a disc of the tool's contact area in that view: where
the skin slopes, the true patch is larger by 1/cos of the slope, and its pressure lower. Pressures are means over the
contact; the peak under a tip is not modelled.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..native.errors import InputError
from .limits import DEEP_M, EVERYWHERE, OwnLimits, hold_limits
from .sites import SiteLimits
from .ticks import Ticks
from .tool import Tool

Floats = NDArray[np.float64]

CELL_M = 0.01
CELL_AREA = CELL_M**2
ORIGIN = (-0.20, -0.35)
"""M, lower corner of cell (0, 0): with SHAPE it holds every back that comes with the package, and 7 cm around it."""
SHAPE = (110, 70)
"""Cells along x and y."""
RECOVERY_S = 1200.0
"""Time constant of fading; assumption. Softer muscle is back to its old stiffness 3 to 5 min after a massage (B.10 in
`docs/safety.md`), blood flow after 20 min. Those are times until it is gone; taking the longest of them as the time
constant lets a dose count longer than any of these. Soreness, which lasts for days, is not covered."""
REPEATS = 2
"""Holds of the longest allowed length, at the pressure cap, that make up the cap of a dose (docs/safety.md A.9)."""
PRESSED_PA = 5e3
"""Mean pressure at which a pass begins; assumption: twice what the simulated person takes for a light touch. It begins
in the cells that the contact covers at least half as much as the one that it covers most, and lasts while the contact
still touches the cell with half that pressure: so breathing, which sways the rim, makes no passes."""
BETWEEN_S = 0.5
"""Time without pressure that parts two passes; assumption: strokes at 50 a minute are counted, kneading at 2 Hz is one
pass."""
_RELEASED = 0.5
_BREAK_S = 0.5  # nobody listened for longer than this: what happened in between is not known, and counts nothing
_RATE_HZ = 100.0  # a run is thinned to it
_NOISE_N = 1.0  # a measured force below it is noise or drift of a sensor, not a press; assumption
_LEAST_AREA = math.pi * 0.001**2  # m², so that a first touch has a finite pressure
_SLIVER = 1e-9  # less of a cell than this is rounding, not contact
_CHUNK = 1000  # samples at once: bounds the memory
_SCHEMA = "massage-arm/dose/1"


@dataclass(frozen=True)
class DoseCaps:
    """What a cell may get."""

    dose: float
    """Pa·s, of what has not faded yet."""
    pressure: float
    """Pa, mean under the tool."""


def dose_caps(site: SiteLimits, own: Mapping[str, OwnLimits] | None = None) -> DoseCaps:
    """The caps at a site: its pressure cap, and that for `REPEATS` of the longest hold; own limits lower both."""
    lowered = [(own or {}).get(place) for place in (EVERYWHERE, site.region)]
    kpa = [limits.pressure_kpa for limits in lowered if limits is not None and limits.pressure_kpa is not None]
    pressure = 1e3 * min([site.pressure_cap_kpa, *kpa])
    hold = hold_limits(site, dict(own or {}))[0].value
    return DoseCaps(dose=pressure * hold * REPEATS, pressure=pressure)


@dataclass(eq=False)
class DoseMap:
    """What a back was given, per cell of 1 cm²; arrays are (SHAPE) and start at nothing."""

    dose: Floats = field(default_factory=lambda: np.zeros(SHAPE))
    """Pa·s, all that was ever given; never fades."""
    left: Floats = field(default_factory=lambda: np.zeros(SHAPE))
    """Pa·s, what of it has not faded at `time`."""
    peak: Floats = field(default_factory=lambda: np.zeros(SHAPE))
    """Pa, the largest mean pressure under a tool that touched the cell."""
    passes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(SHAPE, np.int64))
    """Separate visits, each with `PRESSED_PA`, and `BETWEEN_S` without pressure before it."""
    last: Floats = field(default_factory=lambda: np.full(SHAPE, -np.inf))
    """s, when the last pass was last felt; −inf where there was none."""
    time: float = -math.inf
    """s, of the last sample; the clock is the caller's, and one clock for the life of a map (Unix time, to keep it)."""
    person: str = ""
    """Whose back it is, as in a plan; empty: a map that is kept for nobody."""
    beyond: float = 0.0
    """N·s that were given beyond the map."""

    def add(self, time: ArrayLike, xy: ArrayLike, force: ArrayLike, area: ArrayLike) -> None:
        """Add samples in the order of time: time (N,) [s], contact (N, 2) [m], force (N,) [N], contact area (N,) [m²].

        A sample stands for the time since the one before it; after more than 0.5 s without any, for none. Samples that
        are not finite are left out, forces below 0 count as 0. Raises InputError for other shapes, or when time goes
        back.
        """
        times, forces, areas = (np.asarray(values, float) for values in (time, force, area))
        places = np.asarray(xy, float)
        if not (times.ndim == 1 and forces.shape == areas.shape == times.shape and places.shape == (*times.shape, 2)):
            shapes = ", ".join(str(values.shape) for values in (times, places, forces, areas))
            raise InputError(
                f"dose: time, xy, force, area of shapes {shapes} are not allowed; (N,), (N, 2), (N,), (N,) are"
            )
        known = np.isfinite(times) & np.isfinite(places).all(axis=1) & np.isfinite(forces) & np.isfinite(areas)
        times, places, forces, areas = times[known], places[known], forces[known], areas[known]
        if not len(times):
            return
        steps = np.diff(times, prepend=self.time)
        if (steps < 0.0).any():
            at = times[np.argmax(steps < 0.0)]
            raise InputError(f"dose: time: {at:g} s is not allowed; the time of the sample before it or later is")
        steps[steps > _BREAK_S] = 0.0
        self.left *= _faded(times[-1] - self.time)
        self.time = float(times[-1])
        pressed = np.flatnonzero(forces > 0.0)
        for begin in range(0, len(pressed), _CHUNK):
            some = pressed[begin : begin + _CHUNK]
            self._add(times[some], places[some], forces[some], np.maximum(areas[some], _LEAST_AREA), steps[some])

    def _add(self, time: Floats, xy: Floats, force: Floats, area: Floats, step: Floats) -> None:
        """Samples with a force, no later than `self.time`; `step` (N,) [s] is what each of them stands for."""
        sample, cell, share = _patches(xy, np.sqrt(area / math.pi))
        pressure = force / area
        given = (pressure * step)[sample] * share
        self.dose += _sum(cell, given)
        self.left += _sum(cell, given * _faded(self.time - time)[sample])
        np.maximum.at(self.peak.reshape(-1), cell, pressure[sample])
        on_map = np.bincount(sample, share, len(time)) * CELL_AREA / area
        self.beyond += float(np.sum(force * step * np.where(on_map > 1.0 - _SLIVER, 0.0, 1.0 - on_map)))
        most = np.zeros(len(time))
        np.maximum.at(most, sample, share)
        felt = pressure[sample] >= _RELEASED * PRESSED_PA
        firm = (pressure[sample] >= PRESSED_PA) & (share >= 0.5 * most[sample])
        self._visit(cell[felt], time[sample[felt]], firm[felt])

    def _visit(self, cell: NDArray[np.intp], time: Floats, firm: NDArray[np.bool_]) -> None:
        """Passes of cells (M,) that are felt at times (M,) [s], which rise, and `firm` (M,) enough to begin a pass."""
        order = np.argsort(cell, kind="stable")
        cell, time, firm = cell[order], time[order], firm[order]
        last = self.last.reshape(-1)
        first = np.diff(cell, prepend=-1) != 0
        apart = time - np.where(first, last[cell], np.roll(time, 1)) > BETWEEN_S
        begin = np.flatnonzero(first | apart)  # stretches of one cell without a pause
        if not len(begin):
            return
        fresh = apart[begin]  # the others go on with the pass before
        counts = ~fresh | np.logical_or.reduceat(firm, begin)
        end = np.append(begin[1:], len(cell)) - 1
        np.add.at(self.passes.reshape(-1), cell[begin[fresh & counts]], 1)
        last[cell[end[counts]]] = time[end[counts]]  # of a cell that stands there more than once the latest one stays

    def recovered(self, seconds: float) -> DoseMap:
        """The map after that time (s, at least 0) without pressure; this one stays as it is."""
        if not (math.isfinite(seconds) and seconds >= 0.0):
            raise InputError(f"dose: recovered: {seconds:g} s is not allowed; a finite number from 0 up is")
        copies = {name: getattr(self, name).copy() for name in _ARRAYS}
        copies["left"] *= _faded(seconds)
        return replace(self, **copies, time=self.time + seconds)

    def since(self, began_s: float) -> DoseMap:
        """The map, faded until `began_s`, on a clock that starts then; InputError where it knows of later."""
        if self.time > began_s:
            raise InputError(f"dose: time: it knows of {self.time - began_s:.0f} s after now; a clock is wrong")
        faded = self.recovered(began_s - self.time) if math.isfinite(self.time) else replace(self)
        return replace(faded, last=faded.last - began_s, time=0.0)

    def allowed(self, xy: ArrayLike, radius: float, pressure_pa: float, caps: DoseCaps) -> float:
        """How long (s) a contact of `radius` (m) at `xy` (2,) [m] may press until a cell that it touches is at its cap.

        Every cell touched is taken as wholly covered, and nothing fades meanwhile: rather too short than too long. 0
        where the pressure is above its cap, and where the contact reaches beyond the map. The limit on one static hold
        is another one (`limits.py`). InputError when radius or pressure is not above 0, or something is not finite.
        """
        place = np.asarray(xy, float)
        if place.shape != (2,) or not np.isfinite(place).all():
            raise InputError(f"dose: xy: {place.tolist()} is not allowed; two finite numbers are")
        for name, value in (("radius", radius), ("pressure_pa", pressure_pa)):
            if not (math.isfinite(value) and value > 0.0):
                raise InputError(f"dose: {name}: {value:g} is not allowed; a finite number above 0 is")
        _, _, share = _patches(place[None], np.array([radius]))
        on_map = share.sum() * CELL_AREA / (math.pi * radius**2)
        if on_map < 1.0 - _SLIVER or pressure_pa > caps.pressure:
            return 0.0
        return max(0.0, (caps.dose - self.fullest(place, radius)) / pressure_pa)

    def fullest(self, xy: ArrayLike, radius: float) -> float:
        """Pa·s that are left in the fullest cell under a contact of `radius` (m) at `xy` (2,) [m]; 0 beyond the map."""
        _, cell, _ = _patches(np.asarray(xy, float)[None], np.array([radius]))
        return float(self.left.reshape(-1)[cell].max(initial=0.0))

    def over(self, caps: DoseCaps) -> NDArray[np.bool_]:
        """(SHAPE) cells whose dose that is left, or whose peak pressure, is above a cap."""
        found: NDArray[np.bool_] = (self.left > caps.dose) | (self.peak > caps.pressure)
        return found


def dose_of_run(ticks: Ticks, tool: Tool, begin_s: float = 0.0, before: DoseMap | None = None) -> DoseMap:
    """The map of a run from its ticks; its clock is theirs plus `begin_s` (Unix time of the start, to keep the map).

    On top of `before`, which becomes the map.

    The true force and the true depth where the ticks have them. On a real arm there is only the measured force, where
    it is 1 N or more; and its contact area is the tool's largest, which a press of working force reaches within the
    ramp, and on which the pressure cap is checked. (Depth since the touch would take breathing and whoever moves for
    indentation, and leaves out what went in before the touch was noticed.)

    Ticks are gathered to 100 Hz, each group with the mean of its force over time: force x time stays what it was, and a
    peak is a mean over 10 ms. Raises InputError when the time of the ticks goes back.
    """
    known = np.isfinite(ticks["time"]) & np.isfinite(ticks["tcp_position"]).all(axis=1)
    ticks = ticks[known & (np.isfinite(ticks["force_true"]) | np.isfinite(ticks["force_measured"]))]
    dose = before or DoseMap()
    if not len(ticks):
        return dose
    measured = np.where(ticks["force_measured"] < _NOISE_N, 0.0, ticks["force_measured"])
    force = np.maximum(0.0, np.where(np.isfinite(ticks["force_true"]), ticks["force_true"], measured))
    depth = np.where(np.isfinite(ticks["depth"]), ticks["depth"], DEEP_M)
    first = np.flatnonzero(np.diff(np.floor(ticks["time"] * _RATE_HZ), prepend=-np.inf))
    step = np.diff(ticks["time"], prepend=ticks["time"][0] - 1.0 / _RATE_HZ)
    if (step < 0.0).any():
        raise InputError(
            f"dose: time: the ticks go back at {ticks['time'][np.argmax(step < 0.0)]:g} s; times that rise are allowed"
        )
    step = np.maximum(step, 1e-9)  # a clock that stands still

    def mean(values: Floats) -> Floats:
        gathered: Floats = np.add.reduceat(values * step, first) / np.add.reduceat(step, first)
        return gathered

    until = np.append(first[1:], len(ticks)) - 1
    area = np.array([tool.contact_area(d) for d in mean(depth)])
    xy = np.column_stack([mean(ticks["tcp_position"][:, axis]) for axis in (0, 1)])
    dose.add(begin_s + ticks["time"][until], xy, mean(force), area)
    return dose


def dose_bytes(dose: DoseMap) -> bytes:
    """A map as a file that `read_dose` reads back equal: an .npz of arrays, SI, body frame."""
    out = io.BytesIO()
    arrays = {name: getattr(dose, name) for name in _ARRAYS}
    grid, state = np.array([*ORIGIN, CELL_M]), np.array([dose.time, dose.beyond])
    np.savez_compressed(out, schema=np.array(_SCHEMA), person=np.array(dose.person), grid=grid, state=state, **arrays)
    return out.getvalue()


def read_dose(file: Path) -> DoseMap:
    """The map in a file of `dose_bytes`; InputError when there is none, or anything in it cannot be."""
    try:
        with np.load(file) as data:
            if str(data["schema"]) != _SCHEMA:
                raise InputError(f"{file}: schema: {str(data['schema'])!r} is not allowed; {_SCHEMA} is")
            found = {name: data[name] for name in data.files}
    except FileNotFoundError:
        raise InputError(f"{file}: there is no such file") from None
    except InputError:
        raise
    except Exception as error:  # np.load raises what zipfile, zlib and the header of an array happen to
        raise InputError(f"{file}: is no dose map: {error}") from error
    _check(file, found)
    time, beyond = (float(value) for value in found["state"])
    arrays = {name: found[name] for name in _ARRAYS}
    return DoseMap(**arrays, time=time, person=str(found["person"]), beyond=beyond)


_ARRAYS = ("dose", "left", "peak", "passes", "last")


def _check(file: Path, found: Mapping[str, NDArray[Any]]) -> None:
    """Raise InputError for the first thing that a map cannot hold."""

    def must(name: str, holds: object, allowed: str) -> None:
        if not holds:
            raise InputError(f"{file}: {name}: {allowed}")

    names = {"schema", "person", "grid", "state", *_ARRAYS}
    if set(found) != names:
        raise InputError(f"{file}: holds {', '.join(sorted(found))}; {', '.join(sorted(names))} are allowed")
    for name, shape in {"grid": (3,), "state": (2,), **dict.fromkeys(_ARRAYS, SHAPE)}.items():
        kind = "i" if name == "passes" else "f"
        what = "whole numbers" if kind == "i" else "numbers"
        array = found[name]
        must(
            name,
            array.dtype == np.dtype(f"{kind}8") and array.shape == shape,
            f"64-bit {what} of shape {shape} are allowed",
        )
    grid = [*ORIGIN, CELL_M]
    must("grid", found["grid"].tolist() == grid, f"{found['grid'].tolist()} is not allowed; {grid} is")
    dose, left, peak, passes, last = (found[name] for name in _ARRAYS)
    for name, array in (("dose", dose), ("left", left), ("peak", peak), ("passes", passes)):
        must(name, (np.isfinite(array) & (array >= 0)).all(), "finite numbers from 0 up are allowed")
    must("left", (left <= dose * (1.0 + 1e-9)).all(), "at most the dose is allowed")
    time, beyond = found["state"].tolist()
    must(
        "state", time < math.inf, f"time {time:g} s is not allowed; a finite time, or -inf before the first sample, is"
    )
    must(
        "state", 0.0 <= beyond < math.inf, f"{beyond:g} N·s beyond the map is not allowed; a finite number from 0 up is"
    )
    must("last", (last <= time).all() and (last < math.inf).all(), "times up to that of the map are allowed")
    must("last", (np.isfinite(last) == (passes > 0)).all(), "a time where there are passes, else -inf, is allowed")


def _faded(seconds: Floats | float) -> Floats:
    """The share that is left after that time."""
    share: Floats = np.exp(-np.asarray(seconds) / RECOVERY_S)
    return share


def _sum(cell: NDArray[np.intp], values: Floats) -> Floats:
    """(SHAPE) sums of values (M,) over the cells (M,) that they belong to."""
    total: Floats = np.bincount(cell, values, SHAPE[0] * SHAPE[1]).astype(float, copy=False)
    return total.reshape(SHAPE)


def _patches(centre: Floats, radius: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """What discs (N, 2), (N,) [m] cover: (M,) disc, rising, (M,) cell of the flat map, (M,) share of that cell."""
    width = math.ceil(2.0 * float(radius.max()) / CELL_M) + 1
    at, edge, cells = [], [], []
    for axis, count in enumerate(SHAPE):
        u = np.clip((centre[:, axis] - ORIGIN[axis]) / CELL_M, -1e6, 1e6)  # far off is beyond the map, however far
        begin = np.floor(u - radius / CELL_M)[:, None] + np.arange(width + 1)
        edge.append((begin - u[:, None]) * CELL_M / radius[:, None])
        index = begin[:, :-1].astype(np.intp)
        at.append(index)
        cells.append((index >= 0) & (index < count))
    under = _disc(edge[0][:, :, None], edge[1][:, None, :])
    share = np.diff(np.diff(under, axis=1), axis=2) * (radius**2 / CELL_AREA)[:, None, None]
    sample, i, j = np.nonzero((share > _SLIVER) & cells[0][:, :, None] & cells[1][:, None, :])
    return sample, at[0][sample, i] * SHAPE[1] + at[1][sample, j], np.minimum(1.0, share[sample, i, j])


def _disc(x: Floats, y: Floats) -> Floats:
    """Area of the unit disc to the left of x and below y: so that four corners give that of a rectangle, exactly."""
    x, y = np.clip(x, -1.0, 1.0), np.clip(y, -1.0, 1.0)
    left, below = (0.5 * np.pi + u * np.sqrt(1.0 - u * u) + np.arcsin(u) for u in (x, y))
    corner_inside = 0.5 * (left + below) + x * y - 0.25 * np.pi
    outside = np.where(x >= 0.0, np.where(y >= 0.0, left + below - np.pi, below), np.where(y >= 0.0, left, 0.0))
    area: Floats = np.where(x * x + y * y < 1.0, corner_inside, outside)
    return area
