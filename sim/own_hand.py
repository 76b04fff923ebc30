"""A person's own hand on their own back: how far it reaches, how hard it presses, how it tires and what it braces."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ..control.atlas import load_atlas
from ..native import InputError

Floats = NDArray[np.float64]

ASSUMED = (
    "over_shoulder_level", "behind_back_level", "level_spread", "reach_margin", "weakest_share", "behind_back_strength",
    "most_effort", "effort_tone", "overexertion", "drift", "drift_time", "tremor", "tremor_hz", "neck_tone",
    "shoulder_tone", "blade_tone", "hip_tone",
)  # fmt: skip
"""The constants that no source was found for."""


@dataclass(frozen=True, kw_only=True)
class OwnHand:
    """Constants of pressing oneself. Raises InputError for what is not a finite number above 0."""

    # Reach, as levels of the spine on the template body: x of `atlas.yaml`, m.
    over_shoulder_level: float = 0.560
    """m, fingers over the opposite shoulder reach down to T4; assumption."""
    behind_back_level: float = 0.520
    """m, the thumb behind the back reaches up to T6 (Wakabayashi 2006); where that lies on the template: assumption."""
    level_spread: float = 0.045
    """m, standard deviation between people, two vertebrae; assumption."""
    reach_margin: float = 0.150
    """m inside of what can just be reached, where the hand has all its strength; assumption."""
    weakest_share: float = 0.25
    """Share of its strength that a hand has where it just reaches; assumption."""

    # Strength, in shares of the thumb's largest force in front of the body.
    over_shoulder_strength: float = 0.50
    """Fingertips pull 59.5 N (DiDomenico and Nussbaum 2003), thumbs press 118 N (doi 10.3390/app10010194)."""
    behind_back_strength: float = 0.50
    """assumption."""

    # Fatigue: three-compartment model with rest recovery (Looft and Frey-Law 2018; Rakshit 2021), group "hand".
    fatigue: float = 0.01227
    """1/s."""
    recovery: float = 0.00134
    """1/s."""
    rest_factor: float = 9.1
    """Recovery at rest is faster by this."""
    most_effort: float = 0.6
    """Share of what the hand has left that one spends on oneself; assumption."""

    # Accuracy of the force.
    overexertion: float = 0.15
    """People press more than they mean at 10-30 % of their strength (doi 10.3390/app10010194); how much: assumption."""
    drift: float = 0.10
    """Share of the force, standard deviation of its slow wandering; assumption."""
    drift_time: float = 5.0
    """s over which it wanders; assumption."""
    tremor: float = 0.02
    """Share of the force, standard deviation; assumption."""
    tremor_hz: float = 9.0
    """Physiological tremor lies at 8 to 12 Hz; assumption: one line."""

    # What holding that posture puts on the muscle that is pressed (tone, 0..1), before any force.
    effort_tone: float = 0.30
    """More of it at full effort: the shoulder girdle braces; assumption."""
    neck_tone: float = 0.178
    """Trapezius with the head bent by 50 deg, +35.6 % (doi 10.1155/2019/6048562); the same for the neck: assumption."""
    shoulder_tone: float = 0.138
    """Half of the +55.2 % of lifting the same arm by 30 deg (PMC3692441), as the other arm lifts; assumption."""
    blade_tone: float = 0.276
    """All of these +55.2 %: the arm across or behind pulls at the shoulder blade; assumption."""
    sitting_tone: float = 0.345
    """Multifidus, 16.15 kPa prone to 27.28 kPa sitting (bioportfolio 2340489; PMC8597558 alike)."""
    hip_tone: float = 0.10
    """Lying on one side; assumption."""

    def __post_init__(self) -> None:
        """Refuse what is no amount."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0.0 < value < np.inf:
                raise InputError(f"own hand: {field.name} = {value!r} is not allowed; a finite number above 0 is")


_STEP = 0.05  # s; muscles develop force within 0.1 s
_POSTURE = {
    "posterior_neck": "neck_tone", "levator": "shoulder_tone", "upper_trapezius": "shoulder_tone",
    "interscapular": "blade_tone", "infraspinatus": "shoulder_tone", "thoracic_erector": "sitting_tone",
    "lumbar_erector": "sitting_tone", "quadratus_lumborum": "sitting_tone", "gluteal": "hip_tone",
}  # fmt: skip


