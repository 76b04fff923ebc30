"""Soft tissue under a tool tip.

    h(x, y) = sum_ij c_ij B((x - x0)/s - i) B((y - y0)/s - j)        surface; B: cardinal cubic B-spline
    Fe = k0/beta (exp(beta d) - 1) + K_b max(0, d - d_b)^1.5        elastic, bone underneath (d > 0)
    q_i <- (q_i + g_i (Fe - Fe_before)) / (1 + dt/tau_i)            what relaxes, backward Euler of q' = g Fe' - q/tau
    Fn = max(0, ((1 - sum g_i) Fe + sum q_i) (1 + c d'))             normal force, 0 when clear
    u <- tangential part of (u + slip dt), then |k_t u| <= mu Fn     skin, carried along until it slips
    F  = Fn n - k_t u                                                on the tip

n: outward normal of the surface; d: depth of the tip below the surface, measured along n; slip: tip velocity in the
tangent plane. Beyond the last whole patch, height and slope are those of its edge.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import BSpline

from ..chain import Floats

_B = BSpline.basis_element([-2.0, -1.0, 0.0, 1.0, 2.0], extrapolate=False)
_DB = _B.derivative()


class ReferenceTissue:
    """One place of tissue; arguments as for the compiled `Tissue`."""

    def __init__(
        self,
        coefficients: ArrayLike,
        x0: float,
        y0: float,
        spacing: float,
        *,
        k0: float,
        beta: float,
        bone_depth: float,
        bone: float,
        share: tuple[float, ...] = (0.12, 0.10, 0.08),
        tau: tuple[float, ...] = (0.3, 3.0, 60.0),
        damping: float = 1.0,
        friction: float = 0.10,
        shear: float = 700.0,
    ) -> None:
        self.c = np.asarray(coefficients, dtype=float)
        self.origin, self.spacing = np.array([x0, y0]), spacing
        self.k0, self.beta, self.bone_depth, self.bone = k0, beta, bone_depth, bone
        self.g, self.tau = np.array(share), np.array(tau)
        self.damping, self.friction, self.shear = damping, friction, shear
        self.q, self.u, self.elastic = np.zeros(3), np.zeros(3), 0.0

    def surface(self, x: float, y: float) -> tuple[float, float, float]:
        """(height, slope in x, slope in y) of the resting surface."""
        place = np.clip((np.array([x, y]) - self.origin) / self.spacing, 1.0, np.array(self.c.shape) - 2.000001)
        along_x, along_y = (place[k] - np.arange(self.c.shape[k]) for k in (0, 1))
        bx, by, dx, dy = (np.nan_to_num(b(at)) for b in (_B, _DB) for at in (along_x, along_y))
        return bx @ self.c @ by, dx @ self.c @ by / self.spacing, bx @ self.c @ dy / self.spacing

    def elastic_force(self, depth: float) -> float:
        """Fe at a depth [m]: N."""
        if depth <= 0.0:
            return 0.0
        bone = self.bone * max(0.0, depth - self.bone_depth) ** 1.5
        return float(self.k0 / self.beta * np.expm1(self.beta * depth) + bone)

    def step(
        self, position: ArrayLike, velocity: ArrayLike, lift: float, lift_rate: float, dt: float
    ) -> tuple[Floats, float]:
        """(force (3,) on the tip, depth) with the surface `lift` [m] above its rest; moves the memory on by dt."""
        p, v = np.asarray(position, dtype=float), np.asarray(velocity, dtype=float)
        height, slope_x, slope_y = self.surface(p[0], p[1])
        n = np.array([-slope_x, -slope_y, 1.0])
        n /= np.linalg.norm(n)
        depth = (height + lift - p[2]) * n[2]
        rate = lift_rate * n[2] - n @ v

        elastic = self.elastic_force(depth)
        self.q = (self.q + self.g * (elastic - self.elastic)) / (1.0 + dt / self.tau)
        self.elastic = elastic
        normal = ((1.0 - self.g.sum()) * elastic + self.q.sum()) * (1.0 + self.damping * rate)
        normal = max(0.0, normal) if depth > 0.0 else 0.0

        self.u = self.u + (v - (n @ v) * n) * dt
        self.u = self.u - (n @ self.u) * n
        drag = self.shear * np.linalg.norm(self.u)
        if drag > self.friction * normal:
            self.u = self.u * (self.friction * normal / drag)
        return normal * n - self.shear * self.u, float(depth)
