"""Figures on stdout: a table for a person, JSON for a script."""

import json
import math
from collections.abc import Iterable
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ..control.figure import Figure, spell


def print_json(data: Any) -> None:
    """JSON knows no NaN: what is not known is null."""

    def clean(value: Any) -> Any:
        if isinstance(value, Figure):
            value = value.as_dict()
        if isinstance(value, dict):
            return {key: clean(entry) for key, entry in value.items()}
        if isinstance(value, list):
            return [clean(entry) for entry in value]
        return None if isinstance(value, float) and not math.isfinite(value) else value

    print(json.dumps(clean(data), indent=2, ensure_ascii=False))


def print_table(figures: Iterable[Figure]) -> None:
    """Figures with their goals; the last column says in words whether they are met."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("goal", justify="right")
    table.add_column("")
    for figure in figures:
        goal = "" if figure.goal is None else f"≤ {figure.goal:.3g} {figure.unit}"
        met = {True: "met", False: "[bold]missed[/bold]", None: ""}[figure.met]
        table.add_row(figure.name.replace("_", " "), spell(figure.value, figure.unit), goal, met)
    Console().print(table)
