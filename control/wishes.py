"""What a person may ask for at any moment of a session, besides what the supervisor decides on (supervisor.py)."""

from enum import StrEnum


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
BRUSH_M = 0.03
"""Radius that NOT_THERE takes out; own choice, about a muscle's breadth."""
