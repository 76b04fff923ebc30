"""What the joints feel of the world: external torques from motion and command, and the force on the tool they mean.

    r <- r + a (M ddq + b - tau - r),   a = K dt / (1 + K dt),   M ddq = M (dq - dq_before) / dt

This is the momentum observer (De Luca and Mattone 2003) with the change of M q' written as M q'' + M' q'; implicit in
r, so that every K is stable. The acceleration is never used unfiltered: its sum telescopes to a velocity. The force is
the least-squares one at the TCP, without moment, each joint weighed by its torque limit; what it leaves unexplained is
a contact elsewhere on the arm.
"""

from libc.math cimport fabs

from massage_arm.native.maths cimport dot3, symmetric_inverse, symmetric_times
from massage_arm.native.model cimport MAX_JOINTS, Dynamics


cdef struct Observer:
    double residual[MAX_JOINTS]      # Nm, external torques
    double zero[MAX_JOINTS]          # Nm, of them at the last tare: what the model gets wrong there
    double dq[MAX_JOINTS]            # rad/s, last cycle
    int valid                        # the force below can be believed
    double force[3]                  # N on the tool at the TCP, base axes
    double off_tool                  # Nm, largest that no force at the TCP explains


cdef inline void observer_step(Observer* o, const Dynamics* d, int n, const double* dq, const double* torque,
                               const double* limit, double bandwidth, double weakest, double dt) noexcept nogil:
    """Take in one cycle: velocities, and torques (n,) that acted before it. `weakest`: least det / trace³ of J W J^T."""
    cdef double a = bandwidth * dt / (1.0 + bandwidth * dt)
    cdef double A[6]
    cdef double inverse[6]
    cdef double right[3]
    cdef double acceleration[MAX_JOINTS]
    cdef double x, w, trace
    cdef int i, j
    for i in range(n):
        acceleration[i] = (dq[i] - o.dq[i]) / dt
        o.dq[i] = dq[i]
    for j in range(6):
        A[j] = 0.0
    right[0] = right[1] = right[2] = 0.0
    for i in range(n):
        x = d.bias[i] - torque[i]
        for j in range(n):
            x += d.mass[i][j] * acceleration[j]
        o.residual[i] += a * (x - o.residual[i])
        w = 1.0 / (limit[i] * limit[i])
        x = (o.residual[i] - o.zero[i]) * w
        A[0] += w * d.jacobian[0][i] * d.jacobian[0][i]
        A[1] += w * d.jacobian[0][i] * d.jacobian[1][i]
        A[2] += w * d.jacobian[0][i] * d.jacobian[2][i]
        A[3] += w * d.jacobian[1][i] * d.jacobian[1][i]
        A[4] += w * d.jacobian[1][i] * d.jacobian[2][i]
        A[5] += w * d.jacobian[2][i] * d.jacobian[2][i]
        for j in range(3):
            right[j] += d.jacobian[j][i] * x
    # det / trace³ falls to 0 with the smallest eigenvalue, and needs no eigenvalues.
    trace = A[0] + A[3] + A[5]
    x = symmetric_inverse(A, inverse)
    o.valid = x > weakest * trace * trace * trace
    if not o.valid:
        o.force[0] = o.force[1] = o.force[2] = o.off_tool = 0.0
        return
    symmetric_times(inverse, right, o.force)
    o.off_tool = 0.0
    for i in range(n):
        x = o.residual[i] - o.zero[i]
        for j in range(3):
            x -= d.jacobian[j][i] * o.force[j]
        if fabs(x) > o.off_tool:
            o.off_tool = fabs(x)
