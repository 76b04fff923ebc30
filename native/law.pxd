"""The linear algebra of the law: operational-space mobility, damping that fits it, posture in the null space."""

from libc.math cimport fabs, sqrt
from libc.string cimport memcpy, memset

from massage_arm.native.maths cimport cross, dot3, symmetric_inverse, symmetric_times
from massage_arm.native.model cimport MAX_JOINTS, Dynamics


cdef enum:
    LANES = 8                        # six rows of J, t0, one to spare; fixed lengths make whole vectors


cdef struct TaskMobility:
    double linear[6]                 # 1/kg: acceleration of the TCP for a force on it, rotation left free
    double angular[6]                # 1/(kg m²): angular acceleration for a moment, translation left free
    double posture_wrench[6]         # Lambda J M^-1 t0: the wrench by which t0 would disturb the task
    double weakest                   # smallest pivot met [1/kg, 1/(kg m²)]; <= 0 or NaN: singular


cdef inline void task_mobility(const Dynamics* d, int n, const double* t0, double eps_linear, double eps_angular,
                               TaskMobility* out) noexcept nogil:
    """Mobilities of the tip and Lambda J M^-1 t0, Lambda = A^-1, A = J M^-1 J^T + eps, without square roots.

    Rows [M | J^T | t0] are reduced to [D L^T | L^-1 J^T | L^-1 t0]; then A = sum_k y_k y_k^T / D_k with y_k the
    reduced rows, and J M^-1 t0, the column behind it, likewise. The mobilities are the diagonal blocks of A: what the tip feels like when the
    other half of the motion is free, which is what a light wrist is. With the blocks of Lambda instead, damping that
    is right for the whole arm is several times too much for the wrist, and delay makes it unstable.
    """
    cdef double W[MAX_JOINTS][MAX_JOINTS + LANES]
    cdef double A[6][LANES]
    cdef double x[6]
    cdef double* right
    cdef double* block
    cdef double scale, pivot
    cdef int i, j, k, r
    memset(A, 0, sizeof(A))
    for r in range(6):
        out.posture_wrench[r] = 0.0
        A[r][r] = eps_linear if r < 3 else eps_angular
    for i in range(n):
        memcpy(W[i], d.mass[i], sizeof(d.mass[i]))
        right = W[i] + MAX_JOINTS
        for r in range(6):
            right[r] = d.jacobian[r][i]
        right[6] = t0[i]
        right[7] = 0.0
    for k in range(n):
        if not W[k][k] > 1e-9:
            out.weakest = -1.0
            return
        pivot = 1.0 / W[k][k]
        for i in range(k + 1, n):
            scale = W[k][i] * pivot
            for j in range(MAX_JOINTS):
                W[i][j] -= scale * W[k][j]
            for j in range(MAX_JOINTS, MAX_JOINTS + LANES):
                W[i][j] -= scale * W[k][j]
        right = W[k] + MAX_JOINTS
        for r in range(6):
            scale = right[r] * pivot
            for j in range(LANES):
                A[r][j] += scale * right[j]
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
            for j in range(LANES):
                A[i][j] -= scale * A[k][j]
    for k in range(5, -1, -1):
        x[k] = A[k][6]
        for i in range(k + 1, 6):
            x[k] -= A[k][i] * x[i]
        x[k] /= A[k][k]
        out.posture_wrench[k] = x[k]


cdef inline double root_trace(double one, double two, double three) noexcept nogil:
    """Trace I of the square root of a matrix with invariants `one`, `two` and `three`² (eigenvalues positive).

    With II of the root: I = sqrt(one + 2 II), II = sqrt(two + 2 I three). Put into each other they contract ninefold,
    since I II >= 9 three; Newton's iteration on that settles in three rounds, without cancellation.
    """
    cdef double I = sqrt(3.0 * one)
    cdef double II, back, step
    cdef int turn
    for turn in range(20):
        II = sqrt(two + 2.0 * three * I)
        back = sqrt(one + 2.0 * II)
        step = (I - back) / (1.0 - three / (back * II))
        I -= step
        if not fabs(step) > 1e-8 * I:
            break
    return I


cdef inline void damping_matrix(const double* mobility, const double* stiffness, double ratio,
                                double* out) noexcept nogil:
    """The symmetric D = 2 ratio G with G Y G = K: every mode of stiffness K and mobility Y gets the damping ratio.

    With inertia Y^-1 = Q Q^T and K = Q diag(k) Q^T (double diagonalisation, Albu-Schäffer et al. 2003) this is
    G = Q diag(sqrt k) Q^T = Y^-1 (Y K)^1/2. The root of a 3 x 3 matrix is a polynomial in it (Cayley and Hamilton;
    Hoger and Carlson 1984): with the root's invariants, G = ((I² - II) K + I III Y^-1 - K Y K) / (I II - III).
    """
    cdef double K[3][3]
    cdef double YK[3][3]             # columns
    cdef double inertia[6]
    cdef double minors[3]
    cdef double det = symmetric_inverse(mobility, inertia)
    cdef double one, two, I, II, III, k, y, c
    cdef int i, j, at = 0
    K[0][0] = stiffness[0]
    K[0][1] = K[1][0] = stiffness[1]
    K[0][2] = K[2][0] = stiffness[2]
    K[1][1] = stiffness[3]
    K[1][2] = K[2][1] = stiffness[4]
    K[2][2] = stiffness[5]
    for j in range(3):
        symmetric_times(mobility, K[j], YK[j])
    cross(K[0], K[1], minors)
    one = YK[0][0] + YK[1][1] + YK[2][2]
    two = YK[0][0] * YK[1][1] - YK[0][1] * YK[1][0] + YK[0][0] * YK[2][2] - YK[0][2] * YK[2][0] \
        + YK[1][1] * YK[2][2] - YK[1][2] * YK[2][1]
    III = sqrt(det * dot3(minors, K[2]))
    I = root_trace(one, two, III)
    II = sqrt(two + 2.0 * III * I)
    c = 2.0 * ratio / (I * II - III)
    k = c * (I * I - II)
    y = c * I * III
    for i in range(3):
        for j in range(i, 3):
            out[at] = k * stiffness[at] + y * inertia[at] - c * dot3(K[i], YK[j])
            at += 1
