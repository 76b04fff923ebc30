"""What the press is doing: states, transitions, the force asked for, and how the normal reference moves.

    idle -> approach -> touch -> ramp <-> hold -> release -> retract -> idle;   fault: left by activation only

    f     <- f + (1 - exp(-dt/T)) (raw - f)                            filtered force along the press direction
    f_ref <- towards the wanted force by at most f' dt                 in ramp, hold; towards 0 in release
    s     <- clamp of s + ki (f_ref - f) dt such that |kp (f_ref - f) + s| <= feedback_max
    PI    =  kp (f_ref - f) + s;      in release s + min(0, kp (f_ref - f)), and s fades

The normal reference moves at `speed`: forward while approaching, back while retracting, and in contact after the arm
itself, so that its spring does not fight the force. `ahead` is how much deeper the TCP is than that reference.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np

from ..settings import ControllerSettings
from ..states import RESPONSE, Cause, ContactState, Level, Task
from .wave import Wave

IDLE, APPROACH, TOUCH, RAMP, HOLD, RELEASE, RETRACT, FAULT = ContactState
PRESSED = (TOUCH, RAMP, HOLD)
RETREATS = 4  # withdrawals after the first
PATIENCE = 1.0  # s with nothing asked for, then a release that was asked for ends even if the force does not fall


class Sensor(IntEnum):
    """What is known of the force."""

    SILENT = 0
    FELT = 1  # fresh, but zeroed at activation only
    HEARD = 2  # fresh and tared


def clamp(x: float, low: float, high: float) -> float:
    """Limit x to [low, high]."""
    return low if x < low else high if x > high else x


def toward(x: float, target: float, most: float) -> float:
    """Move x towards target by at most `most`."""
    return x + clamp(target - x, -most, most)


@dataclass
class Contact:
    """The memory of the press; forces in N along the press direction, times in s, lengths in m."""

    settings: ControllerSettings
    state: ContactState = IDLE
    causes: Cause = field(default_factory=lambda: Cause(0))
    level: Level = Level.NONE
    armed: bool = False
    age: float = 0.0
    above: float = 0.0
    below: float = 0.0
    reference: float = 0.0
    feedback: float = 0.0
    integral: float = 0.0
    slow_error: float = 0.0
    side: float = 0.0
    half_wave: float = 0.0
    highest: float = 0.0
    swings: int = 0
    gain: float = 1.0
    measured: float = 0.0
    speed: float = 0.0
    withdrawn: float = 0.0
    flight: float = 0.0
    freed: bool = False
    sag: float = 0.0
    unloaded: float = 0.0
    push_out: float = 0.0
    pushed: float = 0.0
    retreats: int = 0
    wave: Wave = field(init=False)

    def __post_init__(self) -> None:
        """Nothing swings yet."""
        self.wave = Wave(self.settings)

    @property
    def touching(self) -> bool:
        """Whether the law may push."""
        return self.state in PRESSED or self.state == RELEASE

    def enter(self, state: ContactState) -> None:
        """Begin a state."""
        self.state, self.age, self.above, self.below, self.unloaded = state, 0.0, 0.0, 0.0, 0.0
        if state == RETRACT:
            self.withdrawn = self.flight = self.reference = 0.0
            self.freed = False

    @property
    def stopped(self) -> bool:
        """Whether a cause that lets go is latched."""
        return self.level >= Level.RELEASE

    def let_go(self) -> None:
        """Unload what presses, withdraw what only approaches; otherwise nothing is there to let go of."""
        if self.state in PRESSED:
            self.enter(RELEASE)
        elif self.state == APPROACH:
            self.enter(RETRACT)

    def stop(self, causes: Cause) -> None:
        """Latch causes and do what the highest of their levels says."""
        if not causes:
            return
        self.causes |= causes
        self.level = max(self.level, *(RESPONSE[cause] for cause in Cause if cause & causes))
        if self.level == Level.COMPLIANT:
            self.reference = self.feedback = self.integral = 0.0
            if self.state == IDLE and not self.causes & (Cause.NOT_FINITE_STATE | Cause.STATE_JUMP):
                self.pushed = 1e9  # nothing was pressed: a force that may be the sensor's own must not drive the arm
            if self.state != FAULT:
                self.enter(FAULT)
        elif self.level > Level.NONE:
            self.let_go()

    def believed(self, sensor: Sensor) -> bool:
        """Whether what the sensor says counts: one that was caught lying must not move the arm."""
        return bool(sensor) and not self.causes & (Cause.SENSOR_FROZEN | Cause.SENSOR_DISAGREES)

    def help_out(self, sensor: Sensor, dt: float) -> None:
        """Compliant, the tool is pushed out while the sensor feels that it is needed, not for long."""
        g = self.settings
        needed = self.believed(sensor) and self.measured > g.push_out_until and self.pushed < g.push_out_time
        self.push_out = g.push_out_force if needed else 0.0
        self.pushed += dt if needed else 0.0

    def hear(self, force: float, dt: float) -> None:
        """Filter the force."""
        self.measured += (1.0 - np.exp(-dt / self.settings.force_filter)) * (force - self.measured)

    def step(
        self, want: Any, force: float, sensor: Sensor, ahead: float, lead: float, place: float, inward: float, dt: float
    ) -> None:
        """One cycle: `force` raw, known as far as `sensor` says; `lead`: normal reference beyond the expected surface.

        `place` [m] and `inward` [m/s] of the TCP along the press direction.
        """
        g = self.settings
        heard = sensor == Sensor.HEARD
        if sensor:
            self.hear(force, dt)
        self.age += dt
        self.speed = 0.0
        if want.task == Task.STOP:
            self.stop(Cause.STOP_ASKED)
        if want.task != Task.PRESS:
            self.armed = True
            self.let_go()
        if not heard and (self.state == APPROACH or self.state in PRESSED):
            self.stop(Cause.STALE_SENSOR)

        self.push_out = 0.0
        match self.state:
            case ContactState.IDLE:
                self.reference = 0.0
                if self.stopped and ahead < -g.yield_after:
                    self.speed = (ahead + g.yield_after) / dt
                if self.stopped and sensor and self.measured > g.touch_force and self.retreats < RETREATS:
                    self.retreats += 1
                    self.enter(RETRACT)
                if want.task == Task.PRESS and self.armed and heard and not self.causes:
                    self.stop(Cause.NOT_FREE if abs(self.measured) > g.free_force_max else Cause(0))
                if want.task == Task.PRESS and self.armed and heard and not self.causes:
                    self.armed = False
                    self.sag = self._sag(want.stiffness[1], ahead)
                    self.enter(APPROACH)
            case ContactState.APPROACH:
                self._approach(want, ahead, lead, place, dt)
            case ContactState.TOUCH if self.age >= g.settle_time:
                self.enter(RAMP)
            case ContactState.RAMP | ContactState.HOLD:
                swing, gain = (want.wave_force, want.wave_rate), self.gain if heard else 0.0
                self.reference = self.wave.step(
                    want.force, want.force_rate, *swing, force=self.measured, place=place, gain=gain, dt=dt
                )
                reached = self.wave.steady == want.force
                if (self.state == HOLD) != reached:
                    self.enter(HOLD if reached else RAMP)
            case ContactState.RELEASE:
                asked = not self.stopped and want.force_rate > 0.0
                rate = max(want.force_rate, 1.0) if asked else self._letting_go_rate
                self.reference = toward(self.reference, 0.0, rate * dt)
                self.below = self.below + dt if self.measured < g.lost_force else 0.0
                if self.reference == 0.0:
                    self.unloaded += dt
                    if self.stopped or self.below >= g.lost_time or self.unloaded > PATIENCE:
                        self.enter(RETRACT)
            case ContactState.RETRACT:
                if self.stopped:
                    self._flee(sensor, inward, dt)
                # Whoever pushes the arm away is followed, and fled from as fast as they come.
                self.speed = min(-g.retract_speed, -self.flight, ahead / dt)
                self.withdrawn += g.retract_speed * dt
                if self.withdrawn >= g.retract_distance:
                    self.enter(IDLE)
            case ContactState.FAULT:
                self.help_out(sensor, dt)

        if self.state in PRESSED:
            lost = self.measured < min(g.lost_force, 0.3 * self.reference)
            self.below = self.below + dt if lost else 0.0
            at_once = (
                self.measured < 0.5 * self.reference
                and inward > g.fade_speed + max(0.0, self.wave.speed)
                and self.state != TOUCH
            )
            if self.below >= g.lost_time or at_once:
                self.stop(Cause.CONTACT_LOST)
                self.enter(RETRACT)
        if self.state not in (RAMP, HOLD):
            self.wave.rest()
        if self.touching:
            self.speed = clamp(ahead / dt, -g.leak_rate, g.leak_rate) + self.wave.share * self.wave.speed
        self._back_off(dt)
        self._feedback(heard, dt)

    def _flee(self, sensor: Sensor, inward: float, dt: float) -> None:
        """From whoever comes after the tool: faster than they push, and as fast as may be once they catch up."""
        g = self.settings
        self.help_out(sensor, dt)
        if self.push_out > 0.0:
            self.flight = clamp(-inward * g.flight_lead, self.flight, g.flight_speed)
        if self.measured < g.lost_force:
            self.freed = True
        elif self.freed and self.push_out > 0.0 and self.measured > g.touch_force:
            self.flight = g.flight_speed

    def _back_off(self, dt: float) -> None:
        """Less gain where the force swings: from the second short and high half-wave in a row on."""
        g = self.settings
        if self.state not in (RAMP, HOLD):
            self.slow_error, self.gain = self.measured - self.reference, 1.0
            self.side = self.half_wave = self.highest = 0.0
            self.swings = 0
            return
        off = self.measured - self.reference
        self.slow_error += (off - self.slow_error) * dt / (g.swing_time + dt)
        off -= self.slow_error
        self.gain += (1.0 - self.gain) * dt / g.swing_recovery
        self.half_wave += dt
        self.highest = max(self.highest, abs(off))
        if off * self.side <= 0.0:
            counts = self.half_wave < g.swing_time and self.highest > g.swing_force
            self.swings = self.swings + 1 if counts else 0
            if self.swings > 1:
                self.gain = max(g.swing_gain, self.gain * g.swing_share)
            self.side, self.half_wave, self.highest = off, 0.0, 0.0

    @property
    def _letting_go_rate(self) -> float:
        """N/s, for a cause."""
        return self.settings.drop_rate if self.level >= Level.DROP else self.settings.release_rate

    def _sag(self, stiffness: float, ahead: float) -> float:
        """How much deeper than its reference the arm stands at rest: weight that nobody compensates holds it there."""
        most = self.settings.sag_force_max
        return clamp(ahead * stiffness, -most, most) / stiffness if stiffness > 0.0 else 0.0

    def _approach(self, want: Any, ahead: float, lead: float, place: float, dt: float) -> None:
        """Forward, slower as the force rises, never further ahead of the arm than `approach_lead`."""
        g = self.settings
        speed = max(g.approach_speed_min, want.approach_speed * clamp(1.0 - self.measured / g.touch_force, 0.0, 1.0))
        self.speed = min(speed, max(0.0, (ahead - self.sag + g.approach_lead) / dt))
        self.above = self.above + dt if self.measured >= g.touch_force else 0.0
        if self.above >= g.touch_time:
            self.enter(TOUCH)
            self.reference = min(g.touch_force, want.force)
            self.wave.begin(self.reference, place)
            self.integral = 0.0
        elif lead + self.sag > g.search_depth or self.age > g.approach_time_max:
            self.stop(Cause.SURFACE_NOT_FOUND)

    def _feedback(self, heard: bool, dt: float) -> None:
        """PI on the force while pressing; while letting go, what is left of it fades and nothing is added but pull."""
        g = self.settings
        most, error = g.force_feedback_max, self.reference - self.measured
        if self.state in PRESSED and heard:
            direct = self.gain * g.force_kp * error
            self.integral += self.gain * g.force_ki * error * dt
            self.integral = clamp(self.integral, -most - direct, most - direct)
            self.feedback = clamp(direct + self.integral + self.wave.out, -most, most)
        elif self.state == RELEASE:
            self.integral = toward(self.integral, 0.0, self._letting_go_rate * dt)
            self.feedback = self.integral + (clamp(g.force_kp * error, -most, 0.0) if heard else 0.0)
        else:
            self.feedback = self.integral = 0.0
