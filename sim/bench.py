"""The press against its goals: every figure over many seeds, the worst one counts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..control.figure import Figure
from ..control.metrics import metrics
from ..control.plan import PressPlan
from ..control.ticks import Ticks
from ..native import ContactState
from .disturbances import load_disturbances
from .parallel import in_parallel
from .press import PressSimulation

Floats = NDArray[np.float64]

SITE = "lumbar_erector_right"  # its cap of 60 N allows every force below
FORCES_N = (5.0, 20.0, 40.0, 60.0)
RATES_HZ = (250, 500, 1000)
_SURFACE_OFF = -0.020  # m: the skin comes 20 mm before it is expected
_CURVE = 601  # samples of a response that is compared with another


@dataclass(frozen=True)
class Trial:
    """One simulated press of the bench: a hold, a ramp, a first contact, or a response at a control rate."""

    kind: str
    plan: PressPlan
    surface_off: float | None = None


@dataclass(frozen=True)
class Result:
    """What is read off a trial: the figures of the run, and the force (N) from the ramp's begin to 1 s of the hold."""

    trial: Trial
    figures: dict[str, Figure]
    curve: Floats


def press_bench(
    seeds: Iterable[int],
    jobs: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
    *,
    disturbances: str = "realistic",
) -> list[Figure]:
    """All figures of the press over `seeds`, in `jobs` processes; a press that the controller stopped counts as inf."""
    load_disturbances(disturbances)  # a name that is not known is refused here, not in a process
    trials = [trial for seed in seeds for trial in press_trials(seed, disturbances)]
    results = []
    for done, result in enumerate(in_parallel(_measure, trials, jobs), 1):
        results.append(result)
        if on_progress is not None:
            on_progress(done, len(trials))
    return press_figures(results)


def press_trials(seed: int, disturbances: str = "realistic") -> list[Trial]:
    """The presses whose figures count, for one seed."""
    plan = PressPlan(site=SITE, disturbances=disturbances, seed=seed)
    holds = [replace(plan, force_n=f, ramp_s=max(1.0, f / 50), hold_s=60.0) for f in FORCES_N]
    ramp = replace(plan, force_n=40.0, ramp_s=1.0, hold_s=4.0)
    return [
        *(Trial("hold", plan) for plan in holds),
        Trial("ramp", ramp),
        *(Trial("contact", replace(plan, approach_mm_s=50.0, hold_s=1.0), _SURFACE_OFF) for plan in holds),
        *(Trial("rate", replace(ramp, control_hz=hz, ramp_s=2.0)) for hz in RATES_HZ),
    ]


def run_press(trial: Trial) -> Ticks:
    """All ticks of a trial."""
    simulation = PressSimulation(trial.plan, surface_off=trial.surface_off)
    try:
        blocks = []
        while (block := simulation.advance(200)) is not None:
            blocks.append(block)
    finally:
        simulation.close()
    return np.concatenate(blocks)


def _measure(trial: Trial) -> Result:
    ticks = run_press(trial)
    figures = {figure.name: figure for figure in metrics(ticks, trial.plan)}
    hold = ticks["contact_state"] == ContactState.HOLD
    if ticks["causes"][-1] != 0.0 or not hold.any():
        return Result(trial, {name: replace(f, value=math.inf) for name, f in figures.items()}, np.full(_CURVE, np.inf))
    begun = ticks["time"][hold][0]
    times = np.linspace(begun - trial.plan.ramp_s, begun + 1.0, _CURVE)
    return Result(trial, figures, np.interp(times, ticks["time"], ticks["force_true"]))


def press_figures(results: list[Result]) -> list[Figure]:
    """The worst of every figure; one that is not known counts as inf, so that it cannot pass for a good one."""

    def worst(kind: str, name: str, force: float) -> float:
        values = [r.figures[name].value for r in results if r.trial.kind == kind and r.trial.plan.force_n == force]
        return max(math.inf if math.isnan(value) else abs(value) for value in values)

    figures = []
    for force in FORCES_N:
        steady_goal, rms_goal = max(0.05, 0.002 * force), max(0.20, 0.01 * force)
        figures += [
            # Actuators 2026 (act15060333), infant phantom, light force: below 0.01 N
            Figure(
                f"press.steady_error_{force:g}n", "N", worst("hold", "steady_error_beyond_sensor", force),
                steady_goal, 0.01,
            ),
            Figure(f"press.steady_error_with_drift_{force:g}n", "N", worst("hold", "steady_error", force)),
            # Xu et al., multi-mode back massage: below 0.42 N in co-simulation
            Figure(f"press.rms_breathing_{force:g}n", "N", worst("hold", "rms_error", force), rms_goal, 0.42),
        ]  # fmt: skip
    figures.append(Figure("press.overshoot_40n_1s", "N", worst("ramp", "overshoot", 40.0), 2.0))
    peaks = [worst("contact", "contact_peak", force) / max(0.5, 0.05 * force) for force in FORCES_N]
    figures.append(Figure("press.contact_peak_share_of_allowed", "1", max(peaks), 1.0))
    curves = {hz: np.array([r.curve for r in results if _rate(r) == hz]) for hz in RATES_HZ}
    for hz in RATES_HZ[:-1]:
        apart = np.nan_to_num(np.abs(curves[hz] - curves[RATES_HZ[-1]]), nan=math.inf, posinf=math.inf)
        figures.append(Figure(f"press.rate_{hz}_against_1000hz", "1", float(apart.max()) / 40.0, 0.02))
    return figures


def _rate(result: Result) -> int | None:
    return result.trial.plan.control_hz if result.trial.kind == "rate" else None
