"""What heartbeats do to a session: slower and lighter, never deepened; and what they say of it afterwards.

Heart-rate variability is no safety signal: how large its answer to massage is, is poorly known, and it can be nil
(RMSSD 52 to 50, 52, 48 ms over 40 min of classic massage, n = 21, SciELO S0103-51502016000300487). So a heart may lower
force and speed and ask for a pause. Nothing that it does, and nothing that it fails to say, raises either above what
was asked.

Numbers without a source are assumptions of this project, and say so.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..native.errors import InputError
from .heart import good_intervals, heart_rate, intervals_of, rmssd

Floats = NDArray[np.float64]

REST_S = (180.0, 300.0)
"""Shortest and longest rest that makes a baseline; own proposal. RMSSD is read over 5 min (Task Force 1996), and as
little as 1 min can do at rest (Shaffer and Ginsberg 2017, PMC5624990)."""
WINDOW_S = 60.0
"""Over which rate and RMSSD are compared with the baseline; the shortest that PMC5624990 lets pass."""
COVERED = 0.8
"""Share of a window that good intervals must fill, and of its beats that must be good, else nothing is known of it; own
proposal. So 12 s of silence end every change of a factor."""
RATE_UP = (4.0, 12.0)
"""1/min over the baseline, of the 1-min mean: here lightening begins, and here it is full. Assumption: a rate rather
falls under massage (−10.8 /min in 263 clients, PubMed 18315516), and that of the simulated person rises by 5.5 at
NRS 7 (docs/person.md), itself an assumption."""
RMSSD_DOWN = (0.25, 0.5)
"""Share of the baseline that is lost, likewise; assumption: well outside the 8 % of a massage without effect."""
FORCE_LEAST, SPEED_LEAST = 0.6, 0.5
"""The smallest factors. Assumption: light strokes raised the rate where moderate ones lowered it (n = 36, Diego 2004),
so force is left more than speed."""
FALL, RISE = 0.02, 0.004
"""1/s, of the way from 1 to the smallest factors. Assumption: the whole way takes 50 s, so that within 5 s no factor
loses more than 10 % of itself, and a person feels no step; and back it takes 250 s."""
CALM_S = 60.0
"""For so long without a break rate and RMSSD must be within the first figures above before anything rises; assumption:
one window, so that no beat of the excitement is in it any more."""
ALARM_RISE, ALARM_WITHIN_S = 15.0, 30.0
ALARM_RATE = (45.0, 120.0)
"""1/min. A rise by more than 15 within 30 s, or a rate outside 45 to 120: own proposal (docs/safety.md, A.9)."""
ALARM_WINDOW_S = 10.0
"""Over which those rates are means; assumption: one breath of the slowest breathers, whose rate swings with it."""
_FRESH_S = 5.0  # a rate whose last beat is older says nothing of now; assumption
_APART_S = 0.5  # a beat that begins so far from where the one before it ended is not its neighbour; assumption
_LOOK_S = 1.0  # how often the beats are looked at, and the longest time that one call counts; own choice
_KEPT_S = WINDOW_S + ALARM_WITHIN_S
_MOST_REST, _MOST_LATE = 2000, 600  # beats kept: 300 s and 90 s at 200 a minute, twice; bounds memory and time


@dataclass(frozen=True)
class Heart:
    """Of a stretch of time; NaN each where it is not known."""

    rate: float
    """Beats per minute."""
    rmssd: float
    """s."""


NOT_KNOWN = Heart(math.nan, math.nan)


class Pacing:
    """Listens to beats; times are s on the caller's clock, which is the same for all calls.

    Call `factors` at least once a second; who calls less often gets slower changes, never a larger step.
    """

    def __init__(self, begin_s: float = 0.0, rest_s: float = REST_S[1]) -> None:
        """The person lies at rest, untouched, from `begin_s` on for `rest_s` (180 to 300 s; 0: no baseline)."""
        if not math.isfinite(begin_s):
            raise InputError(f"begin_s: {begin_s:g} s is not allowed; a finite number is")
        if rest_s != 0.0 and not REST_S[0] <= rest_s <= REST_S[1]:
            raise InputError(
                f"rest_s: {rest_s:g} s is not allowed; 0 or a number from {REST_S[0]:g} to {REST_S[1]:g} is"
            )
        self._begin, self._end = begin_s, begin_s + rest_s
        self._rest: list[tuple[float, float]] = []
        self._late: deque[tuple[float, float]] = deque(maxlen=_MOST_LATE)
        self._baseline, self._based_on = NOT_KNOWN, 0
        self._strain = 0.0  # 0: as asked; 1: the smallest factors
        self._calm_s = 0.0
        self._now = -math.inf
        self._looked = math.nan  # when, and what was seen
        self._wanted, self._calm, self._alarm = 0.0, False, ""

    def beat(self, time_s: float, rr_s: float) -> None:
        """A beat fell at `time_s`, `rr_s` after the one before it, as the sensor says: artefacts included.

        A beat without a finite time is left out; it then is a gap.
        """
        self._late.append((time_s, rr_s))
        if self._begin <= time_s - max(0.0, rr_s) and time_s <= self._end and len(self._rest) < _MOST_REST:
            self._rest.append((time_s, rr_s))

    def baseline(self) -> Heart:
        """The heart at rest: known from 3 min of rest on (each figure for itself), until `rest_s` ever better."""
        if self._based_on != len(self._rest):
            self._based_on = len(self._rest)
            self._baseline = _heart(_chain(self._rest)[1], REST_S[0])
        return self._baseline

    def factors(self, now: float) -> tuple[float, float]:
        """What force and speed are multiplied by: (`FORCE_LEAST` to 1, `SPEED_LEAST` to 1), 1 at first.

        A rate above the baseline or an RMSSD below it makes them fall, at most at `FALL`. They rise again, at most at
        `RISE`, after `CALM_S` in which everything that has a baseline was known and calm. Where nothing is known they
        stay as they are. A `now` that is not finite or not later than the one before changes nothing.
        """
        step = self._step(now)
        if step > 0.0:
            self._look(now)
            self._calm_s = self._calm_s + step if self._calm else 0.0
            if self._wanted > self._strain:
                self._strain = min(self._wanted, self._strain + FALL * step)
            elif self._calm_s > CALM_S:
                self._strain = max(0.0, self._strain - RISE * step)
        return 1.0 - (1.0 - FORCE_LEAST) * self._strain, 1.0 - (1.0 - SPEED_LEAST) * self._strain

    def alarm(self, now: float) -> str:
        """Why the person should be given a pause, in words; empty where nothing asks for one, or nothing is known."""
        if not math.isfinite(now):
            return ""
        self._look(now)
        return self._alarm

    def _step(self, now: float) -> float:
        """Time since the last call [s], 0 to `_LOOK_S`."""
        if not (math.isfinite(now) and now > self._now):
            return 0.0
        step = min(_LOOK_S, now - self._now) if math.isfinite(self._now) else 0.0
        self._now = now
        return step

    def _look(self, now: float) -> None:
        """Work out what is wanted, whether all is calm, and the alarm, unless that was done within `_LOOK_S`."""
        if 0.0 <= now - self._looked < _LOOK_S:
            return
        self._looked = now
        time, rr = _chain((t, x) for t, x in self._late if now - _KEPT_S < t <= now)
        seen, rest = _heart(rr[time > now - WINDOW_S], WINDOW_S), self.baseline()
        rate_up, rmssd_down = seen.rate - rest.rate, 1.0 - seen.rmssd / rest.rmssd if rest.rmssd > 0.0 else math.nan
        self._wanted = max(_share(rate_up, RATE_UP), _share(rmssd_down, RMSSD_DOWN))
        at_ease = rmssd_down <= RMSSD_DOWN[0] or math.isnan(rest.rmssd)
        self._calm = rate_up <= RATE_UP[0] and at_ease
        self._alarm = _alarm(time, rr, now)


def _chain(beats: Iterable[tuple[float, float]]) -> tuple[Floats, Floats]:
    """Times (N,) [s] in order and RR intervals (N,) [s], with a NaN wherever two beats are not neighbours."""
    pairs = np.array(sorted(beats, key=lambda beat: beat[0]), float).reshape(-1, 2)
    time, rr = pairs.T
    began = time - np.where(np.abs(rr) < 10.0, rr, np.nan)  # what is no interval at all is an artefact anyway
    apart = 1 + np.flatnonzero(np.abs(began[1:] - time[:-1]) > _APART_S)
    return np.insert(time, apart, time[apart]), np.insert(rr, apart, np.nan)


def _heart(rr: Floats, length_s: float) -> Heart:
    """The heart of a chain that is to cover `length_s`."""
    good = good_intervals(rr)
    if not good.any() or rr[good].sum() < COVERED * length_s or good.mean() < COVERED:
        return NOT_KNOWN
    return Heart(heart_rate(rr), rmssd(rr))


def _share(value: float, span: tuple[float, float]) -> float:
    """How far a value is between the ends of a span, 0 to 1; 0 when it is not known."""
    return min(1.0, max(0.0, (value - span[0]) / (span[1] - span[0]))) if math.isfinite(value) else 0.0


def _alarm(time: Floats, rr: Floats, now: float) -> str:
    """The reason for a pause in a chain of beats up to `now`."""
    good = good_intervals(rr)
    ends = np.unique(time[good & (time > now - ALARM_WITHIN_S)])
    if not len(ends) or ends[-1] <= now - _FRESH_S:
        return ""
    inside = good & (time <= ends[:, None]) & (time > ends[:, None] - ALARM_WINDOW_S)
    length = inside @ np.where(good, rr, 0.0)
    rates = 60.0 * inside.sum(axis=1) / length
    known = length >= COVERED * ALARM_WINDOW_S
    if not known[-1]:
        return ""
    rate, lowest = float(rates[-1]), float(rates[known].min())
    if rate > ALARM_RATE[1] or rate < ALARM_RATE[0]:
        return f"heart rate of {rate:.0f} /min, outside {ALARM_RATE[0]:g} to {ALARM_RATE[1]:g}"
    if rate - lowest > ALARM_RISE:
        return f"heart rate up by {rate - lowest:.0f} /min within {ALARM_WITHIN_S:g} s"
    return ""


@dataclass(frozen=True)
class HeartOfRun:
    """The heart before and during a massage."""

    before: Heart
    during: Heart

    @property
    def rmssd_change(self) -> float:
        """Natural logarithm of RMSSD during over that before; NaN when either is not known."""
        both = self.before.rmssd > 0.0 and self.during.rmssd > 0.0
        return math.log(self.during.rmssd / self.before.rmssd) if both else math.nan


def rmssd_against_baseline(time: ArrayLike, beats: ArrayLike, pressed_from_s: float) -> HeartOfRun:
    """Heart rate and RMSSD of a run against the person's own rest before it.

    time (N,) [s], and the count of beats (N,) so far, as ticks have them. Before: the last 5 min up to
    `pressed_from_s`, known from 3 min on; during: all from there on, of which the rate is known from 10 s on.
    """
    times, counts = np.asarray(time, float), np.asarray(beats, float)
    rr = intervals_of(times, counts)
    ends = times[1:][np.diff(counts) > 0.0][1:]
    rest = rr[(ends <= pressed_from_s) & (ends - rr >= pressed_from_s - REST_S[1])]
    pressed = rr[ends - rr >= pressed_from_s]
    return HeartOfRun(_heart(rest, REST_S[0]), _heart(pressed, ALARM_WINDOW_S))
