"""A heart may only ever lower: whatever beats come in, force and speed stay at or below what was asked."""

import copy
import math
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from massage_arm.control.pacing import (
    ALARM_RATE,
    CALM_S,
    FALL,
    FORCE_LEAST,
    REST_S,
    RISE,
    SPEED_LEAST,
    Pacing,
    rmssd_against_baseline,
)
from massage_arm.native import InputError, Person

REST = 200.0
TIP = math.pi * 0.01**2
LEAST = np.array([FORCE_LEAST, SPEED_LEAST])
TINY = 1e-9


class Listener:
    """A Pacing that is asked once a second."""

    def __init__(self) -> None:
        self.pacing = Pacing(0.0, REST)
        self.now = self.last_beat = 0.0
        self.rows: list[tuple[float, float, float, str]] = []
        self.beats = 0

    def live(self, seconds: float, rate: float = 60.0, swing: float = 0.03, good: float = 1.0) -> None:
        """Beats at `rate` that swing by `swing` s with every breath; without a `rate` (0) there are none."""
        end = self.now + seconds
        while self.now < end:
            self.now += 1.0
            while rate > 0.0:
                rr = 60.0 / rate + swing * math.sin(2.0 * math.pi * 0.25 * self.last_beat)
                if self.last_beat + rr > self.now:
                    break
                self.last_beat += rr
                self.beats += 1
                self.pacing.beat(self.last_beat, rr if self.beats % 100 < 100 * good else 2.3 * rr)
            else:
                self.last_beat = self.now
            self.rows.append((self.now, *self.pacing.factors(self.now), self.pacing.alarm(self.now)))

    def factors(self, begin: float = 0.0) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
        return np.array([row[1:3] for row in self.rows if row[0] > begin])

    def alarms(self, begin: float = 0.0) -> list[tuple[float, str]]:
        return [(row[0], row[3]) for row in self.rows if row[0] > begin and row[3]]


@cache
def _rested() -> Listener:
    listener = Listener()
    listener.live(REST)
    return listener


def rested() -> Listener:
    """After a rest of 200 s at 60 /min with an RMSSD of 30 ms."""
    return copy.deepcopy(_rested())


def simulated(force: Callable[[float], float], end: float, artefacts: float) -> Listener:
    """A simulated person with a trigger point, pressed with `force`(time); a share of beats is missed or doubled."""
    random = np.random.default_rng(3)
    person, noise, errors = Person(threshold=300e3, trigger=0.7), random.standard_normal(int(1e3 * end)), random.random
    listener, last, missed = Listener(), math.nan, False
    for k in range(int(1e3 * end)):
        newton = force(1e-3 * k)
        if person.step(newton, TIP if newton else 0.0, 0.0, 0.0, noise[k]):
            rr, kind = person.time - last, errors()
            missed = not missed and kind < 0.5 * artefacts
            if not missed:
                halves = 2 if kind > 1.0 - 0.5 * artefacts else 1
                for part in range(halves, 0, -1):
                    listener.pacing.beat(person.time - (part - 1) * rr / halves, rr / halves)
                last = person.time
        if (k + 1) % 1000 == 0:
            now = 1e-3 * (k + 1)
            listener.rows.append((now, *listener.pacing.factors(now), listener.pacing.alarm(now)))
    return listener


@pytest.mark.parametrize("artefacts", [0.0, 0.05])
def test_a_press_that_does_not_hurt_changes_nothing(artefacts: float) -> None:
    listener = simulated(lambda t: 30.0 * (t > REST), 500.0, artefacts)
    assert (listener.factors() == 1.0).all()
    assert not listener.alarms()
    assert listener.pacing.baseline().rate == pytest.approx(66.7, abs=0.7)
    assert 1e3 * listener.pacing.baseline().rmssd == pytest.approx(38.0, abs=3.0)


