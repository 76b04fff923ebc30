"""The force that swings, and what is foreseen and learnt of it: equations and sources in `wave.pxd`.

f_ref = steady + height sin(phase)
v     = f_ref' / k(f_ref),  k(f) = k (s + f) / (s + mean f),  k = cov(f_ref, f) / cov(f_ref, p)
out   = sum a_h sin(h phase + lead_h) + b_h cos(h phase + lead_h),  a_h, b_h learnt from the error that is left
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..settings import ControllerSettings

HARMONICS = np.arange(1, 6)


def toward(x: float, target: float, most: float) -> float:
    """Move x towards target by at most `most`."""
    return x + float(np.clip(target - x, -most, most))


@dataclass
class Wave:
    """The memory of the asked force; N, Hz, rad, m."""

    settings: ControllerSettings
    share: float = 1.0
    steady: float = 0.0
    height: float = 0.0
    rate: float = 0.0
    phase: float = 0.0
    learnt: NDArray[np.float64] = field(default_factory=lambda: np.zeros((2, 5)))
    mean: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    spread: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    stiffness: float = 0.0
    steady_rate: float = 0.0
    speed: float = 0.0
    acceleration: float = 0.0
    shaking: float = 0.0
    out: float = 0.0

    def begin(self, force: float, place: float) -> None:
        """Nothing swings, nothing is known."""
        mean = np.array([force, force, place])
        self.__init__(self.settings, share=self.share, steady=force, mean=mean)  # type: ignore[misc]

    def rest(self) -> None:
        """Nothing is foreseen of the tool's motion."""
        self.speed = self.acceleration = self.shaking = self.out = 0.0

    def step(
        self,
        steady: float,
        steady_rate: float,
        height: float,
        rate: float,
        force: float,
        place: float,
        gain: float,
        dt: float,
    ) -> float:
        """Move on by dt; the force asked for."""
        g, before = self.settings, self.steady
        self.steady = toward(self.steady, steady, steady_rate * dt)
        self.rate = toward(self.rate, rate, g.wave_rate_growth * dt) if self.height > 0.0 else rate
        if 2.0 * np.pi * self.rate * height > g.wave_slope_max:
            height = g.wave_slope_max / (2.0 * np.pi * self.rate)
        height = 0.0 if rate == 0.0 else height
        if not (self.stiffness > 0.0 and abs(self.steady - steady) < g.touch_force):
            height = min(height, self.height)
        room = max(0.0, min(self.steady - g.touch_force, g.force_max - self.steady))
        self.height = min(max(0.0, toward(self.height, height, g.wave_growth * dt)), room)
        self.phase = 0.0 if self.height == 0.0 else self.phase
        self.phase += 2.0 * np.pi * self.rate * dt
        self.phase -= 2.0 * np.pi if self.phase > 2.0 * np.pi else 0.0
        slope = (self.steady - before) / dt
        now = self.steady + self.height * float(np.sin(self.phase))
        turn = 2.0 * np.pi * self.rate
        self._know(now, slope + self.height * turn * float(np.cos(self.phase)), force, place, dt)
        self._learn(force, gain, dt)
        self.out *= self.share
        self.steady_rate += (slope - self.steady_rate) * dt / (g.wave_smoothing + dt)
        self._foresee()
        return now

    def _know(self, reference: float, rate: float, force: float, place: float, dt: float) -> None:
        g, now = self.settings, np.array([reference, force, place])
        share = dt / (g.wave_memory + dt)
        self.mean = self.mean + share * (now - self.mean)
        if abs(rate) <= g.wave_moving:
            return
        self.spread = self.spread + share * ((reference - self.mean[0]) * (now - self.mean) - self.spread)
        asked, felt, moved = self.spread
        if asked > g.wave_spread and felt > 0.0 and moved > 1e-9 * felt:
            self.stiffness = float(np.clip(felt / moved, g.wave_softest, g.wave_stiffest))

    def _learn(self, force: float, gain: float, dt: float) -> None:
        g, self.out = self.settings, 0.0
        if self.height <= 0.0 or self.rate <= 0.0:
            self.learnt = np.zeros((2, 5))
            return
        late = self.phase - 2.0 * np.pi * self.rate * g.wave_delay
        error = self.steady + self.height * np.sin(late) - force
        basis = np.array([np.sin(HARMONICS * self.phase), np.cos(HARMONICS * self.phase)])
        learnt = self.learnt + gain * g.wave_learning * error * basis * dt
        learnt = np.where(HARMONICS * self.rate > g.wave_learnt_rate_max, 0.0, learnt)
        most = min(g.wave_learnt_max, self.height)
        self.learnt = np.clip(learnt, -most, most)
        leading = HARMONICS * self.phase + np.clip(g.wave_lead * HARMONICS * self.rate, 0.0, g.wave_lead_max)
        self.out = float(np.sum(self.learnt * np.array([np.sin(leading), np.cos(leading)])))

    def _foresee(self) -> None:
        g = self.settings
        self.speed = self.acceleration = self.shaking = 0.0
        if self.stiffness == 0.0:
            return
        turn, now = 2.0 * np.pi * self.rate, self.phase
        self.shaking = self._speeding_up(now)
        ahead = now + turn * g.wave_ahead
        speed = (self.steady_rate + self.height * turn * np.cos(ahead)) * self._give(ahead)
        self.speed = float(np.clip(speed, -g.wave_speed_max, g.wave_speed_max))
        self.acceleration = self._speeding_up(ahead)

    def _give(self, phase: float) -> float:
        """m/N: how far the tissue lets the tool in for a newton more, at the force of a phase."""
        s = self.settings.wave_stiffening
        return float((s + self.mean[0]) / (s + self.steady + self.height * np.sin(phase)) / self.stiffness)

    def _speeding_up(self, phase: float) -> float:
        g, turn = self.settings, 2.0 * np.pi * self.rate
        slope = self.height * turn * np.cos(phase)
        force = g.wave_stiffening + self.steady + self.height * np.sin(phase)
        bend = -self.height * turn**2 * np.sin(phase) - slope**2 / force
        return float(np.clip(bend * self._give(phase), -g.wave_acceleration_max, g.wave_acceleration_max))
