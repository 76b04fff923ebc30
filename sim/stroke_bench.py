"""Strokes against their goals, on people who breathe: every figure on the true force, over people and strokes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.spatial.transform import Rotation

from ..control.body import load_body
from ..control.figure import Figure
from ..control.plan import SessionPlan
from ..control.pressure_profile import constant
from ..control.session import SWING_HZ_MAX, Session, Step
from ..control.strokes import Stroke, find_stroke
from ..control.ticks import Ticks
from ..control.wishes import Wish
from ..native import ContactState
from .admittance import AdmittanceController
from .parallel import in_parallel
from .people import find_person
from .session import SessionSimulation
from .simulation import UP

Floats = NDArray[np.float64]

POPULATION = 1
SITE = "lumbar_erector_right"  # its cap of 60 N allows every force below, and no keep-out is near its fibres
GLIDES_N = (5.0, 20.0, 40.0, 60.0)
_SETTLED = 3.0  # s after the asked force is reached, then a stroke counts
_TURNS = 4  # of a wave, at the end, in which its peaks and troughs are read
_COMPARED = 1  # person on whom the baseline is run, too: it is slow Python
_PASSES = 10  # of the same stroke that are compared; it takes up to twice as long where skin bends
_EDGE = 0.01  # s at the end of it that the smoothing spoils
_WISHES = (  # s after the touch
    (6.0, Wish.MORE), (9.0, Wish.LESS), (12.0, Wish.STAY), (15.0, Wish.GO_ON), (17.0, Wish.REPEAT), (19.0, Wish.SKIP),
)  # fmt: skip


@dataclass(frozen=True)
class Trial:
    """One stroke on one person."""

    kind: str
    person: str
    stroke: Stroke
    force_n: float
    seconds: float
    wishes: bool = False
    baseline: bool = False
    """Driven by the admittance controller that is compared with."""


class _Baseline(SessionSimulation):
    make_controller = AdmittanceController


@dataclass(frozen=True)
class Result:
    """What is read off a trial; NaN where the trial does not tell."""

    trial: Trial
    values: dict[str, float]


def stroke_bench(
    people: int,
    jobs: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
    *,
    disturbances: str = "realistic",
) -> list[Figure]:
    """All figures over the first `people` of population 1; a stroke that the controller ended counts as inf."""
    trials = [trial for number in range(people) for trial in stroke_trials(f"{POPULATION}/{number}")]
    compared = [f"{POPULATION}/{number}" for number in range(min(people, _COMPARED))]
    trials += [replace(t, baseline=True) for person in compared for t in stroke_trials(person) if not t.wishes]
    results = []
    work = [(trial, disturbances) for trial in trials]
    for done, result in enumerate(in_parallel(_measure, work, jobs), 1):
        results.append(result)
        if on_progress is not None:
            on_progress(done, len(trials))
    return stroke_figures(results)


def stroke_trials(person: str) -> list[Trial]:
    """The strokes whose figures count, on one person."""
    glide = replace(find_stroke("effleurage_deep"), return_share=1.0, length_mm=100.0, speed_mm_s=40.0)
    still = find_stroke("compression")
    rolling = replace(find_stroke("rolling"), swing_share=24.5 / 30.5)
    slow = replace(still, swing_share=0.5, swing_hz=0.5, tool="palm")
    quick = replace(find_stroke("vibration"), swing_share=0.15, swing_hz=SWING_HZ_MAX)
    return [
        *(Trial(f"glide_{force:g}n", person, glide, force, 25.0) for force in GLIDES_N),
        Trial("rolling", person, rolling, 30.5, 25.0),
        Trial("sine", person, slow, 20.0, 25.0),
        Trial("vibration", person, quick, 20.0, 25.0),
        Trial("hold", person, replace(still, tool="palm"), 60.0, 80.0),
        Trial("passes", person, replace(glide, return_share=0.5), 20.0, 2.0 * _PASSES * glide.turn_s),
        Trial("wishes", person, glide, 20.0, 30.0, wishes=True),
    ]


def run_stroke(trial: Trial, disturbances: str = "realistic") -> tuple[Ticks, SessionSimulation, list[float]]:
    """All ticks of a trial, its simulation (closed), and when [s] wishes were made."""
    step = Step("steps[0]", trial.seconds, trial.stroke, SITE, constant(trial.force_n, trial.seconds))
    steps = [step, step] if trial.wishes else [step]
    session = Session(trial.kind, "", trial.stroke.tool, steps, Path("bench.yaml"))
    number = int(trial.person.split("/")[1])
    plan = SessionPlan(person=trial.person, seed=number, disturbances=disturbances)
    make = _Baseline if trial.baseline else SessionSimulation
    simulation = make(plan, pictured=False, session=session)
    blocks, made = [], []
    wishes = list(_WISHES) if trial.wishes else []
    touched = math.inf
    while (block := simulation.advance(50)) is not None:
        blocks.append(block)
        if touched == math.inf and simulation.contact_state == ContactState.RAMP:
            touched = simulation.time
        while wishes and simulation.time >= touched + wishes[0][0]:
            simulation.session.request(wishes.pop(0)[1])
            made.append(simulation.time)
    simulation.close()
    return np.concatenate(blocks), simulation, made


def _measure(work: tuple[Trial, str]) -> Result:
    trial, disturbances = work
    ticks, simulation, made = run_stroke(trial, disturbances)
    if ticks["causes"].any() or simulation.refusals:
        return Result(trial, dict.fromkeys(_NAMES, math.inf))
    job = simulation.task.jobs[0]
    trial = replace(trial, force_n=min(trial.force_n, job.most_n / (1.0 + trial.stroke.swing_share)))
    values = {"lowered": float(job.lowered != "")}
    values |= _force_values(ticks, trial) | _place_values(ticks, trial, simulation)
    if trial.wishes:
        values |= _wish_values(ticks, made)
    return Result(trial, values)


_NAMES = (
    "rms", "dose", "r2", "peak", "trough", "swing", "lag", "drift", "path", "angle_mean", "angle_max", "cv",
    "force_step", "speed_step",
)  # fmt: skip


def _settled(ticks: Ticks, trial: Trial) -> NDArray[np.bool_]:
    """The stroke itself: from a while after its force was reached until it lets go."""
    pressing = (ticks["contact_state"] == ContactState.RAMP) | (ticks["contact_state"] == ContactState.HOLD)
    reached: NDArray[np.bool_] = pressing & (
        ticks["force_asked"] > 0.9 * trial.force_n * (1.0 - trial.stroke.swing_share)
    )
    if not reached.any():
        return reached
    return np.asarray(pressing & (ticks["time"] > ticks["time"][reached][0] + _SETTLED))


def _force_values(ticks: Ticks, trial: Trial) -> dict[str, float]:
    at = _settled(ticks, trial)
    true, asked, time = ticks["force_true"][at], ticks["force_asked"][at], ticks["time"][at]
    error = true - asked
    values = {"rms": math.sqrt(float(np.mean(error**2))), "dose": abs(float(np.sum(error) / np.sum(asked)))}
    tenth = max(1, len(true) // 8)
    values["drift"] = abs(float(true[-tenth:].mean() - true[:tenth].mean())) / trial.force_n
    hz = trial.stroke.swing_hz
    if trial.stroke.swing_share:
        values |= _wave_values(time, true, asked, hz)
    return values


def _wave_values(time: Floats, true: Floats, asked: Floats, hz: float) -> dict[str, float]:
    """Of a sine: its shape over all of it, its peaks and troughs over the last turns, its lag in degrees."""
    basis = np.column_stack([np.sin(2 * np.pi * hz * time), np.cos(2 * np.pi * hz * time), np.ones_like(time)])
    of = [np.linalg.lstsq(basis, signal, rcond=None)[0] for signal in (true, asked)]
    ratio = complex(of[0][0], of[0][1]) / complex(of[1][0], of[1][1])
    last = (time > time[-1] - _EDGE - _TURNS / hz) & (time < time[-1] - _EDGE)
    turn = np.minimum(np.floor((time[last] - time[last][0]) * hz).astype(int), _TURNS - 1)
    smooth = _smoothed(true, time)[last]  # the noise of one reading is no peak
    peaks, troughs = (np.array([f(smooth[turn == k]) for k in range(_TURNS)]) for f in (np.max, np.min))
    high, low = float(asked[last].max()), float(asked[last].min())
    return {
        "r2": 1.0 - float(np.sum((true - asked) ** 2) / np.sum((true - true.mean()) ** 2)),
        "peak": abs(float(peaks.mean()) - high) / high,
        "trough": abs(float(troughs.mean()) - low) / low,
        "swing": abs(abs(ratio) - 1.0),
        "lag": abs(math.degrees(math.atan2(ratio.imag, ratio.real))),
    }


def _smoothed(values: Floats, time: Floats) -> Floats:
    """Mean over 5 ms."""
    width = max(1, round(0.005 / float(np.median(np.diff(time)))))
    return np.asarray(uniform_filter1d(values, width, mode="nearest"))


def _place_values(ticks: Ticks, trial: Trial, simulation: SessionSimulation) -> dict[str, float]:
    """How far the tool was off its way, on the skin, and off the true surface's normal [deg]."""
    at = np.flatnonzero(_settled(ticks, trial))[::20]
    if trial.stroke.path == "spot" or trial.wishes or not len(at):
        return {}
    way = simulation.task.jobs[0].way
    assert way is not None
    line = np.array([point.position for point in way.sampled(0.001)]) + UP
    field = load_body(find_person(trial.person).body).height_field
    axes = Rotation.from_quat(ticks["tcp_quaternion"][at]).apply([0.0, 0.0, -1.0])
    off, angles = [], []
    for place, depth, axis in zip(ticks["tcp_position"][at], ticks["depth"][at], axes, strict=True):
        _, dx, dy = field.value_and_gradient(place[0], place[1])
        normal = np.array([-dx, -dy, 1.0]) / math.sqrt(1.0 + dx * dx + dy * dy)
        apart = place + depth * normal - line  # of the skin that is pressed; how far in it is pressed is no error
        apart -= (apart @ normal)[:, None] * normal
        off.append(float(np.linalg.norm(apart, axis=1).min()))
        angles.append(math.degrees(math.acos(float(np.clip(axis @ normal, -1.0, 1.0)))))
    values = {"path": 1e3 * max(off), "angle_mean": float(np.mean(angles)), "angle_max": max(angles)}
    if trial.kind == "passes":
        values["cv"] = _variation(ticks, trial, line[-1] - line[0])
    return values


