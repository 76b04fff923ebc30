"""What an arm reaches on a person: a table for a reader, JSON for a script, and a map of the back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ..control.body_picture import value_picture
from ..native.errors import InputError
from ..sim.reach import GRID, SWING_ABOUT_N, SWING_N, Reach, SiteReach, StandReach
from .figures import print_json
from .run import write_whole

NOT_REACHED = 1
_WIDTH = 110  # characters that the table needs
_PLENTY_DEG = 60.0  # from which margin on the map is at the end of its colours; own choice


def check_output(out: Path) -> None:
    """Raise InputError for a name that the picture cannot have, before anything long begins."""
    if out.suffix != ".png":
        raise InputError(f"out: {out} is not allowed; a name that ends in .png is")
    if not out.absolute().parent.is_dir():
        raise InputError(f"out: {out.parent} is not a folder")


def print_reach(found: Reach, out: Path, as_json: bool) -> int:
    """Write the map and show what was found; the exit code."""
    write_whole(out, _map(found))
    if as_json:
        print_json(_as_dict(found, out))
    else:
        _print(found, out)
    return 0 if all(site.reachable for site in found.sites) else NOT_REACHED


def _map(found: Reach) -> bytes:
    title = (
        f"{found.arm} on {found.body.name}: degrees to the nearest joint limit, 50 mm above the skin, "
        f"from a stand {_place(found.together['both'])}"
    )
    return value_picture(found.body, found.grid, found.margins_deg, GRID, _PLENTY_DEG, title, "not reached")


def _place(stand: StandReach) -> str:
    x, y, z = stand.stand_m
    return f"at ({x:.2f}, {y:.2f}) m, {z:.2f} m high"  # the picture's font has no real minus sign


def _print(found: Reach, out: Path) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("site", no_wrap=True)
    swing = f"±{SWING_N:g} N Hz"
    for column in ("stand m", "off °", "margin °", "force N", "torque %", "weakest", swing):
        table.add_column(column, justify="right", no_wrap=True)
    for site in found.sites:
        table.add_row(*_row(site))
    Console(width=max(_WIDTH, Console().width)).print(table)
    for side, stand in found.together.items():
        count = len(stand.reached) + len(stand.missed)
        rest = f"; not {_regions(stand.missed)}" if stand.missed else ""
        sites = "both sides" if side == "both" else f"the {side}"
        print(f"one stand for {sites}, {_place(stand)}: {len(stand.reached)} of {count}{rest}")
    for line in _why(found.sites):
        print(line)
    print(f"picture {out}")


def _row(site: SiteReach) -> list[str]:
    if site.stand_m is None:
        return [site.site, "out of reach", *["–"] * 6]
    stand = " ".join(f"{x:.2f}" for x in site.stand_m).replace("-", "−")
    swing = "–" if site.swing is None else f"{_down(site.swing.rate_hz):.1f}"
    return [
        site.site,
        stand,
        f"{site.angle_deg:.0f}",
        "–" if math.isinf(site.margin_deg) else f"{site.margin_deg:.0f}",
        f"{_down(site.force_n):g}",
        f"{100.0 * site.torque_share:.0f}",
        f"{site.weakest:.2f}",
        swing,
    ]


def _down(value: float) -> float:
    """To a tenth, down: whoever asks for what is shown is not refused."""
    return math.floor(10.0 * value) / 10.0


def _why(sites: list[SiteReach]) -> list[str]:
    """What is not reachable, and what keeps the swing from being faster, by reason."""
    lines = []
    for site in sites:
        if not site.reachable:
            what = (
                "the tool does not get there"
                if site.stand_m is None
                else f"at best {site.angle_deg:.0f}° off the normal"
            )
            lines.append(f"not reachable: {site.site} ({what})")
    reasons: dict[str, list[str]] = {}
    for site in sites:
        if site.swing is not None:
            reasons.setdefault(site.swing.reason, []).append(site.site)
    for reason, names in reasons.items():
        lines.append(f"±{SWING_N:g} N about {SWING_ABOUT_N:g} N, bound by {reason}: {_regions(names)}")
    if skipped := [site.site for site in sites if site.stand_m is not None and site.swing is None]:
        lines.append(f"±{SWING_N:g} N about {SWING_ABOUT_N:g} N is above the cap: {_regions(skipped)}")
    return lines


def _regions(sites: Sequence[str]) -> str:
    """Names of sites, those of which both sides are there by their region."""
    sides: dict[str, list[str]] = {}
    for site in sites:
        region, side = site.rsplit("_", 1)
        sides.setdefault(region, []).append(side)
    return ", ".join(region if len(both) == 2 else f"{region}_{both[0]}" for region, both in sides.items())


def _as_dict(found: Reach, out: Path) -> dict[str, Any]:
    return {
        "arm": found.arm,
        "tool": found.tool,
        "person": found.body.name,
        "picture": str(out),
        "sites": {site.site: _site_dict(site) for site in found.sites},
        "together": {side: _stand_dict(stand) for side, stand in found.together.items()},
        "map": {"spacing_m": GRID, "points_m": found.grid.tolist(), "margin_deg": found.margins_deg.tolist()},
    }


def _site_dict(site: SiteReach) -> dict[str, Any]:
    swing = site.swing
    return {
        "reachable": site.reachable,
        "stand_m": None if site.stand_m is None else site.stand_m.tolist(),
        "angle_deg": site.angle_deg,
        "margin_deg": site.margin_deg,
        "force_n": site.force_n,
        "torque_share": site.torque_share,
        "torque_joint": site.torque_joint,
        "smallest_singular_value": site.weakest,
        "swing": None
        if swing is None
        else {
            "force_n": swing.force_n,
            "swing_n": swing.swing_n,
            "rate_hz": swing.rate_hz,
            "reason": swing.reason,
            "motion_mm": 1e3 * swing.motion_m,
            "mass_kg": swing.mass_kg,
        },
    }


def _stand_dict(stand: StandReach) -> dict[str, Any]:
    return {"stand_m": stand.stand_m.tolist(), "reached": list(stand.reached), "missed": list(stand.missed)}
