"""A session: strokes at sites, one after the other, with rests; YAML files, some shipped, checked before it begins."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..native.errors import InputError
from ..native.settings import ControllerSettings
from .body import Body
from .dose import dose_caps
from .limits import Limit, OwnLimits, force_limits, general_limits, guard_limits, hold_limits
from .pressure_profile import SCHEMA as PROFILE_SCHEMA
from .pressure_profile import PressureProfile, constant, load_profile, profile_file, profile_names
from .session_job import Job
from .sites import SiteLimits, find_site, load_sites
from .skin_path import SkinPath
from .strokes import NAMES, Stroke, find_stroke
from .tool import Tool, load_tool
from .yaml_file import Each, Field, Fields, Variants, locate, read_schema, read_yaml

FOLDER = Path(__file__).with_name("sessions")
SCHEMA = "massage-arm/session/1"
PROFILE_SITE = "lumbar_erector_right"
"""Where a profile is run that names no site: its cap is among the highest of the back."""
LONGEST_S = 3600.0
"""Of a session; assumption: a standard back massage takes 44 min (Albert 2006), and nobody lies still for longer."""
BETWEEN_S = 9.0
"""About, from the end of a stroke to the touch of the next."""
_STIFFNESS = (1500.0, 150.0, 30.0)  # N/m across: friction holds a stroke back; N/m along the press; Nm/rad
SWING_HZ_MAX = 5.0
"""At which a force may swing: on 20 backs a swing of 3 N about 20 N is within 10 % at 5 Hz, and 19 % off at 6 Hz."""
_HELD_SHARE = 0.7
"""Of what the arm's stiffness can hold on skin that falls off. Assumption: of 20 people, 60 N slid off the way on the
three with a share above 1.1, and on none with one below 0.8."""
OWN = ("length_mm", "radius_mm", "speed_mm_s", "rate_hz", "return_share", "swing_share", "swing_hz")
"""What a step may set in place of the stroke's own."""
_STROKE = {
    "stroke": Field(str, choices=NAMES),
    "site": Field(str, choices=tuple(load_sites())),
    "seconds": Field(float, 3.0, 600.0, required=False),
    "force_n": Field(float, 3.0, 70.0, required=False),
    "profile": Field(str, required=False),
    "repeats": Field(int, 1, 20, required=False, default=1),
    "length_mm": Field(float, 1.0, 400.0, required=False),
    "radius_mm": Field(float, 3.0, 60.0, required=False),
    "speed_mm_s": Field(float, 0.5, 90.0, required=False),
    "rate_hz": Field(float, 0.02, 3.0, required=False),
    "return_share": Field(float, 0.1, 1.0, required=False),
    "swing_share": Field(float, 0.0, 0.9, required=False),
    "swing_hz": Field(float, 0.1, 20.0, required=False),
}
_STEPS = {"stroke": _STROKE, "rest": {"seconds": Field(float, 1.0, 600.0)}}
FIELDS: Fields = {
    "name": Field(str),
    "about": Field(str),
    "tool": Field(str),
    "source": Field(str),
    "steps": Each(Variants("do", _STEPS)),
}


@dataclass(frozen=True)
class Step:
    """One stroke at one site, or a rest (no stroke)."""

    key: str
    """Where it stands in the file, such as `steps[2]`."""
    seconds: float
    stroke: Stroke | None = None
    site: str = ""
    profile: PressureProfile | None = None


@dataclass(frozen=True)
class Session:
    """Steps with one tool."""

    name: str
    about: str
    tool: str
    steps: Sequence[Step]
    file: Path
    profiles: Sequence[Path] = ()
    """Files of profiles beside it."""
    source: str = ""
    """Where its order, forces and times come from."""

    @property
    def seconds(self) -> float:
        """Of all strokes and rests, without the ways between them."""
        return sum(step.seconds for step in self.steps)

    @property
    def whole_s(self) -> float:
        """Estimate of how long it takes with the ways."""
        return self.seconds + BETWEEN_S * len(self.steps)


