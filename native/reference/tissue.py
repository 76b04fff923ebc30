"""Soft tissue under a tool tip.

    h(x, y) = sum_ij c_ij B((x - x0)/s - i) B((y - y0)/s - j)        surface; B: cardinal cubic B-spline
    Fe = k0/beta (exp(beta d) - 1) + K_b max(0, d - d_b)^1.5        elastic, bone underneath (d > 0)
    q_i <- (q_i + g_i (Fe - Fe_before)) / (1 + dt/tau_i)            what relaxes, backward Euler of q' = g Fe' - q/tau
    Fn = max(0, ((1 - sum g_i) Fe + sum q_i) (1 + c d'))             normal force, 0 when clear
    u <- tangential part of (u + slip dt), then |k_t u| <= mu Fn     skin, carried along until it slips
    F  = Fn n - k_t u                                                on the tip

n: outward normal of the surface; d: depth of the tip below the surface, measured along n; slip: tip velocity in the
tangent plane. Beyond the last whole patch, height and slope are those of its edge. The
constants and the memory q, Fe lie on cells; both are read between the four cells around the tip, which alone take the
force into their memory.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import BSpline

from ..chain import Floats

_B = BSpline.basis_element([-2.0, -1.0, 0.0, 1.0, 2.0], extrapolate=False)
_DB = _B.derivative()


class ReferenceTissue:
    """Tissue under a surface; arguments as for the compiled `Tissue`, with one law for all of it or for every cell."""

    def __init__(
        self,
        coefficients: ArrayLike,
        x0: float,
        y0: float,
        spacing: float,
        law: ArrayLike,
        *,
        cell_spacing: float = 0.015,
        share: tuple[float, ...] = (0.12, 0.10, 0.08),
        tau: tuple[float, ...] = (0.3, 3.0, 60.0),
        damping: float = 1.0,
        friction: float = 0.10,
        shear: float = 700.0,
        trigger_stiffening: float = 0.186,
    ) -> None:
        self.c = np.asarray(coefficients, dtype=float)
        self.origin, self.spacing, self.cell_spacing = np.array([x0, y0]), spacing, cell_spacing
        cells = [2 + int((n - 1) * spacing / cell_spacing) for n in self.c.shape]
        self.law = np.broadcast_to(np.asarray(law, dtype=float), (*cells, 6))
        self.g, self.tau = np.array(share), np.array(tau)
        self.damping, self.friction, self.shear = damping, friction, shear
        self.trigger_stiffening = trigger_stiffening
        self.q, self.elastic = np.zeros((*cells, 3)), np.zeros(cells)
        self.release, self.softening = np.zeros(cells), np.zeros(cells)
        self.u = np.zeros(3)

    def surface(self, x: float, y: float) -> tuple[float, float, float]:
        """(height, slope in x, slope in y) of the resting surface."""
        place = np.clip((np.array([x, y]) - self.origin) / self.spacing, 1.0, np.array(self.c.shape) - 2.000001)
        along_x, along_y = (place[k] - np.arange(self.c.shape[k]) for k in (0, 1))
        bx, by, dx, dy = (np.nan_to_num(b(at)) for b in (_B, _DB) for at in (along_x, along_y))
        return bx @ self.c @ by, dx @ self.c @ by / self.spacing, bx @ self.c @ dy / self.spacing

    def weights(self, x: float, y: float) -> Floats:
        """How much each cell has to say at (x, y): bilinear, four cells at the most."""
        shape = np.array(self.elastic.shape)
        place = np.clip((np.array([x, y]) - self.origin) / self.cell_spacing, 0.0, shape - 1.000001)
        along = [np.maximum(0.0, 1.0 - np.abs(np.arange(n) - at)) for n, at in zip(shape, place, strict=True)]
        return np.outer(*along)

    def around(self, x: float, y: float) -> NDArray[np.bool_]:
        """Which four cells are around (x, y)."""
        shape = np.array(self.elastic.shape)
        i, j = np.clip((np.array([x, y]) - self.origin) / self.cell_spacing, 0.0, shape - 1.000001).astype(int)
        inside = np.zeros(shape, dtype=bool)
        inside[i : i + 2, j : j + 2] = True
        return inside

    def elastic_force(self, depth: float, law: Floats, factor: float) -> float:
        """Fe at a depth [m]: N."""
        if depth <= 0.0:
            return 0.0
        k0, beta, bone_depth, bone = law[:4]
        return float(factor * k0 / beta * np.expm1(beta * depth) + bone * max(0.0, depth - bone_depth) ** 1.5)

    def step(
        self,
        position: ArrayLike,
        velocity: ArrayLike,
        lift: float,
        lift_rate: float,
        dt: float,
        tone_factor: float = 1.0,
    ) -> tuple[Floats, float]:
        """(force (3,) on the tip, depth) with the surface `lift` [m] above its rest; moves the memory on by dt."""
        p, v = np.asarray(position, dtype=float), np.asarray(velocity, dtype=float)
        height, slope_x, slope_y = self.surface(p[0], p[1])
        n = np.array([-slope_x, -slope_y, 1.0])
        n /= np.linalg.norm(n)
        depth = (height + lift - p[2]) * n[2]
        rate = lift_rate * n[2] - n @ v

        w, near = self.weights(p[0], p[1]), self.around(p[0], p[1])
        law, release, softening = np.tensordot(w, self.law), np.sum(w * self.release), np.sum(w * self.softening)
        trigger = 1.0 + self.trigger_stiffening * law[5] * (1.0 - release)
        elastic = self.elastic_force(depth, law, tone_factor * trigger * (1.0 - softening))
        self._remember(near, elastic, dt)
        normal = (1.0 - self.g.sum()) * elastic + np.sum(w[..., None] * self.q)
        normal *= max(0.0, 1.0 + self.damping * rate)  # torn off faster than tissue follows: nothing
        normal = max(0.0, normal) if depth > 0.0 else 0.0

        self.u = self.u + (v - (n @ v) * n) * dt
        self.u = self.u - (n @ self.u) * n
        drag = self.shear * np.linalg.norm(self.u)
        if drag > self.friction * normal:
            self.u = self.u * (self.friction * normal / drag)
        return normal * n - self.shear * self.u, float(depth)

    def _remember(self, near: NDArray[np.bool_], elastic: float, dt: float) -> None:
        """Cells near the tip take the force; the others are unloaded and recover."""
        far = ~near
        self.q[far] -= self.g * self.elastic[far, None]
        self.elastic[far] = 0.0
        self.q[far] *= np.exp(-dt / self.tau)
        self.q[near] = (self.q[near] + self.g * (elastic - self.elastic[near, None])) / (1.0 + dt / self.tau)
        self.elastic[near] = elastic
