"""Sessions: what a file may ask for, on which back, and what is said where it may not."""

import re
from pathlib import Path

import pytest
from massage_arm.control.body import Body, load_body
from massage_arm.control.limits import OwnLimits
from massage_arm.control.session import Session, jobs_of, load_session
from massage_arm.control.session_job import Job
from massage_arm.control.skin_path import SkinPath
from massage_arm.control.tool import load_tool
from massage_arm.native import InputError

BODY: Body = load_body()
HEAD = "schema: massage-arm/session/1\nname: mine\nabout: for a test\ntool: {tool}\nsource: assumption\nsteps:\n"
FIRST_STEP = 7  # its line


def written(folder: Path, *steps: str, tool: str = "ball") -> Path:
    """A session of these steps, each on its own line."""
    path = folder / "mine.yaml"
    path.write_text(HEAD.format(tool=tool) + "".join(f"  - {{{step}}}\n" for step in steps), encoding="utf-8")
    return path


def load(folder: Path, *steps: str, tool: str = "ball") -> Session:
    return load_session(written(folder, *steps, tool=tool))


def jobs(session: Session, own: dict[str, OwnLimits] | None = None) -> list[Job]:
    return jobs_of(session, BODY, load_tool(session.tool), own)


def stroke(name: str = "compression", site: str = "thoracic_erector_left", **more: object) -> str:
    return ", ".join(["do: stroke", f"stroke: {name}", f"site: {site}", *(f"{k}: {v}" for k, v in more.items())])


def refused(folder: Path, step: str, *words: str, own: dict[str, OwnLimits] | None = None) -> None:
    """The second of two steps is refused, by file, line and key, with these words."""
    good = stroke("static_hold", force_n=5, seconds=10)
    with pytest.raises(InputError) as caught:
        jobs(load(folder, good, step), own)
    said = str(caught.value)
    assert re.match(rf"{re.escape(str(folder / 'mine.yaml'))}:{FIRST_STEP + 1}:(\d+:)? ", said), said
    assert "steps[1]" in said
    assert all(word in said for word in words), said


def test_steps_become_jobs_with_caps_limits_and_targets(tmp_path: Path) -> None:
    session = load(
        tmp_path,
        stroke(force_n=20, seconds=30),
        "do: rest, seconds: 5",
        stroke("circular_friction", "lumbar_erector_right", seconds=40, repeats=2),
    )
    assert session.seconds == 30 + 5 + 2 * 40
    first, rest, second, again = jobs(session)
    assert first.title == "compression, thoracic erector left, 30 s"
    assert first.targets == [20.0, None]
    assert first.limits is not None
    assert first.cap_n < first.limits.force_cap <= first.limits.force_hard
    assert (rest.stroke, rest.seconds) == (None, 5.0)
    assert second.title == again.title == "circular friction, lumbar erector right, 40 s"
    assert second.way is not None
    assert second.way.closed


def test_own_numbers_replace_those_of_the_stroke(tmp_path: Path) -> None:
    session = load(tmp_path, stroke("effleurage_deep", length_mm=90, speed_mm_s=30, return_share=0.7), tool="palm")
    used = session.steps[0].stroke
    assert used is not None
    assert (used.length_mm, used.speed_mm_s, used.return_share) == (90.0, 30.0, 0.7)
    way = jobs(session)[0].way
    assert way is not None
    assert way.length == pytest.approx(0.09, rel=0.01)


def test_more_than_a_cap_is_refused_with_the_cap_and_its_source(tmp_path: Path) -> None:
    refused(tmp_path, stroke(force_n=65), "65.0 N at its most is not allowed", "at most", "docs/safety.md A.9")


def test_a_swing_counts_towards_the_cap(tmp_path: Path) -> None:
    assert jobs(load(tmp_path, stroke(force_n=40, seconds=20)))
    refused(tmp_path, stroke("vibration", force_n=40, swing_share=0.6), "64.0 N at its most")


def test_the_strictest_site_on_the_way_binds(tmp_path: Path) -> None:
    """A long line from the thorax passes places that bear less."""
    alone = jobs(load(tmp_path, stroke(force_n=5, seconds=10)))[0]
    long = jobs(load(tmp_path, stroke("effleurage_light", length_mm=250, force_n=5, seconds=20), tool="ball"))[0]
    short = jobs(load(tmp_path, stroke("effleurage_light", length_mm=10, force_n=5, seconds=20), tool="ball"))[0]
    assert long.cap_n <= short.cap_n
    assert long.limits is not None
    assert alone.limits is not None
    assert long.limits.force_hard <= alone.limits.force_hard


def test_a_limit_of_ones_own_is_named_with_its_source(tmp_path: Path) -> None:
    own = {"thoracic_erector": OwnLimits(force_n=12.0, pressure_kpa=None, hold_s=None, source="my physiotherapist")}
    refused(tmp_path, stroke(force_n=15), "at most 12 N is", "own limit", "my physiotherapist", own=own)
    own = {"everywhere": OwnLimits(force_n=None, pressure_kpa=None, hold_s=20.0, source="my doctor")}
    refused(tmp_path, stroke(force_n=15, seconds=21), "at most 20 s is", "my doctor", own=own)


def test_a_stroke_over_a_place_where_nothing_may_press_is_refused(tmp_path: Path) -> None:
    step = stroke("cross_fibre_friction", length_mm=120, rate_hz=0.05, force_n=10)
    refused(tmp_path, step, "crosses spinous_processes", "nothing may press")


