"""A session's set-points, by what a person under the tool or an arm would notice."""

from types import SimpleNamespace

import numpy as np
from massage_arm.control.body import load_body
from massage_arm.control.dose import DoseMap
from massage_arm.control.limits import DEEP_M
from massage_arm.control.session import jobs_of, load_session
from massage_arm.control.session_work import SessionWork
from massage_arm.control.tool import load_tool
from massage_arm.native import ContactState, SetPoint
from scipy.spatial.transform import Rotation


def test_going_round_in_circles_does_not_turn_the_tool_about_itself() -> None:
    session, body = load_session("rotator_cuff_right"), load_body("average")
    tool = load_tool(session.tool)
    job = next(job for job in jobs_of(session, body, tool) if job.stroke and job.stroke.name == "circular_friction")
    assert job.stroke is not None and job.way is not None
    point = SetPoint()
    start = job.way.at(0.0)
    point.quaternion[:] = Rotation.align_vectors([-start.normal], [[0.0, 0.0, 1.0]])[0].as_quat()
    controller = SimpleNamespace(relimit=lambda cap, limits: None)
    work = SessionWork(
        [job], controller, point, body.height_field, np.eye(4),  # type: ignore[arg-type]
        tool.contact_area(DEEP_M), tool.contact_radius, DoseMap(),
    )  # fmt: skip
    work.press(0.0)
    after = {}
    for k in range(760):
        status = SimpleNamespace(
            contact_state=ContactState.HOLD,
            position=work.target,
            set_position=work.target,
            force_measured=15.0,
            quaternion=work.quaternion,
            set_quaternion=work.quaternion,
            wrench=np.array([0, 0, -15.0, 0, 0, 0]),
        )
        work.update(0.01 * k, status)  # type: ignore[arg-type]
        after[k] = Rotation.from_quat(point.quaternion)
    turns = 6  # the same place again
    late = 200 + round(100 * turns / job.stroke.rate_hz)
    assert np.degrees((after[late] * after[200].inv()).magnitude()) < 1.0
