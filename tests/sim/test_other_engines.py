"""Model and wrist sensor against MuJoCo and against Bullet's own sensor, which share no code with ours."""

from collections.abc import Iterator
from xml.etree import ElementTree

import mujoco
import numpy as np
import pytest
from massage_arm.control.plan import PressPlan
from massage_arm.native import ArmModel, Command, Person, PersonConstants
from massage_arm.sim import hardware
from massage_arm.sim import simulation as press
from massage_arm.sim.press import PressSimulation
from massage_arm.urdf import TCP, arm_description, arm_with_tool, tool_file
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FINE = 1e-6  # s: our sensor gives the mean over a step, so this is what it is off by
SPEED = np.array([1.0, -0.8, 0.9, 1.2, -2.0, 1.5, 2.0])  # rad/s
PUSH = np.array([30.0, -30.0, 20.0, 20.0, -4.0, 3.0, 0.3])  # Nm


@pytest.fixture
def simulation() -> Iterator[PressSimulation]:
    simulation = PressSimulation(PressPlan(disturbances="ideal"))
    yield simulation
    simulation.close()


class Mujoco:
    """The same URDF in MuJoCo: rigid bodies, and a sensor where ours has its origin."""

    def __init__(self, urdf: str, sensor_in_tool: Floats) -> None:
        robot = ElementTree.fromstring(urdf)
        for link in robot.findall("link"):
            for shape in [*link.findall("visual"), *link.findall("collision")]:
                link.remove(shape)
        ElementTree.SubElement(ElementTree.SubElement(robot, "mujoco"), "compiler", fusestatic="false")
        spec = mujoco.MjSpec.from_string(ElementTree.tostring(robot, encoding="unicode"))
        spec.body("tool").add_site(name="sensor", pos=sensor_in_tool)
        for kind in (mujoco.mjtSensor.mjSENS_FORCE, mujoco.mjtSensor.mjSENS_TORQUE):
            spec.add_sensor(type=kind, objtype=mujoco.mjtObj.mjOBJ_SITE, objname="sensor")
        self.model = spec.compile()
        self.data = mujoco.MjData(self.model)

    def forward(self, q: Floats, dq: Floats, torque: Floats) -> None:
        self.data.qpos[:], self.data.qvel[:], self.data.qfrc_applied[:] = q, dq, torque
        mujoco.mj_forward(self.model, self.data)

    def mass_matrix(self) -> Floats:
        columns = np.zeros((self.model.nv, self.model.nv))
        for column, unit in zip(columns, np.eye(self.model.nv), strict=True):
            mujoco.mj_mulM(self.model, self.data, column, unit)
        return columns


@pytest.mark.parametrize("name", ["iiwa14", "panda", "ur10"])
def test_mass_matrix_and_bias_are_those_of_mujoco(name: str) -> None:
    arm = arm_description(name)
    urdf = arm_with_tool(arm, tool_file("thumb"))
    ours, theirs = ArmModel.from_urdf(urdf, TCP, base=arm.base), Mujoco(urdf, np.zeros(3))
    rng = np.random.default_rng(0)
    for _ in range(100):
        q, dq = rng.uniform(-2.0, 2.0, (2, ours.n))
        theirs.forward(q, dq, np.zeros(ours.n))
        np.testing.assert_allclose(ours.mass_matrix(q), theirs.mass_matrix(), rtol=0, atol=1e-9)
        np.testing.assert_allclose(ours.bias(q, dq), theirs.data.qfrc_bias, rtol=0, atol=1e-8)


def test_the_wrist_sensor_reads_what_mujocos_does(simulation: PressSimulation, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = ElementTree.fromstring(simulation.urdf).find("link[@name='tool']/inertial/origin")
    assert tool is not None
    com = np.array([float(x) for x in tool.get("xyz", "").split()])
    theirs = Mujoco(simulation.urdf, com - simulation.tool.com)
    for module in (press, hardware):
        monkeypatch.setattr(module, "PERIOD", FINE)
    delays = dict.fromkeys(("short_delay", "medium_delay", "guard_delay", "vagal_delay", "arousal_delay"), 0.0)
    person = Person(PersonConstants(**delays), period=FINE)  # delays are kept in steps; the person is not touched
    monkeypatch.setattr(press, "Person", lambda *constants, **numbers: person)
    rng = np.random.default_rng(0)
    for _ in range(100):
        q, dq = rng.uniform(-2.0, 2.0, 7), SPEED * rng.uniform(-1.0, 1.0, 7)
        theirs.forward(q, dq, PUSH * rng.uniform(-1.0, 1.0, 7))
        ddq = theirs.data.qacc
        ours = simulation._hardware()  # a new one: the sensor remembers the momentum before
        ours.observe(list(zip(q, dq, strict=True)), 0.0)
        later = q + dq * FINE + 0.5 * ddq * FINE**2
        ours.observe(list(zip(later, dq + ddq * FINE, strict=True)), FINE)
        if ours.truth[9] > 0.0:
            continue  # it happens to touch the person, whom MuJoCo does not know
        np.testing.assert_allclose(ours.state.wrench, -theirs.data.sensordata, rtol=1e-3, atol=1e-4)


def test_bullet_moves_the_arm_as_the_model_says(simulation: PressSimulation) -> None:
    arm, model, command = simulation.arm, simulation.model, Command(7)
    for k in range(150):
        q, dq = arm.read().q.copy(), arm.read().dq.copy()
        command.torque[:] = PUSH * np.sin(0.04 * k + np.arange(7))
        arm.write(command)
        arm.advance(1, 0.0)
        # The simulated iiwa carries its own weight: its torques come on top of gravity's.
        torque = command.torque + model.gravity(q)
        ddq = np.linalg.solve(model.mass_matrix(q), torque - model.bias(q, dq))
        np.testing.assert_allclose(arm.read().dq, dq + 1e-3 * ddq, rtol=0, atol=1e-9)
        np.testing.assert_allclose(arm.read().q, q + 1e-3 * arm.read().dq, rtol=0, atol=1e-12)


def test_the_wrist_sensor_reads_what_bullets_does(simulation: PressSimulation) -> None:
    world, bullet, arm = simulation.world, simulation.world.bullet, simulation.arm
    joints = range(bullet.getNumJoints(world.arm))
    tool = next(j for j in joints if bullet.getJointInfo(world.arm, j)[12] == b"tool")
    bullet.enableJointForceTorqueSensor(world.arm, tool, True)
    command = Command(7)
    ours, theirs = np.empty((2, 150, 6))
    for k in range(150):
        # Gently: Bullet's reading lacks a part of what grows with speed squared, which MuJoCo's has.
        command.torque[:] = 0.03 * PUSH * np.sin(0.04 * k + np.arange(7))
        arm.write(command)
        arm.advance(1, 0.0)
        ours[k], theirs[k] = arm.read().wrench, bullet.getJointState(world.arm, tool)[2]
    ours[:, 3:] -= np.cross(simulation.tool.com, ours[:, :3])  # Bullet's is about the centre of mass
    for part in (slice(0, 3), slice(3, 6)):
        apart = np.abs(ours[1:, part] + theirs[1:, part]).max()
        assert apart < 0.02 * np.abs(ours[:, part]).max()
