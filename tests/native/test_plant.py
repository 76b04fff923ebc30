"""The simulated arm's hardware: what becomes of a command on its way to the joints, and of a force on its way back."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from massage_arm.native import ArmModel, Command, Person, Plant, Tissue, TissueLaw
from massage_arm.urdf import TCP, arm_description, arm_with_tool, tool_file

PERIOD = 0.001
Q = np.array([0.1, 0.6, 0.0, -1.4, 0.2, 1.1, 0.3])


@cache
def model() -> Any:
    description = arm_description("iiwa14")
    return ArmModel.from_urdf(arm_with_tool(description, tool_file("thumb")), TCP, base=description.base)


def plant(skin: float = -5.0, **changes: Any) -> Any:
    """An ideal arm that carries nothing, its flat tissue at `skin` [m] in body axes, but for `changes`."""
    nothing = np.zeros(7)
    numbers: dict[str, Any] = dict.fromkeys(("coulomb", "viscous", "residual", "phase"), nothing)
    numbers |= dict.fromkeys(("lag", "encoder", "velocity_filter", "noise_force", "noise_moment"), 0.0)
    numbers |= dict.fromkeys(("quantum_force", "quantum_moment", "breath", "breath_rate", "breath_phase"), 0.0)
    numbers |= {"presliding": 1e-3, "drift": np.zeros(6), "tool_mass": 0.0, "tool_com": np.zeros(3)}
    numbers |= {"payload_mass": 0.0, "payload_com": np.zeros(3)}
    numbers["tool_inertia"] = np.zeros((3, 3))
    numbers |= {"sensor": np.eye(4), "base": np.eye(4), "compensates": False, "delay": 0, "sensor_delay": 0}
    numbers |= {"tip_radius": 0.012, "contact_radius": 0.010}
    law = TissueLaw(k0=1e3, beta=10.0, bone_depth=0.05, bone=1e6, threshold=300e3)
    tissue = Tissue(np.full((8, 8), skin), -1.0, -1.0, 0.3, law)
    return Plant(model(), tissue, Person(), np.random.default_rng(0), PERIOD, **(numbers | changes))


def sent(plant: Any, torque: float) -> None:
    command = Command(7)
    command.torque[:] = torque
    plant.command(command)


def cycle(plant: Any, late: float = 0.0, steps: int = 3) -> list[float]:
    """The torques of joint 1 in the steps of one control cycle."""
    torques = [plant.drive(late if k == 0 else 0.0)[0] for k in range(steps)]
    plant.end_cycle()
    return torques


@pytest.mark.parametrize("delay", range(9))
def test_a_command_acts_after_that_many_cycles(delay: int) -> None:
    arm = plant(delay=delay)
    for k in range(20):
        sent(arm, k + 1.0)
        assert cycle(arm) == [max(0.0, k + 1.0 - delay)] * 3


@pytest.mark.parametrize("delay", [0, 1, 2, 5])
def test_a_cycle_without_a_command_repeats_the_last(delay: int) -> None:
    arm = plant(delay=delay)
    acted = []
    for torque in (1.0, 2.0, None, 4.0, *[None] * delay):
        if torque is not None:
            sent(arm, torque)
        acted.append(cycle(arm)[0])
    assert acted[delay:] == [1.0, 2.0, 2.0, 4.0]


def test_a_late_command_shares_its_step_with_the_one_before() -> None:
    arm = plant()
    sent(arm, 1.0)
    cycle(arm)
    sent(arm, 2.0)
    assert cycle(arm, late=0.25) == [0.25 * 1.0 + 0.75 * 2.0, 2.0, 2.0]


@pytest.mark.parametrize("delay", [1, 2])
def test_a_delayed_arm_does_not_see_lateness(delay: int) -> None:
    arm = plant(delay=delay)
    for k in range(6):
        sent(arm, k + 1.0)
        assert cycle(arm, late=0.6) == [max(0.0, k + 1.0 - delay)] * 3


@pytest.mark.parametrize("delay", [0, 1, 3])
def test_the_newest_command_is_the_torque_reported(delay: int) -> None:
    # The controller limits the rate of its commands against it: an older one would slow them down by the delay.
    arm = plant(delay=delay)
    for k in range(5):
        sent(arm, k + 1.0)
        cycle(arm)
        arm.observe([(q, 0.0) for q in Q], k * PERIOD)
        assert arm.state.torque.tolist() == [k + 1.0] * 7


@pytest.mark.parametrize("delay", [-1, 9])
def test_a_delay_beyond_what_is_kept_is_refused(delay: int) -> None:
    with pytest.raises(ValueError, match=f"actuator delay of {delay} cycles: 0 to 8 are allowed"):
        plant(delay=delay)


def observe(arm: Any, q: Any, seconds: float, *, begin: float = 0.0, dq: Any = None) -> None:
    """Let the arm stand (or seem to move) at q for a while."""
    still = np.zeros(7) if dq is None else dq
    for k in range(1, round(seconds / PERIOD) + 1):
        arm.observe(list(zip(q, still, strict=True)), begin + k * PERIOD)


def over_flat_body(depth: float = 0.005, tilt: float = 0.0, **changes: Any) -> tuple[Any, Any]:
    """A plant whose tip is `depth` below a flat skin, and the tip's place; the base is put so that it is."""
    place = model().forward(Q)[:3, 3]
    base = np.eye(4)
    base[:3, 3] = np.array([0.0, tilt, -depth]) - place
    arm = plant(skin=0.0, base=base, **changes)
    arm.observe(list(zip(Q, np.zeros(7), strict=True)), 0.0)
    return arm, place


