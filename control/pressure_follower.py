"""Carries a pressure profile out: the force to ask for now, from time and from how far the tissue lets the tool in.

This is the sustained-pressure engine: rise in steps, settle, follow the creep at constant force, notice when the tissue
has given way, and go up or on. It eases when the tissue pushes back under constant force (guarding) and returns only
once that is over. Forces change by minimum jerk, smooth to the second derivative; never a step.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .breath import RATES_HZ, WINDOW_S, BreathListener, fit
from .pressure_profile import Segment
from .strokes import smooth

Floats = NDArray[np.float64]

RISE_S = 2.0
"""Of a step up, and of a return after easing, at least."""
RATE_N_S = 20.0
"""The fastest that a force goes up: docs/safety.md A.9; a rise that is asked for in less time takes longer."""
SWELL_N_S = 60.0
"""The fastest that it goes down and up in a pulse: as fast as the controller lets it (`force_rate_max`)."""
_PEAK = 1.875  # the most of a minimum-jerk change over its mean
_EASED = 0.75  # of the force when the tissue pushes back; assumption
_EASE_S = 0.8
_PUSHED_BACK = 1.5e-3  # m outwards within the window, breath taken out, at constant force; assumption
_LET_GO = 0.3e-3  # m deeper under the eased force: the tissue has let go again; assumption
_CALM_S = 6.0  # s since easing before it may return; assumption, guarding decays over seconds (B.8)
_SAMPLE_S = 0.1
_AVERAGED_HZ = 1.0  # from here on, several turns of a swinging force lie in a window
_BREATH_S = 4.0  # s for which the tissue must give way slowly enough
_LISTENS_S = 16.0  # for a breath to rise with, then it goes up without one; two windows, own choice
_BEGUN = 0.12  # of a breath: so far into an exhale a rise may still begin
_EXHALE = 0.8  # of an exhale is what a rise takes; assumption: people pause before they breathe in


@dataclass(frozen=True)
class Asked:
    """What is asked of the tool now."""

    force_n: float
    swing_n: float = 0.0
    swing_hz: float = 0.0


@dataclass(frozen=True)
class _Way:
    """How deep the tool is, breath taken out; as `_way` of a follower, since the force has settled."""

    now: float
    """m, at the end of the window: quick, but a jump within the window looks up to a third larger."""
    mean: float
    """m, over the window."""
    rate: float
    """m/s inwards."""


class PressureFollower:
    """Follows segments from the touch on; `update` about 100 times a second while the tool presses."""

    def __init__(
        self, segments: Sequence[Segment], targets: Sequence[float | None], force: float, *, on_exhale: bool = False
    ) -> None:
        """`targets` [N] of the segments, None where one keeps the force; `force` [N] is where it begins.

        `on_exhale`: the force rises while the person exhales and is held while they inhale.
        """
        self._segments, self._targets = segments, targets
        self._at = -1
        self._touch = force
        self._from, self._to = force, force
        self._began, self._since, self._rising = 0.0, 0.0, 0.0
        self._now = 0.0
        self._word = False
        self._depths: deque[tuple[float, float]] = deque()
        self._next_sample = 0.0
        self._level: _Way | None = None
        self._way: _Way | None = None
        self._slow_since = math.inf
        self._eased_at: float | None = None
        self._share = self._share_from = self._share_to = 1.0
        self._share_since, self._share_lasting = -np.inf, RISE_S
        self._breathing = BreathListener() if on_exhale else None
        self._still_to: float | None = None  # N, where a rise with the breath is going
        self._waiting_since = 0.0
        self._rise_rate = math.inf  # N/s of it, at most, over whole breaths
        self.told: list[str] = []
        """What the person's breath made of the rises, in words."""
        self.ended: list[str] = []
        """Why each segment so far ended: time, give, release, word."""
        self.eased = 0
        """How often the force was eased because the tissue pushed back."""

    @property
    def finished(self) -> bool:
        """Whether the last segment is over."""
        return self._at >= len(self._segments)

    def update(self, time: float, depth: float | None, *, word: bool = False) -> Asked:
        """What to ask for at `time` [s]; `depth` [m]: place of the tool along the press direction.

        `depth` None: not known, or the tool is under way over the skin. `word`: the person says that this part may
        end; it does once the force stands still.
        """
        self._now = time
        if self._at < 0:
            self._enter(0, time)
        self._listen(time, depth)
        self._word = self._word or word
        self._rise_with_breath(time)
        while not self.finished and (why := self._over(time)):
            self.ended.append(why)
            self._enter(self._at + 1, time)
        self._guard_against_guarding(time)
        segment = None if self.finished else self._segments[self._at]
        force = self._nominal(time) * self._eased_share(time)
        if segment is None or segment.kind != "sine":
            return Asked(force)
        return Asked(force, (segment.swing_share or 0.0) * force, segment.rate_hz or 0.0)

    def go_on(self, time: float) -> None:
        """After a pause: time stood still, the force rises anew from the touch, the tissue is learnt anew."""
        stood = time - self._now
        self._began, self._since, self._now = self._began + stood, self._since + stood, time
        if self._eased_at is not None:
            self._eased_at += stood
        self._share = min(self._share, self._touch / max(self._nominal(time), self._touch))
        self._go_to_share(self._share_to, time)
        self._waiting_since += stood
        if self._breathing is not None:
            self._breathing.forget()

    # Where the force goes.

    def _enter(self, at: int, time: float) -> None:
        """Begin a segment, where the force stands still."""
        self._at, self._began, self._word = at, time, False
        if at < len(self._segments):
            segment, target = self._segments[at], self._targets[at]
            waits = target is None or (segment.kind == "follow" and target > self._to)
            self._go(self._to if waits or target is None else target, time)
            if segment.kind == "ramp" and self._still_to is None:
                self._rising = max(self._rising, segment.seconds)

    def _go(self, to: float, time: float) -> None:
        """To another force, from that at which it stands; up with the breath, where that is wanted."""
        self._still_to = None
        if self._breathing is not None and to > self._to:
            self._still_to, self._waiting_since = to, time
            segment = self._segments[self._at]
            self._rise_rate = (to - self._to) / segment.seconds if segment.kind == "ramp" else math.inf
            to = self._to
        self._go_now(to, time)

    def _rise_with_breath(self, time: float) -> None:
        """Begin the next part of a rise when an exhale begins; without a breath to be felt, all of it."""
        if self._breathing is None or self._still_to is None or time < self._since + self._rising:
            return
        if self._eased_at is not None:
            return  # who braces is not pressed harder
        breath = self._breathing.breath()
        if breath is None:
            if time > self._waiting_since + _LISTENS_S:
                self.told.append("no breath is felt: rises without it")
                self._go_now(self._still_to, time)
                self._rising = max(self._rising, (self._to - self._from) / self._rise_rate)
                self._still_to = None
            return
        if breath.phase_at(time) > 2.0 * np.pi * _BEGUN:
            return
        if self._to < self._still_to and self._since <= self._waiting_since:
            self.told.append(f"rises with the exhale, {60.0 / breath.period:.0f} breaths a minute")
        lasting = _EXHALE * breath.exhale_left(time)
        to = min(self._still_to, self._to + min(RATE_N_S * lasting / _PEAK, self._rise_rate * breath.period))
        self._go_now(to, time)
        self._rising = lasting
        if to >= self._still_to:
            self._still_to = None

    def _go_now(self, to: float, time: float) -> None:
        self._from, self._to, self._since = self._to, to, time
        self._rising = max(RISE_S, _PEAK * abs(to - self._from) / RATE_N_S) if to != self._from else 0.0
        self._learn_anew()

    def _nominal(self, time: float) -> float:
        """The force without easing."""
        age = time - self._since
        if self._rising > 0.0 and age < self._rising:
            return self._from + (self._to - self._from) * smooth(age / self._rising)
        if self.finished or self._still_to is not None or not (period := self._period):
            return self._to
        swell = smooth(1.0 - abs(2.0 * ((age - self._rising) / period % 1.0) - 1.0))
        return self._to * (1.0 - (1.0 - (self._segments[self._at].low_share or 1.0)) * swell)

    @property
    def _period(self) -> float:
        """S from one peak of a pulse to the next, so long that the force can follow; 0: no pulse."""
        segment = self._segments[self._at]
        if segment.kind != "pulse":
            return 0.0
        swell = self._to * (1.0 - (segment.low_share or 1.0))
        return max(segment.period_s or 0.0, 2.0 * _PEAK * swell / SWELL_N_S)

    def _over(self, time: float) -> str:
        """Why the segment is over; empty: it is not. A follow that finds give goes up a step and on.

        A change of the force is never broken off, for that would be a kink in it; but by a word on a slow ramp.
        """
        segment, age = self._segments[self._at], time - self._began
        if self._still_to is not None and segment.kind != "ramp":  # a rise that waits for an exhale
            stands = time >= self._since + self._rising
            if not (segment.until_word and self._word and stands):
                return ""
            self._still_to = None
            return "word"
        risen = self._since + self._rising - self._began
        ends = max(segment.seconds, risen)
        if self._still_to is not None:
            ends = math.inf
        if period := self._period:
            ends = risen + period * math.ceil((ends - risen) / period)
        if age >= ends:
            return "time"
        if segment.kind == "ramp" and segment.until_word and self._word:
            self._to, self._rising = self._nominal(time), 0.0  # where a word ended the rise, not where it was going
            self._still_to = None
            return "word"
        if segment.kind in ("ramp", "pulse") or time < self._since + self._rising:
            return ""
        if segment.until_word and self._word:
            return "word"
        if self._eased_at is not None:
            return ""  # who braces must not be pressed harder for holding still
        if self._way is None:
            return ""
        if segment.release_mm is not None and self._way.mean >= 1e-3 * segment.release_mm:
            return "release"
        if segment.give_mm_min is None or abs(self._way.rate) > segment.give_mm_min * 1e-3 / 60.0:
            self._slow_since = math.inf
            return ""
        self._slow_since = min(self._slow_since, time)
        if time - self._slow_since < _BREATH_S:
            return ""  # a breath, a cough: a rate that is nothing for a moment only
        target = self._targets[self._at]
        if segment.kind != "follow" or target is None or self._to >= target:
            return "give"
        self._go(min(target, self._to * (1.0 + 0.01 * (segment.step_percent or 0.0))), time)
        return ""

    # What the tissue does.

    @property
    def _swinging(self) -> bool:
        """Whether the asked force itself moves the tool, too slowly to be averaged out."""
        segment = None if self.finished else self._segments[self._at]
        return segment is not None and (segment.kind == "pulse" or 0.0 < (segment.rate_hz or 0.0) < _AVERAGED_HZ)

    def _learn_anew(self) -> None:
        self._depths.clear()
        self._level = self._way = None
        self._slow_since = math.inf

    def _listen(self, time: float, depth: float | None) -> None:
        """Keep the depth of the last window, while the force is constant."""
        if time < self._next_sample:
            return
        self._next_sample = time + _SAMPLE_S
        if self._breathing is not None and depth is not None:
            self._breathing.hear(time, depth, self._nominal(time) * self._share)
        settled = time - self._since > self._rising + 0.5 and time - self._share_since > max(
            RISE_S, self._share_lasting
        )
        if depth is None or not settled or self._swinging:
            self._learn_anew()
            return
        self._depths.append((time, depth))
        while time - self._depths[0][0] > WINDOW_S:
            self._depths.popleft()
        if time - self._depths[0][0] > 0.95 * WINDOW_S:
            found = _without_breath(np.array(self._depths))
            self._level = self._level or found
            self._way = _Way(found.now - self._level.now, found.mean - self._level.mean, found.rate)

    # Guarding.

    def _guard_against_guarding(self, time: float) -> None:
        """Ease when the tissue pushes the tool out under constant force; return once it has let go again."""
        way = None if self._way is None else self._way.now
        if self._eased_at is None:
            if way is not None and way < -_PUSHED_BACK:
                self._eased_at = time
                self.eased += 1
                self._go_to_share(_EASED, time)
        elif time - self._eased_at > _CALM_S and way is not None and way > _LET_GO:
            self._eased_at = None
            self._go_to_share(1.0, time)

    def _go_to_share(self, share: float, time: float) -> None:
        self._share_from, self._share_to, self._share_since = self._share, share, time
        rise = share - self._share
        self._share_lasting = max(RISE_S, _PEAK * rise * self._to / RATE_N_S) if rise > 0.0 else _EASE_S
        self._learn_anew()

    def _eased_share(self, time: float) -> float:
        way = smooth((time - self._share_since) / self._share_lasting)
        self._share = self._share_from + (self._share_to - self._share_from) * way
        return self._share


def _without_breath(depths: Floats) -> _Way:
    """A line through the depths (N, 2) [s, m], with a breath of the likeliest rate on top."""
    t, depth = depths[:, 0] - depths[-1, 0], depths[:, 1]
    turn = 2.0 * np.pi * RATES_HZ[:, None] * t
    columns = np.stack([np.ones_like(turn), np.broadcast_to(t, turn.shape), np.sin(turn), np.cos(turn)], axis=2)
    x, left = fit(columns, depth)
    end, rate = x[np.argmin(left), :2]
    return _Way(float(end), float(end + rate * t.mean()), float(rate))
