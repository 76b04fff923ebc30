"""Pressure profiles: targets in three units, rising, and what is said about files that are none."""

import math
import re
from pathlib import Path

import pytest
from massage_arm.control.limits import DEEP_M
from massage_arm.control.pressure_profile import PressureProfile, Segment, constant, load_profile, profile_names
from massage_arm.control.tool import load_tool
from massage_arm.native import InputError

THUMB, PALM = load_tool("thumb"), load_tool("palm")
RISING = """\
schema: massage-arm/profile/1
name: mine
about: rises twice
segments:
  - {kind: ramp, force_n: 12, seconds: 3, source: "assumption"}
  - {kind: hold, seconds: 20, give_mm_min: 0.5, source: "assumption"}
  - {kind: step, force_n: 25, seconds: 30, until_word: true, source: "assumption"}
  - {kind: sine, swing_share: 0.2, rate_hz: 0.5, seconds: 10, source: "assumption"}
"""


def written(folder: Path, old: str = "", new: str = "") -> Path:
    """The profile above with one text replaced."""
    assert old in RISING
    path = folder / "mine.yaml"
    path.write_text(RISING.replace(old, new) if old else RISING, encoding="utf-8")
    return path


def test_a_file_says_what_comes_after_what(tmp_path: Path) -> None:
    profile = load_profile(written(tmp_path))
    assert [segment.kind for segment in profile.segments] == ["ramp", "hold", "step", "sine"]
    assert profile.seconds == 63.0
    assert profile.segments[1].give_mm_min == 0.5
    assert profile.segments[2].until_word
    assert not profile.segments[1].until_word
    assert [s.target_n(THUMB, 300.0) for s in profile.segments] == [12.0, None, 25.0, None]
    assert profile.most_n(THUMB, 300.0) == pytest.approx(30.0)  # the sine swings about the step's force


def test_pressure_is_force_on_the_contact_of_the_tool() -> None:
    segment = Segment("ramp", 2.0, "", pressure_kpa=50.0)
    area = math.pi * 0.010**2
    assert segment.target_n(THUMB, 300.0) == pytest.approx(50e3 * area)
    assert segment.target_n(PALM, 1.0) == pytest.approx(50e3 * PALM.contact_area(DEEP_M))


def test_percent_of_the_threshold_counts_the_area_that_is_pressed() -> None:
    """Thresholds fall with area as A^-0.4 from 1 cm² on: docs/safety.md D.3."""
    half = Segment("ramp", 2.0, "", percent_of_threshold=50.0)
    cm2 = 1e4 * THUMB.contact_area(DEEP_M)
    assert half.target_n(THUMB, 300.0) == pytest.approx(0.5 * 300e3 * cm2**-0.4 * 1e-4 * cm2)
    whole = Segment("ramp", 2.0, "", percent_of_threshold=100.0)
    assert whole.target_n(THUMB, 300.0) == pytest.approx(2.0 * half.target_n(THUMB, 300.0))  # type: ignore[operator]
    assert half.target_n(THUMB, 600.0) == pytest.approx(2.0 * half.target_n(THUMB, 300.0))  # type: ignore[operator]
    wide, narrow = half.target_n(PALM, 300.0), half.target_n(THUMB, 300.0)
    assert wide is not None
    assert narrow is not None
    assert wide > narrow  # more force,
    assert wide / PALM.contact_area(DEEP_M) < narrow / THUMB.contact_area(DEEP_M)  # less pressure


def test_a_constant_force_comes_slowly_and_stays() -> None:
    profile = constant(30.0, 20.0)
    assert [segment.kind for segment in profile.segments] == ["ramp", "hold"]
    assert profile.segments[0].seconds == 3.0  # 10 N/s
    assert profile.segments[1].seconds == 20.0
    assert profile.most_n(THUMB, 300.0) == 30.0
    assert constant(3.0, 5.0).segments[0].seconds == 1.5


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ("force_n: 12", "force_n: 120", "segments[0].force_n", ["120", "3 to 70"]),
        ("force_n: 12", "force_kg: 12", "segments[0].force_kg", ["not allowed", "force_n"]),
        ("force_n: 12, ", "", "segments[0]", ["none", "force_n, pressure_kpa, percent_of_threshold"]),
        ("force_n: 12", "force_n: 12, pressure_kpa: 20", "segments[0]", ["force_n and pressure_kpa is not allowed"]),
        ("kind: ramp", "kind: rampe", "segments[0].kind", ["rampe", "ramp"]),
        ("seconds: 3,", "seconds: 0.1,", "segments[0].seconds", ["0.1", "0.5 to 600"]),
        ("give_mm_min: 0.5", "give_mm_min: 0", "segments[1].give_mm_min", ["0.05 to 20"]),
        ("give_mm_min: 0.5", "force_n: 15", "segments[1].force_n", ["not allowed"]),
        ("rate_hz: 0.5", "rate_hz: 50", "segments[3].rate_hz", ["50", "0.1 to 20"]),
        ('until_word: true, source: "assumption"', "until_word: true", "segments[2].source", ["missing"]),
    ],
)
def test_a_wrong_value_is_named_with_its_line(old: str, new: str, key: str, words: list[str], tmp_path: Path) -> None:
    path = written(tmp_path, old, new)
    with pytest.raises(InputError) as caught:
        load_profile(path)
    said = str(caught.value)
    line = 5 + int(re.findall(r"\d", key)[0])
    assert said.startswith(f"{path}:{line}:")
    assert key in said
    assert all(word in said for word in words), said


@pytest.mark.parametrize("first", [22.0, 25.0, 40.0])
def test_a_profile_that_starts_deep_is_refused_with_the_reason(first: float, tmp_path: Path) -> None:
    path = written(tmp_path, "force_n: 12", f"force_n: {first:g}")
    with pytest.raises(InputError) as caught:
        load_profile(path)
    most = 0.85 * max(first, 25.0)
    assert str(caught.value).startswith(
        f"{path}:5: segments[0].force_n: {first:g} is not allowed; at most {most:g} is, 85 % of the deepest"
    )
    assert "Roberts 2011" in str(caught.value)


def test_a_profile_that_rises_enough_is_taken(tmp_path: Path) -> None:
    assert load_profile(written(tmp_path, "force_n: 12", "force_n: 21")).segments[0].force_n == 21.0


@pytest.mark.parametrize("kind", ["hold", "sine"])
def test_a_profile_begins_with_a_target(kind: str, tmp_path: Path) -> None:
    keys = {"hold": "kind: hold", "sine": "kind: sine, swing_share: 0.2, rate_hz: 1"}[kind]
    path = written(tmp_path, "kind: ramp, force_n: 12", keys)
    with pytest.raises(InputError, match=rf"mine\.yaml:5: segments\[0\]\.kind: {kind} is not allowed; ramp, step or"):
        load_profile(path)


def test_unknown_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"profile: 'nothing_such' is not known; a file or one of"):
        load_profile("nothing_such")
    with pytest.raises(InputError, match=r"none\.yaml"):
        load_profile(tmp_path / "none.yaml")


def test_all_that_are_shipped_can_be_read() -> None:
    for name in profile_names():
        profile: PressureProfile = load_profile(name)
        assert profile.most_n(THUMB, 300.0) > 3.0
