"""Model, motion and wrist sensor against MuJoCo and against Bullet's own sensor, which share no code with ours."""

from collections.abc import Callable
from functools import cache
from typing import Any
from xml.etree import ElementTree

import mujoco
import numpy as np
import pybullet
import pytest
from massage_arm.control.plan import PressPlan
from massage_arm.control.tool import load_tool
from massage_arm.native import ArmModel, ContactState, Plant, Tissue
from massage_arm.sim.payload import tool_inertia
from massage_arm.sim.press import PressSimulation
from massage_arm.sim.world import World
from massage_arm.urdf import TCP, arm_description, arm_with_tool, tool_file
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TOOL = load_tool("thumb")
FINE = 1e-6  # s: our sensor gives the mean over a step, so the step is what it is off by
PUSH = np.array([30.0, 30.0, 20.0, 20.0, 4.0, 3.0, 0.3])  # Nm, over what holds the arm


@cache
def urdf(name: str = "iiwa14") -> str:
    return arm_with_tool(arm_description(name), tool_file("thumb"))


@cache
def model(name: str = "iiwa14") -> Any:
    return ArmModel.from_urdf(urdf(name), TCP, base=arm_description(name).base)


class Mujoco:
    """The same URDF in MuJoCo, nothing but rigid bodies and a sensor where ours has its origin."""

    def __init__(self, name: str = "iiwa14") -> None:
        robot = ElementTree.fromstring(urdf(name))
        for link in robot.findall("link"):
            for shape in [*link.findall("visual"), *link.findall("collision")]:
                link.remove(shape)
        ElementTree.SubElement(ElementTree.SubElement(robot, "mujoco"), "compiler", fusestatic="false")
        spec = mujoco.MjSpec.from_string(ElementTree.tostring(robot, encoding="unicode"))
        # The tool begins where the sensor ends; ours gives moments about the mount, and MuJoCo's what the arm does to
        # the tool, ours what the tool does to the arm.
        spec.body("tool").add_site(name="sensor", pos=TOOL.com - _com_of_tool_link())
        for kind in (mujoco.mjtSensor.mjSENS_FORCE, mujoco.mjtSensor.mjSENS_TORQUE):
            spec.add_sensor(type=kind, objtype=mujoco.mjtObj.mjOBJ_SITE, objname="sensor")
