"""What the press is doing: one state machine along the press direction, and the force it asks for.

idle ─► approach ─► touch ─► ramp ◄─► hold ─► release ─► retract ─► idle; fault from anywhere, left by activation only.
What a cause leads to is its level in `RESPONSE` (states.py): release, drop or compliant.
A press that ended is not taken up again before a set-point has asked for something else than pressing. One that ended
for a cause, and any bad input at rest, is not followed by another before the next activation: causes latch.
"""

from libc.math cimport fabs

from massage_arm.native.causes cimport (
    CAUSES, CONTACT_LOST, LEVEL_COMPLIANT, LEVEL_DROP, LEVEL_NONE, LEVEL_RELEASE, NOT_FINITE_STATE, NOT_FREE,
    SENSOR_DISAGREES, SENSOR_FROZEN, STALE_SENSOR, STATE_JUMP, STOP_ASKED, SURFACE_NOT_FOUND,
)
from massage_arm.native.maths cimport clamp, exponential, toward
from massage_arm.native.records cimport SetPointData
from massage_arm.native.settings cimport Settings
from massage_arm.native.wave cimport Wave, wave_begin, wave_rest, wave_step

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
    TASK_STOP = 3

cdef enum:                           # what is known of the force
    SILENT = 0
    FELT = 1                         # fresh, but zeroed at activation only
    HEARD = 2                        # fresh and tared

cdef enum:
    RETREATS = 4                     # a sensor that is wrong must not drive the arm away for ever


cdef struct Contact:
    int state
    int causes                       # latched until activation
    int level                        # the highest of their levels
    int armed                        # a new press may begin
    double age                       # s in this state
    double above                     # s at or above the touch force
    double below                     # s below the lost force
    double reference                 # N, slewed
    Wave wave                        # of the reference, while it ramps or holds
    double feedback                  # N, PI part, and what was learnt of the wave
    double integral                  # N
    double slow_error                # N, measured less asked for, without its swing
    double side                      # N, of this half-wave: its sign counts
    double half_wave                 # s it has lasted
    double highest                   # N it has reached
    int swings                       # short and high ones in a row
    double gain                      # 0..1 of the PI: less where the force swings
    double measured                  # N, filtered, along the press direction
    double sag                       # m, how much deeper than its reference the arm stood when the approach began
    double lead                      # m, normal reference ahead of the expected surface
    double speed                     # m/s, of the normal reference
    double withdrawn                 # m, at retract_speed
    double flight                    # m/s outwards at which the tool was pushed while it withdrew after a stop
    int freed                        # nobody was felt any more in this withdrawal
    double unloaded                  # s with nothing asked for, while letting go
    int joints_feel                  # the joints tell of a force to push out by
    double push_out                  # N outwards, compliant or withdrawing after a stop
    double pushed                    # s of it
    int retreats                     # withdrawals after the first, from whoever comes after the tool


cdef inline void enter(Contact* c, int state) noexcept nogil:
    c.state = state
    c.age = c.above = c.below = c.unloaded = 0.0


cdef inline bint in_contact(int state) noexcept nogil:
    return state == TOUCH or state == RAMP or state == HOLD or state == RELEASE


cdef inline double foreseen(const Contact* c) noexcept nogil:
    """m/s into the body that the asked force itself needs."""
    return c.wave.speed if c.wave.speed > 0.0 else 0.0


cdef inline bint stopped(const Contact* c) noexcept nogil:
    """Whether a cause that lets go is latched."""
    return c.level >= LEVEL_RELEASE


cdef inline void withdraw(Contact* c) noexcept nogil:
    c.reference = 0.0
    enter(c, RETRACT)
    c.withdrawn = c.flight = 0.0
    c.freed = 0


cdef inline void let_go(Contact* c) noexcept nogil:
    """Let the force out of what presses, withdraw what only approaches; elsewhere nothing is there to let go of."""
    if c.state == TOUCH or c.state == RAMP or c.state == HOLD:
        enter(c, RELEASE)
    elif c.state == APPROACH:
        withdraw(c)


cdef inline void fail(Contact* c) noexcept nogil:
    """Nothing that was measured or asked counts any longer; only activation leads out."""
    c.reference = c.feedback = c.integral = 0.0
    if c.state == IDLE and not c.causes & (NOT_FINITE_STATE | STATE_JUMP):
        c.pushed = 1e9  # nothing was pressed: a force that may be the sensor's own fault must not drive the arm away
    if c.state != FAULT:
        enter(c, FAULT)


