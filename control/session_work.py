"""A session as the work of a slow side: approach, stroke, lift, travel to the next, and what is wished on the way.

Set-points in base axes; places on the skin in body axes. Time counts from the touch: a stroke's own clock starts when
the tool has settled, runs slower or faster without a step, and stands still while somebody asks to stay.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..native import ContactState, Controller, InputError, SetPoint, Status, Task
from .body import HeightField
from .dose import DoseMap
from .pacing import Pacing
from .press_work import TOUCH_FORCE_N, VALID_S
from .pressure_follower import PressureFollower
from .session_job import PICK_UP_S, SPENT, Job, release_rate, too_much
from .skin_feel import SkinFeel
from .skin_path import SkinPoint
from .strokes import smooth
from .travel import Travel
from .wishes import BRUSH_M, STEP, Level, Wish

Floats = NDArray[np.float64]

APPROACH_M_S = 0.03
HOVER = 0.05
"""M above the skin, where a stroke begins and ends."""
_PERIOD = 0.01  # s between updates


class Stage(Enum):
    """What a session is doing."""

    TRAVEL = auto()
    PRESS = auto()
    WORK = auto()
    LIFT = auto()
    REST = auto()
    WAIT = auto()  # between strokes, until somebody asks to go on
    DONE = auto()


class SessionWork:
    """Does jobs one after the other; `Work` of slow_side.py."""

    def __init__(
        self,
        jobs: Sequence[Job],
        controller: Controller,
        set_point: SetPoint,
        field: HeightField,
        to_base: Floats,
        contact_area: float,
        contact_radius: float,
        dose: DoseMap,
        pacing: Pacing,
    ) -> None:
        """`to_base` (4, 4): body to base axes; `contact_area` [m²], `contact_radius` [m]: the largest of the tool.

        `pacing` listens to the person's heart; whoever hears beats tells it.
        """
        self.finished = False
        self.asked_at = math.inf
        self.alarm = ""
        self.slid_m = 0.0
        self.thresholds_n: dict[str, float] = {}
        """N at which a word ended a slow rise, by site."""
        self.told: list[str] = []
        """What happened and when, in words."""
        self.dose = dose
        self._jobs, self._index = list(jobs), 0
        self._controller, self._set_point, self._field = controller, set_point, field
        self._turn, self._shift = to_base[:3, :3], to_base[:3, 3]
        self._area, self._radius = contact_area, contact_radius
        self._no_go: list[Floats] = []
        self._ended = False
        self._level = Level()
        self._pacing = pacing
        self._lighter = self._slower = 1.0
        self._lightening = False
        self._word = False
        self._stay, self._stayed = False, 0.0
        self._clock, self._pace = 0.0, 0.0
        self._worked = 0.0  # s, as the clock, but not slower where skin bends or a heart is stirred
        self._feel = SkinFeel(_PERIOD)
        self._travel: Travel | None = None
        self._stage = Stage.PRESS
        self._since = 0.0
        self._time = 0.0
        self._upright = Rotation.from_quat(set_point.quaternion)
        self._stand(self._begin_of(self._jobs[0]))
        self._relimit()

    # What a slow side asks for.

    def again(self) -> SessionWork:
        """The same work, to be gone on with where it stands, after the controller was activated anew."""
        self._upright = Rotation.from_quat(self._set_point.quaternion)  # somebody may have turned the tool by hand
        self._wait()
        return self

    def press(self, time: float) -> None:
        """Ask for the approach at the place where the work stands, or for the way on to the next."""
        self._time = time
        if self._stage is Stage.DONE:
            raise InputError("the session is over")
        if self._stage is Stage.WAIT:
            self._stage, self._since = Stage.LIFT, time
        else:
            self._begin_press()

    def pause(self, time: float) -> None:
        """Ask for release and withdrawal; the stroke's clock stands."""
        self._let_go()
        self._wait()

    def _wait(self) -> None:
        """Stand where the stroke stands, or where the tool is on its way to the next."""
        if self._stage in (Stage.PRESS, Stage.WORK):
            self._stage = Stage.PRESS
            self._stand(self._here())
        elif self._stage is not Stage.DONE:
            if self._stage is Stage.TRAVEL:
                self._index -= 1  # the way to it begins anew
            self._stage = Stage.WAIT
            s = self._set_point
            s.twist[:] = 0.0
            self.target, self.direction, self.quaternion = (
                each.copy() for each in (s.position, s.press_direction, s.quaternion)
            )

    def end(self) -> None:
        """The same, for good."""
        self._ended = True
        self._lift()

    def wish(self, wish: Wish, status: Status) -> None:
        """Do what a person wishes; InputError where it makes no sense now."""
        if self._stage is not Stage.WORK and (wish is not Wish.SKIP or self._stage is Stage.DONE):
            raise InputError(f"{wish} is refused: no stroke is going on")
        self._tell(str(wish))
        match wish:
            case Wish.STAY:
                self._stay = True
            case Wish.GO_ON:
                self._stay = False
            case Wish.MORE | Wish.LESS:
                self._level.go(STEP if wish is Wish.MORE else -STEP, self._time)
            case Wish.SKIP:
                self._lift()
            case Wish.REPEAT:
                self._jobs.insert(self._index + 1, self._jobs[self._index])
            case Wish.NOT_THERE:
                self._no_go.append(self._turn.T @ (np.asarray(status.position) - self._shift))
                self._lift()
            case Wish.ENOUGH:
                self._word = True

    def update(self, time: float, status: Status) -> None:
        """Bring the set-point up to date, about 100 times a second."""
        self._time = time
        self._set_point.valid_until = time + VALID_S
        self._follow_heart()
        contact, task = status.contact_state, self._set_point.task
        if task is Task.STOP:
            self._set_point.twist[:] = 0.0
            return
        match self._stage:
            case Stage.PRESS if task is Task.PRESS and contact in (ContactState.RAMP, ContactState.HOLD):
                self._begin_work(status)
            case Stage.WORK:
                self._work(status)
            case Stage.LIFT if contact is ContactState.IDLE and time > self._since + 2 * _PERIOD:
                self._next(status)
            case Stage.LIFT | Stage.PRESS if task is Task.RELEASE and self._pace > 0.0:
                self._go_along(0.0, status)
            case Stage.TRAVEL:
                self._go_on_travelling()
            case Stage.REST if time >= self._since + self._job.seconds:
                self._next(status)

    # Stages.

    @property
    def _job(self) -> Job:
        return self._jobs[self._index]

    def _begin_press(self) -> None:
        self._stage, self.asked_at, self.slid_m = Stage.PRESS, self._time, 0.0
        self._set_point.task = Task.PRESS
        self._set_point.force = min(TOUCH_FORCE_N, self._job.cap_n)
        self._set_point.force_rate, self._set_point.approach_speed = 10.0, APPROACH_M_S
        self._set_point.wave_force = 0.0
        self._set_point.position[:] = self.target
        self._set_point.press_direction[:] = self.direction
        self._set_point.quaternion[:] = self.quaternion
        self._set_point.twist[:] = 0.0

    def _begin_work(self, status: Status) -> None:
        self._stage, self._since = Stage.WORK, self._time
        self._pace, self._stay, self._stayed, self._word = 0.0, False, 0.0, False
        self._feel.begin()
        if self._clock == 0.0:
            self._follower = PressureFollower(
                self._job.segments, self._job.targets, TOUCH_FORCE_N, on_exhale=self._job.on_exhale
            )
            self._tell(self._job.title)
            if self._job.lowered:
                self._tell(self._job.lowered)
        else:
            self._follower.go_on(self._time + _PERIOD)

    def _work(self, status: Status) -> None:
        job, stroke, way = self._job, self._job.stroke, self._job.way
        assert stroke is not None and way is not None
        full = self._note_dose(status)
        depth = float((np.asarray(status.position) - self.target) @ self.direction)  # below the skin as it is known
        # Along a line tissue changes with the place; small circles and strokes across go over the same again and again.
        changing = self._level.changing(self._time) or self._lightening
        known = None if stroke.path == "line" or changing else depth
        before = len(self._follower.ended)
        asked = self._follower.update(self._time + _PERIOD, known, word=self._word)
        if "word" in self._follower.ended[before:] and job.segments[before].kind == "ramp":
            # What was pressed, not what the profile meant: a lighter hand must not make a higher threshold.
            self.thresholds_n[job.site] = self._set_point.force
            self._tell(f"the word came at {self._set_point.force:.1f} N")
        self._word = False
        while self._follower.told:
            self._tell(self._follower.told.pop(0))
        self._stayed = self._stayed + _PERIOD if self._stay else 0.0
        if self._stayed > job.hold_s:
            self._stay = False
            self._tell(f"goes on: {job.hold_s:g} s at one point are enough")
        self._go_along(0.0 if self._stay else 1.0, status)
        level = self._level.at(self._time) * self._lighter
        force = asked.force_n * stroke.share(self._clock) * level
        swing, hz = stroke.swing_share * force, stroke.swing_hz
        if asked.swing_n:
            swing, hz = asked.swing_n * level, asked.swing_hz
        most = job.most_n / (1.0 + swing / force)
        force = float(np.clip(force, TOUCH_FORCE_N, most))
        s = self._set_point
        s.force_rate = max(1.0, abs(force - s.force) / _PERIOD)
        s.force, s.wave_force, s.wave_rate = force, min(swing, job.most_n - force), hz
        if full:
            self._tell(f"ends: {SPENT}")
        if full or self._follower.finished or self._worked >= job.seconds:
            self._lift()

    def _follow_heart(self) -> None:
        """Lighter and slower where the heart is stirred; never the other way."""
        before = self._lighter
        self._lighter, self._slower = self._pacing.factors(self._time)
        self._lightening = self._lighter != before
        if before == 1.0 > self._lighter:
            self._tell("lighter and slower: the heart is stirred")
        if before < 1.0 == self._lighter:
            self._tell("as before: the heart is calm")
        alarm, self.alarm = self.alarm, self._pacing.alarm(self._time)
        if self.alarm and not alarm:
            self._tell(self.alarm)

    def _go_along(self, pace: float, status: Status) -> None:
        """Go on along the way, the clock on its way to `pace`; between two updates the twist leads on."""
        stroke, way = self._job.stroke, self._job.way
        assert stroke is not None and way is not None
        self._pace += float(np.clip(pace - self._pace, -_PERIOD / PICK_UP_S, _PERIOD / PICK_UP_S))
        self._worked += smooth(self._pace) * _PERIOD
        pace = smooth(self._pace) * self._slower * self._job.pace(self._clock)
        self._clock += pace * _PERIOD
        length, speed = stroke.place(self._clock, way.length)
        point = way.at(length)
        speed *= pace
        normal = -(self._turn.T @ self.direction)
        self._feel.feel_normal(status, speed, normal, self._turn.T, stroke.turn_s)
        self._stand(point)
        self.slid_m = self._beside(point, status)
        self._feel.catch_up(status, self.direction)
        s = self._set_point
        s.position[:] = self.target + self._feel.lag
        s.press_direction[:] = self.direction
        s.quaternion[:] = self.quaternion
        s.twist[:3] = speed * (self._turn @ point.along)
        s.twist[3:] = speed * (self._turn @ point.bend)

    def _beside(self, point: SkinPoint, status: Status) -> float:
        """M by which the tool is off its way, to the side; what it lags behind along the way does not count."""
        off = np.asarray(status.position) - self.target
        off = off - (off @ self.direction) * self.direction
        along = self._turn @ point.along
        if length := float(along @ along):
            off = off - (off @ along) * along / length
        return float(np.linalg.norm(off))

    def _lift(self) -> None:
        self._stage, self._since = Stage.LIFT, self._time
        self._let_go()

    def _let_go(self) -> None:
        s = self._set_point
        s.task = Task.RELEASE
        s.force_rate = release_rate(s.force)

    def _next(self, status: Status) -> None:
        """Go on with the job after this one that may be done."""
        self._set_point.twist[:] = 0.0
        self._clock = self._pace = self._worked = 0.0
        while not self._ended and self._index + 1 < len(self._jobs):
            self._index += 1
            if self._job.stroke is None:
                self._stage, self._since = Stage.REST, self._time
                self._tell(self._job.title)
                return
            if not (why := self._barred()):
                self._begin_travel(status)
                return
            self._tell(f"{self._job.title} is left out: {why}")
        self.finished = True
        self._stage = Stage.DONE

    def _begin_travel(self, status: Status) -> None:
        here = self._turn.T @ (np.asarray(status.set_position) - self._shift)
        normal = -(self._turn.T @ self.direction)
        self._relimit()
        end = self._begin_of(self._job)
        self._travel = Travel(self._field, here, normal, end.position + HOVER * end.normal, end.normal)
        self._stage, self._since = Stage.TRAVEL, self._time
        self._set_point.task = Task.HOLD
        self._go_on_travelling()  # with the task comes the place: the last one lies on the skin

    def _go_on_travelling(self) -> None:
        assert self._travel is not None
        age = self._time - self._since
        hover = self._travel.at(age)
        s = self._set_point
        self._aim(hover.normal)
        s.position[:] = self._turn @ hover.position + self._shift
        s.press_direction[:], s.quaternion[:] = self.direction, self.quaternion
        s.twist[:3], s.twist[3:] = self._turn @ hover.velocity, self._turn @ hover.turning
        if age > self._travel.seconds + 0.3:
            self._stand(self._begin_of(self._job))
            self._begin_press()

    # Places.

    def _begin_of(self, job: Job) -> SkinPoint:
        assert job.way is not None and job.stroke is not None
        return job.way.at(job.stroke.place(0.0, job.way.length)[0])

    def _here(self) -> SkinPoint:
        job = self._job
        assert job.way is not None and job.stroke is not None
        return job.way.at(job.stroke.place(self._clock, job.way.length)[0])

    def _stand(self, point: SkinPoint) -> None:
        """Where the work is now: what `target`, `direction` and `quaternion` say."""
        self.target = self._turn @ point.position + self._shift
        self._aim(Rotation.from_rotvec(self._feel.tilt).apply(point.normal))
        self.force_n = self._job.cap_n

    def _aim(self, normal: Floats) -> None:
        """Point the tool against a normal, by the shortest turn from where it stood at first.

        From where it stands now, every time round a circle on a curved back would leave it turned about itself.
        """
        direction = -(self._turn @ normal)
        attitude = self._upright
        axis = attitude.apply([0.0, 0.0, 1.0])
        across = np.cross(axis, direction)
        angle = math.atan2(float(np.linalg.norm(across)), float(axis @ direction))
        if angle > 1e-9:
            attitude = Rotation.from_rotvec(across / np.linalg.norm(across) * angle) * attitude
        self.direction, self.quaternion = direction, attitude.as_quat()

    # Limits.

    def _relimit(self) -> None:
        assert self._job.limits is not None
        self._controller.relimit(self._job.cap_n, self._job.limits)

    def _barred(self) -> str:
        """Why the job may not be done after all; empty: nothing is against it."""
        job = self._job
        assert job.way is not None
        for point in job.way.sampled(0.01):
            for spot in self._no_go:
                if np.linalg.norm(point.position - spot) < BRUSH_M + self._radius:
                    return "it comes near a place where nothing is wanted"
        if too_much(job, self.dose, self._area, self._radius):
            return SPENT
        return ""

    def _note_dose(self, status: Status) -> bool:
        """Keep the ledger; whether a cell under the tool has its cap, which it may have where skin slows a stroke."""
        at = self._turn.T @ (np.asarray(status.position) - self._shift)
        self.dose.add([self._time], [at[:2]], [max(0.0, status.force_measured)], [self._area])
        assert self._job.dose is not None
        return self.dose.fullest(at[:2], self._radius) > self._job.dose.dose

    def _tell(self, what: str) -> None:
        self.told.append(f"{self._time:.1f} s: {what}")