def _variation(ticks: Ticks, trial: Trial, along: Floats) -> float:
    """Coefficient of variation of the mean force of passes, each from one begin of the way (`along` (3,)) to the next.

    Where skin bends a stroke is slower, so that passes are told by where the tool is; NaN where there are too few.
    """
    at = _settled(ticks, trial)
    place, true = ticks["tcp_position"][at] @ along, ticks["force_true"][at]
    middle = 0.5 * (place.max() + place.min())
    begins = np.flatnonzero(np.diff((_smoothed(place, ticks["time"][at]) > middle).astype(int)) > 0)
    begins = begins[np.diff(begins, prepend=-len(place)) > 500]  # half a second: no pass is quicker
    if len(begins) <= _PASSES:
        return math.nan
    means = np.array([true[a:b].mean() for a, b in pairwise(begins[: _PASSES + 1])])
    return float(means.std() / means.mean())


def _wish_values(ticks: Ticks, made: list[float]) -> dict[str, float]:
    """Largest change of the asked force in one cycle [N], and of the tool's velocity in 10 ms [m/s], around wishes."""
    near = np.zeros(len(ticks), bool)
    for time in made:
        near |= (ticks["time"] >= time) & (ticks["time"] < time + 0.5)
    pressing = (ticks["contact_state"] == ContactState.RAMP) | (ticks["contact_state"] == ContactState.HOLD)
    near &= pressing
    steps = np.abs(np.diff(ticks["force_asked"], prepend=ticks["force_asked"][0]))[near]
    width = 10
    velocity = (ticks["tcp_position"][width:] - ticks["tcp_position"][:-width]) / 0.01
    change = np.linalg.norm(velocity[width:] - velocity[:-width], axis=1)
    padded = np.concatenate([change, np.zeros(2 * width)])
    return {"force_step": float(steps.max()), "speed_step": float(padded[near].max())}


