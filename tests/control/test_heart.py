"""What beats say: rate and RMSSD, and that a missed beat does not pass for a lively heart."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from massage_arm.control.heart import heart_rate, intervals_of, rmssd

RNG = np.random.default_rng(5)
CALM = 0.9 + 0.04 * np.sin(2 * np.pi * 0.25 * 0.9 * np.arange(300)) + 0.008 * RNG.standard_normal(300)


def test_rmssd_is_that_of_its_definition() -> None:
    assert rmssd(CALM) == pytest.approx(np.sqrt(np.mean(np.diff(CALM) ** 2)))
    assert heart_rate(CALM) == pytest.approx(60.0 / CALM.mean())


@given(st.lists(st.integers(5, 290), max_size=12, unique=True))
def test_missed_beats_hardly_change_it(missed: list[int]) -> None:
    seen = CALM.copy()
    for at in missed:
        seen[at] *= 2.0
    assert rmssd(seen) == pytest.approx(rmssd(CALM), rel=0.15)
    assert heart_rate(seen) == pytest.approx(heart_rate(CALM), rel=0.01)


def test_two_beats_around_a_gap_are_not_neighbours() -> None:
    steps = np.where(np.arange(120) < 60, 0.8, 0.92)
    steps[60] = math.nan
    assert rmssd(steps) == 0.0


@pytest.mark.parametrize("few", [[], [0.9], [0.9] * 40, [math.nan] * 100, [5.0] * 100])
def test_too_little_gives_no_number(few: list[float]) -> None:
    assert math.isnan(rmssd(few))


def test_beats_are_counted_at_the_ticks_where_they_fall() -> None:
    time = np.arange(0.0, 5.0, 0.001)
    assert intervals_of(time, np.floor(time / 0.8)) == pytest.approx([0.8] * 5, abs=2e-3)
    assert not len(intervals_of(time, np.full(time.shape, math.nan)))


@pytest.mark.parametrize("at", [0, 1, -2, -1])
@pytest.mark.parametrize("share", [0.5, 2.0])
def test_the_outermost_beats_are_judged_too(at: int, share: float) -> None:
    seen = CALM.copy()
    seen[at] *= share
    assert rmssd(seen) == pytest.approx(rmssd(CALM), rel=0.05)
