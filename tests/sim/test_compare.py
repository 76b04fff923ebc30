"""Own hand against arm: the hand tires and reaches as published, and the comparison says what it rests on."""

import ast
import inspect
import json
import math
from dataclasses import fields, replace
from itertools import pairwise
from types import ModuleType

import numpy as np
import pytest
from massage_arm.app.compare import as_dict, verdict
from massage_arm.native import InputError, PersonConstants, person_constants
from massage_arm.sim import own_hand
from massage_arm.sim.compare import Change, Comparison, DosePlan, advantage, changes, compare_self, press_all, spread
from massage_arm.sim.own_hand import Muscles, OwnHand, press_oneself, reaches
from massage_arm.sim.people import draw_person

SMALL = DosePlan(sites=("upper_trapezius_left", "interscapular_right", "lumbar_erector_left"), hold_s=30.0)


@pytest.fixture(scope="module")
def small() -> Comparison:
    return compare_self(3, 1, SMALL, changes_on=0, checks_on=1)


@pytest.mark.parametrize(("module", "name"), [(person_constants, "PersonConstants"), (own_hand, "OwnHand")])
def test_the_list_of_assumed_constants_is_that_of_the_docstrings(module: ModuleType, name: str) -> None:
    tree = ast.parse(inspect.getsource(module))
    body = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name).body
    said = {}
    for field, doc in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(doc, ast.Expr):
            said[ast.unparse(field.target)] = "assumption" in ast.literal_eval(doc.value)
    assert set(said) == {field.name for field in fields(getattr(module, name))}, "each has a docstring"
    assert set(module.ASSUMED) == {field for field, assumed in said.items() if assumed}


@pytest.mark.parametrize(("share", "seconds"), [(0.2, 434), (0.3, 223), (0.4, 137), (0.5, 89), (0.6, 59), (0.8, 23)])
def test_a_hand_endures_as_long_as_published(share: float, seconds: float) -> None:
    muscles, time = Muscles(), 0.0
    while time < 2.0 or muscles.active >= 0.99 * share:
        muscles.step(OwnHand(), share, 0.05)
        time += 0.05
    assert time == pytest.approx(seconds, rel=0.05, abs=1.5)


def test_a_hand_that_rests_recovers_and_faster_than_one_that_works() -> None:
    hand, rested, working = OwnHand(), Muscles(tired=0.5), Muscles(tired=0.5)
    rested.rest(hand, 60.0)
    for _ in range(1200):
        working.step(hand, 0.02, 0.05)
    assert rested.tired < 0.3 < working.tired


def test_an_own_hand_overshoots_what_it_can_and_falls_short_of_what_it_cannot() -> None:
    asked = np.full(30_000, 30.0)
    strong, effort = press_oneself(OwnHand(), Muscles(), asked, 150.0, 0.002, np.random.default_rng(0))
    weak, strain = press_oneself(OwnHand(), Muscles(), asked, 35.0, 0.002, np.random.default_rng(0))
    assert strong.mean() > 31.0 and weak[-5000:].mean() < 21.0
    assert 0.0 <= effort.min() < effort.max() < strain.max() <= 0.6 + 1e-9
    assert 0.02 < strong[5000:].std() / strong[5000:].mean() < 0.25


def test_the_middle_of_the_back_is_hardest_to_reach() -> None:
    drawn = [reaches(OwnHand(), np.random.default_rng(k)) for k in range(300)]
    share = {site: np.mean([reach[site].strength > 0.0 for reach in drawn]) for site in drawn[0]}
    assert share["posterior_neck_left"] == share["lumbar_erector_right"] == share["gluteal_left"] == 1.0
    assert share["interscapular_left"] < 0.7 and share["infraspinatus_left"] < 0.7


def test_what_is_out_of_reach_gets_nothing() -> None:
    hand = OwnHand(over_shoulder_level=5.0, behind_back_level=1e-6)
    for one in press_all(draw_person(1, 0), SMALL, hand, "own_hand"):
        assert not one.reached and one.in_band == one.release == one.guarded == 0.0
        assert one.dose_error == pytest.approx(-1.0, abs=1e-3)


def test_an_arm_gives_the_dose_that_was_planned(small: Comparison) -> None:
    for one in small.pressed:
        if one.way == "arm":
            assert one.reached and one.guarded == 0.0 and abs(one.dose_error) < 0.02
    assert spread(small.pressed, "arm", "release")[0] > 0.1


def test_braced_muscle_does_not_let_go() -> None:
    easy = OwnHand(effort_tone=1e-9, shoulder_tone=1e-9, sitting_tone=1e-9, blade_tone=1e-9, weakest_share=1.0)
    person = replace(draw_person(1, 0), thumb_force_n=400.0)
    plan = DosePlan(sites=("upper_trapezius_left",))
    braced, calm = (press_all(person, plan, hand, "own_hand")[0] for hand in (OwnHand(weakest_share=1.0), easy))
    assert braced.guarded > 0.3 > 0.01 > calm.guarded
    assert braced.release < calm.release


def test_the_whole_arm_agrees_with_the_press_alone(small: Comparison) -> None:
    whole, alone = small.checks[0].whole, small.checks[0].alone
    assert whole.in_band == pytest.approx(alone.in_band, abs=0.1)
    assert whole.release == pytest.approx(alone.release, abs=0.03)


def test_two_processes_give_the_same(small: Comparison) -> None:
    assert compare_self(3, 1, SMALL, jobs=2, changes_on=0, checks_on=0).pressed == small.pressed


def test_every_assumption_is_halved_and_doubled() -> None:
    listed = {change.name for change in changes()}
    assert {"constants.dose_onset", "hand.most_effort", "person.threshold"} < listed
    person, hand = draw_person(1, 0), OwnHand()
    for change in changes():
        assert change.apply(person, hand) != (person, hand) or change.name == "constants.vagal_gain"
    assert Change("hand.drift", 2.0).apply(person, hand)[1].drift == 2.0 * hand.drift
    usual = PersonConstants().dose_tone
    assert Change("constants.dose_tone", 0.5).apply(person, hand)[0].constants.dose_tone == 0.5 * usual


def test_a_change_that_takes_the_lead_away_is_named(small: Comparison) -> None:
    onset = [Change("constants.dose_onset", 4.0)]
    pressed = [
        one
        for k in range(3)
        for way in ("own_hand", "arm")
        for one in press_all(onset[0].apply(draw_person(1, k), OwnHand())[0], SMALL, OwnHand(), way)
    ]
    changed = Comparison(SMALL, 1, 3, small.pressed, small.checks, [(onset[0], pressed)])
    assert advantage(pressed, "release") == pytest.approx(0.0, abs=1e-3)
    shown = json.loads(json.dumps(as_dict(changed)))
    assert shown["assumptions"][0]["constant"] == "constants.dose_onset"
    assert "dose_onset" in verdict(changed) or advantage(pressed, "release") > 0.0
    assert math.isfinite(shown["figures"]["release"]["arm"]["p95"])


@pytest.mark.parametrize("change", [{"sites": ()}, {"sites": ("knee",)}, {"share": 0.0}, {"hold_s": math.nan}])
def test_a_plan_that_cannot_be_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"dose plan|site"):
        DosePlan(**change)  # type: ignore[arg-type]
