"""The force that a profile asks for: smooth, never too much, and changed when the tissue says so."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from massage_arm.control.pressure_follower import RATE_N_S, SWELL_N_S, PressureFollower
from massage_arm.control.pressure_profile import Segment

DT = 0.01
TOUCH = 3.0
BREATH = 0.0023  # m, at 0.25 Hz: Wang et al. in docs/safety.md B.6
Depth = Callable[[float, float], float]


class Tissue:
    """What lies under the tool: a spring, a part that creeps in after the force, and the breath below both."""

    def __init__(self, creep: float = 0.002, seconds: float = 15.0, breath: float = BREATH, hz: float = 0.25) -> None:
        """`creep` [m] at 20 N, in the end; what `pushed` [m] says is what muscles push out."""
        self.creep, self.seconds, self.breath, self.hz = creep, seconds, breath, hz
        self.crept = 0.0
        self.pushed = 0.0

    def depth(self, time: float, force: float) -> float:
        """M, a cycle later."""
        self.crept += (self.creep * force / 20.0 - self.crept) * DT / self.seconds
        return force / 3000.0 + self.crept + self.breath * np.sin(2.0 * np.pi * self.hz * time) - self.pushed


def targets(segments: Sequence[Segment]) -> list[float | None]:
    return [segment.force_n for segment in segments]


class Run:
    """A follower on a tissue, 100 times a second."""

    def __init__(self, segments: Sequence[Segment], tissue: Tissue | None = None) -> None:
        self.follower = PressureFollower(segments, targets(segments), TOUCH)
        self.tissue, self.time = tissue or Tissue(), 20.0
        self.began = self.time
        self.forces: list[float] = [TOUCH]

    def go(self, seconds: float, *, word: bool = False) -> None:
        """For some time, or until the end of the profile."""
        for _ in range(round(seconds / DT)):
            if self.follower.finished:
                return
            depth = self.tissue.depth(self.time, self.forces[-1])
            self.forces.append(self.follower.update(self.time, depth, word=word).force_n)
            self.time += DT
            word = False

    @property
    def age(self) -> float:
        return self.time - self.began


def ramp(force: float, seconds: float = 2.0) -> Segment:
    return Segment("ramp", seconds, "", force_n=force)


SECONDS = st.floats(0.5, 12.0)
FORCE = st.floats(3.0, 70.0)
SEGMENT = st.one_of(
    st.builds(lambda f, s: Segment("ramp", s, "", force_n=f), FORCE, SECONDS),
    st.builds(lambda s, g: Segment("hold", s, "", give_mm_min=g), SECONDS, st.sampled_from([None, 20.0])),
    st.builds(lambda f, s, w: Segment("step", s, "", force_n=f, until_word=w), FORCE, SECONDS, st.booleans()),
    st.builds(
        lambda f, s, low, period: Segment("pulse", max(2.0, s), "", force_n=f, low_share=low, period_s=period),
        FORCE, SECONDS, st.floats(0.1, 0.95), st.floats(2.0, 8.0),
    ),
    st.builds(lambda s, share: Segment("sine", max(1.0, s), "", swing_share=share, rate_hz=1.0), SECONDS,
              st.floats(0.02, 0.9)),
    st.builds(lambda f, s, by: Segment("follow", s, "", force_n=f, step_percent=by, give_mm_min=20.0), FORCE,
              st.floats(10.0, 30.0), st.floats(5.0, 30.0)),
)  # fmt: skip
FIRST = st.builds(lambda f, s: ramp(f, s), FORCE, SECONDS)


@settings(max_examples=40, deadline=None)
@given(FIRST, st.lists(SEGMENT, min_size=1, max_size=5), st.lists(st.floats(1.0, 40.0), max_size=3), st.booleans())
def test_the_force_is_smooth_to_the_second_derivative_and_never_above_the_largest_target(
    first: Segment, rest: list[Segment], words: list[float], guards: bool
) -> None:
    segments = [first, *rest]
    run = Run(segments, Tissue(breath=0.0))
    for at in sorted(words):
        run.go(at - run.age)
        run.go(DT, word=True)
        run.tissue.pushed += 0.002 * guards
    run.go(200.0)
    assert run.follower.finished
    run.forces += [run.follower.update(run.time + k * DT, 0.0).force_n for k in range(5)]  # and no leap at the end
    force = np.array(run.forces)
    most = max([TOUCH, *(f for f in targets(segments) if f is not None)])
    assert force.max() <= most + 1e-9
    assert force.min() > 0.0
    rate = np.diff(force) / DT
    bend = np.diff(rate) / DT
    assert rate.max() <= max(RATE_N_S, SWELL_N_S * any(s.kind == "pulse" for s in segments)) + 0.2
    assert rate.min() >= -SWELL_N_S
    # A kink would be a bend of its rate over one cycle, 20 N/s / 10 ms = 2000 N/s²; minimum jerk of 10 N in 1 s has 58,
    # and a step of the bend itself would not shrink with the cycle.
    assert np.abs(bend).max() < 450.0
    assert np.abs(np.diff(bend)).max() < 60.0


def test_time_ends_what_nothing_else_does() -> None:
    run = Run([ramp(12.0, 3.0), Segment("hold", 20.0, "")])
    run.go(22.9)
    assert run.follower.ended == ["time"]
    run.go(1.0)
    assert run.follower.ended == ["time", "time"]
    assert run.age == pytest.approx(23.0, abs=0.05)


def test_a_rise_that_is_asked_for_too_fast_takes_longer() -> None:
    run = Run([ramp(43.0, 0.5), Segment("hold", 10.0, "")])
    run.go(3.4)
    assert run.follower.ended == []
    assert run.forces[-1] < 42.9
    run.go(0.5)
    assert run.follower.ended == ["time"]
    assert run.forces[-1] == pytest.approx(43.0)


@pytest.mark.parametrize("hz", [0.2, 0.25, 0.3])
def test_give_ends_a_hold_once_the_creep_is_over_and_not_before(hz: float) -> None:
    """Creep of 2 mm with 15 s: below 0.6 mm/min after 15 ln(2 / 15 * 60 / 0.6) = 39 s, with a breath of 2.3 mm."""
    run = Run([ramp(20.0), Segment("hold", 300.0, "", give_mm_min=0.6)], Tissue(hz=hz))
    run.go(300.0)
    assert run.follower.ended == ["time", "give"]
    assert 30.0 < run.age < 60.0


def test_who_only_breathes_gives_no_way() -> None:
    """Without creep there is nothing to wait for: give is told after the first window, by a breath at any phase."""
    run = Run([ramp(20.0), Segment("hold", 300.0, "", give_mm_min=0.6)], Tissue(creep=0.0))
    run.go(300.0)
    assert run.age < 16.0
    run = Run([ramp(20.0), Segment("hold", 60.0, "", release_mm=1.0)], Tissue(creep=0.0))
    run.go(300.0)
    assert run.follower.ended == ["time", "time"]
    assert run.follower.eased == 0


def test_release_ends_a_hold_once_the_tissue_has_given_way_by_that_much() -> None:
    run = Run([ramp(20.0), Segment("hold", 300.0, "", release_mm=1.5)], Tissue(creep=0.0))
    run.go(30.0)
    assert run.follower.ended == ["time"]
    run.tissue.pushed = -0.0012
    run.go(30.0)
    assert run.follower.ended == ["time"]
    run.tissue.pushed = -0.0020
    run.go(30.0)
    assert run.follower.ended == ["time", "release"]


def test_a_word_ends_the_part_that_waits_for_one_and_no_other() -> None:
    segments = [ramp(12.0), Segment("hold", 20.0, ""), Segment("step", 60.0, "", force_n=20.0, until_word=True)]
    run = Run(segments)
    run.go(10.0, word=True)
    run.go(DT, word=True)
    assert run.follower.ended == ["time"]
    run.go(12.5)
    assert run.follower.ended == ["time", "time"]
    run.go(DT, word=True)  # on the way up: it ends when it is there
    run.go(1.0)
    assert run.follower.ended == ["time", "time"]
    run.go(2.0)
    assert run.follower.ended == ["time", "time", "word"]
    assert run.forces[-1] == pytest.approx(20.0, abs=0.01)


def test_a_follow_goes_up_by_a_step_after_each_give_as_far_as_its_target() -> None:
    segments = [ramp(20.0), Segment("follow", 300.0, "", force_n=25.0, step_percent=10.0, give_mm_min=2.0)]
    run = Run(segments, Tissue(creep=0.001, seconds=8.0))
    run.go(300.0)
    assert run.follower.ended == ["time", "give"]
    force = np.array(run.forces)
    still = force[1:][np.abs(np.diff(force)) < 1e-9]
    levels = [level for level in np.unique(still.round(6)) if np.count_nonzero(still.round(6) == level) > 500]
    assert levels == pytest.approx([20.0, 22.0, 24.2, 25.0])


def test_it_eases_when_the_tissue_pushes_back_and_returns_only_once_it_has_let_go() -> None:
    run = Run([ramp(24.0), Segment("hold", 300.0, "")], Tissue(creep=0.0005, seconds=5.0))
    run.go(30.0)
    assert run.follower.eased == 0
    run.tissue.pushed = 0.003
    run.go(10.0)
    assert run.follower.eased == 1
    assert run.forces[-1] == pytest.approx(18.0)
    run.go(40.0)
    assert run.forces[-1] == pytest.approx(18.0)  # nothing has let go
    run.tissue.pushed = 0.0
    run.go(15.0)
    assert run.forces[-1] == pytest.approx(24.0)
    assert run.follower.eased == 1


def test_who_braces_is_not_pressed_harder_for_holding_still() -> None:
    segments = [ramp(20.0), Segment("follow", 300.0, "", force_n=40.0, step_percent=20.0, give_mm_min=2.0)]
    run = Run(segments, Tissue(creep=0.004, seconds=12.0))
    run.go(14.0)
    run.tissue.pushed = 0.006
    run.go(8.0)
    assert run.follower.eased == 1
    run.go(3.0)
    eased = run.forces[-1]
    run.go(60.0)
    assert run.forces[-1] == pytest.approx(eased)


def test_a_tool_under_way_tells_nothing_of_the_tissue() -> None:
    follower = PressureFollower(
        [ramp(20.0), Segment("hold", 60.0, "", release_mm=1.0, give_mm_min=5.0)], [20.0, None], TOUCH
    )
    for k in range(5000):
        asked = follower.update(k * DT, None)
    assert (follower.ended, follower.eased) == (["time"], 0)
    assert asked.force_n == pytest.approx(20.0)


def test_after_a_pause_it_rises_from_the_touch_and_has_lost_no_time() -> None:
    run = Run([ramp(30.0, 3.0), Segment("hold", 20.0, "", release_mm=0.5)], Tissue(creep=0.0))
    run.go(13.0)
    run.time += 100.0
    run.tissue.pushed = 0.004  # it has come up in the meantime: no guarding
    run.follower.go_on(run.time)
    held = len(run.forces)
    run.go(5.0)
    force = np.array(run.forces[held:])
    assert force[0] == pytest.approx(TOUCH, abs=0.01)
    assert (np.diff(force) / DT).max() < RATE_N_S + 0.1
    assert force[-1] == pytest.approx(30.0)
    run.go(4.9)
    assert (run.follower.ended, run.follower.eased) == (["time"], 0)
    run.go(0.2)
    assert run.follower.ended == ["time", "time"]


def test_a_sine_asks_for_its_swing() -> None:
    segments = [ramp(20.0), Segment("sine", 5.0, "", swing_share=0.3, rate_hz=2.0)]
    follower = PressureFollower(segments, targets(segments), TOUCH)
    asked = [follower.update(k * DT, 0.0) for k in range(600)]
    assert (asked[100].swing_n, asked[100].swing_hz) == (0.0, 0.0)
    assert (asked[400].swing_n, asked[400].swing_hz) == (pytest.approx(6.0), 2.0)


def test_a_pulse_goes_down_to_its_share_and_comes_back_before_it_ends() -> None:
    run = Run([Segment("pulse", 10.0, "", force_n=20.0, low_share=0.5, period_s=4.0), Segment("hold", 5.0, "")])
    run.go(100.0)
    force = np.array(run.forces)
    assert force[200:1500].min() == pytest.approx(10.0, abs=0.01)
    lows = np.flatnonzero((np.diff(force[:-1]) < 0.0) & (np.diff(force[1:]) >= 0.0))
    assert np.diff(lows) == pytest.approx(400, abs=2)
    assert force[-1] == pytest.approx(20.0)
    assert run.follower.eased == 0  # the tool comes up with the force: no guarding


@pytest.mark.parametrize("hz", [0.1, 0.3, 2.0])
def test_a_tool_that_swings_with_the_force_is_not_taken_for_guarding(hz: float) -> None:
    segments = [ramp(20.0), Segment("sine", 60.0, "", swing_share=0.8, rate_hz=hz)]
    follower, tissue, force = PressureFollower(segments, targets(segments), TOUCH), Tissue(), TOUCH
    for k in range(6000):
        asked = follower.update(k * DT, tissue.depth(k * DT, force))
        force = asked.force_n + asked.swing_n * np.sin(2.0 * np.pi * hz * k * DT)
    assert follower.eased == 0
    assert asked.force_n == pytest.approx(20.0)
