import numpy as np
from numpy.typing import NDArray

from .model import Numbers
from .person import Person
from .tissue import Tissue

TOUCH_FIELDS: tuple[str, ...]

def press_with(
    tissue: Tissue,
    person: Person,
    place: Numbers,
    force: NDArray[np.float64],
    own_tone: NDArray[np.float64],
    noise: NDArray[np.float64],
    *,
    tip_radius: float,
    contact_radius: float,
    breath: float = 0.0,
    breath_rate: float = 0.0,
    breath_phase: float = 0.0,
    damping: float = 500.0,
    speed_max: float = 0.05,
    every: int = 10,
) -> NDArray[np.float64]: ...
