from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .model import ArmModel
from .person import Person
from .records import ArmState, Command
from .tissue import Tissue

class Plant:
    state: ArmState
    truth: NDArray[np.float64]
    def __init__(
        self,
        model: ArmModel,
        tissue: Tissue,
        person: Person,
        rng: np.random.Generator,
        period: float,
        **numbers: Any,
    ) -> None: ...
    def command(self, command: Command) -> None: ...
    def begin_with(self, command: Command) -> None: ...
    def shift_skin(self, to: float, seconds: float) -> None: ...
    def roll(self, to: float, seconds: float) -> None: ...
    def end_cycle(self) -> None: ...
    def drive(self, late: float) -> list[float]: ...
    def observe(self, states: Sequence[Any], time: float) -> None: ...
