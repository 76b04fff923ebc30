import numpy as np
from numpy.typing import NDArray

from .model import Numbers

class Tissue:
    def __init__(
        self,
        coefficients: NDArray[np.float64],
        x0: float,
        y0: float,
        spacing: float,
        *,
        k0: float,
        beta: float,
        bone_depth: float,
        bone: float,
        share: Numbers = (0.12, 0.10, 0.08),
        tau: Numbers = (0.3, 3.0, 60.0),
        damping: float = 1.0,
        friction: float = 0.10,
        shear: float = 700.0,
    ) -> None: ...
    def surface(self, x: float, y: float) -> tuple[float, float, float]: ...
    def step(
        self, position: Numbers, velocity: Numbers, lift: float, lift_rate: float, dt: float
    ) -> tuple[NDArray[np.float64], float]: ...
