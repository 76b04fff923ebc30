"""What a campaign of faults shows: the figures, a line for each kind, and the command that repeats what fell short."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from ..control.run_log import read_run
from ..sim.campaign import HEALTHY, KINDS, Outcome, begin, draw_run, judge, safety_figures
from ..sim.faults import FAULTS, parse_faults
from .figures import print_json, print_table
from .report import write_report
from .run import press

_WORST = 10  # runs that are named when a goal is missed


def print_campaign(outcomes: Sequence[Outcome], seed: int, kinds: Sequence[str] | None, as_json: bool) -> int:
    """Show figures, kinds and the worst runs; the exit code: 1 when a goal is missed."""
    figures = safety_figures(outcomes)
    missed = [figure.name for figure in figures if figure.met is False]
    if as_json:
        print_json(
            {
                "seed": seed,
                "figures": figures,
                "kinds": by_kind(outcomes),
                "worst": [asdict(o) for o in worst(outcomes)],
            }
        )
    else:
        print_table(figures)
        _print_kinds(outcomes)
        for one in worst(outcomes):
            print(f"{one.kind}: {complaint(one)}; again: {again(seed, one.number, kinds)}")
    if missed:
        print(f"missed: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


def again(seed: int, number: int, kinds: Sequence[str] | None) -> str:
    """The command that repeats a run."""
    chosen = "".join(f" --kind {kind}" for kind in kinds or ())
    return f"massage-arm faults --seed {seed} --only {number}{chosen}"


def complaint(one: Outcome) -> str:
    """What was wrong with a run, in words."""
    said = []
    if one.over_wall:
        said.append(f"{one.over_wall} samples above the outer wall")
    if one.pinned:
        said.append(f"{one.pinned} samples above 5 N later than 0.3 s after it was noticed")
    if one.over_cap > 0.0:
        said.append(f"{100 * one.over_cap:.0f} % above {one.cap_n:g} N for {1e3 * one.over_cap_s:.0f} ms")
    if one.unloaded_s > 0.2:
        said.append(f"unloaded after {one.unloaded_s:.2f} s")
    if one.travel_m > 0.02:
        said.append(f"travelled {1e3 * one.travel_m:.0f} mm")
    return ", ".join(said)


def worst(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The runs to look at first, at most ten."""
    poor = [one for one in outcomes if complaint(one)]
    return sorted(poor, key=lambda o: (-o.over_wall, -o.pinned, -o.over_cap))[:_WORST]


def by_kind(outcomes: Sequence[Outcome]) -> dict[str, dict[str, object]]:
    """How often each kind was noticed, how fast and by what, and what it did."""
    table: dict[str, dict[str, object]] = {}
    for kind in (*KINDS, HEALTHY):
        of_kind = [one for one in outcomes if one.kind == kind]
        if not of_kind:
            continue
        after = [one.noticed_s for one in of_kind if one.noticed_s >= 0.0]
        table[kind] = {
            "runs": len(of_kind),
            "noticed": len(after),
            "refused": sum(one.refused for one in of_kind),
            "noticed_median_s": float(np.median(after)) if after else None,
            "noticed_slowest_s": max(after, default=None),
            "causes": dict(Counter(cause for one in of_kind for cause in one.causes).most_common()),
            "above_inner_wall": sum(one.over_cap > 0.0 for one in of_kind),
            "most_above_inner_wall": max(one.over_cap for one in of_kind),
            "longest_above_inner_wall_s": max(one.over_cap_s for one in of_kind),
            "pinned": sum(one.pinned > 0 for one in of_kind),
            "peak_n": max(one.peak_n for one in of_kind),
            "link_n": max(one.link_n for one in of_kind),
        }
    return table


def _print_kinds(outcomes: Sequence[Outcome]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("fault", "runs", "noticed", "refused", "median", "above cap", "most", "pinned", "most often by"):
        table.add_column(name, justify="left" if name in ("fault", "most often by") else "right")
    for kind, row in by_kind(outcomes).items():
        median, causes = row["noticed_median_s"], row["causes"]
        assert isinstance(causes, dict)
        table.add_row(
            kind.replace("_", " "),
            str(row["runs"]),
            str(row["noticed"]),
            str(row["refused"]),
            "" if median is None else f"{median:.3f} s",
            str(row["above_inner_wall"]),
            f"{100 * float(str(row['most_above_inner_wall'])):.0f} %",
            str(row["pinned"]),
            ", ".join(list(causes)[:2]),
        )
    Console().print(table)


def repeat(seed: int, number: int, kinds: Sequence[str] | None, folder: Path, as_json: bool) -> int:
    """Do one run of a campaign again and keep its log and report; the exit code: 1 when it falls short."""
    run = draw_run(seed, number, kinds or KINDS)
    simulation = begin(run)
    press(simulation.plan, folder, lambda plan, gui=False: simulation)
    result = judge(run, read_run(folder).ticks, simulation)
    report = write_report(folder)
    faults = parse_faults(run.plan.faults or "")
    if as_json:
        print_json(
            {
                "plan": vars(simulation.plan),
                "faults": [asdict(fault) for fault in faults],
                "outcome": asdict(result),
                "report": str(report),
            }
        )
    else:
        for fault in faults:
            kind = FAULTS[fault.kind]
            size = f", {fault.size:.3g} {kind.unit}" if kind.unit else ""
            print(f"{fault.kind} from {fault.at:g} s{size}: {kind.what}")
        causes = ", ".join(result.causes) or "nothing"
        print(f"noticed: {causes}; peak {result.peak_n:.1f} N, cap {result.cap_n:g} N")
        for refusal in simulation.refusals:
            print(f"refused: {refusal}")
        print(complaint(result) or "nothing fell short")
        print(f"report  {report}")
    return 1 if complaint(result) else 0
