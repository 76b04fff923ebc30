"""How fast an arm can swing the force that it presses with, and what binds: statics, inertia and tissue, no simulation.

The force F + A sin(2 pi f t) presses the tool into tissue that gives way by a = half the travel between F - A and
F + A, so that the tool moves by a sin(2 pi f t) and the mass m = 1/(n' J M^-1 J' n) that it carries along takes
m (2 pi f)² a besides. Below the resonance of arm and tissue that force helps, above it hinders; here it always adds to
A, because damping and relaxation turn its phase and stiffness differs between people (assumption, on the safe side).
The joints give the sum S = A + m (2 pi f)² a by J' n. Nothing is expected of force feedback: it is clamped and late.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from ..native import ArmModel, ControllerSettings, InputError
from .limits import general_limits
from .sites import TissueConstants

Floats = NDArray[np.float64]

SPEED_ALONG = ControllerSettings().wave_speed_max  # m/s of the tool along the normal, the most that is foreseen
_DEEP_MM = 200.0  # deeper than any tissue


@dataclass(frozen=True)
class Capability:
    """The largest rate at which an arm can swing a force, and why not faster."""

    rate_hz: float
    """0: not at any rate."""
    reason: str
    """What binds, such as `torque rate of lbr_iiwa_joint_2`."""
    force_n: float
    swing_n: float
    motion_m: float
    """How far the tool goes to either side."""
    mass_kg: float
    """What it carries along."""

    def refusal(self, rate_hz: float, arm: str, site: str) -> str | None:
        """Why a rate is too high, in words for a person; None when the arm can do it."""
        if rate_hz <= self.rate_hz:
            return None
        asked = f"{rate_hz:g} Hz at {self.force_n:g} ± {self.swing_n:g} N is beyond {arm} at {site}"
        # Rounded down: whoever asks for what is shown is not refused.
        holds = f"{math.floor(10.0 * self.rate_hz) / 10.0:g} Hz holds" if self.rate_hz >= 0.1 else "no rate holds"
        return f"{asked}; {holds} ({self.reason})"


def highest_rate(
    model: ArmModel,
    q: Floats,
    direction: Floats,
    torque_limits: Floats,
    torque_rates: Floats,
    tissue: TissueConstants,
    force_n: float,
    swing_n: float,
    *,
    speed_limits: Floats | None = None,
    carried: Floats | None = None,
) -> Capability:
    """The largest rate of a swing by ± `swing_n` about `force_n` along unit `direction` (3,) [base] at posture q (n,).

    `torque_limits` [Nm], `torque_rates` [Nm/s], `speed_limits` [rad/s, none: only the guard's] and `carried` (the
    weight in the commands, Nm) are (n,). Raises InputError unless 0 < swing_n <= force_n.
    """
    if not 0.0 < swing_n <= force_n < math.inf:
        raise InputError(
            f"swing_n: ±{swing_n:g} N about {force_n:g} N is not allowed; more than 0 and at most the force is, "
            "or the tool leaves the skin"
        )
    lever = np.asarray(model.jacobian(q)[:3].T @ direction)
    response = np.linalg.solve(model.mass_matrix(q), lever)  # joint accelerations for a force of 1 N at the tool
    mass = 1.0 / max(1e-9, float(lever @ response))
    motion = 5e-4 * (depth_mm(tissue, force_n + swing_n) - depth_mm(tissue, force_n - swing_n))
    general = {name: limit.value for name, limit in general_limits().items()}
    speeds = np.full(model.n, general["joint_speed"])
    if speed_limits is not None:
        speeds = np.minimum(speeds, speed_limits)
    hold = np.abs(lever * force_n + (0.0 if carried is None else carried))
    left, pull = torque_limits - hold, np.abs(lever)
    bounds: list[tuple[float, str]] = [
        (SPEED_ALONG / motion, f"speed of the tool, {SPEED_ALONG:g} m/s"),
        (general["power"] / (motion * _peak_power(force_n, swing_n)), f"power into the body, {general['power']:g} W"),
    ]
    for i, name in enumerate(model.joint_names):
        if pull[i] < 1e-6:
            continue
        inertia = mass * motion * pull[i]  # Nm s²
        spare = left[i] - pull[i] * swing_n
        torque = math.sqrt(spare / inertia) if spare > 0.0 else 0.0
        bounds.append((torque, f"torque of {name}"))
        bounds.append((_cubic(inertia, pull[i] * swing_n, float(torque_rates[i])), f"torque rate of {name}"))
        bounds.append((speeds[i] / max(1e-12, mass * motion * abs(response[i])), f"speed of {name}"))
    rate, reason = min(bounds)
    return Capability(float(rate) / (2.0 * math.pi), reason, force_n, swing_n, motion, mass)


def depth_mm(tissue: TissueConstants, force_n: float) -> float:
    """How deep [mm] a slow press of `force_n` goes in: the tissue law, the other way round."""
    return float(brentq(lambda depth: _force(tissue, depth) - force_n, 0.0, _DEEP_MM))


def _force(tissue: TissueConstants, depth: float) -> float:
    soft = tissue.k0_n_mm / tissue.beta_per_mm * math.expm1(tissue.beta_per_mm * depth)
    return soft + tissue.bone_n_mm15 * math.pow(max(0.0, depth - tissue.bone_depth_mm), 1.5)


def _peak_power(force: float, swing: float) -> float:
    """N, the largest of (F + A sin) cos: force times speed, per speed amplitude."""
    sine = (math.sqrt(force * force + 8.0 * swing * swing) - force) / (4.0 * swing)
    return (force + swing * sine) * math.sqrt(1.0 - sine * sine)


def _cubic(third: float, first: float, most: float) -> float:
    """The one x > 0 with third x³ + first x = most; all three are above 0 (the hyperbolic form of Cardano's)."""
    ratio = first / third
    return 2.0 * math.sqrt(ratio / 3.0) * math.sinh(math.asinh(1.5 * most / first * math.sqrt(3.0 / ratio)) / 3.0)
