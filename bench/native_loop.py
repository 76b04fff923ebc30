"""Builds `native_loop.pyx` against the installed package, in a folder that is kept for the process."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import massage_arm.native


@cache
def native_steps() -> Callable[[Any, Any, Any, int], None]:
    """The compiled loop. Raises CalledProcessError where there is no Cython or C compiler."""
    folder = Path(tempfile.mkdtemp(prefix="massage-arm-bench-"))
    package = folder / "massage_arm"  # Cython finds the declarations by folder, wherever they are installed
    package.mkdir()
    (package / "__init__.pxd").touch()
    (package / "native").symlink_to(Path(massage_arm.native.__file__).parent)
    source, module = folder / "native_loop.c", folder / "native_loop.so"
    pyx = Path(__file__).with_suffix(".pyx")
    subprocess.run([sys.executable, "-m", "cython", "-3", "-I", folder, pyx, "-o", source], check=True)
    include = sysconfig.get_paths()["include"]
    subprocess.run(["cc", "-O3", "-shared", "-fPIC", f"-I{include}", source, "-o", module], check=True)
    spec = importlib.util.spec_from_file_location("native_loop", module)
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    steps: Callable[[Any, Any, Any, int], None] = loaded.native_steps
    return steps
