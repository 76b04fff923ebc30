"""The compiled core: arm model, control law, tissue, person and the plant behind a simulated arm."""

from .chain import Chain
from .controller import Controller
from .errors import InputError
from .model import ArmModel
from .person import Person
from .person_constants import PersonConstants
from .plant import Plant
from .records import ArmState, Command, SetPoint, Status
from .settings import ControllerSettings, GuardLimits
from .states import RESPONSE, Cause, ContactState, Level, Limit, Task
from .tissue import Tissue, TissueLaw, cell_places
from .trial import TOUCH_FIELDS, press_with

__all__ = [
    "RESPONSE",
    "TOUCH_FIELDS",
    "ArmModel",
    "ArmState",
    "Cause",
    "Chain",
    "Command",
    "ContactState",
    "Controller",
    "ControllerSettings",
    "GuardLimits",
    "InputError",
    "Level",
    "Limit",
    "Person",
    "PersonConstants",
    "Plant",
    "SetPoint",
    "Status",
    "Task",
    "Tissue",
    "TissueLaw",
    "cell_places",
    "press_with",
]
