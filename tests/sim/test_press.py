"""The press in PyBullet, closed loop and end to end, with the disturbances on."""

from dataclasses import replace

import numpy as np
import pytest
from massage_arm.control.plan import PressPlan
from massage_arm.control.sites import find_site
from massage_arm.control.ticks import Ticks
from massage_arm.native import Cause, ContactState, InputError
from massage_arm.sim import simulation as press
from massage_arm.sim.arm import describe_arm
from massage_arm.sim.disturbances import load_disturbances
from massage_arm.sim.press import PressSimulation
from massage_arm.sim.world import World

SHORT = PressPlan(force_n=20.0, ramp_s=1.0, hold_s=3.0, release_s=1.0)


def run(plan: PressPlan, surface_off: float | None = None) -> Ticks:
    simulation = PressSimulation(plan, surface_off=surface_off)
    blocks = []
    while (block := simulation.advance(250)) is not None:
        blocks.append(block)
    simulation.close()
    ticks: Ticks = np.concatenate(blocks)
    return ticks


def in_state(ticks: Ticks, state: ContactState) -> np.ndarray:
    return np.asarray(ticks["contact_state"] == state)


@pytest.mark.parametrize("disturbances", ["ideal", "realistic", "harsh"])
def test_the_press_holds_the_force_and_lets_go(disturbances: str) -> None:
    ticks = run(replace(SHORT, disturbances=disturbances))
    hold = in_state(ticks, ContactState.HOLD)
    assert ticks["causes"][-1] == 0
    assert 2.9 < np.ptp(ticks["time"][hold]) < 3.1
    assert abs(ticks["force_true"][hold].mean() - 20.0) < 0.5
    assert ticks["force_true"].max() < 22.0
    assert ticks["force_true"][-1] == 0.0
    assert ticks["depth"][-1] < -0.03  # it withdrew


def test_states_come_in_order() -> None:
    ticks = run(SHORT)
    changes = ticks["contact_state"][np.flatnonzero(np.diff(ticks["contact_state"], prepend=-1))]
    assert changes.tolist() == [0, 1, 2, 3, 4, 5, 6, 0]


def test_a_surface_that_comes_early_is_met_softly() -> None:
    ticks = run(replace(SHORT, force_n=40.0, approach_mm_s=50.0), surface_off=-0.020)
    first = in_state(ticks, ContactState.APPROACH) | in_state(ticks, ContactState.TOUCH)
    assert ticks["force_true"][first].max() < 3.0 + 2.0


def test_a_surface_that_is_not_there_ends_the_search_without_force() -> None:
    ticks = run(SHORT, surface_off=0.080)
    assert Cause(int(ticks["causes"][-1])) == Cause.SURFACE_NOT_FOUND
    assert ticks["force_true"].max() == 0.0


@pytest.mark.parametrize("hz", [250, 500])
def test_slower_control_gives_the_same_press(hz: int) -> None:
    ticks = run(replace(SHORT, control_hz=hz))
    hold = in_state(ticks, ContactState.HOLD)
    assert abs(ticks["force_true"][hold].mean() - 20.0) < 0.2