@pytest.mark.parametrize("artefacts", [0.0, 0.05])
def test_a_press_that_hurts_is_lightened_and_slowed_for_as_long_as_the_heart_says_so(artefacts: float) -> None:
    listener = simulated(lambda t: 80.0 * (REST < t < 300.0), 560.0, artefacts)
    factors = listener.factors()
    assert (factors[: int(REST)] == 1.0).all()
    assert (factors.min(axis=0) > 0.7).all() and (factors.min(axis=0) < 0.95).all()
    assert (factors[-1] == 1.0).all(), "it comes back, when all is calm"


def test_it_falls_and_rises_at_the_stated_rates_and_rises_only_after_the_stated_calm() -> None:
    listener = rested()
    listener.live(150.0, rate=78.0)
    lowest = listener.factors()[-1]
    assert lowest == pytest.approx(LEAST)
    calm_from = listener.now
    listener.live(400.0)
    after = listener.factors(calm_from)
    assert (after[: int(CALM_S)] <= lowest + TINY).all()
    assert (after[-1] == 1.0).all()
    falls, rises = -np.diff(listener.factors(), axis=0), np.diff(after, axis=0)
    assert falls.max(axis=0) == pytest.approx(FALL * (1.0 - LEAST))
    assert rises.max(axis=0) == pytest.approx(RISE * (1.0 - LEAST))
    lost = 1.0 - listener.factors()[5:] / listener.factors()[:-5]
    assert 0.05 < lost.max() <= 0.1, "no more than 10 % in 5 s"


def test_a_pause_in_the_calm_starts_it_anew() -> None:
    listener = rested()
    listener.live(120.0, rate=70.0)
    lowest = listener.factors()[-1, 0]
    for _ in range(6):  # never calm for a minute by more than the window is
        listener.live(75.0)
        listener.live(25.0, rate=0.0)
    assert listener.factors()[-1, 0] == lowest < 1.0


def test_less_variability_alone_lightens() -> None:
    listener = rested()
    listener.live(120.0, swing=0.03)
    assert (listener.factors() == 1.0).all()
    listener.live(120.0, swing=0.015)
    assert (listener.factors()[-1] < 0.9).all()
    begin = listener.now
    listener.live(200.0, swing=0.015)
    assert (np.diff(listener.factors(begin), axis=0) <= 0.0).all(), "a calm rate alone raises nothing"


@pytest.mark.parametrize("silence", ["no beats", "nan", "impossible", "a third bad", "repeated"])
@pytest.mark.parametrize("strained", [False, True])
def test_what_is_not_known_leaves_all_as_it_is(silence: str, strained: bool) -> None:
    listener = rested()
    listener.live(80.0, rate=70.0 if strained else 60.0)
    begin = listener.now
    if silence == "no beats":
        listener.live(300.0, rate=0.0)
    elif silence == "a third bad":
        listener.live(300.0, good=0.67)
    elif silence == "repeated":
        for k in range(300):
            for _ in range(3):
                listener.pacing.beat(begin + 0.8 * k, 0.8)
            listener.now += 0.8
            listener.rows.append((listener.now, *listener.pacing.factors(listener.now), ""))
    else:
        for k in range(300):
            listener.pacing.beat(begin + k, math.nan if silence == "nan" else 1e-9)
            listener.now += 1.0
            listener.rows.append((listener.now, *listener.pacing.factors(listener.now), ""))
    later = listener.factors(begin + 30.0)
    assert np.ptp(later, axis=0).max() == 0.0, "nothing changes any more"
    assert (later[0] <= listener.factors(begin - 1.0)[0]).all(), "and before that, nothing rose"
    assert (later[0] < 1.0).all() == strained


def test_without_a_baseline_nothing_is_paced_but_alarms_are_heard() -> None:
    listener = Listener()
    listener.live(300.0, good=0.67)
    listener.live(120.0, rate=75.0)
    assert math.isnan(listener.pacing.baseline().rate)
    assert (listener.factors() == 1.0).all()
    listener.live(30.0, rate=130.0)
    assert "outside 45 to 120" in listener.alarms()[-1][1]


