"""Where the arm stands beside the table and how it reaches over: for one press, and for a whole session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import dijkstra

from ..native import ArmModel, InputError
from ..native.chain import Chain
from .postures import LIMIT_MARGIN, joint_frames, joint_range, rooms, solve

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

STAND_OFF = 0.05  # m above the surface as it is known, where a press begins
DEEPEST = 0.05  # m below it, as deep as the guard lets any tool go

_HEIGHTS = (0.60, 0.75, 0.90, 1.05)  # m of the stand; on the first a 0.8 m arm has its shoulder level with a back
_DISTANCES = (0.62, 0.74, 0.86, 0.56)  # m from the middle of the table (0.72 m wide); the last: stand at its edge
_ALONG = (0.0, -0.2, 0.2)  # m towards the head from the site
_ALONG_ALL = (0.0, -0.15, 0.15, -0.3, 0.3)  # m towards the head from the middle of all points
_SEEDS = 16
_HOPELESS = 6  # seeds without a posture, then the stand is given up
_STEPS = 150
_CLEAR = 0.09  # m between the table and the middle of any link: links are up to 0.15 m thick
_TABLE_HALF, _TABLE_TOP = 0.36, 0.70  # m, `table.urdf.xacro`
_TRIES, _KEPT = 12, 5  # postures to begin from, for each stand, and how many of them are gone on with
_CLOSE = 1e-3  # m off a point whose normal cannot be had
_YIELDING = (0.3, 0.05, 0.01, 0.003)  # m/rad that the direction counts there, ever less so that the point is met
_DESCENT = 1.2  # rad that a joint may turn from above a point to below it; more is a wrist that tips over. Own choice
_HOP, _HOP_PER_M = 1.0, 5.0  # rad that it may turn from one point to the next, and more with the distance; the same
_FEW = 5  # points that stand for all of them while there are many stands
_FINALISTS = 24  # stands that are tried with every point


@dataclass(frozen=True)
class Placement:
    """An arm's stand and the postures from which it presses."""

    base: Floats
    """(4, 4) base of the arm in the world."""
    postures: Floats
    """(N, n) at the stand-off above each point; NaN where a point is not reached."""

    @property
    def q(self) -> Floats:
        """(n,) posture above the first point."""
        posture: Floats = self.postures[0]
        return posture

    @property
    def reached(self) -> Flags:
        """(N,) which points are reached."""
        return np.isfinite(self.postures[:, 0])


def place(model: ArmModel, above: Floats, deepest: Floats, direction: Floats, what: str) -> Placement:
    """The stand and posture with most room to the joint limits that reach `above` and `deepest` (3,) [m, world].

    The tool's +z points along `direction`. The arm stands on the nearer long side of the table. Raises InputError when
    no stand that is tried reaches both points.
    """
    side = -1.0 if above[1] <= 0.0 else 1.0
    longest = _stretched(model.chain)
    for height, distance in product(_HEIGHTS, _DISTANCES):
        found: list[tuple[float, Placement]] = []
        for along in _ALONG:
            base = _standing(above[0] + along, side * distance, height, -side * np.pi / 2)
            if np.linalg.norm(deepest - base[:3, 3]) > longest:
                continue
            postures = _reach(model, np.linalg.inv(base), above, deepest, direction)
            clear = [q for q in postures if _clearances(model.chain, base[None], q[None])[0] > _CLEAR]
            found += [(float(rooms(model.chain, q[None])[0]), Placement(base, q[None])) for q in clear]
        if found:
            return max(found, key=lambda scored: scored[0])[1]
    raise InputError(
        f"{what} cannot be reached by an arm with joints {model.joint_names[0]} to {model.joint_names[-1]} "
        f"from a stand {min(_DISTANCES):g} to {max(_DISTANCES):g} m beside the middle of the table "
        f"and {_HEIGHTS[0]:g} to {_HEIGHTS[-1]:g} m high"
    )


