"""A simulated session: every stroke of it from one stand, on a back that is known from a scan."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..control.body import Body, HeightField, Site
from ..control.plan import SessionPlan, check_circumstances
from ..control.session import Session, load_session
from ..control.slow_side import SETTLE, TARE
from ..control.task import SessionTask
from ..control.thresholds import threshold_kpa
from ..native import ControllerSettings
from .disturbances import Disturbances
from .placement import Placement, stand_for
from .scan import known_back
from .simulation import UP, Simulation

Floats = NDArray[np.float64]

EVERY = 0.03  # m along a stroke between places that the arm must reach


class SessionSimulation(Simulation):
    """A session of a `SessionPlan`."""

    plan: SessionPlan
    task: SessionTask
    _beats, _last_beat = 0.0, -np.inf

    def __init__(
        self,
        plan: SessionPlan,
        *,
        gui: bool = False,
        pictured: bool = True,
        settings: ControllerSettings | None = None,
        session: Session | None = None,
    ) -> None:
        """`pictured`: `picture` will be called; `settings`: the controller's, for tuning.

        `session`: in place of the one that the plan names.
        """
        check_circumstances(plan)
        self._given = session or load_session(plan.session, plan.site)
        super().__init__(plan, self._given.tool, gui=gui, pictured=pictured, settings=settings, surface_off=None)

    @property
    def duration_s(self) -> float:
        """Estimate of the whole run."""
        return self.plan.rest_s + SETTLE + TARE + 2.0 + self.task.session.whole_s

    @property
    def metadata(self) -> Mapping[str, str]:
        """What is true of this run and of every repetition of it."""
        session = self.task.session
        done = {
            "name": session.name,
            "about": session.about,
            "tool": session.tool,
            "sites": sorted({step.site for step in session.steps if step.site}),
            "seconds": session.seconds,
        }
        return {**super().metadata, "session": json.dumps(done)}

    @property
    def input_files(self) -> Mapping[str, bytes]:
        """The files that the run was made from."""
        session = self.task.session
        profiles = {path.name: path.read_bytes() for path in session.profiles}
        given = {"thresholds.yaml": self.plan.thresholds, "dose.npz": self.plan.dose}
        own = {name: Path(path).read_bytes() for name, path in given.items() if path is not None}
        return {**super().input_files, "session.yaml": session.file.read_bytes(), **profiles, **own}

    @property
    def told(self) -> Sequence[str]:
        """What happened so far, when, in words."""
        return self.task.told

    @property
    def thresholds_kpa(self) -> Mapping[str, float]:
        """Pain thresholds on 1 cm² that a slow rise has found, by site."""
        return {site: threshold_kpa(force, self.tool) for site, force in self.task.thresholds_n.items()}

    def _look(self, surface_off: float | None, scan_seed: int) -> None:
        scanned = known_back(self.plan.person, scan_seed).body
        self.known = _moved(scanned, self.disturbances, self._rng)
        self.task = SessionTask(self.plan, self.known, self._given)
        point = self.task
        height = self._body.height_field.value_and_gradient(*point.position[:2])[0]
        self._surface_error = float((point.position[2] - height) * point.normal[2])

    def _place(self) -> Placement:
        ways = [(job.title, job.way.sampled(EVERY)) for job in self.task.jobs if job.way is not None]
        points = [(title, point) for title, places in ways for point in places]
        positions = np.array([point.position for _, point in points]) + UP
        normals = np.array([point.normal for _, point in points])
        return stand_for(self.model, positions, normals, [title for title, _ in points])

    def _update(self) -> None:
        """The slow side, which a belt tells of heartbeats."""
        beats, time = self.beats, float(self.arm.read().time)
        if beats > self._beats:
            self.heart.beat(time, time - self._last_beat)
            self._beats, self._last_beat = beats, time
        super()._update()

    def _press_directions(self, governed: Floats) -> Floats:
        return governed


def _moved(body: Body, d: Disturbances, rng: np.random.Generator) -> Body:
    """The body as it is known, off by what a camera gets wrong: height and tilt about its middle, of the whole back."""
    field = body.height_field
    off = 1e-3 * d.surface_error_mm * rng.uniform(-1.0, 1.0)
    angle, tilt = rng.uniform(0.0, 2.0 * np.pi), np.tan(np.deg2rad(d.surface_error_deg) * rng.uniform(0.0, 1.0))
    slope = tilt * np.array([np.cos(angle), np.sin(angle)])
    x = field.x0 + field.spacing * np.arange(field.coefficients.shape[0])
    y = field.y0 + field.spacing * np.arange(field.coefficients.shape[1])
    middle = np.mean([site.position[:2] for site in body.sites.values()], axis=0)
    # A uniform cubic spline takes a plane for a plane: adding one to its coefficients adds it to the surface.
    plane = off + slope[0] * (x[:, None] - middle[0]) + slope[1] * (y[None, :] - middle[1])
    moved = HeightField(field.x0, field.y0, field.spacing, np.ascontiguousarray(field.coefficients + plane))
    return replace(body, height_field=moved, sites={name: _again(moved, site) for name, site in body.sites.items()})


def _again(field: HeightField, site: Site) -> Site:
    """The site on a surface that has moved."""
    z, dx, dy = field.value_and_gradient(*site.position[:2])
    normal = np.array([-dx, -dy, 1.0]) / np.sqrt(1.0 + dx * dx + dy * dy)
    fibre = site.fibre - (site.fibre @ normal) * normal
    return replace(site, position=np.array([*site.position[:2], z]), normal=normal, fibre=fibre / np.linalg.norm(fibre))
