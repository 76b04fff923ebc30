"""What an arm makes of a session before anyone is touched: where it stands, how it reaches, what its joints give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..control.capability import Capability, highest_rate
from ..control.plan import RunPlan
from ..control.preview import Finding, JobPreview, SessionPreview
from ..control.sites import find_site
from ..native import ArmModel, InputError
from ..urdf import TCP, ArmDescription, arm_with_tool
from .arm import describe_arm
from .placement import DEEPEST, Placement, best_stand
from .postures import joint_frames, limit_margins, solve
from .reach import weight_in_commands
from .session import EVERY
from .simulation import UP

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class JobReach:
    """What the arm can do along one job, the worst of its places; NaN where the tool gets to none of them."""

    number: int
    missed: float
    """Share of its places that the tool does not get to from the stand, along the normal."""
    margin_deg: float
    """To the nearest joint limit, above the skin and on it."""
    angle_deg: float
    """Between tool and normal."""
    torque_share: float
    """Largest share of a joint's torque limit: force with its swing, and the weight that the commands carry."""
    torque_joint: str
    swing: Capability | None
    """What the arm can do of the largest swing; None: there is none."""


@dataclass(frozen=True)
class ArmPreview:
    """One arm, one stand, all jobs that press."""

    arm: str
    stand_m: Floats
    """(3,) base of the arm, world."""
    jobs: Sequence[JobReach]
    findings: Sequence[Finding]


def preview_arm(plan: RunPlan, told: SessionPreview) -> ArmPreview:
    """How the arm of `plan` does a session that was predicted; InputError where the arm is not known.

    The stand is that of a run; where none reaches every place, the one that reaches most.
    """
    described = describe_arm(plan)
    try:
        model = ArmModel.from_urdf(arm_with_tool(described, told.tool.file), TCP, base=described.base)
    except (ValueError, FileNotFoundError) as error:
        raise InputError(str(error)) from error
    jobs = [job for job in told.jobs if job.pressed]
    if not jobs:
        return ArmPreview(described.name, np.full(3, np.nan), [], [])
    ways = [job.job.way.sampled(EVERY) for job in jobs if job.job is not None and job.job.way is not None]
    points = np.array([place.position for way in ways for place in way]) + UP
    normals = np.array([place.normal for way in ways for place in way])
    placement = best_stand(model, points, normals)
    work = _Arm(model, described, told, placement)
    ends = np.cumsum([len(way) for way in ways])
    reaches = [
        work.along(
            job, placement.postures[end - len(way) : end], points[end - len(way) : end], normals[end - len(way) : end]
        )
        for job, way, end in zip(jobs, ways, ends, strict=True)
    ]
    findings = [finding for job, found in zip(jobs, reaches, strict=True) for finding in _judged(job, found, described)]
    return ArmPreview(described.name, placement.base[:3, 3], reaches, findings)


class _Arm:
    """The arm on its stand."""

    def __init__(self, model: ArmModel, described: ArmDescription, told: SessionPreview, placement: Placement) -> None:
        self._model, self._described, self._told = model, described, told
        self._base = placement.base

    def along(self, job: JobPreview, above: Floats, points: Floats, normals: Floats) -> JobReach:
        """The worst along a job, from postures (K, n) above its points (K, 3) [m, world]."""
        there = np.isfinite(above[:, 0])
        missed = 1.0 - float(there.mean())
        if not there.any():
            return JobReach(job.number, missed, math.nan, math.nan, math.nan, "", None)
        back = self._base[:3, :3]
        above, axes = above[there], -normals[there] @ back
        on_skin, _ = solve(self._model.chain, above, (points[there] - self._base[:3, 3]) @ back, axes, above)
        tools = joint_frames(self._model.chain, on_skin)[2][..., 2]
        angle = np.degrees(np.arccos(np.clip(np.sum(tools * axes, axis=1), -1.0, 1.0)))
        margin = np.degrees(limit_margins(self._model.chain, np.concatenate([above, on_skin])).min())
        shares = np.array([self._shares(q, axis, job.largest_n) for q, axis in zip(on_skin, axes, strict=True)])
        joint = int(np.argmax(shares.max(axis=0)))
        return JobReach(
            job.number, missed, float(margin), float(angle.max()), float(shares.max()),
            self._model.joint_names[joint], self._swing(job, on_skin, axes),
        )  # fmt: skip

    def _shares(self, q: Floats, axis: Floats, force: float) -> Floats:
        """(n,) of the torque limits that hold a force at posture q (n,)."""
        torque = force * (self._model.jacobian(q)[:3].T @ axis) + self._weight(q)
        return np.asarray(np.abs(torque) / self._described.torque_limits)

    def _swing(self, job: JobPreview, postures: Floats, axes: Floats) -> Capability | None:
        """The slowest along the job of how fast its largest swing can be."""
        force, swing = round(job.swing[0], 1), round(job.swing[1], 1)
        if not swing:
            return None
        arm, tissue = self._described, find_site(job.site).tissue
        found = [
            highest_rate(
                self._model, q, axis, arm.torque_limits, arm.torque_rates, tissue, force, min(swing, force),
                speed_limits=arm.velocity_limits, carried=self._weight(q),
            )
            for q, axis in zip(postures, axes, strict=True)
        ]  # fmt: skip
        return min(found, key=lambda one: one.rate_hz)

    def _weight(self, q: Floats) -> Floats:
        return weight_in_commands(self._model, self._described, self._told.tool, q)


def _judged(job: JobPreview, found: JobReach, arm: ArmDescription) -> list[Finding]:
    """Where a job exceeds the arm."""
    said = []
    if found.missed:
        share = "no place" if found.missed == 1.0 else f"not {100.0 * found.missed:.0f} % of the places"
        what = f"{arm.name} reaches {share} from the stand for all, from above to {1e3 * DEEPEST:.0f} mm below the skin"
        said.append(Finding(job.number, "reach", what))
    if found.torque_share > 1.0:
        what = (
            f"{job.largest_n:.1f} N take {100.0 * found.torque_share:.0f} % of the torque limit of {found.torque_joint}"
        )
        said.append(Finding(job.number, "torque", what))
    if found.swing is not None and (refusal := found.swing.refusal(job.swing[2], arm.name, job.site)):
        said.append(Finding(job.number, "swing", refusal))
    return said
