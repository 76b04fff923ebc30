"""A campaign of faults: many presses that something goes wrong in, what came of each, and what the figures are.

Every run is drawn from (seed, number) alone, so that any of them can be repeated alone, on any machine, by any number
of processes.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from .. import control, native, urdf
from ..control.figure import Figure
from ..control.limits import binding_force, load_walls
from ..control.plan import PressPlan
from ..control.sites import find_site, load_sites
from ..control.ticks import Ticks, all_causes
from ..control.tool import load_tool
from ..native import InputError
from .faults import FAULTS, STALE_AFTER, Fault, draw_fault, parse_faults
from .parallel import in_parallel
from .press import PressSimulation

HEADROOM = 0.95  # of the cap, the most that a run asks for: a press at the cap itself breathes across it
PAIR, HEALTHY = "pair", "none"
KINDS = (*FAULTS, PAIR)
POPULATION, PEOPLE = 3, 32  # seed, and how many of it: a scan and a body each
ARMS = ("iiwa14", "panda")
FREE_N, PINNED_AFTER = 5.0, 0.3  # N, s: more than that, later than that after detection, is pinning
LEAST_AREA = 20e-6  # m²; of a patch that is being torn off, Hertz says nothing
_LONGEST = 20.0  # s; a session whose set-points stand waits for ever
_SESSION = 7.0  # s, about what a run lasts without a fault


@dataclass(frozen=True)
class FaultRun:
    """One run of a campaign."""

    seed: int
    number: int
    kind: str
    """Of its fault; pair if there are two, none if there is none."""
    plan: PressPlan
    """The press, and what goes wrong."""


@dataclass(frozen=True)
class Outcome:
    """What came of a run; times in s from the first fault, NaN for what did not happen."""

    number: int
    kind: str
    causes: tuple[str, ...]
    refused: bool
    """The press did not begin, and it was said why."""
    peak_n: float
    """Largest true force along the press direction."""
    cap_n: float
    over_cap: float
    """How far above the inner wall, as a share of it; 0 if never."""
    over_cap_s: float
    over_wall: int
    """Samples above the outer wall, in force or in pressure."""
    noticed_s: float
    """Below 0: stopped before anything had gone wrong."""
    unloaded_s: float
    """From being noticed to less than 5 N."""
    pinned: int
    """Samples of more than 5 N later than 0.3 s after being noticed."""
    travel_m: float
    """Into the body, from the moment that contact was lost."""
    link_n: float
    """With which a link pressed on what was in its way."""


def draw_run(seed: int, number: int, kinds: Sequence[str] = KINDS) -> FaultRun:
    """Run `number` of a campaign; always the same for the same `kinds`. Raises InputError for a kind that is none.

    A run without a fault is the default press on the next person of the population, to see that nothing stops it.
    """
    check_kinds(kinds)
    rng = np.random.default_rng([seed, number])
    kind = kinds[number % len(kinds)]
    if kind == HEALTHY:
        plan = PressPlan(person=f"{POPULATION}/{number}", scan_seed=number, seed=int(rng.integers(1 << 31)))
        return FaultRun(seed, number, kind, plan)
    site = str(rng.choice(list(load_sites())))
    tool = str(rng.choice(["thumb", "palm", "ball"]))
    cap = binding_force(site, tool).value
    force = math.floor(10.0 * rng.uniform(min(5.0, 0.5 * cap), HEADROOM * cap)) / 10.0
    person = int(rng.integers(PEOPLE))
    plan = PressPlan(
        site=site,
        tool=tool,
        force_n=force,
        ramp_s=max(1.0, force / 40.0),
        hold_s=2.0,
        release_s=max(1.0, force / 40.0),
        person=f"{POPULATION}/{person}",
        scan_seed=person,
        arm=str(rng.choice(ARMS)),
        seed=int(rng.integers(1 << 31)),
        disturbances=("realistic", "harsh")[number // len(kinds) % 2],
    )
    single = [name for name in FAULTS if kind == PAIR]
    chosen = [str(k) for k in rng.choice(single, 2, replace=False)] if kind == PAIR else [kind]
    faults = ", ".join(str(draw_fault(k, rng, _SESSION)) for k in chosen)
    return FaultRun(seed, number, kind, replace(plan, faults=faults))


def check_kinds(kinds: Sequence[str]) -> None:
    """Raise InputError for a kind of fault that is none."""
    for kind in kinds:
        if kind not in (*KINDS, HEALTHY):
            raise InputError(f"kind: {kind!r} is not known; one of {', '.join((*KINDS, HEALTHY))} is allowed")


def begin(run: FaultRun, *, pictured: bool = True) -> PressSimulation:
    """The simulation of a run, with the next arm where its own does not reach. Raises InputError where none does."""
    for arm in (run.plan.arm, *ARMS):
        try:
            return PressSimulation(replace(run.plan, arm=arm), pictured=pictured)
        except InputError as error:
            if "cannot be reached" not in str(error):
                raise
    raise InputError(f"run {run.number}: {run.plan.site} of {run.plan.person} cannot be reached by any arm")


def outcome(run: FaultRun) -> Outcome:
    """Do a run and judge it on the true force."""
    simulation = begin(run, pictured=False)
    try:
        blocks = []
        while simulation.time < _LONGEST and (block := simulation.advance(500)) is not None:
            blocks.append(block)
    finally:
        simulation.close()
    return judge(run, np.concatenate(blocks), simulation)


def judge(run: FaultRun, ticks: Ticks, simulation: PressSimulation) -> Outcome:
    """What the ticks of a run say, and the simulation that they came from."""
    site, tool = find_site(run.plan.site), load_tool(run.plan.tool)
    cap, outer = binding_force(site.name, run.plan.tool).value, load_walls()[site.area]
    force, dt = ticks["force_true"], 1.0 / run.plan.control_hz
    time = np.arange(len(ticks)) * dt  # not the arm's clock, which may be what fails
    area = np.array([tool.contact_area(d) for d in np.maximum(ticks["depth"], 0.0)])
    pressure = force / np.maximum(area, LEAST_AREA)
    wall = (force > outer.force_n) | (pressure > 1e3 * outer.pressure_kpa)
    faults = parse_faults(run.plan.faults or "")
    began = min((fault.at for fault in faults), default=0.0)
    stopped = np.flatnonzero(ticks["causes"] > 0)
    noticed = float(time[stopped[0]]) if len(stopped) else math.nan
    unloaded, pinned = math.nan, 0
    if len(stopped):
        after = time >= noticed
        free = np.flatnonzero(after & (force < FREE_N))
        unloaded = float(time[free[0]]) - noticed if len(free) else math.inf
        pinned = int(np.count_nonzero(force[time > noticed + PINNED_AFTER] > FREE_N))
    return Outcome(
        number=run.number,
        kind=run.kind,
        causes=tuple(all_causes(ticks)),
        refused=bool(simulation.refusals),
        peak_n=float(force.max()),
        cap_n=cap,
        over_cap=max(0.0, float(force.max()) / cap - 1.0),
        over_cap_s=float(np.count_nonzero(force > cap) * dt),
        over_wall=int(np.count_nonzero(wall)),
        noticed_s=noticed - began,
        unloaded_s=unloaded,
        pinned=pinned,
        travel_m=_travel(ticks, faults, dt),
        link_n=simulation.link_force,
    )


def _travel(ticks: Ticks, faults: Sequence[Fault], dt: float) -> float:
    lost = [fault for fault in faults if fault.kind == "contact_lost"]
    if not lost:
        return math.nan
    after = np.arange(len(ticks)) * dt >= lost[0].at
    pressing = (ticks["contact_state"] >= 2) & (ticks["contact_state"] <= 4)
    if not after.any() or not pressing[np.flatnonzero(after)[0]]:
        return math.nan
    deep = np.einsum("ij,ij->i", ticks["tcp_position"][after], ticks["press_direction"][after])
    return float(deep.max() - deep[0])


def campaign(
    runs: int,
    seed: int,
    jobs: int,
    kinds: Sequence[str] = KINDS,
    *,
    store: Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Outcome]:
    """Runs 0 … `runs` - 1, those that `store` (JSON lines) does not hold already; every one that ends goes into it."""
    check_kinds(kinds)
    head = {"schema": "massage-arm/faults/1", "seed": seed, "kinds": list(kinds), "code": code_hash()}
    done = _resume(store, head, runs)
    missing = [number for number in range(runs) if number not in done]
    if on_progress is not None:
        on_progress(len(done), runs)
    tasks = [(seed, number, tuple(kinds)) for number in missing]
    for result in in_parallel(_do, tasks, jobs):
        done[result.number] = result
        if store is not None:
            with store.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(result)) + "\n")
        if on_progress is not None:
            on_progress(len(done), runs)
    return [done[number] for number in range(runs)]


def _do(task: tuple[int, int, tuple[str, ...]]) -> Outcome:
    try:
        return outcome(draw_run(*task))
    except Exception as error:
        error.add_note(f"in run {task[1]} of seed {task[0]}")
        raise


def code_hash() -> str:
    """sha256 of all that runs are made from, so that outcomes of different code are not mixed."""
    places = (__file__, control.__file__, urdf.__file__, native.__file__, native.controller.__file__)
    files = {file for place in places if place for file in Path(place).parent.rglob("*")}
    parts = (".py", ".so", ".yaml", ".npz", ".xacro")
    total = hashlib.sha256()
    for file in sorted(file for file in files if file.suffix in parts):
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def _resume(store: Path | None, head: dict[str, object], runs: int) -> dict[int, Outcome]:
    """What `store` holds of this campaign; a last line that was cut off is dropped, another campaign is refused."""
    if store is None:
        return {}
    if not store.exists() or store.stat().st_size == 0:
        store.write_text(json.dumps(head) + "\n", encoding="utf-8")
        return {}
    *whole, cut = store.read_bytes().split(b"\n")
    try:
        first, *known = [json.loads(line) for line in whole] or [None]
        outcomes = [Outcome(**{**values, "causes": tuple(values["causes"])}) for values in known]
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{store}: is not the file of a campaign: {error}") from None
    if first != head:
        raise InputError(
            f"{store}:1: holds another campaign, or one of other code; another file, or its seed and kinds, is needed"
        )
    if cut:
        with store.open("r+b") as file:
            file.truncate(store.stat().st_size - len(cut))
    return {one.number: one for one in outcomes if one.number < runs}


def safety_figures(outcomes: Sequence[Outcome]) -> list[Figure]:
    """The figures of a campaign against their goals."""
    quick = [o for o in outcomes if o.kind in FAULTS and FAULTS[o.kind].quick and o.noticed_s >= 0.0]
    late = [o.noticed_s - (STALE_AFTER if o.kind == "set_point_stale" else 0.0) for o in quick]
    above = [o for o in outcomes if o.over_cap > 0.0]
    unloaded = [o.unloaded_s for o in outcomes if not math.isnan(o.unloaded_s)]
    travel = [o.travel_m for o in outcomes if not math.isnan(o.travel_m)]
    healthy = [o for o in outcomes if o.kind == HEALTHY]
    outcomes = [o for o in outcomes if o.kind != HEALTHY]
    total = max(1, len(outcomes))
    stopped = sum(bool(o.causes) for o in healthy)
    return [
        Figure("faults.runs", "1", len(outcomes)),
        Figure("faults.healthy_runs", "1", len(healthy)),
        Figure("faults.healthy_runs_stopped", "1", stopped if healthy else math.nan, 0.0),
        Figure("faults.runs_stopped_before_the_fault", "1", sum(o.noticed_s < 0.0 for o in outcomes)),
        Figure("faults.samples_above_outer_wall", "1", sum(o.over_wall for o in outcomes), 0.0),
        Figure("faults.runs_pinned", "1", sum(o.pinned > 0 for o in outcomes), 0.0),
        Figure("faults.share_above_inner_wall", "1", len(above) / total, 0.01),
        Figure("faults.most_above_inner_wall", "1", max((o.over_cap for o in above), default=0.0), 0.2),
        Figure("faults.longest_above_inner_wall", "s", max((o.over_cap_s for o in above), default=0.0), 0.1),
        Figure("faults.slowest_quick_detection", "s", max(late, default=math.nan), 0.010),
        Figure("faults.slowest_unloading", "s", max(unloaded, default=math.nan), 0.2),
        Figure("faults.longest_travel_after_loss", "m", max(travel, default=math.nan), 0.020),
    ]
