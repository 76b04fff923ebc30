"""What a person may ask for at any moment of a session, besides what the supervisor decides on (supervisor.py)."""

import math
from enum import StrEnum

import numpy as np

from .strokes import smooth


class Wish(StrEnum):
    """A change to the work that goes on; none of them is a stop."""

    STAY = "stay"  # stay here: the way stops, the pressure is kept
    GO_ON = "go_on"  # the way goes on
    MORE = "more"  # a tenth more force, as far as the caps allow
    LESS = "less"  # a tenth less
    SKIP = "skip"  # lift, and go on with the next stroke
    REPEAT = "repeat"  # once more the stroke that is going on, after it
    NOT_THERE = "not_there"  # lift; nothing presses here any more in this session
    ENOUGH = "enough"  # this part of the pressure profile may end


STEP = 0.10
"""Share of the force of one MORE or LESS: above the just noticeable difference, 7 % (docs/strokes.md, 4.4)."""
LEAST, MOST = 0.4, 1.5
"""Of the force that was planned; the caps hold besides."""
_CHANGE = 1.2  # s of a MORE or LESS
BRUSH_M = 0.03
"""Radius that NOT_THERE takes out; own choice, about a muscle's breadth."""


class Level:
    """The share of the planned force that is wished for; it changes by minimum jerk."""

    def __init__(self) -> None:
        self._from = self._to = 1.0
        self._since = -math.inf

    def go(self, by: float, time: float) -> None:
        """Up or down by a share of what is asked for now."""
        self._from, self._since = self.at(time), time
        self._to = float(np.clip(self._to * (1.0 + by), LEAST, MOST))

    def changing(self, time: float) -> bool:
        """Whether it is on its way, or the tissue still follows it."""
        return time < self._since + 2.0 * _CHANGE

    def at(self, time: float) -> float:
        """The share at `time` [s]."""
        return self._from + (self._to - self._from) * smooth((time - self._since) / _CHANGE)
