"""What the package brings along: every profile and session can be done, rises, and says where its numbers come from."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from massage_arm.app.listing import most_n
from massage_arm.control.body import Body, load_body
from massage_arm.control.pressure_follower import PressureFollower
from massage_arm.control.pressure_profile import load_profile, profile_names
from massage_arm.control.session import jobs_of, load_session, session_names
from massage_arm.control.strokes import load_strokes
from massage_arm.control.tool import load_tool
from massage_arm.native import InputError
from massage_arm.sim.scan import known_back

PAGE = (Path(__file__).parents[2] / "docs" / "strokes.md").read_text(encoding="utf-8")
UNITS = {"force_n": "N", "pressure_kpa": "kPa", "percent_of_threshold": "%", "seconds": "s"}
UNITS |= {"give_mm_min": "mm/min", "rate_hz": "Hz", "period_s": "s", "step_percent": "%"}
LIGHT_N = 12.0  # at its most, of what warms up and smooths out
SHARES = ("low_share", "swing_share")


@pytest.fixture(scope="module")
def bodies() -> Mapping[str, Body]:
    """The average body as it is, and three people as a scan knows them."""
    return {"average": load_body("average"), **{p: known_back(p, 0).body for p in ("1/0", "1/3", "1/4")}}


def test_there_is_something_to_choose_from() -> None:
    assert len(profile_names()) >= 12 and len(session_names()) >= 6 and "back_relaxing" in session_names()


def test_a_name_means_one_thing() -> None:
    names = [*load_strokes(), *profile_names(), *session_names()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", profile_names())
def test_a_profile_says_of_every_number_where_it_comes_from(name: str) -> None:
    for segment in load_profile(name).segments:
        assert re.search(r"4\.[1-4]|A\.9|assumption", segment.source), segment
        said = {
            (float(value), unit)
            for value, unit in re.findall(r"([\d.]+) (mm/min|kPa|Hz|N|%|s)\b|", segment.source)
            if value
        }
        for key, unit in UNITS.items():
            if (value := getattr(segment, key)) is not None:
                assert (value, unit) in said or f"{value:g} {unit}" in segment.source, (
                    f"{key} {value}: {segment.source}"
                )
        for key in SHARES:
            if (value := getattr(segment, key)) is not None:
                assert f"{value:g}" in segment.source, segment.source


@pytest.mark.parametrize("name", [*profile_names(), *session_names()])
def test_tables_that_a_source_names_are_in_the_page(name: str) -> None:
    file = next((Path(__file__).parents[2] / "control").glob(f"*/{name}.yaml"))
    named = set(re.findall(r"\b4\.\d\b", file.read_text(encoding="utf-8").split("schema:")[1]))
    assert all(f"## {table} " in PAGE for table in named), named
    assert named or "A.9" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", profile_names())
def test_a_profile_never_goes_down_to_less_and_stays_90_s_at_a_point(name: str) -> None:
    profile = load_profile(name)
    tool = load_tool("thumb")
    targets = [t for s in profile.segments if (t := s.target_n(tool, 300.0)) is not None]
    assert targets == sorted(targets)
    assert profile.seconds <= 90.0 or "90 s" in profile.about, "a longer one must say that it is not for one point"


@pytest.mark.parametrize("name", profile_names())
def test_a_profile_can_be_run_by_its_name(name: str, bodies: Mapping[str, Body]) -> None:
    session = load_session(name)
    if load_profile(name).seconds > 90.0:
        with pytest.raises(InputError, match="120 s at one point is not allowed"):
            jobs_of(session, bodies["average"], load_tool(session.tool))
    else:
        assert len(jobs_of(session, bodies["average"], load_tool(session.tool))) == 1


@pytest.mark.parametrize("name", session_names())
def test_a_session_can_be_done_on_different_people(name: str, bodies: Mapping[str, Body]) -> None:
    session = load_session(name)
    for person, body in bodies.items():
        jobs = jobs_of(session, body, load_tool(session.tool))
        assert len(jobs) == len(session.steps), person
        for job in jobs:
            most = max((target for target in job.targets if target is not None), default=0.0)
            swing = 0.0 if job.stroke is None else job.stroke.swing_share
            assert most * (1.0 + swing) <= job.cap_n + 1e-9, (person, job.title)
            assert "neck" not in job.title or job.cap_n <= 20.0, (person, job.title)


@pytest.mark.parametrize("name", session_names())
def test_a_session_begins_and_ends_light_and_rises_between(name: str) -> None:
    session = load_session(name)
    tool = load_tool(session.tool)
    most = [(step, most_n(step, tool)) for step in session.steps if step.stroke is not None]
    assert most[0][1] <= LIGHT_N and most[-1][1] <= LIGHT_N
    done: dict[str, float] = {}
    for step, force in most:
        if force <= LIGHT_N and step.site in done:
            continue  # smooths out what was done
        assert force >= done.get(step.site, 0.0), f"{step.key} is lighter than what was done at {step.site} before"
        assert step.site in done or force <= LIGHT_N or step.stroke.path == "spot", f"{step.key} warms nothing up"
        done[step.site] = force


@pytest.mark.parametrize("name", session_names())
def test_the_minutes_in_a_name_are_true(name: str) -> None:
    session = load_session(name)
    if match := re.search(r"_(\d+)_min", name):
        assert 60.0 * float(match[1]) == pytest.approx(session.whole_s, rel=0.07)


def test_the_assessment_ends_where_the_person_says_so() -> None:
    profile = load_profile("assessment_ramp")
    tool = load_tool("thumb")
    follower = PressureFollower(profile.segments, [s.target_n(tool, 300.0) for s in profile.segments], 3.0)
    forces = [follower.update(0.01 * k, 0.0).force_n for k in range(1500)]
    assert 10.0 < forces[-1] < 30.0 and not follower.finished
    after = follower.update(15.0, 0.0, word=True)
    assert follower.finished and after.force_n == pytest.approx(forces[-1], abs=0.05), "it must not go on to the target"


def test_kilopascals_of_a_thumb_are_refused_on_a_ball(tmp_path: Path, bodies: Mapping[str, Body]) -> None:
    text = "schema: massage-arm/session/1\nname: a\nabout: a\ntool: ball\nsource: a\nsteps:\n" + (
        "  - {do: stroke, stroke: compression, site: upper_trapezius_right, profile: ischaemic_compression_30}\n"
    )
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(InputError, match=r"101\.\d N at its most is not allowed .* at most 45 N is"):
        jobs_of(load_session(tmp_path / "s.yaml"), bodies["average"], load_tool("ball"))
