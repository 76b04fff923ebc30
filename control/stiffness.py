"""How stiff the tissue under the tool is, told while working, from force and position alone.

Force is what the arm controls, position is what the body disturbs. So the position is explained by the force and not
the other way round: force over position would call a breathing body under constant force infinitely soft (the bias of
identification in closed loop, Söderström & Stoica, System Identification, 1989, ch. 10). Along the press direction
the tool stands at

    x = s + p sin wt + q cos wt + d(F) + e z     surface, breath, depth under the force, creep
    dd/dF = a(F) / (F + F0),  z' = (F / (F + F0) - z) / T

and a Kalman filter knows all of it at the same time. A constant a is Fung's exponential law, whose tangent stiffness
(F + F0) / a grows linearly with force; a is linear between a few forces, because bone underneath bends it, and k d^n
would not follow. Hunt and Crossley's damping, F (1 + c d'), is left out: 1 to 2 % of the force in a press. The
frequency w is one of a few, each with a filter of its own, weighted by how well it foretells the position (Magill
1965, doi 10.1109/TAC.1965.1098191). Filters of this kind for the law under a robot's tool, on a body that lies still:
Beber et al., arXiv 2404.09542 and 2507.11133.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..native.errors import InputError
from ..native.states import ContactState
from .ticks import Ticks

Floats = NDArray[np.float64]

COMPARED_AT_N = 15.0
"""Force at which places are compared; own choice, within the working range of every site."""
_OFFSET_N = 5.0  # k0 / beta, where the tangent stiffness has doubled: 3 to 6 N in control/sites.yaml
_CREEP_S = 3.0  # what relaxes within a press, native/tissue.pyx
_BREATHS_HZ = np.arange(0.145, 0.41, 0.01)  # 8 to 25 breaths a minute
_NODES = np.array([0.2, 0.47, 0.73, 1.0, 1.33, 1.87, 3.0])  # forces between which a is linear, over the compared one
_AT, _COUNT = 3, len(_NODES)
_CREEP, _SIN, _COS, _SURFACE, _SLOPE = range(_COUNT, _COUNT + 5)
_LEAST_FORCE_N = 2.0  # less is no contact worth learning from
_KNOWN_M, _KNOWN = 2.8e-3, 0.5  # standard error of a, and its share of a, above which nothing is said
_MOVING_N, _MOVING_S = 0.3, 0.5  # the force is being changed: its reference is so far from its mean of this time
_SMOOTH_S = 0.1  # force and position alike, against the noise of the force
_OFF_N = 2.0  # or it is being changed by somebody else
_CALM_S = 1.0  # in which what is asked for takes the place of what is measured

# What is likely before anything is measured, and how it drifts: assumptions, chosen on presses on population 1.
_BETA_M = 8e-3  # m, 1 / beta of control/sites.yaml, 6 to 10 mm
_COMMON_M, _BENDING_M = 4e-3, 3e-3  # m, spread of a at all forces together, and of one force against another
_CREEP_M, _BREATH_M, _SURFACE_M, _SLOPE_1 = 0.8e-3, 3e-3, 0.1, 0.1
_TISSUE_DRIFT, _BREATH_DRIFT, _SURFACE_DRIFT = 1e-4, 2e-4, 2e-4  # m per root second
_SAME_TISSUE_M = 0.05  # way after which the place is another one
_SLOPE_DRIFT, _BUMPS = 0.1, 2e-3  # 1 and m, per root metre of the way
_NOISE_M = 2e-4  # what is left at 100 Hz

# How a run is read.
_SAMPLE_S = 0.01
_EVERY_M = 0.01
_SAME_PLACE_M = 0.0075
_SLOWEST_M_S = 2e-3  # slower than that the tool stays where it is
_RAMP_N = 5.0


@dataclass(frozen=True)
class Stiffness:
    """Tangent stiffness at the compared force and its standard error, N/mm; NaN where too little is known."""

    value_n_mm: float
    error_n_mm: float


@dataclass(frozen=True)
class PlaceStiffness(Stiffness):
    """What a place was found to be; x and y [m] in body axes, `time` [s] of the run at the end of what it rests on."""

    x: float
    y: float
    time: float


class StiffnessEstimator:
    """Learns the stiffness under the tool, sample by sample; a new contact needs a new estimator."""

    def __init__(self, at_n: float = COMPARED_AT_N) -> None:
        """`at_n` [N]: the force at which the tangent is meant."""
        if not (math.isfinite(at_n) and at_n > 0.0):
            raise InputError(f"at_n: {at_n} N is not allowed; a finite force above 0 N is")
        self._at = at_n
        self._grid, self._depths = _depth_table(at_n)
        self._first_mean, self._first_cov = _beginning(at_n)
        self._mean = np.tile(self._first_mean, (len(_BREATHS_HZ), 1))
        self._cov = np.tile(self._first_cov, (len(_BREATHS_HZ), 1, 1))
        self._log_weight = np.zeros(len(_BREATHS_HZ))
        self._time: float | None = None
        self._way = self._origin = self._position = self._crept = 0.0
        self._force = self._smooth = self._slow = 0.0
        self._calm = _MOVING_S  # s since the force was last being changed
        self._least, self._most = math.inf, -math.inf

    def update(self, time: float, force: float, reference: float, position: float, way: float = 0.0) -> None:
        """Take in a sample, 100 a second or so; one below 2 N tells nothing and is passed over.

        `time` s, `force` N as measured along the press direction, `reference` N as asked for, `position` m of the tool
        along it, `way` m that the tool has gone over the skin so far. Raises InputError for what is not finite and for
        time or way going back.
        """
        self._check(time, force, reference, position, way)
        if force < _LEAST_FORCE_N:
            return
        if self._time is None:
            self._time, self._way, self._origin, self._position = time, way, position, position
            self._smooth = self._force = force
            self._slow, self._crept = reference, force / (force + _OFFSET_N)
        dt = time - self._time
        self._smooth += (force - self._smooth) * dt / (_SMOOTH_S + dt)
        self._position += (position - self._position) * dt / (_SMOOTH_S + dt)
        force = self._followed(self._smooth, reference, dt)
        share = force / (force + _OFFSET_N)
        self._crept += (share - self._crept) * dt / (_CREEP_S + dt)
        self._move_on(dt, way - self._way)
        self._time, self._way = time, way
        self._least, self._most = min(self._least, force), max(self._most, force)
        self._learn(self._rows(time, force), self._position - self._origin)

    @property
    def stiffness(self) -> Stiffness:
        """What is known so far; NaN until forces on both sides of the compared one were seen and the error is small."""
        mean, error = self._compliance()
        if not (self._least < self._at < self._most and error < min(_KNOWN_M, _KNOWN * mean)):
            return Stiffness(math.nan, math.nan)
        value = 1e-3 * (self._at + _OFFSET_N) / mean
        return Stiffness(value, value * error / mean)

    def _followed(self, force: float, reference: float, dt: float) -> float:
        """The measured force while it is made to move, else what is asked for: noise would pass for a stiff place."""
        self._slow += (reference - self._slow) * dt / (_MOVING_S + dt)
        moving = abs(reference - self._slow) > _MOVING_N or abs(force - reference) > _OFF_N
        self._calm = 0.0 if moving else self._calm + dt
        if self._calm < _MOVING_S:
            self._force = force
        else:
            self._force += (reference - self._force) * dt / (_CALM_S + dt)
        return self._force

    def _check(self, time: float, force: float, reference: float, position: float, way: float) -> None:
        given = {"time": time, "force": force, "reference": reference, "position": position, "way": way}
        for name, value in given.items():
            if not math.isfinite(value):
                raise InputError(f"{name}: {value} is not allowed; a finite number is")
        if self._time is not None:
            for name, value, last in (("time", time, self._time), ("way", way, self._way)):
                if value < last:
                    raise InputError(f"{name}: {value:g} is not allowed; at least the last one, {last:g}, is")

    def _compliance(self) -> tuple[float, float]:
        """(mean, standard error) of a at the compared force [m], over all frequencies."""
        weight = np.exp(self._log_weight)
        weight /= weight.sum()
        means = self._mean[:, _AT]
        mean = float(weight @ means)
        return mean, math.sqrt(weight @ (self._cov[:, _AT, _AT] + (means - mean) ** 2))

    def _move_on(self, dt: float, way: float) -> None:
        """Know less: time has passed, and the tool may be over another place."""
        each = np.arange(_SLOPE + 1)
        drift = np.zeros(_SLOPE + 1)
        drift[:_COUNT], drift[_SIN : _COS + 1], drift[_SURFACE] = _TISSUE_DRIFT, _BREATH_DRIFT, _SURFACE_DRIFT
        self._cov[:, each, each] += drift**2 * dt
        if way == 0.0:
            return
        still = math.exp(-way / _SAME_TISSUE_M)
        keep = np.eye(_SLOPE + 1)
        keep[each[:_COUNT], each[:_COUNT]] = still
        keep[_SURFACE, _SLOPE] = way
        self._mean = self._mean @ keep.T
        self._mean[:, :_COUNT] += (1.0 - still) * self._first_mean[:_COUNT]
        self._cov = keep @ self._cov @ keep.T
        self._cov[:, :_COUNT, :_COUNT] += (1.0 - still**2) * self._first_cov[:_COUNT, :_COUNT]
        self._cov[:, _SURFACE, _SURFACE] += _BUMPS**2 * way
        self._cov[:, _SLOPE, _SLOPE] += _SLOPE_DRIFT**2 * way

    def _rows(self, time: float, force: float) -> Floats:
        """(frequencies, states) how the position follows from the state."""
        rows = np.zeros((len(_BREATHS_HZ), _SLOPE + 1))
        at = math.log(force + _OFFSET_N)
        rows[:, :_COUNT] = [np.interp(at, self._grid, depth) for depth in self._depths]
        rows[:, _CREEP] = self._crept
        phase = 2.0 * math.pi * _BREATHS_HZ * time
        rows[:, _SIN], rows[:, _COS], rows[:, _SURFACE] = np.sin(phase), np.cos(phase), 1.0
        return rows

    def _learn(self, rows: Floats, position: float) -> None:
        """One measurement for each filter, and for the weights between them."""
        gain = np.einsum("fij,fj->fi", self._cov, rows)
        spread = np.einsum("fi,fi->f", rows, gain) + _NOISE_M**2
        off = position - np.einsum("fi,fi->f", rows, self._mean)
        self._mean += gain * (off / spread)[:, None]
        self._cov -= gain[:, :, None] * gain[:, None, :] / spread[:, None, None]
        self._log_weight -= 0.5 * (off**2 / spread + np.log(spread))
        self._log_weight -= self._log_weight.max()


def _depth_table(at_n: float) -> tuple[Floats, Floats]:
    """ln(F + F0) on a grid, and the depth that each node's a makes there (nodes, grid), 0 at the compared force."""
    nodes = np.log(_NODES * at_n + _OFFSET_N)
    grid = np.linspace(math.log(_OFFSET_N), math.log(20.0 * at_n + _OFFSET_N), 1001)
    hats = np.array([np.interp(grid, nodes, one) for one in np.eye(_COUNT)])
    depths = np.zeros_like(hats)
    depths[:, 1:] = np.cumsum(0.5 * (hats[:, 1:] + hats[:, :-1]) * np.diff(grid), axis=1)
    return grid, depths - [[np.interp(nodes[_AT], grid, depth)] for depth in depths]


