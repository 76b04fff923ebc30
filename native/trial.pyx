"""Pieces of the compiled core on their own, in one compiled loop each.

A force on a person without an arm: what a hand, or a perfect arm, does to them. The tank and the observer without a
controller around them.
"""

from libc.math cimport sqrt
from libc.string cimport memset

from massage_arm.native.maths cimport clamp, sin_cos
from massage_arm.native.model cimport ArmModel, model_dynamics
from massage_arm.native.observer cimport Observer, observer_step
from massage_arm.native.person cimport Person
from massage_arm.native.tank cimport Tank, tank_step
from massage_arm.native.tissue cimport Tissue, surface_at
from massage_arm.native.touch cimport Touch, touch_step

import numpy as np

cdef enum:
    WIDTH = 9

TOUCH_FIELDS = ("force", "depth", "pressure_share", "pain", "tone", "release", "softening", "shift", "beats")
"""What a row of `press_with` holds: N, m, 1, 0..10, 0..1, 0..1, 0..1, s of the beat's interval, beats so far."""


def press_with(Tissue tissue, Person person, place, double[::1] force, double[::1] own_tone, double[::1] noise, *,
               double tip_radius, double contact_radius, double breath=0.0, double breath_rate=0.0,
               double breath_phase=0.0, double damping=500.0, double speed_max=0.05, int every=10):
    """Press at `place` (2,) [m, body axes] with a `force` [N] per period of the person; rows (N / every, 9) of `TOUCH_FIELDS`.

    The tip rides on the breathing skin and yields like a damper of `damping` [Ns/m] that the force moves along the
    skin's normal, at most `speed_max` [m/s]. `own_tone` (N,) is what their own posture and own_tone put on the muscle; `noise` (N,) standard normal, for the heart. The skin moves by
    `breath` [m] at `breath_rate` [rad/s]. Raises ValueError for lengths that differ and numbers that are not finite.
    """
    cdef Py_ssize_t count = force.shape[0]
    if own_tone.shape[0] != count or noise.shape[0] != count:
        raise ValueError(f"force of {count}, own_tone of {own_tone.shape[0]}, noise of {noise.shape[0]}: equal lengths are allowed")
    if not (np.isfinite(force).all() and np.isfinite(own_tone).all() and np.isfinite(noise).all()):
        raise ValueError("force, own_tone and noise: finite numbers are allowed")
    if not (damping > 0.0 and speed_max > 0.0 and every > 0):
        raise ValueError(f"damping = {damping}, speed_max = {speed_max}, every = {every}: numbers above 0 are allowed")
    cdef double dt = person.data.period
    cdef Touch touch = Touch(tip_radius, contact_radius, dt, 0.0)
    cdef double p[3]
    cdef double v[3]
    cdef double n[3]
    cdef double h[3]
    cdef double f[3]
    cdef double s, c, speed, rise
    cdef double beats = 0.0
    cdef Py_ssize_t k
    cdef int j
    out = np.empty((count // every, WIDTH))
    cdef double[:, ::1] rows = out
    p[0], p[1] = place
    surface_at(&tissue.data.surface, p[0], p[1], h)
    p[2] = h[0]
    speed = 1.0 / sqrt(1.0 + h[1] * h[1] + h[2] * h[2])
    n[0], n[1], n[2] = -h[1] * speed, -h[2] * speed, speed
    for j in range(3):
        v[j] = f[j] = 0.0
    with nogil:
        for k in range(count):
            sin_cos(breath_rate * k * dt + breath_phase, &s, &c)
            rise = breath * breath_rate * c
            if touch_step(&touch, &tissue.data, &person.data, p, v, breath * s, rise, own_tone[k], noise[k], f):
                beats += 1.0
            speed = clamp((force[k] - tissue.data.normal) / damping, -speed_max, speed_max)
            for j in range(3):
                v[j] = -speed * n[j]
            v[2] += rise
            for j in range(3):
                p[j] += v[j] * dt
            if (k + 1) % every == 0 and (k + 1) // every <= rows.shape[0]:
                j = <int>((k + 1) // every - 1)
                rows[j, 0] = tissue.data.normal
                rows[j, 1] = tissue.data.depth
                rows[j, 2] = person.data.share
                rows[j, 3] = person.data.pain
                rows[j, 4] = person.data.tone
                rows[j, 5] = tissue.data.place.release
                rows[j, 6] = tissue.data.place.softening
                rows[j, 7] = person.data.vagal_shift + person.data.arousal_shift
                rows[j, 8] = beats
    return out


def tank_with(double energy, double[::1] out, double[::1] springs, *, double refill, double low, double high,
              double most, double dt):
    """A tank of `energy` [J] through cycles of `out` [W] and `springs` [J], which held springs[0] before: rows (N, 2).

    A row is energy [J] and share.
    """
    cdef Py_ssize_t count = out.shape[0]
    if springs.shape[0] != count:
        raise ValueError(f"out of {count}, springs of {springs.shape[0]}: equal lengths are allowed")
    cdef Tank tank = Tank(energy, springs[0] if count else 0.0, 1.0)
    cdef Py_ssize_t k
    rows = np.empty((count, 2))
    cdef double[:, ::1] to = rows
    for k in range(count):
        tank_step(&tank, out[k], springs[k], refill, low, high, most, dt)
        to[k, 0] = tank.energy
        to[k, 1] = tank.share
    return rows


def observe_with(ArmModel model, double[:, ::1] q, double[:, ::1] dq, double[:, ::1] torque, double[::1] limit, *,
                 double bandwidth, double weakest, double dt, gravity=(0.0, 0.0, 0.0)):
    """The observer through a motion q, dq (N, n), `torque` (N, n) acting in the cycle before each: rows (N, n + 5).

    A row is the residual (n) [Nm], whether the force can be believed, the force (3) [N, base axes], and the largest
    torque off the tool [Nm]. `gravity` (3,) [m/s²] is what the torques carry.
    """
    cdef Py_ssize_t count = q.shape[0]
    cdef int n = model.model.n
    if (q.shape[1], dq.shape[0], dq.shape[1], torque.shape[0], torque.shape[1]) != (n, count, n, count, n):
        raise ValueError(f"q, dq and torque: {count} rows of {n} are allowed")
    if count == 0 or limit.shape[0] != n:
        raise ValueError(f"{count} cycles, {limit.shape[0]} limits: at least one cycle and {n} limits are allowed")
    cdef Observer observer
    cdef double pull[3]
    cdef Py_ssize_t k
    cdef int i
    memset(&observer, 0, sizeof(Observer))
    for i in range(n):
        observer.dq[i] = dq[0, i]
    for i in range(3):
        pull[i] = gravity[i]
    rows = np.empty((count, n + 5))
    cdef double[:, ::1] to = rows
    for k in range(count):
        model_dynamics(&model.model, &q[k, 0], &dq[k, 0], pull, &model.scratch)
        observer_step(&observer, &model.scratch, n, &dq[k, 0], &torque[k, 0], &limit[0], bandwidth, weakest, dt)
        for i in range(n):
            to[k, i] = observer.residual[i]
        to[k, n] = observer.valid
        for i in range(3):
            to[k, n + 1 + i] = observer.force[i]
        to[k, n + 4] = observer.off_tool
    return rows
