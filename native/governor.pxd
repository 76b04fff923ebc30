"""The governor: what the arm says and what is asked are checked, and what is asked is clamped and slewed.

What fails a check is not used: a set-point freezes what is governed and lets go, a state makes the cycle blind, a
wrench counts as silence.
"""

from libc.math cimport fabs
from libc.string cimport memcmp, memcpy, memset

from massage_arm.native.causes cimport NOT_FINITE_SET_POINT, SET_POINT_JUMP, SET_POINT_REFUSED, STALE_SET_POINT
from massage_arm.native.contact cimport APPROACH, HOLD, IDLE, TASK_HOLD, TASK_PRESS, in_contact, stop
from massage_arm.native.controller cimport LIMIT_SET_POINT, LIMIT_TANK, ControllerData
from massage_arm.native.maths cimport cap_norm3, clamp, cross, dot3, norm3, rotation_between, toward, turned
from massage_arm.native.records cimport ArmStateData, SetPointData
from massage_arm.native.settings cimport Settings


cdef inline double most_reported() noexcept nogil:
    """rad, rad/s, Nm, N: no arm reports more, and sin_cos is exact up to here."""
    return 1e5


cdef inline double most_asked() noexcept nogil:
    """s, and anything in a set-point: squares of it stay finite."""
    return 1e12


cdef inline bint all_within(const double* values, int n, double most) noexcept nogil:
    """Whether the magnitudes of all values add up to `most` or less; with NaN they do not."""
    cdef double s = 0.0
    cdef int i
    for i in range(n):
        s += fabs(values[i])
    return s <= most


cdef inline bint wrench_is_usable(const ArmStateData* state) noexcept nogil:
    """Whether what the sensor says is a number; what is not one counts as silence."""
    return (state.has_wrench == 1.0 and all_within(state.wrench, 6, most_reported())
            and all_within(&state.wrench_time, 1, most_asked()) and all_within(&state.time, 1, most_asked()))


cdef inline bint state_is_usable(const ArmStateData* state, int n) noexcept nogil:
    """Whether all that the arm claims to know is a finite number that an arm can report."""
    return (all_within(&state.time, 1, most_asked()) and all_within(state.q, n, most_reported())
            and all_within(state.dq, n, most_reported()) and all_within(&state.has_torque, 1, 1.0)
            and (state.has_torque == 0.0 or all_within(state.torque, n, most_reported())))


