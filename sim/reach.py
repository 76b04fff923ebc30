"""What an arm reaches on a person, how well, and what it can do there: every site, and a grid over the back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..control.body import Body, Site, load_body
from ..control.capability import Capability, highest_rate
from ..control.limits import binding_force
from ..control.plan import PressPlan
from ..control.sites import SIDES, find_site
from ..control.tool import Tool, load_tool
from ..native import ArmModel, InputError
from ..urdf import TCP, ArmDescription, arm_with_tool
from .arm import describe_arm
from .hardware import payload
from .people import find_person
from .placement import DEEPEST, STAND_OFF, Placement, best_stand, follow, least_angle, place
from .postures import joint_frames, limit_margins, solve
from .world import TABLE_HEIGHT

Floats = NDArray[np.float64]

SWING_N, SWING_ABOUT_N = 10.0, 20.0
"""The swing that the table tells the highest rate of."""
GRID = 0.02  # m
_UP = np.array([0.0, 0.0, TABLE_HEIGHT])
_LOWEST, _STEEPEST = 0.06, np.radians(60.0)  # m above the table, and slope: what counts as the back; own choice
_GRAVITY = 9.81  # m/s²


@dataclass(frozen=True)
class SiteReach:
    """What an arm can do at one site from the stand of a press there; NaN and None where the tool cannot get there."""

    site: str
    reachable: bool
    """With the tool along the normal, from the stand-off down to the largest depth."""
    stand_m: Floats | None
    """(3,) base of the arm, world."""
    angle_deg: float
    """Between tool and normal: 0 where it is reachable, else the least angle at the surface."""
    margin_deg: float
    """To the nearest joint limit, the least on the way down."""
    force_n: float
    torque_share: float
    """Largest share of a joint's torque limit that holds `force_n` still."""
    torque_joint: str
    weakest: float
    """Smallest singular value of the Jacobian at the surface (m, rad)."""
    swing: Capability | None
    """Of ± `SWING_N` about `SWING_ABOUT_N`; None where that is above what may be pressed."""


@dataclass(frozen=True)
class StandReach:
    """One stand for many sites."""

    stand_m: Floats
    """(3,) base of the arm, world."""
    reached: tuple[str, ...]
    missed: tuple[str, ...]


@dataclass(frozen=True)
class Reach:
    """What an arm reaches on a person."""

    arm: str
    tool: str
    body: Body
    sites: list[SiteReach]
    together: dict[str, StandReach]
    """For the sites of the `left`, of the `right` and of `both` sides."""
    grid: Floats
    """(G, 2) m, places of the back as seen from above, body axes."""
    margins_deg: Floats
    """(G,) to the nearest joint limit, from the stand for both sides; NaN where the tool does not get there."""


