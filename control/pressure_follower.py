"""Carries a pressure profile out: the force to ask for now, from time and from how far the tissue lets the tool in.

This is the sustained-pressure engine: rise in steps, settle, follow the creep at constant force, notice when the tissue
has given way, and go up or on. It eases when the tissue pushes back under constant force (guarding) and returns only
once that is over. Forces change by minimum jerk, smooth to the second derivative; never a step.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .pressure_profile import Segment
from .strokes import smooth

RISE_S = 2.0
"""Of a step up, and of a return after easing; 10 N in it are at most 9.4 N/s (docs/safety.md A.9: 20 N/s)."""
_WINDOW_S = 8.0  # two breaths or more: how deep the tool is, without the breath (B.6: 12 to 18 a minute)
_EASED = 0.75  # of the force when the tissue pushes back; assumption
_EASE_S = 0.8
_PUSHED_BACK = 1.5e-3  # m outwards within the window, breath taken out, at constant force; assumption
_LET_GO = 0.3e-3  # m deeper under the eased force: the tissue has let go again; assumption
_CALM_S = 6.0  # s since easing before it may return; assumption, guarding decays over seconds (B.8)
_SAMPLE_S = 0.1


@dataclass(frozen=True)
class Asked:
    """What is asked of the tool now."""

    force_n: float
    swing_n: float = 0.0
    swing_hz: float = 0.0


class PressureFollower:
    """Follows segments from the touch on; `update` about 100 times a second while the tool presses."""

    def __init__(self, segments: Sequence[Segment], targets: Sequence[float | None], force: float) -> None:
        """`targets` [N] of the segments, None where one keeps the force; `force` [N] is where it begins."""
        self._segments, self._targets = segments, targets
        self._at = -1
        self._force, self._from, self._to = force, force, force
        self._began, self._since, self._rising = 0.0, 0.0, 0.0
        self._depths: deque[tuple[float, float]] = deque()
        self._next_sample = 0.0
        self._level: float | None = None
        self._eased_at: float | None = None
        self._share = self._share_from = self._share_to = 1.0
        self._share_since = -np.inf
        self.ended: list[str] = []
        """Why each segment so far ended: time, give, release, word."""
        self.eased = 0
        """How often the force was eased because the tissue pushed back."""

    @property
    def finished(self) -> bool:
        """Whether the last segment is over."""
        return self._at >= len(self._segments)

    def update(self, time: float, depth: float | None, *, word: bool = False) -> Asked:
        """What to ask for at `time` [s]; `depth` [m]: how deep the tool is, None while it moves over the skin.

        `word`: the person says that this part may end.
        """
        if self._at < 0:
            self._enter(0, time)
        self._listen(time, depth)
        while not self.finished and (why := self._over(time, word)):
            self.ended.append(why)
            self._enter(self._at + 1, time)
            word = False
        self._force = self._nominal(time)
        self._guard_against_guarding(time)
        segment = None if self.finished else self._segments[self._at]
        force = self._force * self._eased_share(time)
        if segment is None or segment.kind != "sine":
            return Asked(force)
        return Asked(force, (segment.swing_share or 0.0) * force, segment.rate_hz or 0.0)

    # Where the force goes.

    def _enter(self, at: int, time: float) -> None:
        self._at, self._began, self._since = at, time, time
        self._from = self._force
        self._level = None
        self._depths.clear()
        if at >= len(self._segments):
            self._to = self._from  # where a word ended the rise, not where it was going
            return
        segment, target = self._segments[at], self._targets[at]
        self._rising = segment.seconds if segment.kind == "ramp" else RISE_S
        if target is None:
            self._to, self._rising = self._from, 0.0
        else:
            self._to = self._from if segment.kind == "follow" and target > self._from else target

    def _nominal(self, time: float) -> float:
        """The force without easing."""
        if self.finished:
            return self._to
        segment, age = self._segments[self._at], time - self._since
        if segment.kind == "pulse":
            low, period = segment.low_share or 1.0, segment.period_s or 1.0
            up = smooth(age / RISE_S)
            swell = 0.5 - 0.5 * np.cos(2.0 * np.pi * max(0.0, age - RISE_S) / period)
            high = self._from + (self._to - self._from) * up
            return float(high * (1.0 - (1.0 - low) * swell))
        if self._rising <= 0.0:
            return self._to
        return self._from + (self._to - self._from) * smooth(age / self._rising)

    def _over(self, time: float, word: bool) -> str:
        """Why the segment is over; empty: it is not. A follow that finds give goes up a step and on."""
        segment, age = self._segments[self._at], time - self._began
        if age >= segment.seconds:
            return "time"
        if segment.until_word and word:
            return "word"
        if segment.kind == "ramp":
            return ""
        rate, way = self._creep()
        if segment.release_mm is not None and way is not None and way >= 1e-3 * segment.release_mm:
            return "release"
        if segment.give_mm_min is None or rate is None or abs(rate) > segment.give_mm_min * 1e-3 / 60.0:
            return ""
        target = self._targets[self._at]
        if segment.kind != "follow" or target is None or self._to >= target:
            return "give"
        self._from = self._to
        self._to = min(target, self._to * (1.0 + 0.01 * (segment.step_percent or 0.0)))
        self._since, self._rising = time, RISE_S
        self._depths.clear()
        self._level = None
        return ""

    # What the tissue does.

    def _listen(self, time: float, depth: float | None) -> None:
        """Keep the depth of the last window, while the force is constant."""
        if time < self._next_sample:
            return
        self._next_sample = time + _SAMPLE_S
        settled = time - self._since > self._rising + 0.5 and time - self._share_since > RISE_S
        if not settled or depth is None:
            self._depths.clear()
            return
        self._depths.append((time, depth))
        while time - self._depths[0][0] > _WINDOW_S:
            self._depths.popleft()

    def _creep(self) -> tuple[float | None, float | None]:
        """(m/s inwards, m deeper than when the force had settled), breath taken out; None: not known yet."""
        known = self._fit()
        if known is None:
            return None, None
        level, rate = known
        if self._level is None:
            self._level = level
        return rate, level - self._level

    def _fit(self) -> tuple[float, float] | None:
        """(m, m/s) of the window: a line through the depths, with a breath of the likeliest rate on top."""
        if not self._depths or self._depths[-1][0] - self._depths[0][0] < 0.95 * _WINDOW_S:
            return None
        t, d = np.array(self._depths).T
        t = t - t[-1]
        best: tuple[float, float, float] | None = None
        for hz in (0.15, 0.18, 0.21, 0.25, 0.3):
            breath = 2.0 * np.pi * hz * t
            A = np.column_stack([np.ones_like(t), t, np.sin(breath), np.cos(breath)])
            x, *_ = np.linalg.lstsq(A, d, rcond=None)
            left = float(np.sum((A @ x - d) ** 2))
            if best is None or left < best[0]:
                best = (left, float(x[0]), float(x[1]))
        assert best is not None
        return best[1], best[2]

    # Guarding.

    def _guard_against_guarding(self, time: float) -> None:
        """Ease when the tissue pushes the tool out under constant force; return once it has let go again."""
        _, way = self._creep()
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
        self._depths.clear()
        self._level = None

    def _eased_share(self, time: float) -> float:
        lasting = _EASE_S if self._share_to < self._share_from else RISE_S
        self._share = self._share_from + (self._share_to - self._share_from) * smooth(
            (time - self._share_since) / lasting
        )
        return self._share
