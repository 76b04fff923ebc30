"""The command line. Heavy imports stand inside the commands, so that `--help` and `--version` answer at once."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

    from ..control.figure import Figure
    from ..control.plan import PressPlan, SessionPlan
    from .run import Simulation

STOPPED, BAD_INPUT, INTERRUPTED = 1, 2, 130
GOAL_MISSED = RULED_OUT = 1

app = typer.Typer(
    help="Robotic massage: exact, quiet, limited pressure, tried on simulated people first.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
body = typer.Typer(help="The people that come with the package.", no_args_is_help=True)
app.add_typer(body, name="body")
compare = typer.Typer(help="Compare ways to press, over a population.", no_args_is_help=True)
app.add_typer(compare, name="compare")
bench = typer.Typer(help="Measure against the project's goals.", no_args_is_help=True)
app.add_typer(bench, name="bench")


def main() -> None:
    """Entry of the `massage-arm` command: bad input and failing disks end in one line, not in a traceback."""
    try:
        app()
    except Exception as error:
        from ..native.errors import InputError

        if isinstance(error, InputError):
            _fail(str(error), BAD_INPUT)
        if isinstance(error, OSError):
            _fail(f"{error.filename or 'file'}: {error.strerror or error}", 1)
        raise


def _fail(message: str, code: int) -> NoReturn:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    raise SystemExit(code)


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"massage-arm {version('massage-arm')}")
        except PackageNotFoundError:
            print("massage-arm (not installed)")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
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
    from ..control.plan import SessionPlan

    options = {
        "arm": arm, "tip": tip, "person": person, "site": site, "tool": tool, "force_n": force, "hold_s": hold,
        "seed": seed, "disturbances": disturbances, "limits": None if limits is None else str(limits),
        "rest_s": rest, "thresholds": None if thresholds is None else str(thresholds),
        "asks": ", ".join(ask) if ask else None, "faults": ", ".join(fault) if fault else None,
    }  # fmt: skip
    plan = _plan(what, options)
    if intake is not None:
        plan = _after_intake(plan, intake)
    if dose is not None:
        plan = _with_ledger(plan, dose)
    folder = out or _default_folder(plan.title)
    _press(plan, folder, gui, quiet)
    if dose is not None and isinstance(plan, SessionPlan):
        from .dose import add_to_ledger

        add_to_ledger(dose, folder, plan)
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


def _with_ledger(plan: "PressPlan | SessionPlan", dose: Path) -> "SessionPlan":
    """The plan with what was given before, as of now; without a file yet, nothing was."""
    import math
    import time
    from dataclasses import replace

    from ..control.dose import read_dose
    from ..control.plan import SessionPlan
    from ..control.session import LONGEST_S
    from ..native.errors import InputError

    if not isinstance(plan, SessionPlan):
        raise InputError("--dose: is for a session")
    if not dose.exists():
        if not dose.parent.is_dir():
            raise InputError(f"--dose: {dose.parent}: there is no such folder")
        return replace(plan, began_s=float(round(time.time())))
    # Simulated time may run ahead of the clock: the next session begins no earlier than the last one ended.
    ahead = read_dose(dose).time
    now = time.time()
    began = ahead if now < ahead <= now + LONGEST_S else now
    return replace(plan, dose=str(dose), began_s=float(math.ceil(began)))


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
    with Interrupt() as interrupt, _progress(quiet) as progress:
        show = _follow(progress, "running")

        def on_progress(simulation: "Simulation") -> None:
            say_once()
            show(simulation)

        try:
            press(plan, folder, simulate, gui=gui, interrupt=interrupt, on_progress=on_progress)
        except KeyboardInterrupt:
            print(f"aborted: the log up to here is in {folder}", file=sys.stderr)
            raise SystemExit(INTERRUPTED) from None


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


@app.command()
def report(folder: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")]) -> None:
    """Make the report of a run again, from its log."""
    from .report import write_report

    print(write_report(folder))


@app.command()
def replay(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")],
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Simulate a run again from its stored inputs; exit code 1 unless every bit of the result is the same."""
    from ..control.run_log import read_run
    from .run import replay as do_again

    read_run(folder)
    from ..sim.runs import simulate

    with _progress(quiet) as progress:
        result = do_again(folder, simulate, _follow(progress, "replaying"))
    print(result.message)
    raise typer.Exit(0 if result.same else 1)


@app.command()
def people(
    count: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Of the population; equal seeds give equal people.")] = 1,
    json: Annotated[bool, typer.Option("--json", help="One JSON list of all people on stdout.")] = False,
) -> None:
    """Draw a population to press: bodies, stiffness, pain thresholds, trigger points, hearts."""
    from ..sim.people import draw_people
    from .people import print_people

    print_people(draw_people(count, seed), json)