def test_a_way_that_leaves_the_back_is_refused(tmp_path: Path) -> None:
    refused(
        tmp_path, stroke("stripping", "posterior_neck_left", length_mm=400, force_n=10), "beyond the back that is known"
    )


def test_a_stroke_of_another_tool_is_refused_but_a_ball_serves_for_all(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load(tmp_path, stroke("petrissage"), stroke("effleurage_deep"), tool="thumb")
    said = str(caught.value)
    assert said.startswith(
        f"{tmp_path / 'mine.yaml'}:{FIRST_STEP + 1}: steps[1]: effleurage_deep is meant for the tool"
    )
    assert "palm" in said
    assert load(tmp_path, stroke("petrissage"), stroke("effleurage_deep"), tool="ball")


def test_where_the_skin_falls_off_beside_a_way_less_is_asked_for_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = load(tmp_path, stroke("effleurage_deep", force_n=50), stroke("effleurage_deep", force_n=20))
    first, second = jobs(session)
    assert first.lowered == second.lowered == ""
    monkeypatch.setattr(SkinPath, "falling_off", lambda self: 0.7 * 1500.0 / 35.0)
    first, second = jobs(session)
    assert first.lowered.startswith("35.0 N at most, not 50.0 N:") and second.lowered == ""
    assert first.most_n == pytest.approx(35.0)
    assert first.cap_n > 50.0  # the guard's wall stays where it was


def test_longer_than_an_hour_is_refused(tmp_path: Path) -> None:
    step = stroke("circular_friction", seconds=600, repeats=6)
    assert load(tmp_path, step).seconds == 3600.0
    with pytest.raises(InputError, match=r"mine\.yaml:\d+: steps: 3601 s in all is not allowed; at most 3600 s"):
        load(tmp_path, step, "do: rest, seconds: 1")


@pytest.mark.parametrize("name", ["compression", "static_hold"])
def test_longer_than_90_s_at_one_point_is_refused(name: str, tmp_path: Path) -> None:
    assert jobs(load(tmp_path, stroke(name, force_n=10, seconds=90)))
    refused(tmp_path, stroke(name, force_n=10, seconds=91), "91 s at one point", "at most 90 s is", "A.9")


def test_a_swing_or_a_motion_too_fast_is_refused_with_what_is_allowed(tmp_path: Path) -> None:
    refused(tmp_path, stroke("vibration", swing_hz=5.5), "swings at 5.5 Hz", "at most 5 Hz is", "docs/strokes.md")
    fast = stroke("circular_friction", "infraspinatus_left", radius_mm=12, rate_hz=3, force_n=10)
    refused(tmp_path, fast, "226 mm/s at its fastest", "at most 150 mm/s is", "A.9")
    fast = stroke("cross_fibre_friction", "infraspinatus_left", length_mm=18, rate_hz=3, force_n=10)
    refused(tmp_path, fast, "170 mm/s at its fastest")


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (stroke("petrisage"), ["steps[1].stroke", "petrisage", "did you mean petrissage?"]),
        (stroke(site="thoracic_erecter_left"), ["steps[1].site", "did you mean thoracic_erector_left?"]),
        (stroke(force_n=71), ["steps[1].force_n", "71", "3 to 70"]),
        (stroke(seconds=1), ["steps[1].seconds", "3 to 600"]),
        (stroke(repeats=0), ["steps[1].repeats", "1 to 20"]),
        (stroke(pressure=3), ["steps[1].pressure", "not allowed"]),
        (stroke(profile="no_such_profile"), ["no_such_profile", "not known"]),
        ("do: dance", ["steps[1].do", "dance"]),
        ("do: rest", ["steps[1].seconds", "missing"]),
        (stroke(profile="a", force_n=10), ["profile together with force_n or seconds is not allowed"]),
    ],
)
def test_what_a_step_gets_wrong_is_named_with_its_line(step: str, words: list[str], tmp_path: Path) -> None:
    refused(tmp_path, step, *words)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (["do: rest, seconds: 5"], "steps: no stroke is among them"),
        (["do: rest, seconds: 5", stroke()], r"steps\[0\]: a rest comes first"),
    ],
)
def test_a_session_begins_with_a_stroke(steps: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"mine\.yaml:\d+: {said}"):
        load(tmp_path, *steps)


def test_a_profile_lies_beside_the_session_and_says_how_long_it_lasts(tmp_path: Path) -> None:
    (tmp_path / "rise.yaml").write_text(
        "schema: massage-arm/profile/1\nname: rise\nabout: rises\nsegments:\n"
        "  - {kind: ramp, percent_of_threshold: 20, seconds: 5, source: assumption}\n"
        "  - {kind: hold, seconds: 30, source: assumption}\n",
        encoding="utf-8",
    )
    session = load(tmp_path, stroke(profile="rise.yaml"))
    assert session.seconds == 35.0
    tool = load_tool("thumb")
    typical = jobs_of(session, BODY, tool)[0].targets[0]
    tender = jobs_of(session, BODY, tool, thresholds_kpa={"thoracic_erector_left": 200.0})[0].targets[0]
    assert typical is not None
    assert tender == pytest.approx(typical * 200.0 / 400.0)  # sites.yaml has 400 kPa there


def test_an_unknown_session_or_tool_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="session: 'nothing_such' is not known; a file or one of"):
        load_session("nothing_such")
    with pytest.raises(InputError, match=r"none\.yaml"):
        load_session(tmp_path / "none.yaml")
    with pytest.raises(InputError, match=r"mine\.yaml:4: tool: .*did you mean thumb"):
        load(tmp_path, stroke(), tool="thum")
