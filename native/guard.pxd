"""The guard: last in the chain, it checks every state and every command, each cycle, and knows nothing of strokes.

It says which causes it saw; what follows on each is one table, `RESPONSE` in states.py. It fails closed: every check is
written so that NaN counts as a violation, and a tool that still pushes `unload_time` after a stop loses all springs,
whatever the controller thinks it is doing. Limits come from `GuardLimits`; nothing a set-point holds can change them.
"""

from libc.math cimport fabs
from libc.string cimport memset

from massage_arm.native.causes cimport (
    CLOCK, COLLISION, FORCE_JUMP, FORCE_NOT_REACHED, OSCILLATION, OUTSIDE, OVER_CAP, OVER_FORCE, OVER_POWER, OVER_SPEED,
    SENSOR_DISAGREES, SENSOR_FROZEN, STATE_JUMP, STILL_PUSHING, TOO_DEEP,
)
from massage_arm.native.model cimport MAX_JOINTS


cdef struct GuardLimits:             # meanings, units and sources: `GuardLimits` in settings.py
    double force_hard
    double force_cap
    double cap_time
    double above_force
    double above_share
    double jump_force
    double jump_time
    double frozen_time
    double disagree_force
    double disagree_time
    double collision_torque
    double collision_time
    double free_force
    double speed_max
    double joint_speed_max
    double speed_error
    double power_max
    double depth_max
    double reach
    double clock_jump
    double swing_force
    double swing_rate
    double swing_lasts
    double error_force
    double error_share
    double error_time
    double unload_force
    double unload_time


cdef struct GuardSeen:               # one cycle as the guard sees it
    double dt                        # s, of this cycle, within sense
    double loop_step                 # s, as the loop measured it
    double clock_step                # s, by the arm's clock
    double sensor_step               # s by which the sensor's own time went on since the last cycle
    int n
    int first                        # the first cycle since activation: nothing to compare with yet
    int heard                        # the force sensor is fresh and tared
    int felt                         # it is fresh, if only zeroed at activation
    double total                     # N, size of the force on the tool
    int idle                         # nothing is to be touched
    int held                         # the same, and the arm holds its place: nobody guides it by hand
    int working                      # the tool may be touching: from approach to release
    int pressing                     # touch, ramp, hold
    int holding                      # hold: the reference does not move
    const double* q
    const double* q_before
    const double* dq
    const double* raw                # six numbers of the sensor, as it sent them
    double force                     # N along the press direction, pressing is positive, filtered
    double force_now                 # N, the same, unfiltered
    double other_valid               # 1: the observer can be believed
    double other                     # N along the press direction, as the joints feel it
    double off_tool                  # Nm that no force on the tool explains, the largest of all joints
    double reference                 # N
    double lag                       # N by which what the joints feel is late, while the reference swings
    double speed_in                  # m/s of the TCP into the body
    double speed                     # m/s of the TCP
    double depth                     # m into the body since the touch
    double away                      # m from where the work is
    double push                      # N into the body that the command asks of the joints


cdef struct Guard:                   # its memory
    double clock_off                 # s that the arm's clock ran away from the loop's, within about a second
    double over_cap_for              # s
    double over_other_for
    double disagree_for
    double collision_for
    double touched_for
    double fast_for
    double powerful_for
    double frozen_for
    double slow_force                # N, the force `jump_time` ago, about
    double off_speed[MAX_JOINTS]     # rad/s, between what a joint's position and its velocity say, within about 10 ms
    double raw_before[6]
    double swing                     # N, mean size of the force error's swing
    double mean_error                # N, slow mean of the force error
    double error_for                 # s that it has been large
    double swinging_for              # s
    double stopped_for               # s since the first cause that lets go
    int stopped


cdef inline double lasting(double so_far, bint violated, double dt) noexcept nogil:
    """How long a violation has lasted."""
    return so_far + dt if violated else 0.0


cdef inline int guard_motion(Guard* g, const GuardLimits* m, const GuardSeen* s) noexcept nogil:
    """Clock, encoders, speeds, place and power."""
    cdef int causes = 0
    cdef int i
    cdef double moved, way
    cdef double t = s.dt if s.dt > s.loop_step else s.loop_step
    cdef bint fast = not s.speed <= m.speed_max
    if s.clock_step > 0.0 and s.clock_step <= 0.05:  # what was read belongs to the arm's time, however late the loop is
        t = s.clock_step
    way = m.joint_speed_max * t
    if not s.first:
        g.clock_off += s.clock_step - s.loop_step - g.clock_off * s.dt
        if not (s.clock_step >= 0.0 and fabs(g.clock_off) <= m.clock_jump):
            causes |= CLOCK
        for i in range(s.n):
            moved = s.q[i] - s.q_before[i]
            g.off_speed[i] += (moved / t - s.dq[i] - g.off_speed[i]) * t / (0.01 + t)
            if not (fabs(g.off_speed[i]) <= m.speed_error and fabs(moved - s.dq[i] * t) <= way
                    and fabs(moved) <= 4.0 * way):
                causes |= STATE_JUMP
    for i in range(s.n):
        fast = fast or not fabs(s.dq[i]) <= m.joint_speed_max
    g.fast_for = lasting(g.fast_for, fast, s.dt)
    if g.fast_for > 0.004:
        causes |= OVER_SPEED
    if not s.away <= m.reach:
        causes |= OUTSIDE
    if s.pressing:
        if not s.depth <= m.depth_max:
            causes |= TOO_DEEP
        g.powerful_for = lasting(g.powerful_for, not s.force * s.speed_in <= m.power_max, s.dt)
        if g.powerful_for > 0.004:
            causes |= OVER_POWER
    return causes


