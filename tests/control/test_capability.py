"""How fast an arm can swing its force: one sliding joint worked out by hand, and what is said of real arms."""

import math
from dataclasses import replace

import numpy as np
import pytest
from massage_arm.control.capability import Capability, depth_mm, highest_rate
from massage_arm.control.sites import TissueConstants, find_site, load_sites
from massage_arm.native import ArmModel, InputError
from massage_arm.urdf import ARMS, TCP, arm_description, arm_with_tool, tool_file

MASS = 4.0
SLIDER = f"""<robot name="slider"><link name="base"/><link name="hand"><inertial><mass value="{MASS}"/>
<inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial></link>
<joint name="slide" type="prismatic"><parent link="base"/><child link="hand"/><axis xyz="0 0 1"/>
<limit lower="-1" upper="1" velocity="1" effort="9"/></joint></robot>"""
SOFT = find_site("gluteal_left").tissue
STIFF = TissueConstants(k0_n_mm=20.0, beta_per_mm=1e-6, bone_depth_mm=100.0, bone_n_mm15=1.0, ppt_kpa=300.0)


def slide(
    force: float, swing: float, torque: float = 1e6, rate: float = 1e9, tissue: TissueConstants = STIFF, **more: object
) -> Capability:
    model = ArmModel.from_urdf(SLIDER, "hand")
    limits = np.array([torque]), np.array([rate])
    return highest_rate(model, np.zeros(1), np.array([0.0, 0.0, -1.0]), *limits, tissue, force, swing, **more)  # type: ignore[arg-type]


def arm_at_work(arm: str, site: str, force: float, swing: float, **limits: np.ndarray) -> Capability:
    described = arm_description(arm)
    model = ArmModel.from_urdf(arm_with_tool(described, tool_file("thumb")), TCP, base=described.base)
    low, high = np.maximum(model.chain.lower, -np.pi), np.minimum(model.chain.upper, np.pi)
    q = 0.5 * (low + high) + 0.2 * (high - low) * np.cos(np.arange(model.n))
    given = {"torque_limits": described.torque_limits, "torque_rates": described.torque_rates} | limits
    tissue = find_site(site).tissue
    return highest_rate(model, q, np.array([0.0, 0.0, -1.0]), tissue=tissue, force_n=force, swing_n=swing, **given)


@pytest.mark.parametrize("site", load_sites())
def test_depth_is_the_tissue_law_backwards(site: str) -> None:
    t = find_site(site).tissue
    for force in (0.0, 1.0, 20.0, 90.0):
        d = depth_mm(t, force)
        back = t.k0_n_mm / t.beta_per_mm * (math.exp(t.beta_per_mm * d) - 1.0)
        back += t.bone_n_mm15 * max(0.0, d - t.bone_depth_mm) ** 1.5
        assert back == pytest.approx(force, abs=1e-6)


def test_what_moves_is_half_of_the_way_between_the_two_forces() -> None:
    found = slide(20.0, 10.0)
    assert found.mass_kg == pytest.approx(MASS)
    assert found.motion_m == pytest.approx(10.0 / 20e3, rel=1e-4)
    soft = slide(20.0, 10.0, tissue=SOFT)
    assert soft.motion_m == pytest.approx(0.5e-3 * (depth_mm(SOFT, 30.0) - depth_mm(SOFT, 10.0)))


def test_torque_binds_where_force_swing_and_inertia_take_it_up() -> None:
    found = slide(20.0, 10.0, torque=40.0)
    omega = 2.0 * math.pi * found.rate_hz
    assert found.reason == "torque of slide"
    assert 20.0 + 10.0 + MASS * omega**2 * found.motion_m == pytest.approx(40.0)


def test_torque_rate_binds_where_the_sum_changes_as_fast_as_it_may() -> None:
    found = slide(20.0, 10.0, rate=1000.0)
    omega = 2.0 * math.pi * found.rate_hz
    assert found.reason == "torque rate of slide"
    assert (10.0 + MASS * omega**2 * found.motion_m) * omega == pytest.approx(1000.0)


