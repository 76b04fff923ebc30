"""Ticks, as the log has them, from what the cycles of a simulation left."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..control.ticks import Ticks, tick_dtype
from ..native import ContactState

Floats = NDArray[np.float64]

BEATS = 23
"""Column of the plant's truth: heartbeats so far."""


class Records(NamedTuple):
    """A row for each cycle: records of `ArmState`, `Command` and `Status`, and the truth of the plant."""

    state: Floats
    command: Floats
    status: Floats
    truth: Floats


def ticks_of(
    rows: Records, joints: int, base: Floats, press_directions: Callable[[Floats], Floats], surface_error: float
) -> Ticks:
    """Ticks (N,), poses in the world: `base` (4, 4) is the arm's there, `surface_error` [m] what was known wrongly.

    `press_directions` gives those to log, (N, 3) world, from those that were governed.
    """
    n = joints
    state, command, status, truth = rows
    block = np.zeros(len(state), tick_dtype(n))
    turn = Rotation.from_matrix(base[:3, :3])
    width = (len(state[0]) - 10) // 3  # joints a record has room for
    block["time"] = state[:, 0]
    block["q"] = state[:, 1 : 1 + n]
    block["dq"] = state[:, 1 + width : 1 + width + n]
    block["sensor_wrench"] = state[:, -6:]
    block["torque"] = command[:, :n]
    block["contact_state"], block["causes"] = status[:, 0], status[:, 1]
    block["tcp_position"] = status[:, 2:5] @ base[:3, :3].T + base[:3, 3]
    block["wrench"] = status[:, 15:21]
    block["force_measured"], block["force_reference"] = status[:, 21], status[:, 22]
    block["set_point_position"] = status[:, 24:27] @ base[:3, :3].T + base[:3, 3]
    for name, at in (("tcp_quaternion", 5), ("set_point_quaternion", 27)):
        block[name] = (turn * Rotation.from_quat(status[:, at : at + 4])).as_quat()
    for k, name in enumerate(("torque_task", "torque_posture", "torque_walls", "torque_bias")):
        block[name] = status[:, 37 + k * width : 37 + k * width + n]
    block["torque_share"] = status[:, 37 + 4 * width]
    block["press_direction"] = press_directions(status[:, -3:] @ base[:3, :3].T)
    pressing = (status[:, 0] >= ContactState.TOUCH) & (status[:, 0] <= ContactState.RELEASE)
    block["force_asked"] = np.where(pressing, status[:, 22], 0.0)
    block["force_true"] = -np.sum(truth[:, 6:9] * block["press_direction"], axis=1)
    block["depth"] = truth[:, 9]
    for name, at in (("pressure_share", 17), ("pain", 18), ("tone", 19), ("release", 20), ("softening", 21)):
        block[name] = truth[:, at]
    block["beats"] = truth[:, BEATS]
    block["surface_known_error"] = surface_error
    # The true force acts at the TCP, so it has no moment there.
    tool = Rotation.from_quat(block["tcp_quaternion"])
    block["true_wrench"][:, :3] = tool.inv().apply(truth[:, 6:9])
    return block
