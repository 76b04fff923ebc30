"""Mutation tests of what must not be wrong: `python -m bench.mutants [--module NAME] [--every N] [--jobs J] [--json]`.

Each mutant of guard, limits and supervisor is one small change of the source; the tests of the module must fail on it.
One that they pass has survived and must have a reason in `mutants_survivors.yaml`; exit code 1 when one has none. The
guard is compiled once, with all its mutants.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml
from massage_arm.app.figures import print_json, print_table
from massage_arm.control.figure import Figure
from massage_arm.sim.parallel import in_parallel

from .mutate import Mutant, annotations, mutants

ROOT = Path(__file__).parents[1]
SURVIVORS = Path(__file__).with_name("mutants_survivors.yaml")
NATIVE = ROOT / "native"
TESTS = {
    "guard": ("tests/native/test_guard.py",),
    "limits": ("tests/control/test_limits.py",),
    "supervisor": ("tests/control/test_supervisor.py",),
}
_LONGEST = 60.0  # s for the tests of a mutant; one that hangs is killed


@dataclass(frozen=True)
class Survivor:
    """A mutant that the tests passed."""

    module: str
    line: int
    was: str
    change: str
    reason: str
    """Empty: there is none."""


def python_mutants(module: str) -> list[Mutant]:
    """Those of a module in control/ that compile."""
    source = (ROOT / "control" / f"{module}.py").read_text(encoding="utf-8")
    types = annotations(source)
    found = []
    for mutant in mutants(source):
        column = re.search(r"column (\d+)", mutant.change)
        if column and (mutant.line, int(column[1])) in types:
            continue
        try:
            compile(mutant.source, module, "exec")
        except SyntaxError:
            continue
        found.append(mutant)
    return found


def guard_source() -> tuple[str, int]:
    """The guard's declarations, and the line from which on it is code."""
    source = (NATIVE / "guard.pxd").read_text(encoding="utf-8")
    return source, source[: source.index("cdef inline")].count("\n")


def guard_mutants() -> list[Mutant]:
    """Those of the guard's functions; the signatures and what is declared stay."""
    source, begin = guard_source()
    spared = {k for k, line in enumerate(source.splitlines(), 1) if k <= begin or line.startswith("cdef")}
    return [mutant for mutant in mutants(source, spared) if not mutant.change.startswith("in ->")]  # loops only


def many_guards(found: Sequence[Mutant]) -> str:
    """A module like guard_trial.pyx whose guard is the mutant that was chosen; 0 is the guard itself."""
    source, begin = guard_source()
    head = source[: source.index("cdef struct")]
    usual = _functions(source, begin)
    parts = [head[head.index('"""', 3) + 3 :], *_renamed(usual, set(usual), 0)]
    changes: list[set[str]] = []
    for k, mutant in enumerate(found, 1):
        functions = _functions(mutant.source, begin)
        changed = {name for name, text in functions.items() if text != usual[name]}
        for name, text in functions.items():  # in the order of the file: who calls comes after
            if any(f"{other}(" in text.split(":", 1)[1] for other in changed - {name}):
                changed.add(name)
        changes.append(changed)
        parts += _renamed(functions, changed, k)
    parts.append("cdef int chosen = 0\n\n\ndef choose(int k):\n    global chosen\n    chosen = k\n\n\n")
    for name in ("guard_check", "guard_reset"):
        signature, names = re.match(r"(.*?\((.*?)\).*?:)\n", usual[name]).groups()  # type: ignore[union-attr]
        given = ", ".join(part.split()[-1].lstrip("*") for part in names.split(","))
        give = "" if " void " in signature else "return "
        parts.append(f"{signature}\n    if chosen == 0:\n        {give}{name}_0({given})\n")
        for k, changed in enumerate(changes, 1):
            if name in changed:
                parts.append(f"    elif chosen == {k}:\n        {give}{name}_{k}({given})\n")
        parts.append(f"    else:\n        {give}{name}_0({given})\n\n\n")
    trial = (NATIVE / "guard_trial.pyx").read_text(encoding="utf-8").replace(", guard_check, guard_reset\n", "\n")
    return trial.replace("\ncdef enum:", "".join(["\n", *parts, "cdef enum:"]), 1)


def _renamed(functions: dict[str, str], changed: set[str], k: int) -> list[str]:
    """The changed functions as number k; what they call is of the same number, or the guard's own."""
    parts = []
    for name in functions:
        if name in changed:
            text = functions[name]
            for other in functions:
                text = re.sub(rf"\b{other}\(", f"{other}_{k if other in changed else 0}(", text)
            parts.append(text)
    return parts


def _functions(source: str, begin: int) -> dict[str, str]:
    code = "\n".join(source.splitlines()[begin:])
    texts = re.split(r"(?=^cdef inline )", code, flags=re.MULTILINE)
    return {
        match[1]: text.replace("cdef inline ", "cdef ", 1).rstrip() + "\n\n\n"
        for text in texts
        if (match := re.match(r"cdef inline \w+ (\w+)\(", text))
    }


