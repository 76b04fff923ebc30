"""The guard by its requirements: every check at its bound, in its states, with NaN, and after its time."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from massage_arm.native import Cause, GuardLimits
from massage_arm.native.guard_trial import GuardTrial

LIMITS = GuardLimits()
NAN = math.nan
TINY = 1e-9  # relative, beside a bound


class Guarded:
    """A guard with a sensor that lives: no reading is like the one before."""

    def __init__(self, **changed: float) -> None:
        self.trial = GuardTrial(replace(LIMITS, **changed))
        self.cycles = 0

    def check(self, **seen: Any) -> Cause:
        self.cycles += 1
        return Cause(self.trial.check(**{"raw": [1e-6 * self.cycles] * 6, **seen}))

    def after(self, seconds: float, dt: float = 0.001, **seen: Any) -> Cause:
        """What all cycles within the first `seconds` of seeing this have caused."""
        causes = Cause(0)
        for _ in range(round(seconds / dt)):
            causes |= self.check(dt=dt, **seen)
        return causes


def above(bound: float) -> float:
    return bound * (1.0 + TINY) if bound else TINY


# What is wrong at once: in which state, which number, and the bound up to which it is allowed.
AT_ONCE: Sequence[tuple[Cause, Mapping[str, Any], str, float]] = [
    (Cause.OUTSIDE, {}, "away", LIMITS.reach),
    (Cause.TOO_DEEP, {"pressing": True}, "depth", LIMITS.depth_max),
    (Cause.OVER_FORCE, {"force_now": 0.0}, "force", LIMITS.force_hard),
    (Cause.FORCE_JUMP, {"working": True}, "force_now", LIMITS.jump_force),
    (Cause.CLOCK, {"dt": 0.0, "loop_step": 0.0}, "clock_step", LIMITS.clock_jump),
]


@pytest.mark.parametrize(("cause", "state", "name", "bound"), AT_ONCE, ids=[str(row[0].name) for row in AT_ONCE])
def test_what_is_wrong_at_once(cause: Cause, state: Mapping[str, Any], name: str, bound: float) -> None:
    assert cause not in Guarded().check(**{**state, name: bound})
    assert cause in Guarded().check(**{**state, name: above(bound)})
    assert cause in Guarded().check(**{**state, name: NAN})


# What must last: the state, the number, its bound and its time.
LASTING: Sequence[tuple[Cause, Mapping[str, Any], str, float, float]] = [
    (Cause.OVER_SPEED, {}, "speed", LIMITS.speed_max, 0.004),
    (Cause.OVER_POWER, {"pressing": True, "force": 2.0}, "speed_in", LIMITS.power_max / 2.0, 0.004),
    (Cause.OVER_CAP, {}, "force", LIMITS.force_cap, LIMITS.cap_time),
    (
        Cause.OVER_CAP,
        {"pressing": True, "reference": 20.0},
        "force",
        20.0 * (1.0 + LIMITS.above_share) + LIMITS.above_force,
        LIMITS.cap_time,
    ),
    (
        Cause.OVER_CAP,
        {"pressing": True, "reference": 40.0},
        "force",
        40.0 * (1.0 + LIMITS.above_share) + LIMITS.above_force,
        LIMITS.cap_time,
    ),
    (Cause.OVER_CAP, {"held": True, "heard": False}, "force", LIMITS.above_force, LIMITS.cap_time),
    (Cause.OVER_CAP, {"other_valid": True}, "other", LIMITS.force_cap + LIMITS.disagree_force, LIMITS.disagree_time),
    (
        Cause.SENSOR_DISAGREES,
        {"other_valid": True, "force": 3.0},
        "other",
        3.0 + LIMITS.disagree_force,
        LIMITS.disagree_time,
    ),
    (Cause.COLLISION, {"idle": True}, "total", LIMITS.free_force, LIMITS.collision_time),
    (Cause.COLLISION, {"other_valid": True}, "off_tool", LIMITS.collision_torque, LIMITS.collision_time),
    (Cause.STILL_PUSHING, {"stopped": True}, "push", LIMITS.unload_force, LIMITS.unload_time),
]
NAMES = [f"{row[0].name}-{row[2]}" for row in LASTING]


@pytest.mark.parametrize("dt", [0.001, 0.0005, 0.004])
@pytest.mark.parametrize(("cause", "state", "name", "bound", "lasts"), LASTING, ids=NAMES)
def test_what_must_last(
    cause: Cause, state: Mapping[str, Any], name: str, bound: float, lasts: float, dt: float
) -> None:
    for wrong in (above(bound), NAN):
        guarded = Guarded()
        shorter = math.floor(lasts / dt + 1e-6) * dt  # the last cycle in which it is allowed still
        assert cause not in guarded.after(shorter - dt, dt, **{**state, name: wrong})
        assert cause in guarded.after(2.0 * dt, dt, **{**state, name: wrong})
    assert cause not in Guarded().after(lasts + 10 * dt, dt, **{**state, name: bound})


# What is wrong from its first cycle on, and for how long that is allowed.
ALLOWED_FOR: Sequence[tuple[Cause, Mapping[str, Any], float]] = [
    *((cause, {**state, name: above(bound)}, lasts) for cause, state, name, bound, lasts in LASTING),
    (Cause.SENSOR_FROZEN, {"working": True, "raw": [0.0] * 6}, LIMITS.frozen_time),
    (Cause.OSCILLATION, {"holding": True, "force": 60.0}, LIMITS.swing_lasts),
    (Cause.FORCE_NOT_REACHED, {"holding": True, "force": 60.0}, LIMITS.error_time),
]


@pytest.mark.parametrize(("cause", "wrong", "lasts"), ALLOWED_FOR, ids=[str(row[0].name) for row in ALLOWED_FOR])
def test_what_lasts_exactly_as_long_as_it_may_is_allowed(cause: Cause, wrong: Mapping[str, Any], lasts: float) -> None:
    assert cause not in Guarded().check(dt=lasts, **wrong)
    assert cause in Guarded().check(dt=above(lasts), **wrong)


BROKEN_OFF = [row for row in LASTING if row[0] is not Cause.STILL_PUSHING]  # it counts from the stop


@pytest.mark.parametrize(
    ("cause", "state", "name", "bound", "lasts"), BROKEN_OFF, ids=[f"{row[0].name}-{row[2]}" for row in BROKEN_OFF]
)
def test_what_stops_in_between_begins_anew(
    cause: Cause, state: Mapping[str, Any], name: str, bound: float, lasts: float
) -> None:
    guarded = Guarded()
    for _ in range(3):
        assert cause not in guarded.after(lasts - 0.002, **{**state, name: above(bound)})
        assert cause not in guarded.after(0.001, **{**state, name: 0.0 if name != "other" else state.get("force", 0.0)})


# When a check does not count: the state that it needs, taken away.
IDLE_CHECKS: Sequence[tuple[Cause, Mapping[str, Any], Mapping[str, Any]]] = [
    (Cause.TOO_DEEP, {"depth": 1.0, "pressing": True}, {"pressing": False}),
    (Cause.OVER_POWER, {"force": 100.0, "speed_in": 1.0, "pressing": True}, {"pressing": False}),
    (Cause.OVER_FORCE, {"force": 1e3}, {"felt": False}),
    (Cause.OVER_CAP, {"force": 1e3}, {"felt": False}),
    (Cause.OVER_CAP, {"force": 10.0, "held": True}, {"felt": False}),
    (Cause.OVER_CAP, {"force": 10.0, "held": True}, {"held": False}),
    (Cause.OVER_CAP, {"force": 40.0, "reference": 5.0, "pressing": True}, {"pressing": False}),
    (Cause.COLLISION, {"total": 100.0, "idle": True}, {"idle": False}),
    (Cause.COLLISION, {"total": 100.0, "idle": True}, {"felt": False}),
    (Cause.COLLISION, {"off_tool": 100.0, "other_valid": True}, {"other_valid": False}),
    (Cause.SENSOR_DISAGREES, {"other": 100.0, "other_valid": True}, {"other_valid": False}),
    (Cause.SENSOR_DISAGREES, {"other": 20.0, "other_valid": True}, {"heard": False}),
    (Cause.OVER_CAP, {"other": 500.0, "other_valid": True}, {"other_valid": False}),
    (Cause.STILL_PUSHING, {"push": 100.0, "stopped": True}, {"stopped": False}),
    (Cause.SENSOR_FROZEN, {"raw": [1.0] * 6, "working": True}, {"working": False}),
    (Cause.SENSOR_FROZEN, {"raw": [1.0] * 6, "working": True}, {"heard": False}),
]


@pytest.mark.parametrize(
    ("cause", "wrong", "without"), IDLE_CHECKS, ids=[f"{c.name}-{next(iter(w))}" for c, _, w in IDLE_CHECKS]
)
def test_a_check_counts_in_its_states_only(cause: Cause, wrong: Mapping[str, Any], without: Mapping[str, Any]) -> None:
    assert cause in Guarded().after(0.5, **wrong)
    assert cause not in Guarded().after(0.5, **{**wrong, **without})


def test_nothing_is_wrong_with_a_quiet_press() -> None:
    calm = {"working": True, "pressing": True, "holding": True, "reference": 40.0, "force": 40.0, "other_valid": True}
    guarded = Guarded()
    guarded.check(first=True, **calm, other=40.0)
    assert guarded.after(3.0, **calm, other=40.0, speed=0.01, depth=0.02, away=0.03) == Cause(0)
    assert guarded.after(1.0, stopped=True, push=-20.0) == Cause(0)


# The joints.

STILL = {"q": [0.0, 0.0], "q_before": [0.0, 0.0], "dq": [0.0, 0.0]}


def turning(speed: float, dt: float = 0.001, said: float | None = None) -> dict[str, Any]:
    """One joint that moves, beside one that stands."""
    return {"q": [0.0, speed * dt], "q_before": [0.0, 0.0], "dq": [0.0, speed if said is None else said]}


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_joint_that_turns_too_fast_for_longer_than_4_ms(sign: float) -> None:
    fast = sign * above(LIMITS.joint_speed_max)
    assert Cause.OVER_SPEED not in Guarded().after(0.004, **turning(fast))
    assert Cause.OVER_SPEED in Guarded().after(0.005, **turning(fast))
    assert Guarded().after(0.1, **turning(sign * LIMITS.joint_speed_max)) == Cause(0)
    assert Cause.OVER_SPEED in Guarded().after(0.01, q=[0.0], q_before=[0.0], dq=[NAN])


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("joint", [0, 1])
def test_a_joint_that_leaps(sign: float, joint: int) -> None:
    def leap(size: float, said: float = 0.0) -> Cause:
        q, dq = [0.1, 0.1], [0.0, 0.0]
        q[joint] += sign * size
        dq[joint] = sign * said
        return Guarded(speed_error=1e3).check(q=q, q_before=[0.1, 0.1], dq=dq)

    way = LIMITS.joint_speed_max * 0.001
    assert leap(0.999 * way) == Cause(0)
    assert leap(1.001 * way) == Cause.STATE_JUMP, "as its own speed does not explain"
    assert leap(1.001 * way, LIMITS.joint_speed_max) == Cause(0)
    assert leap(3.999 * way, 4.0 * LIMITS.joint_speed_max) == Cause(0)
    assert leap(4.001 * way, 4.0 * LIMITS.joint_speed_max) == Cause.STATE_JUMP, "as no arm does"
    assert leap(NAN) == Cause.STATE_JUMP


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize(("ways", "said"), [(1.0, 0.0), (4.0, 4.0)])
def test_a_joint_that_moves_just_as_far_as_it_may(sign: float, ways: float, said: float) -> None:
    moved, rate = sign * ways * (LIMITS.joint_speed_max * 0.001), sign * said * LIMITS.joint_speed_max
    for far, seen in ((moved, Cause(0)), (above(moved), Cause.STATE_JUMP)):
        assert Guarded(speed_error=1e3).check(q=[far], q_before=[0.0], dq=[rate]) == seen


def test_the_first_cycle_has_nothing_to_leap_from() -> None:
    assert Guarded().check(first=True, q=[1.0], q_before=[0.0], dq=[0.0], clock_step=100.0) == Cause(0)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_speed_that_does_not_fit_the_position(sign: float) -> None:
    wrong = sign * above(LIMITS.speed_error)
    guarded = Guarded()
    assert guarded.after(0.02, **turning(0.0, said=sign * 0.99 * LIMITS.speed_error)) == Cause(0)
    assert Cause.STATE_JUMP in guarded.after(0.2, **turning(0.0, said=1.05 * wrong))
    quick = Guarded()  # twice what is allowed: after 10 ms times log 2
    assert quick.after(0.006, **turning(0.0, said=2.0 * wrong)) == Cause(0)
    assert Cause.STATE_JUMP in quick.after(0.003, **turning(0.0, said=2.0 * wrong))
    assert Guarded().after(0.2, **turning(1.4)) == Cause(0), "fast, and both say so"
    twice = sign * 2.0 * LIMITS.speed_error  # half of it is believed in a cycle of 10 ms
    assert Guarded().check(**turning(0.0, said=twice), dt=0.01) == Cause(0)
    assert Guarded().check(**turning(0.0, said=above(twice)), dt=0.01) == Cause.STATE_JUMP


def test_how_far_a_joint_may_move_counts_by_the_arms_clock() -> None:
    fits = turning(1.0, dt=0.003)
    assert Guarded().check(**fits, clock_step=0.003, loop_step=0.0021) == Cause(0), "two cycles were lost"
    assert Guarded().check(**turning(1.0), clock_step=0.001, loop_step=0.003) == Cause(0), "the loop was late"
    assert Cause.STATE_JUMP in Guarded().check(**turning(3.1), clock_step=0.0, loop_step=0.002, dt=0.001)
    assert Cause.STATE_JUMP not in Guarded().check(**turning(1.0, dt=0.002), clock_step=0.0, loop_step=0.002, dt=0.001)
    assert Cause.STATE_JUMP not in Guarded().check(**turning(1.0, dt=0.004), clock_step=0.0, loop_step=0.002, dt=0.004)
    leap = {"q": [0.05], "q_before": [0.0], "dq": [0.0]}
    assert Cause.STATE_JUMP not in Guarded(speed_error=9.0).check(**leap, clock_step=0.05, loop_step=0.001)
    assert Cause.STATE_JUMP in Guarded(speed_error=9.0).check(**leap, clock_step=0.051, loop_step=0.001), "no clock"


# Clocks.


def test_a_clock_that_goes_back_or_drifts_away() -> None:
    assert Guarded().check(clock_step=-TINY) == Cause.CLOCK
    assert Guarded().check(clock_step=0.0) == Cause(0), "the same state read twice"
    assert Guarded().after(0.5, clock_step=0.001 + 9e-6) == Cause(0)
    slow = Guarded()
    assert Cause.CLOCK not in slow.after(0.4, clock_step=0.00098)
    assert Cause.CLOCK in slow.after(1.0, clock_step=0.00098)
    assert Cause.CLOCK in Guarded().after(1.4, clock_step=0.00102)


def test_what_the_clock_lost_is_forgotten_within_seconds() -> None:
    guarded = Guarded()
    guarded.check(clock_step=0.001 + 0.9 * LIMITS.clock_jump)
    assert Cause.CLOCK in Guarded.check(guarded, clock_step=0.001 + 0.2 * LIMITS.clock_jump)
    guarded = Guarded()
    guarded.check(clock_step=0.001 + 0.9 * LIMITS.clock_jump)
    guarded.after(1.0)  # 0.33 of it is left
    assert guarded.check(clock_step=0.001 + 0.6 * LIMITS.clock_jump) == Cause(0)
    assert guarded.check(clock_step=0.001 + 0.2 * LIMITS.clock_jump) == Cause.CLOCK


# The sensor.


def test_a_reading_that_stays_the_same_to_the_last_bit() -> None:
    frozen: dict[str, Any] = {"raw": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "working": True}
    guarded = Guarded()
    assert guarded.after(LIMITS.frozen_time + 0.001, **frozen) == Cause(0), "the first is like none before it"
    assert guarded.after(0.001, **frozen) == Cause.SENSOR_FROZEN


def test_an_old_reading_is_not_a_frozen_one() -> None:
    """Over a network single readings come late or never; how old one may be is another limit."""
    old: dict[str, Any] = {"raw": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "working": True}
    guarded = Guarded()
    assert guarded.after(10.0 * LIMITS.frozen_time, sensor_step=0.0, **old) == Cause(0)
    assert guarded.after(LIMITS.frozen_time + 0.001, **old) == Cause.SENSOR_FROZEN


@pytest.mark.parametrize("axis", range(6))
def test_one_axis_that_moves_is_enough_to_live(axis: int) -> None:
    guarded = Guarded()
    for k in range(40):
        raw = [1.0] * 6
        raw[axis] = math.nextafter(1.0, 2.0) if k % 2 else 1.0
        assert guarded.check(raw=raw, working=True) == Cause(0)


def test_a_jump_counts_from_about_20_ms_ago() -> None:
    guarded = Guarded()
    assert guarded.check(first=True, working=True, force_now=20.0) == Cause(0), "nothing to jump from"
    assert guarded.check(working=True, force_now=20.0 - 0.99 * LIMITS.jump_force) == Cause(0)
    assert guarded.check(working=True, force_now=20.0 - 1.05 * LIMITS.jump_force) == Cause.FORCE_JUMP
    assert Guarded().check(force_now=100.0) == Cause(0), "nothing is worked on"
    ramp = Guarded()
    for k in range(400):  # 600 N/s lag 12 N behind in 20 ms
        assert ramp.check(working=True, force_now=0.6 * k) == Cause(0)
    assert any(ramp.check(working=True, force_now=240.0 + 0.9 * k) for k in range(100))
    slow = Guarded()
    slow.after(0.02, working=True, force_now=10.0)  # 0.63 of 10 N by now
    assert slow.check(working=True, force_now=6.2 + 0.99 * LIMITS.jump_force) == Cause(0)
    assert Guarded().check(working=True, heard=False, force_now=100.0) == Cause(0)
    for force, seen in ((LIMITS.jump_force, Cause(0)), (above(LIMITS.jump_force), Cause.FORCE_JUMP)):
        halved = Guarded()  # 16 N, half of them believed in a cycle of 20 ms
        halved.check(dt=LIMITS.jump_time, force_now=16.0)
        assert halved.check(working=True, force_now=8.0 + force) == seen


def test_two_channels_disagree_either_way() -> None:
    for other in (3.0 + 1.001 * LIMITS.disagree_force, 3.0 - 1.001 * LIMITS.disagree_force):
        assert Cause.SENSOR_DISAGREES in Guarded().after(0.06, other_valid=True, force=3.0, other=other)


@pytest.mark.parametrize("reference", [47.0, 60.0])  # 47 * 1.25 + 8 is above the cap, if only with the 8
def test_what_is_asked_lowers_the_cap_only_while_pressing_and_never_raises_it(reference: float) -> None:
    much = {"pressing": True, "reference": reference}
    assert Cause.OVER_CAP in Guarded().after(0.01, **much, force=above(LIMITS.force_cap))
    assert Cause.OVER_CAP not in Guarded().after(0.01, **much, force=LIMITS.force_cap)


# The loop.

HOLDING = {"pressing": True, "holding": True, "reference": 20.0}


def swinging(guarded: Guarded, amplitude: float, seconds: float, **changed: Any) -> Cause:
    """A square wave of 50 Hz about the reference: its mean size is its amplitude."""
    causes = Cause(0)
    for k in range(round(seconds * 1000)):
        force = 20.0 + (amplitude if k // 10 % 2 else -amplitude)
        causes |= guarded.check(**{**HOLDING, "force": force, "force_now": 20.0, **changed})
    return causes


def test_a_force_that_swings_in_hold() -> None:
    bound = LIMITS.swing_force + LIMITS.swing_rate * 20.0
    assert swinging(Guarded(), 0.99 * bound, 4.0) == Cause(0)
    assert Cause.OSCILLATION in swinging(Guarded(), 1.1 * bound, 4.0)
    assert swinging(Guarded(), 1.5 * bound, 0.3 * 1.0986 + LIMITS.swing_lasts - 0.06) == Cause(0)
    assert Cause.OSCILLATION in swinging(Guarded(), 1.5 * bound, 0.3 * 1.0986 + LIMITS.swing_lasts + 0.06)
    assert swinging(Guarded(), 1.5 * bound, 4.0, holding=False) == Cause(0)


def test_a_force_that_stays_away_in_hold_either_way() -> None:
    bound = LIMITS.error_force + LIMITS.error_share * 20.0
    for sign in (1.0, -1.0):
        off = {**HOLDING, "force_now": 20.0}
        assert Guarded().after(5.0, **off, force=20.0 + sign * 0.99 * bound) == Cause(0)
        # Twice the bound is reached by the mean after 0.3 s times log 2, and must then last for 1 s.
        late = 0.3 * math.log(2.0) + LIMITS.error_time
        assert Guarded(swing_force=99.0).after(
            late - 0.01, **off, force=20.0 + sign * 2.0 * bound, heard=False
        ) == Cause(0)
        guarded = Guarded(swing_force=99.0)
        assert (
            guarded.after(late + 0.01, **off, force=20.0 + sign * 2.0 * bound, heard=False) == Cause.FORCE_NOT_REACHED
        )
    assert Guarded().after(5.0, **{**HOLDING, "holding": False}, force=8.0) == Cause(0)


def test_the_loop_is_watched_anew_in_every_hold() -> None:
    guarded = Guarded()
    for _ in range(4):
        assert guarded.after(0.8, **HOLDING, force=12.0, force_now=20.0) == Cause(0)
        assert guarded.after(0.001, **{**HOLDING, "holding": False}, force=12.0, force_now=20.0) == Cause(0)
    bound = LIMITS.swing_force + LIMITS.swing_rate * 20.0
    for _ in range(4):
        assert swinging(guarded, 1.5 * bound, 0.6) == Cause(0)
        swinging(guarded, 0.0, 0.001, holding=False)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_mean_and_the_swing_of_a_force_at_their_bounds(sign: float) -> None:
    # In a cycle of 0.3 s the mean comes half the way, 6 N, and the swing half the way to the other half, 3 N.
    for error, seen in ((12.0, Cause(0)), (above(12.0), Cause.OSCILLATION | Cause.FORCE_NOT_REACHED)):
        guarded = Guarded(swing_lasts=0.1, error_time=0.1)
        assert guarded.check(**HOLDING, dt=0.3, force=20.0 + sign * error) == seen


def test_a_hold_begins_with_nothing_of_what_was_before() -> None:
    guarded = Guarded(swing_lasts=1e-4, error_time=1e-4)
    assert guarded.check(**{**HOLDING, "holding": False}, force=NAN, felt=False) == Cause(0)
    assert guarded.check(**HOLDING, force=20.0) == Cause(0)
    guarded = Guarded()
    guarded.check(**{**HOLDING, "holding": False}, force=20.0)
    assert guarded.check(**HOLDING, force=NAN, felt=False) == Cause(0), "wrong for one cycle"


def test_nan_in_hold_is_both() -> None:
    causes = Guarded().after(2.0, **{**HOLDING, "force": NAN})
    assert Cause.OSCILLATION | Cause.FORCE_NOT_REACHED in causes


# Memory.


def test_pushing_after_a_stop_counts_from_the_last_stop() -> None:
    guarded = Guarded()
    half = 0.5 * LIMITS.unload_time
    assert guarded.after(half, stopped=True, push=50.0) == Cause(0)
    assert guarded.check(stopped=False, push=50.0) == Cause(0)
    assert guarded.after(LIMITS.unload_time - 0.001, stopped=True, push=50.0) == Cause(0)
    assert guarded.after(0.002, stopped=True, push=50.0) == Cause.STILL_PUSHING
    assert guarded.check(dt=2.0 * LIMITS.unload_time, push=50.0) == Cause(0), "no stop"
    assert guarded.check(dt=LIMITS.unload_time, stopped=True, push=50.0) == Cause(0)


def test_reset_forgets_everything() -> None:
    guarded = Guarded()
    wrong: dict[str, Any] = {**HOLDING, "force": 64.0, "speed": 1.0, "stopped": True, "push": 50.0, "other_valid": True}
    wrong |= {"off_tool": 50.0, "raw": [1.0] * 6, "clock_step": 0.009, **turning(0.0, said=0.4)}
    guarded.after(0.5, **wrong)
    guarded.trial.reset()
    fresh = Guarded()
    for _ in range(2000):
        assert guarded.check(**wrong) == fresh.check(**wrong)


def test_causes_come_together() -> None:
    seen = Guarded().check(away=9.0, depth=9.0, pressing=True, force=999.0, clock_step=-1.0, force_now=0.0)
    assert seen == Cause.OUTSIDE | Cause.TOO_DEEP | Cause.OVER_FORCE | Cause.CLOCK
