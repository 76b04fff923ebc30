"""Scalars, 3-vectors, rotations and small symmetric matrices, inline, with the same bits on every CPU.

sin, cos, atan and exp are our own because glibc picks FMA variants by CPU at run time, and a run must replay
anywhere. All propagate NaN. Vectors are double[3]; rotations are double[9], row-major; symmetric 3x3 matrices
are double[6]: xx, xy, xz, yy, yz, zz. Outputs come last and may not alias inputs unless said.
"""

from libc.math cimport fabs, frexp, ldexp, sqrt


cdef inline void sin_cos(double x, double* s, double* c) noexcept nogil:
    """Sine and cosine, |x| <= 1e5, error <= 1 ulp of 1 (Cody-Waite reduction; fdlibm k_sin.c, k_cos.c)."""
    # Adding and taking away 1.5 * 2^52 rounds to the nearest integer on any CPU.
    cdef double magic = 6755399441055744.0
    cdef double turns = (x * 0.63661977236758134308 + magic) - magic
    cdef double r = ((x - turns * 1.57079632673412561417e+00) - turns * 6.07710050630396597660e-11) \
        - turns * 2.02226624879595063154e-21
    cdef double z = r * r
    cdef double sine = r + r * z * (-1.66666666666666324348e-01 + z * (8.33333333332248946124e-03
        + z * (-1.98412698298579493134e-04 + z * (2.75573137070700676789e-06
        + z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)))))
    cdef double cosine = 1.0 - 0.5 * z + z * z * (4.16666666666666019037e-02 + z * (-1.38888888888741095749e-03
        + z * (2.48015872894767294178e-05 + z * (-2.75573143513906633035e-07
        + z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11)))))
    cdef long long quadrant = <long long>turns if fabs(turns) < 1e9 else 0
    cdef double a = cosine if quadrant & 1 else sine
    cdef double b = sine if quadrant & 1 else cosine
    s[0] = -a if quadrant & 2 else a
    c[0] = -b if (quadrant + 1) & 2 else b


cdef inline double atan_positive(double x) noexcept nogil:
    """Arc tangent of x >= 0 (Moshier, Cephes atan.c)."""
    cdef double base = 0.0
    cdef double z, t = x
    if x > 2.41421356237309504880:
        base = 1.57079632679489661923
        t = -1.0 / x
    elif x > 0.66:
        base = 0.78539816339744830962
        t = (x - 1.0) / (x + 1.0)
    z = t * t
    return base + t + t * z * ((((-8.750608600031904122785e-1 * z - 1.615753718733365076637e1) * z
        - 7.500855792314704667340e1) * z - 1.228866684490136173410e2) * z - 6.485021904942025371773e1) / (
        ((((z + 2.485846490142306297962e1) * z + 1.650270098316988542046e2) * z
        + 4.328810604912902668951e2) * z + 4.853903996359136964868e2) * z + 1.945506571482613964425e2)


cdef inline double exponential(double x) noexcept nogil:
    """e^x for |x| < 700 (Moshier, Cephes exp.c); saturates beyond."""
    cdef double magic = 6755399441055744.0
    cdef double n, r, z, p
    if x > 700.0:
        x = 700.0
    elif x < -700.0:
        x = -700.0
    n = (x * 1.4426950408889634073599 + magic) - magic
    r = (x - n * 6.93145751953125e-1) - n * 1.42860682030941723212e-6
    z = r * r
    p = r * ((1.26177193074810590878e-4 * z + 3.02994407707441961300e-2) * z + 9.99999999999999999910e-1)
    r = p / ((((3.00198505138664455042e-6 * z + 2.52448340349684104192e-3) * z
        + 2.27265548208155028766e-1) * z + 2.0) - p)
    return ldexp(1.0 + 2.0 * r, <int>n if n == n else 0) + (n - n)