def compiled(source: str) -> Path:
    """The module of a Cython text. Raises CalledProcessError without a compiler."""
    folder = Path(tempfile.mkdtemp(prefix="massage-arm-mutants-"))
    package = folder / "massage_arm"
    package.mkdir()
    (package / "__init__.pxd").touch()
    (package / "native").symlink_to(NATIVE)
    pyx = folder / "guard_trial.pyx"
    pyx.write_text(source, encoding="utf-8")
    flags = ["-X", "boundscheck=False", "-X", "wraparound=False", "-X", "cdivision=True"]
    subprocess.run([sys.executable, "-m", "cython", "-3", *flags, "-I", folder, pyx], check=True)
    include, module = sysconfig.get_paths()["include"], folder / "guard_trial.so"
    subprocess.run(
        ["cc", "-O0", "-w", "-shared", "-fPIC", f"-I{include}", pyx.with_suffix(".c"), "-o", module], check=True
    )
    return module


def load_python(module: str, source: str) -> None:
    """Put a mutant of a module in control/ in its place; whoever imports it later gets the mutant."""
    for name in list(sys.modules):
        if name.startswith(("massage_arm.control", "massage_arm.sim", "massage_arm.app")):
            del sys.modules[name]
    name = f"massage_arm.control.{module}"
    spec = importlib.util.find_spec(name)
    assert spec is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[name] = made
    exec(compile(source, str(spec.origin), "exec"), made.__dict__)


def load_guard(library: Path, chosen: int) -> None:
    """Put the chosen mutant of the guard where its tests look for it."""
    name = "massage_arm.native.guard_trial"
    spec = importlib.util.spec_from_file_location("guard_trial", library)
    assert spec is not None and spec.loader is not None
    made: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    made.choose(chosen)
    sys.modules[name] = made


def passes(load: Callable[[], None], tests: Sequence[str]) -> bool:
    """Whether the tests pass on a mutant; in a process of its own, so that nothing is left of it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _quiet()
            load()
            import pytest

            os.chdir(ROOT)
            code = int(
                pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", "-n", "0", *tests])
            )
        finally:
            os._exit(code)
    until = time.monotonic() + _LONGEST
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return False


def _quiet() -> None:
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)


def try_one(task: tuple[str, str, str]) -> bool:
    """Whether a mutant (module, source or number, library) survives."""
    module, what, library = task
    if module == "guard":
        return passes(lambda: load_guard(Path(library), int(what)), TESTS[module])
    return passes(lambda: load_python(module, what), TESTS[module])


def reasons() -> dict[tuple[str, str, str], str]:
    """Why a survivor may live: by module, line and change."""
    listed = yaml.safe_load(SURVIVORS.read_text(encoding="utf-8"))["survivors"] or []
    return {(one["module"], one["line"], one["change"]): one["reason"] for one in listed}


def run(module: str, every: int = 1, jobs: int = 1) -> tuple[int, list[Survivor]]:
    """How many mutants were tried, every so many-th, and which survived.

    Raises RuntimeError when the tests fail on the module as it is.
    """
    found = guard_mutants() if module == "guard" else python_mutants(module)
    library = str(compiled(many_guards(found))) if module == "guard" else ""
    usual = "0" if module == "guard" else (ROOT / "control" / f"{module}.py").read_text(encoding="utf-8")
    if not try_one((module, usual, library)):
        raise RuntimeError(f"the tests of {module} fail on the module as it is")
    tried = list(enumerate(found, 1))[::every]
    tasks = [(module, str(k) if module == "guard" else mutant.source, library) for k, mutant in tried]
    known = reasons()
    survivors = [
        Survivor(module, mutant.line, mutant.was, mutant.change, known.get((module, mutant.was, mutant.change), ""))
        for (_, mutant), lives in zip(tried, in_parallel(try_one, tasks, jobs), strict=True)
        if lives
    ]
    return len(tried), survivors


def main(arguments: list[str]) -> int:
    """Exit code."""
    parser = argparse.ArgumentParser(description="mutation tests of guard, limits and supervisor")
    parser.add_argument("--module", choices=list(TESTS), action="append", help="one of them; may be given often")
    parser.add_argument("--every", type=int, default=1, help="every so many-th mutant only")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    figures: list[Figure] = []
    lived: list[Survivor] = []
    for module in given.module or TESTS:
        tried, survivors = run(module, given.every, given.jobs)
        without = [one for one in survivors if not one.reason]
        lived += survivors
        figures += [
            Figure(f"mutants.{module}", "1", tried),
            Figure(f"mutants.{module}_survived_with_a_reason", "1", len(survivors) - len(without)),
            Figure(f"mutants.{module}_survived_without", "1", len(without), 0.0),
        ]
    if given.json:
        shown: dict[str, Any] = {"figures": figures, "survivors": [vars(one) for one in lived]}
        print_json(shown)
    else:
        print_table(figures)
        for one in lived:
            print(f"{one.module}:{one.line}: {one.was}\n    {one.change}: {one.reason or 'NO REASON'}")
    return 1 if any(not one.reason for one in lived) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