def stand_for(model: ArmModel, points: Floats, normals: Floats, names: Sequence[str] | None = None) -> Placement:
    """The stand from which the tool reaches every one of `points` (N, 3) [m, world], and a posture above each.

    `normals` (N, 3): unit, out of the body; the tool's +z points against them, from `STAND_OFF` above to `DEEPEST`
    below. Postures of neighbouring points follow from each other without a jump. Of the stands on both sides of the
    table that is the one whose worst point has the most room: joint limits, singularity, elbow. Raises InputError with
    the `names` of the points that no stand reaches together with the others, and of the most that one does.
    """
    if points.ndim != 2 or points.shape[1] != 3 or points.shape != normals.shape or not len(points):
        raise InputError(f"points {points.shape} with normals {normals.shape}: (N, 3) of both, from one on, is allowed")
    if not (np.isfinite(points).all() and np.isfinite(normals).all()):
        raise InputError("points or normals hold numbers that are not finite")
    found = best_stand(model, points, normals)
    if not found.reached.all():
        called = list(names) if names is not None else [f"point {k}" for k in range(len(points))]
        missed = ", ".join(name for name, there in zip(called, found.reached, strict=True) if not there)
        kept = ", ".join(name for name, there in zip(called, found.reached, strict=True) if there)
        x, y, z = found.base[:3, 3]
        together = (
            f"one at ({x:.2f}, {y:.2f}) m, {z:.2f} m high, reaches the most of them: {kept}"
            if kept
            else "none reaches any"
        )
        raise InputError(
            f"no stand beside the table reaches all {len(points)} points with the arm with joints "
            f"{model.joint_names[0]} to {model.joint_names[-1]}: {missed} cannot be reached with the others; {together}"
        )
    return found


def best_stand(model: ArmModel, points: Floats, normals: Floats) -> Placement:
    """As `stand_for`, but the stand that reaches most points where none reaches all of them."""
    chain = model.chain
    order = _spread_out(points)
    for root in order[:_FEW]:
        bases, q = _at_one(chain, points[:, 0].mean(), points[root], normals[root])
        if len(q):
            break
    else:
        return Placement(
            _standing(0.0, -_DISTANCES[0], _HEIGHTS[0], np.pi / 2), np.full((len(points), model.n), np.nan)
        )
    few = np.array([k for k in order[:_FEW] if k != root], dtype=int)
    if len(few):
        each = np.repeat(np.arange(len(q)), len(few))
        where = np.tile(few, len(q))
        _, scores = _above_and_below(chain, bases[each], q[each], points[where], normals[where], q[each])
        best = np.lexsort(_merits(scores.reshape(len(q), -1)))[::-1][:_FINALISTS]
        bases, q = bases[best], q[best]
    postures, scores = follow(chain, bases, q, points, normals, root)
    best = np.lexsort(_merits(scores))[-1]
    return Placement(bases[best], postures[best])


def follow(chain: Chain, bases: Floats, q: Floats, points: Floats, normals: Floats, root: int) -> tuple[Floats, Floats]:
    """Postures (C, N, n) above N points from each of C stands (4, 4), and their rooms (C, N), worst of above and below.

    From posture q (C, n) above point `root` on, each is solved from that of a neighbour nearer to the root, or of the
    nearest one before it that was reached. Where a point is not reached: NaN, and a room of -inf.
    """
    count, size = len(bases), len(points)
    postures, scores = np.full((count, size, chain.n), np.nan), np.full((count, size), -np.inf)
    start, origin = np.empty((count, size, chain.n)), np.empty((count, size, 3))  # where the way to each point begins
    for level, before in _levels(points, root):
        start[:, level] = q[:, None] if before is None else start[:, before]
        origin[:, level] = points[root] if before is None else origin[:, before]
        stand, where = (index.ravel() for index in np.meshgrid(np.arange(count), level, indexing="ij"))
        begin = start[stand, where]
        found, score = _above_and_below(chain, bases[stand], begin, points[where], normals[where], q[stand])
        hop = np.abs(found - begin).max(axis=1)
        there = (score > -np.inf) & (
            hop < _HOP + _HOP_PER_M * np.linalg.norm(points[where] - origin[stand, where], axis=1)
        )
        stand, where = stand[there], where[there]
        postures[stand, where] = start[stand, where] = found[there]
        origin[stand, where] = points[where]
        scores[stand, where] = score[there]
    return postures, scores


