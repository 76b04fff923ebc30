"""A serial kinematic chain as plain arrays: what a URDF says about one arm, folded to its moving joints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Chain:
    """n moving joints from base to tip; fixed joints and everything rigidly attached are folded in.

    Joint i's frame has its axis along +z; `placement[i]` is that frame in joint i-1's frame (i = 0: in the base)
    at q = 0. Link i moves with joint i.
    """

    base: str
    tip: str
    joint_names: tuple[str, ...]
    revolute: NDArray[np.bool_]  # (n,) False: prismatic
    placement: Floats  # (n, 4, 4)
    mass: Floats  # (n,) kg
    com: Floats  # (n, 3) m, in joint i's frame
    inertia: Floats  # (n, 3, 3) kg m², about the com, in joint i's axes
    lower: Floats  # (n,) rad or m; -inf where the joint is continuous
    upper: Floats  # (n,)
    velocity_limit: Floats  # (n,) rad/s or m/s; inf where the URDF names none
    effort_limit: Floats  # (n,) Nm or N; inf where the URDF names none
    tip_placement: Floats  # (4, 4) TCP in the last joint's frame
    gravity: Floats  # (3,) m/s² in base axes

    @property
    def n(self) -> int:
        """Number of moving joints."""
        return len(self.joint_names)
