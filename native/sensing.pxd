"""What the controller makes of what it feels: the wrench on the tool, and the guard's look at the cycle."""

from libc.math cimport fabs

from massage_arm.native.contact cimport APPROACH, FELT, HEARD, HOLD, IDLE, RELEASE, SILENT, TOUCH, stopped
from massage_arm.native.controller cimport ControllerData
from massage_arm.native.governor cimport wrench_is_usable
from massage_arm.native.guard cimport GuardSeen, guard_check
from massage_arm.native.maths cimport cross, dot3, norm3, rotate, rotate_back
from massage_arm.native.records cimport ArmStateData, StatusData
from massage_arm.native.settings cimport Settings


cdef inline void tool_weight(const ControllerData* c, double* load) noexcept nogil:
    """What the weight beyond the sensor does to it now: (6,), sensor axes."""
    cdef const Settings* g = &c.settings
    cdef double pull[3]
    cdef int j
    rotate_back(c.dynamics.k.tip.rotation, g.gravity, pull)
    rotate_back(g.sensor_turn, pull, load)
    for j in range(3):
        load[j] *= g.tool_mass
    cross(g.tool_com, load, load + 3)


cdef inline int sense(ControllerData* c, const ArmStateData* state, StatusData* status, double* force) noexcept nogil:
    """The environment's wrench on the tool at the TCP, and its share along the press direction.

    SILENT, FELT or HEARD: before the tare, the first reading since activation counts as zero; enough to get out of
    somebody's way by, not to press by.
    """
    cdef const Settings* g = &c.settings
    cdef const double* R = c.dynamics.k.tip.rotation
    cdef double load[6]
    cdef double moment[3]
    cdef double f[3]
    cdef double base[3]
    cdef int j
    force[0] = 0.0
    if not wrench_is_usable(state) or not fabs(state.time - state.wrench_time) <= g.sensor_timeout:
        for j in range(6):
            status.wrench[j] = 0.0
        return SILENT
    tool_weight(c, load)
    if not c.tared:
        for j in range(6):
            c.tare[j] = state.wrench[j] - load[j]
        c.tared = -1
    for j in range(3):
        f[j] = state.wrench[j] - c.tare[j] - load[j]
        moment[j] = state.wrench[3 + j] - c.tare[3 + j] - load[3 + j]
    rotate(g.sensor_turn, f, status.wrench)
    rotate(g.sensor_turn, moment, status.wrench + 3)
    cross(g.sensor_shift, status.wrench, moment)
    for j in range(3):
        status.wrench[3 + j] += moment[j]
    rotate(R, status.wrench, base)
    force[0] = -dot3(c.direction, base)
    return HEARD if c.tared == 1 else FELT


cdef inline double beyond_surface(const ControllerData* c, const StatusData* status) noexcept nogil:
    """m along the press direction of the TCP beyond the surface as the set-point has it, wherever a stroke is on it."""
    return dot3(c.direction, status.position) - dot3(c.direction, c.want.position)


cdef inline int watch(ControllerData* c, const ArmStateData* state, const StatusData* status, double force, int sensor,
               double loop_step, double dt) noexcept nogil:
    """The guard's look at this cycle: the causes it sees."""
    cdef GuardSeen s
    cdef double delta[3]
    cdef int j
    cdef int contact = c.contact.state
    s.dt = dt
    s.clock_step = state.time - c.time
    s.loop_step = loop_step
    s.sensor_step = state.wrench_time - c.wrench_time
    c.wrench_time = state.wrench_time
    s.n = c.model.n
    s.first = not c.cycles
    s.heard = sensor == HEARD
    s.felt = sensor >= FELT
    s.total = norm3(status.wrench)
    s.idle = contact == IDLE
    s.held = contact == IDLE and c.stiffness[0] > 0.0
    s.working = contact >= APPROACH and contact <= RELEASE
    s.pressing = contact >= TOUCH and contact <= HOLD
    s.holding = contact == HOLD
    s.q = &state.q[0]
    s.q_before = &c.seen[0]
    s.dq = &state.dq[0]
    s.raw = &state.wrench[0]
    s.force = c.contact.measured
    s.force_now = force
    s.other_valid = 1.0 if c.observer.valid and c.tared == 1 else 0.0
    s.other = -dot3(c.direction, c.observer.force)
    s.off_tool = c.observer.off_tool
    s.reference = c.contact.reference
    s.lag = fabs(c.contact.wave.slope) / c.settings.observer_bandwidth
    s.speed_in = dot3(c.direction, status.twist)
    s.speed = norm3(status.twist)
    s.depth = beyond_surface(c, status) - c.touched
    for j in range(3):
        delta[j] = status.position[j] - c.place[j]
    s.away = norm3(delta)
    s.push = dot3(c.direction, status.wrench_command)
    return guard_check(&c.guard, &c.limits, &s, stopped(&c.contact))
