"""What heartbeats say: rate, and RMSSD as a calm heart's variability. Never a reason to press harder."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import median_filter

Floats = NDArray[np.float64]

RR_S = (0.3, 2.0)
"""s, shortest and longest RR interval of an adult: 30 to 200 beats a minute."""
_NEIGHBOURS, _OFF = 25, 0.20  # Xu and Schuckers: an artefact is off by more than 20 % from the median of 24 around it
_VALID, _PAIRS = 0.80, 40  # share of good beats and pairs of them without which RMSSD means nothing; proposal


def good_intervals(intervals: ArrayLike) -> NDArray[np.bool_]:
    """(N,) which RR intervals [s] are those of a heart and not of a missed or doubled beat."""
    rr = np.asarray(intervals, float)
    if not rr.size:
        return np.zeros(0, bool)
    possible = np.isfinite(rr) & (rr >= RR_S[0]) & (rr <= RR_S[1])
    filled = np.where(possible, rr, np.median(rr[possible]) if possible.any() else 1.0)
    # at the ends the neighbours are mirrored: a repeated last beat would be its own median, and so never an artefact
    usual = median_filter(filled, min(_NEIGHBOURS, 2 * (rr.size // 2) + 1), mode="mirror")
    good: NDArray[np.bool_] = possible & (np.abs(filled - usual) <= _OFF * usual)
    return good


def rmssd(intervals: ArrayLike) -> float:
    """Root mean square of successive differences [s] of RR intervals (N,) [s]; NaN when too few beats are good.

    Differences across a beat that was left out do not count (Task Force 1996, Circulation 93:1043).
    """
    rr = np.asarray(intervals, float)
    good = good_intervals(rr)
    pairs = good[1:] & good[:-1]
    if pairs.sum() < _PAIRS or good.mean() < _VALID:
        return math.nan
    return float(np.sqrt(np.mean(np.diff(rr)[pairs] ** 2)))


def heart_rate(intervals: ArrayLike) -> float:
    """Beats per minute over the good RR intervals (N,) [s]; NaN without any."""
    rr = np.asarray(intervals, float)
    good = good_intervals(rr)
    return 60.0 / float(rr[good].mean()) if good.any() else math.nan


def intervals_of(time: Floats, beats: Floats) -> Floats:
    """RR intervals [s] between the ticks (N,) [s] at which a count of beats (N,) rises."""
    at = np.asarray(time)[1:][np.diff(beats) > 0.0]
    intervals: Floats = np.diff(at)
    return intervals
