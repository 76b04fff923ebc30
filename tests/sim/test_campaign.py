"""A campaign of faults: drawn, judged, kept and gone on with; what it says is what happened."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from massage_arm.control.limits import binding_force, load_walls
from massage_arm.control.plan import PressPlan, check_plan
from massage_arm.control.sites import find_site
from massage_arm.control.ticks import Ticks, tick_dtype
from massage_arm.native import Cause, ContactState, InputError
from massage_arm.sim.campaign import (
    HEALTHY,
    KINDS,
    PAIR,
    FaultRun,
    Outcome,
    campaign,
    draw_run,
    judge,
    outcome,
    safety_figures,
)
from massage_arm.sim.faults import FAULTS, parse_faults
from massage_arm.sim.parallel import in_parallel

QUICK = ("sensor_cut", "encoder_cut")  # kinds whose runs end soon


@given(st.integers(0, 5), st.integers(0, 20_000))
def test_a_run_is_drawn_from_seed_and_number_alone_and_may_be_asked_for(seed: int, number: int) -> None:
    run = draw_run(seed, number)
    assert run == draw_run(seed, number)
    assert run.kind == KINDS[number % len(KINDS)]
    faults = parse_faults(run.plan.faults or "")
    assert len(faults) == (2 if run.kind == PAIR else 1)
    assert run.kind in (PAIR, faults[0].kind)
    for fault in faults:
        assert FAULTS[fault.kind].low <= fault.size <= FAULTS[fault.kind].high
    check_plan(run.plan)


def test_healthy_runs_are_the_default_press_on_ever_new_people() -> None:
    runs = [draw_run(1, number, (HEALTHY,)) for number in range(50)]
    assert len({run.plan.person for run in runs}) == 50
    usual = PressPlan()
    for run in runs:
        same = replace(run.plan, person=usual.person, seed=usual.seed, scan_seed=usual.scan_seed)
        assert same == usual


# What is judged.

RUN = FaultRun(0, 0, "sensor_biased", PressPlan(site="gluteal_left", faults="sensor_biased@1.0:5.0"))
CAP, WALL = binding_force("gluteal_left", "thumb").value, load_walls()[find_site("gluteal_left").area]


def ticks_of(force: list[float], *, cause_at: int | None = None, depth: float = 0.02) -> Ticks:
    ticks = np.zeros(len(force), tick_dtype(7))
    ticks["force_true"] = force
    ticks["depth"] = depth
    ticks["contact_state"] = ContactState.HOLD
    if cause_at is not None:
        ticks["causes"][cause_at:] = int(Cause.OVER_CAP)
    return ticks


def judged(ticks: Ticks, run: FaultRun = RUN, refusals: tuple[str, ...] = ()) -> Outcome:
    simulation: Any = SimpleNamespace(refusals=list(refusals), link_force=3.0)
    return judge(run, ticks, simulation)


def test_times_are_counted_from_the_fault_and_from_being_noticed() -> None:
    force = [40.0] * 1200 + [20.0] * 100 + [4.0] * 700
    got = judged(ticks_of(force, cause_at=1030))
    assert (got.noticed_s, got.unloaded_s) == (pytest.approx(0.030), pytest.approx(0.270))
    assert (got.pinned, got.over_wall, got.causes, got.refused) == (0, 0, ("over cap",), False)


def test_more_than_5_n_long_after_it_was_noticed_is_pinning() -> None:
    got = judged(ticks_of([40.0] * 1000 + [6.0] * 400 + [5.0] * 600, cause_at=1000))
    assert got.pinned == 99  # of the samples later than 0.3 s
    assert judged(ticks_of([40.0] * 1300 + [4.9] * 100 + [6.0] * 7, cause_at=1000)).pinned == 7, "also if it comes back"


def test_nothing_noticed_is_not_pinning_but_has_no_time() -> None:
    got = judged(ticks_of([40.0] * 2000))
    assert math.isnan(got.noticed_s) and math.isnan(got.unloaded_s) and got.pinned == 0


def test_a_cause_before_the_fault_has_a_time_below_zero() -> None:
    assert judged(ticks_of([1.0] * 2000, cause_at=400)).noticed_s == pytest.approx(-0.6)


def test_both_walls_are_seen_by_force_and_by_pressure() -> None:
    force = [40.0] * 100 + [CAP * 1.1] * 30 + [WALL.force_n * 1.01] * 2 + [40.0] * 100
    got = judged(ticks_of(force))
    assert (got.over_wall, got.over_cap_s) == (2, pytest.approx(0.032))
    assert got.over_cap == pytest.approx(WALL.force_n * 1.01 / CAP - 1.0)
    barely = ticks_of([50.0] * 10, depth=0.0)  # on 20 mm² that is 2500 kPa
    assert judged(barely).over_wall == 10


def test_travel_is_counted_into_the_body_from_the_loss() -> None:
    run = replace(RUN, kind="contact_lost", plan=replace(RUN.plan, faults="contact_lost@0.5:0.0"))
    ticks = ticks_of([40.0] * 1000)
    ticks["press_direction"] = (0.0, 0.0, -1.0)
    ticks["tcp_position"][:, 2] = np.interp(np.arange(1000), [0, 500, 600, 999], [1.0, 0.99, 0.98, 1.1])
    assert judged(ticks, run).travel_m == pytest.approx(0.01, abs=1e-4)
    ticks["contact_state"] = ContactState.APPROACH
    assert math.isnan(judged(ticks, run).travel_m), "nothing was pressed, nothing was lost"


def test_figures_count_what_the_goals_are_about() -> None:
    fine = judged(ticks_of([40.0] * 1040 + [0.0] * 900, cause_at=1005))
    outcomes = [
        fine,
        replace(fine, number=1, kind="sensor_cut", noticed_s=0.012),
        replace(fine, number=2, kind="sensor_nan", noticed_s=math.nan),
        replace(fine, number=3, kind="set_point_stale", noticed_s=0.105),
        replace(fine, number=4, kind="sensor_cut", noticed_s=-1.0),
        replace(fine, number=5, over_cap=0.3, over_cap_s=0.2, over_wall=3, pinned=1, unloaded_s=0.4),
        replace(fine, number=6, kind=HEALTHY),
    ]
    got = {figure.name.removeprefix("faults."): (figure.value, figure.met) for figure in safety_figures(outcomes)}
    assert got["runs"][0] == 6
    assert got["healthy_runs_stopped"] == (1, False)
    assert got["runs_stopped_before_the_fault"] == (1, None)
    assert got["samples_above_outer_wall"] == (3, False)
    assert got["runs_pinned"] == (1, False)
    assert got["share_above_inner_wall"] == (pytest.approx(1 / 6), False)
    assert got["most_above_inner_wall"] == (0.3, False)
    assert got["longest_above_inner_wall"] == (0.2, False)
    assert got["slowest_quick_detection"] == (0.012, False)
    assert got["slowest_unloading"] == (0.4, False)


# What is kept.


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Outcome]]:
    store = tmp_path_factory.mktemp("campaign") / "faults.jsonl"
    return store, campaign(4, 0, 2, QUICK, store=store)


def again(store: Path, text: str | bytes) -> Path:
    copy = store.with_name("copy.jsonl")
    copy.write_bytes(text if isinstance(text, bytes) else text.encode())
    return copy


def test_runs_come_in_order_and_are_the_same_alone(four: tuple[Path, list[Outcome]]) -> None:
    _, outcomes = four
    assert [one.number for one in outcomes] == [0, 1, 2, 3]
    assert repr(outcome(draw_run(0, 2, QUICK))) == repr(outcomes[2])  # NaN is not equal to itself


def test_a_campaign_that_was_cut_goes_on_where_it_was(four: tuple[Path, list[Outcome]]) -> None:
    store, outcomes = four
    lines = store.read_text().splitlines(keepends=True)
    marked = json.dumps({**json.loads(lines[1]), "peak_n": 77.0}) + "\n"
    copy = again(store, lines[0] + marked + lines[2] + lines[3][:40])
    seen = []
    results = campaign(4, 0, 1, QUICK, store=copy, on_progress=lambda done, total: seen.append((done, total)))
    assert results[0].peak_n == 77.0, "what was kept is not done again"
    assert [repr(one) for one in results[1:]] == [repr(one) for one in outcomes[1:]]
    assert seen == [(2, 4), (3, 4), (4, 4)]
    assert copy.read_text() == lines[0] + marked + "".join(lines[2:])


def test_an_empty_file_begins_a_campaign_and_more_runs_may_be_asked_for(four: tuple[Path, list[Outcome]]) -> None:
    store, outcomes = four
    copy = again(store, "")
    assert repr(campaign(1, 0, 1, QUICK, store=copy)) == repr(outcomes[:1])
    assert repr(campaign(2, 0, 1, QUICK, store=copy)) == repr(outcomes[:2])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda head: {**head, "seed": 1}, ":1: holds another campaign"),
        (lambda head: {**head, "kinds": ["bone"]}, ":1: holds another campaign"),
        (lambda head: {**head, "code": "0"}, ":1: holds another campaign, or one of other code"),
        (lambda head: "x", ":1: holds another campaign"),
    ],
)
def test_another_campaign_is_refused_and_left_alone(four: tuple[Path, list[Outcome]], change: Any, said: str) -> None:
    head, *rest = four[0].read_text().splitlines(keepends=True)
    copy = again(four[0], json.dumps(change(json.loads(head))) + "\n" + "".join(rest))
    before = copy.read_bytes()
    with pytest.raises(InputError, match=said):
        campaign(4, 0, 1, QUICK, store=copy)
    assert copy.read_bytes() == before


@pytest.mark.parametrize("text", [b"\xff\xfe\x00\n", b"{\n", b'{"schema": 1}\n{"number": 3}\n'])
def test_a_file_that_is_no_campaign_is_refused_and_left_alone(four: tuple[Path, list[Outcome]], text: bytes) -> None:
    copy = again(four[0], text)
    with pytest.raises(InputError, match=r"copy\.jsonl"):
        campaign(4, 0, 1, QUICK, store=copy)
    assert copy.read_bytes() == text


def test_a_kind_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="kind: 'nonsense' is not known; one of sensor_stuck,"):
        campaign(1, 0, 1, ("nonsense",))


# The processes.


def failing(number: int) -> int:
    if number == 3:
        raise ValueError("three")
    return 10 * number


def test_results_come_in_order_and_an_error_ends_it() -> None:
    assert list(in_parallel(failing, [1, 2], 2)) == [10, 20]
    results = in_parallel(failing, [1, 2, 3, *range(4, 400)], 2)
    assert [next(results), next(results)] == [10, 20]
    with pytest.raises(ValueError, match="three"):
        next(results)


def test_workers_end_with_the_program_even_when_it_is_killed(tmp_path: Path) -> None:
    code = (
        "import os, time\n"
        "from massage_arm.sim.parallel import in_parallel\n"
        "def work(folder):\n"
        "    open(f'{folder}/{os.getpid()}', 'w').close()\n"
        "    time.sleep(60)\n"
        f"if __name__ == '__main__': list(in_parallel(work, [{str(tmp_path)!r}] * 2, 2))\n"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    program = subprocess.Popen([sys.executable, str(script)])
    pids: list[int] = []
    until = time.monotonic() + 60.0
    while len(pids) < 2 and time.monotonic() < until:
        time.sleep(0.1)
        pids = [int(path.name) for path in tmp_path.iterdir() if path.name.isdigit()]
    program.send_signal(signal.SIGKILL)
    program.wait()
    while any(map(alive, pids)) and time.monotonic() < until:
        time.sleep(0.1)
    assert len(pids) == 2 and not any(map(alive, pids))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.parametrize("number", [352, 1505, 7574, 8399])
def test_nobody_is_pinned_any_more_in_the_runs_in_which_somebody_was(number: int) -> None:
    """Of the 10,000 in docs/safety_case.md: caught up with, force channels that differ, a dead wrist, a tare of NaN."""
    assert outcome(draw_run(0, number)).pinned == 0
