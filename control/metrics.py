"""How good a press was, from its ticks alone.

Everything is judged on the **true** contact force of the simulation, never on the measured one: what the person feels
counts. On a real arm the true force is NaN, and so are these figures (`value` NaN, `met` None). Goals: steady error,
RMS error, overshoot and contact peak as the project's press bench asks them.
"""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ..native import ContactState
from .figure import Figure
from .heart import heart_rate, intervals_of, rmssd
from .plan import PressPlan, SessionPlan
from .ticks import Ticks

Mask = npt.NDArray[np.bool_]
Signal = npt.NDArray[np.float64]

TOUCH_THRESHOLD_N = 3.0
"""Force at which the arm takes it that it touches; pressing less while looking for the surface is not a peak."""
_SETTLING_S = 2.0  # the first seconds of the hold belong to the ramp's tail, not to the hold's error
_STEADY_S = 30.0
_TOUCHING_S = 0.2  # an impact peaks this soon after the touch or not at all


def metrics(ticks: Ticks, plan: PressPlan | SessionPlan) -> list[Figure]:
    """All figures of a run of `plan`, in the order in which a person wants to read them."""
    return _of_press(ticks, plan) if isinstance(plan, PressPlan) else _of_session(ticks)


def _of_press(ticks: Ticks, plan: PressPlan) -> list[Figure]:
    force = plan.force_n
    figures = [
        Figure("steady_error", "N", steady_error(ticks), max(0.05, 0.002 * force)),
        Figure("steady_error_beyond_sensor", "N", steady_error_beyond_sensor(ticks), max(0.05, 0.002 * force)),
        Figure("rms_error", "N", rms_error(ticks), max(0.20, 0.01 * force)),
        Figure("max_error", "N", max_error(ticks)),
        Figure("overshoot", "N", overshoot(ticks, force), max(0.5, 0.05 * force)),
        Figure("contact_peak", "N", contact_peak(ticks), max(0.5, 0.05 * force)),
    ]
    return figures + _of_any(ticks)


def _of_session(ticks: Ticks) -> list[Figure]:
    working = _working(ticks)
    error = (ticks["force_true"] - ticks["force_asked"])[working]
    asked = ticks["force_asked"][working]
    mean = float(asked.mean()) if working.any() else math.nan
    figures = [
        Figure("rms_error", "N", math.sqrt(_of(np.mean, error**2)), max(0.20, 0.01 * mean)),
        Figure("max_error", "N", _largest(np.abs(error))),
        Figure("mean_force", "N", mean),
        Figure("contact_peak", "N", contact_peak(ticks)),
        Figure("strokes", "", float(np.count_nonzero(np.diff(working.astype(int)) == 1))),
    ]
    return figures + _of_any(ticks)


def _of_any(ticks: Ticks) -> list[Figure]:
    beat_intervals = intervals_of(ticks["time"], ticks["beats"])
    figures = [
        Figure("peak_force", "N", _largest(ticks["force_true"])),
        Figure("dose", "N·s", dose(ticks)),
        Figure("max_depth", "mm", 1e3 * _largest(ticks["depth"])),
        Figure("max_torque_share", "%", 100 * _largest(ticks["torque_share"])),
        Figure("max_pain", "of 10", _largest(ticks["pain"])),
        Figure("max_tone", "%", 100 * _largest(ticks["tone"])),
        Figure("release", "%", 100 * _last(ticks["release"], _state(ticks, ContactState.HOLD))),
        Figure("heart_rate", "1/min", heart_rate(beat_intervals)),
        Figure("rmssd", "ms", 1e3 * rmssd(beat_intervals)),
        Figure("worst_sensor_error", "N", _largest(np.abs(ticks["force_measured"] - ticks["force_true"]))),
    ]
    times = time_in_states(ticks)
    figures += [Figure(f"time_{state.name.lower()}", "s", times[state]) for state in ContactState]
    return figures


def steady_error(ticks: Ticks) -> float:
    """Mean of true minus asked force (N) over the last 30 s of the hold, or its last half if that is shorter."""
    return _mean(ticks["force_true"] - ticks["force_asked"], _steady(ticks))


def steady_error_beyond_sensor(ticks: Ticks) -> float:
    """`steady_error` less what the sensor itself reads wrong: mean of measured minus asked force (N), same window.

    No controller can do better than its sensor; this is the part that the controller answers for.
    """
    return _mean(ticks["force_measured"] - ticks["force_asked"], _steady(ticks))


