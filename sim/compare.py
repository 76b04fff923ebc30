"""The same plan pressed by an arm and by the person's own hand, over a population, and what the answer rests on.

Both press the same places of the same people with the same force for the same time. The arm's force is off by what the
closed loop was measured to be off; the own hand reaches, tires, trembles and braces as in `own_hand.py`. Pressed is the
same compiled tissue and person as under the simulated arm (`press_with`), without the arm's mechanics; `check` presses
some of these places with the whole arm in PyBullet.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..control.body import load_body
from ..control.limits import binding_force
from ..control.plan import PressPlan
from ..control.sites import REGIONS, find_site
from ..control.tool import load_tool
from ..native import TOUCH_FIELDS, ContactState, InputError, Person, Tissue, press_with
from ..native.person_constants import ASSUMED as PERSON_ASSUMED
from . import own_hand
from .flesh import flesh, site_law
from .own_hand import Muscles, OwnHand, Reach, press_oneself, reaches
from .parallel import in_parallel
from .people import Recipient, draw_person

Floats = NDArray[np.float64]

PERIOD = 0.002  # s; reflexes that it would be too coarse for are not met in slow presses
TOOL = "thumb"
ARM_BIAS_N, ARM_RMS_N = 0.06, 0.08  # `massage-arm bench press`: steady error with drift, RMS with breathing
BREATH_M, BREATH_HZ = 0.0023, 0.25  # as in disturbances.yaml, realistic
BAND = (0.65, 1.0)  # of the pain threshold: from half of the releasing effect to where it begins to hurt
_HURTS = 3.0
WAYS = ("own_hand", "arm")
PERSON_FACTORS = ("stiffness", "threshold", "bone_depth", "thumb_force_n")


@dataclass(frozen=True)
class DosePlan:
    """Every site in turn: up, hold, down, rest."""

    sites: tuple[str, ...] = tuple(f"{region}_{side}" for region in REGIONS for side in ("left", "right"))
    share: float = 0.8
    """Of the pain threshold, as far as the caps of the site allow."""
    ramp_s: float = 5.0
    hold_s: float = 60.0
    rest_s: float = 10.0

    def __post_init__(self) -> None:
        """Refuse what cannot be pressed."""
        for site in self.sites:
            find_site(site)
        if not self.sites:
            raise InputError("dose plan: no sites; one or more are allowed")
        allowed = {"share": (0.1, 1.5), "ramp_s": (1.0, 60.0), "hold_s": (5.0, 90.0), "rest_s": (0.0, 600.0)}
        for name, (low, high) in allowed.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"dose plan: {name} = {value!r} is not allowed; {low:g} to {high:g} is")

    def force(self, site: str, person: Recipient) -> float:
        """N: the planned share of this person's threshold, at most what may be pressed there."""
        law, tool, c = site_law(site, person), load_tool(TOOL), person.constants
        area = math.pi * tool.contact_radius**2
        threshold = max(law.threshold - c.trigger_threshold_drop * law.trigger, c.threshold_least)
        threshold *= max(area * 1e4, 1.0) ** -c.threshold_area_power
        return float(min(self.share * threshold * area, binding_force(site, TOOL).value))

    def course(self, force: float) -> Floats:
        """(N,) the force asked for at every period."""
        ends = np.cumsum([0.0, self.ramp_s, self.hold_s, self.ramp_s, self.rest_s])
        time = PERIOD * np.arange(round(ends[-1] / PERIOD))
        asked: Floats = np.interp(time, ends, [0.0, force, force, 0.0, 0.0])
        return asked


@dataclass(frozen=True)
class Pressed:
    """What came of one site."""

    person: str
    site: str
    way: str
    force_n: float
    reached: bool
    in_band: float
    """Share of the hold in the therapeutic band."""
    release: float
    """0..1 at the end of the hold."""
    guarded: float
    """Share of the hold in which the muscle is too active to let go (`dose_tone`)."""
    hurting: float
    """Share of the hold with pain above 3 of 10."""
    dose_error: float
    """Dose (force over time) over the planned one, less 1."""
    heart_change: float
    """Beats per minute against rest, at the end."""


FIGURES = ("in_band", "release", "guarded", "hurting", "dose_error", "heart_change")


