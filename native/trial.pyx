"""A force on a person without an arm: what a hand, or a perfect arm, does to them, in one compiled loop."""

from libc.math cimport sqrt

from massage_arm.native.maths cimport clamp, sin_cos
from massage_arm.native.person cimport Person
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