def rms_error(ticks: Ticks) -> float:
    """Root mean square of true minus asked force (N) in the hold after its first 2 s, breathing and noise included."""
    return math.sqrt(_mean((ticks["force_true"] - ticks["force_asked"]) ** 2, _hold(ticks, _SETTLING_S)))


def max_error(ticks: Ticks) -> float:
    """Largest |true minus asked| force (N) in the hold after its first 2 s."""
    return _largest(np.abs(ticks["force_true"] - ticks["force_asked"])[_hold(ticks, _SETTLING_S)])


def overshoot(ticks: Ticks, target: float) -> float:
    """How far (N, at least 0) the true force rises above `target` (N) in the ramp and the first 2 s of the hold."""
    early = _state(ticks, ContactState.RAMP) | (_hold(ticks, 0.0) & ~_hold(ticks, _SETTLING_S))
    return _above(ticks["force_true"] - target, early)


def contact_peak(ticks: Ticks) -> float:
    """How far (N, at least 0) the true force rises above what is meant at first contact.

    Looked at: approach, touch, and the first 0.2 s after, where an impact still shows. Meant: the touch threshold (3
    N), or the force reference once that is higher.
    """
    searching = _state(ticks, ContactState.APPROACH) | _state(ticks, ContactState.TOUCH)
    if searching.any():
        last = ticks["time"][searching][-1]
        searching |= (ticks["time"] > last) & (ticks["time"] <= last + _TOUCHING_S)
    meant = np.fmax(ticks["force_reference"], TOUCH_THRESHOLD_N)
    return _above(ticks["force_true"] - meant, searching)


def dose(ticks: Ticks) -> float:
    """Integral of the true force over the run (N·s)."""
    return float(np.sum(ticks["force_true"] * _durations(ticks)))


def time_in_states(ticks: Ticks) -> dict[ContactState, float]:
    """Time (s) spent in each contact state; a tick counts until the next one."""
    durations = _durations(ticks)
    return {state: float(np.sum(durations[_state(ticks, state)])) for state in ContactState}


def _working(ticks: Ticks) -> Mask:
    """Ticks in ramp or hold, without the first 2 s of each contact, in which the tool settles."""
    pressing = _state(ticks, ContactState.RAMP) | _state(ticks, ContactState.HOLD)
    begins = np.flatnonzero(np.diff(pressing.astype(int), prepend=0) == 1)
    if not len(begins):
        return pressing
    since = (
        ticks["time"]
        - ticks["time"][begins[np.maximum(0, np.searchsorted(begins, np.arange(len(ticks)), "right") - 1)]]
    )
    return np.asarray(pressing & (since > _SETTLING_S))


def _state(ticks: Ticks, state: ContactState) -> Mask:
    return np.asarray(ticks["contact_state"] == state)


def _hold(ticks: Ticks, after: float) -> Mask:
    """Ticks of the hold, from `after` seconds behind its begin on."""
    hold = _state(ticks, ContactState.HOLD)
    time: Signal = ticks["time"]
    return hold & (time >= float(time[hold][0]) + after) if hold.any() else hold


def _steady(ticks: Ticks) -> Mask:
    """The last 30 s of the hold, or its last half when that is less."""
    hold = _state(ticks, ContactState.HOLD)
    if not hold.any():
        return hold
    time: Signal = ticks["time"]
    first, last = float(time[hold][0]), float(time[hold][-1])
    return hold & (time > last - min(_STEADY_S, (last - first) / 2))


def _durations(ticks: Ticks) -> Signal:
    """How long (s) each tick lasts; the last one as long as the one before."""
    if len(ticks) < 2:
        return np.zeros(len(ticks))
    steps: Signal = np.diff(ticks["time"])
    return np.append(steps, steps[-1])


def _of(statistic: Callable[[Signal], np.floating], values: Signal) -> float:
    """A statistic that is NaN, not an error, over nothing."""
    return float(statistic(values)) if len(values) else math.nan


def _mean(values: Signal, where: Mask) -> float:
    return _of(np.mean, values[where])


def _last(values: Signal, where: Mask) -> float:
    return float(values[where][-1]) if where.any() else math.nan


def _largest(values: Signal) -> float:
    return _of(np.max, values)


def _above(excess: Signal, where: Mask) -> float:
    """The largest `excess`, at least 0; NaN when unknown."""
    return float(np.maximum(0.0, _largest(excess[where])))
