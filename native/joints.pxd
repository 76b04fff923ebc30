"""What is done joint by joint: posture, walls before the limits, the brake of a limp arm, and the clamps of the command."""

from libc.math cimport fabs

from massage_arm.native.causes cimport NOT_FINITE_COMMAND
from massage_arm.native.contact cimport believed, stop, stopped
from massage_arm.native.controller cimport LIMIT_POSTURE, LIMIT_TORQUE, LIMIT_TORQUE_RATE, ControllerData
from massage_arm.native.governor cimport all_within, most_reported
from massage_arm.native.maths cimport clamp, toward
from massage_arm.native.records cimport ArmStateData, StatusData
from massage_arm.native.settings cimport Settings


cdef inline void posture_torque(ControllerData* c, const ArmStateData* state, double* t0) noexcept nogil:
    """A weak, clamped spring to the posture at activation, before projection."""
    cdef const Settings* g = &c.settings
    cdef double largest = 0.0
    cdef int i
    for i in range(c.model.n):
        t0[i] = g.posture_stiffness * (c.posture[i] - state.q[i]) - g.posture_damping * state.dq[i]
        if fabs(t0[i]) > largest:
            largest = fabs(t0[i])
    if largest > g.posture_max:
        c.limited = <int>c.limited | LIMIT_POSTURE
        for i in range(c.model.n):
            t0[i] *= g.posture_max / largest


cdef inline double wall_torque(const Settings* g, int i, double q, double dq) noexcept nogil:
    """Push back within `wall_width` of a joint limit, damped on the way in.

    Stiffness and damping begin at nothing and grow towards the limit: whatever begins at once is, at the rate at which torques
    may change, an oscillation of a light wrist.
    """
    cdef double into, side
    if q > g.upper[i] - g.wall_width:
        into, side = q - (g.upper[i] - g.wall_width), -1.0
    elif q < g.lower[i] + g.wall_width:
        into, side = g.lower[i] + g.wall_width - q, 1.0
    else:
        return 0.0
    dq = -side * dq if side * dq < 0.0 else 0.0  # rad/s towards the limit
    return side * clamp((g.wall_stiffness * into + g.wall_damping * dq) * into / g.wall_width, 0.0, g.wall_max)


cdef inline void saturate(ControllerData* c, double dt, double* torque, StatusData* status) noexcept nogil:
    """Torque clamp, then torque rate against the last command, then the finite check.

    Not against what the arm says it applied: a report that stands still or lies would hold the force in.
    """
    cdef const Settings* g = &c.settings
    cdef double t, share
    cdef double most = dt * (g.stop_torque_rate if stopped(&c.contact) else 1.0)
    cdef int i
    status.torque_share = 0.0
    if not all_within(torque, c.model.n, 1e300):
        stop(&c.contact, g, NOT_FINITE_COMMAND)
        for i in range(c.model.n):
            torque[i] = 0.0
    for i in range(c.model.n):
        t = clamp(torque[i], -g.torque_limit[i], g.torque_limit[i])
        if t != torque[i]:
            c.limited = <int>c.limited | LIMIT_TORQUE
        torque[i] = toward(c.torque[i], t, g.torque_rate[i] * most)
        if torque[i] != t:
            c.limited = <int>c.limited | LIMIT_TORQUE_RATE
        c.torque[i] = torque[i]
        share = fabs(torque[i]) / g.torque_limit[i]
        if share > status.torque_share:
            status.torque_share = share


cdef inline double brake(const ControllerData* c, const ArmStateData* state, int i, bint felt) noexcept nogil:
    """Torque that brings a joint of a limp arm to rest while nobody is felt at the tool: else it drifts on, and back."""
    cdef const Settings* g = &c.settings
    if not (believed(&c.contact, felt) and c.contact.measured < g.push_out_until and fabs(state.dq[i]) <= most_reported()):
        return 0.0
    return clamp(-c.dynamics.mass[i][i] * state.dq[i] / g.brake_time, -g.brake_max, g.brake_max)