def test_a_command_that_has_acted_for_long_acts_at_once() -> None:
    arm, held = plant(delay=3, lag=0.02), Command(7)
    held.torque[:] = 5.0
    arm.begin_with(held)
    assert arm.state.torque.tolist() == [5.0] * 7
    for _ in range(5):
        assert cycle(arm) == [5.0] * 3


def test_a_lag_follows_with_its_time_constant() -> None:
    arm = plant(lag=0.01)
    sent(arm, 1.0)
    acted = [torque for _ in range(10) for torque in cycle(arm, steps=1)]
    assert acted[-1] == pytest.approx(1.0 - np.exp(-1.0))


def test_friction_holds_against_the_motion_up_to_the_coulomb_torque() -> None:
    coulomb = np.full(7, 2.0)
    arm = plant(coulomb=coulomb, viscous=np.full(7, 0.5))
    observe(arm, Q, 0.001, dq=np.full(7, 0.2))
    torques = [arm.drive(0.0)[0] for _ in range(200)]
    assert 0.0 > torques[0] > -0.5  # it begins as a spring
    assert torques[-1] == pytest.approx(-2.0 - 0.5 * 0.2, rel=1e-6)
    observe(arm, Q, 0.001, dq=np.full(7, -0.2))
    assert [arm.drive(0.0)[0] for _ in range(200)][-1] == pytest.approx(2.1, rel=1e-6)


def test_encoders_count_and_velocity_is_filtered() -> None:
    step, tau = 1e-4, 0.01
    arm = plant(encoder=step, velocity_filter=tau)
    arm.observe(list(zip(Q, np.zeros(7), strict=True)), 0.0)
    for k in range(1, 101):
        arm.observe(list(zip(Q + 0.5 * k * PERIOD, np.full(7, 0.5), strict=True)), k * PERIOD)
    np.testing.assert_allclose(arm.state.q / step, np.round(arm.state.q / step), atol=1e-6)
    np.testing.assert_allclose(arm.state.q, Q + 0.05, atol=step)
    np.testing.assert_allclose(arm.state.dq, 0.5, atol=step / tau)


def test_an_arm_that_compensates_carries_itself_but_not_its_payload() -> None:
    arm = plant(compensates=True)
    arm.observe(list(zip(Q, np.zeros(7), strict=True)), 0.0)
    np.testing.assert_allclose(arm.drive(0.0), model().gravity(Q), atol=1e-9)
    com = np.array([0.0, 0.0, -0.05])
    arm = plant(compensates=True, payload_mass=1.5, payload_com=com)
    arm.observe(list(zip(Q, np.zeros(7), strict=True)), 0.0)
    weight = 1.5 * np.array([0.0, 0.0, -9.81])
    wrench = np.r_[weight, np.cross(model().forward(Q)[:3, :3] @ com, weight)]
    np.testing.assert_allclose(arm.drive(0.0), model().gravity(Q) + model().jacobian(Q).T @ wrench, atol=1e-9)


def test_a_sensor_reports_the_weight_on_it_late_in_steps_and_with_its_drift() -> None:
    arm = plant(tool_mass=0.5, sensor_delay=5, quantum_force=0.1, drift=np.r_[2.0, np.zeros(5)])
    observe(arm, Q, 1.0)
    assert arm.state.wrench_time == pytest.approx(1.0 - 5 * PERIOD)
    weight = model().forward(Q)[:3, :3].T @ np.array([0.0, 0.0, -0.5 * 9.81])
    expected = weight + np.array([2.0 * arm.state.wrench_time, 0.0, 0.0])
    np.testing.assert_allclose(arm.state.wrench[:3], expected, atol=0.05 + 1e-9)
    np.testing.assert_allclose(arm.state.wrench[:3] / 0.1, np.round(arm.state.wrench[:3] / 0.1), atol=1e-6)
    assert arm.truth[11] == pytest.approx(2.0)


