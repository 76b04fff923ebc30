"""The linear algebra of the law: operational-space inertia, damping that fits it, posture in the null space."""

from libc.math cimport sqrt

from massage_arm.native.maths cimport symmetric_inverse
from massage_arm.native.model cimport MAX_JOINTS, Dynamics


cdef struct TaskInertia:
    double linear[6]                 # kg: apparent mass at the TCP, rotation left free
    double angular[6]                # kg m²: apparent inertia, translation left free
    double posture_wrench[6]         # Lambda J M^-1 t0: the wrench by which t0 would disturb the task
    double weakest                   # smallest pivot met [1/kg, 1/(kg m²)]; <= 0 or NaN: singular


cdef inline void task_inertia(const Dynamics* d, int n, const double* t0, double eps_linear, double eps_angular,
                              TaskInertia* out) noexcept nogil:
    """Apparent inertias and Lambda J M^-1 t0, Lambda = A^-1, A = J M^-1 J^T + eps, without square roots.

    Rows [M | J^T | t0] are reduced to [D L^T | L^-1 J^T | L^-1 t0]; then A = sum_k y_k y_k^T / D_k with y_k the
    reduced rows, and J M^-1 t0 likewise. The inertias are the inverses of the diagonal blocks of A: what the tip feels
    like when the other half of the motion is free, which is what a light wrist is. With the blocks of Lambda instead,
    damping that is right for the whole arm is several times too much for the wrist, and delay makes it unstable.
    """
    cdef double W[MAX_JOINTS][MAX_JOINTS + 7]
    cdef double A[6][7]
    cdef double x[6]
    cdef double block[6]
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
        block[0] = A[i][i]
        block[1] = A[i][i + 1]
        block[2] = A[i][i + 2]
        block[3] = A[i + 1][i + 1]
        block[4] = A[i + 1][i + 2]
        block[5] = A[i + 2][i + 2]
        if r == 0:
            symmetric_inverse(block, out.linear)
        else:
            symmetric_inverse(block, out.angular)
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


cdef inline void geometric_mean(const double* inertia, const double* stiffness, double* out) noexcept nogil:
    """The symmetric G with G inertia^-1 G = stiffness; 2 zeta G is the double-diagonalised damping.

    With inertia = A A^T and stiffness = A diag(k) A^T (Albu-Schäffer et al. 2003), A diag(sqrt k) A^T is the geometric
    mean of the two, found here by Newton's iteration X <- (X + inertia X^-1 stiffness) / 2 (Bhatia, Positive Definite
    Matrices, 2007, ch. 4). Eight rounds reach 1e-12 for k spread over four decades.
    """
    cdef double X[6]
    cdef double Y[6]
    cdef double T[9]
    cdef double s2 = (stiffness[0] + stiffness[3] + stiffness[5]) / (inertia[0] + inertia[3] + inertia[5])
    cdef double k = 1.0 / s2
    cdef int j, turn
    for j in range(6):
        X[j] = 0.5 * (inertia[j] + k * stiffness[j])
    for turn in range(8):
        symmetric_inverse(X, Y)
        T[0] = inertia[0] * Y[0] + inertia[1] * Y[1] + inertia[2] * Y[2]
        T[1] = inertia[0] * Y[1] + inertia[1] * Y[3] + inertia[2] * Y[4]
        T[2] = inertia[0] * Y[2] + inertia[1] * Y[4] + inertia[2] * Y[5]
        T[3] = inertia[1] * Y[0] + inertia[3] * Y[1] + inertia[4] * Y[2]
        T[4] = inertia[1] * Y[1] + inertia[3] * Y[3] + inertia[4] * Y[4]
        T[5] = inertia[1] * Y[2] + inertia[3] * Y[4] + inertia[4] * Y[5]
        T[6] = inertia[2] * Y[0] + inertia[4] * Y[1] + inertia[5] * Y[2]
        T[7] = inertia[2] * Y[1] + inertia[4] * Y[3] + inertia[5] * Y[4]
        T[8] = inertia[2] * Y[2] + inertia[4] * Y[4] + inertia[5] * Y[5]
        X[0] = 0.5 * (X[0] + k * (T[0] * stiffness[0] + T[1] * stiffness[1] + T[2] * stiffness[2]))
        X[1] = 0.5 * (X[1] + k * (T[0] * stiffness[1] + T[1] * stiffness[3] + T[2] * stiffness[4]))
        X[2] = 0.5 * (X[2] + k * (T[0] * stiffness[2] + T[1] * stiffness[4] + T[2] * stiffness[5]))
        X[3] = 0.5 * (X[3] + k * (T[3] * stiffness[1] + T[4] * stiffness[3] + T[5] * stiffness[4]))
        X[4] = 0.5 * (X[4] + k * (T[3] * stiffness[2] + T[4] * stiffness[4] + T[5] * stiffness[5]))
        X[5] = 0.5 * (X[5] + k * (T[6] * stiffness[2] + T[7] * stiffness[4] + T[8] * stiffness[5]))
    for j in range(6):
        out[j] = sqrt(s2) * X[j]
