"""Gains and limits of the controller, in physical units, checked once here so that the step can be total."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from .errors import InputError

_ABOVE_ZERO = (
    "period", "force_hard", "release_rate", "wrench_margin", "approach_time_max", "loss_width", "retract_distance",
    "retract_speed", "touch_force", "lost_force", "sensor_timeout", "mobility_eps_linear", "mobility_eps_angular",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ControllerSettings:
    """What does not change while the arm is active. Sources: `docs/control.md`; the rest are our own choices.

    Raises InputError when a value is not finite, negative, or 0 where the force could then not be let out.
    """

    period: float = 0.001
    """s, nominal control period; steps shorter than half or longer than twice of it are clamped."""
    damping_ratio: float = 0.8
    normal_damping: float = 250.0
    """Ns/m on top of the fitted damping, along the press direction while in contact."""
    force_kp: float = 2.0
    force_ki: float = 40.0
    """1/s."""
    force_feedback_max: float = 25.0
    """N, clamp of the PI part; a lost sensor costs at most this."""
    force_max: float = 60.0
    """N, the most that a set-point may ask for; the site and tool lower it."""
    force_hard: float = 80.0
    """N measured: let go at once."""
    force_rate_max: float = 60.0
    """N/s."""
    force_filter: float = 0.004
    """s, time constant of the first-order filter on the measured force (40 Hz)."""
    release_rate: float = 150.0
    """N/s when letting go for a cause."""
    stiffness_max: float = 1500.0
    """N/m."""
    stiffness_rotational_max: float = 60.0
    """Nm/rad."""
    stiffness_rate: float = 500.0
    """N/m/s upwards; downwards at once."""
    position_clip: float = 0.025
    """m, so that stiffness times clip bounds the spring force."""
    rotation_clip: float = 0.3
    """rad."""
    wrench_margin: float = 30.0
    """N that the total force may exceed the force reference by."""
    moment_max: float = 15.0
    """Nm."""
    speed_max: float = 0.15
    """m/s, slew of the pose set-point."""
    turn_rate_max: float = 0.5
    """rad/s, slew of attitude and press direction."""
    approach_speed_max: float = 0.05
    """m/s."""
    approach_speed_min: float = 0.004
    """m/s, what is left of the approach speed when the touch force is nearly reached."""
    approach_lead: float = 0.012
    """m, how far the reference may run ahead of the arm while it searches the surface."""
    sag_force_max: float = 8.0
    """N, of weight that nobody compensates, seen at rest, that the reference leads by besides."""
    touch_force: float = 3.0
    """N."""
    touch_time: float = 0.005
    """s above the touch force."""
    settle_time: float = 0.15
    """s at the touch force before the ramp."""
    lost_force: float = 1.0
    """N, or 0.3 of the reference if that is less."""
    lost_time: float = 0.05
    """s below the lost force."""
    search_depth: float = 0.04
    """m beyond the expected surface, then the search ends."""
    approach_time_max: float = 20.0
    """s of searching, then the surface counts as not found."""
    leak_rate: float = 0.02
    """m/s, how fast the normal reference follows the arm in contact."""
    loss_free: float = 0.006
    """m that the arm may run ahead of its normal reference at full force."""
    loss_width: float = 0.015
    """m over which the force then fades to nothing (Schindlbeck and Haddadin 2015, cosine)."""
    retract_distance: float = 0.06
    """m."""
    retract_speed: float = 0.08
    """m/s."""
    sensor_timeout: float = 0.02
    """s."""
    posture_stiffness: float = 10.0
    """Nm/rad."""
    posture_damping: float = 2.0
    """Nms/rad."""
    posture_max: float = 8.0
    """Nm per joint."""
    wall_width: float = 0.15
    """rad before a joint limit."""
    wall_stiffness: float = 120.0
    """Nm/rad."""
    wall_damping: float = 6.0
    """Nms/rad."""
    wall_max: float = 25.0
    """Nm."""
    mobility_eps_linear: float = 1e-3
    """1/kg added to J M^-1 J^T: no direction feels heavier than 1000 kg."""
    mobility_eps_angular: float = 2e-2
    """1/(kg m²)."""

    def __post_init__(self) -> None:
        """Refuse what is not a finite number of the right sign."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not math.isfinite(value) or value < 0.0:
                raise InputError(f"controller setting {field.name} = {value!r}: a finite number from 0 up is allowed")
        for name in _ABOVE_ZERO:
            if getattr(self, name) == 0.0:
                raise InputError(f"controller setting {name} = 0: a finite number above 0 is allowed")