cdef inline void stop(Contact* c, const Settings* g, int causes) noexcept nogil:
    """Latch causes and do what the highest of their levels says."""
    cdef int bit
    if causes == 0:
        return
    c.causes |= causes
    for bit in range(CAUSES):
        if causes >> bit & 1 and g.response[bit] > c.level:
            c.level = g.response[bit]
    if c.level == LEVEL_COMPLIANT:
        fail(c)
    elif c.level > LEVEL_NONE:
        let_go(c)


cdef inline double letting_go_rate(const Contact* c, const Settings* g) noexcept nogil:
    """N/s at which the force is let out for a cause."""
    return g.drop_rate if c.level >= LEVEL_DROP else g.release_rate


cdef inline void back_off(Contact* c, const Settings* g, double dt) noexcept nogil:
    """Less gain where the force swings: stiff places and late commands would otherwise make it an oscillation.

    A swing is a half-wave of the error about its slow mean, shorter than `swing_time` and higher than `swing_force`; from the second
    in a row on, each one takes its share of the gain. A start or a breath is longer than that and keeps it.
    """
    cdef double off
    if not (c.state == RAMP or c.state == HOLD):
        c.slow_error = c.measured - c.reference
        c.side = c.half_wave = c.highest = 0.0
        c.swings = 0
        c.gain = 1.0
        return
    off = c.measured - c.reference
    c.slow_error += (off - c.slow_error) * dt / (g.swing_time + dt)
    off -= c.slow_error
    c.gain += (1.0 - c.gain) * dt / g.swing_recovery
    c.half_wave += dt
    if fabs(off) > c.highest:
        c.highest = fabs(off)
    if off * c.side <= 0.0:
        c.swings = c.swings + 1 if c.half_wave < g.swing_time and c.highest > g.swing_force else 0
        if c.swings > 1:
            c.gain = g.swing_gain if c.gain * g.swing_share < g.swing_gain else c.gain * g.swing_share
        c.side = off
        c.half_wave = c.highest = 0.0


cdef inline bint believed(const Contact* c, bint felt) noexcept nogil:
    """Whether what the sensor says counts: one that was caught lying must not move the arm."""
    return felt and not c.causes & (SENSOR_FROZEN | SENSOR_DISAGREES)


cdef inline void push_out(Contact* c, const Settings* g, bint felt, double dt) noexcept nogil:
    """Friction and inertia hold the tool on the body: help it out as long as the sensor feels them.

    Not for ever, and by a sensor that was caught lying only where the joints feel somebody, too: a sensor that is wrong
    must not drive the arm away.
    """
    c.push_out = 0.0
    if (believed(c, felt) or felt and c.joints_feel) and c.measured > g.push_out_until and c.pushed < g.push_out_time:
        c.push_out = g.push_out_force
        c.pushed += dt


