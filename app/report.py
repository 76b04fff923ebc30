"""`report.html` of a run: one file that works offline, made from `run.mcap` alone, and what else is in its folder.

The curves are embedded as numbers and drawn by a few lines of script in the page (`report.html.j2`), so that a report
stays around a megabyte and can be zoomed.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import numpy.typing as npt

from ..control.body import load_body
from ..control.figure import Figure, spell
from ..control.metrics import metrics
from ..control.plan import PressPlan, SessionPlan, parse_plan
from ..control.run_log import Run, read_run
from ..control.stiffness import COMPARED_AT_N, PlaceStiffness, before_and_after, stiffness_of_run
from ..control.stiffness_picture import stiffness_picture
from ..control.ticks import Ticks, all_causes
from ..native import ContactState
from ..native.errors import InputError
from .dose import dose_section
from .heart import heart_facts
from .run import PICTURE_FILE, REPORT_FILE, fault_records, write_whole

_MAX_POINTS = 12_000  # per curve; two per bucket, its smallest and largest value, so that no peak is lost
_FREE_N = 5.0  # less than that does not hold anybody
_ASKED, _TRUE, _MEASURED = "#444444", "#0072b2", "#e69f00"  # Okabe & Ito: safe for colour-blind readers
_JOINTS = ("#332288", "#44aa99", "#cc6677", "#999933", "#88ccee", "#882255", "#117733", "#ddcc77", "#aa4499", "#777777")

_CLOCK_FAILED = "The arm's clock failed; times here are counted in control cycles."

Signal = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """One line of a plot."""

    name: str
    colour: str
    values: Signal
    dashed: bool = False
    thin: bool = False


@dataclass(frozen=True)
class Plot:
    """Curves over the common time axis."""

    title: str
    unit: str
    curves: Sequence[Curve]
    limits: tuple[float, float] | None = None
    """Fixed ends of the y axis; None fits the curves."""
    note: str = ""


def write_report(folder: Path) -> Path:
    """Write `report.html` into the run folder; its path."""
    path = folder / REPORT_FILE
    faults = [read_run(record) for record in fault_records(folder)]
    run = read_run(folder)
    page = render(run, _picture(folder / PICTURE_FILE), folder.resolve().name, faults, folder / "inputs")
    write_whole(path, page.encode())
    return path


def render(
    run: Run, picture: bytes | None, name: str, faults: Sequence[Run] = (), inputs: Path = Path("inputs")
) -> str:
    """The report as HTML; `name` is that of the run folder, `faults` and `inputs` are the records and files in it."""
    if not len(run.ticks):
        raise InputError(f"{name}: the log holds no ticks; a report needs at least one")
    plan = parse_plan(run.metadata["plan"])
    clock_failed = _clock_failed(run.ticks)
    run, faults = _counted(run), [_counted(fault) for fault in faults]
    figures = metrics(run.ticks, plan)
    dose = dose_section(run, plan, inputs)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("report.html.j2").render(
        name=name,
        title=_title(run, plan),
        warnings=[*_warnings(run), *([_CLOCK_FAILED] if clock_failed else [])],
        facts=_facts(run, plan),
        figures=[_row(figure) for figure in figures if not figure.name.startswith("time_")],
        times=[_row(figure) for figure in figures if figure.name.startswith("time_") and figure.value > 0],
        picture=_embedded(picture),
        dose=dose,
        dose_picture=_embedded(dose.picture),
        heart=heart_facts(run.ticks),
        provenance=_provenance(run),
        faults=[_fault(number, fault) for number, fault in enumerate(faults, 1)],
        panels=[_data(run.ticks, _plots(run, figures)), *(_fault_panel(fault) for fault in faults)],
        stiffness=_stiffness(run),
    )


def _counted(run: Run) -> Run:
    """The run, its time counted in cycles where the arm's clock failed: a leap would blank or stretch every plot."""
    if not _clock_failed(run.ticks):
        return run
    ticks = run.ticks.copy()
    ticks["time"] = ticks["time"][0] + np.arange(len(ticks)) / parse_plan(run.metadata["plan"]).control_hz
    return replace(run, ticks=ticks)


def _clock_failed(ticks: Ticks) -> bool:
    return "clock" in all_causes(ticks) or not (np.diff(ticks["time"]) > 0.0).all()


