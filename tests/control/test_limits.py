"""The limits: every one has a source, the walls stand in order, and a file of one's own can only lower them."""

import math
import tempfile
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from massage_arm.control import limits as limits_module
from massage_arm.control import plan as plan_module
from massage_arm.control.limits import (
    DEEP_M,
    EVERYWHERE,
    LIMITS_FILE,
    Limit,
    OwnLimits,
    Wall,
    binding_force,
    force_limits,
    general_limits,
    guard_limits,
    hold_limits,
    load_own_limits,
    load_walls,
)
from massage_arm.control.plan import PressPlan, check_plan
from massage_arm.control.sites import REGIONS, find_site, load_sites
from massage_arm.control.tool import load_tool
from massage_arm.native import ControllerSettings, InputError
from massage_arm.urdf import TOOLS

HEAD = "schema: massage-arm/own-limits/1\n"

# ISO/TS 15066:2016 table A.2, quasi-static: row, force in N, pressure in N/cm². A second transcription than that of
# limits.yaml, in the order and the unit of the standard.
TABLE_A2 = {
    "forehead": (1, 130, 130),
    "temple": (2, 130, 110),
    "masticatory_muscle": (3, 65, 110),
    "neck_muscle": (4, 150, 140),
    "seventh_neck_vertebra": (5, 150, 210),
    "shoulder_joint": (6, 210, 160),
    "fifth_lumbar_vertebra": (7, 210, 210),
    "sternum": (8, 140, 120),
    "pectoral_muscle": (9, 140, 170),
    "abdominal_muscle": (10, 110, 140),
    "pelvic_bone": (11, 180, 210),
    "deltoid_muscle": (12, 150, 190),
    "humerus": (13, 150, 220),
    "radial_bone": (14, 160, 190),
    "forearm_muscle": (15, 160, 180),
    "arm_nerve": (16, 160, 180),
    "forefinger_pad_dominant": (17, 140, 300),
    "forefinger_pad_other": (18, 140, 270),
    "forefinger_joint_dominant": (19, 140, 280),
    "forefinger_joint_other": (20, 140, 220),
    "thenar_eminence": (21, 140, 200),
    "palm_dominant": (22, 140, 260),
    "palm_other": (23, 140, 260),
    "back_of_hand_dominant": (24, 140, 200),
    "back_of_hand_other": (25, 140, 190),
    "thigh_muscle": (26, 220, 250),
    "kneecap": (27, 220, 220),
    "shin": (28, 130, 220),
    "calf_muscle": (29, 130, 210),
}


def test_the_outer_wall_is_table_a2() -> None:
    walls = load_walls()
    assert list(walls) == list(TABLE_A2)
    for area, (row, force, pressure) in TABLE_A2.items():
        assert (walls[area].force_n, walls[area].pressure_kpa) == (force, 10 * pressure), area
        assert walls[area].source.startswith(f"ISO/TS 15066:2016 A.2 row {row}, "), area


def test_every_limit_has_a_source_and_a_unit() -> None:
    units = {"mm", "mm/s", "N/s", "s", "W", "J", "N", "rad/s"}
    for limit in general_limits().values():
        assert limit.source and limit.unit in units and 0.0 < limit.value < math.inf, limit
    for site in load_sites().values():
        for tool in TOOLS:
            for limit in (*force_limits(site, load_tool(tool)), *hold_limits(site)):
                assert limit.source and limit.name and limit.value > 0.0, limit


@pytest.mark.parametrize(
    ("limit", "name"),
    [
        (Limit("hold", 90.0, "s", "A.9"), "value"),
        (OwnLimits(20.0, None, None, "first visit"), "force_n"),
        (Wall(130.0, 1300.0, "ISO/TS 15066:2016 A.2"), "force_n"),
    ],
    ids=["limit", "own", "wall"],
)
def test_nobody_changes_a_limit_once_it_is_read(limit: object, name: str) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(limit, name, 1e3)


