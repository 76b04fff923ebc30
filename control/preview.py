"""What a session will do, told before anyone is touched: force over time, pressure, places, dose and length.

Everything goes as asked: the skin lies where the scan says, force and place follow their set-points without error, and
nobody wishes anything. The tissue gives way as the law of the site says (docs/safety.md D.1), with typical constants,
so a profile that waits for give waits about as long. Pressures are means through the tool's largest contact area, on
which the caps are checked; a light press has a smaller one, and a higher pressure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..native import ControllerSettings
from ..native.errors import InputError
from .body import Body, HeightField
from .capability import depth_mm
from .dose import DoseMap
from .limits import DEEP_M, OwnLimits, force_limits
from .press_work import TOUCH_FORCE_N
from .pressure_follower import PressureFollower
from .pressure_profile import Segment
from .session import Session, Step, jobs_of
from .session_job import Job, too_much
from .session_work import APPROACH_M_S, HOVER
from .sites import TissueConstants, find_site
from .skin_path import SkinPoint
from .slow_side import SETTLE, TARE
from .strokes import Stroke, smooth
from .tool import Tool
from .travel import Travel

Floats = NDArray[np.float64]

RATE_HZ = 20.0
"""Samples of a course."""
_LISTEN = 4  # samples between updates of the pressure follower at constant force: its fits take most of the time
_PICK_UP = 0.8  # s, as in session_work.py: a stroke's clock comes up to speed
_RELEASE_S, _LEAST_RATE, _MOST_RATE = 1.0, 10.0, 60.0  # s and N/s, as in session_work.py
_ARRIVED_S = 0.3  # that a travel waits at its end, as in session_work.py
_SPACING = 0.003  # m between the places of a way that others are interpolated from
_RELAXES, _WITHIN_S = np.array([0.12, 0.10, 0.08]), np.array([0.3, 3.0, 60.0])  # docs/safety.md D.1, those of Tissue


@dataclass(frozen=True)
class Finding:
    """Something that exceeds what a cap, an answer of the intake or the arm allows."""

    job: int | None
    """Its number; None: of the whole session."""
    kind: str
    """refused, intake, cap, dose, reach, torque or swing."""
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


@dataclass
class _Press:
    """One job from touch to withdrawal; arrays of samples."""

    force: Floats
    swing: Floats
    hz: Floats
    xy: Floats


class _Prediction:
    """Lays job after job on one clock."""

    def __init__(self, body: Body, tool: Tool, own: dict[str, OwnLimits] | None, share_of_cap: float) -> None:
        self.jobs: list[JobPreview] = []
        self.findings: list[Finding] = []
        self.dose = DoseMap()
        self._body, self._tool, self._own, self._share_of_cap = body, tool, own, share_of_cap
        self._area = tool.contact_area(DEEP_M)
        self._parts: list[_Press] = []
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
        press = _press(job, tissue)
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
        self._here = job.way.at(_where(job.stroke, job.way.length, np.array([job.seconds]))[0])
        settings = ControllerSettings()
        self._wait(settings.retract_distance / settings.retract_speed, self._last_xy)

    def _judge(self, job: JobPreview) -> None:
        """Note where a job that is done exceeds a cap."""
        if job.cap_share > 1.0 + 1e-9:
            of = f"{100.0 * self._share_of_cap:g} % of the {job.cap_name}, as the answers of the intake leave it"
            self.findings.append(
                Finding(job.number, "cap", f"{job.largest_n:.1f} N at its most is above {job.cap_n:.1f} N ({of})")
            )
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
        self._add(_Press(none, none, none, np.tile(xy, (count, 1))))

    def _add(self, press: _Press) -> None:
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


def _press(job: Job, tissue: TissueConstants) -> _Press:
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
    force = np.clip(force, TOUCH_FORCE_N, job.cap_n / (1.0 + swing / force))
    swing = np.minimum(swing, job.cap_n - force)
    seconds = force[-1] / min(_MOST_RATE, max(_LEAST_RATE, force[-1] / _RELEASE_S))
    out = np.linspace(force[-1], 0.0, math.ceil(seconds * RATE_HZ) + 1)[1:]
    where = _where(job.stroke, job.way.length, clock)
    along = np.concatenate([np.full(len(touch), where[0]), where, np.full(len(out), where[-1])])
    rest = np.zeros(len(touch)), np.zeros(len(out))
    return _Press(
        np.concatenate([touch, force, out]),
        np.concatenate([rest[0], swing, rest[1]]),
        np.concatenate([rest[0], hz, rest[1]]),
        _places(job, along),
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
        step = smooth(now / _PICK_UP) / RATE_HZ
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
