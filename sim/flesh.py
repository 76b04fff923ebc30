"""What lies under a person's skin: tissue constants of every place, from the sites' figures and the person's own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..control.body import Body
from ..control.sites import find_site
from ..native import Tissue, TissueLaw, cell_places
from .people import Recipient

Floats = NDArray[np.float64]

CELL = 0.015  # m, between places that have constants and a memory of their own; half a tool's diameter
_BONE_UNDER = {"spinous_processes": 5e-3, "cervical_spine": 5e-3, "floating_ribs": 8e-3}  # m below the skin; assumption
FRICTION = {"dry": 0.36, "oil": 0.10, "lotion": 0.10}
"""Kinetic, on skin. dry: median of 450 tests on four sites and materials; oil: assumption; lotion: when it is fresh."""
_LOTION_GONE, _LOTION_TIME = 0.45, 300.0  # lotion that has gone in, after so many s; assumption


def friction_after(skin: str, seconds: float) -> float:
    """Friction of oiled, dry or creamed skin `seconds` after the start."""
    fresh = FRICTION[skin]
    if skin != "lotion":
        return fresh
    return fresh + (_LOTION_GONE - fresh) * min(1.0, seconds / _LOTION_TIME)


def site_law(site: str, person: Recipient) -> TissueLaw:
    """The constants at a site of this person."""
    typical = find_site(site).tissue
    return TissueLaw(
        k0=typical.k0_n_mm * 1e3 * person.stiffness[site],
        beta=typical.beta_per_mm * 1e3,
        bone_depth=typical.bone_depth_mm * 1e-3 * person.bone_depth,
        bone=typical.bone_n_mm15 * 1e3**1.5,
        threshold=typical.ppt_kpa * 1e3 * person.threshold[site],
        trigger=person.trigger[site],
    )


def flesh(body: Body, person: Recipient, skin: str = "oil", bone_depth: float | None = None) -> Tissue:
    """The tissue of all of the back: every place has the constants of the muscle it belongs to.

    With `bone_depth` [m], there is bone so deep everywhere, as stiff as five times the back's usual (assumption).

    That is the site that is nearest in terms of its muscle's radius. A trigger point reaches as far as that radius.
    """
    surface = body.height_field
    shape = surface.coefficients.shape
    x, y = cell_places(shape, surface.x0, surface.y0, surface.spacing, CELL)
    places = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1)
    sites = list(body.sites.values())
    away = np.array([np.linalg.norm(places - site.position[:2], axis=-1) / site.radius for site in sites])
    nearest = np.argmin(away, axis=0)
    laws = np.array([site_law(site.name, person) for site in sites])
    law = laws[nearest]
    law[..., 5] *= away.min(axis=0) <= 1.0
    for area, corners in body.keep_out.items():
        depth = _BONE_UNDER.get(area.rsplit("_", 1)[0])
        if depth is not None:
            law[_inside(places, corners), 2] = depth * person.bone_depth
    if bone_depth is not None:
        law[..., 2] = bone_depth
        law[..., 3] *= 5.0
    return Tissue(
        surface.coefficients, surface.x0, surface.y0, surface.spacing, law,
        cell_spacing=CELL, friction=FRICTION[skin], constants=person.constants,
    )  # fmt: skip


def _inside(places: Floats, corners: Floats) -> NDArray[np.bool_]:
    """Which places (..., 2) lie in a polygon (N, 2): an odd number of edges to their right."""
    odd = np.zeros(places.shape[:-1], bool)
    for (ax, ay), (bx, by) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        spans = (ay > places[..., 1]) != (by > places[..., 1])
        if ay != by:
            odd ^= spans & (places[..., 0] < ax + (places[..., 1] - ay) / (by - ay) * (bx - ax))
    return odd
