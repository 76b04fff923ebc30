"""What one control cycle leaves behind: the layout of a tick, the contact states and the causes of a stop.

A block of ticks is a structured NumPy array of `tick_dtype(n)` for an arm with n joints. Everything in it is float64,
so that a block is one plain table: metrics, log and replay see the same bits. Frames are those of
`docs/architecture.md`.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..native.states import Cause, ContactState

Ticks: TypeAlias = npt.NDArray[np.void]
"""A block of ticks, oldest first."""


@dataclass(frozen=True)
class TickField:
    """One column of a tick: `width` values, or one per joint where `width` is None."""

    name: str
    width: int | None
    meaning: str


PER_JOINT = None
TICK_FIELDS = (
    TickField("time", 1, "s, since the start of the run"),
    TickField("q", PER_JOINT, "rad or m, measured joint positions"),
    TickField("dq", PER_JOINT, "rad/s or m/s, joint velocities as the controller used them"),
    TickField("torque", PER_JOINT, "Nm or N, commanded"),
    TickField("sensor_wrench", 6, "N, Nm, raw reading of the wrist sensor, force then moment, sensor axes"),
    TickField("wrench", 6, "N, Nm, environment on tool at the TCP, tool axes, as the controller used it"),
    TickField("true_wrench", 6, "N, Nm, the same from the simulation, NaN on a real arm"),
    TickField("tcp_position", 3, "m, world"),
    TickField("tcp_quaternion", 4, "x y z w, world"),
    TickField("set_point_position", 3, "m, world"),
    TickField("set_point_quaternion", 4, "x y z w, world"),
    TickField("press_direction", 3, "unit vector into the body, world"),
    TickField("force_asked", 1, "N, by the profile, along the press direction"),
    TickField("force_reference", 1, "N, after the slew limit"),
    TickField("force_measured", 1, "N, along the press direction"),
    TickField("force_true", 1, "N, along the press direction, NaN on a real arm"),
    TickField("depth", 1, "m, true indentation, NaN on a real arm"),
    TickField("contact_state", 1, ", ".join(f"{state.value} {state.name.lower()}" for state in ContactState)),
    TickField("causes", 1, "bit mask from bit 0: " + ", ".join(str(cause.name).lower() for cause in Cause)),
    TickField("torque_share", 1, "0..1, the largest |torque| / limit of all joints"),
    TickField("torque_task", PER_JOINT, "Nm, share of the task law in the command"),
    TickField("torque_posture", PER_JOINT, "Nm, share of the posture in the null space"),
    TickField("torque_walls", PER_JOINT, "Nm, share of the joint-limit walls"),
    TickField("torque_bias", PER_JOINT, "Nm, share of Coriolis and, where ours, gravity compensation"),
    TickField("pressure_share", 1, "mean pressure over the pain threshold of the place, NaN on a real arm"),
    TickField("pain", 1, "0..10, as the simulated person feels it, NaN on a real arm"),
    TickField("tone", 1, "0..1, activation of the pressed muscle, NaN on a real arm"),
    TickField("release", 1, "0..1, of the place, NaN on a real arm"),
    TickField("softening", 1, "0..1, share of stiffness that the place has lost, NaN on a real arm"),
    TickField("beats", 1, "heartbeats since the start, NaN on a real arm"),
    TickField("surface_known_error", 1, "m, assumed minus true height of the surface along its normal"),
)


def tick_dtype(n: int) -> np.dtype[np.void]:
    """Layout of one tick of an arm with `n` joints: packed little-endian float64, in the order of `TICK_FIELDS`."""
    columns: list[tuple[str, str] | tuple[str, str, tuple[int]]] = []
    for field in TICK_FIELDS:
        if field.width == 1:
            columns.append((field.name, "<f8"))
        else:
            columns.append((field.name, "<f8", (n if field.width is None else field.width,)))
    return np.dtype(columns)


def all_causes(ticks: Ticks) -> list[str]:
    """Names, in words, of the causes set in any of these ticks, lowest bit first."""
    known = ticks["causes"][np.isfinite(ticks["causes"])]
    found = int(np.bitwise_or.reduce(known.astype(np.int64)))
    return [str(cause.name).lower().replace("_", " ") for cause in Cause if found & cause]