def test_on_soft_tissue_the_tool_is_too_fast_first() -> None:
    found = slide(20.0, 10.0, tissue=SOFT)
    assert found.reason == "speed of the tool, 0.12 m/s"
    assert 2.0 * math.pi * found.rate_hz * found.motion_m == pytest.approx(0.12)


def test_power_binds_at_high_force() -> None:
    found = slide(65.0, 20.0)
    t = np.linspace(0.0, 2.0 * np.pi, 100_000)
    speed = 2.0 * math.pi * found.rate_hz * found.motion_m
    assert found.reason == "power into the body, 5 W"
    assert np.max((65.0 + 20.0 * np.sin(t)) * speed * np.cos(t)) == pytest.approx(5.0, rel=1e-6)


def test_a_slow_joint_binds() -> None:
    found = slide(20.0, 10.0, speed_limits=np.array([0.03]))
    assert found.reason == "speed of slide"
    assert 2.0 * math.pi * found.rate_hz * found.motion_m == pytest.approx(0.03)


def test_what_cannot_be_held_cannot_be_swung() -> None:
    assert slide(20.0, 10.0, torque=25.0).rate_hz == 0.0
    assert slide(20.0, 10.0, torque=35.0).rate_hz > 0.0
    weighed_down = slide(20.0, 10.0, torque=35.0, carried=np.array([-6.0]))
    assert (weighed_down.rate_hz, weighed_down.reason) == (0.0, "torque of slide")
    refusal = weighed_down.refusal(0.05, "slider", "gluteal_left")
    assert refusal == "0.05 Hz at 20 ± 10 N is beyond slider at gluteal_left; no rate holds (torque of slide)"


@pytest.mark.parametrize("arm", ARMS)
def test_more_swing_is_never_faster_and_stronger_joints_are_never_slower(arm: str) -> None:
    for site in ("lumbar_erector_right", "infraspinatus_left"):
        rates = [arm_at_work(arm, site, 30.0, swing).rate_hz for swing in (1.0, 2.0, 5.0, 10.0, 20.0, 30.0)]
        assert rates == sorted(rates, reverse=True) and rates[0] > 1.5 * rates[-1] > 0.0
        described = arm_description(arm)
        weaker = arm_at_work(arm, site, 30.0, 10.0, torque_rates=0.1 * described.torque_rates)
        assert weaker.rate_hz < arm_at_work(arm, site, 30.0, 10.0).rate_hz
        assert weaker.reason.startswith("torque rate of")


def test_every_rate_up_to_the_highest_holds_and_none_above() -> None:
    found = arm_at_work("iiwa14", "lumbar_erector_right", 20.0, 10.0)
    assert 2.0 < found.rate_hz < 15.0
    below = [found.refusal(share * found.rate_hz, "iiwa14", "lumbar_erector_right") for share in (0.1, 0.5, 1.0)]
    assert below == [None, None, None]
    said = found.refusal(15.0, "iiwa14", "lumbar_erector_right")
    assert said is not None
    holds = float(said.split("; ")[1].split(" Hz")[0])
    assert said.startswith("15 Hz at 20 ± 10 N is beyond iiwa14 at lumbar_erector_right; ")
    assert said.endswith(f" Hz holds ({found.reason})")
    assert found.refusal(holds, "iiwa14", "lumbar_erector_right") is None, "what is said to hold is not refused"
    assert replace(found, rate_hz=15.0).refusal(15.0, "", "") is None


@pytest.mark.parametrize(
    ("force", "swing"), [(20.0, 21.0), (20.0, 0.0), (20.0, -1.0), (20.0, math.nan), (math.inf, 1.0)]
)
def test_a_swing_that_leaves_the_skin_is_refused(force: float, swing: float) -> None:
    with pytest.raises(InputError, match="swing_n"):
        slide(force, swing)