def test_nothing_is_heard_before_the_sensors_delay_is_over() -> None:
    arm = plant(sensor_delay=5)
    observe(arm, Q, 0.005)
    assert not arm.state.has_wrench
    observe(arm, Q, 0.001, begin=0.005)
    assert arm.state.has_wrench


def test_what_is_felt_is_what_presses_on_the_arm() -> None:
    arm, _ = over_flat_body()
    observe(arm, Q, 0.01)
    force = arm.truth[6:9]
    assert force[2] > 1.0
    felt = model().forward(Q)[:3, :3] @ arm.state.wrench[:3]  # of the step before, when hardly anything relaxed
    np.testing.assert_allclose(felt, force, rtol=0.01, atol=0.05)
    np.testing.assert_allclose(arm.drive(0.0), model().jacobian(Q)[:3].T @ force, atol=1e-9)


def test_the_skin_moves_where_it_is_told_to_smoothly_and_pushes() -> None:
    arm, _ = over_flat_body(depth=0.001)
    arm.shift_skin(0.006, 0.2)
    lifts, forces = [], []
    for k in range(1, 301):
        arm.observe(list(zip(Q, np.zeros(7), strict=True)), k * PERIOD)
        lifts.append(arm.truth[10])
        forces.append(arm.truth[8])
    assert lifts[99] == pytest.approx(0.003, rel=0.02)
    assert lifts[200:] == [0.006] * 100
    assert np.diff([0.0, *lifts]).max() < 1.9 * 0.006 / 200  # minimum jerk: 15/8 of the mean speed
    assert forces[250] > 3.0 * forces[0] > 0.0
    arm.shift_skin(-0.3, 0.02)  # they get up
    observe(arm, Q, 0.05, begin=0.3)
    assert arm.truth[8] == 0.0


def test_a_shift_begins_where_the_last_one_is() -> None:
    arm = plant()
    arm.shift_skin(0.02, 0.2)
    observe(arm, Q, 0.1)
    halfway = arm.truth[10]
    arm.shift_skin(0.0, 0.1)
    observe(arm, Q, PERIOD, begin=0.1)
    assert arm.truth[10] == pytest.approx(halfway, abs=1e-5)
    observe(arm, Q, 0.1, begin=0.1 + PERIOD)
    assert arm.truth[10] == 0.0


def test_a_body_that_rolls_takes_its_skin_along_and_pushes_along_its_own_normal() -> None:
    for angle in (0.3, -0.3):
        # Beside the line that it lies on, the side that comes up is on +y for a roll about +x.
        arm, _ = over_flat_body(depth=-0.02, tilt=0.1 if angle > 0.0 else -0.1)
        assert arm.truth[8] == 0.0
        arm.roll(angle, 0.5)
        observe(arm, Q, 1.0)
        force = arm.truth[6:9]
        normal = np.array([0.0, -np.sin(angle), np.cos(angle)])
        assert force @ normal > 1.0
        assert np.linalg.norm(force - (force @ normal) * normal) < 0.25 * (force @ normal)  # skin friction
        # and away from the side that goes down
        arm, _ = over_flat_body(depth=0.005, tilt=-0.1 if angle > 0.0 else 0.1)
        arm.roll(angle, 0.5)
        observe(arm, Q, 1.0)
        assert not arm.truth[6:9].any()


def test_a_roll_is_smooth_and_ends_where_it_is_told_to() -> None:
    arm, _ = over_flat_body(depth=0.008)
    arm.roll(0.2, 0.2)
    forces = []
    for k in range(1, 401):
        arm.observe(list(zip(Q, np.zeros(7), strict=True)), k * PERIOD)
        forces.append(arm.truth[6:9].copy())
    assert np.linalg.norm(np.diff(forces[1:], axis=0), axis=1).max() < 0.1 * np.linalg.norm(forces[0])
    tilt = np.arctan2(-forces[-1][1], forces[-1][2])
    assert tilt == pytest.approx(0.2, abs=0.1)  # up to the skin's friction


@pytest.mark.parametrize(("to", "seconds"), [(0.6, 1.0), (0.1, 0.0), (np.nan, 1.0), (0.1, np.nan)])
def test_a_shift_that_no_person_makes_is_refused(to: float, seconds: float) -> None:
    with pytest.raises(ValueError, match=r"less than 0\.5 m, in more than 0 s, is allowed"):
        plant().shift_skin(to, seconds)


@pytest.mark.parametrize(("to", "seconds"), [(1.7, 1.0), (-0.1, -1.0), (np.nan, 1.0)])
def test_a_roll_that_no_person_makes_is_refused(to: float, seconds: float) -> None:
    with pytest.raises(ValueError, match=r"less than 1\.6 rad, in more than 0 s, is allowed"):
        plant().roll(to, seconds)
