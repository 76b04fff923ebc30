"""One simulated press: where, how hard, how long, as its plan says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..control.limits import binding_force, guard_limits
from ..control.plan import PressPlan, check_plan
from ..control.press_work import PressWork
from ..control.sites import find_site
from ..control.slow_side import SETTLE, TARE, Work
from ..native import ControllerSettings, GuardLimits, InputError
from .disturbances import wrong_surface
from .placement import DEEPEST, STAND_OFF, Placement, place
from .scan import known_back
from .simulation import UP, Simulation

Floats = NDArray[np.float64]


class PressSimulation(Simulation):
    """A press of a `PressPlan`."""

    plan: PressPlan

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
        check_plan(plan)
        super().__init__(plan, plan.tool, gui=gui, pictured=pictured, settings=settings, surface_off=surface_off)

    @property
    def duration_s(self) -> float:
        """Estimate of the whole run."""
        plan = self.plan
        approach = STAND_OFF / (plan.approach_mm_s * 1e-3)
        return SETTLE + TARE + approach + plan.ramp_s + plan.hold_s + plan.release_s + 1.5

    def _look(self, surface_off: float | None, scan_seed: int) -> None:
        """The site of a scan, and what has moved since."""
        site = self._body.sites[self.plan.site]
        self._scanned = known_back(self.plan.person, scan_seed).body
        known = self._scanned.sites[site.name]
        point, normal, _ = wrong_surface(known.position, known.normal, self.disturbances, self._rng)
        if surface_off is not None:
            point = site.position + surface_off * site.normal
        height = self._body.height_field.value_and_gradient(*point[:2])[0]
        self._surface_error = float((point[2] - height) * site.normal[2])
        self.surface = point + UP
        self._direction = -normal

    def _place(self) -> Placement:
        above = self.surface - STAND_OFF * self._direction
        deepest = self.surface + DEEPEST * self._direction
        return place(self.model, above, deepest, self._direction, f"site {self.plan.site}")

    def _limits(self, settings: ControllerSettings) -> tuple[float, GuardLimits]:
        site = find_site(self.plan.site)
        cap = binding_force(site.name, self.plan.tool, self.plan.limits).value
        if self.plan.force_n > settings.force_max:
            most = f"force_max of the controller, {settings.force_max:g} N"
            raise InputError(f"force_n: {self.plan.force_n:g} N is not allowed; at most {most}, is")
        return min(cap, self.plan.force_n), guard_limits(site, cap)

    @property
    def allowed_limits(self) -> list[tuple[float, GuardLimits]]:
        """Of its one site."""
        return [(self.controller.settings.force_max, self.controller.limits)]

    def _work(self, to_base: Floats) -> Callable[[], Work]:
        target = to_base[:3, :3] @ self.surface + to_base[:3, 3]
        return lambda: PressWork(self.plan, self._set_point, target)

    def _press_directions(self, governed: Floats) -> Floats:
        return np.broadcast_to(self._direction, governed.shape)
