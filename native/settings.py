"""Gains and limits of the controller, in physical units, checked once here so that the step can be total."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from .errors import InputError

_ABOVE_ZERO = (
    "period", "release_rate", "wrench_margin", "approach_time_max", "loss_width", "retract_distance",
    "retract_speed", "touch_force", "lost_force", "sensor_timeout", "drop_rate", "fade_width",
    "stop_torque_rate", "flight_lead", "tank_max", "swing_recovery", "push_out_speed", "tank_high",
    "brake_time", "observer_bandwidth", "wave_memory", "wave_softest", "wave_stiffening", "mobility_eps_linear",
    "mobility_eps_angular",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class GuardLimits:
    """What the guard stands for (`guard.pxd`). Sources: docs/safety.md A.9 (proposal); the rest are our own choices.

    Raises InputError when a value is not a finite number above 0.
    """

    force_hard: float = 80.0
    """N measured, at once; the site lowers it."""
    force_cap: float = 66.0
    """N, for longer than `cap_time`; the site and tool lower it."""
    cap_time: float = 0.005
    """s."""
    above_force: float = 8.0
    """N above what is asked, while pressing, counts as above the cap, too."""
    above_share: float = 0.25
    """1, that much more for every newton of the reference."""
    jump_force: float = 15.0
    """N within about `jump_time` (A.9)."""
    jump_time: float = 0.02
    """s."""
    frozen_time: float = 0.008
    """s, by the sensor's own time, of a reading that is the same to the last bit."""
    disagree_force: float = 8.0
    """N between the sensor and the joints."""
    disagree_time: float = 0.05
    """s."""
    collision_torque: float = 5.0
    """Nm on a joint that no force at the tool explains."""
    collision_time: float = 0.02
    """s."""
    free_force: float = 8.0
    """N on the tool when nothing is to be touched, for `collision_time`."""
    speed_max: float = 0.30
    """m/s of the TCP."""
    joint_speed_max: float = 1.5
    """rad/s, of each joint; four times as much in one cycle is no motion of an arm."""
    speed_error: float = 0.5
    """rad/s, between what a joint's position and what its velocity say, within about 10 ms."""
    power_max: float = 5.0
    """W into the body: 60 N at 80 mm/s."""
    depth_max: float = 0.05
    """m since the touch."""
    reach: float = 0.30
    """m of the TCP from where the work is."""
    clock_jump: float = 0.01
    """s between the loop's step and that of the arm's clock."""
    swing_force: float = 2.0
    """N, mean size of the swing of the force about its mean, in hold."""
    swing_rate: float = 0.05
    """1, that much more for every newton of the reference."""
    swing_lasts: float = 0.4
    """s of it: a start is over before."""
    error_force: float = 4.0
    """N, mean error of the force in hold."""
    error_share: float = 0.1
    """1, that much more for every newton of the reference."""
    error_time: float = 1.0
    """s of it."""
    unload_force: float = 5.0
    """N into the body that may still be commanded `unload_time` after a stop."""
    unload_time: float = 0.25
    """s."""

    def __post_init__(self) -> None:
        """Refuse what is not a limit."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value > 0.0):
                raise InputError(f"guard limit {field.name} = {value!r}: a finite number above 0 is allowed")


@dataclass(frozen=True, kw_only=True)
class ControllerSettings:
    """What does not change while the arm is active. Sources: `docs/control.md`; the rest are our own choices.

    Raises InputError when a value is not finite, negative, or 0 where the force could then not be let out.
    """

    period: float = 0.001
    """s, nominal control period; steps shorter than half of it or longer than four times are clamped."""
    damping_ratio: float = 0.8
    normal_damping: float = 250.0
    """Ns/m on top of the fitted damping, along the press direction while in contact."""
    force_kp: float = 2.0
    force_ki: float = 40.0
    """1/s."""
    swing_time: float = 0.08
    """s, the longest half-wave of the force that counts as a swing (6 Hz and faster)."""
    swing_force: float = 1.0
    """N, the least height of a swing."""
    swing_share: float = 0.5
    """1, what each swing leaves of the PI's gain, from the second in a row on."""
    swing_gain: float = 0.1
    """1, the least gain."""
    swing_recovery: float = 3.0
    """s in which the gain comes back."""
    force_feedback_max: float = 25.0
    """N, clamp of the PI part; a lost sensor costs at most this."""
    force_max: float = 70.0
    """N, the most that a set-point may ask for: the largest soft cap of sites.yaml; the site and tool lower it."""
    force_rate_max: float = 60.0
    """N/s."""
    force_filter: float = 0.004
    """s, time constant of the first-order filter on the measured force (40 Hz)."""
    wave_rate_max: float = 8.0
    """Hz, of a force that swings: beyond, joints and delays leave little of it (docs/control.md, Waves)."""
    wave_slope_max: float = 500.0
    """N/s, its steepest: the guard calls 15 N within 20 ms a jump."""
    wave_growth: float = 25.0
    """N/s at which a swing grows and fades."""
    wave_rate_growth: float = 2.0
    """Hz/s at which the rate of a swing changes."""
    wave_memory: float = 0.5
    """s over which the tissue's stiffness is told from asked force, force and place."""
    wave_moving: float = 3.0
    """N/s, the least change of the asked force that tells anything of it."""
    wave_spread: float = 1.0
    """N², the least variance of the asked force, the same."""
    wave_softest: float = 300.0
    """N/m that is believed of tissue: B.1, the softest at rest."""
    wave_stiffest: float = 40000.0
    """N/m, the same: ISO/TS 15066 A.3 has 35 N/mm for a back."""
    wave_stiffening: float = 5.0
    """N, k0/beta of the tissue law: the force at which its stiffness has doubled (D.1: 4 to 6 N)."""
    wave_speed_max: float = 0.12
    """m/s, the most that is foreseen of the tool's speed into the body."""
    wave_smoothing: float = 0.03
    """s over which the rate of the steady force is smoothed for that."""
    wave_acceleration_max: float = 4.0
    """m/s², the same of its acceleration."""
    wave_ahead: float = 0.005
    """s that a command takes to act: torque loop and one cycle."""
    wave_delay: float = 0.006
    """s that the measured force is late: filter and sensor."""
    wave_learning: float = 3.0
    """1/s, how fast the harmonics adapt."""
    wave_learnt_max: float = 10.0
    """N of each."""
    wave_learnt_rate_max: float = 10.0
    """Hz, of the harmonics that are learnt."""
    wave_lead: float = 0.2
    """rad per Hz that the force lags its command in the closed loop."""
    wave_lead_max: float = 1.9
    """rad, the most of it."""
    release_rate: float = 450.0
    """N/s when letting go for a cause of level RELEASE: 60 N in 0.13 s."""
    drop_rate: float = 3000.0
    """N/s for a cause of level DROP; what the joints' torque rates allow is less."""
    inward_margin: float = 8.0
    """N by which the total force along the press direction may exceed what is asked and corrected."""
    fade_speed: float = 0.06
    """m/s into the body, from where the pressing force fades: nothing that holds against 1 N moves so fast."""
    fade_width: float = 0.06
    """m/s over which it fades to nothing."""
    release_damping: float = 60.0
    """Ns/m in place of normal_damping while letting go: too much of it would hold the force in."""
    stiffness_max: float = 1500.0
    """N/m."""
    stiffness_normal_max: float = 300.0
    """N/m along the press direction in contact: more of it would hold against breath and starts."""
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
    flight_speed: float = 0.7
    """m/s, the most at which the tool keeps away from whoever comes after it, after a stop."""
    flight_lead: float = 1.2
    """1, how much faster than it is pushed the tool flees."""
    stop_torque_rate: float = 3.0
    """1, how much faster than else torques may change once a cause lets go (libfranka's limiter: 1000 Nm/s)."""
    yield_after: float = 0.006
    """m that the tool may be pushed outwards after a stop before its reference follows: 4.8 N on 800 N/m."""
    yield_force: float = 4.0
    """N, the most that then holds against whoever pushes; below `unload_force` of the guard."""
    sensor_timeout: float = 0.008
    """s."""
    free_force_max: float = 3.0
    """N along the press direction; with more on the tool, no press begins."""
    jump_position: float = 0.03
    """m across, between a set-point and what is governed now, while pressing."""
    jump_angle: float = 0.35
    """rad, the same of press direction and attitude, at any time: the way out lies along them."""
    push_out_force: float = 20.0
    """N outwards when compliant or withdrawing after a stop, while the sensor still feels more than push_out_until."""
    push_out_speed: float = 1.2
    """m/s outwards, at which nothing is left of it."""
    push_out_until: float = 2.0
    """N."""
    push_out_time: float = 1.0
    """s of it in all: a sensor that is wrong must not drive the arm away."""
    brake_time: float = 0.1
    """s in which a limp arm comes to rest while nobody is felt."""
    brake_max: float = 2.0
    """Nm or N of each joint for that: less than what hurts whoever pushes a link away."""
    tank_begin: float = 1.0
    """J at the touch: about F²/2k of 50 N on 1.5 N/mm."""
    tank_max: float = 4.0
    """J."""
    tank_low: float = 0.25
    """J, at which force, motion and rising stiffness are gated to nothing: what torques that may only change at their
    rate still give before they have come down is kept in reserve."""
    tank_high: float = 0.7
    """J, from which nothing is gated."""
    tank_refill: float = 1.0
    """W given back for friction and tissue, which eat what a steady press needs."""
    observer_bandwidth: float = 30.0
    """1/s."""
    observer_weakest: float = 1e-3
    """1, conditioning below which the joints cannot tell a force (det / trace³ of J W J^T)."""
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
