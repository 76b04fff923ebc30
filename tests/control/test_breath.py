"""A breath told from how deep the tool is, and a force that rises with its exhale."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from massage_arm.control.breath import Breath, BreathListener
from massage_arm.control.pressure_follower import RATE_N_S, SWELL_N_S, PressureFollower
from massage_arm.control.pressure_profile import Segment

DT = 0.1
RISE = [Segment("ramp", 12.0, "test", force_n=30.0), Segment("hold", 5.0, "test")]


def listened(amplitude: float, hz: float, phase: float, *, noise: float = 0.0, rises: bool = False) -> Breath | None:
    """What is heard of 8 s of depth: a breath, creep, noise [m], and a force that rises on a spring meanwhile."""
    listener, rng = BreathListener(), np.random.default_rng(1)
    for time in np.arange(20.0, 28.1, DT):
        force = 10.0 + (15.0 * np.clip((time - 22.0) / 2.0, 0.0, 1.0) if rises else 0.0)
        breath = -amplitude * math.cos(2.0 * math.pi * hz * (time - 28.0) + phase)  # deeper while phase is 0 to pi
        listener.hear(time, 0.02 + force / 3000.0 + 1e-4 * (time - 20.0) + breath + noise * rng.normal(), force)
    return listener.breath()


@settings(max_examples=60, deadline=None)
@given(
    amplitude=st.floats(0.001, 0.005), hz=st.floats(0.2, 0.3), phase=st.floats(0.0, 6.28), rises=st.booleans(),
)  # fmt: skip
def test_it_knows_when_they_exhale(amplitude: float, hz: float, phase: float, rises: bool) -> None:
    breath = listened(amplitude, hz, phase, noise=1e-4, rises=rises)
    assert breath is not None
    off = (breath.phase_at(28.0) - phase + math.pi) % (2.0 * math.pi) - math.pi
    assert abs(off) < 0.15 * 2.0 * math.pi
    assert 1.0 / breath.period == pytest.approx(hz, abs=0.025)


def test_without_a_breath_none_is_heard() -> None:
    assert listened(0.0, 0.25, 0.0, noise=2e-4) is None
    assert listened(1e-4, 0.25, 0.0) is None
    assert BreathListener().breath() is None


def test_what_is_left_of_an_exhale() -> None:
    breath = Breath(at=10.0, period=4.0, phase=0.5 * math.pi)
    assert breath.exhale_left(10.0) == pytest.approx(1.0)
    assert breath.exhale_left(11.5) == 0.0
    assert breath.exhale_left(13.0) == pytest.approx(2.0)


def followed(breath_m: float, seconds: float = 80.0) -> tuple[list[float], list[float], PressureFollower]:
    """Forces asked for and the rate of the skin, by a follower on a spring that breathes at 0.25 Hz."""
    follower = PressureFollower(RISE, [30.0, None], 3.0, on_exhale=True)
    forces, sinking = [3.0], [0.0]
    for time in np.arange(5.0, 5.0 + seconds, 0.01):
        turn = 2.0 * math.pi * 0.25
        depth = forces[-1] / 3000.0 + breath_m * math.sin(turn * time)
        forces.append(follower.update(time, depth).force_n)
        sinking.append(breath_m * turn * math.cos(turn * time))
        if follower.finished:
            break
    return forces, sinking, follower


def test_the_force_rises_while_they_exhale_and_stands_while_they_inhale() -> None:
    forces, sinking, follower = followed(0.0023)
    rising = np.diff(forces)
    assert forces[-1] == pytest.approx(30.0)
    assert rising[np.array(sinking[1:]) > 0.0].sum() > 0.97 * 27.0
    assert rising.max() <= 1.01 * RATE_N_S * 0.01
    assert rising.min() >= -1e-9
    assert follower.ended == ["time", "time"]
    assert follower.told == ["rises with the exhale, 15 breaths a minute"]


def test_who_does_not_breathe_against_it_gets_it_all_the_same() -> None:
    forces, _, follower = followed(0.0)
    assert forces[-1] == pytest.approx(30.0)
    assert follower.told == ["no breath is felt: rises without it"]


def test_a_pause_on_the_way_begins_anew_with_listening() -> None:
    follower, force = PressureFollower(RISE, [30.0, None], 3.0, on_exhale=True), 3.0
    times = [*np.arange(5.0, 19.0, 0.01), *np.arange(60.0, 120.0, 0.01)]
    forces = []
    for before, time in zip([0.0, *times], times, strict=False):
        if time - before > 1.0 and before:
            follower.go_on(time)
        force = follower.update(time, force / 3000.0 + 0.002 * math.sin(0.5 * math.pi * time)).force_n
        forces.append(force)
    after = np.array(forces[1400:])
    assert after[0] == pytest.approx(3.0, abs=0.1)
    assert np.abs(np.diff(after)).max() <= 1.01 * RATE_N_S * 0.01
    assert after.max() == pytest.approx(30.0)


class Breathing:
    """A follower on a spring that breathes at 0.25 Hz; `pushed` [m] is what muscles push out."""

    def __init__(self, segments: list[Segment]) -> None:
        targets = [segment.force_n for segment in segments]
        self.follower = PressureFollower(segments, targets, 3.0, on_exhale=True)
        self.forces, self.time, self.pushed = [3.0], 5.0, 0.0

    def go(self, seconds: float, *, word: bool = False) -> np.ndarray:
        """Forces asked for meanwhile."""
        before = len(self.forces)
        for _ in range(round(seconds / 0.01)):
            depth = self.forces[-1] / 3000.0 + 0.0023 * math.sin(0.5 * math.pi * self.time) - self.pushed
            self.forces.append(self.follower.update(self.time, depth, word=word).force_n)
            self.time, word = self.time + 0.01, False
        return np.array(self.forces[before:])


def test_a_word_while_it_waits_for_an_exhale_ends_the_rise() -> None:
    """Who says that it is enough must not be pressed harder because they happen to breathe in."""
    steps = [Segment("step", 60.0, "test", force_n=40.0, until_word=True), Segment("hold", 20.0, "test")]
    run = Breathing(steps)
    while run.forces[-1] < 10.0 or run.forces[-1] != run.forces[-2]:
        run.go(0.01)
    told = run.forces[-1]
    assert 3.0 < told < 35.0
    assert run.go(10.0, word=True).max() <= told + 1e-9
    assert run.follower.ended == ["word"]


def test_a_pulse_begins_once_its_force_is_reached_and_never_leaps() -> None:
    pulse = Segment("pulse", 60.0, "test", force_n=30.0, low_share=0.4, period_s=6.0)
    forces = Breathing([Segment("ramp", 8.0, "test", force_n=10.0), pulse]).go(90.0)
    assert np.abs(np.diff(forces)).max() < 1.01 * SWELL_N_S * 0.01
    assert np.abs(np.diff(forces, 2)).max() < 0.02
    assert forces.max() == pytest.approx(30.0)


def test_who_braces_is_not_pressed_harder_with_the_next_breath() -> None:
    run = Breathing([Segment("follow", 200.0, "test", force_n=40.0, step_percent=400.0, give_mm_min=5.0)])
    run.go(30.0)
    follower, before = run.follower, run.forces[-1]
    follower._eased_at, follower._still_to, follower._waiting_since = run.time, 40.0, run.time
    follower._go_to_share(0.75, run.time)
    assert run.go(5.9).max() <= before + 1e-9