SHIN, POWER = "shin: {force_n: 130, pressure_kpa: 2200", "power: {value: 5"


@pytest.mark.parametrize(
    ("was", "now", "refused"),
    [
        (SHIN, "shin: {force_n: 0, pressure_kpa: 0", ""),
        (SHIN, "shin: {force_n: -0.1, pressure_kpa: 2200", "wall.shin.force_n: -0.1"),
        (SHIN, "shin: {force_n: 130, pressure_kpa: -0.1", "wall.shin.pressure_kpa: -0.1"),
        (POWER, "power: {value: 0", ""),
        (POWER, "power: {value: -0.1", "general.power.value: -0.1"),
    ],
)
def test_the_file_of_limits_closes_a_place_with_0_and_holds_nothing_below(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, was: str, now: str, refused: str
) -> None:
    path = tmp_path / "limits.yaml"
    path.write_text(LIMITS_FILE.read_text().replace(was, now))
    monkeypatch.setattr(limits_module, "LIMITS_FILE", path)
    read = limits_module._load.__wrapped__  # past its cache
    if refused:
        with pytest.raises(InputError, match=f"{refused} is not allowed"):
            read()
    else:
        assert 0.0 in (read()["wall"]["shin"]["force_n"], read()["general"]["power"]["value"])


def test_the_limits_that_are_shown_are_the_ones_that_hold() -> None:
    general = {name: limit.value for name, limit in general_limits().items()}
    settings, guard = ControllerSettings(), guard_limits(find_site("gluteal_left"), 70.0)
    held = {
        "depth": 1e3 * guard.depth_max,
        "speed_in_contact": 1e3 * settings.speed_max,
        "speed": 1e3 * guard.speed_max,
        "approach": min(1e3 * settings.approach_speed_max, plan_module._LARGEST["approach_mm_s"][0]),
        "force_rate": min(settings.force_rate_max, plan_module._MAX_RATE_N_S),
        "swing_rate": settings.wave_slope_max,
        "hold": plan_module._LARGEST["hold_s"][0],
        "power": guard.power_max,
        "energy": settings.tank_max,
        "force_jump": guard.jump_force,
        "joint_speed": guard.joint_speed_max,
        "reach": 1e3 * guard.reach,
    }
    assert held == pytest.approx(general)


def test_every_site_lies_in_an_area_with_a_wall() -> None:
    for site in load_sites().values():
        assert site.area in load_walls(), site.name


@pytest.mark.parametrize("tool", TOOLS)
def test_walls_stand_in_order_for_every_site_and_tool(tool: str) -> None:
    for site in load_sites().values():
        limits = force_limits(site, load_tool(tool))
        limit = {one.name.split(" kPa")[0].rstrip("0123456789. "): one.value for one in limits}
        inner = min(limit["soft cap"], limit["mean pressure cap"])
        outer = min(limit["outer wall, force"], limit["outer wall, pressure"])
        assert 0.0 < inner <= limit["soft cap"] <= limit["hard stop"] <= outer, site.name
        assert limit["mean pressure cap"] < limit["outer wall, pressure"]
        guard = guard_limits(site, inner)
        assert inner < guard.force_cap <= guard.force_hard <= outer


def test_the_limit_that_binds_comes_first_with_why() -> None:
    site = find_site("lumbar_erector_right")
    thumb, palm = load_tool("thumb"), load_tool("palm")
    small, large = force_limits(site, thumb), force_limits(site, palm)
    assert [limit.value for limit in small] == sorted(limit.value for limit in small)
    assert thumb.contact_area(DEEP_M) == pytest.approx(math.pi * 0.010**2)
    pressed = 200e3 * math.pi * 0.010**2  # 62.8 N: above the soft cap
    assert (small[0].name, small[0].value) == ("soft cap", 60.0)
    assert small[1].value == pytest.approx(pressed) and small[1].name.startswith("mean pressure cap 200 kPa on the 314")
    assert (large[0].name, large[0].value) == ("soft cap", 60.0)


