import numpy as np
from numpy.typing import NDArray

from .model import ArmModel, Numbers
from .records import ArmState, Command, SetPoint, Status
from .settings import ControllerSettings, GuardLimits

class Controller:
    command: Command
    status: Status
    settings: ControllerSettings
    limits: GuardLimits
    model: ArmModel
    def __init__(
        self,
        model: ArmModel,
        settings: ControllerSettings,
        torque_limit: Numbers,
        torque_rate: Numbers,
        *,
        limits: GuardLimits = ...,
        compensate: str = "robot",
        payload_mass: float = 0.0,
        payload_com: Numbers = (0.0, 0.0, 0.0),
        sensor: NDArray[np.float64] | None = None,
        tool_mass: float = 0.0,
        tool_com: Numbers = (0.0, 0.0, 0.0),
    ) -> None: ...
    def relimit(self, force_max: float, limits: GuardLimits) -> None: ...
    def activate(self, state: ArmState) -> None: ...
    def tare(self, wrench: Numbers, q: Numbers) -> bool: ...
    def step(self, state: ArmState, set_point: SetPoint, dt: float) -> tuple[Command, Status]: ...
