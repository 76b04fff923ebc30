from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .chain import Chain

Floats = NDArray[np.float64]
Numbers = Sequence[float] | Floats

class ArmModel:
    chain: Chain
    def __init__(self, chain: Chain) -> None: ...
    @classmethod
    def from_urdf(
        cls,
        path_or_xml: str | Path,
        tip: str,
        base: str | None = None,
        gravity: Numbers = (0.0, 0.0, -9.81),
        lock: Mapping[str, float] | None = None,
    ) -> ArmModel: ...
    @property
    def n(self) -> int: ...
    @property
    def joint_names(self) -> tuple[str, ...]: ...
    def forward(self, q: Numbers) -> Floats: ...
    def jacobian(self, q: Numbers) -> Floats: ...
    def mass_matrix(self, q: Numbers) -> Floats: ...
    def bias(self, q: Numbers, dq: Numbers) -> Floats: ...
    def gravity(self, q: Numbers) -> Floats: ...