def stroke_figures(results: list[Result]) -> list[Figure]:
    """The worst of every figure over people, then the same of the baseline; what is not known counts as inf."""
    ours = _figures([result for result in results if not result.trial.baseline])
    theirs = _figures([result for result in results if result.trial.baseline])
    known = [figure for figure in theirs if "wish" not in figure.name]
    return [*ours, *(Figure(f"baseline.{figure.name}", figure.unit, figure.value) for figure in known)]


def _figures(results: list[Result]) -> list[Figure]:
    def worst(kind: str, name: str) -> float:
        values = [result.values.get(name, math.inf) for result in results if result.trial.kind == kind]
        return max((math.inf if math.isnan(value) else value for value in values), default=math.inf)

    def most(name: str, *kinds: str) -> float:
        return max(worst(kind, name) for kind in kinds)

    glides = [f"glide_{force:g}n" for force in GLIDES_N]
    figures = [
        # Xu et al., multi-mode back massage: below 0.42 N in co-simulation
        Figure(f"strokes.rms_{kind}", "N", worst(kind, "rms"), max(0.20, 0.01 * force), 0.42)
        for kind, force in zip(glides, GLIDES_N, strict=True)
    ]
    lowered = [result.values.get("lowered", 0.0) for result in results if result.trial.kind == glides[-1]]
    shapes = [result.values.get("r2", -math.inf) for result in results if result.trial.kind in ("rolling", "sine")]
    low = min(shapes, default=-math.inf)
    return [
        *figures,
        # How much of the table is of a force that the arm lowered: on steep backs, beside the way
        Figure("strokes.lowered_60n", "1", float(np.mean(lowered)) if lowered else math.inf),
        Figure("strokes.unexplained_waveform", "1", 1.0 - low, 0.01, 0.03),  # Xu et al.: r² above 0.97
        Figure("strokes.rolling_peak_error", "1", worst("rolling", "peak"), 0.02, 0.036),  # CQU: 3.6 %
        Figure("strokes.rolling_trough_error", "1", worst("rolling", "trough"), 0.02, 3.77),  # CQU: 29.7 for 6.2 N
        Figure("strokes.vibration_5hz_swing_error", "1", worst("vibration", "swing"), 0.10),
        Figure("strokes.lag_half_hz", "deg", worst("sine", "lag"), 5.0, 5.76),  # IJRR 2026
        Figure("strokes.angle_mean", "deg", most("angle_mean", *glides), 3.0, 5.97),  # Yuguchi 2024
        Figure("strokes.angle_max", "deg", most("angle_max", *glides), 6.0, 8.26),
        Figure("strokes.hold_drift_60n", "1", worst("hold", "drift"), 0.01),
        Figure("strokes.dose_error", "1", most("dose", *glides, "hold"), 0.02),
        Figure("strokes.repeatability_cv", "1", worst("passes", "cv"), 0.01, 0.15),  # IASTM: 15 to 35 %
        Figure("strokes.wish_force_step", "N", worst("wishes", "force_step"), 1.0),
        Figure("strokes.wish_speed_step", "m/s", worst("wishes", "speed_step")),
        Figure("strokes.path_error", "mm", most("path", *glides), 3.0),
    ]
