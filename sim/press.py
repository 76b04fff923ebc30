"""One simulated press: where, how hard, how long, as its plan says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..control.plan import PressPlan, check_plan
from ..control.slow_side import SETTLE, TARE
from ..control.task import PressTask
from ..native import ControllerSettings
from .disturbances import wrong_surface
from .placement import DEEPEST, STAND_OFF, Placement, place
from .scan import known_back
from .simulation import UP, Simulation

Floats = NDArray[np.float64]


class PressSimulation(Simulation):
    """A press of a `PressPlan`."""

    plan: PressPlan
    task: PressTask

    def __init__(
        self,
        plan: PressPlan,
        *,
        gui: bool = False,
        pictured: bool = True,
        settings: ControllerSettings | None = None,
        surface_off: float | None = None,
    ) -> None:
        """`pictured`: `picture` will be called; `settings`: the controller's, for tuning.

        `surface_off` [m]: how far the surface really is off, for tests.
        """
        super().__init__(plan, plan.tool, gui=gui, pictured=pictured, settings=settings, surface_off=surface_off)

    @property
    def duration_s(self) -> float:
        """Estimate of the whole run."""
        plan = self.plan
        approach = STAND_OFF / (plan.approach_mm_s * 1e-3)
        return SETTLE + TARE + approach + plan.ramp_s + plan.hold_s + plan.release_s + 1.5

    def _look(self, surface_off: float | None, scan_seed: int) -> None:
        """The site of a scan, and what has moved since."""
        check_plan(self.plan)
        site = self._body.sites[self.plan.site]
        scanned = known_back(self.plan.person, scan_seed).body
        known = scanned.sites[site.name]
        point, normal, _ = wrong_surface(known.position, known.normal, self.disturbances, self._rng)
        if surface_off is not None:
            point = site.position + surface_off * site.normal
        height = self._body.height_field.value_and_gradient(*point[:2])[0]
        self._surface_error = float((point[2] - height) * site.normal[2])
        seen = replace(known, position=point, normal=normal)
        self.known = replace(scanned, sites=scanned.sites | {site.name: seen})
        self.task = PressTask(self.plan, point, normal)

    def _place(self) -> Placement:
        surface, direction = self.task.position + UP, -self.task.normal
        above, deepest = surface - STAND_OFF * direction, surface + DEEPEST * direction
        return place(self.model, above, deepest, direction, f"site {self.plan.site}")

    def _press_directions(self, governed: Floats) -> Floats:
        return np.broadcast_to(-self.task.normal, governed.shape)
