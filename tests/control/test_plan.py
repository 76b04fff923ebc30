"""What may be asked for, and the one line that says why not."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from massage_arm.control.limits import load_walls
from massage_arm.control.plan import PressPlan, check_plan, load_plan, parse_plan, plan_yaml
from massage_arm.control.sites import load_sites
from massage_arm.native.errors import InputError


def test_the_default_press_is_allowed() -> None:
    check_plan(PressPlan())


@pytest.mark.parametrize("force", [5, 20, 40, 60])
@pytest.mark.parametrize("site", ["lumbar_erector_left", "thoracic_erector_right"])
def test_the_back_muscles_beside_the_spine_take_the_forces_of_the_bench(force: float, site: str) -> None:
    check_plan(PressPlan(site=site, force_n=force, hold_s=60.0))


def test_a_plan_file_overrides_the_defaults_it_names(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("schema: massage-arm/press/1\nsite: lumbar_erector_left\nforce_n: 55\nseed: 4\n")
    assert load_plan(path) == PressPlan(site="lumbar_erector_left", force_n=55.0, seed=4)


def test_a_written_plan_reads_back_equal(tmp_path: Path) -> None:
    plan = PressPlan(
        force_n=12.345678901234567, tip="link_7", control_hz=250, limits="own: [1].yaml", asks="pause@5, resume@9"
    )
    (tmp_path / "plan.yaml").write_text(plan_yaml(plan))
    assert load_plan(tmp_path / "plan.yaml") == plan
    assert parse_plan(plan_yaml(plan)) == plan


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("schema: massage-arm/press/1\nforce: 40\n", "force"),
        ("schema: massage-arm/press/9\n", "schema"),
        ("- 1\n", "plan.yaml"),
    ],
)
def test_a_file_that_is_no_plan_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "plan.yaml").write_text(text)
    with pytest.raises(InputError, match=said):
        load_plan(tmp_path / "plan.yaml")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.yaml"):
        load_plan(tmp_path / "nothing.yaml")


@pytest.mark.parametrize("force", [-1.0, 0.0, math.nan, math.inf, -math.inf, 50.1, 1e9])
def test_a_force_outside_the_limits_of_the_site_is_refused(force: float) -> None:
    with pytest.raises(InputError, match=r"force_n: .* N is not allowed at interscapular_right; .* 50 N .*A\.9"):
        check_plan(PressPlan(force_n=force))


@pytest.mark.parametrize(("site", "cap"), [("upper_trapezius_left", 45.0), ("lumbar_erector_right", 60.0)])
def test_the_soft_cap_itself_is_allowed_and_nothing_above_it(site: str, cap: float) -> None:
    check_plan(PressPlan(site=site, force_n=cap))
    with pytest.raises(InputError, match=f"at most {cap:g} N"):
        check_plan(PressPlan(site=site, force_n=math.nextafter(cap, math.inf)))


def test_a_small_tool_is_limited_by_pressure(monkeypatch: pytest.MonkeyPatch) -> None:
    class Knuckle:
        name = "knuckle"

        def contact_area(self, depth_m: float) -> float:
            return 1e-4

    monkeypatch.setattr("massage_arm.control.plan.load_tool", lambda name: Knuckle())
    check_plan(PressPlan(force_n=16.0))
    with pytest.raises(InputError, match=r"at most 16 N is \(mean pressure cap 160 kPa on the 100 mm² of tool knuckle"):
        check_plan(PressPlan(force_n=16.1, tool="knuckle"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"site": "knee_left"}, "knee_left.*known are .*lumbar_erector_left"),
        ({"tool": "hammer"}, "hammer"),
        ({"hold_s": 90.5}, "hold_s: 90.5 s.*at most 90 s"),
        ({"hold_s": math.nan}, "hold_s"),
        ({"ramp_s": 0.0}, "ramp_s"),
        ({"ramp_s": 0.5}, r"ramp_s: 0\.5 s for 40 N.*0\.67 s.*60 N/s"),
        ({"release_s": 0.1}, "release_s"),
        ({"approach_mm_s": 51.0}, "approach_mm_s: 51 mm/s.*50 mm/s"),
        ({"seed": -1}, "seed"),
        ({"disturbances": "wild"}, "disturbances: 'wild'.*ideal, realistic, harsh"),
        ({"control_hz": 333}, "control_hz: 333.*250, 500, 1000"),
        ({"skin": "butter"}, "skin: 'butter'.*dry, oil, lotion"),
        ({"startle_s": -1.0}, "startle_s: -1 s.*from 0 s on"),
        ({"shift_s": math.nan}, "shift_s: nan s"),
        ({"shift_s": 3.0, "shift_mm": 80.0}, "shift_mm: 80 mm.*-50 to 50 mm"),
        ({"asks": ""}, "asks: '' is not allowed; REQUEST@SECONDS is"),
        ({"asks": " , "}, "asks: ' , ' is not allowed; REQUEST@SECONDS is"),
        ({"asks": "pause@5, jump@6"}, "asks: 'jump@6' is not allowed; REQUEST@SECONDS is, with one of begin, pause"),
        ({"asks": "pause@5, resume@3601"}, "asks: resume@3601 is not allowed; a time from 0 to 3600 s is"),
    ],
)
def test_every_other_value_out_of_range_is_named_with_what_is_allowed(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said) as raised:
        check_plan(replace(PressPlan(), **change))
    assert "\n" not in str(raised.value)


def test_limits_of_every_site_stand_in_order() -> None:
    sites = load_sites()
    assert len(sites) == 18
    for name, site in sites.items():
        low, high = site.work_force_n
        wall = load_walls()[site.area]
        assert 0 < low < high < site.soft_cap_n < site.hard_stop_n < wall.force_n
        assert site.pressure_cap_kpa < site.tissue.ppt_kpa < wall.pressure_kpa
        assert name == site.name == f"{site.region}_{site.side}"


def test_both_sides_of_a_site_are_equal() -> None:
    for site in load_sites().values():
        other = load_sites()[f"{site.region}_{'left' if site.side == 'right' else 'right'}"]
        assert replace(other, name=site.name) == site
