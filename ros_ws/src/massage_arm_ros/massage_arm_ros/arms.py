"""The arms that are known, and what each may do: `python -m massage_arm_ros.arms`; with a file: its mistakes."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer
from massage_arm.native import InputError

from .arm_profile import ArmProfile, arm_names, load_arm, profile_hash


def main(
    arms: Annotated[
        list[str] | None, typer.Argument(help="Arms by name, or files; all that are known otherwise.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout, nothing else.")] = False,
) -> None:
    """Show what an arm's driver offers, and why it may not press; exit code 2 for a file that is wrong."""
    try:
        profiles = [load_arm(arm) for arm in arms or arm_names()]
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    if as_json:
        print(json.dumps({"arms": [_record(profile) for profile in profiles]}, indent=2))
        return
    for profile in profiles:
        print(f"{profile.file.stem}: {profile.about}")
        print(f"  driver      {profile.driver} {profile.driver_version}")
        print(f"  commands    {', '.join(command.kind for command in profile.commands) or 'none'}")
        print(f"  verified    level {profile.verified.level}")
        print(f"  phantom     {profile.refusal(False) or 'may be pressed'}")
        print(f"  person      {profile.refusal(True) or 'may be pressed'}")


def _record(profile: ArmProfile) -> dict[str, Any]:
    return {
        "name": profile.file.stem,
        "about": profile.about,
        "driver": profile.driver,
        "commands": [command.kind for command in profile.commands],
        "verified": profile.verified.level,
        "hash": profile_hash(profile),
        "phantom": profile.refusal(False),
        "person": profile.refusal(True),
    }


if __name__ == "__main__":
    typer.run(main)
