"""Write the campaign's figures into docs/safety_case.md: `python docs/campaign_table.py FAULTS.json HEALTHY.json`.

The files are what `massage-arm faults --json` printed, with faults and with `--kind none`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("safety_case.md")
BEGIN, END = "<!-- campaign -->\n", "<!-- /campaign -->"


def figures(shown: dict[str, Any], names: list[str] | None = None) -> str:
    """A table of figures against their goals."""
    rows = ["| figure | value | goal | |", "|---|---|---|---|"]
    for figure in shown["figures"]:
        name = figure["name"].removeprefix("faults.")
        if figure["value"] is None or (name not in names if names else name.startswith("healthy")):
            continue
        unit = "" if figure["unit"] == "1" else f" {figure['unit']}"
        goal = "" if figure["goal"] is None else f"≤ {figure['goal']:g}{unit}"
        met = {True: "met", False: "**missed**", None: ""}[figure["met"]]
        value = f"{figure['value']:.3g}" if figure["value"] % 1 else f"{figure['value']:.0f}"
        rows.append(f"| {name.replace('_', ' ')} | {value}{unit} | {goal} | {met} |")
    return "\n".join(rows)


def kinds(shown: dict[str, Any]) -> str:
    """A line for each kind of fault."""
    rows = [
        "| fault | runs | noticed | refused | median | above inner wall | most | longest | pinned | most often by |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for kind, row in shown["kinds"].items():
        median = "" if row["noticed_median_s"] is None else f"{row['noticed_median_s']:.3f} s"
        above = row["above_inner_wall"]
        most = f"{100 * row['most_above_inner_wall']:.0f} %" if above else ""
        longest = f"{1e3 * row['longest_above_inner_wall_s']:.0f} ms" if above else ""
        causes = ", ".join(list(row["causes"])[:2])
        rows.append(
            f"| {kind.replace('_', ' ')} | {row['runs']} | {row['noticed']} | {row['refused']} | {median} "
            f"| {above or ''} | {most} | {longest} | {row['pinned'] or ''} | {causes} |"
        )
    return "\n".join(rows)


def main() -> None:
    """Put the tables between the marks of the page."""
    faults, healthy = (json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:3])
    text = "\n\n".join([figures(faults), kinds(faults), figures(healthy, ["healthy_runs", "healthy_runs_stopped"])])
    page = PAGE.read_text(encoding="utf-8")
    head, rest = page.split(BEGIN)
    PAGE.write_text(f"{head}{BEGIN}{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
