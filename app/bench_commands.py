"""Commands that measure: benches against their goals, campaigns of faults."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .exit_codes import GOAL_MISSED, INTERRUPTED
from .progress_bar import counting

if TYPE_CHECKING:
    from ..control.figure import Figure


def bench_press(
    json: Annotated[bool, typer.Option("--json", help="One JSON list on stdout, nothing else.")] = False,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds 0 … N−1; the worst one counts.")] = 10,
    jobs: Annotated[int, typer.Option(min=1, help="Processes at the same time.")] = 1,
    disturbances: Annotated[str, typer.Option(help="The goals are for realistic.")] = "realistic",
) -> None:
    """The press against its goals; exit code 0 when all are met, 1 when one is missed."""
    from ..sim.bench import press_bench

    _bench(lambda on_progress: press_bench(range(seeds), jobs, on_progress, disturbances=disturbances), json)


def bench_strokes(
    json: Annotated[bool, typer.Option("--json", help="One JSON list on stdout, nothing else.")] = False,
    people: Annotated[int, typer.Option(min=1, help="People of population 1; the worst one counts.")] = 20,
    jobs: Annotated[int, typer.Option(min=1, help="Processes at the same time.")] = 1,
    disturbances: Annotated[str, typer.Option(help="The goals are for realistic.")] = "realistic",
) -> None:
    """Strokes against their goals, on people who breathe; exit code 0 when all are met, 1 when one is missed."""
    from ..sim.stroke_bench import stroke_bench

    _bench(lambda on_progress: stroke_bench(people, jobs, on_progress, disturbances=disturbances), json)


def bench_scan(
    json: Annotated[bool, typer.Option("--json", help="One JSON list on stdout, nothing else.")] = False,
    count: Annotated[int, typer.Option(min=1, help="People of population 1, each scanned once.")] = 20,
    jobs: Annotated[int, typer.Option(min=1, help="Processes at the same time.")] = 1,
) -> None:
    """Registered sites against the true ones; exit code 0 when all goals are met, 1 when one is missed."""
    from ..sim.scan import scan_bench

    people = [f"1/{number}" for number in range(count)]
    _bench(lambda on_progress: scan_bench(people, jobs, on_progress), json)


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
    with counting("failing") as show:

        def on_progress(completed: int, total: int) -> None:
            nonlocal done
            done = completed
            show(completed, total)

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

    with counting("bench") as on_progress:
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
