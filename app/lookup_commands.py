"""Commands that look something up or ahead and press nobody."""

from pathlib import Path
from typing import Annotated

import typer

from .exit_codes import BAD_INPUT, RULED_OUT
from .progress_bar import counting


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

    with counting("reaching") as on_progress:
        found = find_reach(arm, tool, person, tip=tip, force_n=force, on_progress=on_progress)
    raise typer.Exit(print_reach(found, out, json))


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


def check(
    files: Annotated[list[Path], typer.Argument(help="Plans, tools, own limits, landmarks (YAML).")],
    json: Annotated[bool, typer.Option("--json", help="One JSON list on stdout, nothing else.")] = False,
) -> None:
    """Every problem of files that somebody wrote, with its place; exit code 2 when there is one."""
    from .check import print_problems

    raise typer.Exit(0 if print_problems(files, json) else BAD_INPUT)


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


def list_library(
    name: Annotated[str | None, typer.Argument(help="One of them, to be shown in full. All otherwise.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout, nothing else.")] = False,
) -> None:
    """The strokes, pressure profiles and sessions that come with the package, with the sources of their numbers."""
    from .listing import print_list

    print_list(name, json)


def schema(
    kind: Annotated[str, typer.Argument(help="Of file: press, profile, session or tool.")],
) -> None:
    """The JSON Schema of a kind of file, for an editor that checks while one writes."""
    from .figures import print_json
    from .schema import json_schema

    print_json(json_schema(kind))
