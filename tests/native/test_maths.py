"""Our own sine, cosine and exponential, seen through the model and the tissue that use them."""

import numpy as np
import pytest
from massage_arm.native import ArmModel, Tissue, TissueLaw

HINGE = """<robot name="r"><link name="base"/><link name="a"><inertial><mass value="1"/>
  <inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial></link>
  <joint name="j" type="continuous"><parent link="base"/><child link="a"/><axis xyz="0 0 1"/></joint></robot>"""


@pytest.mark.parametrize("size", [1e-8, 1.0, 10.0, 1e3, 1e5])
def test_sine_and_cosine_are_right_to_the_last_bit_or_so(size: float) -> None:
    hinge = ArmModel.from_urdf(HINGE, "a")
    for angle in np.random.default_rng(4).uniform(-size, size, 2000):
        pose = hinge.forward([angle])
        assert abs(pose[0, 0] - np.cos(angle)) <= 2.3e-16
        assert abs(pose[1, 0] - np.sin(angle)) <= 2.3e-16


@pytest.mark.parametrize("angle", [0.0, np.pi / 4, np.pi / 2, np.pi, 1.5 * np.pi, -np.pi / 2, -np.pi])
def test_sine_and_cosine_at_the_corners(angle: float) -> None:
    pose = ArmModel.from_urdf(HINGE, "a").forward([angle])
    assert abs(pose[0, 0] - np.cos(angle)) <= 2.3e-16
    assert abs(pose[1, 0] - np.sin(angle)) <= 2.3e-16


def test_not_finite_angles_give_nan() -> None:
    hinge = ArmModel.from_urdf(HINGE, "a")
    for angle in (np.nan, np.inf, -np.inf):
        assert np.isnan(hinge.forward([angle])[:2, :2]).all()


def test_exponential_is_right_to_a_few_bits() -> None:
    law = TissueLaw(k0=1.0, beta=1.0, bone_depth=1e9, bone=0.0, threshold=1.0)
    for exponent in np.random.default_rng(5).uniform(1e-3, 100.0, 2000):
        tissue = Tissue(np.zeros((6, 6)), 0.0, 0.0, 1.0, law, share=(0, 0, 0))
        force, depth = tissue.step([2.5, 2.5, -exponent], [0.0, 0.0, 0.0], 0.0, 0.0, 1e-3)
        assert depth == exponent
        assert abs(force[2] - np.expm1(exponent)) <= 1e-15 * np.exp(exponent)
