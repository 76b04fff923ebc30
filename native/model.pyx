"""Rigid-body model of a serial arm: pose, Jacobian, mass matrix, bias and gravity torques in one fused pass.

Everything is written in base axes about the base origin, so that velocities, accelerations, inertias and forces of
the links are plain sums along the chain (Featherstone, Rigid Body Dynamics Algorithms, 2008: recursive Newton-Euler
table 5.1, composite rigid bodies table 6.2). The readable NumPy version is `reference/dynamics.py`.
"""

from libc.math cimport isfinite
from libc.string cimport memset

from massage_arm.native.maths cimport cross, dot3, multiply, rotate, sin_cos, symmetric_times

import numpy as np

from .urdf import read_chain


cdef void model_kinematics(const Model* m, const double* q, Kinematics* k) noexcept nogil:
    """Joint frames, joint screws and the TCP pose at q."""
    cdef int i, j
    cdef double s, c
    cdef double A[9]
    cdef const double* R
    cdef const double* p
    cdef double* z
    for i in range(m.n):
        if i == 0:
            for j in range(9):
                A[j] = m.turn[0][j]
            for j in range(3):
                k.shift[0][j] = m.shift[0][j]
        else:
            R = k.turn[i - 1]
            p = k.shift[i - 1]
            multiply(R, m.turn[i], A)
            rotate(R, m.shift[i], k.shift[i])
            for j in range(3):
                k.shift[i][j] += p[j]
        z = k.screw[i]
        if m.revolute[i]:
            sin_cos(q[i], &s, &c)
            for j in range(3):
                k.turn[i][3 * j] = c * A[3 * j] + s * A[3 * j + 1]
                k.turn[i][3 * j + 1] = c * A[3 * j + 1] - s * A[3 * j]
                k.turn[i][3 * j + 2] = A[3 * j + 2]
                z[j] = A[3 * j + 2]
            cross(k.shift[i], z, z + 3)
        else:
            for j in range(9):
                k.turn[i][j] = A[j]
            for j in range(3):
                k.shift[i][j] += A[3 * j + 2] * q[i]
                z[j] = 0.0
                z[3 + j] = A[3 * j + 2]
    multiply(k.turn[m.n - 1], m.tip_turn, k.tip.rotation)
    rotate(k.turn[m.n - 1], m.tip_shift, k.tip.position)
    for j in range(3):
        k.tip.position[j] += k.shift[m.n - 1][j]


cdef void model_jacobian(const Model* m, const Kinematics* k, double jacobian[6][MAX_JOINTS]) noexcept nogil:
    """Jacobian of the TCP: linear rows, then angular, base axes."""
    cdef int i, j
    cdef double turning[3]
    for i in range(m.n):
        cross(k.screw[i], k.tip.position, turning)
        for j in range(3):
            jacobian[j][i] = k.screw[i][3 + j] + turning[j]
            jacobian[3 + j][i] = k.screw[i][j]


cdef inline void link_inertia(const Model* m, const Kinematics* k, int i, double* out) noexcept nogil:
    """Mass, first moment and inertia of link i about the base origin, base axes: out is double[10]."""
    cdef const double* R = k.turn[i]
    cdef const double* I = m.inertia[i]
    cdef double c[3]
    cdef double T[9]
    cdef double mass = m.mass[i]
    cdef double square
    cdef int j
    rotate(R, m.com[i], c)
    for j in range(3):
        c[j] += k.shift[i][j]
    for j in range(3):
        T[3 * j] = R[3 * j] * I[0] + R[3 * j + 1] * I[1] + R[3 * j + 2] * I[2]
        T[3 * j + 1] = R[3 * j] * I[1] + R[3 * j + 1] * I[3] + R[3 * j + 2] * I[4]
        T[3 * j + 2] = R[3 * j] * I[2] + R[3 * j + 1] * I[4] + R[3 * j + 2] * I[5]
    square = dot3(c, c)
    out[0] = mass
    out[1] = mass * c[0]
    out[2] = mass * c[1]
    out[3] = mass * c[2]
    out[4] = dot3(T, R) + mass * (square - c[0] * c[0])
    out[5] = dot3(T, R + 3) - mass * c[0] * c[1]
    out[6] = dot3(T, R + 6) - mass * c[0] * c[2]
    out[7] = dot3(T + 3, R + 3) + mass * (square - c[1] * c[1])
    out[8] = dot3(T + 3, R + 6) - mass * c[1] * c[2]
    out[9] = dot3(T + 6, R + 6) + mass * (square - c[2] * c[2])


