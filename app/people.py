"""What is shown of people and bodies: tables for a reader, JSON for a script."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from ..control.body import Body, body_names, builds
from ..sim.people import Recipient


def print_people(people: Sequence[Recipient], as_json: bool) -> None:
    """All of them as JSON, or how they are spread."""
    records = [person.record() for person in people]
    if as_json:
        print(json.dumps(records))
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("", "least", "5 %", "half", "95 %", "most"):
        table.add_column(column, justify="left" if not column else "right")
    for name, values in _spread(records).items():
        shown = np.quantile(values, (0.0, 0.05, 0.5, 0.95, 1.0))
        table.add_row(name, *(f"{value:.3g}" for value in shown))
    console = Console()
    console.print(table)
    bodies = [record["body"] for record in records]
    for body in body_names():
        if body in bodies:
            console.print(f"{body}: {bodies.count(body)}")


def _spread(records: Sequence[dict[str, Any]]) -> dict[str, list[float]]:
    """The figures that differ between people, by what they are called in the table."""
    return {
        "age, years": [record["age"] for record in records],
        "mass, kg": [record["mass_kg"] for record in records],
        "stiffness, factor": [float(np.mean(list(record["stiffness"].values()))) for record in records],
        "pain threshold, factor": [float(np.mean(list(record["threshold"].values()))) for record in records],
        "trigger points": [len(record["trigger_points"]) for record in records],
        "own thumb, N": [record["thumb_force_n"] for record in records],
        "heart, 1/min": [60.0 / record["constants"]["interval"] for record in records],
    }


def print_body(body: Body, picture: Path, as_json: bool) -> None:
    """Where everything on a body is, in mm, body frame; and where its picture went."""
    if as_json:
        sites = {
            name: {
                "position_m": site.position.tolist(),
                "normal": site.normal.tolist(),
                "fibre": site.fibre.tolist(),
                "radius_m": site.radius,
            }
            for name, site in body.sites.items()
        }
        landmarks = {name: mark.tolist() for name, mark in body.landmarks.items()}
        areas = {name: corners.tolist() for name, corners in body.keep_out.items()}
        shown = {"body": body.name, "picture": str(picture), "sites": sites, "landmarks_m": landmarks}
        print(json.dumps({**shown, "keep_out_m": areas}))
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("site", "x mm", "y mm", "z mm", "slope deg"):
        table.add_column(column, justify="left" if column == "site" else "right")
    for name, site in body.sites.items():
        x, y, z = 1e3 * site.position
        table.add_row(name, f"{x:.0f}", f"{y:.0f}", f"{z:.0f}", f"{np.degrees(np.arccos(site.normal[2])):.0f}")
    Console().print(table)
    print(f"picture {picture}")


def print_bodies() -> None:
    """One line for every body."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("body", "sex", "age", "stature m", "mass kg"):
        table.add_column(column)
    for name, build in builds().items():
        table.add_row(name, build.sex, f"{build.age:g}", f"{build.stature_m:.2f}", f"{build.mass_kg:.0f}")
    Console().print(table)
