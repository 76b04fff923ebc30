"""Garbage at the controller's inputs: what `bench.garbage` counts over a million cycles, over a few here."""

from typing import Any

import numpy as np
import pytest
from massage_arm.native import Cause, ContactState, Task

from bench import garbage


def test_every_number_of_the_records_is_an_input() -> None:
    scene = garbage.Scene()
    for record in ("state", "set_point"):
        values = getattr(scene, record).values
        tried = {i for where, at in garbage.INPUTS.values() if where == record for i in range(at.start, at.stop)}
        assert tried == set(range(values.size))
    for name, (record, at) in garbage.INPUTS.items():
        of = getattr(scene, record, None)
        if of is not None and hasattr(of, name) and name != "task":
            of.values[:] = 0.0
            of.values[at] = 1.0
            assert np.all(getattr(of, name) == np.ones(at.stop - at.start)), name


def test_the_press_that_is_spoiled_goes_through_all_its_states() -> None:
    scene = garbage.Scene()
    controller, seen = scene.controller(), set()
    scene.activate(controller)
    for k in range(garbage.LAST):
        scene.report(garbage.task_at(k))
        command, status = controller.step(scene.state, scene.set_point, garbage.DT)
        scene.move(command.torque.copy())
        seen.add(status.contact_state)
        assert status.causes == Cause(0)
    assert seen >= set(ContactState) - {ContactState.RETRACT, ContactState.FAULT}


def test_no_garbage_makes_a_wild_command_or_is_forgotten_before_activation() -> None:
    outcome = garbage.garbage(20_000, seed=1)
    assert not outcome.violations, outcome.examples
    assert outcome.latched.total() > 0.3 * outcome.runs.total() > 10


def test_a_clock_that_went_wild_leaves_nothing_behind_after_activation() -> None:
    names, kinds = ("time", "wrench_time", "dt", "valid_until"), ("huge", "-huge", "1e308")
    outcome = garbage.garbage(8_000, seed=2, only=lambda run: run.name in names and run.kind in kinds)
    assert not outcome.violations, outcome.examples


def test_causes_add_up() -> None:
    scene = garbage.Scene()
    controller, causes = scene.controller(), Cause(0)
    scene.activate(controller)
    rng = np.random.default_rng(0)
    for name, cause in [
        ("force", Cause.NOT_FINITE_SET_POINT),
        ("task", Cause.SET_POINT_REFUSED),
        ("dt", Cause.BAD_DT),
        ("q[2]", Cause.NOT_FINITE_STATE),
    ]:
        scene.report(Task.HOLD)
        kind = "nan" if name != "task" else "half"
        dt = garbage.Run(name, kind, 0, 1, 0).spoil(scene, rng)
        causes |= cause
        assert controller.step(scene.state, scene.set_point, dt)[1].causes == causes


def test_no_torque_that_the_arm_reports_makes_the_command_leap() -> None:
    kinds = ("huge", "-huge", "half", "0")
    outcome = garbage.garbage(8_000, seed=1, only=lambda run: run.name.startswith("torque") and run.kind in kinds)
    assert not outcome.violations, outcome.examples


@pytest.mark.parametrize("kind", sorted(garbage.KINDS))
def test_before_activation_nothing_is_commanded_whatever_comes_in(kind: str) -> None:
    scene = garbage.Scene()
    controller = scene.controller()
    for values in (scene.state.values, scene.set_point.values):
        values[:] = garbage.KINDS[kind]
    for dt in garbage.KINDS.values():
        assert not controller.step(scene.state, scene.set_point, dt)[0].torque.any()


@pytest.mark.parametrize("name", ["time", "q[0]", "q", "dq[6]", "torque[3]", "has_torque"])
@pytest.mark.parametrize("kind", ["nan", "inf", "-1e308"])
def test_activation_refuses_garbage_and_keeps_what_was_latched(name: str, kind: str) -> None:
    scene = garbage.Scene()
    controller = scene.controller()
    scene.activate(controller)
    scene.report(Task.HOLD)
    run = garbage.Run(name, kind, 0, 1, 0)
    run.spoil(scene, np.random.default_rng(0))
    controller.step(scene.state, scene.set_point, garbage.DT)
    with pytest.raises(ValueError, match="activation refused"):
        controller.activate(scene.state)
    scene.report(Task.HOLD)
    status: Any = controller.step(scene.state, scene.set_point, garbage.DT)[1]
    assert (status.contact_state, status.causes) == (ContactState.FAULT, Cause.NOT_FINITE_STATE)


def test_the_figures_keep_their_names_and_count_what_was_violated() -> None:
    outcome = garbage.garbage(500, seed=3, only=lambda run: run.name == "dt")
    outcome.violations["over_limit"] += 2
    figures = {figure.name: figure for figure in garbage.figures(outcome)}
    assert figures["garbage.over_limit"].met is False
    assert [name for name, figure in figures.items() if figure.goal is not None] == [
        "garbage.worst_torque_step",
        "garbage.not_finite",
        "garbage.over_limit",
        "garbage.over_rate",
        "garbage.not_latched",
        "garbage.recovered_by_itself",
        "garbage.not_new",
        "garbage.silent_harm",
        "garbage.stopped_without_garbage",
    ]
    assert set(garbage.counts(outcome)) == {"dt"}
