"""ROS 2 from wheels, with our messages built into the environment; a domain of its own for every worker."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

if importlib.util.find_spec("rclpy") is None:
    collect_ignore_glob = ["*"]  # its wheels are for Python 3.11 only
else:
    subprocess.run([sys.executable, str(ROOT / "ros_ws/wheels/build_messages.py")], check=True, stdout=subprocess.PIPE)


@pytest.fixture(scope="session")
def domain() -> Iterator[int]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    yield 60 + int(worker.removeprefix("gw"))