def _beginning(at_n: float) -> tuple[Floats, Floats]:
    """(mean, covariance) of the state before anything is measured."""
    nodes = np.log(_NODES * at_n + _OFFSET_N)
    mean = np.zeros(_SLOPE + 1)
    mean[:_COUNT], mean[_CREEP] = _BETA_M, _CREEP_M
    spread = np.array([_CREEP_M, _BREATH_M, _BREATH_M, _SURFACE_M, _SLOPE_1])
    cov = np.zeros((_SLOPE + 1, _SLOPE + 1))
    cov[_COUNT:, _COUNT:] = np.diag(spread**2)
    apart = np.abs(nodes[:, None] - nodes)
    cov[:_COUNT, :_COUNT] = _COMMON_M**2 + _BENDING_M**2 * np.exp(-apart / 0.6)
    return mean, cov


def stiffness_of_run(ticks: Ticks, at_n: float = COMPARED_AT_N) -> list[PlaceStiffness]:
    """What a run tells of the places that it touched, in the order of time, from what a real arm knows alone.

    One value for each ramp of a tool that stays, one for each cm of a stroke; places that stay unknown are left out.
    Letting go is not looked at: tissue that was held is softer on the way out than on the way in, so a release must not
    be compared with a ramp. A force that stays the same tells nothing, wherever it glides.
    """
    found: list[PlaceStiffness] = []
    for contact in _contacts(ticks):
        found += _of_contact(contact, at_n)
    return found