cdef inline int guard_force(Guard* g, const GuardLimits* m, const GuardSeen* s) noexcept nogil:
    """The two force channels, each against the caps and against each other."""
    cdef int causes = 0
    cdef bint same = True
    cdef double most = m.force_cap
    cdef int j
    if (s.pressing or s.held) and s.reference * (1.0 + m.above_share) + m.above_force < most:
        most = s.reference * (1.0 + m.above_share) + m.above_force
    for j in range(6):
        same = same and s.raw[j] == g.raw_before[j]
        g.raw_before[j] = s.raw[j]
    if s.heard:
        if s.sensor_step > 0.0:  # else no new reading came: it is old, not frozen
            g.frozen_for = lasting(g.frozen_for, same and s.working, s.sensor_step)
        if g.frozen_for > m.frozen_time:
            causes |= SENSOR_FROZEN
        if s.first:
            g.slow_force = s.force_now
        if s.working and not fabs(s.force_now - g.slow_force) <= m.jump_force:
            causes |= FORCE_JUMP
        g.slow_force += (s.force_now - g.slow_force) * s.dt / (m.jump_time + s.dt)
    if s.felt:
        if not s.force <= m.force_hard:
            causes |= OVER_FORCE
        g.over_cap_for = lasting(g.over_cap_for, not s.force <= most, s.dt)
        if g.over_cap_for > m.cap_time:
            causes |= OVER_CAP
    g.touched_for = lasting(g.touched_for, s.felt and s.idle and not s.total <= m.free_force, s.dt)
    if g.touched_for > m.collision_time:
        causes |= COLLISION
    if s.other_valid != 0.0:
        g.over_other_for = lasting(g.over_other_for, not s.other <= m.force_cap + m.disagree_force, s.dt)
        if g.over_other_for > m.disagree_time:
            causes |= OVER_CAP
        g.disagree_for = lasting(g.disagree_for, s.heard and not fabs(s.force - s.other) <= m.disagree_force + s.lag,
                                  s.dt)
        if g.disagree_for > m.disagree_time:
            causes |= SENSOR_DISAGREES
        g.collision_for = lasting(g.collision_for, not s.off_tool <= m.collision_torque, s.dt)
        if g.collision_for > m.collision_time:
            causes |= COLLISION
    return causes


cdef inline int guard_loop(Guard* g, const GuardLimits* m, const GuardSeen* s) noexcept nogil:
    """Whether the force loop does what it should: neither swings nor stays away from its reference."""
    cdef int causes = 0
    cdef double error = s.reference - s.force
    cdef double a = s.dt / (0.3 + s.dt)
    if not s.holding:
        g.swing = g.mean_error = g.error_for = g.swinging_for = 0.0
        return 0
    g.mean_error += a * (error - g.mean_error)
    g.swing += a * (fabs(error - g.mean_error) - g.swing)
    g.swinging_for = lasting(g.swinging_for, not g.swing <= m.swing_force + m.swing_rate * s.reference, s.dt)
    if g.swinging_for > m.swing_lasts:
        causes |= OSCILLATION
    g.error_for = lasting(g.error_for, not fabs(g.mean_error) <= m.error_force + m.error_share * s.reference, s.dt)
    if g.error_for > m.error_time:
        causes |= FORCE_NOT_REACHED
    return causes


cdef inline int guard_unloading(Guard* g, const GuardLimits* m, const GuardSeen* s, bint stopped) noexcept nogil:
    """After a stop the command must let the force out, whatever the controller believes."""
    if not stopped:
        g.stopped_for = 0.0
        return 0
    g.stopped_for += s.dt
    return STILL_PUSHING if g.stopped_for > m.unload_time and not s.push <= m.unload_force else 0


cdef inline int guard_check(Guard* g, const GuardLimits* m, const GuardSeen* s, bint stopped) noexcept nogil:
    """All causes seen in this cycle. `stopped`: a cause that lets go is latched."""
    return (guard_motion(g, m, s) | guard_force(g, m, s) | guard_loop(g, m, s)
            | guard_unloading(g, m, s, stopped))


cdef inline void guard_reset(Guard* g) noexcept nogil:
    memset(g, 0, sizeof(Guard))
