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


def plant(**changes: Any) -> Any:
    """An ideal arm that carries nothing, far above the tissue, but for `changes`."""
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
    tissue = Tissue(np.full((8, 8), -5.0), -1.0, -1.0, 0.3, law)
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
