"""Soft tissue under a tool tip: a smooth surface, a stiffening and relaxing normal force, and skin that drags.

    Fe = k0/beta (exp(beta d) - 1) + K_b max(0, d - d_b)^1.5        elastic, bone underneath
    q_i' = g_i Fe' - q_i/tau_i                                       what relaxes (Prony)
    Fn = max(0, ((1 - sum g_i) Fe + sum q_i) (1 + c d'))             normal force
    Ft = -k_t u, |Ft| <= mu Fn, u' = sliding velocity while it sticks  skin

d is the depth of the tip below the moving surface, along its normal. Constants and sources: `control/sites.yaml`.
The force is evaluated at the position at the beginning of a step (symplectic; half-step prediction damps falsely).
The readable NumPy version is `reference/tissue.py`.
"""

from libc.math cimport floor, sqrt
from libc.string cimport memset

from massage_arm.native.maths cimport exponential

import numpy as np


cdef inline void basis(double t, double* b, double* db) noexcept nogil:
    """Uniform cubic B-spline basis and its derivative at t in [0, 1)."""
    cdef double s = 1.0 - t
    b[0] = s * s * s / 6.0
    b[1] = (3.0 * t * t * t - 6.0 * t * t + 4.0) / 6.0
    b[2] = (3.0 * s * s * s - 6.0 * s * s + 4.0) / 6.0
    b[3] = t * t * t / 6.0
    db[0] = -0.5 * s * s
    db[1] = 1.5 * t * t - 2.0 * t
    db[2] = -1.5 * s * s + 2.0 * s
    db[3] = 0.5 * t * t


cdef void surface_at(const Surface* s, double x, double y, double* out) noexcept nogil:
    """Height and its two slopes at (x, y); beyond the last whole patch both stay what they are at its edge."""
    cdef double u = (x - s.x0) / s.spacing
    cdef double v = (y - s.y0) / s.spacing
    cdef int i, j, a, b
    cdef double bu[4]
    cdef double du[4]
    cdef double bv[4]
    cdef double dv[4]
    cdef double row, slope
    cdef const double* c
    u = u if u > 1.0 else 1.0
    v = v if v > 1.0 else 1.0
    u = u if u < s.nx - 2.000001 else s.nx - 2.000001
    v = v if v < s.ny - 2.000001 else s.ny - 2.000001
    i = <int>floor(u)
    j = <int>floor(v)
    basis(u - i, bu, du)
    basis(v - j, bv, dv)
    out[0] = out[1] = out[2] = 0.0
    for a in range(4):
        c = s.coefficients + (i - 1 + a) * s.ny + j - 1
        row = bv[0] * c[0] + bv[1] * c[1] + bv[2] * c[2] + bv[3] * c[3]
        slope = dv[0] * c[0] + dv[1] * c[1] + dv[2] * c[2] + dv[3] * c[3]
        out[0] += bu[a] * row
        out[1] += du[a] * row
        out[2] += bu[a] * slope
    out[1] /= s.spacing
    out[2] /= s.spacing


cdef double tissue_step(TissueData* t, const double* p, const double* v, double lift, double lift_rate, double dt,
                        double* force) noexcept nogil:
    """Force (3,) on the tip at p moving with v [m, m/s; body axes]; returns the depth [m], negative when clear.

    The surface stands `lift` [m] above its rest and rises by `lift_rate` [m/s] (breathing).
    """
    cdef double h[3]
    cdef double n[3]
    cdef double slide[3]
    cdef double length, depth, rate, elastic, relaxing, normal, drag, cap
    cdef double rest = 1.0
    cdef int i
    surface_at(&t.surface, p[0], p[1], h)
    length = 1.0 / sqrt(1.0 + h[1] * h[1] + h[2] * h[2])
    n[0] = -h[1] * length
    n[1] = -h[2] * length
    n[2] = length
    depth = (h[0] + lift - p[2]) * length
    rate = lift_rate * length - (n[0] * v[0] + n[1] * v[1] + n[2] * v[2])
    elastic = 0.0
    if depth > 0.0:
        elastic = t.k0 / t.beta * (exponential(t.beta * depth) - 1.0)
        if depth > t.bone_depth:
            elastic += t.bone * (depth - t.bone_depth) * sqrt(depth - t.bone_depth)
    relaxing = 0.0
    for i in range(3):
        t.relaxing[i] = (t.relaxing[i] + t.share[i] * (elastic - t.elastic)) / (1.0 + dt / t.tau[i])
        relaxing += t.relaxing[i]
        rest -= t.share[i]
    t.elastic = elastic
    normal = (rest * elastic + relaxing) * (1.0 + t.damping * rate)
    if depth <= 0.0 or normal < 0.0:
        normal = 0.0
    drag = 0.0
    length = n[0] * v[0] + n[1] * v[1] + n[2] * v[2]
    for i in range(3):
        slide[i] = v[i] - length * n[i]
        t.bristle[i] += slide[i] * dt
    length = n[0] * t.bristle[0] + n[1] * t.bristle[1] + n[2] * t.bristle[2]
    for i in range(3):
        t.bristle[i] -= length * n[i]
        drag += t.bristle[i] * t.bristle[i]
    drag = t.shear * sqrt(drag)
    cap = t.friction * normal
    if drag > cap:
        for i in range(3):
            t.bristle[i] *= cap / drag
    for i in range(3):
        force[i] = normal * n[i] - t.shear * t.bristle[i]
    return depth


