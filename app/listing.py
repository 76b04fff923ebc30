"""What the package brings along: strokes, pressure profiles, sessions; as tables, one in full, as JSON."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..control.pressure_profile import PressureProfile, Segment, load_profile, profile_names
from ..control.session import OWN, Session, Step, load_session, session_names
from ..control.sites import find_site
from ..control.strokes import Stroke, load_strokes
from ..control.tool import Tool, load_tool
from ..native.errors import InputError
from .figures import print_json

_UNITS = (("force_n", "N"), ("pressure_kpa", "kPa"), ("percent_of_threshold", "%"))


def print_list(name: str | None, as_json: bool) -> None:
    """All strokes, profiles and sessions; with `name` that one in full. Raises InputError for a name that is none."""
    if name is not None:
        shown = _in_full(name)
        if as_json:
            print_json(shown)
        else:
            _print_in_full(shown)
        return
    strokes = [_stroke_row(stroke) for stroke in load_strokes().values()]
    profiles = [_profile_row(name, load_profile(name)) for name in profile_names()]
    sessions = [_session_row(name, load_session(name)) for name in session_names()]
    if as_json:
        print_json({"strokes": strokes, "profiles": profiles, "sessions": sessions})
        return
    for title, rows in (("strokes", strokes), ("profiles", profiles), ("sessions", sessions)):
        _print_table(title, rows)
    print("massage-arm list NAME shows one in full, with the source of every number")


def _stroke_row(stroke: Stroke) -> dict[str, Any]:
    swing = stroke.swing_share * stroke.force_n
    return {
        "name": stroke.name,
        "path": stroke.path,
        "force_n": [stroke.return_share * stroke.force_n - swing, stroke.force_n + swing],
        "seconds": stroke.seconds,
        "tool": stroke.tool,
        "about": stroke.about,
    }


def _profile_row(name: str, profile: PressureProfile) -> dict[str, Any]:
    unit, values = next(
        (unit, values)
        for key, unit in _UNITS
        if (values := [getattr(s, key) for s in profile.segments if getattr(s, key) is not None])
    )
    return {
        "name": name,
        "target": [min(values), max(values)],
        "unit": unit,
        "seconds": profile.seconds,
        "about": profile.about,
    }


def _session_row(name: str, session: Session) -> dict[str, Any]:
    tool = load_tool(session.tool)
    forces = [most_n(step, tool) for step in session.steps if step.stroke is not None]
    return {
        "name": name,
        "minutes": round(session.whole_s / 60.0, 1),
        "tool": session.tool,
        "force_n": [min(forces), max(forces)],
        "about": session.about,
    }


def most_n(step: Step, tool: Tool) -> float:
    """The largest force [N] that a stroke of a session asks for, for the typical pain threshold of its site."""
    assert step.stroke is not None and step.profile is not None
    threshold = find_site(step.site).tissue.ppt_kpa
    return step.profile.most_n(tool, threshold) * (1.0 + step.stroke.swing_share)


def _print_table(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Each row with its keys as columns; a list is a range."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for key in rows[0]:
        table.add_column(key.replace("_n", " [N]") if key == "force_n" else key, no_wrap=key == "name")
    for row in rows:
        table.add_row(*(Text(_spelled(value)) for value in row.values()))
    Console().print(table)
    print()


def _spelled(value: Any) -> str:
    if isinstance(value, list):
        low, high = (f"{number:.3g}" for number in value)
        return low if low == high else f"{low}–{high}"
    return f"{value:g}" if isinstance(value, float) else str(value)


# One in full: a head, and parts that each have their numbers and where these come from.


def _in_full(name: str) -> dict[str, Any]:
    if name in load_strokes():
        return _stroke_in_full(load_strokes()[name])
    if name in profile_names():
        return _profile_in_full(name, load_profile(name))
    if name in session_names():
        return _session_in_full(name, load_session(name))
    known = [*load_strokes(), *profile_names(), *session_names()]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise InputError(f"name: {name!r} is not known; one of those that `massage-arm list` shows is{hint}")


def _stroke_in_full(stroke: Stroke) -> dict[str, Any]:
    numbers = [
        {"number": key, "value": getattr(stroke, key), "source": source} for key, source in stroke.sources.items()
    ]
    return {
        "kind": "stroke", "name": stroke.name, "about": stroke.about, "path": stroke.path, "tool": stroke.tool,
        "numbers": numbers,
    }  # fmt: skip


def _profile_in_full(name: str, profile: PressureProfile) -> dict[str, Any]:
    return {
        "kind": "profile", "name": name, "title": profile.name, "about": profile.about, "seconds": profile.seconds,
        "segments": [_segment(segment) for segment in profile.segments],
    }  # fmt: skip


def _segment(segment: Segment) -> dict[str, Any]:
    given = {key: value for key, value in asdict(segment).items() if value is not None and value is not False}
    return {key: given[key] for key in (*(k for k in given if k != "source"), "source")}


def _session_in_full(name: str, session: Session) -> dict[str, Any]:
    tool = load_tool(session.tool)
    steps = [_step(step, tool) for step in session.steps]
    return {
        "kind": "session", "name": name, "title": session.name, "about": session.about, "tool": session.tool,
        "minutes": round(session.whole_s / 60.0, 1), "source": session.source, "steps": steps,
    }  # fmt: skip


def _step(step: Step, tool: Tool) -> dict[str, Any]:
    if step.stroke is None:
        return {"rest_s": step.seconds}
    usual = load_strokes()[step.stroke.name]
    own = {key: getattr(step.stroke, key) for key in OWN if getattr(step.stroke, key) != getattr(usual, key)}
    return {
        "stroke": step.stroke.name, "site": step.site, "seconds": step.seconds, "most_n": most_n(step, tool),
        "profile": "" if step.profile is None else step.profile.name, **own,
    }  # fmt: skip


def _print_in_full(shown: Mapping[str, Any]) -> None:
    for key, value in shown.items():
        if not isinstance(value, list):
            print(f"{key:8}{_spelled(value)}")
    for key, value in shown.items():
        if isinstance(value, list):
            print(f"\n{key}")
            for number, part in enumerate(value, 1):
                given = {name: entry for name, entry in part.items() if name != "source" and entry != ""}
                words = ", ".join(f"{name} {_spelled(entry)}" for name, entry in given.items())
                if set(given) == {"number", "value"}:
                    words = f"{given['number']} {_spelled(given['value'])}"
                print(f"{number:4}  {words}")
                if "source" in part:
                    print(f"      {part['source']}")