cdef inline double logarithm(double x) noexcept nogil:
    """Natural logarithm of a normal x > 0 (fdlibm e_log.c); NaN for the rest."""
    cdef int k
    cdef double f, s, z, R
    if not x > 0.0:
        return x - x if x != x else (x - x) / (x - x)
    f = frexp(x, &k)
    if f < 0.70710678118654752440:
        f *= 2.0
        k -= 1
    f -= 1.0
    s = f / (2.0 + f)
    z = s * s
    R = z * (6.666666666666735130e-01 + z * (3.999999999940941908e-01 + z * (2.857142874366239149e-01
        + z * (2.222219843214978396e-01 + z * (1.818357216161805012e-01 + z * (1.531383769920937332e-01
        + z * 1.479819860511658591e-01))))))
    return k * 6.93147180369123816490e-01 + (f - (0.5 * f * f - (s * (0.5 * f * f + R) + k * 1.90821492927058770002e-10)))


cdef inline double clamp(double x, double low, double high) noexcept nogil:
    """x limited to [low, high]; NaN stays NaN."""
    return low if x < low else (high if x > high else x)


cdef inline double toward(double x, double target, double most) noexcept nogil:
    """x moved towards target by at most `most`."""
    return x + clamp(target - x, -most, most)


cdef inline double dot3(const double* a, const double* b) noexcept nogil:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


cdef inline double norm3(const double* a) noexcept nogil:
    return sqrt(dot3(a, a))


cdef inline void cross(const double* a, const double* b, double* out) noexcept nogil:
    out[0] = a[1] * b[2] - a[2] * b[1]
    out[1] = a[2] * b[0] - a[0] * b[2]
    out[2] = a[0] * b[1] - a[1] * b[0]


cdef inline void cap_norm3(double* a, double most) noexcept nogil:
    """Shorten a to length `most`, keeping its direction."""
    cdef double length = norm3(a)
    cdef double scale
    if length > most:
        scale = most / length
        a[0] *= scale
        a[1] *= scale
        a[2] *= scale


cdef inline void rotate(const double* R, const double* a, double* out) noexcept nogil:
    """out = R a."""
    out[0] = R[0] * a[0] + R[1] * a[1] + R[2] * a[2]
    out[1] = R[3] * a[0] + R[4] * a[1] + R[5] * a[2]
    out[2] = R[6] * a[0] + R[7] * a[1] + R[8] * a[2]


cdef inline void rotate_back(const double* R, const double* a, double* out) noexcept nogil:
    """out = R^T a."""
    out[0] = R[0] * a[0] + R[3] * a[1] + R[6] * a[2]
    out[1] = R[1] * a[0] + R[4] * a[1] + R[7] * a[2]
    out[2] = R[2] * a[0] + R[5] * a[1] + R[8] * a[2]


cdef inline void multiply(const double* A, const double* B, double* out) noexcept nogil:
    """out = A B for row-major 3x3."""
    cdef int i
    for i in range(3):
        out[3 * i] = A[3 * i] * B[0] + A[3 * i + 1] * B[3] + A[3 * i + 2] * B[6]
        out[3 * i + 1] = A[3 * i] * B[1] + A[3 * i + 1] * B[4] + A[3 * i + 2] * B[7]
        out[3 * i + 2] = A[3 * i] * B[2] + A[3 * i + 1] * B[5] + A[3 * i + 2] * B[8]


cdef inline void symmetric_times(const double* S, const double* a, double* out) noexcept nogil:
    """out = S a for a symmetric S."""
    out[0] = S[0] * a[0] + S[1] * a[1] + S[2] * a[2]
    out[1] = S[1] * a[0] + S[3] * a[1] + S[4] * a[2]
    out[2] = S[2] * a[0] + S[4] * a[1] + S[5] * a[2]


cdef inline double symmetric_inverse(const double* S, double* out) noexcept nogil:
    """out = S^-1 by cofactors; returns det S."""
    cdef double xx = S[3] * S[5] - S[4] * S[4]
    cdef double xy = S[2] * S[4] - S[1] * S[5]
    cdef double xz = S[1] * S[4] - S[2] * S[3]
    cdef double det = S[0] * xx + S[1] * xy + S[2] * xz
    cdef double k = 1.0 / det
    out[0] = xx * k
    out[1] = xy * k
    out[2] = xz * k
    out[3] = (S[0] * S[5] - S[2] * S[2]) * k
    out[4] = (S[1] * S[2] - S[0] * S[4]) * k
    out[5] = (S[0] * S[3] - S[1] * S[1]) * k
    return det