def before_and_after(places: list[PlaceStiffness]) -> tuple[list[PlaceStiffness], list[PlaceStiffness]]:
    """The first value of each place, and the last one of those that were measured more than once.

    Places less than 7.5 mm apart are the same.
    """
    first: list[PlaceStiffness] = []
    last: dict[int, PlaceStiffness] = {}
    for place in places:
        away = [math.hypot(place.x - one.x, place.y - one.y) for one in first]
        nearest = int(np.argmin(away)) if away else 0
        if away and away[nearest] < _SAME_PLACE_M:
            last[nearest] = place
        else:
            first.append(place)
    return first, [last[k] for k in sorted(last)]


@dataclass(frozen=True)
class _Contact:
    """Samples of one contact, 100 a second."""

    time: Floats
    force: Floats
    reference: Floats
    along: Floats
    """m, the way that the tool has gone along the press direction, whichever way that pointed."""
    way: Floats
    """m over the skin."""
    place: Floats
    """(N, 2) m."""


def _contacts(ticks: Ticks) -> Iterator[_Contact]:
    state = ticks["contact_state"]
    pressing = (state >= ContactState.TOUCH) & (state <= ContactState.HOLD)
    edges = np.flatnonzero(np.diff(pressing.astype(int), prepend=0, append=0))
    for begin, end in edges.reshape(-1, 2):
        contact = _sampled(ticks[begin:end])
        if contact is not None:
            yield contact


