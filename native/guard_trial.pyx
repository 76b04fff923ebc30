"""The guard on its own: one cycle after another, with whatever it is to see."""

from libc.string cimport memset

from massage_arm.native.guard cimport Guard, GuardLimits, GuardSeen, guard_check, guard_reset
from massage_arm.native.model cimport MAX_JOINTS

from dataclasses import fields

cdef enum:
    RAW = 6


cdef class GuardTrial:
    """A guard with `limits` (GuardLimits of settings.py) and its memory."""

    cdef Guard guard
    cdef GuardLimits limits

    def __init__(self, limits):
        cdef double* first = &self.limits.force_hard
        for i, field in enumerate(fields(limits)):
            first[i] = getattr(limits, field.name)
        self.reset()

    def reset(self):
        """Forget everything, as activation does."""
        guard_reset(&self.guard)

    def check(self, *, double dt=0.001, loop_step=None, clock_step=None, sensor_step=None, bint first=False,
              bint heard=True, bint felt=True, double total=0.0, bint idle=False, bint held=False, bint working=False, bint pressing=False, bint holding=False,
              q=(), q_before=(), dq=(), raw=None, double force=0.0, force_now=None, bint other_valid=False, double other=0.0,
              double off_tool=0.0, double reference=0.0, double lag=0.0, double speed_in=0.0, double speed=0.0, double depth=0.0,
              double away=0.0, double push=0.0, bint stopped=False):
        """The causes of one cycle; the fields of `GuardSeen`. Left out: nothing moves, nothing is felt, all is as long as dt."""
        cdef GuardSeen s
        cdef double now[MAX_JOINTS]
        cdef double before[MAX_JOINTS]
        cdef double rate[MAX_JOINTS]
        cdef double reading[RAW]
        cdef int i
        memset(&s, 0, sizeof(GuardSeen))
        s.dt = dt
        s.loop_step = dt if loop_step is None else loop_step
        s.clock_step = dt if clock_step is None else clock_step
        s.sensor_step = dt if sensor_step is None else sensor_step
        s.n = len(q)
        s.first, s.heard, s.felt, s.idle, s.held = first, heard, felt, idle, held
        s.working, s.pressing, s.holding = working, pressing, holding
        for i in range(s.n):
            now[i], before[i], rate[i] = q[i], q_before[i], dq[i]
        for i in range(RAW):
            reading[i] = raw[i] if raw is not None else 0.0
        s.q, s.q_before, s.dq, s.raw = &now[0], &before[0], &rate[0], &reading[0]
        s.total, s.force, s.other, s.off_tool = total, force, other, off_tool
        s.force_now = force if force_now is None else force_now
        s.other_valid = 1.0 if other_valid else 0.0
        s.reference, s.speed_in, s.speed = reference, speed_in, speed
        s.lag = lag
        s.depth, s.away, s.push = depth, away, push
        return guard_check(&self.guard, &self.limits, &s, stopped)
