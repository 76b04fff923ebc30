"""Soft tissue under a tool tip: a smooth surface, a stiffening and relaxing normal force, and skin that drags.

    Fe = k/beta (exp(beta d) - 1) + K_b max(0, d - d_b)^1.5         elastic, bone underneath
    k  = k0 (1 + c tone) (1 + e trigger (1 - release)) (1 - softening)
    q_i' = g_i Fe' - q_i/tau_i                                      what relaxes (Prony)
    Fn = max(0, ((1 - sum g_i) Fe + sum q_i) (1 + c d'))            normal force
    Ft = -k_t u, |Ft| <= mu Fn, u' = sliding velocity while it sticks   skin

d is the depth of the tip below the moving surface, along its normal. Constants and sources: `control/sites.yaml`.
Constants and memory lie on a grid of cells: constants are read between the four around the tip, and these four take
the force into their memory, so that what was pressed stays with the skin when the tool moves on. A cell that comes
into reach has no weight yet, hence the force has no jumps. Cells out of reach are brought up to date when met again.
The force is evaluated at the position at the beginning of a step (symplectic; half-step prediction damps falsely).
The readable NumPy version is `reference/tissue.py`.
"""

from libc.math cimport floor, sqrt
from libc.string cimport memset

from massage_arm.native.maths cimport clamp, exponential

from typing import NamedTuple

import numpy as np

from .person_constants import PersonConstants


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


cdef void wake(TissueData* t, double* cell) noexcept nogil:
    """Let a cell that was out of reach live through the time since: unloaded at once, then recovering."""
    cdef double gone = t.time - cell[6]
    cdef int i
    for i in range(3):
        cell[i] = (cell[i] - t.share[i] * cell[3]) * exponential(-gone / t.tau[i])
    cell[3] = 0.0
    cell[4] *= exponential(-gone / t.release_return)
    cell[5] *= exponential(-gone / t.softening_return)