@body.command("show")
def body_show(
    person: Annotated[str, typer.Argument(help="A body by name, or SEED/NUMBER of a population.")] = "average",
    out: Annotated[Path, typer.Option(help="Where the picture goes (PNG).")] = Path("body.png"),
    json: Annotated[bool, typer.Option("--json", help="Sites, landmarks and areas as one JSON object.")] = False,
) -> None:
    """Draw a person's back with its sites, fibres, landmarks and the areas to keep out of."""
    from ..control.body import load_body
    from ..sim.people import find_person
    from .people import print_body
    from .run import write_whole

    shown = load_body(find_person(person).body)
    from ..control.body_picture import body_picture

    write_whole(out, body_picture(shown))
    print_body(shown, out, json)


@body.command("list")
def body_list() -> None:
    """The bodies by name, with sex, age, stature and mass."""
    from .people import print_bodies

    print_bodies()


@app.command()
def scan(
    source: Annotated[
        str, typer.Argument(help="Whom to scan in simulation (a body or SEED/NUMBER), or a file: OBJ, PLY, STL, PCD.")
    ] = "average",
    landmarks: Annotated[Path | None, typer.Option(help="For a file: where the landmarks are (YAML).")] = None,
    unit: Annotated[str, typer.Option(help="Of the file's numbers: m, cm or mm.")] = "m",
    seed: Annotated[int, typer.Option(min=0, help="Of the camera's noise and of how the person lies.")] = 0,
    out: Annotated[Path, typer.Option(help="Where the back goes (.npz); its picture beside it.")] = Path("back.npz"),
    cloud: Annotated[Path | None, typer.Option(help="Where the points seen go (.ply).")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout, nothing else.")] = False,
) -> None:
    """Find the sites on a back that a simulated camera sees or a file holds; `run --person` takes the result."""
    from .scan import scan_to_file

    scan_to_file(source, landmarks, unit, seed, out, cloud, json)


@compare.command("self")
def compare_self(
    count: Annotated[int, typer.Option(min=1, max=100_000, help="How many people.")] = 50,
    seed: Annotated[int, typer.Option(min=0, help="Of the population.")] = 1,
    site: Annotated[list[str] | None, typer.Option(help="A site to press; may be given often. All otherwise.")] = None,
    share: Annotated[float, typer.Option(help="Of the person's pain threshold, as far as the caps allow.")] = 0.8,
    hold: Annotated[float, typer.Option(help="Seconds at each site.")] = 60.0,
    changes_on: Annotated[
        int, typer.Option(min=0, help="People on whom each assumed constant is halved and doubled; 0: none.")
    ] = 5,
    jobs: Annotated[int, typer.Option(min=1, help="Processes at the same time.")] = 1,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout, nothing else.")] = False,
) -> None:
    """Press the same plan by the person's own hand and by an arm; say what differs and what that rests on."""
    from ..sim.compare import DosePlan
    from ..sim.compare import compare_self as press_both
    from .compare import print_comparison

    plan = DosePlan(tuple(site or DosePlan.sites), share=share, hold_s=hold)
    with _progress(False) as progress:
        task = progress.add_task("comparing", total=None, force="")

        def on_progress(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        comparison = press_both(count, seed, plan, jobs=jobs, changes_on=changes_on, on_progress=on_progress)
    print_comparison(comparison, json)


@bench.command("press")
def bench_press(
    json: Annotated[bool, typer.Option("--json", help="One JSON list on stdout, nothing else.")] = False,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds 0 … N−1; the worst one counts.")] = 10,
    jobs: Annotated[int, typer.Option(min=1, help="Processes at the same time.")] = 1,
    disturbances: Annotated[str, typer.Option(help="The goals are for realistic.")] = "realistic",
) -> None:
    """The press against its goals; exit code 0 when all are met, 1 when one is missed."""
    from ..sim.bench import press_bench

    _bench(lambda on_progress: press_bench(range(seeds), jobs, on_progress, disturbances=disturbances), json)


@bench.command("strokes")
def bench_strokes(
    json: Annotated[bool, typer.Option("--json", help="One JSON list on stdout, nothing else.")] = False,
    people: Annotated[int, typer.Option(min=1, help="People of population 1; the worst one counts.")] = 20,
    jobs: Annotated[int, typer.Option(min=1, help="Processes at the same time.")] = 1,
    disturbances: Annotated[str, typer.Option(help="The goals are for realistic.")] = "realistic",
) -> None:
    """Strokes against their goals, on people who breathe; exit code 0 when all are met, 1 when one is missed."""
    from ..sim.stroke_bench import stroke_bench

    _bench(lambda on_progress: stroke_bench(people, jobs, on_progress, disturbances=disturbances), json)


@bench.command("scan")
def bench_scan(
    json: Annotated[bool, typer.Option("--json", help="One JSON list on stdout, nothing else.")] = False,
    count: Annotated[int, typer.Option(min=1, help="People of population 1, each scanned once.")] = 20,
    jobs: Annotated[int, typer.Option(min=1, help="Processes at the same time.")] = 1,
) -> None:
    """Registered sites against the true ones; exit code 0 when all goals are met, 1 when one is missed."""
    from ..sim.scan import scan_bench

    people = [f"1/{number}" for number in range(count)]
    _bench(lambda on_progress: scan_bench(people, jobs, on_progress), json)


@app.command()
def limits(
    site: Annotated[str, typer.Argument(help="Where, such as lumbar_erector_right.")],
    tool: Annotated[str, typer.Option(help="Tool by name, or path of a tool file.")] = "thumb",
    arm: Annotated[str | None, typer.Option(help="Arm by name: its joints' limits, too.")] = None,
    file: Annotated[
        Path | None, typer.Option("--limits", help="Limits of one's own (YAML): they may only lower.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout, nothing else.")] = False,
) -> None:
    """Every limit that holds at a site with a tool, the binding one first, each with its source."""
    from .limits import print_limits

    print_limits(site, tool, arm, file, json)


@app.command()
def reach(
    arm: Annotated[str, typer.Option(help="Arm by name, or path of a URDF.")] = "iiwa14",
    tip: Annotated[str | None, typer.Option(help="Link of the arm that carries the tool, for a URDF.")] = None,
    tool: Annotated[str, typer.Option(help="Tool by name, or path of a tool file.")] = "thumb",
    person: Annotated[str, typer.Option(help="A body by name, SEED/NUMBER of a population, or a scan.")] = "average",
    force: Annotated[float | None, typer.Option(help="Force in N to hold at every site, instead of its cap.")] = None,
    out: Annotated[Path, typer.Option(help="Where the map of the back goes (PNG).")] = Path("reach.png"),
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout, nothing else.")] = False,
) -> None:
    """What an arm reaches on a person, and what it can do there; exit code 1 when a site is not reachable."""
    from .reach import check_output, print_reach

    check_output(out)
    from ..sim.reach import reach as find_reach

    with _progress(False) as progress:
        task = progress.add_task("reaching", total=None, force="")

        def on_progress(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        found = find_reach(arm, tool, person, tip=tip, force_n=force, on_progress=on_progress)
    raise typer.Exit(print_reach(found, out, json))


@app.command()
def preview(
    session: Annotated[str, typer.Argument(help="A session or profile by name, or the path of its file.")],
    site: Annotated[str | None, typer.Option(help="Where, for a profile.")] = None,
    person: Annotated[str, typer.Option(help="A body by name, SEED/NUMBER of a population, or a scan.")] = "average",
    arm: Annotated[str, typer.Option(help="Arm by name, or path of a URDF.")] = "iiwa14",
    tip: Annotated[str | None, typer.Option(help="Link of the arm that carries the tool, for a URDF.")] = None,
    tool: Annotated[str | None, typer.Option(help="Tool by name or file, instead of the session's.")] = None,
    limits: Annotated[Path | None, typer.Option(help="Limits of one's own (YAML): they may only lower.")] = None,
    intake: Annotated[Path | None, typer.Option(help="A filled form (YAML): what it rules out and lowers.")] = None,
    out: Annotated[Path, typer.Option(help="Where the page goes (HTML).")] = Path("preview.html"),
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout, nothing else.")] = False,
) -> None:
    """What a session will do, before anyone is touched; exit code 1 when something exceeds a cap or the arm."""
    from ..control.plan import SessionPlan
    from .preview import check_output, look_ahead, show

    check_output(out)
    own = None if limits is None else str(limits)
    plan = SessionPlan(session=session, site=site, person=person, arm=arm, tip=tip, limits=own)
    raise typer.Exit(show(look_ahead(plan, tool, intake), out, json))


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Plans, tools, own limits, landmarks (YAML).")],
    json: Annotated[bool, typer.Option("--json", help="One JSON list on stdout, nothing else.")] = False,
) -> None:
    """Every problem of files that somebody wrote, with its place; exit code 2 when there is one."""
    from .check import print_problems

    raise typer.Exit(0 if print_problems(files, json) else BAD_INPUT)


@app.command()
def intake(
    file: Annotated[
        Path | None, typer.Argument(help="A form that was filled in; without, an empty one is shown.")
    ] = None,
    site: Annotated[list[str] | None, typer.Option(help="Where to press; may be given often. All otherwise.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout, nothing else.")] = False,
) -> None:
    """Ask before a session, or check the answers; exit code 1 when they rule out what is to be pressed."""
    from .intake import check_intake, print_form

    if file is None:
        print_form()
    elif not check_intake(file, site or [], json):
        raise typer.Exit(RULED_OUT)


@app.command("list")
def list_library(
    name: Annotated[str | None, typer.Argument(help="One of them, to be shown in full. All otherwise.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout, nothing else.")] = False,
) -> None:
    """The strokes, pressure profiles and sessions that come with the package, with the sources of their numbers."""
    from .listing import print_list

    print_list(name, json)


@app.command()
def schema(
    kind: Annotated[str, typer.Argument(help="Of file: press, profile, session or tool.")],
) -> None:
    """The JSON Schema of a kind of file, for an editor that checks while one writes."""
    from .figures import print_json
    from .schema import json_schema

    print_json(json_schema(kind))


@app.command()
def faults(
    runs: Annotated[int, typer.Option(min=1, help="Presses that something goes wrong in.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Of the campaign; equal seeds give equal runs.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Processes at the same time.")] = 1,
    kind: Annotated[list[str] | None, typer.Option(help="A kind of fault; may be given often. All otherwise.")] = None,
    only: Annotated[int | None, typer.Option(min=0, help="Repeat this run alone and keep its log and report.")] = None,
    store: Annotated[
        Path | None, typer.Option(help="Outcomes as JSON lines; a stopped campaign goes on there.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="With --only: run folder; otherwise runs/fault-<seed>-<run>.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout, nothing else.")] = False,
) -> None:
    """Let sensors, joints, timing, set-points, people, tools fail in presses; exit code 1 when a goal is missed."""
    from .faults import print_campaign, repeat

    if only is not None:
        raise typer.Exit(repeat(seed, only, kind, out or Path("runs") / f"fault-{seed}-{only}", json))
    from ..sim.campaign import KINDS, campaign

    done = 0
    with _progress(False) as progress:
        task = progress.add_task("failing", total=None, force="")

        def on_progress(completed: int, total: int) -> None:
            nonlocal done
            done = completed
            progress.update(task, completed=completed, total=total)

        try:
            outcomes = campaign(runs, seed, jobs, kind or KINDS, store=store, on_progress=on_progress)
        except KeyboardInterrupt:
            kept = (
                f"{store} holds them; the same command goes on" if store else "none is kept; give --store to keep them"
            )
            print(f"interrupted after {done} of {runs} runs: {kept}", file=sys.stderr)
            raise SystemExit(INTERRUPTED) from None
    raise typer.Exit(print_campaign(outcomes, seed, kind, json))


def _bench(measure: "Callable[[Callable[[int, int], None]], list[Figure]]", json: bool) -> None:
    """Measure under a progress bar and show figures and goals; ends with GOAL_MISSED when one is missed."""
    from .figures import print_json, print_table

    with _progress(False) as progress:
        task = progress.add_task("bench", total=None, force="")

        def on_progress(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        figures = measure(on_progress)
    if json:
        print_json(figures)
    else:
        print_table(figures)
    missed = [figure.name for figure in figures if figure.met is False]
    goals = sum(figure.met is not None for figure in figures)
    print(f"{goals - len(missed)} of {goals} goals met", file=sys.stderr)
    if missed:
        print(f"missed: {', '.join(missed)}", file=sys.stderr)
        raise typer.Exit(GOAL_MISSED)


def _progress(quiet: bool) -> "Progress":
    """A bar on stderr: what, how far, force, time left. Nothing where nobody watches."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    hidden = quiet or not sys.stderr.isatty()
    return Progress(
        TextColumn("{task.description:<10}"),
        BarColumn(),
        TextColumn("{task.fields[force]:>8}"),
        TimeRemainingColumn(),
        console=Console(stderr=True, quiet=hidden),  # else it ends in an empty line
        disable=hidden,
        transient=True,
    )


def _follow(progress: "Progress", begin: str) -> "Callable[[Simulation], None]":
    """A function that shows how far a simulation is."""
    task = progress.add_task(begin, total=None, force="")

    def show(simulation: "Simulation") -> None:
        from ..native import ContactState

        progress.update(
            task,
            description=ContactState(simulation.contact_state).name.lower(),
            total=max(simulation.duration_s, simulation.time),
            completed=simulation.time,
            force=f"{simulation.force_true:.1f} N",
        )

    return show