def check_constants(positive, amounts, share, tau):
    """Raise ValueError unless all are finite, `positive` above 0, `amounts` from 0, and the memory leaves some force."""
    for name, value in (positive | amounts).items():
        if not (0.0 < value < float("inf") or (value == 0.0 and name in amounts)):
            least = "from 0" if name in amounts else "above 0"
            raise ValueError(f"tissue constant {name} = {value}: a finite number {least} is allowed")
    if not (len(share) == 3 and min(share) >= 0.0 and sum(share) < 1.0):
        raise ValueError(f"tissue share = {share}: three numbers from 0 that sum to less than 1 are allowed")
    if not (len(tau) == 3 and all(0.0 < x < float("inf") for x in tau)):
        raise ValueError(f"tissue tau = {tau}: three finite numbers above 0 are allowed")


cdef class Tissue:
    """One place of tissue over a surface; remembers how it was pressed.

    `coefficients` (nx, ny) float64 and `x0`, `y0`, `spacing` [m] give the surface as a uniform cubic B-spline, body
    axes. Constants in SI (N/m, 1/m, m, N/m^1.5; share 1, tau s, damping s/m). Raises ValueError for a surface of fewer
    than 4 x 4 finite coefficients and for constants that no tissue has.
    """

    def __init__(self, coefficients, double x0, double y0, double spacing, *, double k0, double beta,
                 double bone_depth, double bone, share=(0.12, 0.10, 0.08), tau=(0.3, 3.0, 60.0), double damping=1.0,
                 double friction=0.10, double shear=700.0):
        coefficients = np.array(coefficients, dtype=np.float64, order="C", ndmin=2)
        cdef const double[:, ::1] view = coefficients
        check_constants(
            {"spacing": spacing, "k0": k0, "beta": beta, "bone_depth": bone_depth, "shear": shear},
            {"bone": bone, "damping": damping, "friction": friction}, share, tau)
        if min(coefficients.shape) < 4 or not np.isfinite(coefficients).all() or not np.isfinite((x0, y0)).all():
            raise ValueError(f"a surface of shape {coefficients.shape}: 4 x 4 finite coefficients or more are allowed")
        self.coefficients = coefficients
        memset(&self.data, 0, sizeof(TissueData))
        self.data.surface.nx = view.shape[0]
        self.data.surface.ny = view.shape[1]
        self.data.surface.x0 = x0
        self.data.surface.y0 = y0
        self.data.surface.spacing = spacing
        self.data.surface.coefficients = &view[0, 0]
        self.data.k0 = k0
        self.data.beta = beta
        self.data.bone_depth = bone_depth
        self.data.bone = bone
        self.data.damping = damping
        self.data.friction = friction
        self.data.shear = shear
        for i in range(3):
            self.data.share[i] = share[i]
            self.data.tau[i] = tau[i]

    def surface(self, double x, double y):
        """(height, slope in x, slope in y) of the resting surface [m, -, -]."""
        cdef double h[3]
        surface_at(&self.data.surface, x, y, h)
        return h[0], h[1], h[2]

    def step(self, position, velocity, double lift, double lift_rate, double dt):
        """(force (3,) on the tip, depth) at a tip position and velocity (3,), body axes; moves the memory on by dt."""
        cdef double p[3]
        cdef double v[3]
        cdef double f[3]
        for i in range(3):
            p[i] = position[i]
            v[i] = velocity[i]
        depth = tissue_step(&self.data, p, v, lift, lift_rate, dt, f)
        return np.array([f[0], f[1], f[2]]), depth
