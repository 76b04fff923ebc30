"""Where the arm stands beside the table and how it reaches over: inverse kinematics from the compiled model."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..native import ArmModel, InputError

Floats = NDArray[np.float64]

_HEIGHTS = (0.60, 0.75, 0.90, 1.05)  # m of the stand; on the first a 0.8 m arm has its shoulder level with a back
_DISTANCES = (0.62, 0.74, 0.86, 0.56)  # m from the middle of the table (0.72 m wide); the last: stand at its edge
_ALONG = (0.0, -0.2, 0.2)  # m towards the head from the site
_SEEDS = 16
_HOPELESS = 6  # seeds without a posture, then the stand is given up
_STEPS = 150
_CLEAR = 0.09  # m between the table and the middle of any link: links are up to 0.15 m thick
_TABLE_HALF, _TABLE_TOP = 0.36, 0.70  # m, `table.urdf.xacro`


@dataclass(frozen=True)
class Placement:
    """An arm's stand and the posture from which it presses."""

    base: Floats
    """(4, 4) base of the arm in the world."""
    q: Floats
    """(n,) posture at the stand-off above the site."""


def place(model: ArmModel, above: Floats, deepest: Floats, direction: Floats, what: str) -> Placement:
    """The stand and posture with most room to the joint limits that reach `above` and `deepest` (3,) [m, world].

    The tool's +z points along `direction`. The arm stands on the nearer long side of the table. Raises InputError when
    no stand that is tried reaches both points.
    """
    side = -1.0 if above[1] <= 0.0 else 1.0
    for height, distance in product(_HEIGHTS, _DISTANCES):
        found: list[tuple[float, Placement]] = []
        for along in _ALONG:
            base = _standing(above[0] + along, side * distance, height, -side * np.pi / 2)
            postures = _reach(model, np.linalg.inv(base), above, deepest, direction)
            clear = [q for q in postures if _clearance(model, base, q) > _CLEAR]
            found += [(_room(model, q), Placement(base, q)) for q in clear]
        if found:
            return max(found, key=lambda scored: scored[0])[1]
    raise InputError(
        f"{what} cannot be reached by an arm with joints {model.joint_names[0]} to {model.joint_names[-1]} "
        f"from a stand {min(_DISTANCES):g} to {max(_DISTANCES):g} m beside the middle of the table "
        f"and {_HEIGHTS[0]:g} to {_HEIGHTS[-1]:g} m high"
    )


def _standing(x: float, y: float, z: float, yaw: float) -> Floats:
    base = np.eye(4)
    c, s = np.cos(yaw), np.sin(yaw)
    base[:2, :2] = [[c, -s], [s, c]]
    base[:3, 3] = x, y, z
    return base


def _reach(model: ArmModel, to_base: NDArray[Any], above: Floats, deepest: Floats, direction: Floats) -> list[Floats]:
    """Postures at `above` from which `deepest` is reached too, from a few fixed seeds."""
    rng = np.random.default_rng(0)
    low, high = _range(model)
    points = [to_base[:3, :3] @ p + to_base[:3, 3] for p in (above, deepest)]
    axis = to_base[:3, :3] @ direction
    found: list[Floats] = []
    for k in range(_SEEDS):
        if k == _HOPELESS and not found:
            break
        q = _solve(model, low + (high - low) * rng.uniform(0.25, 0.75, model.n), points[0], axis)
        if q is not None and _solve(model, q, points[1], axis) is not None:
            found.append(q)
    return found


def _range(model: ArmModel) -> tuple[Floats, Floats]:
    """Joint limits, with continuous joints taken for half a turn either way."""
    low, high = model.chain.lower, model.chain.upper
    return np.where(np.isinf(low), -np.pi, low), np.where(np.isinf(high), np.pi, high)


def _solve(model: ArmModel, q: Floats, point: Floats, axis: Floats) -> Floats | None:
    """Damped least squares on position and tool axis; the turn about the axis is left free. None: not reached."""
    low, high = _range(model)
    middle = 0.5 * (low + high)
    q = q.copy()
    for _ in range(_STEPS):
        pose = model.forward(q)
        error = np.concatenate([point - pose[:3, 3], np.cross(pose[:3, 2], axis)])
        if pose[:3, 2] @ axis < 0.0:
            error[3:] += 0.5 * pose[:3, 0]  # from the opposite attitude the cross product alone gives no way out
        if np.linalg.norm(error) < 1e-6:
            return q if np.all(q > model.chain.lower + 0.2) and np.all(q < model.chain.upper - 0.2) else None
        J = model.jacobian(q)
        J[3:] -= np.outer(pose[:3, 2], pose[:3, 2] @ J[3:])
        A = J @ J.T + 1e-4 * np.eye(6)
        step = J.T @ np.linalg.solve(A, error)
        if np.linalg.norm(error) > 1e-2:  # close by, damping would let the pull to the middle spoil the point
            idle = 0.05 * (middle - q)
            step += idle - J.T @ np.linalg.solve(A, J @ idle)
        q += step * min(1.0, 0.3 / max(1e-9, float(np.abs(step).max())))
        np.clip(q, low, high, out=q)
    return None


def _room(model: ArmModel, q: Floats) -> float:
    """Least distance to a joint limit [rad], less where the arm is near a singularity or its elbow hangs low."""
    margin = float(np.min(np.minimum(q - model.chain.lower, model.chain.upper - q)))
    weakest = float(np.linalg.svd(model.jacobian(q), compute_uv=False)[-1])
    return min(margin, 1.0) + 3.0 * min(weakest, 0.2) + 0.5 * min(0.0, _lowest_elbow(model, q) - 0.35)


def _lowest_elbow(model: ArmModel, q: Floats) -> float:
    """Height [m, base] of the lowest joint beyond the second."""
    return float(_joints(model, q)[2:, 2].min(initial=1.0))


def _clearance(model: ArmModel, base: Floats, q: Floats) -> float:
    """Distance [m] from the table of the lines between the joints from the second on, as a stand-in for the links."""
    ends = _joints(model, q)[1:]
    along = np.linspace(0.0, 1.0, 8)[:, None, None]
    points = (ends[:-1] + along * (ends[1:] - ends[:-1])).reshape(-1, 3) @ base[:3, :3].T + base[:3, 3]
    outside = np.maximum(0.0, np.column_stack([np.abs(points[:, 1]) - _TABLE_HALF, points[:, 2] - _TABLE_TOP]))
    return float(np.linalg.norm(outside, axis=1).min(initial=np.inf))


def _joints(model: ArmModel, q: Floats) -> Floats:
    """(n, 3) m, base: where the joints are."""
    chain = model.chain
    T = np.eye(4)
    at = np.empty((chain.n, 3))
    for i in range(chain.n):
        T = T @ chain.placement[i]
        move = np.eye(4)
        if chain.revolute[i]:
            c, s = np.cos(q[i]), np.sin(q[i])
            move[:2, :2] = [[c, -s], [s, c]]
        else:
            move[2, 3] = q[i]
        T = T @ move
        at[i] = T[:3, 3]
    return at
