"""The press against its goals: every figure over many seeds, the worst one counts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..control.plan import PressPlan
from ..control.profile import TOUCH_FORCE_N
from ..control.ticks import Ticks
from ..native import ContactState
from .press import PressSimulation

Floats = NDArray[np.float64]

SITE = "lumbar_erector_right"  # its cap of 60 N allows every force below
FORCES_N = (5.0, 20.0, 40.0, 60.0)
RATES_HZ = (250, 500, 1000)
_PLAN = PressPlan(site=SITE, disturbances="realistic")
_SURFACE_OFF = -0.020  # m: the skin comes 20 mm before it is expected
_STEADY_S = 30.0
_CURVE = 601  # samples of a response that is compared with another
_BREATHING_AFTER_S = 2.0  # s of the hold that count as settling


@dataclass(frozen=True)
class Trial:
    """One simulated press of the bench and what is read off it."""

    name: str
    plan: PressPlan
    surface_off: float | None = None


def press_bench(
    seeds: Iterable[int], jobs: int = 1, on_progress: Callable[[int, int], None] | None = None
) -> list[dict[str, Any]]:
    """All figures of the press over `seeds`, in `jobs` processes: name, unit, value, goal, best_published, met.

    `best_published` is the best figure found in the literature for the like, None where nothing was published.
    """
    trials = [trial for seed in seeds for trial in _trials(seed)]
    results: dict[str, list[tuple[float, ...]]] = {}
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for done, (trial, values) in enumerate(zip(trials, pool.map(_measure, trials), strict=True), 1):
            results.setdefault(trial.name, []).append(values)
            if on_progress is not None:
                on_progress(done, len(trials))
    return _figures(results)


def _trials(seed: int) -> list[Trial]:
    holds = [
        Trial(f"hold {force:g}", replace(_PLAN, seed=seed, force_n=force, ramp_s=max(1.0, force / 50), hold_s=60.0))
        for force in FORCES_N
    ]
    ramp = replace(_PLAN, seed=seed, force_n=40.0, ramp_s=1.0, hold_s=4.0)
    rates = [Trial(f"rate {hz}", replace(ramp, control_hz=hz, ramp_s=2.0)) for hz in RATES_HZ]
    contact = [
        Trial("contact", replace(ramp, force_n=force, approach_mm_s=50.0, hold_s=1.0), _SURFACE_OFF)
        for force in FORCES_N[1:3]
    ]
    return [*holds, Trial("ramp", ramp), *contact, *rates]


def run_press(trial: Trial) -> Ticks:
    """All ticks of a trial. Raises RuntimeError when the controller stopped for a cause."""
    simulation = PressSimulation(trial.plan, surface_off=trial.surface_off)
    try:
        blocks = []
        while (block := simulation.advance(200)) is not None:
            blocks.append(block)
    finally:
        simulation.close()
    ticks: Ticks = np.concatenate(blocks)
    if ticks["causes"][-1] != 0.0:
        raise RuntimeError(f"{trial.name}, seed {trial.plan.seed}: stopped for causes {int(ticks['causes'][-1]):b}")
    return ticks


def _measure(trial: Trial) -> tuple[float, ...]:
    """The trial's figures; what each position means is known to `_figures` only. A press that failed counts as inf."""
    try:
        ticks = run_press(trial)
    except RuntimeError:
        return (math.inf,) * (4 if not trial.name.startswith("rate") else _CURVE)
    time, force, asked = ticks["time"], ticks["force_true"], trial.plan.force_n
    hold = ticks["contact_state"] == ContactState.HOLD
    begun = float(time[hold][0])
    if trial.name.startswith("hold"):
        steady = hold & (time > time[hold][-1] - _STEADY_S)
        settled = hold & (time > begun + _BREATHING_AFTER_S)
        drift = float(np.mean((ticks["force_measured"] - force)[steady]))
        mean = float(np.mean(force[steady]) - asked)
        rms = float(np.sqrt(np.mean((force[settled] - asked) ** 2)))
        return abs(mean + drift), abs(mean), rms, asked
    if trial.name == "ramp":
        return float(force.max() - asked), asked
    if trial.name == "contact":
        touching = np.isin(ticks["contact_state"], (ContactState.APPROACH, ContactState.TOUCH))
        touching |= (time > time[touching][-1]) & (time <= time[touching][-1] + 0.2)
        meant = np.maximum(ticks["force_reference"], TOUCH_FORCE_N)
        return float(np.max((force - meant)[touching])), asked
    ramp = (time >= begun - trial.plan.ramp_s) & (time <= begun + 1.0)
    grid = np.linspace(-trial.plan.ramp_s, 1.0, _CURVE)
    return tuple(np.interp(grid, time[ramp] - begun, force[ramp]))


def _figures(results: dict[str, list[tuple[float, ...]]]) -> list[dict[str, Any]]:
    figures = []
    for force in FORCES_N:
        rows = results[f"hold {force:g}"]
        steady_goal, rms_goal = max(0.05, 0.002 * force), max(0.20, 0.01 * force)
        figures += [
            _figure(f"press.steady_error_{force:g}n", "N", max(r[0] for r in rows), steady_goal, None),
            _figure(f"press.steady_error_with_drift_{force:g}n", "N", max(r[1] for r in rows), None, None),
            # Xu et al., multi-mode back massage: below 0.42 N in co-simulation, field.md row 1
            _figure(f"press.rms_breathing_{force:g}n", "N", max(r[2] for r in rows), rms_goal, 0.42),
        ]
    figures.append(_figure("press.overshoot_40n_1s", "N", max(r[0] for r in results["ramp"]), 2.0, None))
    contact = max(r[0] / max(0.5, 0.05 * r[1]) for r in results["contact"])
    figures.append(_figure("press.contact_peak_share_of_allowed", "1", contact, 1.0, None))
    curves = {hz: np.array(results[f"rate {hz}"]) for hz in RATES_HZ}
    for hz in RATES_HZ[:-1]:
        worst = float(np.max(np.nan_to_num(np.abs(curves[hz] - curves[RATES_HZ[-1]]), nan=math.inf))) / 40.0
        figures.append(_figure(f"press.rate_{hz}_against_1000hz", "1", worst, 0.02, None))
    return figures


def _figure(name: str, unit: str, value: float, goal: float | None, best: float | None) -> dict[str, Any]:
    met = None if goal is None else value <= goal
    return {"name": name, "unit": unit, "value": value, "goal": goal, "best_published": best, "met": met}
