"""What is shown of a comparison: figures with their spread, sites, and what the answer rests on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ..sim.compare import BAND, FIGURES, Change, Comparison, Pressed, advantage, spread
from .figures import print_json

_LABELS: dict[str, tuple[str, Callable[[float], str]]] = {
    "in_band": ("time in the therapeutic band", lambda x: f"{100 * x:.0f} %"),
    "release": ("release reached", lambda x: f"{100 * x:.0f} %"),
    "guarded": ("time too tense to let go", lambda x: f"{100 * x:.0f} %"),
    "hurting": ("time with pain above 3 of 10", lambda x: f"{100 * x:.0f} %"),
    "dose_error": ("dose, against the plan", lambda x: f"{100 * x:+.0f} %"),
    "heart_change": ("heart, against rest", lambda x: f"{x:+.1f} /min"),
}
_ANSWERS = ("release", "in_band")  # what the changes are judged by


def print_comparison(comparison: Comparison, as_json: bool) -> None:
    """All of it as one JSON object, or as tables."""
    if as_json:
        print_json(as_dict(comparison))
        return
    console = Console()
    plan = comparison.plan
    console.print(
        f"{comparison.count} people of population {comparison.seed}, {len(plan.sites)} sites each: "
        f"{plan.share:.0%} of the own pain threshold within the caps, {plan.hold_s:g} s. Mean (5 to 95 % of people)."
    )
    console.print(_overall(comparison))
    console.print(_by_site(comparison))
    console.print(f"Therapeutic band: {BAND[0]:g} to {BAND[1]:g} of the pain threshold. Own hand: no ball, no stick.")
    console.print("Tissue, reflex, release and own hand are models, many of whose constants are assumptions.")
    for one in comparison.checks:
        console.print(
            f"Checked in PyBullet, {one.person} {one.site.replace('_', ' ')}: in band {one.whole.in_band:.0%} "
            f"(here {one.alone.in_band:.0%}), release {one.whole.release:.0%} (here {one.alone.release:.0%})."
        )
    if comparison.changed:
        console.print(_changes(comparison))
        console.print(verdict(comparison))


def as_dict(comparison: Comparison) -> dict[str, Any]:
    """The same for a script."""
    plan = comparison.plan
    return {
        "population": comparison.seed,
        "people": comparison.count,
        "plan": {"sites": list(plan.sites), "share": plan.share, "hold_s": plan.hold_s, "rest_s": plan.rest_s},
        "band": list(BAND),
        "figures": {
            figure: {
                way: dict(zip(("mean", "p5", "p50", "p95"), spread(comparison.pressed, way, figure), strict=True))
                for way in ("own_hand", "arm")
            }
            for figure in (*FIGURES, "reached")
        },
        "sites": {site: _site(comparison, site) for site in plan.sites},
        "checks": [
            {"person": one.person, "site": one.site, "whole_arm": asdict(one.whole), "alone": asdict(one.alone)}
            for one in comparison.checks
        ],
        "assumptions": [
            {
                "constant": change.name,
                "factor": change.factor,
                "advantage": {figure: advantage(pressed, figure) for figure in _ANSWERS},
                "advantage_unchanged": {figure: advantage(comparison.pressed, figure, people) for figure in _ANSWERS},
            }
            for change, pressed, people in _tried(comparison)
        ],
    }


def _tried(comparison: Comparison) -> list[tuple[Change, list[Pressed], int]]:
    """Every change, what was pressed with it, and on how many people."""
    return [(change, pressed, len({one.person for one in pressed})) for change, pressed in comparison.changed]


def _overall(comparison: Comparison) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    table.add_column("own hand", justify="right")
    table.add_column("arm", justify="right")
    for figure, (label, spell) in _LABELS.items():
        cells = []
        for way in ("own_hand", "arm"):
            mean, low, _, high = spread(comparison.pressed, way, figure)
            cells.append(f"{spell(mean)}  ({spell(low)} to {spell(high)})")
        table.add_row(label, *cells)
    missed = 1.0 - spread(comparison.pressed, "own_hand", "reached")[0]
    table.add_row("sites out of reach", f"{100 * missed:.0f} %", "0 %")
    return table


def _site(comparison: Comparison, site: str) -> dict[str, Any]:
    there = [one for one in comparison.pressed if one.site == site]
    own, arm = ([one for one in there if one.way == way] for way in ("own_hand", "arm"))
    shown: dict[str, Any] = {"force_n": float(np.mean([one.force_n for one in arm]))}
    shown["reached"] = float(np.mean([one.reached for one in own]))
    for figure in ("in_band", "release", "dose_error"):
        for way, ones in (("own_hand", own), ("arm", arm)):
            shown[f"{figure}_{way}"] = float(np.mean([getattr(one, figure) for one in ones]))
    return shown


def _by_site(comparison: Comparison) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in ("site", "N", "own hand reaches", "in band: own", "arm", "release: own", "arm"):
        table.add_column(column, justify="left" if column == "site" else "right")
    for site in comparison.plan.sites:
        s = _site(comparison, site)
        shares = (s["reached"], s["in_band_own_hand"], s["in_band_arm"], s["release_own_hand"], s["release_arm"])
        table.add_row(site.replace("_", " "), f"{s['force_n']:.0f}", *(f"{100 * x:.0f} %" for x in shares))
    return table


def _changes(comparison: Comparison) -> Table:
    """The constants that move the arm's advantage most, halved and doubled."""
    rows: dict[str, dict[float, tuple[float, float]]] = {}
    usual = (0.0, 0.0)
    for change, pressed, people in _tried(comparison):
        usual = advantage(comparison.pressed, "release", people), advantage(comparison.pressed, "in_band", people)
        rows.setdefault(change.name, {})[change.factor] = advantage(pressed, "release"), advantage(pressed, "in_band")

    def moves(row: dict[float, tuple[float, float]]) -> float:
        return max(abs(value - was) for pair in row.values() for value, was in zip(pair, usual, strict=True))

    people = _tried(comparison)[0][2]
    table = Table(
        box=SIMPLE_HEAD,
        pad_edge=False,
        title=f"What the answer rests on: the arm's lead in percentage points, {people} people, "
        "when an assumed constant is halved | doubled",
        title_justify="left",
    )
    table.add_column("assumed constant")
    table.add_column("lead in release", justify="right")
    table.add_column("lead in time in band", justify="right")
    table.add_row("none changed", f"{100 * usual[0]:.0f}", f"{100 * usual[1]:.0f}")
    ordered = sorted(rows.items(), key=lambda entry: -moves(entry[1]))
    shown = [entry for entry in ordered if moves(entry[1]) >= 0.01]
    for name, row in shown:
        table.add_row(name, *(f"{100 * row[0.5][k]:.0f} | {100 * row[2.0][k]:.0f}" for k in (0, 1)))
    table.add_row(f"the other {len(rows) - len(shown)}", "less than 1 point", "")
    return table


def verdict(comparison: Comparison) -> str:
    """In one sentence: whether any of the changes turns the answer round."""
    turned = sorted(
        {
            f"{change.name} × {change.factor:g}"
            for change, pressed, _ in _tried(comparison)
            if any(advantage(pressed, figure) <= 0.0 for figure in _ANSWERS)
        }
    )
    if not turned:
        return "The arm stays ahead in release and in time in the band whichever of them is halved or doubled."
    return f"The arm's lead is gone with: {', '.join(turned)}."
