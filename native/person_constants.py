"""Constants of the simulated person: what pressing does to muscle, nerve and heart, with sources; SI units.

They are a published model's figures only where a source stands beside them; "assumption" means that no source was
found and that a conclusion which rests on the constant must be shown for half and twice of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from .errors import InputError

_ABOVE_ZERO = (
    "rise_time", "fall_time", "pain_rise_time", "pain_fall_time", "speed_filter", "release_time", "vagal_time",
    "arousal_time", "interval", "short_range", "medium_range", "guard_range",
)  # fmt: skip

ASSUMED = (
    "bulge", "resting_tone", "arousal_tone", "startle_tone", "startle_time", "rise_time", "fall_time",
    "threshold_area_power", "threshold_least", "pain_onset", "pain_scale", "pain_rise_time", "pain_fall_time",
    "touch_speed", "touch_time", "relaxed_reflex", "speed_filter", "short_threshold", "short_range",
    "medium_threshold", "medium_range", "guard_delay", "guard_onset", "guard_range", "guard_rise_time",
    "guard_fall_time", "dose_onset", "dose_range", "dose_limit", "dose_fade", "dose_tone", "release_time",
    "release_return", "pain_ease", "alarm_onset", "alarm_range", "alarm_vagal", "alarm_arousal", "calm_arousal",
    "vagal_fall_time", "arousal_rise_time", "vagal_gain", "arousal_gain", "swing_with_tone", "interval_noise",
)  # fmt: skip
"""The constants that no source was found for."""


@dataclass(frozen=True, kw_only=True)
class PersonConstants:
    """One person. Raises InputError for what is not a finite number from 0 up (gains and offsets included)."""

    # Tissue and muscle.
    tone_stiffening: float = 2.0
    """A fully contracted muscle is 1 + this times as stiff.

    Indentation of leg muscle doubles at half effort (Hertz fit); the shear modulus of the multifidus rises 2.8 times
    from prone to sitting with a lifted arm.
    """
    trigger_stiffening: float = 0.186
    """Roch 2020: 270 against 228 N/m, infraspinatus, n = 35."""
    bulge: float = 2.5e-3
    """m, how far a contracting muscle lifts the skin; assumption."""
    resting_tone: float = 0.02
    """1; assumption."""
    arousal_tone: float = 0.08
    """1 at full sympathetic arousal; assumption."""
    startle_tone: float = 0.6
    """1, for as long as a startle lasts; assumption."""
    startle_time: float = 0.3
    """s; assumption."""
    rise_time: float = 0.05
    """s, activation; assumption."""
    fall_time: float = 0.15
    """s, deactivation; assumption."""

    # Pain.
    threshold_area_power: float = 0.4
    """Pressure threshold falls with contact area in cm² to this power; assumption."""
    trigger_threshold_drop: float = 105e3
    """Pa less over an active trigger point (11 studies, doi 10.3390/jcm11237243)."""
    release_threshold_rise: float = 28e3
    """Pa more after release (manual therapy, ibid.)."""
    threshold_least: float = 50e3
    """Pa that no place on no person goes below, whatever is drawn; assumption."""
    pain_onset: float = 0.9
    """Share of the threshold at which it begins to hurt; assumption."""
    pain_scale: float = 0.9
    """Shares of the threshold per e-fold towards 10 on the numeric rating scale; assumption."""
    pain_rise_time: float = 0.5
    """s; assumption."""
    pain_fall_time: float = 3.0
    """s; assumption."""

    # Guarding and reflexes.
    touch_pressure: float = 1.25e3
    """Pa that count as massage: it damps the H-reflex (PubMed 1589464, light pressure)."""
    touch_speed: float = 0.030
    """m/s, faster indentation does not damp it; assumption."""
    touch_time: float = 1.0
    """s; assumption."""
    reflex_damping: float = 0.6
    """Share of the reflex lost during massage (-57 to -71 %, PubMed 18787257, 1929811)."""
    relaxed_reflex: float = 0.2
    """Share of the reflex left in a fully relaxed muscle (PubMed 7260626: none); the number is an assumption."""
    speed_filter: float = 0.005
    """s; assumption."""
    short_delay: float = 0.019
    """s, short-latency response to indentation of the erector spinae (Zedka et al., J Physiol 1999;520:591)."""
    short_threshold: float = 5.0
    """m/s²; assumption."""
    short_range: float = 20.0
    """m/s² from threshold to full response; assumption. The short response follows acceleration (van 't Veld)."""
    medium_delay: float = 0.045
    """s (Zedka et al. 1999)."""
    medium_threshold: float = 0.050
    """m/s; assumption."""
    medium_range: float = 0.150
    """m/s; assumption."""
    guard_delay: float = 0.12
    """s, voluntary-like response to pain; assumption."""
    guard_onset: float = 3.0
    """Pain (0-10) at which guarding begins; assumption."""
    guard_range: float = 5.0
    """Pain from onset to full guarding; assumption."""
    guard_rise_time: float = 0.15
    """s; assumption."""
    guard_fall_time: float = 2.5
    """s; assumption."""

    # Release and softening of the place that is pressed.
    dose_onset: float = 0.5
    """Share of the threshold at which pressing begins to release; assumption."""
    dose_range: float = 0.3
    """From onset to full effect; assumption."""
    dose_limit: float = 1.3
    """Share of the threshold beyond which release fades; assumption."""
    dose_fade: float = 0.3
    """assumption."""
    dose_tone: float = 0.25
    """A muscle more active than this does not release; assumption."""
    release_time: float = 45.0
    """s of ideal dose per e-fold; assumption: 0.86 after 90 s (90 s beat 30 s, J Clin Physiother Res 2019)."""
    release_return: float = 3600.0
    """s; assumption."""
    softening: float = 0.06
    """1, share of stiffness lost to long pressing (-5.2 % after 7 min, PubMed 25487283)."""
    softening_time: float = 120.0
    """s (ibid.)."""
    softening_return: float = 70.0
    """s (ibid.: gone after 3 min)."""

    # Heart.
    calming_pressure: float = 2.5e3
    """Pa, less is light stroking (PubMed 1589464)."""
    pain_ease: float = 3.0
    """Pain (0-10) at which pressing no longer calms; assumption."""
    alarm_onset: float = 2.0
    """Pain at which it alarms; assumption."""
    alarm_range: float = 8.0
    """assumption."""
    alarm_vagal: float = 1.5
    """Vagal withdrawal per alarm; assumption."""
    alarm_arousal: float = 1.5
    """Sympathetic drive per alarm; assumption."""
    calm_arousal: float = 0.5
    """Sympathetic relief while pressing calms; assumption."""
    vagal_rise_time: float = 150.0
    """s (Int J Neurosci 2009;119:630: high-frequency power peaks within the first 7 of 15 min)."""
    vagal_fall_time: float = 15.0
    """s; assumption."""
    arousal_rise_time: float = 5.0
    """s; assumption."""
    arousal_fall_time: float = 30.0
    """s, covers the washout of noradrenaline of 9 s (Mokrane and Nadeau 1998)."""
    vagal_gain: float = 0.045
    """s of beat interval at full vagal tone: -5 beats/min; 0 in one who does not respond; assumption."""
    vagal_delay: float = 0.2
    """s (Ursino and Magosso's parameters)."""
    vagal_time: float = 1.5
    """s (ibid.)."""
    arousal_gain: float = 0.055
    """s of beat interval at full arousal; assumption."""
    arousal_delay: float = 2.0
    """s (Ursino and Magosso's parameters; Mokrane and Nadeau 1998: 1 to 3 s)."""
    arousal_time: float = 12.0
    """s (10 to 20 s in older data; Mokrane and Nadeau 1998)."""
    interval: float = 0.90
    """s between beats at rest (Nunan 2010: 926 ms)."""
    breathing_swing: float = 0.043
    """s, amplitude of the beat interval with breathing; gives an RMSSD of 38 ms (Nunan 2010: mean 42 ms).

    A beat falls when the integral of 1/RR is full, so it sees the mean of the swing over itself: sin(x)/x of it, with
    x = pi 0.25 Hz 0.9 s, which is 92 %.
    """
    swing_with_tone: float = 0.25
    """How much that swing grows with vagal tone; assumption."""
    interval_noise: float = 0.008
    """s, standard deviation from beat to beat; assumption."""

    def __post_init__(self) -> None:
        """Refuse what is no amount."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not math.isfinite(value) or value < 0.0:
                raise InputError(f"person: {field.name} = {value!r} is not allowed; a finite number from 0 up is")
        for name in _ABOVE_ZERO:
            if getattr(self, name) == 0.0:
                raise InputError(f"person: {name} = 0 is not allowed; more than 0 is")
