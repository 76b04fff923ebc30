"""Hears a breath from where a tool that presses lies: skin sinks on the exhale and rises on the inhale.

Needs neither belt nor camera: under a force that is held, the tool follows the skin.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WINDOW_S = 8.0
"""Over which a breath is fitted: two breaths or more (docs/safety.md B.6: 12 to 18 a minute)."""
RATES_HZ = np.arange(0.16, 0.341, 0.01)
"""12 to 18 a minute, and some more to either side."""
LEAST_M = 0.3e-3
"""Amplitude below which nothing that can be told from noise is there; assumption: a back moves by 1 to 5 mm."""
_EXPLAINED = 0.6  # share of what the line leaves that the breath must account for; assumption
_RIDGE = 1e-9  # a force that stands still has no column of its own


@dataclass(frozen=True)
class Breath:
    """A breath as it goes on from `at` [s]."""

    at: float
    period: float
    phase: float
    """rad at `at`; 0 to pi is the exhale."""

    def phase_at(self, time: float) -> float:
        """0 to 2 pi; below pi it is the exhale."""
        return (self.phase + 2.0 * math.pi * (time - self.at) / self.period) % (2.0 * math.pi)

    def exhale_left(self, time: float) -> float:
        """Until this exhale ends [s]; 0 while they inhale."""
        phase = self.phase_at(time)
        return 0.5 * self.period * (1.0 - phase / math.pi) if phase < math.pi else 0.0


class BreathListener:
    """Fits a breath to how deep the tool is, about ten times a second."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float, float]] = deque()

    def hear(self, time: float, depth: float, force: float) -> None:
        """A sample: `depth` [m] of the tool along the press direction, `force` [N] asked for."""
        self._seen.append((time, depth, force))
        while time - self._seen[0][0] > WINDOW_S:
            self._seen.popleft()

    def forget(self) -> None:
        """What was heard does not belong to what comes."""
        self._seen.clear()

    def breath(self) -> Breath | None:
        """The breath of the last window; None: too little was heard, or no breath is in it."""
        if not self._seen or self._seen[-1][0] - self._seen[0][0] < 0.95 * WINDOW_S:
            return None
        time, depth, force = np.array(self._seen).T
        t = time - time[-1]
        still = np.column_stack([np.ones_like(t), t / WINDOW_S, 0.1 * (force - force.mean())])
        _, left = fit(still[None], depth)
        turn = 2.0 * np.pi * RATES_HZ[:, None] * t
        columns = np.concatenate(
            [np.broadcast_to(still, (len(turn), *still.shape)), np.stack([np.sin(turn), np.cos(turn)], axis=2)], axis=2
        )
        with_breath, remaining = fit(columns, depth)
        best = int(np.argmin(remaining))
        sine, cosine = with_breath[best, 3:]
        if math.hypot(sine, cosine) < LEAST_M or remaining[best] > (1.0 - _EXPLAINED) * left[0]:
            return None
        # depth = a sin + b cos = -r cos(phase): the exhale, on which depth grows, is phase 0 to pi
        phase = math.atan2(sine, -cosine) % (2.0 * math.pi)
        return Breath(float(time[-1]), 1.0 / float(RATES_HZ[best]), phase)


def fit(columns: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Least squares of values (N,) on columns (K, N, M): coefficients (K, M), sums of squares left (K,).

    Columns that differ from others by nothing get nothing.
    """
    turned = columns.transpose(0, 2, 1)
    normal = turned @ columns + _RIDGE * np.eye(columns.shape[2])
    x = np.linalg.solve(normal, (turned @ values)[..., None])
    left: Floats = np.sum(((columns @ x)[..., 0] - values) ** 2, axis=1)
    return np.asarray(x[..., 0], float), left
