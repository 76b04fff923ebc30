"""The tank: what it holds, what it gives back, and what it lets through."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from massage_arm.native import ControllerSettings
from massage_arm.native.trial import tank_with

G = ControllerSettings()
DT = 0.001
AMOUNTS = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=50)


def run(energy: float, out: Any, springs: Any = None, *, refill: float = G.tank_refill) -> tuple[Any, Any]:
    """Energy and share after each cycle of a tank of the default size."""
    out = np.asarray(out, dtype=float)
    springs = np.zeros(len(out)) if springs is None else np.asarray(springs, dtype=float)
    rows = tank_with(energy, out, springs, refill=refill, low=G.tank_low, high=G.tank_high, most=G.tank_max, dt=DT)
    return rows[:, 0], rows[:, 1]


@settings(deadline=None)
@given(out=AMOUNTS, springs=AMOUNTS, begin=st.floats(0.0, 4.0), scale=st.sampled_from([1e-3, 1.0, 1e6, 1e300]))
def test_neither_what_is_stored_nor_a_debt_is_more_than_its_size(
    out: list[float], springs: list[float], begin: float, scale: float
) -> None:
    n = min(len(out), len(springs))
    energy, share = run(begin, scale * np.array(out[:n]), np.array(springs[:n]))
    assert (np.abs(energy) <= G.tank_max).all()
    assert ((share >= 0.0) & (share <= 1.0)).all()


@settings(deadline=None)
@given(out=st.lists(st.floats(-50.0, 50.0), min_size=1, max_size=50), begin=st.floats(0.0, 4.0))
def test_it_gains_no_more_than_what_comes_in_and_the_refill(out: list[float], begin: float) -> None:
    energy, _ = run(begin, out)
    gained = np.diff(np.r_[begin, energy])
    came_in = np.maximum(0.0, -np.array(out))
    assert (gained <= (came_in + G.tank_refill) * DT + 1e-12).all()


def test_what_leaves_is_taken_and_what_springs_give_is_not() -> None:
    energy, _ = run(2.0, np.full(100, 3.0), refill=0.0)
    assert energy[-1] == pytest.approx(2.0 - 0.3)
    springs = np.linspace(0.5, 0.2, 100)  # 0.3 J leave through the tool, and the springs pay for them
    out = -np.diff(np.r_[springs[0], springs]) / DT
    np.testing.assert_allclose(run(2.0, out, springs, refill=0.0)[0], 2.0)


def test_a_spring_that_is_stiffened_by_command_costs_what_it_then_holds() -> None:
    springs = np.linspace(0.0, 0.4, 50)
    assert run(1.0, np.zeros(50), springs, refill=0.0)[0][-1] == pytest.approx(0.6)


def test_what_was_overdrawn_is_paid_back_before_anything_is_spent() -> None:
    energy, share = run(0.1, np.r_[np.full(200, 2.0), np.full(200, -2.0)], refill=0.0)
    assert energy[199] == pytest.approx(-0.3)
    assert energy[-1] == pytest.approx(0.1)
    assert (share == 0.0).all()


def test_an_idle_tank_fills_at_the_stated_power_up_to_its_size() -> None:
    energy, _ = run(0.0, np.zeros(10_000))
    assert energy[999] == pytest.approx(1000 * DT * G.tank_refill)
    assert energy[-1] == G.tank_max


def test_the_gate_is_shut_below_low_open_above_high_and_smooth_between() -> None:
    levels = np.linspace(0.0, 1.0, 201)
    share = np.array([run(level, [0.0], refill=0.0)[1][0] for level in levels])
    assert (share[levels <= G.tank_low] == 0.0).all()
    assert (share[levels >= G.tank_high] == 1.0).all()
    assert (np.diff(share) >= 0.0).all()
    assert np.abs(np.diff(share)).max() < 0.02
    middle = 0.5 * (G.tank_low + G.tank_high)
    assert run(middle, [0.0], refill=0.0)[1][0] == pytest.approx(0.5)


@pytest.mark.parametrize("springs", [[0.0, 0.0], [0.0, np.nan]])
def test_nan_is_not_hidden(springs: list[float]) -> None:
    # A share that is no number makes a command that is none, which the controller refuses and latches.
    _, share = run(1.0, [np.nan, 0.0] if springs[1] == 0.0 else [0.0, 0.0], springs)
    assert np.isnan(share[-1])


@pytest.mark.parametrize(("out", "left"), [(np.inf, -G.tank_max), (-np.inf, G.tank_max)])
def test_an_infinite_power_overdraws_or_fills_it_and_no_more(out: float, left: float) -> None:
    assert run(1.0, [out])[0][0] == left
