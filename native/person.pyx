"""The person under the tool: pain, muscle tone, release of the place pressed, and the heart; one fixed step at a time.

The equations stand in `reference/person.py`, which the tests hold this against; constants and their sources in
`person_constants.py`. Nothing here decides what an arm does: it answers to what was pressed.
"""

from libc.math cimport fabs
from libc.string cimport memset

from massage_arm.native.maths cimport clamp, exponential, logarithm, sin_cos

from dataclasses import fields

from .person_constants import PersonConstants as Constants


cdef inline double delayed(Line* line, double value) noexcept nogil:
    """Put a value in; the one that went in `length` - 1 steps ago comes out."""
    cdef int oldest
    line.values[line.at] = value
    oldest = line.at + 1 if line.at + 1 < line.length else 0
    line.at = oldest
    return line.values[oldest]


cdef inline double towards(double x, double target, double dt, double rise, double fall) noexcept nogil:
    return x + (target - x) * dt / (rise if target > x else fall)


cdef double tone_factor(const PersonData* p) noexcept nogil:
    """How much stiffer the muscle is than relaxed."""
    return 1.0 + p.c.tone_stiffening * p.tone


cdef void feel(PersonData* p, const Place* place, double pressure, double area) noexcept nogil:
    """Pressure over its threshold, and the pain of it."""
    cdef const PersonConstants* c = &p.c
    cdef double square_cm = area * 1e4
    cdef double threshold = place.threshold + c.release_threshold_rise * place.release
    cdef double hurts
    threshold -= c.trigger_threshold_drop * place.trigger * (1.0 - place.release)
    if threshold < c.threshold_least:
        threshold = c.threshold_least
    if square_cm > 1.0:
        threshold *= exponential(-c.threshold_area_power * logarithm(square_cm))
    p.share = pressure / threshold
    hurts = 0.0
    if p.share > c.pain_onset:
        hurts = 10.0 * (1.0 - exponential((c.pain_onset - p.share) / c.pain_scale))
    p.pain = towards(p.pain, hurts, p.period, c.pain_rise_time, c.pain_fall_time)


cdef void tighten(PersonData* p, double pressure, double rate, double own_tone) noexcept nogil:
    """Reflexes and guarding, and the muscle's tone that follows them."""
    cdef const PersonConstants* c = &p.c
    cdef double dt = p.period
    cdef double touched = 1.0 if pressure > c.touch_pressure and fabs(rate) < c.touch_speed else 0.0
    cdef double acceleration, gain, short_, medium, guard, wanted
    p.touch += (touched - p.touch) * dt / c.touch_time
    acceleration = (rate - p.speed) / c.speed_filter
    p.speed += acceleration * dt
    short_ = clamp((delayed(&p.accelerations, acceleration) - c.short_threshold) / c.short_range, 0.0, 1.0)
    medium = clamp((delayed(&p.speeds, p.speed) - c.medium_threshold) / c.medium_range, 0.0, 1.0)
    guard = clamp((delayed(&p.pains, p.pain) - c.guard_onset) / c.guard_range, 0.0, 1.0)
    gain = (1.0 - c.reflex_damping * p.touch) * (c.relaxed_reflex + (1.0 - c.relaxed_reflex) * p.tone)
    p.guard = towards(p.guard, guard, dt, c.guard_rise_time, c.guard_fall_time)
    wanted = c.resting_tone + own_tone + gain * (short_ + medium) + p.guard
    if p.arousal > 0.0:
        wanted += c.arousal_tone * p.arousal
    if p.time < p.startled:
        wanted += c.startle_tone
    p.tone = towards(p.tone, wanted if wanted < 1.0 else 1.0, dt, c.rise_time, c.fall_time)


cdef void give(PersonData* p, Place* place, double pressure) noexcept nogil:
    """Release and softening of the place."""
    cdef const PersonConstants* c = &p.c
    cdef double dose = clamp((p.share - c.dose_onset) / c.dose_range, 0.0, 1.0)
    if p.share >= c.dose_limit:
        dose *= clamp(1.0 - (p.share - c.dose_limit) / c.dose_fade, 0.0, 1.0)
    if not p.tone < c.dose_tone:
        dose = 0.0
    place.release += (dose * (1.0 - place.release) / c.release_time - place.release / c.release_return) * p.period
    if pressure > c.touch_pressure:
        place.softening += (c.softening - place.softening) / c.softening_time * p.period
    else:
        place.softening -= place.softening / c.softening_return * p.period


cdef bint pump(PersonData* p, double pressure, double noise) noexcept nogil:
    """The heart; True when a beat falls."""
    cdef const PersonConstants* c = &p.c
    cdef double dt = p.period
    cdef double calm = 0.0
    cdef double alarm = 0.0
    cdef double interval, s, cosine
    if pressure > c.calming_pressure and p.pain < c.pain_ease:
        calm = 1.0 - p.pain / c.pain_ease
    if p.pain > c.alarm_onset:
        alarm = (p.pain - c.alarm_onset) / c.alarm_range
    p.vagal = towards(p.vagal, calm - c.alarm_vagal * alarm, dt, c.vagal_rise_time, c.vagal_fall_time)
    p.arousal = towards(p.arousal, c.alarm_arousal * alarm - c.calm_arousal * calm, dt, c.arousal_rise_time,
                        c.arousal_fall_time)
    p.vagal_shift += (c.vagal_gain * delayed(&p.vagals, p.vagal) - p.vagal_shift) * dt / c.vagal_time
    p.arousal_shift += (-c.arousal_gain * delayed(&p.arousals, p.arousal) - p.arousal_shift) * dt / c.arousal_time
    sin_cos(p.breath_rate * p.time + p.breath_phase, &s, &cosine)
    interval = c.interval + p.vagal_shift + p.arousal_shift + p.jitter \
        + c.breathing_swing * (1.0 + c.swing_with_tone * clamp(p.vagal, -0.8, 1.2)) * s
    p.beat += dt / interval
    p.time += dt
    if p.beat >= 1.0:
        p.beat -= 1.0
        p.jitter = c.interval_noise * noise
        return True
    return False


