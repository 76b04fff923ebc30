from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .model import Numbers
from .person_constants import PersonConstants

class TissueLaw(NamedTuple):
    k0: float
    beta: float
    bone_depth: float
    bone: float
    threshold: float
    trigger: float = 0.0

def cell_places(
    shape: tuple[int, ...], x0: float, y0: float, spacing: float, cell_spacing: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...

class Tissue:
    law: NDArray[np.float64]
    memory: NDArray[np.float64]
    def __init__(
        self,
        coefficients: NDArray[np.float64],
        x0: float,
        y0: float,
        spacing: float,
        law: ArrayLike,
        *,
        cell_spacing: float = 0.015,
        share: Numbers = (0.12, 0.10, 0.08),
        tau: Numbers = (0.3, 3.0, 60.0),
        damping: float = 1.0,
        friction: float = 0.10,
        shear: float = 700.0,
        constants: PersonConstants = ...,
    ) -> None: ...
    friction: float
    def surface(self, x: float, y: float) -> tuple[float, float, float]: ...
    def step(
        self,
        position: Numbers,
        velocity: Numbers,
        lift: float,
        lift_rate: float,
        dt: float,
        tone_factor: float = 1.0,
    ) -> tuple[NDArray[np.float64], float]: ...
    def add_memory(self, release: float, softening: float) -> None: ...