def session_names() -> list[str]:
    """The sessions that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_session(name_or_path: str | Path, site: str | None = None) -> Session:
    """A session, or a profile as a session of one compression at `site`; shipped by name, or of a file.

    Raises InputError (file, line, key, what is allowed) for a wrong one.
    """
    name = str(name_or_path)
    if name in profile_names() or (Path(name).suffix and read_schema(Path(name)) == PROFILE_SCHEMA):
        return _of_profile(name, site or PROFILE_SITE)
    if site is not None:
        raise InputError(f"site: {site} is not allowed for a session, which has its own; a profile takes it")
    path = _file(name)
    values = read_yaml(path, SCHEMA, FIELDS)
    steps = []
    for i, entry in enumerate(values["steps"]):
        step = _step(path, f"steps[{i}]", entry)
        steps += [step] * entry.get("repeats", 1)
    named = {entry.get("profile") for entry in values["steps"]}
    profiles = [path.parent / name for name in sorted(filter(None, named)) if Path(name).suffix]
    session = Session(values["name"], values["about"], values["tool"], steps, path, profiles, values["source"])
    _check(session)
    return session


def _of_profile(name: str, site: str) -> Session:
    profile = load_profile(name)
    find_site(site)
    step = Step("segments", profile.seconds, find_stroke("compression"), site, profile)
    return Session(profile.name, profile.about, "thumb", [step], profile_file(name))


def _file(name: str) -> Path:
    if name in session_names():
        return FOLDER / f"{name}.yaml"
    if Path(name).suffix:
        return Path(name)
    close = difflib.get_close_matches(name, [*session_names(), *profile_names()], n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise InputError(f"session: {name!r} is not known; a file or one of {', '.join(session_names())} is{hint}")


def _step(path: Path, key: str, entry: Mapping[str, Any]) -> Step:
    if entry["do"] == "rest":
        return Step(key, entry["seconds"])
    own = {name: entry[name] for name in OWN if entry[name] is not None}
    stroke = replace(find_stroke(entry["stroke"]), **own)
    if entry["profile"] is not None and (entry["force_n"] is not None or entry["seconds"] is not None):
        raise _refusal(path, key, "profile together with force_n or seconds is not allowed; one of them is")
    if entry["profile"] is not None:
        if Path(entry["profile"]).name != entry["profile"]:
            raise _refusal(path, f"{key}.profile", f"{entry['profile']} is not allowed; a file beside the session is")
        try:
            profile = load_profile(_beside(path, entry["profile"]))
        except InputError as error:
            raise _refusal(path, f"{key}.profile", str(error)) from None
        return Step(key, profile.seconds, stroke, entry["site"], profile)
    seconds = stroke.seconds if entry["seconds"] is None else entry["seconds"]
    force = stroke.force_n if entry["force_n"] is None else entry["force_n"]
    return Step(key, seconds, stroke, entry["site"], constant(force, seconds))


def _beside(path: Path, name: str) -> str:
    """A profile's file counts from the session's folder."""
    return str(path.parent / name) if Path(name).suffix else name


def _refusal(path: Path, key: str, why: str) -> InputError:
    line, _ = locate(path, key)
    return InputError(f"{path}:{line}: {key}: {why}")


def _check(session: Session) -> None:
    """What can be said of a session without knowing the person."""
    try:
        load_tool(session.tool)
    except InputError as error:
        raise _refusal(session.file, "tool", str(error)) from None
    strokes = [step for step in session.steps if step.stroke is not None]
    if not strokes:
        raise _refusal(session.file, "steps", "no stroke is among them; at least one is needed")
    if session.steps[0].stroke is None:
        raise _refusal(session.file, session.steps[0].key, "a rest comes first; begin with a stroke")
    if session.seconds > LONGEST_S:
        said = f"{session.seconds:.0f} s in all is not allowed; at most {LONGEST_S:.0f} s is (Albert 2006: 44 min)"
        raise _refusal(session.file, "steps", said)
    for step in strokes:
        assert step.stroke is not None
        if step.stroke.tool != session.tool and {step.stroke.tool, session.tool} == {"palm", "thumb"}:
            raise _refusal(
                session.file,
                step.key,
                f"{step.stroke.name} is meant for the tool {step.stroke.tool}; this session has {session.tool} and no "
                "change of tool: split it in two, or use ball",
            )


def stiffness_at(control_hz: float) -> tuple[float, float, float]:
    """N/m across, N/m along the press direction, Nm/rad of a session at so many control cycles a second.

    A slow loop is late, and a stiff wrist then swings. Own choice: with the full stiffness a session at 500 Hz and
    `harsh` was over speed after 10 s, with half of it the tool slid off its way.
    """
    across, along, about = _STIFFNESS
    share = math.sqrt(min(1.0, control_hz / 1000.0))
    return share * across, along, share * about


def jobs_of(
    session: Session,
    body: Body,
    tool: Tool,
    own: dict[str, OwnLimits] | None = None,
    thresholds_kpa: Mapping[str, float] | None = None,
    share_of_cap: float = 1.0,
    control_hz: float = 1000.0,
) -> list[Job]:
    """The steps of a session on one back, ready to be done; InputError where a cap or a place forbids one.

    `body` as it is known; `own`: limits that somebody lowered; `thresholds_kpa`: the person's own pain thresholds on
    1 cm² by site (typical ones where they are not known); `share_of_cap`: what an intake leaves of every cap;
    `control_hz`: how stiffly the arm keeps a tool on its way goes with it.
    """
    known, across = thresholds_kpa or {}, stiffness_at(control_hz)[0]
    return [_job(session, step, body, tool, own, known, share_of_cap, across) for step in session.steps]


def _job(
    session: Session,
    step: Step,
    body: Body,
    tool: Tool,
    own: dict[str, OwnLimits] | None,
    thresholds_kpa: Mapping[str, float],
    share_of_cap: float,
    stiffness: float,
) -> Job:
    if step.stroke is None or step.profile is None:
        return Job(f"rest, {step.seconds:g} s", step.seconds)
    site = find_site(step.site)
    try:
        way = step.stroke.way(body.height_field, body.sites[step.site])
        _check_way(body, way, tool)
        passed = _passed(body, way, tool, step.site)
        caps = [force_limits(find_site(name), tool, own)[0] for name in passed]
        cap = min(caps, key=lambda limit: limit.value)
        if share_of_cap < 1.0:
            left = f"{100.0 * share_of_cap:g} % of the {cap.name}, as the answers of the intake leave it"
            cap = replace(cap, name=left, value=share_of_cap * cap.value)
        threshold = thresholds_kpa.get(step.site, site.tissue.ppt_kpa)
        targets = [segment.target_n(tool, threshold) for segment in step.profile.segments]
        most = step.profile.most_n(tool, threshold) * (1.0 + step.stroke.swing_share)
        _check_force(step, most, cap)
        _check_motion(step)
        _check_hold(step, site, own)
        _check_breath(step)
    except InputError as error:
        raise _refusal(session.file, step.key, str(error)) from None
    strictest = min(passed, key=lambda name: find_site(name).hard_stop_n)
    held, lowered = _held(way, stiffness, most)
    title = f"{step.stroke.name.replace('_', ' ')}, {step.site.replace('_', ' ')}, {step.seconds:g} s"
    return Job(
        title, step.seconds, step.site, step.stroke, way, step.profile.segments, targets, cap.value,
        held, lowered, hold_limits(site, own)[0].value,
        guard_limits(find_site(strictest), cap.value), dose_caps(site, own), step.profile.on_exhale,
    )  # fmt: skip


def _held(way: SkinPath, stiffness: float, most: float) -> tuple[float, str]:
    """N under which the arm keeps a tool on its way, and in words that this is less than the `most` asked for.

    x m beside the way, where skin falls off by c rad/m, a force F pushes on by F c x; `stiffness` k holds back by k x.
    """
    held = max(_HELD_SHARE * stiffness / max(1e-9, way.falling_off()), ControllerSettings().touch_force)
    if most <= held:
        return held, ""
    said = "the skin falls off beside the way, and under more the tool would slide there"
    return held, f"{held:.1f} N at most, not {most:.1f} N: {said}"


def _check_way(body: Body, way: SkinPath, tool: Tool) -> None:
    for point in way.sampled(0.005):
        if area := body.kept_out(point.position[0], point.position[1], 0.5 * tool.contact_radius):
            raise InputError(f"the stroke crosses {area}, where nothing may press")


def _passed(body: Body, way: SkinPath, tool: Tool, own_site: str) -> list[str]:
    """The sites that a stroke passes over, its own first: the strictest cap of them holds."""
    points = np.array([point.position for point in way.sampled(0.005)])
    near = [
        name
        for name, site in body.sites.items()
        if np.linalg.norm(points - site.position, axis=1).min() < 0.5 * site.radius + 0.5 * tool.contact_radius
    ]
    return [own_site, *(name for name in near if name != own_site)]


def _check_force(step: Step, most: float, cap: Limit) -> None:
    if most > cap.value:
        where = "" if cap.name.startswith("own") else f" at {step.site} or on the way"
        raise InputError(
            f"{most:.1f} N at its most is not allowed{where}; at most {cap.shown:g} N is ({cap.name}; {cap.source})"
        )


def _check_motion(step: Step) -> None:
    """The tool's own speed, and how fast its force swings."""
    stroke, general = step.stroke, general_limits()
    assert stroke is not None and step.profile is not None
    if stroke.path in ("line", "across"):
        fastest = math.pi * stroke.length_mm / stroke.turn_s
    else:
        fastest = 2.0 * math.pi * stroke.radius_mm * stroke.rate_hz
    limit = general["speed_in_contact"]
    if fastest > limit.value:
        raise InputError(
            f"{fastest:.0f} mm/s at its fastest is not allowed; at most {limit.value:g} mm/s is ({limit.source})"
        )
    rates = [stroke.swing_hz if stroke.swing_share else 0.0, *(s.rate_hz or 0.0 for s in step.profile.segments)]
    if max(rates) > SWING_HZ_MAX:
        raise InputError(
            f"a force that swings at {max(rates):g} Hz is not allowed; at most {SWING_HZ_MAX:g} Hz is: beyond, "
            "more than a tenth of it is lost on some backs (docs/strokes.md)"
        )


def _check_breath(step: Step) -> None:
    """A breath is told from how deep the tool is, which along a stroke changes with the place."""
    assert step.stroke is not None and step.profile is not None
    if step.profile.on_exhale and step.stroke.path == "line":
        raise InputError(
            f"{step.stroke.name} is not allowed with a profile that rises on the exhale; a stroke that stays is, such "
            "as compression"
        )


def _check_hold(step: Step, site: SiteLimits, own: dict[str, OwnLimits] | None) -> None:
    """A tool that stays at one point is a static hold."""
    limit = hold_limits(site, own)[0]
    assert step.stroke is not None
    if step.stroke.path == "spot" and step.seconds > limit.value:
        raise InputError(
            f"{step.seconds:g} s at one point is not allowed; at most {limit.value:g} s is ({limit.source})"
        )
