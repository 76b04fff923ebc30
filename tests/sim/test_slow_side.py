"""What a person asks for on the way, seen on the true force of a press in PyBullet."""

from dataclasses import replace

import numpy as np
import pytest
from massage_arm.control.plan import PressPlan
from massage_arm.control.supervisor import State
from massage_arm.control.ticks import Ticks
from massage_arm.native import Cause, ContactState, InputError
from massage_arm.sim.press import PressSimulation

HOLDING = 6.5  # s, when this press holds its 30 N
LONG = 40.0  # s, longer than any of these runs
PLAN = PressPlan(force_n=30.0, hold_s=2.0, release_s=1.0)


def run(asks: str, withdraw_at: float = np.inf) -> tuple[PressSimulation, Ticks]:
    simulation = PressSimulation(replace(PLAN, asks=asks))
    blocks = []
    while simulation.time < LONG and (block := simulation.advance(250)) is not None:
        blocks.append(block)
        if simulation.time >= withdraw_at:
            simulation.withdraw()
            withdraw_at = np.inf
    simulation.close()
    return simulation, np.concatenate(blocks)


def force_at(ticks: Ticks, seconds: float) -> float:
    return float(ticks["force_true"][np.searchsorted(ticks["time"], seconds)])


def time_in(ticks: Ticks, state: ContactState) -> float:
    return float(np.count_nonzero(ticks["contact_state"] == state) * 1e-3)


def test_paused_it_lets_go_softly_and_waits_for_a_request() -> None:
    simulation, ticks = run(f"pause@{HOLDING}")
    assert force_at(ticks, HOLDING) > 29.0
    assert 14.0 < force_at(ticks, HOLDING + 0.5) < 16.0  # at the rate of the plan
    assert ticks["force_true"][-1] == 0.0
    assert not ticks["causes"].any()
    assert simulation.session.state is State.PAUSED


def test_resumed_it_holds_for_what_was_left() -> None:
    simulation, ticks = run(f"pause@{HOLDING}, resume@9")
    assert simulation.session.state is State.READY
    assert simulation.refusals == []
    assert force_at(ticks, 9.0) == 0.0
    assert ticks["force_true"][ticks["time"] > 9.0].max() > 29.0
    assert time_in(ticks, ContactState.HOLD) == pytest.approx(PLAN.hold_s, abs=0.03)


def test_a_resume_before_the_tool_has_withdrawn_is_refused() -> None:
    simulation, _ = run(f"pause@{HOLDING}, resume@{HOLDING + 0.3}")
    assert simulation.refusals == ["6.80 s: resume is refused: the tool has not withdrawn yet"]
    assert simulation.session.state is State.PAUSED


def test_stopped_it_lets_go_at_once_and_latches() -> None:
    simulation, ticks = run(f"stop@{HOLDING}, resume@8, begin@8.5")
    after = ticks["time"] >= HOLDING
    assert ticks["force_true"][after & (ticks["time"] > HOLDING + 0.2)].max() < 5.0
    assert Cause(int(ticks["causes"][-1])) == Cause.STOP_ASKED
    assert [refusal.split(":")[2].strip()[:22] for refusal in simulation.refusals] == ["the session is stopped"] * 2
    assert simulation.session.state is State.STOPPED


def test_acknowledged_it_tares_anew_and_presses_again_on_request() -> None:
    simulation, ticks = run(f"stop@{HOLDING}, acknowledge@8, begin@10")
    assert simulation.refusals == []
    assert ticks["causes"][-1] == 0
    assert ticks["force_true"][(ticks["time"] > 8.0) & (ticks["time"] < 10.0)].max() == 0.0
    assert abs(ticks["force_true"][ticks["time"] > 10.0].max() - 30.0) < 1.0
    assert simulation.session.state is State.READY


def test_begin_waits_for_the_tare() -> None:
    simulation, _ = run(f"stop@{HOLDING}, acknowledge@8, begin@8.5")
    assert simulation.refusals == []


def test_whoever_withdraws_the_arm_is_not_pressed_again_by_what_was_planned() -> None:
    _, ticks = run(f"stop@{HOLDING}, acknowledge@8, begin@10", withdraw_at=7.5)
    assert ticks["force_true"][ticks["time"] > 7.5].max() == 0.0
    assert ticks["time"][-1] < 8.0


def test_a_withdrawn_arm_waits_for_nothing() -> None:
    _, ticks = run(f"pause@{HOLDING}, resume@1000", withdraw_at=9.0)
    assert ticks["time"][-1] < 9.5


def test_guided_the_arm_yields_to_a_hand() -> None:
    simulation = PressSimulation(replace(PLAN, asks=f"guide@{HOLDING}"))
    moved = []
    push = np.zeros(simulation.model.n)
    while simulation.time < HOLDING + 2.0:
        simulation.advance(1)
        if simulation.time > HOLDING + 1.0:  # a hand with 15 N across the body, at the flange
            J = simulation.model.jacobian(np.asarray(simulation.arm.read().q))[:3]
            push = J.T @ np.array([0.0, 15.0, 0.0])
            moved.append(simulation.controller.status.position[1])
            simulation.arm.advance(1, 0.0, lambda q, dq, push=push: push)
    simulation.close()
    assert abs(moved[-1] - moved[0]) > 0.03  # 800 N/m would have given way by 19 mm
    assert simulation.session.state is State.GUIDED


def test_a_request_that_is_none_is_refused_before_anything_moves() -> None:
    with pytest.raises(InputError, match="asks: 'jump@3' is not allowed"):
        PressSimulation(replace(PLAN, asks="jump@3"))


def test_a_joint_that_nobody_knows_ends_the_press_not_the_program() -> None:
    simulation = PressSimulation(replace(PLAN, faults=f"encoder_cut@{HOLDING}", asks="acknowledge@9"))
    blocks = []
    while (block := simulation.advance(250)) is not None:
        blocks.append(block)
    simulation.close()
    assert Cause(int(blocks[-1]["causes"][-1])) == Cause.NOT_FINITE_STATE
    assert "activation refused" in simulation.refusals[0]
    assert simulation.session.state is State.FAULTED


@pytest.mark.parametrize("after", [0.1, 0.5])
def test_a_stop_after_guiding_lets_go_at_once(after: float) -> None:
    simulation, ticks = run(f"guide@{HOLDING}, stop@{HOLDING + after}")
    assert ticks["force_true"][ticks["time"] > HOLDING + after + 0.2].max() < 5.0
    assert Cause(int(ticks["causes"][-1])) == Cause.STOP_ASKED
    assert simulation.session.state is State.STOPPED


def test_what_is_asked_after_the_end_is_not_forgotten() -> None:
    simulation, _ = run("pause@60")
    assert "pause comes too late: the press ended at" in simulation.refusals[0]


def test_a_joint_that_is_nan_while_it_should_tare_leaves_the_force_a_number() -> None:
    simulation = PressSimulation(replace(PLAN, faults="encoder_cut@0.4"))
    blocks = []
    while simulation.time < LONG and (block := simulation.advance(250)) is not None:
        blocks.append(block)
    simulation.close()
    ticks = np.concatenate(blocks)
    assert np.isfinite(ticks["force_measured"]).all()
    assert simulation.refusals == [
        "1.00 s: begin is refused: the session is faulted; allowed now: pause, stop, guide, acknowledge"
    ]
