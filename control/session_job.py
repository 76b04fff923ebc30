"""One stroke of a session, checked and ready to be done, and what the dose so far leaves of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..native import ControllerSettings, GuardLimits
from .dose import DoseCaps, DoseMap
from .pressure_profile import Segment
from .skin_path import SkinPath
from .strokes import Stroke

PICK_UP_S = 0.8
"""In which a stroke's clock comes up to speed or stands still."""
SPENT = "it has been treated as much as the dose cap allows"
_TURNING = 0.8 * ControllerSettings().turn_rate_max
"""Rad/s at which a stroke turns the tool at most: the rest is for what is made up for."""


@dataclass(frozen=True)
class Job:
    """One stroke at one place, ready to be done; or, without a stroke, a rest of `seconds`."""

    title: str
    seconds: float
    site: str = ""
    stroke: Stroke | None = None
    way: SkinPath | None = None
    segments: Sequence[Segment] = ()
    targets: Sequence[float | None] = ()
    """N, of the segments."""
    cap_n: float = 0.0
    held_n: float = math.inf
    """Under more the tool would slide off its way, where the skin falls off beside it."""
    lowered: str = ""
    """That it presses less than was asked for, and why; empty: it does not."""
    hold_s: float = math.inf
    """The longest that the tool may stay at one point."""
    limits: GuardLimits | None = None
    """Of the guard, all along the way."""
    dose: DoseCaps | None = None
    on_exhale: bool = False
    """The force rises while they exhale."""

    @property
    def most_n(self) -> float:
        """N, the most that is asked for."""
        return min(self.cap_n, self.held_n)

    def pace(self, clock: float) -> float:
        """How fast the stroke's clock may run at `clock` [s], 0 to 1: slower where the skin bends sharply."""
        assert self.stroke is not None and self.way is not None
        place, speed = self.stroke.place(clock, self.way.length)
        turning = abs(speed) * self.way.bending(place)
        return min(1.0, _TURNING / turning) if turning > 0.0 else 1.0


def release_rate(force_n: float) -> float:
    """N/s at which a force is let out at the end of a stroke: within 1 s, at most 60 N/s (docs/safety.md A.9)."""
    return min(60.0, max(10.0, force_n))


def too_much(job: Job, dose: DoseMap, area: float, radius: float) -> bool:
    """Whether a job on top of `dose` may bring a cell above its cap, for a contact of `area` [m²], `radius` [m]."""
    assert job.way is not None and job.dose is not None
    most = max((target for target in job.targets if target is not None), default=0.0)
    moves = 2.0 * radius / (job.way.length + 2.0 * radius) if job.way.length else 1.0
    left = [dose.allowed(p.position[:2], radius, most / area, job.dose) for p in job.way.sampled(0.02)]
    return min(left) < job.seconds * moves


def fresh_jobs(jobs: Sequence[Job], dose: DoseMap, area: float, radius: float) -> tuple[list[Job], list[Job]]:
    """The jobs that `dose` leaves room for, beginning with a stroke, and the strokes that it does not."""
    fresh: list[Job] = []
    spent: list[Job] = []
    for job in jobs:
        (spent if job.stroke is not None and too_much(job, dose, area, radius) else fresh).append(job)
    while fresh and fresh[0].stroke is None:
        fresh.pop(0)
    return fresh, spent
