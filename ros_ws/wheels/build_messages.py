"""Build massage_msgs into the running virtual environment, against ROS 2 from Python wheels.

`python ros_ws/wheels/build_messages.py` takes about 40 s, and nothing when the environment has the same messages
already. On a ROS 2 installation use colcon instead: massage_msgs is an ordinary ament_cmake package.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parent / "src" / "massage_msgs"
ENVIRONMENT = Path(sys.prefix)
STAMP = ENVIRONMENT / "share" / "massage_msgs" / "built_from.sha256"


def wanted() -> str:
    """Hash of all that the messages are built from."""
    files = sorted(file for file in PACKAGE.rglob("*") if file.is_file())
    whole = b"".join(str(file.relative_to(PACKAGE)).encode() + b"\0" + file.read_bytes() for file in files)
    return hashlib.sha256(whole).hexdigest()


def build() -> None:
    """Configure, compile, install; raises SystemExit with the tool's own words where one of them fails."""
    folder = ENVIRONMENT / "build" / "massage_msgs"
    shutil.rmtree(folder, ignore_errors=True)
    environment = os.environ | {
        "PATH": f"{ENVIRONMENT / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "AMENT_PREFIX_PATH": str(ENVIRONMENT),
    }
    options = {
        "CMAKE_BUILD_TYPE": "Release",
        "BUILD_TESTING": "OFF",
        "CMAKE_PREFIX_PATH": ENVIRONMENT,
        "CMAKE_INSTALL_PREFIX": ENVIRONMENT,
        "Python3_EXECUTABLE": sys.executable,
        "Python3_FIND_VIRTUALENV": "ONLY",
        "CMAKE_PROJECT_INCLUDE": HERE / "only_existing_includes.cmake",
    }
    defined = [f"-D{name}={value}" for name, value in options.items()]
    for command in (
        ["cmake", "-S", str(PACKAGE), "-B", str(folder), "-G", "Ninja", *defined],
        ["cmake", "--build", str(folder)],
        ["cmake", "--install", str(folder)],
    ):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(command[:2])} failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    shutil.rmtree(folder)
    STAMP.write_text(wanted())


def build_once() -> None:
    """Build unless that has been done; of two processes, one builds and the other waits."""
    with (ENVIRONMENT / ".massage_msgs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not STAMP.exists() or STAMP.read_text() != wanted():
            build()


if __name__ == "__main__":
    if sys.prefix == sys.base_prefix:
        raise SystemExit("build_messages.py installs into a virtual environment; run it with that environment's python")
    build_once()
    print(f"massage_msgs is in {ENVIRONMENT}")