cdef void find_place(TissueData* t, double x, double y) noexcept nogil:
    """Find the cells around (x, y), and what they say together of the place."""
    cdef const Cells* c = &t.cells
    cdef double u = clamp((x - c.x0) / c.spacing, 0.0, c.nx - 1.000001)
    cdef double v = clamp((y - c.y0) / c.spacing, 0.0, c.ny - 1.000001)
    cdef int i = <int>u
    cdef int j = <int>v
    cdef int k, m, at
    cdef double w
    cdef double mean[LAW]
    cdef double* cell
    u -= i
    v -= j
    for m in range(LAW):
        mean[m] = 0.0
    t.place.release = t.place.softening = 0.0
    for k in range(4):
        at = (i + k // 2) * c.ny + j + k % 2
        w = (u if k // 2 else 1.0 - u) * (v if k % 2 else 1.0 - v)
        cell = c.memory + at * MEMORY
        if at != t.corner[0] and at != t.corner[1] and at != t.corner[2] and at != t.corner[3]:
            wake(t, cell)
        for m in range(LAW):
            mean[m] += w * c.law[at * LAW + m]
        t.place.release += w * cell[4]
        t.place.softening += w * cell[5]
        t.weight[k] = w
    for k in range(4):
        cell = c.memory + t.corner[k] * MEMORY
        cell[6] = t.time
    for k in range(4):
        t.corner[k] = (i + k // 2) * c.ny + j + k % 2
    for m in range(4):
        t.law[m] = mean[m]
    t.place.threshold = mean[4]
    t.place.trigger = mean[5]


cdef void tissue_step(TissueData* t, const double* p, const double* v, double lift, double lift_rate, double tone_factor,
                      double dt, double* force) noexcept nogil:
    """Force (3,) on the tip at p moving with v [m, m/s; body axes]; `depth`, `rate` and `normal` are left in t.

    The surface stands `lift` [m] above its rest and rises by `lift_rate` [m/s] (breathing, bulging muscle);
    `tone_factor` is how much stiffer the muscle makes it. `find_place` at p comes first, `keep_place` after.
    """
    cdef double h[3]
    cdef double n[3]
    cdef double slide[3]
    cdef double length, depth, elastic, relaxing, drag, cap, k0
    cdef double rest = 1.0
    cdef double* cell
    cdef int i, k
    surface_at(&t.surface, p[0], p[1], h)
    length = 1.0 / sqrt(1.0 + h[1] * h[1] + h[2] * h[2])
    n[0] = -h[1] * length
    n[1] = -h[2] * length
    n[2] = length
    depth = (h[0] + lift - p[2]) * length
    t.rate = lift_rate * length - (n[0] * v[0] + n[1] * v[1] + n[2] * v[2])
    elastic = 0.0
    if depth > 0.0:
        k0 = t.law[0] * tone_factor * (1.0 - t.place.softening) \
            * (1.0 + t.trigger_stiffening * t.place.trigger * (1.0 - t.place.release))
        elastic = k0 / t.law[1] * (exponential(t.law[1] * depth) - 1.0)
        if depth > t.law[2]:
            elastic += t.law[3] * (depth - t.law[2]) * sqrt(depth - t.law[2])
    relaxing = 0.0
    for i in range(3):
        length = 1.0 / (1.0 + dt / t.tau[i])
        for k in range(4):
            cell = t.cells.memory + t.corner[k] * MEMORY
            cell[i] = (cell[i] + t.share[i] * (elastic - cell[3])) * length
            relaxing += t.weight[k] * cell[i]
        rest -= t.share[i]
    for k in range(4):
        t.cells.memory[t.corner[k] * MEMORY + 3] = elastic
    t.time += dt
    t.depth = depth
    t.normal = (rest * elastic + relaxing) * (1.0 + t.damping * t.rate)
    if depth <= 0.0 or t.normal < 0.0 or t.damping * t.rate < -1.0:  # torn off faster than tissue follows
        t.normal = 0.0
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
    cap = t.friction * t.normal
    if drag > cap:
        for i in range(3):
            t.bristle[i] *= cap / drag
    for i in range(3):
        force[i] = t.normal * n[i] - t.shear * t.bristle[i]


cdef void keep_place(TissueData* t) noexcept nogil:
    """Give what happened to the place since `find_place` to its cells."""
    cdef double release = t.place.release
    cdef double softening = t.place.softening
    cdef double* cell
    cdef int k
    for k in range(4):
        cell = t.cells.memory + t.corner[k] * MEMORY
        release -= t.weight[k] * cell[4]
        softening -= t.weight[k] * cell[5]
    for k in range(4):
        cell = t.cells.memory + t.corner[k] * MEMORY
        cell[4] = clamp(cell[4] + release, 0.0, 1.0)
        cell[5] = clamp(cell[5] + softening, 0.0, 1.0)


class TissueLaw(NamedTuple):
    """Constants of a place, SI."""

    k0: float
    """N/m at first touch."""
    beta: float
    """1/m."""
    bone_depth: float
    """m."""
    bone: float
    """N/m^1.5."""
    threshold: float
    """Pa, pressure-pain threshold on 1 cm²."""
    trigger: float = 0.0
    """0..1, how much of a trigger point the place holds."""


def cell_places(shape, double x0, double y0, double spacing, double cell_spacing):
    """(x (nx,), y (ny,)) of the cells that cover a surface of `shape` coefficients [m, body axes]."""
    def along(start, count):
        return start + cell_spacing * np.arange(2 + int((count - 1) * spacing / cell_spacing))
    return along(x0, shape[0]), along(y0, shape[1])


def check_law(law):
    """Raise ValueError for a law (nx, ny, 6) that no tissue has."""
    for m, name in enumerate(TissueLaw._fields):
        values = law[..., m]
        least = "from 0" if name in ("bone", "trigger") else "above 0"
        wrong = values[~(np.isfinite(values) & ((values > 0.0) | ((values == 0.0) & (least == "from 0"))))]
        if wrong.size:
            raise ValueError(f"tissue law: {name} = {wrong[0]}: a finite number {least} is allowed")


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
    """Tissue under a surface; every place remembers how it was pressed.

    `coefficients` (nx, ny) float64 and `x0`, `y0`, `spacing` [m] give the surface as a uniform cubic B-spline, body
    axes. `law` is one `TissueLaw` for all of it, or one for every cell: (nx, ny, 6) at `cell_places` of the surface.
    `share` and `tau` [s]: what relaxes; `damping` s/m; `friction` 1; `shear` N/m of the skin. Raises ValueError for a
    surface of fewer than 4 x 4 finite coefficients and for constants that no tissue has.
    """

    def __init__(self, coefficients, double x0, double y0, double spacing, law, *, double cell_spacing=0.015,
                 share=(0.12, 0.10, 0.08), tau=(0.3, 3.0, 60.0), double damping=1.0, double friction=0.10,
                 double shear=700.0, constants=PersonConstants()):
        coefficients = np.array(coefficients, dtype=np.float64, order="C", ndmin=2)
        check_constants({"spacing": spacing, "cell_spacing": cell_spacing, "shear": shear},
                        {"damping": damping, "friction": friction}, share, tau)
        if min(coefficients.shape) < 4 or not np.isfinite(coefficients).all() or not np.isfinite((x0, y0)).all():
            raise ValueError(f"a surface of shape {coefficients.shape}: 4 x 4 finite coefficients or more are allowed")
        xs, ys = cell_places(coefficients.shape, x0, y0, spacing, cell_spacing)
        shape = (len(xs), len(ys), LAW)
        law = np.asarray(law, dtype=np.float64)
        if law.shape not in ((LAW,), shape):
            raise ValueError(f"a tissue law of shape {law.shape}: {shape} or {(LAW,)} is allowed")
        self.law = np.ascontiguousarray(np.broadcast_to(law, shape))
        check_law(self.law)
        self.coefficients = coefficients
        self.memory = np.zeros((shape[0], shape[1], MEMORY))
        cdef const double[:, ::1] surface = self.coefficients
        cdef const double[:, :, ::1] laws = self.law
        cdef double[:, :, ::1] memory = self.memory
        memset(&self.data, 0, sizeof(TissueData))
        self.data.surface = Surface(surface.shape[0], surface.shape[1], x0, y0, spacing, &surface[0, 0])
        self.data.cells = Cells(shape[0], shape[1], x0, y0, cell_spacing, &laws[0, 0, 0], &memory[0, 0, 0])
        self.data.damping = damping
        self.data.friction = friction
        self.data.shear = shear
        self.data.trigger_stiffening = constants.trigger_stiffening
        self.data.release_return = constants.release_return
        self.data.softening_return = constants.softening_return
        for i in range(3):
            self.data.share[i] = share[i]
            self.data.tau[i] = tau[i]

    @property
    def friction(self):
        """Coulomb's, kinetic; may be set, for creams that go in."""
        return self.data.friction

    @friction.setter
    def friction(self, double value):
        check_constants({}, {"friction": value}, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
        self.data.friction = value

    def surface(self, double x, double y):
        """(height, slope in x, slope in y) of the resting surface [m, -, -]."""
        cdef double h[3]
        surface_at(&self.data.surface, x, y, h)
        return h[0], h[1], h[2]

    def step(self, position, velocity, double lift, double lift_rate, double dt, double tone_factor=1.0):
        """(force (3,) on the tip, depth) at a tip position and velocity (3,), body axes; moves the memory on by dt.

        `tone_factor`: how much stiffer the muscle is than relaxed.
        """
        cdef double p[3]
        cdef double v[3]
        cdef double f[3]
        for i in range(3):
            p[i] = position[i]
            v[i] = velocity[i]
        find_place(&self.data, p[0], p[1])
        tissue_step(&self.data, p, v, lift, lift_rate, tone_factor, dt, f)
        return np.array([f[0], f[1], f[2]]), self.data.depth

    def add_memory(self, double release, double softening):
        """Let the place last stepped at release and soften by so much more (0..1)."""
        self.data.place.release += release
        self.data.place.softening += softening
        keep_place(&self.data)
