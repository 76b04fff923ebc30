"""What the stroke bench makes of its results: the worst counts, and what is not known is never good."""

import math
from dataclasses import replace

from massage_arm.sim.stroke_bench import Result, stroke_figures, stroke_trials

GOOD = {"r2": 0.999} | dict.fromkeys(
    ("rms", "dose", "peak", "trough", "swing", "lag", "drift", "path", "angle_mean", "angle_max", "cv"), 0.001
)
WISHES = {"force_step": 0.004, "speed_step": 0.001}


def results() -> list[Result]:
    """Of two people, and of the baseline, which nobody wishes anything of."""
    ours = [t for person in ("1/0", "1/1") for t in stroke_trials(person)]
    theirs = [replace(t, baseline=True) for t in stroke_trials("1/0") if not t.wishes]
    return [Result(t, dict(GOOD | WISHES)) for t in ours + theirs]


def test_every_goal_is_met_by_good_results_and_the_baseline_has_none() -> None:
    figures = stroke_figures(results())
    ours = [figure for figure in figures if figure.name.startswith("strokes.")]
    theirs = [figure for figure in figures if figure.name.startswith("baseline.")]
    assert len(ours) == len(theirs) + 2 == 18
    assert all(figure.met is not False for figure in ours)
    assert all(figure.met is None and math.isfinite(figure.value) for figure in theirs)


def test_how_many_were_lowered_is_told_beside_the_figures() -> None:
    mixed = results()
    for result in mixed:
        result.values["lowered"] = float(result.trial.person == "1/1")
    assert {f.name: f.value for f in stroke_figures(mixed)}["strokes.lowered_60n"] == 0.5


def test_the_worst_person_counts_and_an_unknown_value_is_a_miss() -> None:
    mixed = results()
    for result in mixed:
        if result.trial.person == "1/1" and result.trial.kind == "rolling":
            result.values.update({"trough": 0.5, "peak": math.nan})
        if result.trial.person == "1/1" and result.trial.kind == "hold":
            del result.values["drift"]
    missed = {figure.name: figure.value for figure in stroke_figures(mixed) if figure.met is False}
    assert missed == {
        "strokes.rolling_trough_error": 0.5, "strokes.rolling_peak_error": math.inf, "strokes.hold_drift_60n": math.inf,
    }  # fmt: skip
