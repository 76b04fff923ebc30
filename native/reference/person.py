"""The person under the tool: pain, muscle tone, release of the place pressed, and the heart.

    p = F / A                                         mean pressure; A contact area
    th = (PPT - drop trigger (1-R) + rise R) max(A/cm², 1)^-x;  r = p / th
    I = 10 (1 - exp(-max(0, r - r0)/rs));  If' = (I - If)/tau                                          pain, 0..10
    m' = ((p > p_touch and |v| < v_touch) - m)/tau;  g = 1 - c m                                       reflex gain
    u1 = g (b + (1-b) a) sat((acc(t - 19 ms) - acc0)/acc1);  u2 alike with speed, 45 ms                reflexes
    w' = (sat((If(t - 120 ms) - I0)/I1) - w)/tau                                                       guarding
    a' = (min(1, rest + c_S max(0,S) + own + startle + u1 + u2 + w) - a)/tau                              muscle tone
    D  = sat((r - d0)/d1) (1 below d2, fading over d3) (a < a0);  R' = D (1-R)/tau - R/tau'            release
    s' = (s_max - s)/tau in contact, -s/tau' off it                                                    softening
   V' = (calm - c alarm - V)/tau,  S' = (c alarm - c calm - S)/tau                                    vagal, sympathetic
    RR = RR0 + v + w + swing (1 + c V) sin(breathing) + noise;  a beat when the integral of 1/RR reaches 1

sat(x) limits x to [0, 1]. tau differs for rising and falling where the constants have two. Explicit Euler.
Constants, units and sources: `person_constants.py`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from ..person_constants import PersonConstants


def sat(x: float) -> float:
    """Limit x to [0, 1]."""
    return min(1.0, max(0.0, x))


def delayed(seconds: float, dt: float) -> deque[float]:
    """A line that gives back what was put in `seconds` ago; full of zeros at first."""
    return deque([0.0] * (round(seconds / dt) + 1), maxlen=round(seconds / dt) + 1)


@dataclass
class Place:
    """A place: pressure-pain threshold on 1 cm² [Pa], trigger point (0..1), and what it remembers of being pressed."""

    threshold: float = 300e3
    trigger: float = 0.0
    release: float = 0.0
    softening: float = 0.0


@dataclass
class ReferencePerson:
    """Muscle, nerve and heart of one person, stepped at a fixed dt [s]."""

    c: PersonConstants
    dt: float = 0.001
    breath_rate: float = 2.0 * np.pi * 0.25
    breath_phase: float = 0.0
    tone: float = 0.0
    pain: float = 0.0
    touch: float = 0.0
    guard: float = 0.0
    speed: float = 0.0
    vagal: float = 0.0
    arousal: float = 0.0
    vagal_shift: float = 0.0
    arousal_shift: float = 0.0
    beat: float = 0.0
    time: float = 0.0
    startled: float = 0.0
    beats: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Fill the delay lines."""
        c, dt = self.c, self.dt
        self.accelerations, self.speeds = delayed(c.short_delay, dt), delayed(c.medium_delay, dt)
        self.pains = delayed(c.guard_delay, dt)
        self.vagals, self.arousals = delayed(c.vagal_delay, dt), delayed(c.arousal_delay, dt)

    @property
    def tone_factor(self) -> float:
        """How much stiffer the muscle is than relaxed."""
        return 1.0 + self.c.tone_stiffening * self.tone

    def step(
        self, place: Place, force: float, area: float, rate: float, own_tone: float = 0.0, noise: float = 0.0
    ) -> None:
        """One dt under `force` N on `area` m² that sinks in at `rate` m/s.

        `own_tone`: of their own posture and effort, 0..1; `noise`: standard normal, used when a beat falls.
        """
        c, dt = self.c, self.dt
        pressure = force / area if area > 0.0 else 0.0
        threshold = place.threshold + c.release_threshold_rise * place.release
        threshold -= c.trigger_threshold_drop * place.trigger * (1.0 - place.release)
        threshold = max(threshold, c.threshold_least)
        share = pressure / (threshold * max(area * 1e4, 1.0) ** -c.threshold_area_power)

        hurts = 10.0 * (1.0 - np.exp(-max(0.0, share - c.pain_onset) / c.pain_scale))
        self.pain += (hurts - self.pain) * dt / (c.pain_rise_time if hurts > self.pain else c.pain_fall_time)
        self._tone(pressure, rate if area > 0.0 else 0.0, own_tone)

        fade = 1.0 if share < c.dose_limit else sat(1.0 - (share - c.dose_limit) / c.dose_fade)
        dose = sat((share - c.dose_onset) / c.dose_range) * fade * (self.tone < c.dose_tone)
        place.release += (dose * (1.0 - place.release) / c.release_time - place.release / c.release_return) * dt
        if pressure > c.touch_pressure:
            place.softening += (c.softening - place.softening) / c.softening_time * dt
        else:
            place.softening -= place.softening / c.softening_return * dt
        self._heart(pressure, noise)

    def startle(self) -> None:
        """Start: all muscles tighten at once."""
        self.startled = self.time + self.c.startle_time

    def _tone(self, pressure: float, rate: float, own_tone: float) -> None:
        c, dt = self.c, self.dt
        touched = pressure > c.touch_pressure and abs(rate) < c.touch_speed
        self.touch += (touched - self.touch) * dt / c.touch_time
        acceleration = (rate - self.speed) / c.speed_filter
        self.speed += acceleration * dt
        self.accelerations.append(acceleration)
        self.speeds.append(self.speed)
        self.pains.append(self.pain)
        gain = (1.0 - c.reflex_damping * self.touch) * (c.relaxed_reflex + (1.0 - c.relaxed_reflex) * self.tone)
        short = gain * sat((self.accelerations[0] - c.short_threshold) / c.short_range)
        medium = gain * sat((self.speeds[0] - c.medium_threshold) / c.medium_range)
        guard = sat((self.pains[0] - c.guard_onset) / c.guard_range)
        self.guard += (guard - self.guard) * dt / (c.guard_rise_time if guard > self.guard else c.guard_fall_time)
        wanted = c.resting_tone + c.arousal_tone * max(0.0, self.arousal) + own_tone
        wanted += c.startle_tone * (self.time < self.startled)
        wanted = min(1.0, wanted + short + medium + self.guard)
        self.tone += (wanted - self.tone) * dt / (c.rise_time if wanted > self.tone else c.fall_time)

    def _heart(self, pressure: float, noise: float) -> None:
        c, dt = self.c, self.dt
        calm = max(0.0, 1.0 - self.pain / c.pain_ease) if pressure > c.calming_pressure else 0.0
        alarm = max(0.0, self.pain - c.alarm_onset) / c.alarm_range
        vagal = calm - c.alarm_vagal * alarm
        arousal = c.alarm_arousal * alarm - c.calm_arousal * calm
        self.vagal += (vagal - self.vagal) * dt / (c.vagal_rise_time if vagal > self.vagal else c.vagal_fall_time)
        rise = c.arousal_rise_time if arousal > self.arousal else c.arousal_fall_time
        self.arousal += (arousal - self.arousal) * dt / rise
        self.vagals.append(self.vagal)
        self.arousals.append(self.arousal)
        self.vagal_shift += (c.vagal_gain * self.vagals[0] - self.vagal_shift) * dt / c.vagal_time
        self.arousal_shift += (-c.arousal_gain * self.arousals[0] - self.arousal_shift) * dt / c.arousal_time
        swing = c.breathing_swing * (1.0 + c.swing_with_tone * min(1.2, max(-0.8, self.vagal)))
        interval = c.interval + self.vagal_shift + self.arousal_shift + self.jitter
        interval += swing * np.sin(self.breath_rate * self.time + self.breath_phase)
        self.beat += dt / interval
        self.time += dt
        if self.beat >= 1.0:
            self.beat -= 1.0
            self.jitter = c.interval_noise * noise
            self.beats.append(self.time)

    jitter: float = 0.0
