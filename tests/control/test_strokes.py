"""Strokes: smooth in place and force, every number with its source."""

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from massage_arm.control import strokes
from massage_arm.control.body import load_body
from massage_arm.control.strokes import NAMES, PATHS, Stroke, find_stroke, load_strokes, smooth
from massage_arm.native import InputError

STROKES = st.sampled_from(NAMES).map(find_stroke)
CLOCKS = st.floats(0.0, 600.0)
RETURNING = [name for name in NAMES if find_stroke(name).return_share < 1.0]


@given(STROKES, CLOCKS)
def test_the_place_is_continuous_on_the_way_and_speed_is_its_derivative(stroke: Stroke, clock: float) -> None:
    length = 1e-3 * stroke.length_mm or 2e-3 * math.pi * stroke.radius_mm
    e = 1e-4
    (before, _), (place, speed), (after, _) = (stroke.place(clock + k * e, length) for k in (-1, 0, 1))
    assert (after - before) / (2.0 * e) == pytest.approx(speed, abs=1e-6)
    assert after - 2.0 * place + before == pytest.approx(0.0, abs=1e-7)
    assert abs(speed) <= 0.15  # m/s, docs/safety.md A.9
    if stroke.path != "circle":
        assert 0.0 <= place <= length


@given(st.sampled_from(NAMES))
def test_a_stroke_begins_at_the_begin_of_its_way_and_a_line_at_rest(name: str) -> None:
    stroke = find_stroke(name)
    place, speed = stroke.place(0.0, 0.1)
    assert place == 0.0
    assert speed == 0.0 or stroke.path == "circle"


@given(STROKES, st.floats(0.02, 0.98), st.floats(0.0, 0.9), CLOCKS)
def test_the_share_of_the_force_is_smooth_and_within_its_bounds(
    stroke: Stroke, share: float, _: float, clock: float
) -> None:
    stroke = replace(stroke, return_share=max(0.1, share))
    e = 1e-3 * (1.0 if math.isinf(stroke.turn_s) else stroke.turn_s)
    before, now, after = (stroke.share(clock + k * e) for k in (-1, 0, 1))
    assert stroke.return_share - 1e-12 <= now <= 1.0 + 1e-12
    # Over 1/1000 of a turn: no step, and no kink either. The slope is at most 1.9 times 2 pi per turn.
    assert abs(after - now) < 0.0125
    assert abs(after - 2.0 * now + before) < 3e-4


@pytest.mark.parametrize("name", RETURNING)
def test_all_of_the_force_is_there_on_the_way_and_its_share_on_the_way_back(name: str) -> None:
    stroke = find_stroke(name)
    assert stroke.share(0.25 * stroke.turn_s) == 1.0
    assert stroke.share(0.75 * stroke.turn_s) == pytest.approx(stroke.return_share)
    # While the force changes the tool is slow: at most half as fast as it gets.
    clocks = np.linspace(0.0, stroke.turn_s, 400)
    fastest = max(abs(stroke.place(c, 0.1)[1]) for c in clocks)
    changing = [c for c in clocks if stroke.return_share < stroke.share(c) < 1.0]
    assert max(abs(stroke.place(c, 0.1)[1]) for c in changing) < 0.51 * fastest


@given(st.floats(-2.0, 3.0))
def test_smooth_rises_once_from_nothing_to_one(x: float) -> None:
    assert 0.0 <= smooth(x) <= smooth(x + 0.01) <= 1.0
    assert smooth(1.0 - x) == pytest.approx(1.0 - smooth(x))


def test_a_line_is_as_fast_as_it_says() -> None:
    stroke = find_stroke("effleurage_deep")
    turn = np.linspace(0.0, stroke.turn_s, 1001)
    way = np.abs(np.diff([stroke.place(t, 1e-3 * stroke.length_mm)[0] for t in turn])).sum()
    assert way / stroke.turn_s == pytest.approx(1e-3 * stroke.speed_mm_s, rel=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_every_number_of_a_stroke_has_a_source(name: str) -> None:
    stroke = load_strokes()[name]
    assert stroke.path in PATHS
    named = re.search(rf"^{name}:\n((?:  .*\n)+)", strokes.FILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert named
    numbers = re.findall(r"^  (\w+): [\d.]+$", named[1], re.MULTILINE)
    assert {"force_n", "seconds"} <= set(numbers)
    assert set(numbers) == set(stroke.sources)
    assert all(re.match(r"(4\.[123] |assumption|docs/)", source) for source in stroke.sources.values())


@pytest.mark.parametrize("name", NAMES)
def test_every_stroke_fits_on_a_back(name: str) -> None:
    body, stroke = load_body(), find_stroke(name)
    path = stroke.way(body.height_field, body.sites["thoracic_erector_left"])
    expected = {"spot": 0.0, "circle": 2e-3 * math.pi * stroke.radius_mm}.get(stroke.path, 1e-3 * stroke.length_mm)
    assert path.length == pytest.approx(expected, rel=0.02)
    assert path.closed == (stroke.path == "circle")


@pytest.mark.parametrize(("wrong", "hint"), [("effleurage", "effleurage_"), ("petrisage", "petrissage"), ("xyz", "")])
def test_an_unknown_stroke_is_refused_with_a_hint(wrong: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        find_stroke(wrong)
    assert f"stroke: {wrong!r} is not known; known are effleurage_light, " in str(caught.value)
    assert (f"did you mean {hint}" in str(caught.value)) == bool(hint)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('    swing_hz: "4.2 tapotement, 3 to 10 Hz"\n', "", "tapotement.sources.swing_hz is missing"),
        ("  length_mm: 30\n", "", "myofascial_release.length_mm is missing"),
        ("  path: spot\n  force_n: 10\n  seconds", "  path: stop\n  force_n: 10\n  seconds", "static_hold.path: stop"),
    ],
)
def test_a_file_that_lacks_a_number_or_its_source_is_refused(
    old: str, new: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = strokes.FILE.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "strokes.yaml"
    file.write_text(text.replace(old, new), encoding="utf-8")
    monkeypatch.setattr(strokes, "FILE", file)
    with pytest.raises(InputError, match=re.escape(said)):
        load_strokes.__wrapped__()