cdef inline void inertia_times(const double* I, const double* motion, double* out) noexcept nogil:
    """Spatial momentum or force I * motion: angular, then linear."""
    cdef double t[3]
    symmetric_times(I + 4, motion, out)
    cross(I + 1, motion + 3, t)
    out[0] += t[0]
    out[1] += t[1]
    out[2] += t[2]
    cross(motion, I + 1, t)
    out[3] = I[0] * motion[3] + t[0]
    out[4] = I[0] * motion[4] + t[1]
    out[5] = I[0] * motion[5] + t[2]


cdef void model_dynamics(const Model* m, const double* q, const double* dq, const double* gravity,
                         Dynamics* d) noexcept nogil:
    """Kinematics, Jacobian, TCP twist, mass matrix and bias torques; `gravity` zero leaves gravity out."""
    cdef int i, j, r
    cdef double velocity[6]
    cdef double acceleration[6]
    cdef double joint[6]
    cdef double momentum[6]
    cdef double a[3]
    cdef double* F
    cdef const double* S
    model_kinematics(m, q, &d.k)
    model_jacobian(m, &d.k, d.jacobian)
    for j in range(3):
        velocity[j] = velocity[3 + j] = acceleration[j] = 0.0
        acceleration[3 + j] = -gravity[j]
    for i in range(m.n):
        S = d.k.screw[i]
        for j in range(6):
            joint[j] = S[j] * dq[i]
            velocity[j] += joint[j]
        cross(velocity, joint, a)
        for j in range(3):
            acceleration[j] += a[j]
        cross(velocity, joint + 3, a)
        for j in range(3):
            acceleration[3 + j] += a[j]
        cross(velocity + 3, joint, a)
        for j in range(3):
            acceleration[3 + j] += a[j]
        link_inertia(m, &d.k, i, d.momentum[i])
        F = d.force[i]
        inertia_times(d.momentum[i], acceleration, F)
        inertia_times(d.momentum[i], velocity, momentum)
        cross(velocity, momentum, a)
        for j in range(3):
            F[j] += a[j]
        cross(velocity + 3, momentum + 3, a)
        for j in range(3):
            F[j] += a[j]
        cross(velocity, momentum + 3, a)
        for j in range(3):
            F[3 + j] += a[j]
    cross(velocity, d.k.tip.position, a)
    for j in range(3):
        d.twist[j] = velocity[3 + j] + a[j]
        d.twist[3 + j] = velocity[j]
    for i in range(m.n - 1, -1, -1):
        S = d.k.screw[i]
        F = d.force[i]
        d.bias[i] = dot3(S, F) + dot3(S + 3, F + 3)
        inertia_times(d.momentum[i], S, momentum)
        for r in range(i + 1):
            S = d.k.screw[r]
            d.mass[i][r] = dot3(S, momentum) + dot3(S + 3, momentum + 3)
            d.mass[r][i] = d.mass[i][r]
        if i > 0:
            for j in range(6):
                d.force[i - 1][j] += F[j]
            for j in range(10):
                d.momentum[i - 1][j] += d.momentum[i][j]


cdef void add_weight(const Dynamics* d, int n, double mass, const double* com, const double* gravity,
                     double* torque) noexcept nogil:
    """Add the torques that hold up a mass [kg] at `com` [m, seen from the TCP, tool axes]: -J_com^T m g."""
    cdef double r[3]
    cdef double moment[3]
    cdef int i, j
    rotate(d.k.tip.rotation, com, r)
    cross(r, gravity, moment)
    for i in range(n):
        for j in range(3):
            torque[i] -= mass * (d.jacobian[j][i] * gravity[j] + d.jacobian[3 + j][i] * moment[j])