def least_angle(model: ArmModel, point: Floats, normal: Floats) -> tuple[Placement, float] | None:
    """The stand and posture that hold the tool at a point (3,) most nearly along its normal, and the angle left [rad].

    None when no stand brings the tool within `_CLOSE` of the point.
    """
    chain = model.chain
    bases, seeds = _stands(chain, point[0], point)
    if not len(bases):
        return None
    turns, at = bases[:, :3, :3], bases[:, :3, 3]
    targets = _rotate_back(turns, point - at)
    axes = _rotate_back(turns, np.broadcast_to(-normal, at.shape))
    # Two ways to a posture, as each ends in places of its own: direction first, or point first.
    q, _ = solve(chain, seeds, targets, axes)
    for weight in _YIELDING:
        q, _ = solve(chain, q, targets, axes, q, steps=20, axis_weight=weight)
    point_first, _ = solve(chain, seeds, targets, axes, steps=100, axis_weight=_YIELDING[-1])
    q = np.concatenate([q, point_first])
    bases, targets, axes = (np.concatenate([each, each]) for each in (bases, targets, axes))
    _, _, turn, tip = joint_frames(chain, q)
    fits = (np.linalg.norm(tip - targets, axis=1) < _CLOSE) & (_clearances(chain, bases, q) > _CLEAR)
    if not fits.any():
        return None
    cosines = np.where(fits, np.sum(turn[..., 2] * axes, axis=1), -np.inf)
    best = int(np.argmax(cosines))
    return Placement(bases[best], q[best][None]), float(np.arccos(np.clip(cosines[best], -1.0, 1.0)))


def _at_one(chain: Chain, middle: float, point: Floats, normal: Floats) -> tuple[Floats, Floats]:
    """Stands (C, 4, 4) that reach a point, each with a posture (C, n) above it; of each stand the `_KEPT` best."""
    bases, seeds = _stands(chain, middle, point - DEEPEST * normal)
    if not len(bases):
        return bases, seeds
    q, scores = _above_and_below(chain, bases, seeds, point, normal)
    ranks = np.argsort(np.argsort(-scores.reshape(-1, _TRIES), axis=1), axis=1).ravel()
    kept = (ranks < _KEPT) & (scores > -np.inf)
    return bases[kept], q[kept]


def _stands(chain: Chain, middle: float, point: Floats) -> tuple[Floats, Floats]:
    """Stands (B, 4, 4) around `middle` [m, along the table] that may reach a point, and first postures (B, n)."""
    stands = [
        _standing(middle + along, side * distance, height, -side * np.pi / 2)
        for side, height, distance, along in product((-1.0, 1.0), _HEIGHTS, _DISTANCES, _ALONG_ALL)
    ]
    longest = _stretched(chain)
    near = np.array([base for base in stands if np.linalg.norm(point - base[:3, 3]) <= longest]).reshape(-1, 4, 4)
    low, high = joint_range(chain)
    seeds = low + (high - low) * np.random.default_rng(0).uniform(0.25, 0.75, (_TRIES, chain.n))
    return np.repeat(near, _TRIES, axis=0), np.tile(seeds, (len(near), 1))


def _above_and_below(
    chain: Chain, bases: Floats, q: Floats, points: Floats, normals: Floats, rest: Floats | None = None
) -> tuple[Floats, Floats]:
    """Postures (B, n) above points (B, 3), from q (B, n); worst rooms (B,) there and below, -inf: not reached."""
    turns, at = bases[:, :3, :3], bases[:, :3, 3]
    axes = _rotate_back(turns, np.broadcast_to(-normals, at.shape))
    score, found, q = np.full(len(q), np.inf), q, q
    for depth in (-STAND_OFF, DEEPEST):
        go = np.flatnonzero(score > -np.inf)
        targets = _rotate_back(turns, points - depth * normals - at)
        solved, reached = solve(chain, q[go], targets[go], axes[go], None if rest is None else rest[go])
        reached &= _clearances(chain, bases[go], solved) > _CLEAR
        if depth > 0.0:
            reached &= np.abs(solved - q[go]).max(axis=1) < _DESCENT
        score[go[~reached]] = -np.inf
        score[go[reached]] = np.minimum(score[go[reached]], rooms(chain, solved[reached]))
        q = q.copy()
        q[go] = solved
        if depth < 0.0:
            found = q
    return found, score


