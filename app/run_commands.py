"""Commands that run something in simulation, and what is made of a run afterwards."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .exit_codes import INTERRUPTED, STOPPED
from .progress_bar import following, progress_bar

if TYPE_CHECKING:
    from ..control.plan import PressPlan, SessionPlan
    from .run import Simulation


def run(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME|FILE]",
            help="A session or profile by name (massage-arm list) or file, or the plan of a press (YAML).",
        ),
    ] = None,
    arm: Annotated[str | None, typer.Option(help="Arm by name, or path of a URDF.")] = None,
    tip: Annotated[str | None, typer.Option(help="Link of the arm that carries the tool.")] = None,
    person: Annotated[str | None, typer.Option(help="A body by name, or SEED/NUMBER of a population.")] = None,
    site: Annotated[str | None, typer.Option(help="Where to press, such as interscapular_right.")] = None,
    tool: Annotated[str | None, typer.Option(help="Tool by name, or path of a tool file.")] = None,
    force: Annotated[float | None, typer.Option(help="Force of the hold in N.")] = None,
    hold: Annotated[float | None, typer.Option(help="Length of the hold in s.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the disturbances.")] = None,
    disturbances: Annotated[str | None, typer.Option(help="ideal, realistic or harsh.")] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder; otherwise runs/<date-time>-<site>.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout, nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
    limits: Annotated[Path | None, typer.Option(help="Limits of one's own (YAML): they may only lower.")] = None,
    ask: Annotated[
        list[str] | None,
        typer.Option(
            help="REQUEST@SECONDS, often: pause, resume, stop, guide, acknowledge, begin; in a session also "
            "stay, go_on, more, less, skip, repeat, not_there, enough."
        ),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(help="KIND@SECONDS[:SIZE], often: what goes wrong, such as sensor_cut@6.5 or person_rises@7:0.5."),
    ] = None,
    intake: Annotated[
        Path | None, typer.Option(help="The form that the person filled in (massage-arm intake), for a session.")
    ] = None,
    rest: Annotated[
        float | None, typer.Option(help="How long they lie untouched before, in s: 180 to 300, to know their heart.")
    ] = None,
    thresholds: Annotated[
        Path | None, typer.Option(help="The person's own pain thresholds (YAML; assessment_ramp finds them).")
    ] = None,
    dose: Annotated[
        Path | None, typer.Option(help="Ledger of what their back was given (.npz): heeded, then added to.")
    ] = None,
    gui: Annotated[bool, typer.Option("--gui", help="Show the simulation in a window.")] = False,
) -> None:
    """Run a session, a pressure profile or, without a name, one press, in simulation."""
    options = {
        "arm": arm, "tip": tip, "person": person, "site": site, "tool": tool, "force_n": force, "hold_s": hold,
        "seed": seed, "disturbances": disturbances, "limits": None if limits is None else str(limits),
        "rest_s": rest, "thresholds": None if thresholds is None else str(thresholds),
        "asks": ", ".join(ask) if ask else None, "faults": ", ".join(fault) if fault else None,
    }  # fmt: skip
    plan = _plan(what, options)
    if intake is not None:
        plan = _after_intake(plan, intake)
    folder = out or _default_folder(plan.title)
    if dose is None:
        _press(plan, folder, gui, quiet)
    else:
        plan = _press_with_ledger(plan, dose, folder, gui, quiet)
    raise typer.Exit(_show_run(plan, folder, json))


def _plan(what: str | None, options: dict[str, Any]) -> "PressPlan | SessionPlan":
    """The plan of what is named, or the default press, with the options that were given."""
    from dataclasses import replace

    from ..control.plan import find_plan
    from ..native.errors import InputError

    plan = find_plan(what)
    given = {name: value for name, value in options.items() if value is not None}
    for name in given:
        if not hasattr(plan, name):
            option = name.removesuffix("_n").removesuffix("_s")
            raise InputError(f"--{option}: is not allowed for {plan.title}; only a press takes it")
    return replace(plan, **given)


def _after_intake(plan: "PressPlan | SessionPlan", intake: Path) -> "SessionPlan":
    """The plan as the answers of a form leave it; InputError where they rule it out."""
    from dataclasses import replace
    from datetime import datetime

    from ..control.intake import load_intake, ruled_out, share_of_cap
    from ..control.plan import SessionPlan
    from ..control.session import load_session
    from ..native.errors import InputError

    if not isinstance(plan, SessionPlan):
        raise InputError("--intake: is for a session; a single press has limits of its own (--limits)")
    form = load_intake(intake, datetime.now())
    steps = load_session(plan.session, plan.site).steps
    if reasons := ruled_out(form, {step.site for step in steps if step.site}):
        raise InputError(f"{intake}: rules out {plan.title}: {'; '.join(reasons)}")
    return replace(plan, share_of_cap=share_of_cap(form))


def _default_folder(title: str) -> Path:
    from datetime import datetime

    return Path("runs") / f"{datetime.now():%Y-%m-%d-%H%M%S}-{title}"


def _press(plan: "PressPlan | SessionPlan", folder: Path, gui: bool, quiet: bool) -> None:
    """Run the press with a progress bar; a second Ctrl-C ends the program here."""
    from ..control.plan import check_any
    from .run import Interrupt, press

    check_any(plan)  # before the heavy import below: a refusal comes at once
    from ..sim.runs import simulate

    def say_once() -> None:
        if interrupt.asked and not said:
            said.append(True)
            print("interrupted: letting the force out and withdrawing; again to abort", file=sys.stderr)

    said: list[bool] = []
    with Interrupt() as interrupt, progress_bar(quiet) as progress:
        show = following(progress, "running")

        def on_progress(simulation: "Simulation") -> None:
            say_once()
            show(simulation)

        try:
            press(plan, folder, simulate, gui=gui, interrupt=interrupt, on_progress=on_progress)
        except KeyboardInterrupt:
            print(f"aborted: the log up to here is in {folder}", file=sys.stderr)
            raise SystemExit(INTERRUPTED) from None


def _press_with_ledger(
    plan: "PressPlan | SessionPlan", dose: Path, folder: Path, gui: bool, quiet: bool
) -> "SessionPlan":
    """The same, heeding what was given before; what is given counts, however the run ends."""
    from .ledger import add_to_ledger, with_ledger
    from .run import prepare_folder

    plan = with_ledger(plan, dose)
    prepare_folder(folder)  # so that a log in it is of this run
    try:
        _press(plan, folder, gui, quiet)
    finally:
        add_to_ledger(dose, folder, plan)
    return plan


def _show_run(plan: "PressPlan | SessionPlan", folder: Path, as_json: bool) -> int:
    """Write the report, then say how the run went and where things are; the exit code."""
    from ..control.metrics import metrics
    from ..control.run_log import RUN_FILE, read_run
    from ..control.ticks import all_causes
    from .figures import print_json, print_table
    from .report import write_report
    from .run import FAULT_STEM, PICTURE_FILE

    report = write_report(folder)
    record = read_run(folder)
    figures = metrics(record.ticks, plan)
    paths = {"log": str(folder / RUN_FILE), "report": str(report), "picture": str(folder / PICTURE_FILE)}
    paths |= {path.stem: str(path) for path in sorted(folder.glob(f"{FAULT_STEM}-*.mcap"))}
    interrupted = "withdrawn_at_tick" in record.summary
    causes = all_causes(record.ticks)
    refused = record.summary.get("refused")
    code = STOPPED if causes or refused else INTERRUPTED if interrupted else 0
    if as_json:
        outcome = {"interrupted": interrupted, "causes": causes, **record.summary}
        print_json({"plan": vars(plan), **outcome, **paths, "metrics": figures})
        return code
    print_table(figure for figure in figures if not figure.name.startswith("time_"))
    if interrupted:
        print("interrupted: the arm was withdrawn, the log is closed")
    if causes:
        print(f"stopped by the controller: {', '.join(causes)}")
    if refused:
        print(f"refused: {refused}")
    for name, path in paths.items():
        print(f"{name:8}{path}")
    return code


def report(folder: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")]) -> None:
    """Make the report of a run again, from its log."""
    from .report import write_report

    print(write_report(folder))


def replay(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")],
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Simulate a run again from its stored inputs; exit code 1 unless every bit of the result is the same."""
    from ..control.run_log import read_run
    from .run import replay as do_again

    read_run(folder)
    from ..sim.runs import simulate

    with progress_bar(quiet) as progress:
        result = do_again(folder, simulate, following(progress, "replaying"))
    print(result.message)
    raise typer.Exit(0 if result.same else 1)
