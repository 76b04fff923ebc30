"""A session before anyone is touched: a table for a reader, JSON for a script, a page with pictures, offline."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ..control.dose import CELL_AREA, RECOVERY_S
from ..control.dose_picture import dose_picture
from ..control.figure import spell
from ..control.intake import load_intake, ruled_out, share_of_cap
from ..control.limits import find_own_limits
from ..control.plan import SessionPlan
from ..control.preview import Course, Finding, JobPreview, SessionPreview, preview
from ..control.preview_picture import paths_picture
from ..control.session import load_session
from ..control.tool import load_tool
from ..native.errors import InputError
from ..sim.people import find_person
from ..sim.preview import ArmPreview, JobReach, preview_arm
from ..sim.scan import known_back
from .figures import print_json
from .run import write_whole

EXCEEDED = 1
_SCAN_SEED = 0  # of the scan that a run without another seed works from
_WIDTH = 128  # characters that the table needs
_COLUMNS = (
    "job", "what", "begins", "s", "mean N", "most N", "mean kPa", "most kPa", "cap N", "of cap", "of dose", "margin °",
    "off °", "torque", "swing Hz",
)  # fmt: skip
_NARROW = ("mean kPa", "cap N", "off °")  # columns that the terminal goes without
_HINT = (
    "begins, s: from the touch until the force is out. most: with the swing. Pressures are means through the tool's "
    "largest contact. of cap: largest force over the binding cap. of dose: the most that is left on one cm² at the end "
    "of the job, over the cap of its site. margin: to the nearest joint limit. off: between tool and normal. torque: "
    "largest share of a joint's limit. swing: asked for / the arm holds."
)
_BASIS = (
    "The back is as a scan would find it; force and place follow what is asked without error, nobody breathes, moves "
    "or wishes anything, and tissue gives way as a typical one of the site. A run takes a few per cent longer, the "
    "first approach 1 to 2 s: the skin is not exactly where the scan says. Statics and models of the arm, no "
    "simulation; links are not watched. Swings are judged by force, inertia and tissue alone."
)


@dataclass(frozen=True)
class Previewed:
    """A session and the arm that is to do it."""

    told: SessionPreview
    arm: ArmPreview
    person: str
    findings: Sequence[Finding]
    extras: Sequence[tuple[str, str]]
    """More lines for the head of the page."""

    def reach(self, job: JobPreview) -> JobReach | None:
        """What the arm can do along a job; None where nothing is pressed."""
        return next((found for found in self.arm.jobs if found.number == job.number), None)


def check_output(out: Path) -> None:
    """Raise InputError for a name that the page cannot have, before anything long begins."""
    if out.suffix not in (".html", ".htm"):
        raise InputError(f"out: {out} is not allowed; a name that ends in .html is")
    if not out.absolute().parent.is_dir():
        raise InputError(f"out: {out.parent} is not a folder")


def look_ahead(plan: SessionPlan, tool: str | None = None, intake: Path | None = None) -> Previewed:
    """Predict the session of a plan; `tool`: instead of the session's, `intake`: a filled form.

    Raises InputError for names and files that are not known or wrong; what exceeds a cap or the arm is a finding.
    """
    session = load_session(plan.session, plan.site)
    if tool is not None:
        session = replace(session, tool=tool)
    own = find_own_limits(plan.limits)
    form = None if intake is None else load_intake(intake, datetime.now())
    find_person(plan.person)
    body = known_back(plan.person, _SCAN_SEED).body
    told = preview(
        session, body, load_tool(session.tool), own, share_of_cap=1.0 if form is None else share_of_cap(form)
    )
    arm = preview_arm(plan, told)
    sites = dict.fromkeys(step.site for step in session.steps if step.site)
    ruled = [] if form is None else [Finding(None, "intake", f"ruled out: {why}") for why in ruled_out(form, sites)]
    found = sorted([*told.findings, *arm.findings], key=lambda finding: finding.job or 0)
    extras = [("Own limits", plan.limits)] if plan.limits is not None else []
    if form is not None:
        extras.append(("Intake", f"{intake}; at most {100.0 * share_of_cap(form):g} % of every cap"))
    return Previewed(told, arm, plan.person, [*ruled, *found], extras)


def show(found: Previewed, out: Path, as_json: bool) -> int:
    """Write the page and show what was found; the exit code."""
    write_whole(out, page(found).encode())
    if as_json:
        print_json({**_as_dict(found), "page": str(out)})
    else:
        _print(found, out)
    return EXCEEDED if found.findings else 0


def page(found: Previewed) -> str:
    """The page as HTML."""
    told = found.told
    named = {finding.job for finding in found.findings}
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("preview.html.j2").render(
        title=told.session.name,
        about=told.session.about,
        warnings=[_said(finding) for finding in found.findings],
        facts=_facts(found),
        columns=_COLUMNS,
        rows=[{"cells": _row(job, found.reach(job)), "bad": job.number in named} for job in told.jobs],
        hint=_HINT,
        plot=_plot(told),
        paths=base64.b64encode(paths_picture(told)).decode(),
        dose=_dose_facts(told),
        dose_picture=base64.b64encode(dose_picture(told.body, told.dose)).decode(),
        basis=_BASIS,
    )


def _said(finding: Finding) -> str:
    return finding.what if finding.job is None else f"Job {finding.job}: {finding.what}"


def _facts(found: Previewed) -> list[tuple[str, str]]:
    told, arm = found.told, found.arm
    pressed = [job for job in told.jobs if job.pressed]
    x, y, z = arm.stand_m
    facts = [
        (
            "Length",
            f"{_clock(told.seconds)} min, {_clock(sum(job.end_s - job.begin_s for job in pressed))} of it pressing",
        ),
        ("Tool", told.tool.name),
        ("Arm", f"{arm.arm}, one stand at ({x:.2f}, {y:.2f}) m, {z:.2f} m high" if pressed else arm.arm),
        ("Person", found.person),
        *found.extras,
    ]
    if pressed:
        most = max(pressed, key=lambda job: job.cap_share)
        near = f"{_percent(most.cap_share)} of {most.cap_n:.1f} N ({most.cap_name})"
        facts += [
            ("Largest force", f"{max(job.largest_n for job in pressed):.1f} N"),
            ("Largest pressure", f"{max(job.largest_kpa for job in pressed):.0f} kPa, mean through the tool"),
            ("Nearest to its cap", f"job {most.number}, {near}"),
        ]
    if reached := [one for one in arm.jobs if one.missed < 1.0]:
        tight, strong = min(reached, key=lambda one: one.margin_deg), max(reached, key=lambda one: one.torque_share)
        facts += [
            ("Least margin", f"{tight.margin_deg:.0f}° to a joint limit, job {tight.number}"),
            (
                "Largest torque",
                f"{_percent(strong.torque_share)} of the limit of {strong.torque_joint}, job {strong.number}",
            ),
        ]
    return facts


def _dose_facts(told: SessionPreview) -> list[tuple[str, str]]:
    dose, worst = told.dose, max(told.jobs, key=lambda job: job.dose_share)
    total = spell(float(dose.dose.sum()) * CELL_AREA + dose.beyond, "N·s")
    return [
        ("Largest dose", f"{spell(1e-3 * float(dose.dose.max()), 'kPa·s')} on one cm²"),
        ("Nearest to its cap", f"job {worst.number}, {_percent(worst.dose_share)}"),
        ("Pressed", f"{np.count_nonzero(dose.passes) * 1e4 * CELL_AREA:.0f} cm², {total} in all"),
        ("Fading", f"to 37 % in {RECOVERY_S / 60:.0f} min (assumption); what is left counts against the cap"),
    ]


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def _percent(share: float) -> str:
    return f"{100.0 * share:.1f} %" if share < 0.1 else f"{100.0 * share:.0f} %"


def _row(job: JobPreview, reach: JobReach | None) -> list[str]:
    if not job.pressed:
        begins = _clock(job.begin_s) if not job.why_not else ""
        what = f"{job.title}: {'refused' if job.job is None else 'left out'}" if job.why_not else job.title
        return [str(job.number), what, begins, *[""] * (len(_COLUMNS) - 3)]
    known = reach is not None and reach.missed < 1.0
    arm = ["–", "–", "–"]
    if known and reach is not None:
        arm = [_degrees(reach.margin_deg), f"{reach.angle_deg:.0f}", _percent(reach.torque_share)]
    return [
        str(job.number), job.title, _clock(job.begin_s), f"{job.end_s - job.begin_s:.0f}",
        f"{job.mean_n:.1f}", f"{job.largest_n:.1f}", f"{job.mean_kpa:.0f}", f"{job.largest_kpa:.0f}",
        f"{_down(job.cap_n):g}", _percent(job.cap_share), _percent(job.dose_share), *arm, _swing(job, reach),
    ]  # fmt: skip


def _degrees(margin: float) -> str:
    return "–" if math.isinf(margin) else f"{margin:.0f}"


def _swing(job: JobPreview, reach: JobReach | None) -> str:
    if not job.swing[1]:
        return ""
    holds = "–" if reach is None or reach.swing is None else f"{_down(reach.swing.rate_hz):g}"
    return f"{job.swing[2]:g} / {holds}"


def _down(value: float) -> float:
    """To a tenth, down: whoever asks for what is shown is not refused."""
    return math.floor(10.0 * value + 1e-9) / 10.0


def _print(found: Previewed, out: Path) -> None:
    for finding in found.findings:
        print(f"exceeds: {_said(finding)}")
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    shown = [k for k, column in enumerate(_COLUMNS) if column not in _NARROW]
    for k in shown:
        what = _COLUMNS[k] == "what"
        table.add_column(_COLUMNS[k], justify="left" if what else "right", no_wrap=not what)
    named = {finding.job for finding in found.findings}
    for job in found.told.jobs:
        cells = _row(job, found.reach(job))
        table.add_row(*(cells[k] for k in shown), style="bold" if job.number in named else None)
    Console(width=max(_WIDTH, Console().width)).print(table)
    for key, value in _facts(found):
        print(f"{key + ':':20}{value}")
    print(f"{'Page:':20}{out}")


def _as_dict(found: Previewed) -> dict[str, Any]:
    told, dose = found.told, found.told.dose
    return {
        "session": told.session.name,
        "about": told.session.about,
        "person": found.person,
        "tool": told.tool.name,
        "arm": found.arm.arm,
        "stand_m": found.arm.stand_m.tolist(),
        "seconds": told.seconds,
        "exceeded": [vars(finding) for finding in found.findings],
        "dose": {
            "largest_kpa_s": 1e-3 * float(dose.dose.max()),
            "total_n_s": float(dose.dose.sum()) * CELL_AREA + dose.beyond,
            "pressed_cm2": 1e4 * CELL_AREA * int(np.count_nonzero(dose.passes)),
        },
        "jobs": [_job_dict(job, found.reach(job)) for job in told.jobs],
    }


def _job_dict(job: JobPreview, reach: JobReach | None) -> dict[str, Any]:
    kept = {name: value for name, value in vars(job).items() if name not in ("job", "swing")}
    about, swing, rate = job.swing
    asked = {"about_n": about, "swing_n": swing, "rate_hz": rate} if swing else None
    arm = None
    if reach is not None:
        holds = reach.swing
        arm = {
            "missed": reach.missed,
            "margin_deg": reach.margin_deg,
            "angle_deg": reach.angle_deg,
            "torque_share": reach.torque_share,
            "torque_joint": reach.torque_joint,
            "swing_holds_hz": None if holds is None else holds.rate_hz,
            "swing_bound_by": None if holds is None else holds.reason,
        }
    return {**kept, "swing": asked, "arm": arm}


# The plot.

_W, _H, _LEFT, _RIGHT, _TOP, _BOTTOM = 984, 300, 40, 980, 22, 260  # of its picture, in pixels
_LABEL_W = 14  # pixels that a job needs for its number


def _plot(told: SessionPreview) -> dict[str, Any]:
    """What the page draws of the force: paths of an SVG."""
    course, end = told.course, told.seconds
    pressed = [job for job in told.jobs if job.pressed]
    top = 1.05 * max([1.0, float((course.force + course.swing).max()), *(job.cap_n for job in pressed)])

    def x(time: float) -> float:
        return round(_LEFT + time / end * (_RIGHT - _LEFT), 1)

    def y(force: float) -> float:
        return round(_BOTTOM - force / top * (_BOTTOM - _TOP), 1)

    unit, long = ("min", 60.0) if end > 300.0 else ("s", 1.0)
    times, forces = _steps(end / long, 10), _steps(top, 6)
    columns = _in_columns(course)
    high = [f"{x(t)},{y(h)}" for t, _, _, _, h in columns]
    low = [f"{x(t)},{y(f)}" for t, f, _, _, _ in reversed(columns)]
    line = [f"{x(t)},{y(value)}" for t, _, first, second, _ in columns for value in (first, second)]
    return {
        "width": _W, "height": _H, "left": _LEFT, "right": _RIGHT, "top": _TOP, "bottom": _BOTTOM, "unit": unit,
        "bands": [_band(job, x(job.begin_s), x(job.end_s)) for job in pressed],
        "rows": [(y(force), f"{force:g}") for force in forces],
        "marks": [(x(time * long), f"{time:g}") for time in times],
        "swing": f"M{'L'.join([*high, *low])}Z",
        "force": f"M{'L'.join(line)}",
        "caps": "".join(f"M{x(j.begin_s)},{y(j.cap_n)}L{x(j.end_s)},{y(j.cap_n)}" for j in pressed),
    }  # fmt: skip


def _band(job: JobPreview, left: float, right: float) -> dict[str, Any]:
    label = str(job.number) if right - left > _LABEL_W else ""
    title = f"{job.number}: {job.title}"
    return {"x": left, "width": round(right - left, 1), "middle": 0.5 * (left + right), "title": title, "label": label}


def _in_columns(course: Course) -> list[tuple[float, float, float, float, float]]:
    """(s, lowest with swing, least or largest force, the other, highest with swing) of about one pixel each."""
    parts = np.array_split(np.arange(len(course.time)), min(len(course.time), _RIGHT - _LEFT))
    found = []
    for part in parts:
        force, swing = course.force[part], course.swing[part]
        first, second = (force.min(), force.max()) if force.argmin() <= force.argmax() else (force.max(), force.min())
        lowest, highest = (force - swing).min(), (force + swing).max()
        found.append((float(course.time[part].mean()), float(lowest), float(first), float(second), float(highest)))
    return found


def _steps(end: float, count: int) -> list[float]:
    """Round numbers from 0 to `end`, about `count` of them."""
    size = 10.0 ** math.floor(math.log10(end / count))
    step = next(m * size for m in (1.0, 2.0, 5.0, 10.0) if m * size >= end / count)
    return [round(k * step, 6) for k in range(math.floor(end / step + 1e-9) + 1)]