def _picture(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _embedded(picture: bytes | None) -> str | None:
    return base64.b64encode(picture).decode() if picture else None


def _warnings(run: Run) -> list[str]:
    """What a reader must know before believing the figures."""
    last = run.ticks[-1]
    said = []
    if not run.complete:
        said.append(f"The log was cut short at {last['time']:.2f} s; the figures cover what was recorded.")
    if "withdrawn_at_tick" in run.summary:
        at = run.ticks["time"][min(int(run.summary["withdrawn_at_tick"]), len(run.ticks)) - 1]
        said.append(f"Interrupted at {at:.2f} s: the arm let the force out and withdrew.")
    causes = all_causes(run.ticks)
    if causes:
        said.append(f"The controller intervened: {', '.join(causes)}.")
    if "refused" in run.summary:
        said.append(f"Refused on the way: {run.summary['refused']}.")
    return said


def _title(run: Run, plan: PressPlan | SessionPlan) -> str:
    if isinstance(plan, PressPlan):
        return f"{plan.force_n:g} N on {plan.site.replace('_', ' ')}"
    return str(json.loads(run.metadata["session"])["name"])


def _work(run: Run, plan: PressPlan | SessionPlan) -> list[tuple[str, str]]:
    """What was asked for."""
    if isinstance(plan, PressPlan):
        ramps = f"ramp {plan.ramp_s:g} s, hold {plan.hold_s:g} s, release {plan.release_s:g} s"
        return [
            ("Site", plan.site.replace("_", " ")),
            ("Press", f"{plan.force_n:g} N; {ramps}"),
            ("Tool", Path(plan.tool).name),
        ]
    session = json.loads(run.metadata["session"])
    told = run.summary.get("told", "").split("; ")
    return [
        ("Session", session["about"]),
        ("Sites", ", ".join(site.replace("_", " ") for site in session["sites"])),
        ("Tool", Path(session["tool"]).name),
        *(("On the way" if i == 0 else "", what) for i, what in enumerate(filter(None, told))),
    ]


def _facts(run: Run, plan: PressPlan | SessionPlan) -> list[tuple[str, str]]:
    """What was done, for the head of the report."""
    asked = [("Asked on the way", plan.asks)] if plan.asks else []
    lowered = [("Own limits", Path(plan.limits).name)] if plan.limits else []
    return [
        *_work(run, plan),
        ("Arm", f"{Path(plan.arm).name}, control at {plan.control_hz} Hz"),
        ("Person", plan.person),
        ("Disturbances", f"{plan.disturbances}, seed {plan.seed}"),
        *asked,
        *lowered,
        ("Length", f"{run.ticks['time'][-1]:.1f} s"),
    ]


def _row(figure: Figure) -> dict[str, Any]:
    return {
        "name": figure.name.removeprefix("time_").replace("_", " "),
        "value": spell(figure.value, figure.unit),
        "goal": "" if figure.goal is None else f"≤ {figure.goal:.3g} {figure.unit}",
        "met": figure.met,
    }


def _provenance(run: Run) -> list[tuple[str, str]]:
    """Everything in the metadata but the plan, which the head tells, one line per input file."""
    lines = [(key, value) for key, value in sorted(run.metadata.items()) if key not in ("plan", "input_sha256")]
    hashes: dict[str, str] = json.loads(run.metadata.get("input_sha256", "{}"))
    return [*lines, *((f"sha256 of inputs/{name}", digest) for name, digest in hashes.items())]


def _plots(run: Run, figures: Sequence[Figure]) -> list[Plot]:
    ticks = run.ticks
    error = ticks["force_true"] - ticks["force_asked"]
    force = [
        Curve("measured", _MEASURED, ticks["force_measured"], thin=True),
        Curve("true", _TRUE, ticks["force_true"]),
        Curve("asked", _ASKED, ticks["force_asked"], dashed=True),
    ]
    muscle = [
        Curve("tone", _MEASURED, 100 * ticks["tone"]),
        Curve("release", _TRUE, 100 * ticks["release"]),
        Curve("pain × 10", _ASKED, 10 * ticks["pain"], dashed=True),
    ]
    limit = _error_limit(figures)
    return [
        Plot("Force", "N", force),
        Plot("Force error", "N", [Curve("true − asked", _TRUE, error)], (-limit, limit), "scaled to the hold"),
        Plot("Depth", "mm", [Curve("depth of the tool in the tissue", _TRUE, 1e3 * ticks["depth"])]),
        Plot("Pressure over the pain threshold", "1", [Curve("of the place pressed", _TRUE, ticks["pressure_share"])]),
        Plot("Tone and release of the muscle", "%", muscle),
        Plot("Torque, share of the joint's limit", "%", _torque_curves(run)),
    ]


def _first_fault(fault: Run) -> int:
    """The tick in which the causes of a record begin."""
    faulty = fault.ticks["causes"] > 0
    return int(np.flatnonzero(faulty & ~np.concatenate([[False], faulty[:-1]]))[-1])


def _fault(number: int, fault: Run) -> dict[str, Any]:
    """What a record of a fault tells in words."""
    ticks, at = fault.ticks, _first_fault(fault)
    rate = parse_plan(fault.metadata["plan"]).control_hz
    force = ticks["force_true"][at:]
    free = np.flatnonzero(force < _FREE_N)
    let_go = f"after {1e3 * free[0] / rate:.0f} ms" if len(free) else "not in this record"
    more = at + 1 + np.flatnonzero(np.diff(ticks["causes"][at:]))
    facts = [(f"{1e3 * (k - at) / rate:.0f} ms after", ", ".join(all_causes(ticks[k : k + 1]))) for k in more]
    return {
        "title": f"Fault {number} at {ticks['time'][at]:.3f} s: {', '.join(all_causes(ticks[at : at + 1]))}",
        "facts": [
            ("True force", f"{force[0]:.1f} N, at most {force.max():.1f} N; below {_FREE_N:g} N {let_go}"),
            *facts,
        ],
        "before": f"{at / rate:.3g}",
    }


def _fault_panel(fault: Run) -> dict[str, Any]:
    ticks, at = fault.ticks, _first_fault(fault)
    along = np.einsum("ij,ij->i", ticks["tcp_position"], ticks["press_direction"])
    along[ticks["contact_state"] == ContactState.FAULT] = np.nan  # there the pose is no reading
    way = 1e3 * (along - along[max(0, at - 1)])
    plots = [
        Plot(
            "Force",
            "N",
            [
                Curve("measured", _MEASURED, ticks["force_measured"], thin=True),
                Curve("true", _TRUE, ticks["force_true"]),
                Curve("reference", _ASKED, ticks["force_reference"], dashed=True),
            ],
        ),
        Plot(
            "Way of the tool into the body",
            "mm",
            [Curve("since the fault", _TRUE, way)],
        ),
        Plot("Torque, share of the joint's limit", "%", _torque_curves(fault)),
    ]
    begin, end = max(0, at - len(ticks) // 22), len(ticks) - 1
    return {**_data(ticks, plots), "view": [float(ticks["time"][begin]), float(ticks["time"][end])]}


def _error_limit(figures: Sequence[Figure]) -> float:
    """Half the height of the error plot: the hold fills it; ramp and release may leave it."""
    by_name = {figure.name: figure for figure in figures}
    largest, goal = by_name["max_error"].value, by_name["rms_error"].goal or 0.2
    return float(np.fmax(1.3 * largest, 1.5 * goal))


def _torque_curves(run: Run) -> list[Curve]:
    limits = json.loads(run.metadata.get("torque_limits", "null"))
    if not limits:
        return [Curve("largest of all joints", _TRUE, 100 * run.ticks["torque_share"])]
    shares = 100 * np.abs(run.ticks["torque"]) / np.asarray(limits)
    return [Curve(name, _JOINTS[joint % len(_JOINTS)], shares[:, joint]) for joint, name in enumerate(run.joint_names)]


def _data(ticks: Ticks, plots: Sequence[Plot]) -> dict[str, Any]:
    """What the script in the page draws: phases, and curves as base64 of float32."""
    bucket = max(1, -(-len(ticks) // _MAX_POINTS))
    return {
        "time": _pack(_thin_time(ticks["time"], bucket)),
        "phases": _phases(ticks),
        "plots": [
            {
                **asdict(plot),
                "curves": [{**vars(curve), "values": _pack(_thin(curve.values, bucket))} for curve in plot.curves],
            }
            for plot in plots
        ],
    }


def _phases(ticks: Ticks) -> list[dict[str, Any]]:
    """Stretches of equal contact state."""
    states = ticks["contact_state"].astype(int)
    begins = np.flatnonzero(np.diff(states, prepend=-1))
    ends = np.append(begins[1:], len(ticks) - 1)
    return [
        {
            "name": ContactState(int(states[begin])).name.lower(),
            "begin": float(ticks["time"][begin]),
            "end": float(ticks["time"][end]),
        }
        for begin, end in zip(begins, ends, strict=True)
    ]


def _thin_time(time: Signal, bucket: int) -> Signal:
    """Times of the points that `_thin` makes."""
    return time if bucket == 1 else time[: len(time) // (2 * bucket) * 2 * bucket : bucket]


def _thin(values: Signal, bucket: int) -> Signal:
    """Two values per 2·`bucket` ticks, the smallest and the largest, in the order in which they occurred."""
    if bucket == 1:
        return values
    table = values[: len(values) // (2 * bucket) * 2 * bucket].reshape(-1, 2 * bucket)
    low, high = table.min(axis=1), table.max(axis=1)
    falls = table.argmin(axis=1) > table.argmax(axis=1)
    return np.column_stack([np.where(falls, high, low), np.where(falls, low, high)]).ravel()


def _pack(values: Signal) -> str:
    return base64.b64encode(values.astype("<f4").tobytes()).decode()


def _stiffness(run: Run) -> dict[str, Any] | None:
    """What the run tells of the tissue: facts and a map, the latter where the log knows the body; None for nothing."""
    before, after = before_and_after(stiffness_of_run(run.ticks))
    if not before:
        return None
    picture = None
    try:
        body = load_body(json.loads(run.metadata["person"])["body"])
        picture = base64.b64encode(stiffness_picture(body, before, after)).decode()
    except (KeyError, InputError):  # a person who lies in a file of theirs, or none
        pass
    facts = [("Before" if after else "Found", _spelled(before)), *([("After", _spelled(after))] if after else [])]
    return {"facts": facts, "picture": picture, "at": f"{COMPARED_AT_N:g}"}


def _spelled(places: Sequence[PlaceStiffness]) -> str:
    values = [place.value_n_mm for place in places]
    if len(values) == 1:
        return f"{values[0]:.1f} ± {places[0].error_n_mm:.1f} N/mm"
    return f"median {np.median(values):.1f} N/mm at {len(values)} places, {min(values):.1f} to {max(values):.1f}"
