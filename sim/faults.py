"""What can go wrong, as data: sensor, encoders, actuators, timing, set-points, the person, the tool.

A fault has a kind, a moment and a size; from that moment on it stays. `FAULTS` says what each kind is and in which
range its size is drawn; `injector` lets them happen to a simulated press.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from ..native import InputError


@dataclass(frozen=True)
class Kind:
    """One way to fail."""

    what: str
    low: float
    high: float
    unit: str
    quick: bool = False
    """Must be noticed within 10 ms: the input says itself that it is bad."""

    @property
    def middle(self) -> float:
        """Of the range, by its logarithm; where it has a sign, the largest."""
        return math.sqrt(self.low * self.high) if self.low > 0.0 else self.high


FAULTS: dict[str, Kind] = {
    "sensor_stuck": Kind("the force sensor repeats one reading with fresh stamps", 0.0, 0.0, ""),
    "sensor_biased": Kind("the reading is off by a constant force", 2.0, 40.0, "N"),
    "sensor_jumping": Kind("the reading leaps to and fro, ten times a second", 5.0, 60.0, "N"),
    "sensor_drifting": Kind("the reading runs away", 0.5, 20.0, "N/s"),
    "sensor_noisy": Kind("noise is added to the reading", 1.0, 20.0, "N"),
    "sensor_delayed": Kind("the reading comes late, with its true stamp", 2.0, 60.0, "ms"),
    "sensor_flipped": Kind("the reading has the wrong sign", 0.0, 0.0, ""),
    "sensor_cut": Kind("the sensor falls silent", 0.0, 0.0, "", quick=True),
    "sensor_nan": Kind("the reading is NaN", 0.0, 0.0, "", quick=True),
    "encoder_stuck": Kind("a joint's position stands, its speed reads 0", 0.0, 0.0, ""),
    "encoder_jumping": Kind("a joint's position is off from now on", 0.5, 200.0, "mrad"),
    "encoder_cut": Kind("a joint's position is NaN", 0.0, 0.0, "", quick=True),
    "actuator_weak": Kind("a joint gives a share of what it is asked for", 0.2, 0.9, "1"),
    "actuator_saturated": Kind("a joint gives at most so much", 1.0, 20.0, "Nm"),
    "actuator_dead": Kind("a joint gives nothing on top of its weight", 0.0, 0.0, ""),
    "loop_late": Kind("the loop runs late, up to so much, every cycle", 0.3, 0.95, "cycles"),
    "loop_frozen": Kind("the loop stands still once", 5.0, 500.0, "ms"),
    "loop_losing": Kind("a share of the cycles is lost", 0.02, 0.5, "1"),
    "clock_jump": Kind("the arm's clock leaps", 0.011, 100.0, "s", quick=True),
    "set_point_nan": Kind("a number in the set-point is NaN", 0.0, 0.0, "", quick=True),
    "set_point_jump": Kind("the set-point's position leaps", 10.0, 500.0, "mm"),
    "set_point_stale": Kind("set-points stop coming", 0.0, 0.0, "", quick=True),
    "set_point_wild": Kind("gains and force are multiplied", 3.0, 1e6, "1"),
    "set_point_frame": Kind("the set-point is in a frame turned by so much", 5.0, 180.0, "deg"),
    "person_rises": Kind("the person comes up by 5 cm within so long", 0.2, 1.5, "s"),
    "person_rolls": Kind("the person rolls within half a second to two", 5.0, 40.0, "deg"),
    "person_startles": Kind("the person starts", 0.0, 0.0, ""),
    "person_coughs": Kind("the back jerks up and down, thrice", 3.0, 15.0, "mm"),
    "person_gets_up": Kind("the person comes up by 30 cm within so long", 0.8, 3.0, "s"),
    "arm_in_the_way": Kind("something as stiff as a forearm comes against a link", 10.0, 60.0, "mm"),
    "bone": Kind("bone lies so deep where muscle was expected", 2.0, 8.0, "mm"),
    "surface_off": Kind("the surface is elsewhere than the scan said", -40.0, 40.0, "mm"),
    "contact_lost": Kind("the surface falls away", 0.0, 0.0, ""),
    "tool_falls": Kind("the tool comes off", 0.0, 0.0, ""),
    "tool_heavier": Kind("the tool weighs more than known", 0.05, 0.5, "kg"),
}
"""Every kind by name. What is drawn is uniform in the logarithm of the size, or uniform if it may be negative."""

FROM_THE_START = ("bone", "surface_off", "tool_heavier")
"""Kinds that are there before the first cycle; the first two are made with the simulation."""
_FORM = re.compile(r"\w+@(?P<at>[^:]+)(:(?P<size>[^:]+)(:(?P<joint>\d+)(:(?P<seed>\d+))?)?)?")
STALE_AFTER = 0.1  # s: a set-point is believed for so long, so that silence is noticed no earlier


@dataclass(frozen=True)
class Fault:
    """One fault of one run."""

    kind: str
    at: float
    """s, when it begins."""
    size: float
    """In the kind's unit."""
    joint: int = 0
    """Which joint or which link, of those that the arm has."""
    seed: int = 0
    """Of what is random in it."""

    def __str__(self) -> str:
        """As `parse_faults` reads it."""
        return f"{self.kind}@{self.at!r}:{self.size!r}:{self.joint}:{self.seed}"


def parse_faults(text: str) -> tuple[Fault, ...]:
    """Faults from a text such as "sensor_cut@6.5, person_rises@7:0.5": KIND@SECONDS[:SIZE[:JOINT[:SEED]]].

    A size that is left out lies in the middle of its range. Raises InputError for what is not such a text.
    """
    return tuple(_parse_fault(part.strip()) for part in text.split(",") if part.strip())


def _parse_fault(text: str) -> Fault:
    name = text.partition("@")[0]
    if name not in FAULTS:
        raise InputError(f"faults: {text!r}: {name!r} is not known; one of {', '.join(FAULTS)} is allowed")
    kind = FAULTS[name]
    form = _FORM.fullmatch(text)
    try:
        at, size = float(form["at"]), float(form["size"] or kind.middle)  # type: ignore[index]  # no match: refused too
    except (TypeError, ValueError):
        raise InputError(f"faults: {text!r} is not allowed; KIND@SECONDS[:SIZE[:JOINT[:SEED]]] is") from None
    if not 0.0 <= at < math.inf:
        raise InputError(f"faults: {text!r}: {at:g} s is not allowed; a finite number from 0 up is")
    if not kind.low <= size <= kind.high:
        raise InputError(
            f"faults: {text!r}: {size:g} is not allowed; from {kind.low:g} to {kind.high:g} {kind.unit} is"
        )
    return Fault(name, at, size, int(form["joint"] or 0), int(form["seed"] or 0))  # type: ignore[index]


def draw_fault(kind: str, rng: np.random.Generator, latest: float) -> Fault:
    """A fault of a kind with random size, at a random moment up to `latest` [s]."""
    what = FAULTS[kind]
    if what.low > 0.0:
        size = math.exp(rng.uniform(math.log(what.low), math.log(what.high)))
    else:
        size = rng.uniform(what.low, what.high)
    at = 0.0 if kind in FROM_THE_START else float(rng.uniform(0.0, latest))
    return Fault(kind, round(at, 3), float(size), int(rng.integers(1 << 16)), int(rng.integers(1 << 31)))