def test_a_tool_larger_than_what_goes_in_counts_with_the_area_at_the_largest_depth() -> None:
    site = find_site("lumbar_erector_right")
    ball = replace(load_tool("palm"), tip_radius=0.1, contact_radius=0.1)
    area = math.pi * 0.1 * guard_limits(site, 60.0).depth_max
    pressed = {one.name: one.value for one in force_limits(site, ball) if "kPa" in one.name}
    assert sorted(pressed.values()) == pytest.approx([1e3 * kpa * area for kpa in (200.0, 2100.0)])


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("site", load_sites())
def test_a_press_above_a_cap_is_refused_with_the_cap_and_its_source(site: str, tool: str) -> None:
    cap = binding_force(site, tool)
    plan = PressPlan(site=site, tool=tool, force_n=cap.value, ramp_s=5.0, release_s=5.0)
    check_plan(plan)
    with pytest.raises(InputError) as raised:
        check_plan(replace(plan, force_n=cap.value + 0.1))
    said = str(raised.value)
    assert said.startswith(f"force_n: {cap.value + 0.1:g} N is not allowed at {site}; ")
    assert f"({cap.name}; {cap.source})" in said and "\n" not in said


# Limits of one's own.


def own(text: str, folder: Path) -> dict[str, OwnLimits]:
    path = folder / "own.yaml"
    path.write_text(HEAD + text)
    return load_own_limits(path)


