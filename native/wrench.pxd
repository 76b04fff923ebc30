"""The law: the wrench at the TCP that springs, damping and the normal force ask for, clipped and capped.

The equations are in controller.pyx; mobility and damping in law.pxd; the force asked for in contact.pxd.
"""

from massage_arm.native.contact cimport FAULT, IDLE, RELEASE, RETRACT, foreseen, in_contact, stopped
from massage_arm.native.controller cimport LIMIT_ERROR_CLIP, LIMIT_WRENCH, ControllerData
from massage_arm.native.law cimport damping_matrix
from massage_arm.native.maths cimport cap_norm3, clamp, dot3, norm3, rotation_between, sin_cos, symmetric_times
from massage_arm.native.records cimport StatusData
from massage_arm.native.settings cimport Settings


cdef inline void spring_matrix(double isotropic, double extra, const double* n, double* out) noexcept nogil:
    """isotropic 1 + extra n n^T."""
    out[0] = isotropic + extra * n[0] * n[0]
    out[1] = extra * n[0] * n[1]
    out[2] = extra * n[0] * n[2]
    out[3] = isotropic + extra * n[1] * n[1]
    out[4] = extra * n[1] * n[2]
    out[5] = isotropic + extra * n[2] * n[2]


cdef inline void apply_damping(const double* D, const double* v, double* F) noexcept nogil:
    F[0] += D[0] * v[0] + D[1] * v[1] + D[2] * v[2]
    F[1] += D[1] * v[0] + D[3] * v[1] + D[4] * v[2]
    F[2] += D[2] * v[0] + D[4] * v[1] + D[5] * v[2]


cdef inline double normal_force(ControllerData* c, double ahead, double inward) noexcept nogil:
    """N along the press direction: reference and feedback, faded when the tool runs away because contact is lost."""
    cdef const Settings* g = &c.settings
    cdef double f = c.contact.reference + c.contact.feedback
    cdef double s, cosine
    if f <= 0.0:
        return f * c.tank.share
    f *= c.tank.share * clamp(1.0 - (inward - foreseen(&c.contact) - g.fade_speed) / g.fade_width, 0.0, 1.0)
    if ahead <= g.loss_free:
        return f
    if ahead >= g.loss_free + g.loss_width:
        return 0.0
    sin_cos(3.14159265358979323846 * (ahead - g.loss_free) / g.loss_width, &s, &cosine)
    return f * 0.5 * (1.0 + cosine)


cdef inline double moving_mass(const ControllerData* c) noexcept nogil:
    """kg that the tip weighs along the press direction, rotation left free."""
    cdef double y[3]
    symmetric_times(c.mobility.linear, c.direction, y)
    return 1.0 / dot3(c.direction, y)


cdef inline double most_inward(const ControllerData* c, double inward) noexcept nogil:
    """N: the largest force into the body. Who pushes the tool away is not held against; what lets go does not push.

    Where the tool is helped out, the help fades with its speed outwards; damping must not eat it.
    """
    cdef const Settings* g = &c.settings
    cdef int state = c.contact.state
    if state == FAULT or state == RETRACT or state == RELEASE:
        return c.contact.reference - c.contact.push_out * clamp(1.0 + inward / g.push_out_speed, 0.0, 1.0)
    if state == IDLE and stopped(&c.contact):
        return g.yield_force
    if in_contact(state):
        return c.contact.reference + (c.contact.feedback if c.contact.feedback > 0.0 else 0.0) + g.inward_margin
    return 1e300


cdef inline void task_wrench(ControllerData* c, double ahead, StatusData* status) noexcept nogil:
    """The wrench F at the TCP, base axes, into status.wrench_command."""
    cdef const Settings* g = &c.settings
    cdef const double* n = c.direction
    cdef const double* v = c.dynamics.twist
    cdef double* F = status.wrench_command
    cdef double stiffness[6]
    cdef double damping[6]
    cdef double error[3]
    cdef double slip[3]
    cdef double extra, length, most, k, inward, meant
    cdef int j
    cdef bint compliant = c.contact.state == FAULT
    cdef int contact = in_contact(c.contact.state)

    # Translation. Damping never falls below that of a 10 N/m spring, so that it survives zero stiffness.
    k = 0.0 if compliant else 1.0
    for j in range(3):
        error[j] = k * (c.reference[j] - status.position[j])
        slip[j] = k * (c.tank.share * c.want.twist[j] if contact else 0.0) - v[j]
    meant = c.tank.share * c.contact.wave.speed if contact else 0.0 if compliant else c.contact.speed
    length = dot3(n, slip) + dot3(n, v)
    for j in range(3):
        slip[j] += n[j] * (meant - length)
    if norm3(error) > g.position_clip:
        c.limited = <int>c.limited | LIMIT_ERROR_CLIP
        cap_norm3(error, g.position_clip)
    extra = c.stiffness[1] - c.stiffness[0]
    spring_matrix(c.stiffness[0] + 10.0, extra, n, stiffness)
    damping_matrix(c.mobility.linear, stiffness, g.damping_ratio, damping)
    length = extra * dot3(n, error)
    c.springs = 0.5 * (c.stiffness[0] * dot3(error, error) + length * dot3(n, error))
    for j in range(3):
        F[j] = c.stiffness[0] * error[j] + length * n[j]
    apply_damping(damping, slip, F)
    inward = dot3(n, v)
    extra = g.normal_damping if contact and not stopped(&c.contact) else g.release_damping
    if inward > 0.0 and (contact or c.contact.state == RETRACT):
        extra = g.normal_damping
    length = 0.0
    if contact:
        length = normal_force(c, ahead, inward) + extra * (meant - inward) \
            + c.tank.share * c.contact.wave.acceleration * moving_mass(c)
    elif c.contact.state == RETRACT:
        length = g.release_damping * c.contact.speed - extra * inward  # else damping would hold back what withdraws
    elif compliant:
        length = -extra * inward
    for j in range(3):
        F[j] += length * n[j]
    length = dot3(n, F) - most_inward(c, inward)
    if length > 0.0:
        for j in range(3):
            F[j] -= length * n[j]

    # Rotation.
    rotation_between(status.quaternion, c.attitude, error)
    for j in range(3):
        error[j] *= k
        slip[j] = k * (c.tank.share * c.want.twist[3 + j] if contact else 0.0) - v[3 + j]
    if norm3(error) > g.rotation_clip:
        c.limited = <int>c.limited | LIMIT_ERROR_CLIP
        cap_norm3(error, g.rotation_clip)
    spring_matrix(c.stiffness[2] + 0.5, 0.0, n, stiffness)
    damping_matrix(c.mobility.angular, stiffness, g.damping_ratio, damping)
    c.springs += 0.5 * c.stiffness[2] * dot3(error, error)
    for j in range(3):
        F[3 + j] = c.stiffness[2] * error[j]
    apply_damping(damping, slip, F + 3)

    most = c.contact.reference + g.wrench_margin
    if norm3(F) > most or norm3(F + 3) > g.moment_max:
        c.limited = <int>c.limited | LIMIT_WRENCH
        cap_norm3(F, most)
        cap_norm3(F + 3, g.moment_max)
    c.out = dot3(F, v) + dot3(F + 3, v + 3)
