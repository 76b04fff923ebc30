"""What the report of a run says of its dose: the map on the body, and the largest figures beside their caps."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..control.body import BODY_FILE, load_body
from ..control.dose import CELL_AREA, RECOVERY_S, DoseMap, dose_caps, dose_of_run, read_dose
from ..control.dose_picture import dose_picture
from ..control.figure import spell
from ..control.limits import load_own_limits
from ..control.plan import PressPlan, SessionPlan
from ..control.run_log import Run
from ..control.sites import find_site
from ..control.tool import load_tool
from ..native.errors import InputError


@dataclass(frozen=True)
class DoseSection:
    """The section as the page shows it."""

    facts: list[tuple[str, str]]
    picture: bytes | None
    """PNG; None when the body is not known any more."""


def dose_section(run: Run, plan: PressPlan | SessionPlan, folder: Path) -> DoseSection:
    """The dose of a run of `plan` whose inputs are in `folder`.

    Tool, body and own limits that were given by path are taken from there. Without the tool there is no dose, without
    the body no picture; the facts say so.
    """
    try:
        session = json.loads(run.metadata.get("session", "{}"))
        name = session["tool"] if isinstance(plan, SessionPlan) else plan.tool
        tool = load_tool(folder / "tool.yaml" if Path(name).suffix else name)
        own = None if plan.limits is None else load_own_limits(folder / "limits.yaml")
        dose = dose_of_run(run.ticks, tool)
    except InputError as error:
        return DoseSection([("Not known", str(error))], None)
    sites = session["sites"] if isinstance(plan, SessionPlan) else [plan.site]
    caps = min((dose_caps(find_site(site), own) for site in sites), key=lambda caps: caps.dose)
    largest, peak = float(dose.dose.max()), float(dose.peak.max())
    facts = [
        ("Largest dose", f"{spell(1e-3 * largest, 'kPa·s')} on one cm², {_share(largest, caps.dose)}"),
        ("Peak pressure", f"{spell(1e-3 * peak, 'kPa')}, {_share(peak, caps.pressure)}"),
        ("Most passes", f"{dose.passes.max()} over one place"),
        ("Pressed", f"{np.count_nonzero(dose.passes) * 1e4 * CELL_AREA:.0f} cm², {_total(dose)}"),
        *_before(plan, folder),
        ("Fading", f"to 37 % in {RECOVERY_S / 60:.0f} min (assumption); what is left counts against the cap"),
        ("Basis", f"{_basis(run)}; pressures are means over the contact"),
    ]
    try:
        return DoseSection(facts, dose_picture(load_body(_body(run, plan, folder)), dose))
    except InputError as error:
        return DoseSection([*facts, ("Picture", f"none: {error}")], None)


def _before(plan: PressPlan | SessionPlan, folder: Path) -> list[tuple[str, str]]:
    """What was left of earlier sessions when this one began; it counts against the cap, too."""
    if not isinstance(plan, SessionPlan) or plan.dose is None:
        return []
    left = float(read_dose(folder / "dose.npz").since(plan.began_s).left.max())
    return [("Given before", f"{spell(1e-3 * left, 'kPa·s')} left on one cm² when it began")]


def _share(value: float, cap: float) -> str:
    return f"{100.0 * value / cap:.3g} % of the site's cap" if cap > 0.0 else "the site's cap is 0"


def _total(dose: DoseMap) -> str:
    """Force over time, and what of it the map does not hold."""
    given = f"{spell(float(dose.dose.sum()) * CELL_AREA, 'N·s')} in all"
    return given + (f", and {spell(dose.beyond, 'N·s')} beyond the map" if dose.beyond > 0.0 else "")


def _basis(run: Run) -> str:
    if np.isfinite(run.ticks["force_true"]).any():
        return "true force and true depth"
    return "measured force, on the largest contact area of the tool"


def _body(run: Run, plan: PressPlan | SessionPlan, folder: Path) -> str:
    """Who was pressed, as `load_body` takes it: people of a population have their body in the log."""
    record = json.loads(run.metadata.get("person", "{}"))
    name = str(record.get("body", plan.person))
    return str(folder / "body.npz") if name.endswith(BODY_FILE) else name
