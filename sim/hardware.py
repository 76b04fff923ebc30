"""What stands between a command and the person, as a preset of disturbances has it: motors, encoders, wrist sensor."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from ..control.tool import Tool
from ..native import ArmModel, Person, Plant, Tissue
from ..urdf import ArmDescription
from .arm import PERIOD
from .disturbances import Disturbances, over_joints
from .world import TABLE_HEIGHT

Floats = NDArray[np.float64]


def make_plant(
    model: ArmModel,
    arm: ArmDescription,
    tool: Tool,
    urdf: str,
    base: Floats,
    tissue: Tissue,
    person: Person,
    breath: tuple[float, float],
    d: Disturbances,
    rng: np.random.Generator,
) -> Plant:
    """The plant of an arm (text `urdf`, base (4, 4) in the world) on a person; `breath`: rad/s and phase."""
    n = model.n
    on_table = base.copy()
    on_table[2, 3] -= TABLE_HEIGHT
    payload_mass, payload_com = payload(arm, tool)
    # The encoder's first difference would see the start as a jump, so physics starts at rest on a count.
    return Plant(
        model,
        tissue,
        person,
        rng,
        PERIOD,
        coulomb=over_joints(d.coulomb_nm, n),
        viscous=over_joints(d.viscous_nms, n),
        residual=over_joints(d.gravity_residual_nm, n) * rng.uniform(-1.0, 1.0, n),
        phase=rng.uniform(-np.pi, np.pi, n),
        presliding=d.presliding_mrad * 1e-3,
        lag=d.torque_lag_ms * 1e-3,
        encoder=2.0 * np.pi / 2.0**d.encoder_bits if d.encoder_bits else 0.0,
        velocity_filter=d.velocity_filter_ms * 1e-3,
        noise_force=d.sensor_noise_n,
        noise_moment=d.sensor_noise_nm,
        quantum_force=d.sensor_quantum_n,
        quantum_moment=d.sensor_quantum_nm,
        drift=_drift(d, rng),
        breath=d.breathing_mm * 1e-3,
        breath_rate=breath[0],
        breath_phase=breath[1],
        tip_radius=tool.tip_radius,
        contact_radius=tool.contact_radius,
        tool_mass=tool.mass,
        tool_com=tool.com,
        tool_inertia=_tool_inertia(urdf),
        sensor=sensor_pose(tool),
        base=on_table,
        payload_mass=payload_mass,
        payload_com=payload_com,
        compensates=arm.gravity != "us",
        delay=d.delay_cycles,
        sensor_delay=round(d.sensor_delay_ms * 1e-3 / PERIOD),
    )


def payload(arm: ArmDescription, tool: Tool) -> tuple[float, Floats]:
    """What an arm that holds itself up does not know it carries: kg; (3,) m, seen from the TCP."""
    return tool.payload if arm.gravity == "robot_without_tool" else (0.0, np.zeros(3))


def sensor_pose(tool: Tool) -> Floats:
    """(4, 4) of the force sensor in the tool frame: at the mount, with the tool's axes."""
    pose = np.eye(4)
    pose[2, 3] = -tool.length
    return pose


def _drift(d: Disturbances, rng: np.random.Generator) -> Floats:
    direction = rng.standard_normal(6)
    direction /= np.linalg.norm(direction[:3])
    direction[3:] *= 0.05  # Nm for every N: assumption
    drift: Floats = direction * d.sensor_drift_n_per_10min / 600.0
    return drift


def _tool_inertia(urdf: str) -> Floats:
    """(3, 3) kg m² of all beyond the force sensor, about its centre of mass, tool axes; from `arm_with_tool`'s text."""
    inertia = ElementTree.fromstring(urdf).find("link[@name='tool']/inertial/inertia")
    assert inertia is not None
    xx, xy, xz, yy, yz, zz = (float(inertia.get(key, 0.0)) for key in ("ixx", "ixy", "ixz", "iyy", "iyz", "izz"))
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
