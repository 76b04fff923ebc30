"""What is to be done on a back as it is known, one press or a session: the same of a simulated and of a real arm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..native import Controller, ControllerSettings, GuardLimits, InputError, SetPoint
from .body import Body
from .dose import DoseMap, read_dose
from .limits import DEEP_M, binding_force, find_own_limits, guard_limits
from .pacing import Pacing
from .plan import PressPlan, SessionPlan, check_circumstances, check_plan
from .press_work import PressWork
from .session import Session, jobs_of, load_session, stiffness_at
from .session_job import SPENT, fresh_jobs
from .session_work import SessionWork
from .sites import find_site
from .slow_side import Work
from .thresholds import find_thresholds
from .tool import load_tool

Floats = NDArray[np.float64]
Limited = tuple[float, GuardLimits]
"""The most force in N, and limits of the guard."""


class PressTask:
    """One press at a place that is known."""

    stiffness = (800.0, 150.0, 10.0)
    """N/m across, N/m along the press direction in contact, Nm/rad."""

    def __init__(self, plan: PressPlan, position: Floats, normal: Floats) -> None:
        """`position` (3,) [m] and outward `normal` (3,) of the skin as they are known, body frame; InputError."""
        check_plan(plan)
        self.plan, self.tool = plan, plan.tool
        self.position, self.normal = position, normal
        most = ControllerSettings().force_max
        if plan.force_n > most:
            raise InputError(
                f"force_n: {plan.force_n:g} N is not allowed; at most force_max of the controller, {most:g} N, is"
            )
        site = find_site(plan.site)
        cap = binding_force(site.name, plan.tool, plan.limits).value
        self.allowed_limits: list[Limited] = [(min(cap, plan.force_n), guard_limits(site, cap))]
        """Every pair that it may ask for, the first to begin with."""

    def begin(
        self, controller: Controller, set_point: SetPoint, body_to_base: Floats, heart: Pacing
    ) -> Callable[[], Work]:
        """Gives the work anew, as a slow side wants it; `body_to_base` (4, 4)."""
        target = body_to_base[:3, :3] @ self.position + body_to_base[:3, 3]
        return lambda: PressWork(self.plan, set_point, target)


class SessionTask:
    """A session of strokes on one back."""

    def __init__(self, plan: SessionPlan, body: Body, session: Session | None = None) -> None:
        """`body` as it is known; `session` in place of the plan's. InputError for what may not be done there."""
        check_circumstances(plan)
        self.plan, self.body = plan, body
        self.session = session or load_session(plan.session, plan.site)
        self.tool, self.stiffness = self.session.tool, stiffness_at(plan.control_hz)
        tool, own = load_tool(self.tool), find_own_limits(plan.limits)
        self._area, self._radius = tool.contact_area(DEEP_M), tool.contact_radius
        jobs = jobs_of(
            self.session, body, tool, own, find_thresholds(plan.thresholds), plan.share_of_cap, plan.control_hz
        )
        self._dose = DoseMap() if plan.dose is None else read_dose(Path(plan.dose)).since(plan.began_s)
        self.jobs, self.spent = fresh_jobs(jobs, self._dose, self._area, self._radius)
        if not self.jobs:
            raise InputError(f"{plan.dose}: {plan.title} is refused: {SPENT}")
        first = next(job.way for job in self.jobs if job.way is not None).at(0.0)
        self.position, self.normal = first.position, first.normal
        self.allowed_limits: list[Limited] = [(job.cap_n, job.limits) for job in self.jobs if job.limits is not None]
        """Every pair that it may ask for, the first to begin with."""

    def begin(
        self, controller: Controller, set_point: SetPoint, body_to_base: Floats, heart: Pacing
    ) -> Callable[[], Work]:
        """Gives the work anew, as a slow side wants it; `body_to_base` (4, 4); `heart` paces it."""
        self.work = SessionWork(
            self.jobs, controller, set_point, self.body.height_field, body_to_base, self._area, self._radius,
            self._dose, heart,
        )  # fmt: skip
        return self.work.again

    @property
    def told(self) -> list[str]:
        """What happened so far, when, in words."""
        return [*(f"0.0 s: {job.title} is left out: {SPENT}" for job in self.spent), *self.work.told]

    @property
    def thresholds_n(self) -> dict[str, float]:
        """N at which a slow rise was told to hurt, by site."""
        return dict(self.work.thresholds_n)


Task = PressTask | SessionTask
