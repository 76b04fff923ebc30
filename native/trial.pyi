import numpy as np
from numpy.typing import NDArray

from .model import ArmModel, Numbers
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
def tank_with(
    energy: float,
    out: NDArray[np.float64],
    springs: NDArray[np.float64],
    *,
    refill: float,
    low: float,
    high: float,
    most: float,
    dt: float,
) -> NDArray[np.float64]: ...
def observe_with(
    model: ArmModel,
    q: NDArray[np.float64],
    dq: NDArray[np.float64],
    torque: NDArray[np.float64],
    limit: NDArray[np.float64],
    *,
    bandwidth: float,
    weakest: float,
    dt: float,
    gravity: Numbers = (0.0, 0.0, 0.0),
) -> NDArray[np.float64]: ...