def test_the_baseline_takes_three_minutes_and_is_of_the_rest_alone() -> None:
    listener = Listener()
    listener.live(0.7 * REST_S[0])
    assert math.isnan(listener.pacing.baseline().rate) and math.isnan(listener.pacing.baseline().rmssd)
    listener.live(REST - listener.now)
    rest = listener.pacing.baseline()
    assert rest.rate == pytest.approx(60.0, abs=0.3)
    assert rest.rmssd == pytest.approx(0.03, rel=0.05)
    listener.live(200.0, rate=90.0)
    assert listener.pacing.baseline() == rest


def test_intervals_on_two_sides_of_a_gap_are_not_compared() -> None:
    pacing, time = Pacing(0.0, REST), 0.0
    while time < REST:
        for interval in [0.9] * 20, [0.8] * 20:
            for rr in interval:
                time += rr
                pacing.beat(time, rr)
            time += 1.7  # two beats are lost
    assert pacing.baseline().rmssd == 0.0


def test_a_beat_counts_from_its_time_on_however_early_it_is_told() -> None:
    listener = rested()
    for k in range(1, 100):
        listener.pacing.beat(listener.now + 40.0 + 0.7 * k, 0.7)
    listener.live(35.0)
    assert (listener.factors() == 1.0).all()
    assert not listener.alarms()


@pytest.mark.parametrize(("begin", "rest"), [(0.0, 179.0), (0.0, 301.0), (0.0, math.nan), (math.nan, 200.0)])
def test_other_rests_are_refused(begin: float, rest: float) -> None:
    with pytest.raises(InputError, match="is not allowed"):
        Pacing(begin, rest)


def test_a_leap_of_the_rate_asks_for_a_pause() -> None:
    listener = rested()
    begin = listener.now
    listener.live(30.0, rate=80.0)
    assert listener.alarms()[0][0] - begin < 12.0
    assert "up by" in listener.alarms()[0][1] and "within 30 s" in listener.alarms()[0][1]
    assert listener.alarms()[0][0] > begin
    listener.live(90.0, rate=80.0)
    assert not listener.alarms(listener.now - 50.0), "it is a rise no more"


@pytest.mark.parametrize("rate", [70.0, 74.0])
def test_a_smaller_or_slower_rise_asks_for_none(rate: float) -> None:
    listener = rested()
    listener.live(60.0, rate=rate)
    for slow in range(1, 12):
        listener.live(20.0, rate=rate + 3.0 * slow)
    assert not listener.alarms()


@pytest.mark.parametrize(("rate", "said"), [(42.0, "outside 45 to 120"), (125.0, "outside 45 to 120"), (47.0, "")])
def test_a_rate_out_of_bounds_asks_for_a_pause_as_long_as_beats_come(rate: float, said: str) -> None:
    listener = rested()
    listener.live(100.0, rate=rate)
    assert said in (listener.rows[-1][3] or "none") and bool(listener.rows[-1][3]) == bool(said)
    listener.live(10.0, rate=0.0)
    assert not listener.rows[-1][3]
    assert ALARM_RATE == (45.0, 120.0)


any_float = st.floats(allow_nan=True, allow_infinity=True)
time_near = st.floats(REST - 30.0, REST + 200.0)
garbage = st.lists(
    st.tuples(st.sampled_from(["beat", "ask"]), any_float | time_near, any_float | st.floats(0.2, 2.2)), max_size=200
)


