"""The linear algebra of the law: operational-space mobility, damping that fits it, posture in the null space."""

from libc.math cimport sqrt

from massage_arm.native.maths cimport symmetric_inverse
from massage_arm.native.model cimport MAX_JOINTS, Dynamics


cdef struct TaskMobility:
    double linear[6]                 # 1/kg: acceleration of the TCP for a force on it, rotation left free
    double angular[6]                # 1/(kg m²): angular acceleration for a moment, translation left free
    double posture_wrench[6]         # Lambda J M^-1 t0: the wrench by which t0 would disturb the task
    double weakest                   # smallest pivot met [1/kg, 1/(kg m²)]; <= 0 or NaN: singular


cdef inline void task_mobility(const Dynamics* d, int n, const double* t0, double eps_linear, double eps_angular,
                               TaskMobility* out) noexcept nogil:
    """Mobilities of the tip and Lambda J M^-1 t0, Lambda = A^-1, A = J M^-1 J^T + eps, without square roots.

    Rows [M | J^T | t0] are reduced to [D L^T | L^-1 J^T | L^-1 t0]; then A = sum_k y_k y_k^T / D_k with y_k the
    reduced rows, and J M^-1 t0 likewise. The mobilities are the diagonal blocks of A: what the tip feels like when the
    other half of the motion is free, which is what a light wrist is. With the blocks of Lambda instead, damping that
    is right for the whole arm is several times too much for the wrist, and delay makes it unstable.
    """
    cdef double W[MAX_JOINTS][MAX_JOINTS + 7]
    cdef double A[6][7]
    cdef double x[6]
    cdef double* block
    cdef double scale, pivot
    cdef int i, j, k, r, s
    cdef int width = n + 7
    for i in range(n):
        for j in range(i, n):
            W[i][j] = d.mass[i][j]
        for r in range(6):
            W[i][n + r] = d.jacobian[r][i]
        W[i][n + 6] = t0[i]
    for r in range(6):
        out.posture_wrench[r] = 0.0
        for s in range(7):
            A[r][s] = 0.0
        A[r][r] = eps_linear if r < 3 else eps_angular
    for k in range(n):
        if not W[k][k] > 1e-9:
            out.weakest = -1.0
            return
        pivot = 1.0 / W[k][k]
        for i in range(k + 1, n):
            scale = W[k][i] * pivot
            for j in range(i, width):
                W[i][j] -= scale * W[k][j]
        for r in range(6):
            scale = W[k][n + r] * pivot
            for s in range(r, 7):
                A[r][s] += scale * W[k][n + s]
    for r in range(2):
        i = 3 * r
        block = &out.angular[0] if r else &out.linear[0]
        block[0] = A[i][i]
        block[1] = A[i][i + 1]
        block[2] = A[i][i + 2]
        block[3] = A[i + 1][i + 1]
        block[4] = A[i + 1][i + 2]
        block[5] = A[i + 2][i + 2]
    out.weakest = 1e300
    for k in range(6):
        if not A[k][k] > 1e-9:
            out.weakest = -1.0
            return
        if A[k][k] < out.weakest:
            out.weakest = A[k][k]
        pivot = 1.0 / A[k][k]
        for i in range(k + 1, 6):
            scale = A[k][i] * pivot
            for j in range(i, 7):
                A[i][j] -= scale * A[k][j]
    for k in range(5, -1, -1):
        x[k] = A[k][6]
        for i in range(k + 1, 6):
            x[k] -= A[k][i] * x[i]
        x[k] /= A[k][k]
        out.posture_wrench[k] = x[k]


cdef inline void damping_matrix(const double* mobility, const double* stiffness, double ratio,
                                double* out) noexcept nogil:
    """The symmetric D = 2 ratio G with G mobility G = stiffness: every mode gets the same damping ratio.

    With inertia = mobility^-1 = Q Q^T and stiffness = Q diag(k) Q^T (double diagonalisation, Albu-Schäffer et al. 2003)
    G = Q diag(sqrt k) Q^T is the geometric mean of the two. It is found by the coupled Newton iteration
    X <- (X + Y^-1) / 2, Y <- (Y + X^-1) / 2 from (stiffness, mobility), which is stable where the plain one is not
    (Denman and Beavers 1976; Higham, Functions of Matrices, 2008, ch. 6). After the first round X falls towards G,
    quadratically in the end, so the fall of its trace bounds what is left.
    """
    cdef double X[6]
    cdef double Y[6]
    cdef double U[6]
    cdef double V[6]
    cdef double trace = stiffness[0] + stiffness[3] + stiffness[5]
    cdef double scale = 3.0 / sqrt(trace * (mobility[0] + mobility[3] + mobility[5]))
    cdef double before
    cdef int j, turn
    for j in range(6):
        X[j] = scale * stiffness[j]
        Y[j] = scale * mobility[j]
    trace *= scale
    for turn in range(40):
        symmetric_inverse(X, U)
        symmetric_inverse(Y, V)
        for j in range(6):
            X[j] = 0.5 * (X[j] + V[j])
            Y[j] = 0.5 * (Y[j] + U[j])
        before = trace
        trace = X[0] + X[3] + X[5]
        if turn > 0 and not before - trace > 1e-9 * trace:
            break
    for j in range(6):
        out[j] = 2.0 * ratio * X[j]
