"""People to press: a body and everything else that differs between them, drawn from stated distributions.

A person is named by a body (`man_41_average`, or a file of `massage-arm scan`: it, with typical constants) or as
SEED/NUMBER, one of the population that is drawn from the seed; the number counts from 0, and nobody depends on how many
are drawn.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from ..control.body import BODY_FILE, TEMPLATE, body_names, builds
from ..control.sites import REGIONS, SIDES
from ..native import InputError, PersonConstants

SITES = tuple(f"{region}_{side}" for region in REGIONS for side in SIDES)

# Spread between people. CV is the standard deviation over the mean; what varies by a factor is log-normal.
_K0_CV = 0.19  # Myoton stiffness at L3-L4 and infraspinatus, PubMed 27210858, Roch 2020: 18-20 %
_K0_PLACE_CV = 0.10  # between places of one person; sides differ by 10-14 % (7 muscles, n = 26)
_K0_SEX = {"female": 0.91, "male": 1.09, "both": 1.0}  # PubMed 27210858
_THRESHOLD_CV = 0.35  # PPT between people 30-45 %
_THRESHOLD_PLACE_CV = 0.10  # between places of one person; assumption
_THRESHOLD_SEX = {"female": 0.83, "male": 1.17, "both": 1.0}  # women lower (pressure maps, 11 + 11); factor: assumption
_BONE_DEPTH_CV = 0.125  # 25 % taken as two standard deviations; assumption
_TRIGGER = {  # share of people with an active trigger point there, per side; assumption
    "posterior_neck": 0.10, "levator": 0.25, "upper_trapezius": 0.35, "interscapular": 0.20, "infraspinatus": 0.20,
    "thoracic_erector": 0.05, "lumbar_erector": 0.15, "quadratus_lumborum": 0.15, "gluteal": 0.15,
}  # fmt: skip
_NO_RESPONSE = 0.2  # share whose heart does not respond to massage; assumption (a null result: 40 min, n = 21)
_THUMB_N = {"female": 100.6, "male": 136.7, "both": 118.6}  # largest thumb force, n = 31
_THUMB_CV = 0.20  # assumption
_SPREAD = {  # constant of the person: CV
    "interval": 0.10,  # Nunan 2010: 926 ± 90 ms
    "breathing_swing": 0.35,  # gives RMSSD of 19 to 75 ms (Nunan 2010)
    "vagal_gain": 0.40,  # from none to twice the mean in reports; assumption
    "arousal_gain": 0.40,  # assumption
    "guard_onset": 0.25,  # assumption
    "release_time": 0.30,  # assumption
    "release_threshold_rise": 0.33,  # 10.8 to 46 kPa (doi 10.3390/jcm11237243), taken as two standard deviations
    "trigger_threshold_drop": 0.21,  # 61 to 149 kPa (ibid.), the same
    "resting_tone": 0.5,  # assumption
}


@dataclass(frozen=True)
class Recipient:
    """One person: a body and their own constants; factors multiply the values of `sites.yaml`."""

    name: str
    body: str
    stiffness: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(SITES, 1.0))
    """Site -> factor of k0."""
    threshold: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(SITES, 1.0))
    """Site -> factor of the pressure-pain threshold."""
    trigger: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(SITES, 0.0))
    """Site -> 1 where there is an active trigger point."""
    bone_depth: float = 1.0
    """Factor of the depth of the bone."""
    thumb_force_n: float = _THUMB_N["both"]
    """The most that their own thumb can press."""
    constants: PersonConstants = field(default_factory=PersonConstants)

    def record(self) -> dict[str, Any]:
        """All that is particular to them, for JSON."""
        usual = PersonConstants()
        build = builds().get(self.body)
        own = {f.name: getattr(self.constants, f.name) for f in fields(usual)}
        return {
            "name": self.name,
            "body": self.body,
            **(asdict(build) if build else {}),
            "stiffness": dict(self.stiffness),
            "threshold": dict(self.threshold),
            "trigger_points": [site for site, there in self.trigger.items() if there > 0.0],
            "bone_depth": self.bone_depth,
            "thumb_force_n": self.thumb_force_n,
            "constants": {name: value for name, value in own.items() if value != getattr(usual, name)},
        }


def find_person(name: str) -> Recipient:
    """The person called `name`; InputError when there is none."""
    if name in body_names() or name.endswith(BODY_FILE):
        return Recipient(name, name)
    drawn = re.fullmatch(r"(\d{1,9})/(\d{1,9})", name)
    if drawn:
        return draw_person(int(drawn[1]), int(drawn[2]))
    close = difflib.get_close_matches(name, body_names(), n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    known = ", ".join(body_names())
    raise InputError(
        f"person: {name!r} is not known; SEED/NUMBER such as 1/17, a file of `massage-arm scan` such as back.npz, "
        f"or one of {known} is allowed{hint}"
    )


def draw_person(seed: int, number: int) -> Recipient:
    """Number `number` of the population drawn from `seed`; always the same."""
    rng = np.random.default_rng([seed, number])
    bodies = [name for name in body_names() if name != TEMPLATE]
    body = bodies[int(rng.integers(len(bodies)))]
    sex = builds()[body].sex
    stiffness = _K0_SEX[sex] * _factor(rng, _K0_CV)
    threshold = _THRESHOLD_SEX[sex] * _factor(rng, _THRESHOLD_CV)
    own = {name: getattr(PersonConstants(), name) * _factor(rng, cv) for name, cv in _SPREAD.items()}
    if rng.random() < _NO_RESPONSE:
        own |= {"vagal_gain": 0.0, "arousal_gain": 0.0, "swing_with_tone": 0.0}
    return Recipient(
        name=f"{seed}/{number}",
        body=body,
        stiffness={site: stiffness * _factor(rng, _K0_PLACE_CV) for site in SITES},
        threshold={site: threshold * _factor(rng, _THRESHOLD_PLACE_CV) for site in SITES},
        trigger={site: float(rng.random() < _TRIGGER[site.rsplit("_", 1)[0]]) for site in SITES},
        bone_depth=_factor(rng, _BONE_DEPTH_CV),
        thumb_force_n=_THUMB_N[sex] * _factor(rng, _THUMB_CV),
        constants=PersonConstants(**own),
    )


def draw_people(count: int, seed: int) -> list[Recipient]:
    """The first `count` people of a population."""
    return [draw_person(seed, number) for number in range(count)]


def _factor(rng: np.random.Generator, cv: float) -> float:
    """A log-normal factor with mean 1."""
    sigma = math.sqrt(math.log1p(cv * cv))
    return math.exp(sigma * float(rng.standard_normal()) - 0.5 * sigma * sigma)