cdef inline void contact_step(Contact* c, const Settings* g, const SetPointData* want, double force, int sensor,
                              double ahead, double place, double inward, double dt) noexcept nogil:
    """Move the state machine, the normal reference and the force reference on by dt.

    `force`: raw, N along the press direction; `sensor`: how far it is known; `ahead`: m the TCP is deeper than the
    reference; `place` [m]: the TCP beyond the surface as it is known, `inward` [m/s]: its speed, both along the press
    direction.
    """
    cdef bint felt = sensor >= FELT
    cdef bint heard = sensor == HEARD
    cdef double rate, error
    cdef bint lost_at_once
    cdef double lost = g.lost_force
    cdef int task = <int>want.task
    if felt:
        c.measured += (1.0 - exponential(-dt / g.force_filter)) * (force - c.measured)
    c.age += dt
    c.speed = 0.0
    if task == TASK_STOP:
        stop(c, g, STOP_ASKED)
    if task != TASK_PRESS:
        c.armed = 1
        if c.state == APPROACH or c.state == TOUCH or c.state == RAMP or c.state == HOLD:
            let_go(c)
    if not heard and (c.state == APPROACH or c.state == TOUCH or c.state == RAMP or c.state == HOLD):
        stop(c, g, STALE_SENSOR)

    c.push_out = 0.0
    if c.state == FAULT:
        push_out(c, g, felt, dt)
    elif c.state == IDLE:
        c.reference = 0.0
        if stopped(c) and ahead < -g.yield_after:
            c.speed = (ahead + g.yield_after) / dt
        if stopped(c) and felt and c.measured > g.touch_force and c.retreats < RETREATS:
            c.retreats += 1
            withdraw(c)
        if task == TASK_PRESS and c.armed and heard and c.causes == 0 and fabs(c.measured) > g.free_force_max:
            stop(c, g, NOT_FREE)
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
            wave_begin(&c.wave, c.reference, place)
            c.integral = 0.0
        elif c.lead + c.sag > g.search_depth or c.age > g.approach_time_max:
            stop(c, g, SURFACE_NOT_FOUND)
    elif c.state == TOUCH:
        if c.age >= g.settle_time:
            enter(c, RAMP)
    elif c.state == RAMP or c.state == HOLD:
        c.reference = wave_step(&c.wave, g, want.force, want.force_rate, want.wave_force, want.wave_rate, c.measured, place,
                                c.gain if heard else 0.0, dt)
        if c.state == RAMP and c.wave.steady == want.force:
            enter(c, HOLD)
        elif c.state == HOLD and c.wave.steady != want.force:
            enter(c, RAMP)
    elif c.state == RELEASE:
        rate = letting_go_rate(c, g)
        if not stopped(c) and want.force_rate > 0.0:
            rate = want.force_rate if want.force_rate > 1.0 else 1.0  # N/s: no set-point may keep the force in
        c.reference = toward(c.reference, 0.0, rate * dt)
        c.below = c.below + dt if c.measured < lost else 0.0
        if c.reference == 0.0:
            c.unloaded += dt
        if c.reference == 0.0 and (stopped(c) or c.below >= g.lost_time or c.unloaded > 1.0):
            withdraw(c)
    elif c.state == RETRACT:
        # Whoever pushes the arm away is followed, never held against, and fled from as fast as they come.
        if stopped(c):
            push_out(c, g, felt, dt)
            if c.push_out > 0.0:
                c.flight = clamp(-inward * g.flight_lead, c.flight, g.flight_speed)
            if c.measured < g.lost_force:
                c.freed = 1
            elif c.freed and c.push_out > 0.0 and c.measured > g.touch_force:
                c.flight = g.flight_speed  # caught up with: they are faster than it has fled so far
        c.speed = -(c.flight if c.flight > g.retract_speed else g.retract_speed)
        if ahead < c.speed * dt:
            c.speed = ahead / dt
        c.withdrawn += g.retract_speed * dt
        if c.withdrawn >= g.retract_distance:
            enter(c, IDLE)

    if c.state == TOUCH or c.state == RAMP or c.state == HOLD:
        if 0.3 * c.reference < lost:
            lost = 0.3 * c.reference
        c.below = c.below + dt if c.measured < lost else 0.0
        lost_at_once = c.measured < 0.5 * c.reference and inward > g.fade_speed + foreseen(c) and c.state != TOUCH
        if c.below >= g.lost_time or lost_at_once:
            stop(c, g, CONTACT_LOST)
            withdraw(c)
    if not (c.state == RAMP or c.state == HOLD):
        wave_rest(&c.wave)
    if in_contact(c.state):
        c.speed = clamp(ahead / dt, -g.leak_rate, g.leak_rate) + c.wave.share * c.wave.speed

    back_off(c, g, dt)
    # Clamped PI: the integral keeps only what the clamp leaves room for, and fades out of contact.
    error = c.reference - c.measured
    if in_contact(c.state) and heard and c.state != RELEASE:
        c.integral += c.gain * g.force_ki * error * dt
        error *= c.gain * g.force_kp
        c.integral = clamp(c.integral, -g.force_feedback_max - error, g.force_feedback_max - error)
        c.feedback = clamp(error + c.integral + c.wave.out, -g.force_feedback_max, g.force_feedback_max)
    elif c.state == RELEASE:
        # Nothing may push while letting go: what is left of the feedback goes with the force, and only pull is added.
        c.integral = toward(c.integral, 0.0, letting_go_rate(c, g) * dt)
        c.feedback = c.integral + (clamp(g.force_kp * error, -g.force_feedback_max, 0.0) if heard else 0.0)
    else:
        c.integral = 0.0
        c.feedback = 0.0