cdef class ArmModel:
    """Kinematics and dynamics of a serial arm of up to 10 revolute or prismatic joints.

    Frames: everything in base axes; the TCP is the tip frame of the chain. Arguments are arrays of n numbers
    (rad, m; rad/s, m/s); a wrong length raises ValueError. Not safe to share between threads: it owns scratch space.
    """

    def __init__(self, chain):
        """Take the numbers of a `Chain`; raises ValueError when it has no or more than 10 joints."""
        cdef int i, j
        if not 1 <= chain.n <= MAX_JOINTS:
            raise ValueError(f"an arm has 1 to {MAX_JOINTS} moving joints, this chain has {chain.n}")
        self.chain = chain
        memset(&self.model, 0, sizeof(Model))
        self.model.n = chain.n
        upper = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
        for i in range(chain.n):
            self.model.revolute[i] = bool(chain.revolute[i])
            self.model.mass[i] = chain.mass[i]
            for j in range(9):
                self.model.turn[i][j] = chain.placement[i, j // 3, j % 3]
            for j in range(3):
                self.model.shift[i][j] = chain.placement[i, j, 3]
                self.model.com[i][j] = chain.com[i, j]
            for j in range(6):
                self.model.inertia[i][j] = chain.inertia[i][upper[j]]
        for j in range(9):
            self.model.tip_turn[j] = chain.tip_placement[j // 3, j % 3]
        for j in range(3):
            self.model.tip_shift[j] = chain.tip_placement[j, 3]
            self.model.gravity[j] = chain.gravity[j]

    @classmethod
    def from_urdf(cls, path_or_xml, tip, base=None, gravity=(0.0, 0.0, -9.81), lock=None):
        """Read a URDF or xacro file (or its text) from `base` (default: the root link) to `tip`.

        `gravity` is in base axes [m/s²]; `lock` holds other movable joints at a position. Raises InputError.
        """
        return cls(read_chain(path_or_xml, tip, base, gravity, lock))

    cdef int _read(self, object values, const char* name, double* out) except -1:
        cdef int i
        if len(values) != self.model.n:
            raise ValueError(f"{name.decode()} needs {self.model.n} numbers, one per joint, got {len(values)}")
        for i in range(self.model.n):
            out[i] = values[i]
        return 0

    @property
    def n(self):
        """Number of moving joints."""
        return self.model.n

    @property
    def joint_names(self):
        """Names of the moving joints, base to tip."""
        return self.chain.joint_names

    def forward(self, q):
        """Pose of the TCP in the base at q (n,): (4, 4)."""
        cdef double x[MAX_JOINTS]
        cdef int i, j
        self._read(q, b"q", x)
        model_kinematics(&self.model, x, &self.scratch.k)
        pose = np.zeros((4, 4))
        cdef double[:, ::1] out = pose
        for i in range(3):
            for j in range(3):
                out[i, j] = self.scratch.k.tip.rotation[3 * i + j]
            out[i, 3] = self.scratch.k.tip.position[i]
        out[3, 3] = 1.0
        return pose

    def jacobian(self, q):
        """Jacobian of the TCP at q: (6, n), linear rows then angular, base axes."""
        cdef double x[MAX_JOINTS]
        cdef int i, j
        self._read(q, b"q", x)
        model_kinematics(&self.model, x, &self.scratch.k)
        model_jacobian(&self.model, &self.scratch.k, self.scratch.jacobian)
        J = np.empty((6, self.model.n))
        cdef double[:, ::1] out = J
        for i in range(6):
            for j in range(self.model.n):
                out[i, j] = self.scratch.jacobian[i][j]
        return J

    def mass_matrix(self, q):
        """Joint-space inertia at q: (n, n) [kg m², kg m, kg]."""
        cdef double x[MAX_JOINTS]
        cdef double zero[MAX_JOINTS]
        cdef int i, j
        self._read(q, b"q", x)
        memset(zero, 0, sizeof(zero))
        model_dynamics(&self.model, x, zero, zero, &self.scratch)
        M = np.empty((self.model.n, self.model.n))
        cdef double[:, ::1] out = M
        for i in range(self.model.n):
            for j in range(self.model.n):
                out[i, j] = self.scratch.mass[i][j]
        return M

    def bias(self, q, dq):
        """Coriolis, centrifugal and gravity torques at q, dq: (n,) [Nm, N]."""
        cdef double x[MAX_JOINTS]
        cdef double v[MAX_JOINTS]
        self._read(q, b"q", x)
        self._read(dq, b"dq", v)
        model_dynamics(&self.model, x, v, self.model.gravity, &self.scratch)
        return np.array([self.scratch.bias[i] for i in range(self.model.n)])

    def gravity(self, q):
        """Torques that hold the arm still against gravity at q: (n,) [Nm, N]."""
        return self.bias(q, [0.0] * self.model.n)