cdef bint person_step(PersonData* p, Place* place, double force, double area, double rate, double own_tone,
                      double noise) noexcept nogil:
    """One period under `force` [N] on `area` [m²] that sinks in at `rate` [m/s]; True when the heart beats.

    `own_tone`: what posture and effort of the person's own put on the muscle, 0..1; `noise`: a standard normal number,
    used when a beat falls.
    """
    cdef double pressure = force / area if area > 0.0 else 0.0
    feel(p, place, pressure, area)
    tighten(p, pressure, rate if area > 0.0 else 0.0, own_tone)
    give(p, place, pressure)
    return pump(p, pressure, noise)


cdef int line_length(double delay, double period, str name) except -1:
    cdef double steps = delay / period
    if not steps < LINE - 1:
        raise ValueError(f"{name} = {delay} s: at most {(LINE - 2) * period:g} s are allowed at a period of {period} s")
    return <int>(steps + 0.5) + 1


cdef class Person:
    """Muscle, nerve and heart of one person who is pressed in one place.

    `threshold` [Pa] and `trigger` (0..1) are those of the place; `period` [s] is that of `step`; `breath_rate` [rad/s]
    and `breath_phase` [rad] are those of the chest. Raises ValueError for a period or a delay that cannot be.
    """

    def __init__(self, constants=None, *, double threshold=300e3, double trigger=0.0, double period=0.001,
                 double breath_rate=1.5707963267948966, double breath_phase=0.0):
        self.constants = Constants() if constants is None else constants
        if not 0.0 < period <= 0.01:
            raise ValueError(f"period = {period} s: more than 0 and at most 0.01 s is allowed")
        memset(&self.data, 0, sizeof(PersonData))
        memset(&self.place, 0, sizeof(Place))
        cdef double* first = <double*>&self.data.c
        if len(fields(self.constants)) * sizeof(double) != sizeof(PersonConstants):
            raise TypeError(f"{type(self.constants).__name__} does not have the fields of the compiled constants")
        for i, field in enumerate(fields(self.constants)):
            first[i] = getattr(self.constants, field.name)
        if not (0.0 < threshold < float("inf") and 0.0 <= trigger <= 1.0):
            raise ValueError(f"threshold = {threshold} Pa, trigger = {trigger}: above 0 and 0 to 1 are allowed")
        self.place.threshold = threshold
        self.place.trigger = trigger
        c = self.constants
        self.data.period = period
        self.data.breath_rate = breath_rate
        self.data.breath_phase = breath_phase
        self.data.accelerations.length = line_length(c.short_delay, period, "short_delay")
        self.data.speeds.length = line_length(c.medium_delay, period, "medium_delay")
        self.data.pains.length = line_length(c.guard_delay, period, "guard_delay")
        self.data.vagals.length = line_length(c.vagal_delay, period, "vagal_delay")
        self.data.arousals.length = line_length(c.arousal_delay, period, "arousal_delay")

    def step(self, double force, double area, double rate, double own_tone=0.0, double noise=0.0):
        """One period under `force` N on `area` m², sinking in at `rate` m/s; True when the heart beats.

        `own_tone`: what posture and effort of their own put on the muscle, 0..1; `noise` standard normal.
        """
        return person_step(&self.data, &self.place, force, area, rate, own_tone, noise)

    def startle(self):
        """Start: all muscles tighten at once."""
        self.data.startled = self.data.time + self.data.c.startle_time

    @property
    def tone_factor(self):
        """How much stiffer the muscle is than relaxed."""
        return tone_factor(&self.data)

    @property
    def bulge(self):
        """m that the contracting muscle lifts the skin."""
        return self.data.c.bulge * self.data.tone

    @property
    def time(self):
        """s since the beginning."""
        return self.data.time

    @property
    def pain(self):
        """0..10, as felt now."""
        return self.data.pain

    @property
    def tone(self):
        """0..1, activation of the muscle."""
        return self.data.tone

    @property
    def guard(self):
        """0..1, the part of the tone that braces against pain."""
        return self.data.guard

    @property
    def share(self):
        """Mean pressure over the pain threshold."""
        return self.data.share

    @property
    def release(self):
        """0..1, how far the place has let go."""
        return self.place.release

    @property
    def softening(self):
        """0..1, the share of its stiffness that the place has lost to long pressing."""
        return self.place.softening

    @property
    def vagal(self):
        """Vagal tone, 0 at rest."""
        return self.data.vagal

    @property
    def arousal(self):
        """Sympathetic arousal, 0 at rest."""
        return self.data.arousal
