"""Every kind of fault does what it says, and no other thing; a press in PyBullet notices it and lets go."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from massage_arm.control.plan import PressPlan
from massage_arm.control.ticks import Ticks
from massage_arm.native import ArmState, Command, InputError, SetPoint
from massage_arm.sim.campaign import FaultRun, Outcome, draw_run, judge
from massage_arm.sim.faults import FAULTS, FROM_THE_START, Fault, draw_fault, parse_faults
from massage_arm.sim.injector import Injector
from massage_arm.sim.press import PressSimulation
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ONSET = 0.2  # s
G = 9.81  # m/s²
PLAN = PressPlan(force_n=30.0, hold_s=2.0, release_s=1.0)


# What is drawn.


@given(kind=st.sampled_from(sorted(FAULTS)), seed=st.integers(0, 2**63), latest=st.floats(0.01, 20.0))
def test_a_drawn_fault_lies_in_its_range(kind: str, seed: int, latest: float) -> None:
    fault, what = draw_fault(kind, np.random.default_rng(seed), latest), FAULTS[kind]
    assert fault.kind == kind
    assert what.low * (1.0 - 1e-12) <= fault.size <= what.high * (1.0 + 1e-12)
    assert fault.at == 0.0 if kind in FROM_THE_START else 0.0 <= fault.at <= latest + 0.5e-3
    assert fault == draw_fault(kind, np.random.default_rng(seed), latest)


@pytest.mark.parametrize("kind", FAULTS)
def test_draws_fill_the_range_and_the_time(kind: str) -> None:
    rng, what = np.random.default_rng(1), FAULTS[kind]
    drawn = [draw_fault(kind, rng, 7.0) for _ in range(1000)]
    sizes, times = np.array([f.size for f in drawn]), np.array([f.at for f in drawn])
    if what.high > what.low > 0.0:
        share = np.log(sizes / what.low) / math.log(what.high / what.low)
    else:
        share = (sizes - what.low) / max(1e-9, what.high - what.low)
    if what.high > what.low:
        assert share.min() < 0.02 and share.max() > 0.98 and abs(share.mean() - 0.5) < 0.05
    if kind not in FROM_THE_START:
        assert times.min() < 0.1 and times.max() > 6.9 and abs(times.mean() - 3.5) < 0.3
    assert len({f.joint % 7 for f in drawn}) == 7 and len({f.seed for f in drawn}) > 990


@pytest.mark.parametrize("number", [0, 7, 34, 35, 71])
def test_seed_and_number_alone_say_what_goes_wrong(number: int) -> None:
    assert draw_run(5, number) == draw_run(5, number)
    others = [draw_run(6, number), draw_run(5, number + len(FAULTS) + 1)]
    assert all(other.plan.faults != draw_run(5, number).plan.faults for other in others)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sensor_gone@1", "'sensor_gone' is not known; one of sensor_stuck, "),
        ("sensor_cut", r"'sensor_cut' is not allowed; KIND@SECONDS"),
        ("sensor_cut@x", r"KIND@SECONDS\[:SIZE"),
        ("sensor_cut@1:0:0:0:0", r"KIND@SECONDS\[:SIZE"),
        ("sensor_cut@-1", "-1 s is not allowed; a finite number from 0 up is"),
        ("sensor_cut@nan", "nan s is not allowed"),
        ("sensor_biased@1:41", "41 is not allowed; from 2 to 40 N is"),
        ("sensor_biased@1:nan", "nan is not allowed; from 2"),
    ],
)
def test_a_fault_that_is_none_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=f"faults: .*{said}"):
        parse_faults(f"bone@0, {text}")


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_reads_back_as_it_is_written(kind: str) -> None:
    drawn = tuple(draw_fault(kind, np.random.default_rng(k), 7.0) for k in range(20))
    assert parse_faults(", ".join(map(str, drawn))) == drawn
    assert parse_faults(f"{kind}@2")[0] == Fault(kind, 2.0, FAULTS[kind].middle)


def failing(plan: PressPlan, *faults: Fault) -> PressPlan:
    return replace(plan, faults=", ".join(map(str, faults)))


# What the controller reads: a reading that is known goes through the injector, before and after the fault.


@pytest.fixture(scope="module")
def arm() -> Iterator[PressSimulation]:
    """A press that stands still, for faults that need to know the arm."""
    simulation = PressSimulation(PLAN)
    yield simulation
    simulation.close()


@dataclass
class Seen:
    """What was true and what was seen, row by row; `after` marks the rows from the onset on."""

    true: dict[str, Floats]
    seen: dict[str, Floats]
    after: NDArray[np.bool_]

    def off(self, name: str) -> Floats:
        """Seen less true, from the onset on."""
        difference: Floats = (self.seen[name] - self.true[name])[self.after]
        return difference


def _row(s: ArmState) -> dict[str, object]:
    names = ("time", "wrench_time", "has_wrench")
    return {name: getattr(s, name) for name in names} | {n: getattr(s, n).copy() for n in ("q", "dq", "wrench")}


def see(arm: PressSimulation, fault: Fault, seconds: float = 1.0) -> Seen:
    """A second of readings that change all the time, seen through a fault."""
    injector, rows = Injector([fault], arm), []
    for time in np.arange(round(seconds * 1e3)) * 1e-3:
        true = ArmState(arm.model.n)
        true.time = true.wrench_time = time
        true.has_wrench = True
        true.q[:] = 0.1 * np.arange(true.n) + 0.05 * math.sin(9.0 * time)
        true.dq[:] = 0.45 * math.cos(9.0 * time)
        true.wrench[:] = np.arange(1, 7) + math.sin(20.0 * time)
        injector.pass_time(time)
        rows.append((_row(true), _row(injector.read(true))))
    true_rows, seen_rows = ({n: np.array([r[k][n] for r in rows], float) for n in rows[0][0]} for k in (0, 1))
    return Seen(true_rows, seen_rows, true_rows["time"] >= fault.at)


READINGS = [
    *(kind for kind in FAULTS if kind.startswith(("sensor", "encoder"))), "clock_jump", "tool_falls", "tool_heavier",
]  # fmt: skip


def fault_of(kind: str, seed: int = 1, size: float | None = None, joint: int = 3, at: float = ONSET) -> Fault:
    what = FAULTS[kind]
    middle = math.sqrt(what.low * what.high) if what.low > 0.0 else 0.5 * (what.low + what.high)
    return Fault(kind, 0.0 if kind in FROM_THE_START else at, middle if size is None else size, joint, seed)


@pytest.mark.parametrize("kind", [kind for kind in READINGS if kind not in FROM_THE_START])
def test_before_its_time_a_fault_changes_nothing_that_is_read(arm: PressSimulation, kind: str) -> None:
    s = see(arm, fault_of(kind))
    for name, values in s.true.items():
        assert np.array_equal(values[~s.after], s.seen[name][~s.after]), name


@pytest.mark.parametrize("kind", READINGS)
def test_a_fault_of_a_reading_changes_that_reading_alone(arm: PressSimulation, kind: str) -> None:
    s = see(arm, fault_of(kind))
    changed = {name for name in s.true if not np.array_equal(s.true[name], s.seen[name], equal_nan=True)}
    if kind in ("sensor_cut", "sensor_delayed"):
        assert changed and changed <= {"wrench", "wrench_time", "has_wrench"}
    elif kind.startswith(("sensor", "tool")):
        assert changed == {"wrench"}
    elif kind.startswith("encoder"):
        assert changed <= {"q", "dq"} and "q" in changed
        assert not (s.seen["q"] != s.true["q"])[:, [0, 1, 2, 4, 5, 6]].any(), "the other joints are read as they are"
    else:
        assert changed == {"time"}


def test_a_stuck_sensor_repeats_a_reading_with_fresh_stamps(arm: PressSimulation) -> None:
    s = see(arm, fault_of("sensor_stuck"))
    assert np.all(s.seen["wrench"][s.after] == s.true["wrench"][s.after][0])
    assert np.array_equal(s.seen["wrench_time"], s.true["wrench_time"])


@pytest.mark.parametrize("size", [2.0, 40.0])
def test_a_biased_sensor_is_off_by_a_constant_force(arm: PressSimulation, size: float) -> None:
    off = see(arm, fault_of("sensor_biased", size=size)).off("wrench")
    assert np.allclose(off, off[0]) and np.linalg.norm(off[0, :3]) == pytest.approx(size)
    assert not off[:, 3:].any()


def test_a_bias_points_along_the_tool_more_than_across_and_either_way(arm: PressSimulation) -> None:
    along = np.array([see(arm, fault_of("sensor_biased", seed, 1.0), 0.21).off("wrench")[0, 2] for seed in range(60)])
    assert np.median(np.abs(along)) > 0.8
    assert 15 < np.count_nonzero(along > 0.0) < 45


def test_a_jumping_sensor_leaps_ten_times_a_second(arm: PressSimulation) -> None:
    off = np.linalg.norm(see(arm, fault_of("sensor_jumping", size=30.0), 1.2).off("wrench")[:, :3], axis=1)
    assert np.all((off < 1e-9) | (np.abs(off - 30.0) < 1e-9))
    assert np.count_nonzero(np.abs(np.diff(off)) > 1.0) in (9, 10)


def test_a_drifting_sensor_runs_away_at_its_rate(arm: PressSimulation) -> None:
    off = np.linalg.norm(see(arm, fault_of("sensor_drifting", size=20.0)).off("wrench")[:, :3], axis=1)
    assert np.allclose(off, 20.0 * np.arange(len(off)) * 1e-3, atol=1e-6)


def test_a_noisy_sensor_strays_by_its_size(arm: PressSimulation) -> None:
    off = see(arm, fault_of("sensor_noisy", size=10.0), 3.0).off("wrench")
    assert np.allclose(off[:, :3].std(axis=0), 10.0, rtol=0.1) and np.abs(off[:, :3].mean(axis=0)).max() < 1.0


def test_a_late_sensor_gives_old_readings_with_their_true_stamp(arm: PressSimulation) -> None:
    s = see(arm, fault_of("sensor_delayed", size=30.0))
    late = s.after & (s.true["time"] > ONSET + 0.05)
    assert np.allclose((s.true["wrench_time"] - s.seen["wrench_time"])[late], 0.030)
    assert np.allclose(s.seen["wrench"][late], s.true["wrench"][np.flatnonzero(late) - 30])


def test_a_flipped_sensor_has_the_wrong_sign(arm: PressSimulation) -> None:
    s = see(arm, fault_of("sensor_flipped"))
    assert np.array_equal(s.seen["wrench"][s.after], -s.true["wrench"][s.after])


@pytest.mark.parametrize("seed", [0, 1])
def test_a_cut_sensor_is_silent_and_says_so_or_not(arm: PressSimulation, seed: int) -> None:
    s = see(arm, fault_of("sensor_cut", seed))
    if seed:
        assert not s.seen["has_wrench"][s.after].any()
    else:
        assert np.ptp(s.seen["wrench_time"][s.after]) == 0.0 and s.seen["has_wrench"].all()


@pytest.mark.parametrize("joint", range(6))
def test_nan_in_one_place_of_the_reading(arm: PressSimulation, joint: int) -> None:
    s = see(arm, fault_of("sensor_nan", joint=joint))
    nan = np.isnan(s.seen["wrench"])
    assert nan[s.after, joint].all() and nan.sum() == s.after.sum()


def test_a_stuck_encoder_stands_with_speed_zero(arm: PressSimulation) -> None:
    s = see(arm, fault_of("encoder_stuck"))
    assert np.all(s.seen["q"][s.after, 3] == s.true["q"][s.after, 3][0])
    assert not s.seen["dq"][s.after, 3].any()


@pytest.mark.parametrize(("seed", "sign"), [(0, -1.0), (1, 1.0)])
def test_an_encoder_that_jumps_stays_off(arm: PressSimulation, seed: int, sign: float) -> None:
    off = see(arm, fault_of("encoder_jumping", seed, 200.0)).off("q")
    assert np.allclose(off[:, 3], sign * 0.2)


def test_a_cut_encoder_reads_nan(arm: PressSimulation) -> None:
    s = see(arm, fault_of("encoder_cut"))
    assert np.isnan(s.seen["q"][s.after, 3]).all() and np.isnan(s.seen["dq"][s.after, 3]).all()


@pytest.mark.parametrize(("seed", "sign"), [(0, -1.0), (1, 1.0)])
def test_the_clock_leaps_once(arm: PressSimulation, seed: int, sign: float) -> None:
    s = see(arm, fault_of("clock_jump", seed, 50.0))
    assert np.allclose(s.off("time"), sign * 50.0)


def test_another_tool_weight_is_felt_by_the_sensor(arm: PressSimulation) -> None:
    lost = see(arm, fault_of("tool_falls")).off("wrench")[0, :3]
    more = see(arm, fault_of("tool_heavier", size=0.3)).off("wrench")[0, :3]
    assert np.linalg.norm(lost) == pytest.approx(arm.tool.mass * G, rel=0.01)
    assert np.linalg.norm(more) == pytest.approx(0.3 * G, rel=0.01)
    assert lost @ more < 0.0, "one takes weight away, the other adds it"


# What the joints get, what the controller is asked, when it runs.


@dataclass
class Weighed:
    """As much of a press as the actuators need: an arm whose weight is ours."""

    n: int = 7

    @property
    def model(self) -> SimpleNamespace:
        return SimpleNamespace(n=self.n)

    @property
    def carried(self) -> Floats:
        return np.linspace(5.0, 40.0, self.n)


def got(fault: Fault, asked: Floats, time: float = ONSET) -> Floats:
    """Torque on top of the weight that reaches the joints, of `asked` on top of the weight."""
    weighed = Weighed(len(asked))
    injector = Injector([fault], weighed)  # type: ignore[arg-type]
    injector.pass_time(time)
    command = Command(weighed.n)
    command.torque[:] = weighed.carried + asked
    torque: Floats = np.asarray(injector.write(command).torque) - weighed.carried
    return torque


ASKED = np.array([3.0, -8.0, 5.0, 30.0, -2.0, 1.0, 0.5])


@pytest.mark.parametrize(
    ("kind", "size", "asked", "given"),
    [
        ("actuator_weak", 0.4, 30.0, 12.0),
        ("actuator_weak", 0.4, -30.0, -12.0),
        ("actuator_saturated", 6.0, 30.0, 6.0),
        ("actuator_saturated", 6.0, -30.0, -6.0),
        ("actuator_saturated", 6.0, 5.0, 5.0),
        ("actuator_dead", 0.0, 30.0, 0.0),
    ],
)
def test_a_joint_gives_less_but_carries_its_weight(kind: str, size: float, asked: float, given: float) -> None:
    wanted = ASKED.copy()
    wanted[3] = asked
    assert np.allclose(got(fault_of(kind, size=size), wanted, ONSET - 1e-3), wanted), "not before its time"
    expected = wanted.copy()
    expected[3] = given
    assert np.allclose(got(fault_of(kind, size=size, joint=3 + 7 * 5), wanted), expected)


def asked_for(fault: Fault, times: tuple[float, ...] = (ONSET,)) -> tuple[SetPoint, SetPoint]:
    """The last of several set-points, and what comes of it."""
    injector = Injector([fault], Weighed())  # type: ignore[arg-type]
    for time in times:
        injector.pass_time(time)
        wanted = SetPoint()
        wanted.values[:] = 0.1 * np.arange(len(wanted.values))
        wanted.quaternion[:] = (0.0, 0.0, 0.0, 1.0)
        wanted.press_direction[:] = (0.0, 0.0, -1.0)
        wanted.position[:] = (0.5, 0.1, 0.2)
        wanted.valid_until = time + 0.1
        given = injector.ask(wanted)
    return wanted, given


@pytest.mark.parametrize("kind", [kind for kind in FAULTS if kind.startswith("set_point")])
def test_before_its_time_a_set_point_is_as_it_was_asked(kind: str) -> None:
    wanted, given = asked_for(fault_of(kind), (ONSET - 1e-3,))
    assert np.array_equal(wanted.values, given.values)


def test_one_number_of_a_set_point_is_nan() -> None:
    wanted, given = asked_for(fault_of("set_point_nan", joint=9))
    assert np.flatnonzero(np.isnan(given.values)).tolist() == [9]
    assert np.isfinite(wanted.values).all(), "what was asked is not written into"


def test_a_set_point_leaps_by_its_size_and_stays_there() -> None:
    for times in ((ONSET,), (ONSET, ONSET + 0.1)):
        wanted, given = asked_for(fault_of("set_point_jump", size=200.0), times)
        assert np.linalg.norm(given.position - wanted.position) == pytest.approx(0.2)
        given.position[:] = wanted.position
        assert np.array_equal(given.values, wanted.values)


def test_stale_set_points_repeat_the_last_one() -> None:
    wanted, given = asked_for(fault_of("set_point_stale"), (0.1, ONSET, 0.9))
    assert given.valid_until == pytest.approx(ONSET + 0.1) and wanted.valid_until == pytest.approx(1.0)


def test_a_wild_set_point_multiplies_gains_and_force() -> None:
    wanted, given = asked_for(fault_of("set_point_wild", size=1e3))
    for name in ("stiffness", "force", "force_rate", "approach_speed"):
        assert np.allclose(getattr(given, name), 1e3 * getattr(wanted, name)), name
    assert np.array_equal(given.position, wanted.position)


def test_another_frame_is_turned_by_its_angle() -> None:
    wanted, given = asked_for(fault_of("set_point_frame", size=90.0))
    turned = 2.0 * math.degrees(math.acos(min(1.0, abs(float(wanted.quaternion @ given.quaternion)))))
    assert turned == pytest.approx(90.0)
    assert np.linalg.norm(given.position) == pytest.approx(np.linalg.norm(wanted.position))
    assert np.linalg.norm(given.press_direction) == pytest.approx(1.0)
    assert given.press_direction @ given.position == pytest.approx(wanted.press_direction @ wanted.position)


def loop(fault: Fault) -> Injector:
    return Injector([fault], Weighed())  # type: ignore[arg-type]


def test_a_late_loop_is_late_by_up_to_its_size() -> None:
    injector = loop(fault_of("loop_late", size=0.8))
    assert injector.late(1e-4, 1e-3) == 1e-4
    injector.pass_time(ONSET)
    late = np.array([injector.late(0.0, 1e-3) for _ in range(1000)])
    assert late.min() < 0.05e-3 and 0.75e-3 < late.max() <= 0.8e-3
    assert injector.late(5.0, 1e-3) == 5.0, "never less than without the fault"


def test_a_frozen_loop_stands_once_for_its_size() -> None:
    injector, stood = loop(fault_of("loop_frozen", size=50.0)), []
    for time in np.arange(1000) * 1e-3:
        injector.pass_time(time)
        stood.append(injector.loses(time))
    (at,) = np.nonzero(stood)
    assert at[0] == 200 and at[-1] in (249, 250) and len(at) == at[-1] - 199


def test_a_losing_loop_loses_its_share() -> None:
    injector = loop(fault_of("loop_losing", size=0.3))
    assert not any(injector.loses(0.0) for _ in range(1000))
    injector.pass_time(ONSET)
    assert 0.25 < np.mean([injector.loses(1.0) for _ in range(2000)]) < 0.35


# What the person and the tool do: the arm stands above the back, and the distance to the skin is told.


def idle(*faults: Fault, seconds: float = 0.8) -> tuple[Ticks, PressSimulation]:
    """The first ticks of a press, in which the arm stands still; disturbances and breathing are off."""
    simulation = PressSimulation(failing(replace(PLAN, disturbances="ideal"), *faults))
    ticks = simulation.advance(round(seconds * 1e3))
    simulation.close()
    assert ticks is not None
    return ticks, simulation


def rise(fault: Fault, seconds: float = 0.8) -> Floats:
    """M by which the skin under the tool comes up, tick by tick, as long as nothing touches."""
    plain, faulty = idle(seconds=seconds)[0], idle(fault, seconds=seconds)[0]
    risen: Floats = (faulty["depth"] - plain["depth"]) / -plain["press_direction"][:, 2]
    return risen


def test_a_person_rises_by_five_centimetres_in_the_time_it_says() -> None:
    for size in (0.3, 0.5):
        up = rise(fault_of("person_rises", size=size))
        half, end = 200 + round(500 * size), 200 + round(1000 * size)
        assert np.abs(up[:200]).max() < 1e-6
        assert up[half] == pytest.approx(0.025, abs=0.001) and up[half - 50] < 0.020
        assert np.allclose(up[end:], 0.05, atol=0.001)


def test_a_person_who_gets_up_rises_six_times_as_far() -> None:
    up, far = rise(fault_of("person_rises", size=0.8)), rise(fault_of("person_gets_up", size=0.8))
    assert far[400] > 0.02 and far[400] == pytest.approx(6.0 * up[400], rel=0.01)
    assert rise(fault_of("person_gets_up", size=3.0))[400] < 0.1 * far[400]


def test_a_cough_is_three_jerks_up_and_down() -> None:
    up = rise(fault_of("person_coughs", size=10.0), 1.9)
    peaks = [up[200 + 500 * k : 400 + 500 * k].max() for k in range(3)]
    assert np.allclose(peaks, 0.010, atol=0.0005)
    assert all(up[550 + 500 * k : 700 + 500 * k].max() < 0.001 for k in range(3))


def test_a_start_brings_the_back_up_and_down_and_tightens_the_muscle() -> None:
    up, tone = rise(fault_of("person_startles"), 1.9), idle(fault_of("person_startles"))[0]["tone"]
    assert up[450:500].max() == pytest.approx(0.0155, abs=0.0015) and np.abs(up[1600:]).max() < 0.001
    assert tone[200:600].max() > 10.0 * tone[199]


def test_when_contact_is_lost_the_surface_is_gone_at_once() -> None:
    down = rise(fault_of("contact_lost"))
    assert np.abs(down[:200]).max() < 1e-6 and down[225] == pytest.approx(-0.3, abs=0.005)  # breathing goes on


def test_a_person_rolls_to_one_side_or_the_other() -> None:
    up = [rise(fault_of("person_rolls", seed, 20.0))[799] for seed in range(8)]
    assert min(up) < -0.003 and max(up) > 0.003, "the skin of one side goes up, that of the other down"


def test_a_surface_elsewhere_is_told_of_in_the_log() -> None:
    plain, _ = idle()
    for off in (-30.0, 30.0):
        ticks, _ = idle(Fault("surface_off", 0.0, off))
        assert ticks["surface_known_error"][0] == pytest.approx(1e-3 * off, abs=0.003)
        assert ticks["surface_known_error"][0] != plain["surface_known_error"][0]


def test_bone_is_where_muscle_was_expected() -> None:
    soft, hard = PressSimulation(PLAN), PressSimulation(failing(PLAN, Fault("bone", 0.0, 3.0)))
    depth = {}
    for name, simulation in (("soft", soft), ("hard", hard)):
        blocks = []
        while simulation.time < 6.3 and (block := simulation.advance(100)) is not None:
            blocks.append(block)
        simulation.close()
        ticks = np.concatenate(blocks)
        depth[name] = ticks["depth"].max()
    assert depth["hard"] < 0.006 < depth["soft"]


def felt(ticks: Ticks) -> float:
    """N that the sensor reads, mean over the last 0.1 s."""
    return float(np.linalg.norm(ticks["sensor_wrench"][-100:, :3].mean(axis=0)))


def test_the_tool_weighs_on_the_sensor_what_the_fault_says() -> None:
    plain, simulation = idle()
    mass = simulation.tool.mass
    assert felt(plain) == pytest.approx(mass * G, abs=0.5)
    assert felt(idle(Fault("tool_heavier", 0.0, 0.5))[0]) == pytest.approx((mass + 0.5) * G, abs=0.8)
    fallen = idle(fault_of("tool_falls"))[0]
    assert felt(fallen) < 0.3 * mass * G
    assert fallen["depth"][-1] < plain["depth"][-1] - 0.2, "and it takes contact with it"


def test_what_comes_against_a_link_pushes_it_the_harder_the_further(arm: PressSimulation) -> None:
    most = []
    for size in (10.0, 60.0):
        injector = Injector([fault_of("arm_in_the_way", size=size)], arm)
        q, still = np.asarray(arm.arm.read().q), np.zeros(arm.model.n)
        injector.pass_time(ONSET - 1e-3)
        assert not injector.blocks
        for time in ONSET + np.arange(500) * 1e-3:
            injector.pass_time(time)
            assert injector.blocks
            push = injector.push(q, still)
            if time < ONSET + 0.15:
                assert not push.any(), "it is on its way"
        assert push[:3].any() and not push[6:].any(), "it reaches a link before the last"
        most.append(injector.block_force)
    assert most == pytest.approx([100.0, 600.0])  # N, of 10 N/mm


@pytest.mark.parametrize("kind", FAULTS)
def test_no_kind_is_without_effect(kind: str) -> None:
    onset = 4500 if kind in ("bone", "actuator_saturated", "set_point_stale") else 100  # those need a press
    fault = fault_of(kind, at=1e-3 * onset)
    blocks = []
    for faults in ((), (fault,)):
        simulation = PressSimulation(failing(PLAN, *faults))
        blocks.append(simulation.advance(onset + 400))
        simulation.close()
    plain, faulty = blocks
    assert plain is not None and faulty is not None
    if kind not in FROM_THE_START:
        assert plain[:onset].tobytes() == faulty[:onset].tobytes(), "nothing before its time"
    assert plain[onset:].tobytes() != faulty[onset:].tobytes()


# A whole press, judged as the campaign does.


def press(fault: Fault) -> tuple[Outcome, Ticks]:
    plan = failing(PLAN, fault)
    simulation = PressSimulation(plan)
    blocks = []
    while simulation.time < LONG and (block := simulation.advance(500)) is not None:
        blocks.append(block)
    simulation.close()
    ticks = np.concatenate(blocks)
    return judge(FaultRun(0, 0, fault.kind, plan), ticks, simulation), ticks


LONG = 20.0  # s, longer than any of these presses
HOLDING = 6.5  # s, when the press holds its 30 N


@pytest.mark.parametrize(
    ("kind", "seed", "within"),
    [
        ("sensor_cut", 1, 0.010),
        ("sensor_nan", 1, 0.010),
        ("encoder_cut", 1, 0.010),
        ("clock_jump", 0, 0.010),
        ("clock_jump", 1, 0.010),
        ("set_point_nan", 1, 0.010),
        ("set_point_stale", 1, 0.110),  # a set-point is believed for 0.1 s
    ],
)
def test_an_input_that_says_it_is_bad_is_noticed_at_once_and_the_force_let_out(
    kind: str, seed: int, within: float
) -> None:
    result, ticks = press(fault_of(kind, seed, at=HOLDING))
    assert 0.0 <= result.noticed_s <= within
    assert result.unloaded_s < 0.2
    assert (result.pinned, result.over_wall, result.over_cap) == (0, 0, 0.0)
    assert ticks["force_true"][-1] == 0.0


def test_a_sensor_that_falls_silent_without_a_word_is_noticed_too() -> None:
    result, _ = press(fault_of("sensor_cut", 0, at=HOLDING))
    assert 0.0 < result.noticed_s <= 0.010 and result.pinned == 0


def test_when_contact_is_lost_the_tool_does_not_follow() -> None:
    result, ticks = press(fault_of("contact_lost", at=HOLDING))
    assert 0.0 <= result.travel_m < 0.020
    assert ticks["force_true"][ticks["time"] > HOLDING + 0.1].max() == 0.0


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("person_rises", 0.2),
        ("person_startles", None),
        ("encoder_stuck", None),
        ("encoder_jumping", 200.0),
        ("sensor_stuck", None),
        ("sensor_flipped", None),
        ("set_point_wild", 1e6),
        ("set_point_jump", 500.0),
        ("loop_frozen", 500.0),
        ("arm_in_the_way", 40.0),
        ("actuator_dead", None),
    ],
)
def test_nobody_is_pinned_or_bruised(kind: str, size: float | None) -> None:
    result, ticks = press(fault_of(kind, size=size, at=HOLDING))
    assert result.pinned == 0
    assert result.over_wall == 0
    assert ticks["force_true"][-1] < 5.0


def test_who_gets_up_as_fast_as_anybody_can_is_caught_up_with_for_a_moment_only() -> None:
    result, ticks = press(fault_of("person_gets_up", size=0.8, at=HOLDING))
    assert result.pinned < 150  # ms above 5 N; docs/safety_case.md says how often that happens
    assert result.over_wall == 0
    assert ticks["force_true"][-1] < 5.0


def test_a_fault_while_nothing_is_pressed_begins_no_press() -> None:
    result, ticks = press(fault_of("sensor_nan", at=0.3))
    assert result.peak_n <= 0.0
    assert ticks["time"][-1] < 2.0
