"""Many postures of one arm at once: forward kinematics, Jacobians, room to move and inverse kinematics, in NumPy.

The compiled `ArmModel` answers for one posture; looking for a stand asks for tens of thousands.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..native.chain import Chain

Floats = NDArray[np.float64]

LIMIT_MARGIN = 0.2  # rad (m) that a posture keeps from every joint limit; own choice
_DAMPING = 1e-4  # of the least squares; m², rad²
_PULL = (
    0.15  # share of the way to the middle of the joints' ranges that is gone in a step, where the task leaves it free
)
_PULLED = 8  # steps with that pull; then damping would let it spoil the point
_FAR = 0.15  # m, rad: the most that a step asks for, so that the tool goes to a point on a nearly straight path
_TURN = 0.3  # rad (m): the most that a joint moves in a step
_REACHED = 1e-6


def joint_range(chain: Chain) -> tuple[Floats, Floats]:
    """Joint limits (n,), with continuous joints taken for half a turn either way."""
    low, high = chain.lower, chain.upper
    return np.where(np.isinf(low), -np.pi, low), np.where(np.isinf(high), np.pi, high)


def joint_frames(chain: Chain, q: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Axes (B, n, 3) and places (B, n, 3) of the joints, and pose of the TCP (B, 3, 3), (B, 3), at q (B, n); base."""
    turn, at = np.broadcast_to(np.eye(3), (len(q), 3, 3)), np.zeros((len(q), 3))
    axes, places = np.empty((2, len(q), chain.n, 3))
    for i in range(chain.n):
        at = at + turn @ chain.placement[i, :3, 3]
        turn = turn @ chain.placement[i, :3, :3]
        if chain.revolute[i]:
            c, s = np.cos(q[:, i, None]), np.sin(q[:, i, None])
            x, y = turn[..., 0], turn[..., 1]
            turn = np.stack([c * x + s * y, c * y - s * x, turn[..., 2]], axis=-1)
        else:
            at = at + turn[..., 2] * q[:, i, None]
        axes[:, i], places[:, i] = turn[..., 2], at
    return axes, places, turn @ chain.tip_placement[:3, :3], at + turn @ chain.tip_placement[:3, 3]


def jacobians(chain: Chain, axes: Floats, places: Floats, tip: Floats) -> Floats:
    """(B, 6, n) of the TCP, linear rows then angular, base axes, from what `joint_frames` says."""
    turning = np.cross(axes, tip[:, None] - places)
    linear = np.where(chain.revolute[:, None], turning, axes)
    angular = np.where(chain.revolute[:, None], axes, 0.0)
    return np.concatenate([linear, angular], axis=2).transpose(0, 2, 1)


def limit_margins(chain: Chain, q: Floats) -> Floats:
    """(B,) rad or m from q (B, n) to the nearest joint limit."""
    margins: Floats = np.min(np.minimum(q - chain.lower, chain.upper - q), axis=1)
    return margins


def rooms(chain: Chain, q: Floats) -> Floats:
    """(B,) least distance to a joint limit [rad], less near a singularity or where the elbow hangs low."""
    axes, places, _, tip = joint_frames(chain, q)
    weakest = np.linalg.svd(jacobians(chain, axes, places, tip), compute_uv=False)[:, -1]
    lowest = places[:, 2:, 2].min(axis=1, initial=1.0)  # m, base: of the joints beyond the second
    lack = 0.5 * np.minimum(0.0, lowest - 0.35)
    room: Floats = np.minimum(limit_margins(chain, q), 1.0) + 3.0 * np.minimum(weakest, 0.2) + lack
    return room


def solve(
    chain: Chain,
    q: Floats,
    points: Floats,
    axes: Floats,
    rest: Floats | None = None,
    *,
    steps: int = 40,
    axis_weight: float = 1.0,
) -> tuple[Floats, NDArray[np.bool_]]:
    """Postures (B, n) that hold the TCP at `points` (B, 3) [m, base], its +z along unit `axes` (B, 3), from q (B, n).

    Damped least squares; the turn about the axis is left free, and what is free goes towards posture `rest` (B, n), or
    the middle of the joints' ranges. A step is short and stays within joint limits less `LIMIT_MARGIN`, so the posture
    is one that the arm comes to from q without a jump. The second part of the answer says which were reached. With an
    `axis_weight` [m/rad] below 1 the direction yields where both cannot be had.
    """
    low, high = joint_range(chain)
    room = np.minimum(LIMIT_MARGIN, 0.25 * (high - low))
    rest = np.broadcast_to(0.5 * (low + high), q.shape) if rest is None else rest
    low, high = np.where(np.isinf(chain.lower), low, low + room), np.where(np.isinf(chain.upper), high, high - room)
    q, reached, left = q.copy(), np.zeros(len(q), bool), np.arange(len(q))
    weight = np.repeat([1.0, axis_weight], 3)
    for step in range(steps):
        joint_axes, places, turn, tip = joint_frames(chain, q[left])
        error = np.concatenate([points[left] - tip, _turn_to(turn, axes[left])], axis=1)
        done = (np.linalg.norm(error, axis=1) < _REACHED) & (step >= _PULLED)
        reached[left[done]] = True
        if done.any():
            keep = ~done
            left, error, turn, tip = left[keep], error[keep], turn[keep], tip[keep]
            joint_axes, places = joint_axes[keep], places[keep]
        if not len(left):
            break
        J = jacobians(chain, joint_axes, places, tip)
        z = turn[..., 2]
        J[:, 3:] -= z[:, :, None] * (z[:, None] @ J[:, 3:])
        J *= weight[:, None]
        error = weight * np.concatenate([_at_most(error[:, :3], _FAR), _at_most(error[:, 3:], 4.0 * _FAR)], axis=1)
        idle = (_PULL if step < _PULLED else 0.0) * (rest[left] - q[left])
        A = J @ J.transpose(0, 2, 1) + _DAMPING * np.eye(6)
        asked = error[..., None] - J @ idle[..., None]
        move = idle + (J.transpose(0, 2, 1) @ np.linalg.solve(A, asked))[..., 0]
        move *= np.minimum(1.0, _TURN / np.maximum(1e-9, np.abs(move).max(axis=1, keepdims=True)))
        q[left] = np.clip(q[left] + move, low, high)
    return q, reached


def _turn_to(turn: Floats, axes: Floats) -> Floats:
    """(B, 3) rotation vectors that bring the z axes of `turn` (B, 3, 3) to `axes` (B, 3)."""
    z = turn[..., 2]
    across = np.cross(z, axes)
    sine, cosine = np.linalg.norm(across, axis=1, keepdims=True), np.sum(z * axes, axis=1, keepdims=True)
    opposite = (sine < 1e-9) & (cosine < 0.0)
    unit = np.where(opposite, turn[..., 0], across / np.maximum(sine, 1e-12))
    vectors: Floats = unit * np.arctan2(sine, cosine)
    return vectors


def _at_most(vectors: Floats, length: float) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    shorter: Floats = vectors * np.minimum(1.0, length / np.maximum(1e-12, lengths))
    return shorter