def _rotate_back(turns: Floats, vectors: Floats) -> Floats:
    back: Floats = np.einsum("bji,bj->bi", turns, vectors)
    return back


def _merits(scores: Floats) -> tuple[Floats, Floats]:
    """Keys for lexsort, the second first: how many points are reached, then the least room among them."""
    there = scores > -np.inf
    return np.where(there, scores, np.inf).min(axis=1), there.sum(axis=1).astype(float)


def _spread_out(points: Floats) -> list[int]:
    """All points: the most central one, then always the one that is farthest from those before it."""
    away = np.linalg.norm(points[:, None] - points, axis=2)
    order = [int(np.argmin(away.max(axis=1)))]
    nearest = away[order[0]]
    while len(order) < min(len(points), _FEW):
        order.append(int(np.argmax(nearest)))
        nearest = np.minimum(nearest, away[order[-1]])
    return order


def _levels(points: Floats, root: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp] | None]]:
    """Points by steps from the root, each with the one before it, on paths of short hops (the least sum of squares)."""
    square = np.sum((points[:, None] - points) ** 2, axis=2)
    before = dijkstra(np.maximum(square, 1e-12), indices=root, return_predecessors=True)[1].astype(np.intp)
    level, first = np.array([root], dtype=np.intp), None
    while len(level):
        yield level, first
        level = np.flatnonzero(np.isin(before, level))
        first = before[level]


def _stretched(chain: Chain) -> float:
    """M from the base to the TCP that no posture exceeds."""
    low, high = joint_range(chain)
    slides = np.maximum(np.abs(low), np.abs(high))[~chain.revolute]
    parts = np.linalg.norm([*chain.placement[:, :3, 3], chain.tip_placement[:3, 3]], axis=1)
    return float(parts.sum() + slides.sum())


def _standing(x: float, y: float, z: float, yaw: float) -> Floats:
    base = np.eye(4)
    c, s = np.cos(yaw), np.sin(yaw)
    base[:2, :2] = [[c, -s], [s, c]]
    base[:3, 3] = x, y, z
    return base


def _reach(model: ArmModel, to_base: NDArray[Any], above: Floats, deepest: Floats, direction: Floats) -> list[Floats]:
    """Postures at `above` from which `deepest` is reached too, from a few fixed seeds."""
    rng = np.random.default_rng(0)
    low, high = joint_range(model.chain)
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


def _solve(model: ArmModel, q: Floats, point: Floats, axis: Floats) -> Floats | None:
    """Damped least squares on position and tool axis; the turn about the axis is left free. None: not reached."""
    low, high = joint_range(model.chain)
    middle = 0.5 * (low + high)
    q = q.copy()
    for _ in range(_STEPS):
        pose = model.forward(q)
        error = np.concatenate([point - pose[:3, 3], np.cross(pose[:3, 2], axis)])
        if pose[:3, 2] @ axis < 0.0:
            error[3:] += 0.5 * pose[:3, 0]  # from the opposite attitude the cross product alone gives no way out
        if np.linalg.norm(error) < 1e-6:
            inside = np.all(q > model.chain.lower + LIMIT_MARGIN) and np.all(q < model.chain.upper - LIMIT_MARGIN)
            return q if inside else None
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


def _clearances(chain: Chain, bases: Floats, q: Floats) -> Floats:
    """(B,) m from the table to the lines between the joints from the second on, as a stand-in for the links."""
    ends = joint_frames(chain, q)[1][:, 1:]
    along = np.linspace(0.0, 1.0, 8)[:, None, None, None]
    points = (ends[:, :-1] + along * (ends[:, 1:] - ends[:, :-1])) @ bases[:, :3, :3].transpose(0, 2, 1)
    points += bases[:, None, :3, 3]
    beside, above = np.abs(points[..., 1]) - _TABLE_HALF, points[..., 2] - _TABLE_TOP
    away: Floats = np.hypot(np.maximum(0.0, beside), np.maximum(0.0, above)).min(axis=(0, 2), initial=np.inf)
    return away
