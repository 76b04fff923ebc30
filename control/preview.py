"""What a session will do, told before anyone is touched: force over time, pressure, places, dose and length.

Everything goes as asked: the skin lies where the scan says, force and place follow their set-points without error, and
nobody wishes anything. The tissue gives way as the law of the site says (docs/safety.md D.1), with typical constants,
so a profile that waits for give waits about as long. Pressures are means through the tool's largest contact area, on
which the caps are checked; a light press has a smaller one, and a higher pressure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..native import ControllerSettings
from ..native.errors import InputError
from .body import Body, HeightField
from .dose import DoseMap
from .job_course import RATE_HZ, JobCourse, course_of
from .limits import DEEP_M, OwnLimits, force_limits
from .session import Session, Step, jobs_of
from .session_job import Job, too_much
from .session_work import APPROACH_M_S, HOVER
from .sites import TissueConstants, find_site
from .skin_path import SkinPoint
from .slow_side import SETTLE, TARE
from .tool import Tool
from .travel import Travel

Floats = NDArray[np.float64]

_ARRIVED_S = 0.3  # that a travel waits at its end, as in session_work.py


@dataclass(frozen=True)
class Finding:
    """Something that exceeds what a cap, an answer of the intake or the arm allows."""

    job: int | None
    """Its number; None: of the whole session."""
    kind: str
    """refused, intake, cap, slide, dose, reach, torque or swing."""
    what: str


@dataclass(frozen=True)
class Course:
    """A session over time; arrays of N samples at `RATE_HZ`."""

    time: Floats
    """s, from switching on."""
    force: Floats
    """N, mean over a swing."""
    swing: Floats
    """N, to either side of it."""
    xy: Floats
    """(N, 2) m, body axes; while nothing is pressed, the place pressed last."""


@dataclass(frozen=True)
class JobPreview:
    """One job as it will go; what is not known because it will not be done is 0."""

    number: int
    """From 1, repeats counted."""
    title: str
    site: str
    job: Job | None
    """None: it is refused."""
    why_not: str = ""
    """Why it will not be done; empty: it will."""
    ways_s: float = 0.0
    """Before the touch: travel and approach."""
    begin_s: float = 0.0
    """The touch."""
    end_s: float = 0.0
    """The force is out again."""
    mean_n: float = 0.0
    largest_n: float = 0.0
    """With the swing."""
    mean_kpa: float = 0.0
    largest_kpa: float = 0.0
    swing: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """(N it goes about, N to either side, Hz) of the largest swing."""
    cap_n: float = 0.0
    cap_name: str = ""
    cap_share: float = 0.0
    """Largest force over cap."""
    dose_kpa_s: float = 0.0
    """The most that is left on a cell it touches, at its end."""
    dose_share: float = 0.0
    """That over the cap of the site."""

    @property
    def pressed(self) -> bool:
        """Whether anything is pressed in it."""
        return self.end_s > self.begin_s


@dataclass(frozen=True)
class SessionPreview:
    """A session as it will go on one back."""

    session: Session
    tool: Tool
    body: Body
    jobs: Sequence[JobPreview]
    course: Course
    dose: DoseMap
    findings: Sequence[Finding]

    @property
    def seconds(self) -> float:
        """From switching on to the end of the last withdrawal."""
        return float(self.course.time[-1])


def preview(
    session: Session,
    body: Body,
    tool: Tool,
    own: dict[str, OwnLimits] | None = None,
    thresholds_kpa: Mapping[str, float] | None = None,
    share_of_cap: float = 1.0,
) -> SessionPreview:
    """What a session will do on a body as it is known; nothing is refused, everything that would be is a finding.

    `own`, `thresholds_kpa` as for `jobs_of`; `share_of_cap`: what an intake leaves of every cap.
    """
    prepared = [_prepared(session, step, body, tool, own, thresholds_kpa) for step in session.steps]
    work = _Prediction(body, tool, own, share_of_cap)
    for number, (step, (job, refusal)) in enumerate(zip(session.steps, prepared, strict=True), 1):
        work.go_on(number, step, job, refusal)
    return SessionPreview(session, tool, body, work.jobs, work.course, work.dose, work.findings)


def _prepared(
    session: Session,
    step: Step,
    body: Body,
    tool: Tool,
    own: dict[str, OwnLimits] | None,
    thresholds_kpa: Mapping[str, float] | None,
) -> tuple[Job | None, str]:
    """The job of a step, or why a run would refuse it."""
    try:
        return jobs_of(replace(session, steps=[step]), body, tool, own, thresholds_kpa)[0], ""
    except InputError as error:
        why = str(error).removeprefix(f"{session.file}:")
        return None, f"a run would refuse the session, line {why}"


class _Prediction:
    """Lays job after job on one clock."""

    def __init__(self, body: Body, tool: Tool, own: dict[str, OwnLimits] | None, share_of_cap: float) -> None:
        self.jobs: list[JobPreview] = []
        self.findings: list[Finding] = []
        self.dose = DoseMap()
        self._body, self._tool, self._own, self._share_of_cap = body, tool, own, share_of_cap
        self._area = tool.contact_area(DEEP_M)
        self._parts: list[JobCourse] = []
        self._count = 0
        self._here: SkinPoint | None = None
        self._wait(SETTLE + TARE, np.zeros(2))

    @property
    def course(self) -> Course:
        """All of it."""
        force, swing, xy = (
            np.concatenate([getattr(p, name) for p in self._parts]) for name in ("force", "swing", "xy")
        )
        return Course(np.arange(1, len(force) + 1) / RATE_HZ, force, swing, xy)

    def go_on(self, number: int, step: Step, job: Job | None, refusal: str) -> None:
        """Add the job of a step, the number-th."""
        if job is None:
            assert step.stroke is not None
            title = f"{step.stroke.name.replace('_', ' ')}, {step.site.replace('_', ' ')}, {step.seconds:g} s"
            self.jobs.append(JobPreview(number, title, step.site, None, refusal))
            self.findings.append(Finding(number, "refused", refusal))
        elif job.stroke is None:
            begin = self._now
            self._wait(job.seconds, self._last_xy)
            self.jobs.append(JobPreview(number, job.title, "", job, begin_s=begin, end_s=begin))
        elif self._here is not None and too_much(job, self.dose, self._area, self._tool.contact_radius):
            why = "it is left out: the place has been treated as much as the dose cap allows"
            self.jobs.append(JobPreview(number, job.title, step.site, job, why))
            self.findings.append(Finding(number, "dose", why))
        else:
            self._do(number, step, job)

    def _do(self, number: int, step: Step, job: Job) -> None:
        assert job.way is not None and job.stroke is not None and job.dose is not None
        before = self._now
        start = job.way.at(job.stroke.place(0.0, job.way.length)[0])
        if self._here is not None:
            self._wait(_travel_s(self._body.height_field, self._here, start) + _ARRIVED_S, self._last_xy)
        tissue = find_site(step.site).tissue
        self._wait(_approach_s(tissue), start.position[:2])
        press = course_of(job, tissue)
        begin, given = self._now, self.dose.dose.copy()
        self._add(press)
        touched = self.dose.dose > given
        left = float(self.dose.left[touched].max(initial=0.0))
        cap = self._share_of_cap * job.cap_n
        worst = int(np.argmax(press.swing))
        top = press.force + press.swing
        mean = float(press.force.mean())
        self.jobs.append(
            JobPreview(
                number, job.title, step.site, job, ways_s=begin - before, begin_s=begin, end_s=self._now,
                mean_n=mean, largest_n=float(top.max()),
                mean_kpa=1e-3 * mean / self._area, largest_kpa=1e-3 * float(top.max()) / self._area,
                swing=(float(press.force[worst]), float(press.swing[worst]), float(press.hz[worst])),
                cap_n=cap, cap_name=self._cap_name(step, job), cap_share=float(top.max()) / cap,
                dose_kpa_s=1e-3 * left, dose_share=left / job.dose.dose,
            )
        )  # fmt: skip
        self._judge(self.jobs[-1])
        self._here = job.way.at(press.ends_at)
        settings = ControllerSettings()
        self._wait(settings.retract_distance / settings.retract_speed, self._last_xy)

    def _judge(self, job: JobPreview) -> None:
        """Note where a job that is done exceeds a cap."""
        if job.cap_share > 1.0 + 1e-9:
            of = f"{100.0 * self._share_of_cap:g} % of the {job.cap_name}, as the answers of the intake leave it"
            self.findings.append(
                Finding(job.number, "cap", f"{job.largest_n:.1f} N at its most is above {job.cap_n:.1f} N ({of})")
            )
        if job.job is not None and job.job.lowered:
            self.findings.append(Finding(job.number, "slide", job.job.lowered))
        if job.dose_share > 1.0:
            what = f"{job.dose_kpa_s:.0f} kPa·s on one cm² are {100.0 * job.dose_share:.0f} % of the dose cap"
            self.findings.append(Finding(job.number, "dose", what))

    def _cap_name(self, step: Step, job: Job) -> str:
        """What the cap of a job is: that of its own site, or of the nearest other one with the same cap."""
        assert job.way is not None
        middle = job.way.at(0.5 * job.way.length).position
        sites = self._body.sites
        away = sorted(sites, key=lambda name: float(np.linalg.norm(sites[name].position - middle)))
        for name in (step.site, *away):
            binding = force_limits(find_site(name), self._tool, self._own)[0]
            if binding.value == job.cap_n:
                return binding.name if name == step.site else f"{binding.name} of {name.replace('_', ' ')}"
        return "cap"

    # The clock.

    @property
    def _now(self) -> float:
        return self._count / RATE_HZ

    @property
    def _last_xy(self) -> Floats:
        last: Floats = self._parts[-1].xy[-1]
        return last

    def _wait(self, seconds: float, xy: Floats) -> None:
        count = math.ceil(seconds * RATE_HZ - 1e-9)
        none = np.zeros(count)
        self._add(JobCourse(none, none, none, np.tile(xy, (count, 1))))

    def _add(self, press: JobCourse) -> None:
        count = len(press.force)
        times = (self._count + np.arange(1, count + 1)) / RATE_HZ
        self.dose.add(times, press.xy, press.force, np.full(count, self._area))
        self._parts.append(press)
        self._count += count


def _travel_s(skin: HeightField, here: SkinPoint, there: SkinPoint) -> float:
    """Seconds of the way from above one place to above another."""
    begin, end = (point.position + HOVER * point.normal for point in (here, there))
    return Travel(skin, begin, here.normal, end, there.normal).seconds


def _approach_s(tissue: TissueConstants) -> float:
    """Seconds from `HOVER` to the touch: slower as the skin pushes back, v0 (1 − F/F_touch) (native/contact.pxd)."""
    settings = ControllerSettings()
    slowest = settings.approach_speed_min / APPROACH_M_S
    yields = settings.touch_force / (1e3 * tissue.k0_n_mm)  # m
    return HOVER / APPROACH_M_S + yields / APPROACH_M_S * (math.log(1.0 / slowest) + 1.0)