cdef inline void quaternion_from_rotation(const double* R, double* out) noexcept nogil:
    """Unit quaternion x, y, z, w with w >= 0 where it can be told (Shepperd 1978: divide by the largest)."""
    cdef double trace = R[0] + R[4] + R[8]
    cdef double s
    if trace > 0.0:
        s = sqrt(trace + 1.0)
        out[3] = 0.5 * s
        s = 0.5 / s
        out[0] = (R[7] - R[5]) * s
        out[1] = (R[2] - R[6]) * s
        out[2] = (R[3] - R[1]) * s
    elif R[0] >= R[4] and R[0] >= R[8]:
        s = sqrt(1.0 + R[0] - R[4] - R[8])
        out[0] = 0.5 * s
        s = 0.5 / s
        out[1] = (R[1] + R[3]) * s
        out[2] = (R[2] + R[6]) * s
        out[3] = (R[7] - R[5]) * s
    elif R[4] >= R[8]:
        s = sqrt(1.0 - R[0] + R[4] - R[8])
        out[1] = 0.5 * s
        s = 0.5 / s
        out[0] = (R[1] + R[3]) * s
        out[2] = (R[5] + R[7]) * s
        out[3] = (R[2] - R[6]) * s
    else:
        s = sqrt(1.0 - R[0] - R[4] + R[8])
        out[2] = 0.5 * s
        s = 0.5 / s
        out[0] = (R[2] + R[6]) * s
        out[1] = (R[5] + R[7]) * s
        out[3] = (R[3] - R[1]) * s


cdef inline void rotation_between(const double* a, const double* b, double* out) noexcept nogil:
    """Rotation vector of b a^-1, for unit quaternions a, b: the turn, in the outer axes, from a to b; |out| <= pi."""
    cdef double v[3]
    cdef double w = b[3] * a[3] + b[0] * a[0] + b[1] * a[1] + b[2] * a[2]
    cdef double length, k
    v[0] = a[3] * b[0] - b[3] * a[0] - (b[1] * a[2] - b[2] * a[1])
    v[1] = a[3] * b[1] - b[3] * a[1] - (b[2] * a[0] - b[0] * a[2])
    v[2] = a[3] * b[2] - b[3] * a[2] - (b[0] * a[1] - b[1] * a[0])
    length = norm3(v)
    if length < 1e-8:
        k = 2.0 if w >= 0.0 else -2.0
    elif fabs(w) < 1e-12:
        k = 3.14159265358979323846 / length
    else:
        k = 2.0 * atan_positive(length / fabs(w)) / length
        if w < 0.0:
            k = -k
    out[0] = k * v[0]
    out[1] = k * v[1]
    out[2] = k * v[2]


cdef inline void turned(const double* a, const double* rotation, double* out) noexcept nogil:
    """Unit quaternion a turned by a rotation vector given in the outer axes; out may be a."""
    cdef double angle = norm3(rotation)
    cdef double s, c, k, x, y, z, w, length
    sin_cos(0.5 * angle, &s, &c)
    k = s / angle if angle > 1e-12 else 0.5
    x = k * rotation[0]
    y = k * rotation[1]
    z = k * rotation[2]
    w = c * a[3] - x * a[0] - y * a[1] - z * a[2]
    s = c * a[0] + x * a[3] + y * a[2] - z * a[1]
    k = c * a[1] + y * a[3] + z * a[0] - x * a[2]
    z = c * a[2] + z * a[3] + x * a[1] - y * a[0]
    length = 1.0 / sqrt(s * s + k * k + z * z + w * w)
    out[0] = s * length
    out[1] = k * length
    out[2] = z * length
    out[3] = w * length