REFUSED = {
    "force raised": ("gluteal: {force_n: 70.1, source: me}", 2, "gluteal.force_n: 70.1", "0 to 70 .*soft cap.*A.9"),
    "force raised everywhere": ("everywhere: {force_n: 71, source: me}", 2, "everywhere.force_n: 71", "from 0 to 70"),
    "pressure raised everywhere": (
        "everywhere: {pressure_kpa: 201, source: me}", 2, "everywhere.pressure_kpa: 201", "from 0 to 200"
    ),
    "pressure raised": ("levator: {pressure_kpa: 151, source: me}", 2, "levator.pressure_kpa: 151", "0 to 150 .*A.9"),
    "hold raised": ("levator:\n  hold_s: 91\n  source: me", 3, "levator.hold_s: 91", "from 0 to 90 .*A.9"),
    "no source": ("levator: {force_n: 9}", 2, "key levator.source is missing", "a text is expected"),
    "empty source": ('levator: {force_n: 9, source: ""}', 2, "levator.source: ''", "a text is"),
    "blank source": ('levator: {force_n: 9, source: " "}', 2, "levator.source: ' '", "a text is"),
    "another unit": ("levator: {force_kg: 2, source: me}", 2, "levator.force_kg: this key", "force_n"),
    "unit in the value": ("levator: {force_n: 9 N, source: me}", 2, "levator.force_n: 9 N", "a finite number from 0"),
    "unknown place": ("knee: {force_n: 9, source: me}", 2, "knee: this key", "allowed are everywhere, posterior_neck"),
    "a side": ("levator_left: {force_n: 9, source: me}", 2, "levator_left: this key", "did you mean levator"),
    "a wall": ("wall: {shin: {force_n: 999}}", 2, "wall: this key", "allowed are everywhere"),
    "a word": ("levator: {force_n: little, source: me}", 2, "levator.force_n: little", "a finite number"),
    "NaN": ("levator: {force_n: .nan, source: me}", 2, "levator.force_n: .nan", "a finite number"),
    "nan": ("levator: {force_n: nan, source: me}", 2, "levator.force_n: nan", "a finite number"),
    "infinite": ("levator: {force_n: -inf, source: me}", 2, "levator.force_n: -inf", "a finite number"),
    "negative": ("levator: {force_n: -1, source: me}", 2, "levator.force_n: -1", "from 0 to 45"),
    "in quotes": ('levator: {force_n: "9", source: me}', 2, "levator.force_n: '9'", "a finite number"),
    "nothing": ("levator:", 2, "levator: ''", "a mapping with the keys"),
    "a list": ("levator: {force_n: [9, 9], source: me}", 2, r"levator.force_n: \[9, 9\]", "a finite number"),
    "not a mapping": ("levator: 9", 2, "levator: 9", "a mapping with the keys"),
    "key twice": (
        "levator:\n  source: me\n  force_n: 9\n  force_n: 45", 5, "levator.force_n: a second value", "in line 4"
    ),
    "place twice": ("levator: {source: me}\nlevator: {source: me}", 3, "levator: a second value", "line 2"),
    "not YAML": ("levator: {force_n: 9, source: me\nno: [", 3, "is not YAML", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_may_not_be_is_refused_with_file_line_key_and_what_is_allowed(tmp_path: Path, name: str) -> None:
    text, line, what, allowed = REFUSED[name]
    with pytest.raises(InputError, match=rf"own\.yaml:{line}: .*{what}.*{allowed}") as raised:
        own(text + "\n", tmp_path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", r"own\.yaml:1: the file must hold .*massage-arm/own-limits/1"),
        (b"# nothing\n", r"own\.yaml:1: the file must hold"),
        (b"- 1\n", r"own\.yaml:1: the file must hold"),
        (b"levator: {source: me}\n", r"own\.yaml:1: key schema is missing"),
        (b"schema: massage-arm/limits/1\n", r"own\.yaml:1: schema: massage-arm/limits/1 is not allowed"),
        (b"schema: massage-arm/own-limits/2\n", r"own\.yaml:1: schema: .*own-limits/2 is not allowed"),
        (b"\xff\xfe\x00\x01", r"own\.yaml: is not a text file"),
        (b"schema: massage-arm/own-limits/1\nlevator: {source: &it [*it]}\n", r"own\.yaml: is nested too deep"),
        (b"schema: massage-arm/own-limits/1\nlevator: " + 9999 * b"[", r"own\.yaml: is nested too deep"),
    ],
)
def test_what_is_no_file_of_own_limits_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        load_own_limits(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.yaml: file not found"):
        load_own_limits(tmp_path / "nothing.yaml")


def test_a_lowered_limit_binds_with_its_source(tmp_path: Path) -> None:
    text = """
interscapular: {force_n: 20, hold_s: 15, source: "bruises easily"}
levator: {pressure_kpa: 40, source: "tender"}
everywhere: {force_n: 30, source: "first visit"}
"""
    lowered = own(text, tmp_path)
    tool = load_tool("thumb")
    binding = force_limits(find_site("interscapular_left"), tool, lowered)[0]
    assert (binding.name, binding.value, binding.source) == ("own limit, interscapular", 20.0, "bruises easily")
    binding = force_limits(find_site("levator_right"), tool, lowered)[0]
    assert binding.value == pytest.approx(40e3 * tool.contact_area(DEEP_M))
    assert binding.source == "tender" and "40 kPa" in binding.name
    assert force_limits(find_site("gluteal_left"), tool, lowered)[0].source == "first visit"
    neck = force_limits(find_site("posterior_neck_left"), tool, lowered)[0]
    assert (neck.name, neck.value) == ("soft cap", 20.0)  # 30 N would be more than holds there
    assert [limit.value for limit in hold_limits(find_site("interscapular_left"), lowered)] == [15.0, 90.0]
    assert [limit.value for limit in hold_limits(find_site("gluteal_left"), lowered)] == [90.0]


def test_a_file_that_lowers_nothing_changes_nothing(tmp_path: Path) -> None:
    site, tool = find_site("gluteal_left"), load_tool("palm")
    for text in ("", "gluteal: {source: me}\n"):
        assert force_limits(site, tool, own(text, tmp_path)) == force_limits(site, tool)


def test_a_press_above_an_own_limit_is_refused_with_cap_and_source(tmp_path: Path) -> None:
    own('interscapular: {force_n: 20, hold_s: 15, source: "bruises easily"}\n', tmp_path)
    plan = PressPlan(force_n=20.0, hold_s=15.0, limits=str(tmp_path / "own.yaml"))
    check_plan(plan)
    with pytest.raises(InputError, match=r"force_n: 20.5 N .* at most 20 N is \(own limit, interscapular; bruises"):
        check_plan(replace(plan, force_n=20.5))
    with pytest.raises(InputError, match=r"hold_s: 16 s .* at most 15 s is \(own limit, interscapular; bruises"):
        check_plan(replace(plan, hold_s=16.0))
    check_plan(replace(plan, force_n=40.0, site="lumbar_erector_left"))  # not a word about that place


def test_what_is_shown_of_a_limit_is_allowed(tmp_path: Path) -> None:
    own('levator: {pressure_kpa: 40, source: "tender"}\n', tmp_path)
    plan = PressPlan(site="levator_left", force_n=1.0, limits=str(tmp_path / "own.yaml"))
    cap = binding_force(plan.site, plan.tool, plan.limits)  # 12.566 N
    assert cap.shown == 12.5
    check_plan(replace(plan, force_n=cap.shown))
    with pytest.raises(InputError, match=r"at most 12\.5 N"):
        check_plan(replace(plan, force_n=12.6))


def test_a_source_of_many_lines_is_told_on_one(tmp_path: Path) -> None:
    assert own("levator: {force_n: 9, source: 'the\n\n doctor'}\n", tmp_path)["levator"].source == "the doctor"


def test_a_place_may_be_closed(tmp_path: Path) -> None:
    own('gluteal: {force_n: 0, source: "a wound"}\n', tmp_path)
    plan = PressPlan(site="gluteal_left", force_n=0.1, limits=str(tmp_path / "own.yaml"))
    with pytest.raises(InputError, match=r"0\.1 N is not allowed at gluteal_left; nothing is .*a wound"):
        check_plan(plan)


def test_the_guard_follows_a_lowered_cap() -> None:
    site = find_site("lumbar_erector_left")
    assert guard_limits(site, 60.0).force_cap == pytest.approx(62.3)
    lowered = guard_limits(site, 20.0)
    assert lowered.force_cap == pytest.approx(21.1)
    assert replace(lowered, force_cap=62.3) == replace(guard_limits(site, 60.0), force_cap=62.3)


amounts = st.none() | st.floats(0.0, 250.0)
places = st.sampled_from((EVERYWHERE, *REGIONS))


def _file_text(entries: dict[str, dict[str, Any]]) -> str:
    lines = []
    for place, entry in entries.items():
        numbers = "".join(f"{key}: {value!r}, " for key, value in entry.items() if value is not None)
        lines.append(f"{place}: {{{numbers}source: it}}")
    return "\n".join(lines) + "\n"


@settings(deadline=None)
@given(
    entries=st.dictionaries(
        places, st.fixed_dictionaries({"force_n": amounts, "pressure_kpa": amounts, "hold_s": amounts}), max_size=4
    ),
    site=st.sampled_from(sorted(load_sites())),
    tool=st.sampled_from(TOOLS),
)
def test_no_file_ever_raises_what_binds(entries: dict[str, dict[str, Any]], site: str, tool: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "own.yaml"
        path.write_text(HEAD + _file_text(entries))
        try:
            lowered = load_own_limits(path)
        except InputError:
            return  # it tried to
        before, after = binding_force(site, tool), binding_force(site, tool, str(path))
        assert after.value <= before.value
        region = find_site(site).region
        wanted = [entries[place]["force_n"] for place in (EVERYWHERE, region) if place in entries]
        assert all(after.value <= force for force in wanted if force is not None)
        assert hold_limits(find_site(site), lowered)[0].value <= hold_limits(find_site(site))[0].value
        guard = guard_limits(find_site(site), after.value)
        assert guard.force_cap <= guard_limits(find_site(site), before.value).force_cap
        with pytest.raises(InputError):
            check_plan(PressPlan(site=site, tool=tool, force_n=math.nextafter(after.value, math.inf), limits=str(path)))
