"""The preview of a session: what it says agrees with itself, with the caps, and with what a session asks of the arm."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from massage_arm.control.body import TEMPLATE, Body, load_body
from massage_arm.control.dose import CELL_AREA, DoseMap
from massage_arm.control.limits import DEEP_M, OwnLimits
from massage_arm.control.pacing import Pacing
from massage_arm.control.preview import RATE_HZ, SessionPreview, preview
from massage_arm.control.session import jobs_of, load_session
from massage_arm.control.session_work import HOVER, SessionWork
from massage_arm.control.skin_path import SkinPath
from massage_arm.control.tool import load_tool
from massage_arm.native import ContactState, ControllerSettings, SetPoint, Task

HEAD = "schema: massage-arm/session/1\nname: Try\nabout: a short one\ntool: ball\nsource: assumption\nsteps:\n"
GLIDE = "  - {do: stroke, stroke: effleurage_light, site: thoracic_erector_right, seconds: 14}\n"
KNEAD = "  - {do: stroke, stroke: petrissage, site: lumbar_erector_right, seconds: 12}\n"
REST = "  - {do: rest, seconds: 2}\n"
ROLL = "  - {do: stroke, stroke: rolling, site: lumbar_erector_right, seconds: 12, force_n: 30}\n"
TOO_HARD = "  - {do: stroke, stroke: compression, site: upper_trapezius_right, seconds: 20, force_n: 60}\n"
FRICTION = "  - {do: stroke, stroke: cross_fibre_friction, site: lumbar_erector_left, seconds: 10}\n"


@pytest.fixture(scope="module")
def body() -> Body:
    return load_body(TEMPLATE)


def look(folder: Path, body: Body, *steps: str, **options: Any) -> SessionPreview:
    file = folder / "try.yaml"
    file.write_text(HEAD + "".join(steps))
    session = load_session(file)
    return preview(session, body, load_tool(session.tool), **options)


def test_the_dose_is_the_force_over_time(tmp_path: Path, body: Body) -> None:
    told = look(tmp_path, body, GLIDE, KNEAD, REST, ROLL)
    pushed = told.course.force.sum() / RATE_HZ
    assert pushed > 500.0
    assert told.dose.dose.sum() * CELL_AREA + told.dose.beyond == pytest.approx(pushed, rel=1e-9)
    by_job = [job.mean_n * (job.end_s - job.begin_s) for job in told.jobs]
    assert sum(by_job) == pytest.approx(pushed, rel=1e-9)
    assert not told.findings


def test_how_long_it_takes(tmp_path: Path, body: Body) -> None:
    told = look(tmp_path, body, GLIDE, REST, ROLL)
    glide, rest, roll = told.jobs
    settles, speeding_up = ControllerSettings().settle_time, 0.4
    assert glide.end_s - glide.begin_s == pytest.approx(
        settles + 14.0 + speeding_up + 0.5, abs=0.4
    )  # 5 N are out in 0.5 s
    assert roll.end_s - roll.begin_s == pytest.approx(settles + 12.0 + speeding_up + 1.0, abs=0.3)
    assert not rest.pressed and rest.begin_s == pytest.approx(glide.end_s + 0.75, abs=0.06)
    assert roll.begin_s == pytest.approx(rest.begin_s + 2.0 + roll.ways_s, abs=0.06)
    assert 3.0 < roll.ways_s < 8.0
    assert told.seconds == pytest.approx(roll.end_s + 0.75, abs=0.06)
    assert look(tmp_path, body, ROLL, ROLL).jobs[1].ways_s < roll.ways_s, "it is there already"


def test_forces_with_their_swing_against_the_cap(tmp_path: Path, body: Body) -> None:
    told = look(tmp_path, body, KNEAD, ROLL)
    knead, roll = told.jobs
    assert knead.largest_n == pytest.approx(27.0, abs=0.1) and knead.swing[1:] == (pytest.approx(9.0, abs=0.1), 1.0)
    assert roll.largest_n == pytest.approx(54.0, abs=0.1)
    assert roll.cap_n == 60.0 and roll.cap_share == pytest.approx(0.9, abs=0.01) and roll.cap_name == "soft cap"
    area = told.tool.contact_area(DEEP_M)
    assert 1e3 * roll.largest_kpa * area == pytest.approx(roll.largest_n)
    assert 1e3 * roll.mean_kpa * area == pytest.approx(roll.mean_n)


def test_what_is_above_a_cap_is_named_and_the_rest_is_told(tmp_path: Path, body: Body) -> None:
    told = look(tmp_path, body, GLIDE, TOO_HARD, KNEAD)
    (finding,) = told.findings
    assert (finding.job, finding.kind) == (2, "refused")
    assert "line 8: steps[1]: 60.0 N" in finding.what and "at most 45 N" in finding.what
    assert [job.pressed for job in told.jobs] == [True, False, True]


def test_a_cap_that_the_intake_lowers_is_exceeded(tmp_path: Path, body: Body) -> None:
    told = look(tmp_path, body, GLIDE, ROLL, share_of_cap=0.5)
    (finding,) = told.findings
    assert (finding.job, finding.kind) == (2, "cap")
    assert "54.0 N" in finding.what and "30.0 N" in finding.what
    assert told.jobs[1].cap_share == pytest.approx(1.8, abs=0.02)


def test_a_job_that_would_slide_is_lowered_and_told(
    tmp_path: Path, body: Body, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SkinPath, "falling_off", lambda self: 0.7 * 1500.0 / 4.0)
    told = look(tmp_path, body, GLIDE)
    (finding,) = told.findings
    assert (finding.job, finding.kind) == (1, "slide") and "4.0 N at most" in finding.what
    assert told.jobs[0].largest_n == pytest.approx(4.0, abs=0.01)


def test_the_dose_cap_is_told_and_what_it_leaves_out(tmp_path: Path, body: Body) -> None:
    own = {"everywhere": OwnLimits(None, 60.0, 10.0, "test")}  # 1200 kPa·s
    told = look(tmp_path, body, *[FRICTION] * 7, own=own)
    shares = [job.dose_share for job in told.jobs if job.pressed]
    assert 3 <= len(shares) < 7 and (np.diff(shares) > 0.05).all() and max(shares) <= 1.0
    assert {(finding.job, finding.kind) for finding in told.findings} == {
        (number, "dose") for number in range(len(shares) + 1, 8)
    }
    assert shares[-1] == pytest.approx(told.dose.left.max() / 1.2e6, rel=0.02)


def test_one_job_that_goes_beyond_the_dose_cap(tmp_path: Path, body: Body) -> None:
    own = {"everywhere": OwnLimits(None, 60.0, 1.0, "test")}  # 120 kPa·s
    told = look(tmp_path, body, FRICTION, own=own)
    (finding,) = told.findings
    assert (finding.job, finding.kind) == (1, "dose") and told.jobs[0].dose_share > 1.0


def test_a_profile_goes_on_when_the_tissue_has_given_way(tmp_path: Path, body: Body) -> None:
    (tmp_path / "wait.yaml").write_text(
        "schema: massage-arm/profile/1\nname: wait\nabout: for give\nsegments:\n"
        "  - {kind: ramp, force_n: 20, seconds: 2, source: test}\n"
        "  - {kind: hold, seconds: 80, give_mm_min: 0.6, source: test}\n"
    )
    told = look(tmp_path, body, "  - {do: stroke, stroke: compression, site: gluteal_right, profile: wait.yaml}\n")
    (job,) = told.jobs
    # Creep at constant force: it falls below 0.6 mm/min once what relaxes within 3 s is over, not at once.
    assert 14.0 < job.end_s - job.begin_s < 70.0


class PerfectArm:
    """Stands where it is told, presses as it is told, and lands at once."""

    def __init__(self, set_point: SetPoint) -> None:
        self._asked = set_point
        self.contact_state = ContactState.IDLE

    def move(self) -> None:
        pressing = self._asked.task == Task.PRESS
        self.contact_state = ContactState.HOLD if pressing else ContactState.IDLE

    @property
    def position(self) -> Any:
        return self._asked.position

    @property
    def set_position(self) -> Any:
        return self._asked.position

    @property
    def quaternion(self) -> Any:
        return self._asked.quaternion

    @property
    def set_quaternion(self) -> Any:
        return self._asked.quaternion

    @property
    def force_measured(self) -> float:
        return float(self._asked.force)

    @property
    def wrench(self) -> Any:
        return np.array([0.0, 0.0, -self._asked.force, 0.0, 0.0, 0.0])

    def relimit(self, *_: object) -> None: ...


def test_it_is_what_a_session_asks_of_the_arm(tmp_path: Path, body: Body) -> None:
    told = look(tmp_path, body, GLIDE.replace("14", "9"), KNEAD, ROLL)
    jobs = jobs_of(told.session, body, told.tool)
    asked = SetPoint()
    asked.quaternion[:] = 1.0, 0.0, 0.0, 0.0
    arm = PerfectArm(asked)
    field, area, radius = body.height_field, told.tool.contact_area(DEEP_M), told.tool.contact_radius
    work = SessionWork(jobs, cast(Any, arm), asked, field, np.eye(4), area, radius, DoseMap(), Pacing(rest_s=0.0))
    work.press(0.0)
    rows, index = [], 0
    while not work.finished and index < 9000:
        arm.move()
        work.update(0.01 * index, cast(Any, arm))
        rows.append((asked.task == Task.PRESS, asked.force, asked.wave_force, *asked.position[:2]))
        index += 1
    assert work.finished
    pressing = np.array([row[0] for row in rows])
    begins = np.flatnonzero(np.diff(pressing.astype(int), prepend=0) > 0)
    ends = np.append(np.flatnonzero(np.diff(pressing.astype(int)) < 0) + 1, len(rows))
    assert len(begins) == 3
    settles = ControllerSettings().settle_time
    for job, begin, end in zip(told.jobs, begins, ends, strict=False):
        real = np.array([row[1:] for row in rows[begin + 1 : end]], float)
        times = 0.01 * np.arange(len(real))
        at = job.begin_s + settles + times
        for k, values in enumerate((told.course.force, told.course.swing, *told.course.xy.T)):
            off = np.interp(at, told.course.time - 1.0 / RATE_HZ, values) - real[:, k]
            assert np.abs(off[(times > 0.06) & (times < times[-1] - 0.25)]).max() < (0.3 if k < 2 else 3e-3), (
                job.title,
                k,
            )


def test_hover_is_where_a_run_begins() -> None:
    from massage_arm.sim.placement import STAND_OFF

    assert HOVER == STAND_OFF
