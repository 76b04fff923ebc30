"""The compiled arm model against Pinocchio and against the readable NumPy version."""

from functools import cache
from typing import Any

import numpy as np
import pinocchio as pin
import pytest
from massage_arm.native import ArmModel
from massage_arm.native.chain import Floats
from massage_arm.native.reference import dynamics
from massage_arm.urdf import TCP, arm_description, arm_with_tool, tool_file

EVERYWHERE = ["iiwa14", "panda", "ur10", "ur5", "kinova", "tilted"]
STATES = 1000


@cache
def arm(name: str) -> tuple[Any, Any]:
    """The compiled model and Pinocchio's, from the same text; `tilted` is an iiwa14 on a wall."""
    description = arm_description("iiwa14" if name == "tilted" else name)
    xml = arm_with_tool(description, tool_file("thumb"))
    gravity = (6.0, -2.0, -7.3) if name == "tilted" else (0.0, 0.0, -9.81)
    ours = ArmModel.from_urdf(xml, TCP, base=description.base, gravity=gravity)
    theirs = pin.buildModelFromXML(xml)
    data = theirs.createData()
    pin.framesForwardKinematics(theirs, data, pin.neutral(theirs))
    base = data.oMf[theirs.getFrameId(description.base)]
    theirs.gravity.linear = base.rotation @ np.array(gravity)
    return ours, theirs


def random_state(ours: Any, rng: np.random.Generator) -> tuple[Floats, Floats]:
    return rng.uniform(-3.0, 3.0, ours.n), rng.normal(0.0, 1.5, ours.n)


def close(a: Floats, b: Floats, tolerance: float) -> bool:
    return float(np.abs(a - b).max()) <= tolerance * max(1.0, float(np.abs(b).max()))


@pytest.mark.parametrize("name", EVERYWHERE)
def test_model_is_pinocchios(name: str) -> None:
    ours, theirs = arm(name)
    data = theirs.createData()
    joints = [theirs.joints[theirs.getJointId(joint)] for joint in ours.joint_names]
    at = [joint.idx_v for joint in joints]
    tip, base = theirs.getFrameId(TCP), theirs.getFrameId(ours.chain.base)
    rng = np.random.default_rng(1)
    for _ in range(STATES):
        q, dq = random_state(ours, rng)
        configuration, velocity = pin.neutral(theirs), np.zeros(theirs.nv)
        velocity[at] = dq
        for joint, angle in zip(joints, q, strict=True):
            # Pinocchio keeps a continuous joint as a point on the circle.
            place = [angle] if joint.nq == 1 else [np.cos(angle), np.sin(angle)]
            configuration[joint.idx_q : joint.idx_q + joint.nq] = place
        J = pin.computeFrameJacobian(theirs, data, configuration, tip, pin.ReferenceFrame.LOCAL_WORLD_ALIGNED)
        pin.updateFramePlacements(theirs, data)
        mount = data.oMf[base]
        pose = (mount.inverse() * data.oMf[tip]).homogeneous
        J = np.vstack([mount.rotation.T @ J[:3, at], mount.rotation.T @ J[3:, at]])
        M = pin.crba(theirs, data, configuration)
        M = np.triu(M) + np.triu(M, 1).T
        bias = pin.nonLinearEffects(theirs, data, configuration, velocity)[at]
        gravity = pin.computeGeneralizedGravity(theirs, data, configuration)[at]
        assert close(ours.forward(q), pose, 1e-10)
        assert close(ours.jacobian(q), J, 1e-10)
        assert close(ours.mass_matrix(q), M[np.ix_(at, at)], 1e-10)
        assert close(ours.bias(q, dq), bias, 1e-10)
        assert close(ours.gravity(q), gravity, 1e-10)


@pytest.mark.parametrize("name", EVERYWHERE)
def test_model_is_the_reference(name: str) -> None:
    ours, _ = arm(name)
    chain = ours.chain
    rng = np.random.default_rng(2)
    for _ in range(50):
        q, dq = random_state(ours, rng)
        assert close(ours.forward(q), dynamics.forward(chain, q), 1e-12)
        assert close(ours.jacobian(q), dynamics.jacobian(chain, q), 1e-12)
        assert close(ours.mass_matrix(q), dynamics.mass_matrix(chain, q), 1e-11)
        assert close(ours.bias(q, dq), dynamics.bias(chain, q, dq), 1e-11)
        assert close(ours.gravity(q), dynamics.gravity(chain, q), 1e-11)


def test_prismatic_joints_follow_the_reference() -> None:
    def joint(name: str, kind: str, parent: str, child: str, axis: str) -> str:
        return (
            f'<joint name="{name}" type="{kind}"><parent link="{parent}"/><child link="{child}"/>'
            f'<origin xyz="0.1 0.2 0.3" rpy="0.4 -0.5 0.6"/><axis xyz="{axis}"/>'
            '<limit lower="-2" upper="2" velocity="1" effort="1"/></joint>'
        )

    inertial = (
        '<inertial><origin xyz="0.02 -0.01 0.1"/><mass value="2"/>'
        '<inertia ixx="0.02" iyy="0.03" izz="0.015" ixy="0.001" ixz="-0.002" iyz="0.0005"/></inertial>'
    )
    links = '<link name="base"/>' + "".join(f'<link name="{name}">{inertial}</link>' for name in "abc")
    joints = joint("1", "revolute", "base", "a", "0 1 0") + joint("2", "prismatic", "a", "b", "1 0 0")
    joints += joint("3", "revolute", "b", "c", "0 0 1")
    ours = ArmModel.from_urdf(f'<robot name="r">{links}{joints}</robot>', "c")
    rng = np.random.default_rng(3)
    for _ in range(50):
        q, dq = random_state(ours, rng)
        assert close(ours.mass_matrix(q), dynamics.mass_matrix(ours.chain, q), 1e-12)
        assert close(ours.bias(q, dq), dynamics.bias(ours.chain, q, dq), 1e-12)
        assert close(ours.jacobian(q), dynamics.jacobian(ours.chain, q), 1e-12)
