"""ROS 2 from wheels, with our messages built into the environment; a domain of its own for every worker."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

if importlib.util.find_spec("rclpy") is None and sys.version_info[:2] != (3, 11):
    collect_ignore_glob = ["*"]  # there are wheels of ROS 2 for Python 3.11 only, and there they must be
else:
    subprocess.run([sys.executable, str(ROOT / "ros_ws/wheels/build_messages.py")], check=True, stdout=subprocess.PIPE)


@pytest.fixture(scope="session")
def domain() -> Iterator[int]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    yield 60 + int(worker.removeprefix("gw"))
