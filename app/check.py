"""Files that people write, checked before they are used: every problem with its place."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..control.limits import OWN_SCHEMA, load_own_limits
from ..control.plan import SCHEMA as PRESS_SCHEMA
from ..control.plan import PressPlan, check_plan, load_plan
from ..control.pressure_profile import SCHEMA as PROFILE_SCHEMA
from ..control.pressure_profile import load_profile
from ..control.session import SCHEMA as SESSION_SCHEMA
from ..control.session import Session, load_session
from ..control.thresholds import SCHEMA as THRESHOLDS_SCHEMA
from ..control.thresholds import load_thresholds
from ..control.tool import SCHEMA as TOOL_SCHEMA
from ..control.tool import load_tool
from ..control.yaml_file import FileProblems, Problem, locate, read_schema
from ..native.errors import InputError
from .figures import print_json


@dataclass(frozen=True)
class Found:
    """A problem, and the file that it is in: the one checked or one that it names."""

    file: Path
    problem: Problem

    def __str__(self) -> str:
        return f"{self.file}:{self.problem.line}:{self.problem.column}: {self.problem.text}"


# Imports of seconds stand inside: most files do not need them.


def _check_faults(plan: PressPlan) -> None:
    from ..sim.faults import parse_faults

    parse_faults(plan.faults or "")


def _check_person(plan: PressPlan) -> None:
    from ..control.body import load_body
    from ..sim.people import find_person

    load_body(find_person(plan.person).body)


def _check_arm(plan: PressPlan) -> None:
    from ..sim.arm import describe_arm

    describe_arm(plan)


def _check_on_average(session: Session) -> None:
    """Caps and places, on a body as good as any."""
    from ..control.body import load_body
    from ..control.session import jobs_of

    jobs_of(session, load_body("average"), load_tool(session.tool))


def _load_landmarks(path: Path) -> None:
    from ..control.registration import load_landmarks

    load_landmarks(path)


# Schema to what loads such a file, and to what is checked of it besides; each raises InputError.
CHECKS: dict[str, tuple[Callable[[Path], Any], *tuple[Callable[[Any], object], ...]]] = {
    PRESS_SCHEMA: (load_plan, check_plan, _check_faults, _check_person, _check_arm),
    TOOL_SCHEMA: (load_tool,),
    PROFILE_SCHEMA: (load_profile,),
    SESSION_SCHEMA: (load_session, _check_on_average),
    OWN_SCHEMA: (load_own_limits,),
    THRESHOLDS_SCHEMA: (load_thresholds,),
    "massage-arm/landmarks/1": (_load_landmarks,),
}


def check_file(path: Path) -> list[Found]:
    """All problems of a file that somebody wrote; which kind of file it is its key `schema` says."""
    try:
        load, *checks = CHECKS[_known_schema(path)]
        loaded = load(path)
    except InputError as error:
        return _placed(path, error)
    found = []
    for check in checks:
        try:
            check(loaded)
        except InputError as error:
            found += _placed(path, error)
    return sorted(found, key=lambda one: (one.file != path, str(one.file), one.problem.line, one.problem.column))


def print_problems(files: list[Path], as_json: bool) -> bool:
    """Check files and show what is wrong; whether they are all sound."""
    results = {file: check_file(file) for file in files}
    if as_json:
        print_json(
            [
                {
                    "file": str(file),
                    "sound": not found,
                    "problems": [{"file": str(one.file), **asdict(one.problem)} for one in found],
                }
                for file, found in results.items()
            ]
        )
    else:
        for file, found in results.items():
            print("\n".join(map(str, found)) if found else f"{file}: sound")
    return not any(results.values())


def _known_schema(path: Path) -> str:
    said = read_schema(path)
    if said in CHECKS:
        return said
    close = difflib.get_close_matches(said, CHECKS, n=1)
    hint = f"did you mean {close[0]}? Known are" if close else "known are"
    text = f"schema: {said} is not known; {hint} {', '.join(CHECKS)}"
    raise FileProblems(path, [Problem(*locate(path, "schema"), "schema", text)])


def _placed(path: Path, error: InputError) -> list[Found]:
    """The problems of an error, with the place of the key that its message begins with where it names none."""
    if isinstance(error, FileProblems):
        return [Found(error.path, problem) for problem in error.problems]
    text = " ".join(str(error).split())
    name, _, rest = text.partition(": ")
    if rest and (name == str(path) or Path(name).is_file()):
        path, text = Path(name), rest
    match = re.match(r"([\w.\[\]]+): ", text)
    key = match[1] if match and Path(match[1]).suffix not in (".yaml", ".yml", ".urdf", ".npz") else ""
    try:
        line, column = locate(path, key)
    except InputError:  # no YAML: a URDF, a file that is not there
        line, column = 1, 1
    return [Found(path, Problem(line, column, key, text))]
