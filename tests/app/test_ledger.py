"""What a back was given between sessions: heeded, added to whatever became of the run, and never of somebody else."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from massage_arm.app.ledger import add_to_ledger, with_ledger
from massage_arm.app.run import press, replay
from massage_arm.control.dose import DoseMap, dose_bytes, read_dose
from massage_arm.control.plan import PressPlan, SessionPlan
from massage_arm.control.thresholds import thresholds_yaml
from massage_arm.native import InputError
from massage_arm.sim.runs import simulate

SESSION = (
    "schema: massage-arm/session/1\nname: short\nabout: for a test\ntool: thumb\nsource: assumption\nsteps:\n"
    "  - {do: stroke, stroke: compression, site: lumbar_erector_left, seconds: 3, force_n: 15}\n"
)


class Broken(Exception):
    """What ends a run on its way."""


@pytest.fixture
def plan(tmp_path: Path) -> SessionPlan:
    (tmp_path / "short.yaml").write_text(SESSION, encoding="utf-8")
    return SessionPlan(session=str(tmp_path / "short.yaml"))


def test_what_two_sessions_gave_adds_up_and_replays(plan: SessionPlan, tmp_path: Path) -> None:
    file = tmp_path / "me.npz"
    given = []
    for k in range(2):
        now = with_ledger(plan, file)
        press(now, tmp_path / f"run{k}", simulate)
        add_to_ledger(file, tmp_path / f"run{k}", now)
        given.append(read_dose(file).dose.sum())
    assert given[1] == pytest.approx(2.0 * given[0], rel=0.01)
    assert read_dose(file).person == "average"
    assert read_dose(file).left.sum() > 0.95 * given[1]
    assert replay(tmp_path / "run1", simulate).same


def test_what_a_run_gave_that_was_broken_off_counts(plan: SessionPlan, tmp_path: Path) -> None:
    file, begun = tmp_path / "me.npz", with_ledger(plan, tmp_path / "me.npz")

    def fail(simulation: object) -> None:
        if simulation.time > 5.0:  # type: ignore[attr-defined]
            raise Broken

    with pytest.raises(Broken):
        press(begun, tmp_path / "run", simulate, on_progress=fail)
    add_to_ledger(file, tmp_path / "run", begun)
    assert read_dose(file).dose.sum() > 0.0


def test_a_run_that_was_refused_leaves_the_ledger_alone(plan: SessionPlan, tmp_path: Path) -> None:
    add_to_ledger(tmp_path / "me.npz", tmp_path / "nothing", plan)
    assert not (tmp_path / "me.npz").exists()


def test_a_ledger_of_somebody_else_or_from_the_future_is_refused(plan: SessionPlan, tmp_path: Path) -> None:
    file, now = tmp_path / "me.npz", time.time()
    file.write_bytes(dose_bytes(DoseMap(person="1/3", time=now - 60.0)))
    with pytest.raises(InputError, match="1/3 is not allowed; the run is of average"):
        with_ledger(plan, file)
    file.write_bytes(dose_bytes(DoseMap(person="average", time=now + 1e6)))
    with pytest.raises(InputError, match="a clock is wrong"):
        with_ledger(plan, file)
    with pytest.raises(InputError, match="no such folder"):
        with_ledger(plan, tmp_path / "none" / "me.npz")
    with pytest.raises(InputError, match="for a session"):
        with_ledger(PressPlan(), file)


def test_simulated_time_that_runs_ahead_makes_nothing_fade_too_soon(plan: SessionPlan, tmp_path: Path) -> None:
    file, ahead = tmp_path / "me.npz", time.time() + 5000.0
    dose = np.zeros_like(DoseMap().dose)
    dose[50, 30] = 1e6
    file.write_bytes(dose_bytes(DoseMap(person="average", time=ahead, dose=dose, left=dose)))
    begun = with_ledger(plan, file)
    assert begun.began_s >= ahead
    assert read_dose(file).since(begun.began_s).left[50, 30] > 0.99e6


def test_thresholds_of_somebody_else_are_refused_before_anything_begins(plan: SessionPlan, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(thresholds_yaml("1/4", {"lumbar_erector_left": 200.0}, "test"), encoding="utf-8")
    with pytest.raises(InputError, match="the run is of average"):
        press(replace(plan, thresholds=str(own)), tmp_path / "run", simulate)
    assert not (tmp_path / "run").exists()


def test_a_run_with_own_thresholds_replays_once_their_file_is_gone(plan: SessionPlan, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(thresholds_yaml("average", {"lumbar_erector_left": 200.0}, "test"), encoding="utf-8")
    press(replace(plan, thresholds=str(own)), tmp_path / "run", simulate)
    own.unlink()
    assert replay(tmp_path / "run", simulate).same
