"""What a tool that goes along the skin learns of it: what holds it back, and how its normals really lie."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..native import Status
from .press_work import TOUCH_FORCE_N

Floats = NDArray[np.float64]

_LAG = 4.0  # 1/s: how fast what friction holds the tool back by is made up for
_LAG_MAX = 0.012  # m of it
_SLIDING = 0.005  # m/s, slower than which skin may stick to the tool and its force tells nothing of the normal
_FEELING_S = 2.0  # s over which the force's direction is averaged, at least; half a turn of the stroke
_ALIGNING = 0.35  # 1/s: how fast the normals are turned towards it
_TILT_MAX = 0.15  # rad in all: three times what a camera is off by; assumption


class SkinFeel:
    """Learns from one update to the next, `period` [s] apart."""

    def __init__(self, period: float) -> None:
        self._period = period
        self.lag = np.zeros(3)
        """M, base: what the tool is held back by, to be added to where it is wanted."""
        self.tilt = np.zeros(3)
        """Rad, body axes: by how much the normals turned out to be off."""
        self._sideways = np.zeros(3)

    def begin(self) -> None:
        """A new stroke is held back anew; the back is the same."""
        self.lag[:] = 0.0

    def catch_up(self, status: Status, direction: Floats) -> None:
        """Make up for what friction and weight hold the tool back by, across `direction` (3,) base.

        That is told from what the governor has come to: what it is slow in following is nothing to make up for. Nothing
        is made up for of the attitude: against the wrist's friction that would hunt, up to 17° and 1.5 rad/s.
        """
        behind = np.asarray(status.set_position) - self.lag - np.asarray(status.position)
        self.lag += _LAG * self._period * (behind - (behind @ direction) * direction)
        self.lag -= (self.lag @ direction) * direction
        self.lag *= min(1.0, _LAG_MAX / max(float(np.linalg.norm(self.lag)), 1e-12))

    def feel_normal(self, status: Status, speed: float, normal: Floats, to_body: Floats, turn_s: float) -> None:
        """Turn the normals towards what the tool feels: skin that slides pushes along its true normal.

        Friction is on top, against the motion; on a way there and back, or round, its mean over a turn is nothing.
        `normal` (3,) body axes as it is meant, `to_body` (3, 3) turns from base axes, `turn_s` [s] of the stroke.
        """
        if abs(speed) < _SLIDING or status.force_measured < TOUCH_FORCE_N - 1.0:
            return
        turned = Rotation.from_quat(np.asarray(status.quaternion)).apply(np.asarray(status.wrench[:3]))
        felt = to_body @ turned / status.force_measured
        self._sideways += (np.cross(normal, felt) - self._sideways) * self._period / max(_FEELING_S, 0.5 * turn_s)
        self.tilt += _ALIGNING * self._period * self._sideways
        self.tilt *= min(1.0, _TILT_MAX / max(float(np.linalg.norm(self.tilt)), 1e-12))
