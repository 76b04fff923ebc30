"""The simulation that a plan asks for: of a press or of a session."""

from __future__ import annotations

from ..control.plan import PressPlan, SessionPlan
from .press import PressSimulation
from .session import SessionSimulation


def simulate(plan: PressPlan | SessionPlan, *, gui: bool = False) -> PressSimulation | SessionSimulation:
    """The run that a plan describes, ready to be advanced. Raises InputError when it may not or cannot be done."""
    if isinstance(plan, SessionPlan):
        return SessionSimulation(plan, gui=gui)
    return PressSimulation(plan, gui=gui)