def _sampled(ticks: Ticks) -> _Contact | None:
    """A stretch of contact, averaged over 10 ms; None for less than three samples."""
    names = ("time", "force_measured", "force_reference", "tcp_position", "press_direction")
    table = np.column_stack([ticks[name] for name in names])
    table = table[np.isfinite(table).all(axis=1)]
    slots = np.floor(table[:, 0] / _SAMPLE_S + 1e-6)
    begins = np.flatnonzero(slots > np.maximum.accumulate(np.concatenate([[-np.inf], slots]))[:-1])
    if len(begins) < 3:
        return None
    table = np.add.reduceat(table, begins) / np.diff([*begins, len(table)])[:, None]
    step = np.diff(table[:, 3:6], axis=0, prepend=table[:1, 3:6])
    ahead = np.einsum("ij,ij->i", step, table[:, 6:9])
    across = _smooth(step - ahead[:, None] * table[:, 6:9])
    across = np.linalg.norm(across, axis=1)
    across[across < _SLOWEST_M_S * _SAMPLE_S] = 0.0
    time, force, reference = table[:, :3].T
    return _Contact(time, force, reference, np.cumsum(ahead), np.cumsum(across), table[:, 3:5])


def _smooth(steps: Floats) -> Floats:
    """(N, 3) means over 0.2 s: the arm's trembling is no way."""
    box = np.ones(21) / 21
    return np.column_stack([np.convolve(column, box, "same")[: len(steps)] for column in steps.T])


def _of_contact(contact: _Contact, at_n: float) -> Iterator[PlaceStiffness]:
    estimator = StiffnessEstimator(at_n)
    ends = _ends(contact)
    begin = 0
    for k in range(len(contact.time)):
        estimator.update(contact.time[k], contact.force[k], contact.reference[k], contact.along[k], contact.way[k])
        if k in ends:
            known = estimator.stiffness
            x, y = contact.place[begin : k + 1].mean(axis=0)
            if math.isfinite(known.value_n_mm):
                time = float(contact.time[k])
                yield PlaceStiffness(known.value_n_mm, known.error_n_mm, float(x), float(y), time)
            begin = k + 1


def _ends(contact: _Contact) -> set[int]:
    """Samples after which a value is taken down: each cm of a stroke, else each ramp with its hold; the last one."""
    last = len(contact.time) - 1
    if contact.way[-1] > 2.0 * _EVERY_M:
        return set(np.flatnonzero(np.diff(np.floor(contact.way / _EVERY_M))).tolist()) | {last}
    return {*_ramp_ends(contact.reference), last}


def _ramp_ends(reference: Floats) -> list[int]:
    """Where the force begins to fall by 5 N or more before it rises by as much."""
    ends: list[int] = []
    fallen, low, high = False, 0, 0  # samples
    for k, force in enumerate(reference):
        if not fallen:
            high = k if force >= reference[high] else high
            fallen, low = reference[high] - force >= _RAMP_N, k
        else:
            low = k if force <= reference[low] else low
            if force - reference[low] >= _RAMP_N:
                ends.append(high)
                fallen, high = False, k
    return ends
