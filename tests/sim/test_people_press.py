"""A press on a living body: any of the people, who breathe, startle, turn over and whose skin takes the lotion in."""

from dataclasses import replace

import numpy as np
import pytest
from massage_arm.control.body import body_names
from massage_arm.control.metrics import metrics
from massage_arm.control.plan import PressPlan
from massage_arm.native import Cause, ContactState
from massage_arm.sim.press import PressSimulation

from .test_press import SHORT, in_state, run

LONG = replace(SHORT, hold_s=6.0)


@pytest.mark.parametrize("person", [*body_names(), "3/1", "3/2", "3/3"])
def test_the_press_runs_on_all_of_them(person: str) -> None:
    plan = replace(SHORT, person=person, hold_s=2.0, site="upper_trapezius_left")
    ticks = run(plan)
    hold = in_state(ticks, ContactState.HOLD)
    assert ticks["causes"][-1] == 0
    assert ticks["force_true"][hold].mean() == pytest.approx(20.0, abs=0.6)
    assert (ticks["beats"][-1] > 3) and ticks["pressure_share"][hold].min() > 0.1


def test_a_startle_pushes_and_braces_and_passes() -> None:
    calm, startled = run(LONG), run(replace(LONG, startle_s=6.0))
    assert np.array_equal(calm["force_true"][:6000], startled["force_true"][:6000])
    assert startled["tone"].max() > 0.4 > 0.1 > calm["tone"].max()
    assert startled["force_true"].max() > calm["force_true"].max() + 1.0
    assert startled["force_true"].max() < 20.0 + 25.0, "the arm gives way"
    hold = in_state(startled, ContactState.HOLD)
    assert abs(startled["force_true"][hold][-500:].mean() - 20.0) < 1.0


@pytest.mark.parametrize("shift", [-4.0, 15.0])
def test_a_body_that_moves_is_followed(shift: float) -> None:
    ticks = run(replace(LONG, shift_s=8.0, shift_mm=shift))
    hold = in_state(ticks, ContactState.HOLD)
    assert abs(ticks["force_true"][hold][-500:].mean() - 20.0) < 0.5
    height = ticks["tcp_position"][hold][:, 2]
    assert 1e3 * (height[-100:].mean() - height[:100].mean()) == pytest.approx(shift, abs=4.0)


def test_a_body_that_drops_away_is_not_chased() -> None:
    ticks = run(replace(LONG, shift_s=8.0, shift_mm=-50.0))
    assert Cause(int(ticks["causes"][-1])) == Cause.CONTACT_LOST
    assert ticks["force_true"][-1] == 0.0


@pytest.mark.parametrize(("skin", "friction"), [("dry", 0.36), ("oil", 0.10), ("lotion", 0.10 + 0.35 * 2.0 / 300.0)])
def test_skin_drags_as_it_is_treated(skin: str, friction: float) -> None:
    simulation = PressSimulation(replace(SHORT, skin=skin))
    simulation.advance(2001)
    simulation.close()
    assert simulation.tissue.friction == pytest.approx(friction, abs=1e-4)


def test_the_figures_tell_of_the_person() -> None:
    plan = PressPlan(hold_s=20.0, person="2/3")
    values = {figure.name: figure.value for figure in metrics(run(plan), plan)}
    assert 0.0 < values["release"] < 100.0 and 45.0 < values["heart_rate"] < 110.0
    assert values["max_pain"] >= 0.0 and 0.0 < values["max_tone"] < 100.0
    assert np.isnan(values["rmssd"]), "20 s hold too few beats for it"