cdef inline int set_point_fault(const SetPointData* s) noexcept nogil:
    """0, or the cause for which a set-point cannot be used."""
    cdef double square
    if not all_within(<const double*>s, sizeof(SetPointData) // sizeof(double), most_asked()):
        return NOT_FINITE_SET_POINT
    if not (s.task == 0.0 or s.task == 1.0 or s.task == 2.0 or s.task == 3.0):
        return SET_POINT_REFUSED
    square = s.quaternion[0] ** 2 + s.quaternion[1] ** 2 + s.quaternion[2] ** 2 + s.quaternion[3] ** 2
    if fabs(square - 1.0) > 1e-3 or fabs(dot3(s.press_direction, s.press_direction) - 1.0) > 1e-3:
        return SET_POINT_REFUSED
    if s.force < 0.0 or s.force_rate < 0.0 or s.wave_force < 0.0 or s.wave_rate < 0.0 or s.approach_speed < 0.0 or s.stiffness_tangential < 0.0 \
            or s.stiffness_normal < 0.0 or s.stiffness_rotational < 0.0:
        return SET_POINT_REFUSED
    return 0


cdef inline void freeze(ControllerData* c) noexcept nogil:
    """Want the pose that is governed now, so that nothing moves on towards a set-point that is no longer believed."""
    memcpy(c.want.position, c.reference, sizeof(c.reference))
    memcpy(c.want.quaternion, c.attitude, sizeof(c.attitude))
    memcpy(c.want.press_direction, c.direction, sizeof(c.direction))
    memset(c.want.twist, 0, sizeof(c.want.twist))


cdef inline bint leaps(const ControllerData* c, const SetPointData* s) noexcept nogil:
    """Whether a set-point is far from what is governed: a wrong frame, or a planner gone wrong.

    Turned, whatever the tool is doing: its way out lies along the press direction. Off across, while it approaches or presses.
    """
    cdef const Settings* g = &c.settings
    cdef double delta[3]
    cdef double turn[3]
    cdef double along
    cdef int j
    rotation_between(c.attitude, s.quaternion, turn)
    if not norm3(turn) <= g.jump_angle:
        return True
    if not dot3(c.direction, s.press_direction) >= 1.0 - 0.5 * g.jump_angle * g.jump_angle:
        return True
    if s.task != TASK_PRESS or c.contact.state < APPROACH or c.contact.state > HOLD:
        return False
    for j in range(3):
        delta[j] = s.position[j] - c.reference[j]
    along = dot3(c.direction, delta)
    for j in range(3):
        delta[j] -= along * c.direction[j]
    return not norm3(delta) <= g.jump_position


cdef inline double most_foretold() noexcept nogil:
    """s that a set-point is moved on by its own twist; older ones are stale."""
    return 0.1


cdef inline void move_on(SetPointData* w, double age) noexcept nogil:
    """Where a set-point of this age [s] has gone: between two of them its twist leads on, so that nothing stutters."""
    cdef double turn[3]
    cdef double delta[3]
    cdef double length
    cdef int j
    for j in range(3):
        w.position[j] += w.twist[j] * age
        turn[j] = w.twist[3 + j] * age
    if norm3(turn) == 0.0:
        return
    turned(w.quaternion, turn, w.quaternion)
    cross(turn, w.press_direction, delta)
    for j in range(3):
        w.press_direction[j] += delta[j]
    length = 1.0 / norm3(w.press_direction)
    for j in range(3):
        w.press_direction[j] *= length


cdef inline void accept(ControllerData* c, const ArmStateData* state, const SetPointData* s) noexcept nogil:
    """Take a set-point that is sound and fresh, clamped to the limits; otherwise let go and freeze.

    An old one that does not ask for pressing is still obeyed as far as its task goes: letting go is never too late.
    """
    cdef const Settings* g = &c.settings
    cdef SetPointData* w = &c.want
    cdef int fault = set_point_fault(s)
    cdef bint stale = not fault and state.time > s.valid_until
    if not fault and not stale and leaps(c, s):
        fault = SET_POINT_JUMP
    if stale and s.task == TASK_PRESS:
        fault = STALE_SET_POINT
    if fault:
        stop(&c.contact, g, fault)
        freeze(c)
        return
    w[0] = s[0]
    w.force = clamp(s.force, 0.0, g.force_max)
    w.force_rate = clamp(s.force_rate, 0.0, g.force_rate_max)
    w.wave_force = clamp(s.wave_force, 0.0, 0.5 * g.force_max)
    w.wave_rate = clamp(s.wave_rate, 0.0, g.wave_rate_max)
    w.approach_speed = clamp(s.approach_speed, 0.0, g.approach_speed_max)
    w.stiffness_tangential = clamp(s.stiffness_tangential, 0.0, g.stiffness_max)
    w.stiffness_normal = clamp(s.stiffness_normal, 0.0, g.stiffness_normal_max)
    w.stiffness_rotational = clamp(s.stiffness_rotational, 0.0, g.stiffness_rotational_max)
    cap_norm3(w.twist, g.speed_max)
    cap_norm3(w.twist + 3, g.turn_rate_max)
    if memcmp(w, s, sizeof(SetPointData)) != 0:
        c.limited = <int>c.limited | LIMIT_SET_POINT
    if s.valid_until != c.stamp:
        c.stamp = s.valid_until
        c.came = state.time
    if stale:
        freeze(c)
    else:
        move_on(w, clamp(state.time - c.came, 0.0, most_foretold()))


cdef inline void govern(ControllerData* c, double dt) noexcept nogil:
    """Slew the press direction, the attitude, the stiffness and the tangential position towards what is wanted."""
    cdef const Settings* g = &c.settings
    cdef const SetPointData* w = &c.want
    cdef double delta[3]
    cdef double turn[3]
    cdef double along, most
    cdef int j
    cdef int state = c.contact.state
    cdef double share = c.tank.share if in_contact(state) else 1.0
    dt *= share  # of an empty tank nothing is spent on moving or stiffening
    cross(c.direction, w.press_direction, turn)
    cap_norm3(turn, g.turn_rate_max * dt)
    cross(turn, c.direction, delta)
    for j in range(3):
        c.direction[j] += delta[j]
    if state == IDLE:
        for j in range(3):
            c.direction[j] = w.press_direction[j]
    along = 1.0 / norm3(c.direction)
    for j in range(3):
        c.direction[j] *= along
    rotation_between(c.attitude, w.quaternion, turn)
    cap_norm3(turn, g.turn_rate_max * dt)
    turned(c.attitude, turn, c.attitude)

    most = g.stiffness_rate * dt
    c.stiffness[0] = toward(c.stiffness[0], w.stiffness_tangential, most) \
        if c.stiffness[0] < w.stiffness_tangential else w.stiffness_tangential
    along = w.stiffness_normal if in_contact(state) else w.stiffness_tangential
    c.stiffness[1] = toward(c.stiffness[1], along, most) if c.stiffness[1] < along else along
    c.stiffness[2] = toward(c.stiffness[2], w.stiffness_rotational, 0.1 * most) \
        if c.stiffness[2] < w.stiffness_rotational else w.stiffness_rotational

    for j in range(3):
        delta[j] = w.position[j] - c.reference[j]
    along = dot3(c.direction, delta)
    if not (state == IDLE and w.task == TASK_HOLD):
        for j in range(3):
            delta[j] -= along * c.direction[j]
    cap_norm3(delta, g.speed_max * dt)
    for j in range(3):
        c.reference[j] += delta[j]
    if share < 1.0:
        c.limited = <int>c.limited | LIMIT_TANK