def test_every_cycle_of_delay_reaches_the_arm(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = replace(load_disturbances("harsh"), delay_cycles=9)
    monkeypatch.setattr(press, "load_disturbances", lambda name: slow)
    with pytest.raises(ValueError, match="delay of 9 cycles"):
        PressSimulation(SHORT)


def test_the_same_plan_gives_the_same_bits() -> None:
    assert run(SHORT).tobytes() == run(SHORT).tobytes()


def test_another_seed_gives_another_run() -> None:
    assert run(SHORT).tobytes() != run(replace(SHORT, seed=1)).tobytes()


@pytest.mark.parametrize("arm", ["panda", "ur10", "ur5", "kinova"])
def test_other_arms_press_too(arm: str) -> None:
    ticks = run(replace(SHORT, arm=arm))
    hold = in_state(ticks, ContactState.HOLD)
    assert abs(ticks["force_true"][hold].mean() - 20.0) < 0.3


def test_withdraw_ends_the_press_early() -> None:
    simulation = PressSimulation(replace(SHORT, hold_s=60.0))
    while simulation.contact_state != ContactState.HOLD:
        assert simulation.advance(250) is not None
    simulation.withdraw()
    left = []
    while (block := simulation.advance(250)) is not None:
        left.append(block)
    simulation.close()
    ticks = np.concatenate(left)
    assert len(ticks) < 5000
    assert ticks["force_true"][-1] == 0.0


def test_a_tool_that_the_arm_does_not_know_is_carried_by_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    forgetful = replace(describe_arm(SHORT), gravity="robot_without_tool")
    monkeypatch.setattr(press, "describe_arm", lambda plan: forgetful)
    ideal = replace(SHORT, disturbances="ideal")
    simulation = PressSimulation(ideal)
    ticks = simulation.advance(600)
    assert ticks is not None
    simulation.close()
    assert np.abs(ticks["torque_bias"][-1]).max() > 1.0  # Nm: 0.41 kg at the end of the arm
    assert np.linalg.norm(ticks["tcp_position"][-1] - ticks["tcp_position"][0]) < 1e-3


def test_without_torques_the_arm_falls() -> None:
    simulation = PressSimulation(SHORT)
    world: World = simulation.world
    before = [state[0] for state in world.joint_states()]
    for _ in range(300):
        after = world.step([0.0] * len(before))
    simulation.close()
    assert max(abs(state[0] - q) for state, q in zip(after, before, strict=True)) > 0.1


def test_an_unreachable_site_is_refused_before_anything_moves(tmp_path) -> None:
    urdf = tmp_path / "short.urdf"
    urdf.write_text(SHORT_ARM)
    with pytest.raises(InputError, match="cannot be reached"):
        PressSimulation(replace(SHORT, arm=str(urdf), tip="hand"))


def _link(name: str) -> str:
    inertia = '<inertia ixx="0.01" iyy="0.01" izz="0.01" ixy="0" ixz="0" iyz="0"/>'
    return f'<link name="{name}"><inertial><mass value="1"/>{inertia}</inertial></link>'


def _joint(parent: str, child: str, axis: str) -> str:
    return (
        f'<joint name="{child}_joint" type="revolute"><parent link="{parent}"/><child link="{child}"/>'
        f'<origin xyz="0 0 0.05"/><axis xyz="{axis}"/><limit lower="-2" upper="2" effort="50" velocity="2"/></joint>'
    )


SHORT_ARM = (
    '<robot name="short"><link name="base"/>'
    + _link("upper")
    + _link("hand")
    + _joint("base", "upper", "0 1 0")
    + _joint("upper", "hand", "1 0 0")
    + "</robot>"
)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({'effort="50" ': ""}, r"joint upper_joint: effort limit inf is not allowed"),
        ({'value="1"': 'value="nan"'}, r"link upper: mass nan kg is not allowed"),
        (
            {"<inertial>": "<nothing>", "</inertial>": "</nothing>"},
            r"link upper, moved by joint upper_joint, has no mass",
        ),
        (
            {'child link="hand"/>': 'child link="hand"/><mimic joint="upper_joint"/>'},
            "joint hand_joint mimics upper_joint",
        ),
    ],
)
def test_an_arm_that_is_not_usable_is_refused_by_file_and_part(tmp_path, change: dict[str, str], said: str) -> None:
    text = SHORT_ARM
    for old, new in change.items():
        assert old in text
        text = text.replace(old, new)
    urdf = tmp_path / "mine.urdf"
    urdf.write_text(text)
    with pytest.raises(InputError, match=f"mine.urdf: {said}"):
        PressSimulation(replace(SHORT, arm=str(urdf), tip="hand"))


def test_a_window_needs_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(InputError, match="DISPLAY is not set"):
        PressSimulation(SHORT, gui=True)


@pytest.mark.parametrize("site", ["upper_trapezius_left", "lumbar_erector_right"])
def test_the_controller_itself_knows_the_limits_of_the_site(site: str) -> None:
    simulation = PressSimulation(replace(SHORT, site=site))
    controller = simulation.controller
    simulation.close()
    assert controller.settings.force_max == SHORT.force_n  # the plan that was checked
    assert controller.limits.force_hard == find_site(site).hard_stop_n
    assert controller.limits.force_cap <= 1.03 * find_site(site).soft_cap_n + 0.5


@pytest.mark.parametrize("arm", ["iiwa14", "panda", "ur10", "ur5", "kinova"])
@pytest.mark.parametrize("site", ["interscapular_right", "gluteal_left"])
def test_an_arm_touches_nothing_where_it_starts(arm: str, site: str) -> None:
    simulation = PressSimulation(replace(SHORT, arm=arm, site=site))
    simulation.world.bullet.performCollisionDetection()
    touched = [point for point in simulation.world.bullet.getContactPoints() if point[8] < 0.0]
    simulation.close()
    assert not touched