@dataclass(frozen=True)
class Reach:
    """How a hand gets to a site."""

    strength: float
    """Share of the thumb's largest force; 0 where it does not reach."""
    posture_tone: float
    """What the posture puts on the pressed muscle."""


def reaches(hand: OwnHand, rng: np.random.Generator) -> dict[str, Reach]:
    """Site -> reach, for one person whose mobility is drawn from `rng`; the better of two ways counts."""
    over = hand.over_shoulder_level + hand.level_spread * rng.standard_normal()
    behind = hand.behind_back_level + hand.level_spread * rng.standard_normal()
    found = {}
    for name, site in load_atlas().sites.items():
        level = float(site.at[0])
        strength = max(
            hand.over_shoulder_strength * _share(hand, level - over),
            hand.behind_back_strength * _share(hand, behind - level),
        )
        found[name] = Reach(strength, getattr(hand, _POSTURE[name.rsplit("_", 1)[0]]))
    return found


def _share(hand: OwnHand, inside: float) -> float:
    """Share of strength `inside` [m] the hand's reach."""
    if inside < 0.0:
        return 0.0
    return min(1.0, hand.weakest_share + (1.0 - hand.weakest_share) * inside / hand.reach_margin)


@dataclass
class Muscles:
    """The muscles of one hand: shares active and fatigued; the rest of them is rested."""

    active: float = 0.0
    tired: float = 0.0

    def step(self, hand: OwnHand, wanted: float, dt: float) -> float:
        """Share of the full force that comes when `wanted` (0..1) is asked for dt s. Xia and Frey-Law 2008, eq. 1-8."""
        quickly = 10.0  # 1/s, development and relaxation (ibid.)
        rested = 1.0 - self.active - self.tired
        if self.active < wanted:
            drive = quickly * min(wanted - self.active, rested)
        else:
            drive = quickly * (wanted - self.active)
        recovery = hand.recovery * (hand.rest_factor if wanted == 0.0 else 1.0)
        change = hand.fatigue * self.active - recovery * self.tired
        self.active += (drive - hand.fatigue * self.active) * dt
        self.tired += change * dt
        return min(wanted, self.active)

    def rest(self, hand: OwnHand, seconds: float) -> None:
        """Do nothing for so long; what is still active is let go of at once."""
        self.active = 0.0
        self.tired *= math.exp(-hand.recovery * hand.rest_factor * seconds)


def press_oneself(
    hand: OwnHand, muscles: Muscles, wanted: Floats, most: float, period: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Force [N] and effort (0..1), both (N,), of a hand that means to press `wanted` (N,) [N] at every period [s].

    `most` [N] is what the rested hand can do there. It spends at most `most_effort` of what it has left.
    """
    every = max(1, round(_STEP / period))
    count = -(-len(wanted) // every)
    meant = wanted[::every] * (1.0 + hand.overexertion)
    force, effort = np.empty(count), np.empty(count)
    for k in range(count):
        left = 1.0 - muscles.tired
        asked = min(meant[k] / most, hand.most_effort * left)
        force[k] = most * muscles.step(hand, asked, every * period)
        effort[k] = asked / left
    at = np.arange(len(wanted)) / every
    steady = np.interp(at, np.arange(count), force)
    wander = _wander(hand, count, every * period, rng)
    time = period * np.arange(len(wanted))
    shake = np.sqrt(2.0) * hand.tremor * np.sin(2.0 * np.pi * (hand.tremor_hz * time + rng.random()))
    shaken: Floats = np.maximum(0.0, steady * (1.0 + np.interp(at, np.arange(count), wander) + shake))
    return shaken, np.interp(at, np.arange(count), effort)


def _wander(hand: OwnHand, count: int, dt: float, rng: np.random.Generator) -> Floats:
    """A slow random walk that returns to 0 (Ornstein-Uhlenbeck): (count,), standard deviation `drift`."""
    keep = np.exp(-dt / hand.drift_time)
    noise = hand.drift * np.sqrt(1.0 - keep * keep) * rng.standard_normal(count)
    out = np.empty(count)
    value = hand.drift * rng.standard_normal()
    for k in range(count):
        value = keep * value + noise[k]
        out[k] = value
    return out
