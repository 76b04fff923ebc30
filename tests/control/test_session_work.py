"""A session's set-points, by what a person under the tool or an arm would notice."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from massage_arm.control.body import load_body
from massage_arm.control.dose import DoseMap
from massage_arm.control.limits import DEEP_M
from massage_arm.control.pacing import FORCE_LEAST, SPEED_LEAST, Pacing
from massage_arm.control.session import jobs_of, load_session
from massage_arm.control.session_job import Job
from massage_arm.control.session_work import SessionWork
from massage_arm.control.tool import load_tool
from massage_arm.native import ContactState, SetPoint
from scipy.spatial.transform import Rotation


def working(stroke: str, pacing: Pacing) -> tuple[SessionWork, SetPoint, Job]:
    """A session whose only job is a stroke of the shipped rotator cuff one, asked to press."""
    session, body = load_session("rotator_cuff_right"), load_body("average")
    tool = load_tool(session.tool)
    job = next(job for job in jobs_of(session, body, tool) if job.stroke and job.stroke.name == stroke)
    assert job.stroke is not None and job.way is not None
    point = SetPoint()
    start = job.way.at(0.0)
    point.quaternion[:] = Rotation.align_vectors([-start.normal], [[0.0, 0.0, 1.0]])[0].as_quat()
    controller = SimpleNamespace(relimit=lambda cap, limits: None)
    work = SessionWork(
        [job], controller, point, body.height_field, np.eye(4),  # type: ignore[arg-type]
        tool.contact_area(DEEP_M), tool.contact_radius, DoseMap(), pacing,
    )  # fmt: skip
    work.press(0.0)
    return work, point, job


def held(work: SessionWork) -> Any:
    """What the controller says while it does exactly what is asked."""
    return SimpleNamespace(
        contact_state=ContactState.HOLD,
        position=work.target,
        set_position=work.target,
        force_measured=15.0,
        quaternion=work.quaternion,
        set_quaternion=work.quaternion,
        wrench=np.array([0, 0, -15.0, 0, 0, 0]),
    )


def test_going_round_in_circles_does_not_turn_the_tool_about_itself() -> None:
    work, point, _ = working("circular_friction", Pacing(rest_s=0.0))
    after, places = [], []
    for k in range(2000):
        work.update(0.01 * k, held(work))
        places.append(work.target)
        after.append(Rotation.from_quat(point.quaternion))
    early = 300
    away = np.linalg.norm(np.array(places) - places[early], axis=1)
    assert away[early:].max() > 0.015
    late = 1500 + int(away[1500:].argmin())  # the same place again, some turns later
    assert away[late] < 0.5e-3
    assert np.degrees((after[late] * after[early].inv()).magnitude()) < 1.0


class Stirred(Pacing):
    """A heart that is stirred all of a sudden, as `Pacing` would answer to it."""

    since = 20.0

    def factors(self, now: float) -> tuple[float, float]:
        """Down in 50 s from `since` on."""
        share = min(1.0, max(0.0, 0.02 * (now - self.since)))
        return 1.0 - (1.0 - FORCE_LEAST) * share, 1.0 - (1.0 - SPEED_LEAST) * share


def test_a_stirred_heart_makes_it_lighter_and_slower_without_a_step() -> None:
    forces, speeds = {}, {}
    for pacing in (Pacing(rest_s=0.0), Stirred(rest_s=0.0)):
        work, point, _ = working("circular_friction", pacing)
        force, speed = [], []
        for k in range(2900):
            work.update(0.01 * k, held(work))
            force.append(point.force)
            speed.append(float(np.linalg.norm(point.twist[:3])))
        forces[type(pacing)], speeds[type(pacing)] = np.array(force), np.array(speed)
    calm, stirred = forces[Pacing], forces[Stirred]
    np.testing.assert_array_equal(calm[:2000], stirred[:2000])
    assert stirred[-1] == pytest.approx(calm[-1] * (1.0 - (1.0 - FORCE_LEAST) * 0.18), rel=0.01)
    assert speeds[Stirred][-1] == pytest.approx(speeds[Pacing][-1] * (1.0 - (1.0 - SPEED_LEAST) * 0.18), rel=0.02)
    assert np.abs(np.diff(stirred - calm)).max() < 0.01
    assert (stirred <= calm + 1e-9).all()


def test_an_alarm_of_the_heart_is_told_once_and_stands_as_long_as_it_lasts() -> None:
    pacing = Pacing(rest_s=0.0)
    work, _, _ = working("circular_friction", pacing)
    beat, alarms = 0.0, []
    for k in range(8000):
        time = 0.01 * k
        if time >= beat:
            rr = 60.0 / (62.0 if time < 40.0 else 130.0)
            pacing.beat(time, rr)
            beat = time + rr
        work.update(time, held(work))
        alarms.append(work.alarm)
    first = next(k for k, alarm in enumerate(alarms) if alarm)
    assert 4000 < first < 5500
    assert alarms[-1]
    assert sum("heart rate" in line for line in work.told) >= 1
