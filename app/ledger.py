"""A person's ledger of dose between sessions: heeded before one, added to after it (`run --dose`)."""

from __future__ import annotations

import json
import math
import time
from dataclasses import replace
from pathlib import Path

from ..control.dose import DoseMap, dose_bytes, dose_of_run, read_dose
from ..control.plan import PressPlan, SessionPlan
from ..control.run_log import RUN_FILE, read_run
from ..control.tool import load_tool
from ..native.errors import InputError
from .run import write_whole

_AHEAD_S = 86400.0
"""Simulated time runs ahead of the clock; a ledger that is ahead by more than a day has seen a wrong clock."""


def with_ledger(plan: PressPlan | SessionPlan, file: Path) -> SessionPlan:
    """The plan with what was given before, as of now; without a file yet, nothing was."""
    if not isinstance(plan, SessionPlan):
        raise InputError("--dose: is for a session; a single press keeps no ledger")
    now = float(math.ceil(time.time()))
    if not file.exists():
        if not file.parent.is_dir():
            raise InputError(f"--dose: {file.parent}: there is no such folder")
        return replace(plan, began_s=now)
    before = read_dose(file)
    if before.person != plan.person:
        raise InputError(f"{file}: person: {before.person} is not allowed; the run is of {plan.person}")
    if before.time > now + _AHEAD_S:
        raise InputError(f"{file}: time: it knows of {before.time - now:.0f} s after now; a clock is wrong")
    # Rather less faded than it is: the next session begins no earlier than the last one ended.
    return replace(plan, dose=str(file), began_s=max(now, float(math.ceil(before.time))))


def add_to_ledger(file: Path, folder: Path, plan: SessionPlan) -> None:
    """Put what the run in `folder` gave, as far as it was logged, on top of the ledger, which is made if need be."""
    if not (folder / RUN_FILE).exists():
        return
    run = read_run(folder)
    name = json.loads(run.metadata["session"])["tool"]
    tool = load_tool(folder / "inputs" / "tool.yaml" if Path(name).suffix else name)
    before = read_dose(file) if file.exists() else DoseMap(person=plan.person)
    if math.isfinite(before.time):
        before = before.recovered(plan.began_s - before.time)
    write_whole(file, dose_bytes(dose_of_run(run.ticks, tool, plan.began_s, before)))
