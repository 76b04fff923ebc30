"""Kinematics and dynamics of a serial arm, link by link.

    tau = M(q) ddq + b(q, dq),     b(q, 0) = g(q)

Recursive Newton-Euler (Luh, Walker and Paul 1980; Siciliano et al., Robotics, 2009, ch. 7.5), every quantity in the
axes of its own link. R_i, p_i: joint frame i in frame i-1; z = (0, 0, 1): the joint axis; w, alpha, a: angular
velocity, angular acceleration and acceleration of the joint origin; c, I, m: centre of mass, inertia about it, mass.

    out  w_i     = R_i^T w_{i-1} + z dq_i
         alpha_i = R_i^T alpha_{i-1} + (R_i^T w_{i-1}) x z dq_i + z ddq_i
         a_i     = R_i^T (a_{i-1} + alpha_{i-1} x p_i + w_{i-1} x (w_{i-1} x p_i)),   a_0 = -gravity
    in   f_i     = m_i (a_i + alpha_i x c_i + w_i x (w_i x c_i)) + R_{i+1} f_{i+1}
         n_i     = I_i alpha_i + w_i x I_i w_i + c_i x m_i a_ci + R_{i+1} n_{i+1} + p_{i+1} x R_{i+1} f_{i+1}
         tau_i   = z . n_i

A prismatic joint moves p_i instead of turning R_i: its dq and ddq enter a_i as 2 w_i x z dq_i + z ddq_i, and tau_i is
z . f_i. The mass matrix is read off column by column with unit accelerations.
"""

from __future__ import annotations

import numpy as np

from ..chain import Chain, Floats

_Z = np.array([0.0, 0.0, 1.0])


def _cross(a: Floats, b: Floats) -> Floats:
    """The vector product; numpy's costs ten times as much for a single pair."""
    (ax, ay, az), (bx, by, bz) = a.tolist(), b.tolist()
    return np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


def _joint(chain: Chain, i: int, q: float) -> tuple[Floats, Floats]:
    """(R_i, p_i) at joint position q."""
    turn, shift = chain.placement[i, :3, :3], chain.placement[i, :3, 3]
    if not chain.revolute[i]:
        return turn, shift + turn @ _Z * q
    cos, sin = np.cos(q), np.sin(q)
    return turn @ np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]]), shift


def _frames(chain: Chain, q: Floats) -> list[tuple[Floats, Floats]]:
    """Rotation and origin of every joint frame, then of the TCP, in base axes."""
    R, p = np.eye(3), np.zeros(3)
    frames = []
    for i in range(chain.n):
        turn, shift = _joint(chain, i, q[i])
        R, p = R @ turn, p + R @ shift
        frames.append((R, p))
    frames.append((R @ chain.tip_placement[:3, :3], p + R @ chain.tip_placement[:3, 3]))
    return frames


def forward(chain: Chain, q: Floats) -> Floats:
    """Pose of the TCP in the base: (4, 4)."""
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = _frames(chain, q)[-1]
    return pose


def jacobian(chain: Chain, q: Floats) -> Floats:
    """Jacobian of the TCP: (6, n), linear rows then angular, base axes."""
    *joints, (_, tip) = _frames(chain, q)
    columns = []
    for revolute, (R, p) in zip(chain.revolute, joints, strict=True):
        axis = R @ _Z
        columns.append(np.r_[_cross(axis, tip - p), axis] if revolute else np.r_[axis, np.zeros(3)])
    return np.array(columns).T


def inverse_dynamics(chain: Chain, q: Floats, dq: Floats, ddq: Floats, gravity: Floats) -> Floats:
    """Joint torques (n,) that give the accelerations ddq under `gravity` (3,) m/s², base axes."""
    w, alpha, a = np.zeros(3), np.zeros(3), -gravity
    joints, forces, moments = [], [], []
    for i in range(chain.n):
        R, p = _joint(chain, i, q[i])
        a = R.T @ (a + _cross(alpha, p) + _cross(w, _cross(w, p)))
        w, alpha = R.T @ w, R.T @ alpha
        if chain.revolute[i]:
            alpha = alpha + _cross(w, _Z * dq[i]) + _Z * ddq[i]
            w = w + _Z * dq[i]
        else:
            a = a + 2.0 * _cross(w, _Z * dq[i]) + _Z * ddq[i]
        c, inertia = chain.com[i], chain.inertia[i]
        force = chain.mass[i] * (a + _cross(alpha, c) + _cross(w, _cross(w, c)))
        joints.append((R, p))
        forces.append(force)
        moments.append(inertia @ alpha + _cross(w, inertia @ w) + _cross(c, force))
    torque = np.zeros(chain.n)
    f, n = np.zeros(3), np.zeros(3)
    for i in reversed(range(chain.n)):
        f, n = f + forces[i], n + moments[i]
        torque[i] = _Z @ (n if chain.revolute[i] else f)
        R, p = joints[i]
        f, n = R @ f, R @ n + _cross(p, R @ f)
    return torque


def mass_matrix(chain: Chain, q: Floats) -> Floats:
    """Joint-space inertia M: (n, n)."""
    still = np.zeros(chain.n)
    return np.array([inverse_dynamics(chain, q, still, unit, np.zeros(3)) for unit in np.eye(chain.n)]).T


def bias(chain: Chain, q: Floats, dq: Floats, pull: Floats | None = None) -> Floats:
    """Coriolis, centrifugal and gravity torques b: (n,); `pull` (3,) replaces the chain's gravity."""
    return inverse_dynamics(chain, q, dq, np.zeros(chain.n), chain.gravity if pull is None else pull)


def gravity(chain: Chain, q: Floats) -> Floats:
    """Torques that hold the arm still: (n,)."""
    return bias(chain, q, np.zeros(chain.n))