def reach(
    arm: str,
    tool: str,
    person: str,
    *,
    tip: str | None = None,
    force_n: float | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Reach:
    """Reach of an arm (name, or URDF with link `tip`) with a tool on a person; `force_n`: instead of each site's cap.

    Raises InputError for names that are not known and a force that no site allows.
    """
    body, carried = load_body(find_person(person).body), load_tool(tool)
    caps = {site: binding_force(site, tool).value for site in body.sites}
    if force_n is not None and not 0.0 < force_n <= max(caps.values()):
        most = max(caps.values())
        raise InputError(
            f"force_n: {force_n:g} N is not allowed; more than 0 and at most {most:.1f} N, the largest cap, is"
        )
    described = describe_arm(PressPlan(arm=arm, tip=tip))
    try:
        model = ArmModel.from_urdf(arm_with_tool(described, carried.file), TCP, base=described.base)
    except (ValueError, FileNotFoundError) as error:
        raise InputError(str(error)) from error
    steps = len(body.sites) + len(SIDES) + 2
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        if on_progress is not None:
            on_progress(done, steps)

    sites, together = [], {}
    for site in body.sites.values():
        sites.append(_reach_site(model, described, carried, site, caps[site.name], force_n))
        tick()
    for side in (*SIDES, "both"):
        placement, together[side] = _one_stand(
            model, [s for s in body.sites.values() if side in ("both", find_site(s.name).side)]
        )
        tick()
    grid, margins = _over_the_back(model, placement, body)
    tick()
    return Reach(described.name, carried.name, body, sites, together, grid, margins)


def _reach_site(
    model: ArmModel, arm: ArmDescription, tool: Tool, site: Site, cap: float, force_n: float | None
) -> SiteReach:
    at = site.position + _UP
    force = cap if force_n is None else force_n
    angle, found = 0.0, _alone(model, site, at)
    reachable = found is not None
    if found is None:
        nearest = least_angle(model, at, site.normal)
        if nearest is None:
            nan = float("nan")
            return SiteReach(site.name, False, None, nan, nan, force, nan, "", nan, None)
        found, angle = nearest
    chain, back = model.chain, found.base[:3, :3].T
    direction = -back @ site.normal
    on_the_way = [found.q]
    for depth in (0.0, DEEPEST) if reachable else ():
        target = back @ (at - depth * site.normal - found.base[:3, 3])
        on_the_way.append(solve(chain, on_the_way[-1][None], target[None], direction[None], found.q[None])[0][0])
    q = on_the_way[min(1, len(on_the_way) - 1)]  # at the surface
    weight = weight_in_commands(model, arm, tool, q)
    jacobian = model.jacobian(q)
    shares = np.abs(force * (jacobian[:3].T @ direction) + weight) / arm.torque_limits
    swing = None
    if cap >= SWING_ABOUT_N + SWING_N:
        swing = highest_rate(
            model, q, direction, arm.torque_limits, arm.torque_rates, find_site(site.name).tissue,
            SWING_ABOUT_N, SWING_N, speed_limits=arm.velocity_limits, carried=weight,
        )  # fmt: skip
    return SiteReach(
        site.name,
        reachable,
        found.base[:3, 3],
        float(np.degrees(angle)),
        float(np.degrees(limit_margins(chain, np.array(on_the_way)).min())),
        force,
        float(shares.max()),
        model.joint_names[int(np.argmax(shares))],
        float(np.linalg.svd(jacobian, compute_uv=False)[-1]),
        swing,
    )


def _alone(model: ArmModel, site: Site, at: Floats) -> Placement | None:
    """The stand that a press at the site alone would choose."""
    above, deepest = at + STAND_OFF * site.normal, at - DEEPEST * site.normal
    try:
        return place(model, above, deepest, -site.normal, f"site {site.name}")
    except InputError:
        return None


def weight_in_commands(model: ArmModel, arm: ArmDescription, tool: Tool, q: Floats) -> Floats:
    """(n,) Nm of weight in the commands: all where it is ours, the tool's where the arm does not know it."""
    if arm.gravity == "us":
        return np.asarray(model.gravity(q))
    mass, com = payload(arm, tool)
    force = np.array([0.0, 0.0, mass * _GRAVITY])
    return np.asarray(model.jacobian(q).T @ np.concatenate([force, np.cross(model.forward(q)[:3, :3] @ com, force)]))


def _one_stand(model: ArmModel, sites: list[Site]) -> tuple[Placement, StandReach]:
    found = best_stand(
        model, np.array([site.position + _UP for site in sites]), np.array([site.normal for site in sites])
    )
    names = [site.name for site in sites]
    reached = tuple(name for name, there in zip(names, found.reached, strict=True) if there)
    return found, StandReach(found.base[:3, 3], reached, tuple(name for name in names if name not in reached))


def _over_the_back(model: ArmModel, placement: Placement, body: Body) -> tuple[Floats, Floats]:
    """Places of the back, and the margin [deg] at each from a stand; NaN where it is not reached."""
    points, normals = _back_grid(body)
    margins = np.full(len(points), np.nan)
    if placement.reached.any():
        # Begin where the tool is known to get: above the site that is most in the middle of the grid.
        chain, base = model.chain, placement.base
        postures = placement.postures[placement.reached]
        tips = joint_frames(chain, postures)[3] @ base[:3, :3].T + base[:3, 3]
        away = np.linalg.norm(tips - points.mean(axis=0), axis=1)
        begin = int(np.argmin(away))
        root = int(np.argmin(np.linalg.norm(points - tips[begin], axis=1)))
        found, _ = follow(chain, base[None], postures[begin][None], points, normals, root)
        margins = np.degrees(limit_margins(chain, found[0]))
    return points[:, :2], margins


def _back_grid(body: Body) -> tuple[Floats, Floats]:
    """Points (G, 3) [m, world] and normals (G, 3) every `GRID` over what is not table and not too steep."""
    field = body.height_field
    nx, ny = field.coefficients.shape
    x = np.arange(field.x0 + 2.0 * field.spacing, field.x0 + (nx - 3) * field.spacing, GRID)
    y = np.arange(field.y0 + 2.0 * field.spacing, field.y0 + (ny - 3) * field.spacing, GRID)
    z, slope_x, slope_y = field.grid(x, y)
    normals = np.stack([-slope_x, -slope_y, np.ones_like(z)], axis=-1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    points = np.stack([*np.meshgrid(x, y, indexing="ij"), z], axis=-1) + _UP
    back = (z > _LOWEST) & (normals[..., 2] > np.cos(_STEEPEST))
    return points[back], normals[back]