def press_all(person: Recipient, plan: DosePlan, hand: OwnHand, way: str) -> list[Pressed]:
    """All sites of one person, one after the other, by `own_hand` or `arm`; what came of each."""
    seed, number = (int(part) for part in person.name.split("/"))
    rng = np.random.default_rng([seed, number, WAYS.index(way)])
    reach = reaches(hand, np.random.default_rng([seed, number, len(WAYS)]))
    body = load_body(person.body)
    tissue = flesh(body, person)
    human = Person(person.constants, period=PERIOD, breath_rate=2.0 * math.pi * BREATH_HZ)
    muscles = {"left": Muscles(), "right": Muscles()}
    pressed = []
    for site in plan.sites:
        wanted = plan.course(plan.force(site, person))
        other = "left" if site.endswith("right") else "right"  # the hand that works: the one across
        if way == "arm":
            force, own_tone = _arm_force(wanted, rng), np.zeros(len(wanted))
        else:
            force, own_tone = _own_force(hand, muscles[other], wanted, reach[site], person, rng)
            muscles[find_site(site).side].rest(hand, len(wanted) * PERIOD)
        rows = _press(tissue, human, body.sites[site].position[:2], force, own_tone, rng)
        reached = way == "arm" or reach[site].strength > 0.0
        pressed.append(_result(person, plan, site, way, wanted, rows, reached))
    return pressed


def _arm_force(wanted: Floats, rng: np.random.Generator) -> Floats:
    """(N,) N, what the closed loop makes of it: a small lasting error, and one with the breath."""
    time = PERIOD * np.arange(len(wanted))
    swing = math.sqrt(2.0) * ARM_RMS_N * np.sin(2.0 * math.pi * (BREATH_HZ * time + rng.random()))
    off: Floats = ARM_BIAS_N * rng.standard_normal() + swing
    return np.where(wanted > 0.0, np.maximum(0.0, wanted + off), 0.0)


