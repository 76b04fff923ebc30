"""The names of the speed figures stay the same for ever; what they cost is measured elsewhere."""

import pytest

from bench import step, tick


def test_the_figures_of_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "steps_per_call", lambda steps, native: None)
    monkeypatch.setattr(step, "least_ns", lambda calls, batch: [1000.0, 1050.0])
    monkeypatch.setattr(step, "instructions", lambda: 15149.0)
    monkeypatch.setattr(step, "allocations", lambda: 0.0)
    monkeypatch.setattr(step, "model_ns", lambda urdf: {"ours": 1.0, "pinocchio": 2.0, "pybullet": 4.0})
    figures = {figure.name: figure for figure in step.figures()}
    assert list(figures) == [
        "step.instructions",
        "step.instructions_against_pinocchio",
        "step.time",
        "step.call_overhead",
        "step.allocations",
        "step.model_time",
        "step.model_time_against_pinocchio",
        "step.model_time_against_pybullet",
    ]
    assert figures["step.call_overhead"].value == 50.0
    assert figures["step.model_time_against_pybullet"].value == 0.25


def test_the_figures_of_the_tick() -> None:
    assert [figure.name for figure in tick.figures(batches=1)] == ["tick.bare", "tick.whole", "tick.ratio"]
