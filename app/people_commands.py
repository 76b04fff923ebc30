"""Commands about people: who they are, what a camera knows of them, whose hand presses better."""

from pathlib import Path
from typing import Annotated

import typer

from .progress_bar import counting


def people(
    count: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Of the population; equal seeds give equal people.")] = 1,
    json: Annotated[bool, typer.Option("--json", help="One JSON list of all people on stdout.")] = False,
) -> None:
    """Draw a population to press: bodies, stiffness, pain thresholds, trigger points, hearts."""
    from ..sim.people import draw_people
    from .people import print_people

    print_people(draw_people(count, seed), json)


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


def body_list() -> None:
    """The bodies by name, with sex, age, stature and mass."""
    from .people import print_bodies

    print_bodies()


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
    with counting("comparing") as on_progress:
        comparison = press_both(count, seed, plan, jobs=jobs, changes_on=changes_on, on_progress=on_progress)
    print_comparison(comparison, json)
