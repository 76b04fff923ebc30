"""The form before a session: an empty one to fill in, and what a filled one rules out."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from ..control.intake import intake_form, load_intake, ruled_out, share_of_cap
from ..control.sites import find_site, load_sites
from .figures import print_json


def print_form() -> None:
    """An empty form on stdout."""
    print(intake_form(), end="")


def check_intake(file: Path, sites: list[str], as_json: bool) -> bool:
    """Say what a form rules out at the sites, all if none is named; whether something may still be pressed.

    That is: nothing is ruled out at a site that was named; of all of them, one is left.
    """
    intake = load_intake(file, datetime.now())
    asked = [find_site(site).name for site in sites] or list(load_sites())
    reasons = ruled_out(intake, asked)
    left = [site for site in asked if not ruled_out(intake, [site])]
    may = left == asked if sites else bool(left)
    if as_json:
        share = share_of_cap(intake)
        print_json({"may_be_pressed": may, "ruled_out": reasons, "sites": left, "share_of_cap": share})
        return may
    for reason in reasons:
        print(f"ruled out: {reason}")
    if left:
        print(f"may be pressed: {', '.join(left)}")
        print(f"with at most {100 * share_of_cap(intake):g} % of every cap")
    else:
        print("nothing may be pressed")
    return may