def _own_force(
    hand: OwnHand, muscles: Muscles, wanted: Floats, reach: Reach, person: Recipient, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """(N,) N, and (N,) what it puts on the pressed muscle; nothing of either where the hand does not reach."""
    if reach.strength == 0.0:
        muscles.rest(hand, len(wanted) * PERIOD)
        return np.zeros(len(wanted)), np.zeros(len(wanted))
    force, effort = press_oneself(hand, muscles, wanted, reach.strength * person.thumb_force_n, PERIOD, rng)
    return force, np.where(wanted > 0.0, reach.posture_tone + hand.effort_tone * effort, 0.0)


def _press(
    tissue: Tissue, human: Person, place: Floats, force: Floats, own_tone: Floats, rng: np.random.Generator
) -> dict[str, Floats]:
    """What the press does, at 10 Hz, by `TOUCH_FIELDS`."""
    tool = load_tool(TOOL)
    rows = press_with(
        tissue, human, place, force, own_tone, rng.standard_normal(len(force)),
        tip_radius=tool.tip_radius, contact_radius=tool.contact_radius, every=round(0.1 / PERIOD),
        breath=BREATH_M, breath_rate=2.0 * math.pi * BREATH_HZ,
    )  # fmt: skip
    return dict(zip(TOUCH_FIELDS, rows.T, strict=True))


def _result(
    person: Recipient, plan: DosePlan, site: str, way: str, wanted: Floats, rows: dict[str, Floats], reached: bool
) -> Pressed:
    time = 0.1 * (1 + np.arange(len(rows["force"])))
    hold = (time > plan.ramp_s) & (time <= plan.ramp_s + plan.hold_s)
    share, tone = rows["pressure_share"][hold], rows["tone"][hold]
    interval = person.constants.interval
    return Pressed(
        person=person.name,
        site=site,
        way=way,
        force_n=float(wanted.max()),
        reached=reached,
        in_band=float(np.mean((share >= BAND[0]) & (share <= BAND[1]))),
        release=float(rows["release"][hold][-1]),
        guarded=float(np.mean(tone > person.constants.dose_tone)),
        hurting=float(np.mean(rows["pain"][hold] > _HURTS)),
        dose_error=float(rows["force"].sum() * 0.1 / (wanted.sum() * PERIOD) - 1.0),
        heart_change=60.0 / (interval + float(rows["shift"][hold][-1])) - 60.0 / interval,
    )


# How much of that is due to leaving the arm's mechanics out.


@dataclass(frozen=True)
class Check:
    """One site of one person under the whole arm in PyBullet, and by `press_with` alone."""

    person: str
    site: str
    whole: Pressed
    alone: Pressed


def check(person: Recipient, plan: DosePlan, site: str) -> Check:
    """Press one site both ways, with the disturbances of `realistic`."""
    from .press import PressSimulation  # PyBullet is heavy, and the population does without

    one = replace(plan, sites=(site,))
    wanted = one.course(one.force(site, person))
    press = PressPlan(
        site=site, person=person.name, force_n=float(wanted.max()), ramp_s=plan.ramp_s, hold_s=plan.hold_s,
        release_s=plan.ramp_s, tool=TOOL,
    )  # fmt: skip
    simulation = PressSimulation(press)
    blocks = []
    while (block := simulation.advance(500)) is not None:
        blocks.append(block)
    simulation.close()
    ticks = np.concatenate(blocks)
    ramp = int(np.argmax(ticks["contact_state"] == ContactState.RAMP))
    every = ticks[ramp + 100 :: 100]
    rows = {name: every[name] for name in ("pressure_share", "tone", "release", "pain")}
    rows |= {"force": every["force_true"], "shift": np.zeros(len(every))}
    whole = _result(person, one, site, "arm", wanted, rows, True)
    return Check(person.name, site, whole, press_all(person, one, OwnHand(), "arm")[0])


# What the answer rests on.


@dataclass(frozen=True)
class Change:
    """A constant that no source was found for, made half or twice as large; None: none of them."""

    name: str = ""
    factor: float = 1.0

    def apply(self, person: Recipient, hand: OwnHand) -> tuple[Recipient, OwnHand]:
        """The person and the hand with that constant."""
        group, _, field = self.name.partition(".")
        if group == "hand":
            return person, replace(hand, **{field: getattr(hand, field) * self.factor})
        if group == "constants":
            value = getattr(person.constants, field) * self.factor
            return replace(person, constants=replace(person.constants, **{field: value})), hand
        if group == "person":
            value = getattr(person, field)
            scaled: Any = (
                value * self.factor if isinstance(value, float) else {k: v * self.factor for k, v in value.items()}
            )
            return replace(person, **{field: scaled}), hand
        return person, hand


def changes() -> list[Change]:
    """Every assumed constant, halved and doubled. Delays that a line cannot hold twice are left as they are."""
    names = [f"hand.{name}" for name in own_hand.ASSUMED] + [f"person.{name}" for name in PERSON_FACTORS]
    names += [f"constants.{name}" for name in PERSON_ASSUMED]
    return [Change(name, factor) for name in names for factor in (0.5, 2.0)]


@dataclass(frozen=True)
class _Task:
    seed: int
    number: int
    plan: DosePlan
    change: Change = Change()

    def run(self) -> list[Pressed]:
        person, hand = self.change.apply(draw_person(self.seed, self.number), OwnHand())
        return [pressed for way in WAYS for pressed in press_all(person, self.plan, hand, way)]


def _run(task: _Task) -> list[Pressed]:
    return task.run()


@dataclass(frozen=True)
class Comparison:
    """Everything that was pressed: by default constants, and by each change of one of them."""

    plan: DosePlan
    seed: int
    count: int
    pressed: list[Pressed]
    checks: list[Check]
    changed: list[tuple[Change, list[Pressed]]]


def compare_self(
    count: int,
    seed: int,
    plan: DosePlan,
    *,
    jobs: int = 1,
    changes_on: int = 5,
    checks_on: int = 2,
    on_progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """`count` people of the population `seed`; every change on the first `changes_on` of them (0: no changes).

    `checks_on` of them are pressed by the whole arm too, each on another site of the plan.
    """
    tried = changes() if changes_on else []
    tasks = [_Task(seed, number, plan) for number in range(count)]
    tasks += [_Task(seed, number, plan, change) for change in tried for number in range(min(count, changes_on))]
    results: list[list[Pressed]] = []
    for done, result in enumerate(in_parallel(_run, tasks, jobs), 1):
        results.append(result)
        if on_progress is not None:
            on_progress(done, len(tasks))
    by_change: dict[Change, list[Pressed]] = {}
    for task, result in zip(tasks, results, strict=True):
        by_change.setdefault(task.change, []).extend(result)
    usual = by_change.pop(Change())
    checked = range(min(count, checks_on))
    checks = [check(draw_person(seed, k), plan, plan.sites[(5 * k + 4) % len(plan.sites)]) for k in checked]
    return Comparison(plan, seed, count, usual, checks, list(by_change.items()))


# What is said of it.


def spread(pressed: list[Pressed], way: str, figure: str) -> tuple[float, float, float, float]:
    """Mean, 5 %, half and 95 % between people of a figure, each person's the mean over their sites."""
    people: dict[str, list[float]] = {}
    for one in pressed:
        if one.way == way:
            people.setdefault(one.person, []).append(float(getattr(one, figure)))
    means = [float(np.mean(values)) for values in people.values()]
    low, half, high = np.quantile(means, (0.05, 0.5, 0.95))
    return float(np.mean(means)), float(low), float(half), float(high)


def advantage(pressed: list[Pressed], figure: str, people: int | None = None) -> float:
    """Mean of a figure under the arm less that under the own hand, over the first `people` of the population."""
    kept = [one for one in pressed if people is None or int(one.person.split("/")[1]) < people]
    return spread(kept, "arm", figure)[0] - spread(kept, "own_hand", figure)[0]
