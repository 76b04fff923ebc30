"""The dose ledger: nothing that was pressed is lost, it fades, and a place that had enough is not pressed again."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from massage_arm.control.body import load_body
from massage_arm.control.dose import (
    BETWEEN_S,
    CELL_AREA,
    ORIGIN,
    RECOVERY_S,
    DoseCaps,
    DoseMap,
    dose_bytes,
    dose_caps,
    dose_of_run,
    read_dose,
)
from massage_arm.control.dose_picture import dose_picture
from massage_arm.control.limits import OwnLimits
from massage_arm.control.sites import find_site
from massage_arm.control.ticks import Ticks, tick_dtype
from massage_arm.control.tool import load_tool
from massage_arm.native.errors import InputError
from PIL import Image

ARRAYS = ("dose", "left", "peak", "passes", "last")
Samples = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def given_in(dose: DoseMap) -> float:
    """N·s, on the map and beyond it."""
    return float(dose.dose.sum()) * CELL_AREA + dose.beyond


def of(*blocks: Samples) -> DoseMap:
    dose = DoseMap()
    for block in blocks:
        dose.add(*block)
    return dose


def hold(
    seconds: float, xy: tuple[float, float], force: float = 30.0, radius: float = 0.02, begin: float = 0.0
) -> Samples:
    """A press at one place, at 100 Hz."""
    count = round(100 * seconds) + 1
    time = begin + 0.01 * np.arange(count)
    return time, np.tile(xy, (count, 1)), np.full(count, force), np.full(count, np.pi * radius**2)


@st.composite
def presses(draw: st.DrawFn) -> Samples:
    """Any path, force and size of contact, also over the edge of the map."""
    count = draw(st.integers(2, 80))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    time = np.cumsum(rng.uniform(0.002, 0.03, count))
    start, end = (np.array([draw(st.floats(-0.25, 0.95)), draw(st.floats(-0.4, 0.4))]) for _ in range(2))
    xy = start + rng.uniform(0.0, 1.0, count)[:, None] * (end - start)
    radius = draw(st.floats(0.001, 0.06)) * rng.uniform(0.3, 1.0, count)
    return time, xy, rng.uniform(0.0, 80.0, count), np.pi * radius**2


@given(presses())
@settings(deadline=None)
def test_nothing_of_force_over_time_is_lost_whatever_the_path_and_the_contact(press: Samples) -> None:
    time, _, force, area = press
    dose = of(press)
    assert given_in(dose) == pytest.approx(float(np.sum(force[1:] * np.diff(time))), rel=1e-6)
    assert dose.peak.max() <= (force / area).max()


@given(presses(), st.data())
@settings(deadline=None)
def test_live_in_blocks_is_the_same_as_all_at_once(press: Samples, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(press[0])), max_size=6)))
    live = DoseMap()
    for begin, end in zip([0, *cuts], [*cuts, len(press[0])], strict=True):
        live.add(*(values[begin:end] for values in press))
    whole = of(press)
    for name in ARRAYS:
        assert np.allclose(getattr(live, name), getattr(whole, name), rtol=1e-9), name
    assert (live.time, live.beyond) == pytest.approx((whole.time, whole.beyond))


@given(presses(), presses())
@settings(deadline=None)
def test_what_two_presses_gave_does_not_depend_on_which_came_first(one: Samples, other: Samples) -> None:
    def later(press: Samples) -> Samples:
        return press[0] + 100.0, *press[1:]

    first, second = of(one, later(other)), of(other, later(one))
    assert np.allclose(first.dose, second.dose, rtol=1e-9)
    assert np.array_equal(first.peak, second.peak)


def test_a_cell_gets_the_share_that_the_contact_covers() -> None:
    """A disc around the corner of four cells covers of each what is in its quadrant; known: a quarter of it."""
    corner = (ORIGIN[0] + 0.30, ORIGIN[1] + 0.30)
    dose = of(hold(10.0, corner, force=10.0, radius=0.005))
    assert np.count_nonzero(dose.dose) == 4
    assert dose.dose[29:31, 29:31] == pytest.approx(np.full((2, 2), 10.0 * 10.0 / 4 / CELL_AREA))
    assert dose.peak[29, 30] == pytest.approx(10.0 / (np.pi * 0.005**2))


def test_under_a_large_contact_the_dose_is_pressure_times_time_and_is_where_it_was_pressed() -> None:
    dose = of(hold(10.0, (0.4, -0.1)))
    i, j = np.argwhere(dose.dose == dose.dose.max())[0]
    middle = np.array(ORIGIN) + 0.01 * (np.array([i, j]) + 0.5)
    assert dose.dose.max() == pytest.approx(10.0 * 30.0 / (np.pi * 0.02**2))
    assert middle == pytest.approx([0.4, -0.1], abs=0.02)


def test_a_pause_parts_passes_and_a_sway_of_the_rim_does_not() -> None:
    xy = (0.4, 0.1)
    times = (0.0, 5.0 + 0.8 * BETWEEN_S, 12.0)
    dose = of(*(hold(5.0, xy, begin=begin) for begin in times))
    assert dose.passes.max() == 2
    assert dose.last.max() == pytest.approx(17.0)
    time, place, force, area = hold(30.0, xy)
    place[:, 0] += 0.003 * np.sin(2 * np.pi * 0.25 * time)
    assert of((time, place, force, area)).passes.max() == 1


def test_every_stroke_over_a_place_is_one_pass() -> None:
    time = 0.01 * np.arange(1201)
    x = 0.4 + 0.15 * np.cos(2 * np.pi * time / 4.0)  # there and back in 4 s, three times
    dose = DoseMap()
    dose.add(time, np.column_stack([x, 0 * x]), np.full(1201, 20.0), np.full(1201, np.pi * 0.01**2))
    over = dose.passes[round((0.4 - ORIGIN[0]) / 0.01), round(-ORIGIN[1] / 0.01)]
    assert over == 6


@given(st.floats(0.0, 5000.0), st.floats(0.0, 5000.0))
@settings(deadline=None, max_examples=25)
def test_what_was_done_fades_exponentially_and_stays_in_the_ledger(first: float, second: float) -> None:
    dose = of(hold(10.0, (0.4, 0.1)))
    later = dose.recovered(first).recovered(second)
    assert np.allclose(later.left, dose.left * np.exp(-(first + second) / RECOVERY_S), rtol=1e-9)
    assert np.array_equal(later.dose, dose.dose)
    assert later.time == pytest.approx(dose.time + first + second)
    assert np.array_equal(dose.left, of(hold(10.0, (0.4, 0.1))).left), "the map itself stays"


def test_a_dose_fades_while_the_arm_presses_elsewhere() -> None:
    here, there = hold(10.0, (0.4, 0.1)), hold(300.0, (0.1, -0.1), begin=10.0)
    both, alone = of(here, there), of(here)
    assert both.left[60, 45] == pytest.approx(alone.left[60, 45] * np.exp(-300.0 / RECOVERY_S))
    assert 0.0 < alone.left[60, 45] < alone.dose[60, 45]


def test_a_fresh_place_stands_two_holds_at_its_cap_and_a_treated_one_less_until_it_has_recovered() -> None:
    caps = dose_caps(find_site("interscapular_right"))
    assert caps == DoseCaps(dose=160e3 * 90.0 * 2, pressure=160e3)
    xy, radius = (0.4, 0.1), 0.02
    dose = DoseMap()
    assert dose.allowed(xy, radius, 160e3, caps) == pytest.approx(180.0)
    assert dose.allowed(xy, radius, 80e3, caps) == pytest.approx(360.0)
    dose.add(*hold(120.0, xy, force=160e3 * np.pi * radius**2, radius=radius))
    fresh, treated = dose.allowed((0.2, 0.1), radius, 160e3, caps), dose.allowed(xy, radius, 160e3, caps)
    assert fresh == pytest.approx(180.0)
    assert 60.0 <= treated < 70.0
    assert treated < dose.recovered(600.0).allowed(xy, radius, 160e3, caps) < 180.0
    assert dose.recovered(1e6).allowed(xy, radius, 160e3, caps) == pytest.approx(180.0)


@given(st.floats(0.35, 0.45), st.floats(0.35, 0.45), st.floats(0.008, 0.03), st.floats(20e3, 160e3))
@settings(deadline=None, max_examples=40)
def test_who_presses_as_long_as_allowed_takes_no_cell_above_its_cap(
    x: float, x2: float, radius: float, pa: float
) -> None:
    caps = DoseCaps(dose=2e6, pressure=160e3)
    dose = of(hold(10.0, (x, 0.1), force=pa * np.pi * radius**2, radius=radius))
    seconds = dose.allowed((x2, 0.1), radius, pa, caps)
    assert seconds >= (caps.dose - dose.left.max()) / pa, "nobody is sent away for nothing"
    dose.add(*hold(np.floor(100 * seconds) / 100, (x2, 0.1), pa * np.pi * radius**2, radius, begin=10.0))
    assert not dose.over(caps).any()


def test_pressure_above_the_cap_and_places_beyond_the_map_get_no_time() -> None:
    caps = DoseCaps(dose=1e6, pressure=100e3)
    assert DoseMap().allowed((0.4, 0.1), 0.01, 101e3, caps) == 0.0
    assert DoseMap().allowed((ORIGIN[0] + 0.005, 0.1), 0.01, 50e3, caps) == 0.0
    used_up = of(hold(60.0, (0.4, 0.1), force=60e3 * np.pi * 0.02**2))
    assert used_up.allowed((0.4, 0.1), 0.01, 1e3, caps) == 0.0
    assert used_up.over(caps)[60, 45]
    assert of(hold(0.1, (0.4, 0.1), force=101e3 * np.pi * 0.02**2)).over(caps)[60, 45], "in peak pressure"


def test_own_limits_lower_the_caps() -> None:
    own = {
        "everywhere": OwnLimits(None, None, 30.0, "first time"),
        "interscapular": OwnLimits(None, 100.0, None, "tender"),
    }
    assert dose_caps(find_site("interscapular_left"), own) == DoseCaps(100e3 * 30.0 * 2, 100e3)
    assert dose_caps(find_site("gluteal_left"), own) == DoseCaps(200e3 * 30.0 * 2, 200e3)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"radius": 0.0}, "radius: 0"),
        ({"radius": np.nan}, "radius: nan"),
        ({"pressure_pa": -1.0}, "pressure_pa: -1"),
        ({"xy": (0.1, np.inf)}, "xy"),
        ({"xy": (0.1, 0.1, 0.1)}, "xy"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(wrong: dict[str, Any], told: str) -> None:
    question = {"xy": (0.4, 0.1), "radius": 0.01, "pressure_pa": 1e5, **wrong}
    with pytest.raises(InputError, match=told):
        DoseMap().allowed(**question, caps=DoseCaps(1e6, 1e5))
    with pytest.raises(InputError, match="recovered: -1"):
        DoseMap().recovered(-1.0)


def test_samples_that_are_not_known_count_nothing_and_break_nothing() -> None:
    whole = hold(10.0, (0.4, 0.1))
    time, xy, force, area = (values.copy() for values in whole)
    force[100], xy[200, 0], area[300], force[400:410] = np.nan, np.inf, np.nan, np.nan
    assert given_in(of((time, xy, force, area))) == pytest.approx(given_in(of(whole)))
    assert given_in(of((time, xy, -force, area))) == 0.0
    apart = of(hold(1.0, (0.4, 0.1)), hold(1.0, (0.4, 0.1), begin=3600.0))
    assert given_in(apart) == pytest.approx(60.0), "an hour that nobody saw is no hour of pressing"
    assert given_in(of((time, xy * 1e12, force, area))) == pytest.approx(given_in(of(whole)), rel=1e-3)


def test_samples_in_the_wrong_order_or_shape_are_refused() -> None:
    dose = of(hold(10.0, (0.4, 0.1)))
    with pytest.raises(InputError, match="time: 5 s is not allowed"):
        dose.add(*hold(1.0, (0.4, 0.1), begin=5.0))
    time, xy, force, area = hold(1.0, (0.4, 0.1), begin=10.0)
    with pytest.raises(InputError, match=r"\(101,\), \(101, 2\), \(100,\), \(101,\)"):
        dose.add(time, xy, force[1:], area)


def test_a_map_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "dose.npz"
    for dose in (DoseMap(), of(hold(10.0, (0.4, 0.1), begin=1.7e9), hold(10.0, (5.0, 0.1), begin=1.7e9 + 20.0))):
        file.write_bytes(dose_bytes(dose))
        again = read_dose(file)
        for name in ARRAYS:
            assert np.array_equal(getattr(again, name), getattr(dose, name)), name
        assert (again.time, again.beyond) == (dose.time, dose.beyond)
        again.add(*hold(1.0, (0.4, 0.1), begin=1.8e9))


def _set(name: str, index: Any, value: float) -> Callable[[dict[str, Any]], None]:
    def change(arrays: dict[str, Any]) -> None:
        arrays[name][index] = value

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda arrays: arrays.update(schema=np.array("massage-arm/dose/2")), "schema: 'massage-arm/dose/2'"),
        (lambda arrays: arrays.pop("peak"), "peak"),
        (lambda arrays: arrays.update(more=np.zeros(3)), "more"),
        (lambda arrays: arrays.update(dose=np.zeros((3, 3))), "dose: 64-bit numbers of shape"),
        (lambda arrays: arrays.update(passes=arrays["passes"].astype(float)), "passes: 64-bit whole numbers"),
        (_set("grid", 2, 0.02), "grid"),
        (_set("dose", (3, 4), np.nan), "dose: finite"),
        (_set("peak", (3, 4), -1.0), "peak: finite"),
        (_set("left", (3, 4), 1.0), "left: at most"),
        (_set("last", (60, 45), 1e3), "last: times up to"),
        (_set("last", (60, 45), np.nan), "last: times up to"),
        (_set("passes", (3, 4), 1), "last: a time where"),
        (_set("state", 0, np.nan), "state: time nan"),
        (_set("state", 1, -1.0), "state: -1"),
    ],
)
def test_a_file_that_no_map_makes_is_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], told: str
) -> None:
    with np.load(io.BytesIO(dose_bytes(of(hold(10.0, (0.4, 0.1)))))) as data:
        arrays: dict[str, Any] = {name: data[name] for name in data.files}
    change(arrays)
    np.savez(tmp_path / "dose.npz", **arrays)
    with pytest.raises(InputError, match=told):
        read_dose(tmp_path / "dose.npz")


@given(st.data())
@settings(deadline=None, max_examples=40)
def test_a_damaged_file_is_refused_or_read_but_never_breaks(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(dose_bytes(of(hold(1.0, (0.4, 0.1)))))
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file = tmp_path_factory.mktemp("damaged") / "dose.npz"
    file.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with pytest.raises(InputError, match=r"dose\.npz: "):
        read_dose(file)
        raise InputError("dose.npz: read after all")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_dose(tmp_path / "nowhere.npz")


def ticks_of_a_press(hz: int = 1000) -> Ticks:
    """10 s at 30 N, rising and falling in 1 s, the tip going in 10 mm."""
    time = np.arange(12 * hz) / hz
    ticks = np.zeros(len(time), tick_dtype(7))
    share = np.clip(np.minimum(time, 12.0 - time), 0.0, 1.0)
    ticks["time"], ticks["tcp_position"] = time, (0.4, -0.1, 0.9)
    ticks["force_true"] = 30.0 * share + 0.5 * np.sin(2 * np.pi * 137.0 * time) * share
    ticks["force_measured"], ticks["depth"] = ticks["force_true"] + 0.1, 0.010 * share
    return ticks


@pytest.mark.parametrize("hz", [250, 500, 1000])
def test_the_map_of_a_run_holds_the_force_over_time_of_its_ticks(hz: int) -> None:
    ticks = ticks_of_a_press(hz)
    dose = dose_of_run(ticks, load_tool("thumb"), begin_s=1.7e9)
    assert given_in(dose) == pytest.approx(float(np.maximum(0.0, ticks["force_true"]).sum()) / hz, rel=0.002)
    assert dose.peak.max() == pytest.approx(30.5 / (np.pi * 0.010**2), rel=0.04)
    assert dose.passes.max() == 1
    assert dose.time == pytest.approx(1.7e9 + ticks["time"][-1], rel=0.0, abs=1e-6)
    assert np.argwhere(dose.dose > 0).mean(axis=0) == pytest.approx([60 - 0.5, 25 - 0.5], abs=1.0)


def test_on_a_real_arm_the_measured_force_counts_on_the_largest_contact_but_not_its_noise() -> None:
    ticks = ticks_of_a_press()
    noise = np.random.default_rng(1).normal(0.0, 0.2, len(ticks))
    still = ticks.copy()
    ticks["force_measured"] += noise
    still["force_measured"] = noise
    for each in (ticks, still):
        each["force_true"] = each["depth"] = np.nan
    dose = dose_of_run(ticks, load_tool("palm"))
    assert given_in(dose) == pytest.approx(331.0, rel=0.005)
    assert dose.peak.max() == pytest.approx(30.6 / (np.pi * 0.022**2), rel=0.03)
    assert given_in(dose_of_run(still, load_tool("palm"))) == 0.0


def test_ticks_whose_clock_failed_are_refused_and_none_make_an_empty_map() -> None:
    ticks = ticks_of_a_press()
    assert given_in(dose_of_run(ticks[:0], load_tool("thumb"))) == 0.0
    ticks["time"][6000:] -= 3.0
    with pytest.raises(InputError, match="the ticks go back at 3 s"):
        dose_of_run(ticks, load_tool("thumb"))


def test_the_map_is_drawn_where_it_was_pressed() -> None:
    body = load_body("average")

    def pixels(dose: DoseMap) -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(dose_picture(body, dose))).convert("RGB")).astype(int)

    changed = np.abs(pixels(of(hold(10.0, (0.4, 0.1)))) - pixels(DoseMap())).sum(axis=2) > 0
    changed[:70] = False  # title and scale
    rows, columns = np.nonzero(changed)
    field = body.height_field
    left = field.x0 + 2 * field.spacing
    top = field.y0 + (field.coefficients.shape[1] - 4) * field.spacing
    assert np.median(left + columns / 1000) == pytest.approx(0.4, abs=0.006)
    assert np.median(top - rows / 1000) == pytest.approx(0.1, abs=0.01)
    assert 12 * 100 <= len(rows) <= 24 * 100, "squares of 1 cm², over a contact of 12.6 cm²"