@settings(deadline=None)
@given(garbage)
@example([("ask", math.inf, 0.0), ("ask", 1e308, 0.0), ("ask", 201.0, 0.0), ("beat", -1e308, 1e308)])
def test_no_sequence_of_beats_and_clocks_raises_anything(calls: list[tuple[str, float, float]]) -> None:
    listener = rested()
    listener.live(60.0, rate=75.0)
    before, latest = listener.factors()[-1], listener.now
    for kind, time, interval in calls:
        if kind == "beat":
            listener.pacing.beat(time, interval)
            continue
        factors = np.array(listener.pacing.factors(time))
        passed = max(0.0, time - latest) if math.isfinite(time) else 0.0
        latest += passed
        assert (factors >= LEAST - TINY).all() and (factors <= 1.0).all()
        assert (factors - before <= (1.0 - LEAST) * RISE * min(1.0, passed) + TINY).all()
        assert (before - factors <= (1.0 - LEAST) * FALL * min(1.0, passed) + TINY).all()
        assert isinstance(listener.pacing.alarm(time), str)
        before = factors


stretches = st.lists(
    st.tuples(
        st.sampled_from([5.0, 20.0, 80.0]),
        st.sampled_from([0.0, 20.0, 58.0, 60.0, 63.0, 70.0, 90.0, 150.0, 260.0]),
        st.sampled_from([0.0, 0.01, 0.03, 0.1]),
        st.sampled_from([0.5, 0.9, 1.0]),
    ),
    max_size=8,
)


@settings(deadline=None, max_examples=40)
@given(stretches)
def test_whatever_a_heart_does_nothing_rises_but_slowly_after_a_minute_of_calm(
    course: list[tuple[float, float, float, float]],
) -> None:
    listener = rested()
    for stretch in course:
        listener.live(*stretch)
    factors = np.vstack([np.ones(2), listener.factors()])
    change = np.diff(factors, axis=0)
    assert (factors <= 1.0).all() and (factors >= LEAST - TINY).all()
    assert (change <= (1.0 - LEAST) * RISE + TINY).all() and (-change <= (1.0 - LEAST) * FALL + TINY).all()
    rises, falls = (np.flatnonzero((sign * change > TINY).any(axis=1)) for sign in (1.0, -1.0))
    for rise in rises:
        assert rise - max(falls[falls < rise]) >= CALM_S


@settings(deadline=None, max_examples=20)
@given(st.floats(55.0, 100.0), st.floats(55.0, 100.0))
def test_a_faster_heart_is_never_pressed_harder(one: float, other: float) -> None:
    ends = []
    for rate in sorted((one, other)):
        listener = rested()
        listener.live(120.0, rate=rate)
        ends.append(listener.factors())
    assert (ends[1] <= ends[0] + TINY).all()


def count(beats: "np.ndarray[tuple[int], np.dtype[np.float64]]", end: float) -> tuple[object, object]:
    time = np.arange(0.0, end, 0.01)
    return time, np.searchsorted(beats, time, side="right").astype(float)


def test_a_run_is_compared_with_the_rest_before_it() -> None:
    rest = 60.0 / 66.0 + 0.04 * (-1.0) ** np.arange(300)
    pressed = 60.0 / 62.0 + 0.02 * (-1.0) ** np.arange(200)
    beats = np.cumsum(np.concatenate([rest, pressed]))
    touch = beats[299] + 0.5
    heart = rmssd_against_baseline(*count(beats, beats[-1]), touch)
    assert heart.before.rate == pytest.approx(66.0, abs=0.3)
    assert heart.during.rate == pytest.approx(62.0, abs=0.3)
    assert 1e3 * heart.before.rmssd == pytest.approx(80.0, abs=3.0)
    assert 1e3 * heart.during.rmssd == pytest.approx(40.0, abs=3.0)
    assert heart.rmssd_change == pytest.approx(math.log(0.5), abs=0.1)


def test_a_short_rest_or_none_is_no_baseline() -> None:
    beats = np.arange(0.5, 60.0, 0.9)
    heart = rmssd_against_baseline(*count(beats, 60.0), 5.0)
    assert math.isnan(heart.before.rate) and math.isnan(heart.rmssd_change)
    assert heart.during.rate == pytest.approx(66.7, abs=0.5)
    silent = rmssd_against_baseline(np.arange(0.0, 60.0, 0.01), np.full(6000, math.nan), 5.0)
    assert math.isnan(silent.before.rate) and math.isnan(silent.during.rate)
