"""What the press is doing: one state machine along the press direction, and the force it asks for.

idle ─► approach ─► touch ─► ramp ◄─► hold ─► release ─► retract ─► idle; fault from anywhere, left by activation only.
A press that ended is not taken up again before a set-point has asked for something else than pressing. One that ended
for a cause, and any bad input at rest, is not followed by another before the next activation: causes latch.
"""

from massage_arm.native.maths cimport clamp, exponential, toward
from massage_arm.native.records cimport SetPointData
from massage_arm.native.settings cimport Settings

cdef enum:
    IDLE = 0
    APPROACH = 1
    TOUCH = 2
    RAMP = 3
    HOLD = 4
    RELEASE = 5
    RETRACT = 6
    FAULT = 7

cdef enum:
    TASK_HOLD = 0
    TASK_PRESS = 1
    TASK_RELEASE = 2

cdef enum:
    STALE_SET_POINT = 1
    STALE_SENSOR = 2
    NOT_FINITE_STATE = 4
    NOT_FINITE_SET_POINT = 8
    NOT_FINITE_COMMAND = 16
    SET_POINT_REFUSED = 32
    CONTACT_LOST = 64
    SURFACE_NOT_FOUND = 128
    OVER_FORCE = 256
    BAD_DT = 512
    SINGULAR = 1024


cdef struct Contact:
    int state
    int causes                       # latched until activation
    int armed                        # a new press may begin
    double age                       # s in this state
    double above                     # s at or above the touch force
    double below                     # s below the lost force
    double reference                 # N, slewed
    double feedback                  # N, PI part
    double integral                  # N
    double measured                  # N, filtered, along the press direction
    double sag                       # m, how much deeper than its reference the arm stood when the approach began
    double lead                      # m, normal reference ahead of the expected surface
    double speed                     # m/s, of the normal reference
    double withdrawn                 # m


cdef inline void enter(Contact* c, int state) noexcept nogil:
    c.state = state
    c.age = c.above = c.below = 0.0


cdef inline bint in_contact(int state) noexcept nogil:
    return state == TOUCH or state == RAMP or state == HOLD or state == RELEASE


cdef inline void let_go(Contact* c, int cause) noexcept nogil:
    """Unload for a cause; what touches nothing yet simply withdraws. The cause stays until activation."""
    if c.state == TOUCH or c.state == RAMP or c.state == HOLD:
        c.causes |= cause
        enter(c, RELEASE)
    elif c.state == APPROACH:
        c.causes |= cause
        c.reference = 0.0
        enter(c, RETRACT)
        c.withdrawn = 0.0


cdef inline void fail(Contact* c, int cause) noexcept nogil:
    """Nothing that was measured or asked counts any longer; only activation leads out."""
    c.causes |= cause
    c.reference = c.feedback = c.integral = c.measured = 0.0
    enter(c, FAULT)


cdef inline void contact_step(Contact* c, const Settings* g, const SetPointData* want, double force, bint heard,
                              double ahead, double dt) noexcept nogil:
    """Move the state machine, the normal reference and the force reference on by dt.

    `force`: raw, N along the press direction; `heard`: it is fresh; `ahead`: m the TCP is deeper than the reference.
    """
    cdef double rate, error
    cdef double lost = g.lost_force
    cdef int task = <int>want.task
    if heard:
        c.measured += (1.0 - exponential(-dt / g.force_filter)) * (force - c.measured)
    c.age += dt
    c.speed = 0.0
    if task != TASK_PRESS:
        c.armed = 1
        if c.state == APPROACH or c.state == TOUCH or c.state == RAMP or c.state == HOLD:
            let_go(c, 0)
    if not heard:
        let_go(c, STALE_SENSOR)
    elif c.measured > g.force_hard:
        let_go(c, OVER_FORCE)

    if c.state == IDLE:
        c.reference = 0.0
        if task == TASK_PRESS and c.armed and heard and c.causes == 0:
            c.armed = 0
            c.sag = clamp(ahead * want.stiffness_normal, -g.sag_force_max, g.sag_force_max)
            c.sag = c.sag / want.stiffness_normal if want.stiffness_normal > 0.0 else 0.0
            enter(c, APPROACH)
    elif c.state == APPROACH:
        c.speed = want.approach_speed * clamp(1.0 - c.measured / g.touch_force, 0.0, 1.0)
        if c.speed < g.approach_speed_min:
            c.speed = g.approach_speed_min
        if c.speed * dt > ahead - c.sag + g.approach_lead:
            c.speed = clamp((ahead - c.sag + g.approach_lead) / dt, 0.0, c.speed)
        c.above = c.above + dt if c.measured >= g.touch_force else 0.0
        if c.above >= g.touch_time:
            enter(c, TOUCH)
            c.reference = g.touch_force if g.touch_force < want.force else want.force
            c.integral = 0.0
        elif c.lead + c.sag > g.search_depth or c.age > g.approach_time_max:
            let_go(c, SURFACE_NOT_FOUND)
    elif c.state == TOUCH:
        if c.age >= g.settle_time:
            enter(c, RAMP)
    elif c.state == RAMP or c.state == HOLD:
        c.reference = toward(c.reference, want.force, want.force_rate * dt)
        if c.state == RAMP and c.reference == want.force:
            enter(c, HOLD)
        elif c.state == HOLD and c.reference != want.force:
            enter(c, RAMP)
    elif c.state == RELEASE:
        rate = g.release_rate
        if c.causes == 0 and want.force_rate > 0.0:
            rate = want.force_rate if want.force_rate > 1.0 else 1.0  # N/s: no set-point may keep the force in
        c.reference = toward(c.reference, 0.0, rate * dt)
        c.below = c.below + dt if c.measured < lost else 0.0
        if c.reference == 0.0 and (c.below >= g.lost_time or c.age > 60.0 or (not heard and c.age > 0.3)):
            enter(c, RETRACT)
            c.withdrawn = 0.0
    elif c.state == RETRACT:
        c.speed = -g.retract_speed
        c.withdrawn += g.retract_speed * dt
        if c.withdrawn >= g.retract_distance:
            enter(c, IDLE)

    if c.state == TOUCH or c.state == RAMP or c.state == HOLD:
        if 0.3 * c.reference < lost:
            lost = 0.3 * c.reference
        c.below = c.below + dt if c.measured < lost else 0.0
        if c.below >= g.lost_time:
            c.causes |= CONTACT_LOST
            c.reference = 0.0
            enter(c, RETRACT)
            c.withdrawn = 0.0
    if in_contact(c.state):
        c.speed = clamp(ahead / dt, -g.leak_rate, g.leak_rate)

    # Clamped PI: the integral keeps only what the clamp leaves room for, and fades out of contact.
    error = c.reference - c.measured
    if in_contact(c.state) and heard and c.state != RELEASE:
        c.integral += g.force_ki * error * dt
        c.integral = clamp(c.integral, -g.force_feedback_max - g.force_kp * error,
                           g.force_feedback_max - g.force_kp * error)
        c.feedback = clamp(g.force_kp * error + c.integral, -g.force_feedback_max, g.force_feedback_max)
    elif c.state == RELEASE:
        # Nothing may push while letting go: what is left of the feedback goes with the force.
        c.integral = toward(c.integral, 0.0, g.release_rate * dt)
        c.feedback = c.integral
    else:
        c.integral = 0.0
        c.feedback = 0.0
