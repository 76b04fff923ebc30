"""What a job will ask of the tool from the touch until the force is out: force, swing and place over time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..native import ControllerSettings
from .capability import depth_mm
from .press_work import TOUCH_FORCE_N
from .pressure_follower import PressureFollower
from .pressure_profile import Segment
from .session_job import PICK_UP_S, Job, release_rate
from .sites import TissueConstants
from .strokes import Stroke, smooth

Floats = NDArray[np.float64]

RATE_HZ = 20.0
"""Samples of a course."""
_LISTEN = 4  # samples between updates of the pressure follower at constant force: its fits take most of the time
_SPACING = 0.003  # m between the places of a way that others are interpolated from
_RELAXES, _WITHIN_S = np.array([0.12, 0.10, 0.08]), np.array([0.3, 3.0, 60.0])  # docs/safety.md D.1, those of Tissue


@dataclass
class JobCourse:
    """One job from touch to withdrawal; arrays of samples."""

    force: Floats
    swing: Floats
    hz: Floats
    xy: Floats
    ends_at: float = 0.0
    """M along its way."""


def course_of(job: Job, tissue: TissueConstants) -> JobCourse:
    """A job from the touch until the force is out."""
    assert job.stroke is not None and job.way is not None
    touch = np.full(math.ceil(ControllerSettings().settle_time * RATE_HZ), TOUCH_FORCE_N)
    times, asked, swung, rates = _asked(
        tuple(job.segments), tuple(job.targets), job.on_exhale, tissue if job.stroke.path != "line" else None
    )
    clock = _clock(job, times)
    times, asked, swung, rates = (values[: len(clock)] for values in (times, asked, swung, rates))
    force = asked * np.array([job.stroke.share(c) for c in clock])
    swing = np.where(swung > 0.0, swung, job.stroke.swing_share * force)
    hz = np.where(swung > 0.0, rates, job.stroke.swing_hz)
    force = np.clip(force, TOUCH_FORCE_N, job.most_n / (1.0 + swing / force))
    swing = np.minimum(swing, job.most_n - force)
    seconds = force[-1] / release_rate(force[-1])
    out = np.linspace(force[-1], 0.0, math.ceil(seconds * RATE_HZ) + 1)[1:]
    where = _where(job.stroke, job.way.length, clock)
    along = np.concatenate([np.full(len(touch), where[0]), where, np.full(len(out), where[-1])])
    rest = np.zeros(len(touch)), np.zeros(len(out))
    return JobCourse(
        np.concatenate([touch, force, out]),
        np.concatenate([rest[0], swing, rest[1]]),
        np.concatenate([rest[0], hz, rest[1]]),
        _places(job, along),
        float(where[-1]),
    )


@lru_cache(maxsize=64)  # what is repeated, or done on the other side, is followed once
def _asked(
    segments: tuple[Segment, ...], targets: tuple[float | None, ...], on_exhale: bool, tissue: TissueConstants | None
) -> tuple[Floats, Floats, Floats, Floats]:
    """Times [s], force [N] of a profile, its swing [N] and rate [Hz], to its end.

    `tissue` None: the tool moves on, and how deep it is tells nothing.
    """
    follower = PressureFollower(segments, targets, TOUCH_FORCE_N, on_exhale=on_exhale)
    creep = None if tissue is None else _Creep(tissue)
    listened, found = [], []
    time, depth, before = 0.0, 0.0, -1.0
    while not follower.finished:
        asked = follower.update(time, depth if creep is not None else None)
        step = (1 if asked.force_n != before else _LISTEN) / RATE_HZ
        depth, before = creep.depth(asked.force_n, step) if creep is not None else 0.0, asked.force_n
        listened.append(time)
        found.append((asked.force_n, asked.swing_n, asked.swing_hz))
        time += step
    times = np.arange(0.0, time - 0.5 / RATE_HZ, 1.0 / RATE_HZ)
    force, swing, hz = (np.interp(times, listened, values) for values in np.array(found).T)
    return times, force, swing, hz


def _clock(job: Job, time: Floats) -> Floats:
    """A stroke's own time [s] at `time` (N,), as long as the stroke lasts: it comes up to speed by minimum jerk."""
    clock, worked = [0.0], 0.0
    for now in time[1:]:
        if worked >= job.seconds:
            break
        step = smooth(now / PICK_UP_S) / RATE_HZ
        worked += step
        clock.append(clock[-1] + step * job.pace(clock[-1]))
    return np.array(clock)


def _where(stroke: Stroke, length: float, clock: Floats) -> Floats:
    """M along a way."""
    return np.array([stroke.place(c, length)[0] for c in clock])


def _places(job: Job, along: Floats) -> Floats:
    """(N, 2) m at `along` (N,) [m] of the way of a job, seen from above."""
    assert job.way is not None
    if not job.way.length:
        return np.tile(job.way.at(0.0).position[:2], (len(along), 1))
    known = np.array([point.position[:2] for point in job.way.sampled(_SPACING)])
    s = along % job.way.length if job.way.closed else along
    marks = np.linspace(0.0, job.way.length, len(known))
    return np.column_stack([np.interp(s, marks, known[:, axis]) for axis in (0, 1)])


@dataclass
class _Creep:
    """How deep a tool goes under a force over time: the tissue law, the other way round, with what relaxes in it.

    F = (1 − Σg) Fe + Σq, q' = g Fe' − q/τ, d from Fe by the elastic law (docs/safety.md D.1).
    """

    tissue: TissueConstants
    elastic: float = 0.0
    """N."""
    relaxing: Floats = field(default_factory=lambda: np.zeros(3))
    """N."""

    def depth(self, force: float, step: float) -> float:
        """M, after `step` [s] more under `force` [N]."""
        length = 1.0 / (1.0 + step / _WITHIN_S)
        kept = float(((self.relaxing - _RELAXES * self.elastic) * length).sum())
        elastic = (force - kept) / (1.0 - _RELAXES.sum() + float((_RELAXES * length).sum()))
        self.relaxing = (self.relaxing + _RELAXES * (elastic - self.elastic)) * length
        self.elastic = elastic
        return 1e-3 * depth_mm(self.tissue, max(0.0, elastic))
