"""One node in one process: its executor in the background, its own work in the main thread, a clean end on signals."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import rclpy
from massage_arm.native import InputError
from rclpy.executors import ExternalShutdownException
from rclpy.experimental import EventsExecutor
from rclpy.signals import SignalHandlerOptions

NETWORK = "MASSAGE_ARM_NETWORK"
"""Environment variable: `lan` lets other machines reach the nodes; without it, only this one can."""
_LOOPBACK = Path(__file__).with_name("loopback.xml")
_SPIN_S = 0.1  # EventsExecutor.spin() without a deadline never sleeps; spin_once with one does


class WorkingNode(Protocol):
    """A node that does its work in the main thread."""

    def work(self, stop: threading.Event) -> None:
        """Until `stop` is set or the work is done."""

    def get_logger(self) -> Any:
        """Of rclpy."""

    def destroy_node(self) -> None:
        """Let go of everything."""


def keep_to_this_machine() -> None:
    """Bind DDS to the loopback interface, unless `MASSAGE_ARM_NETWORK=lan`. Raises InputError for another value."""
    network = os.environ.get(NETWORK)
    if network not in (None, "lan"):
        raise InputError(f"{NETWORK}={network} is not allowed; lan is, or nothing: only this machine")
    if network is None:
        # Fast DDS 2, which Jazzy has, knows the older name only, and would bind to every interface.
        library = "FASTRTPS" if os.environ.get("ROS_DISTRO") == "jazzy" else "FASTDDS"
        os.environ[f"{library}_DEFAULT_PROFILES_FILE"] = str(_LOOPBACK)
        os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "SUBNET"  # of the loopback interface: nothing else is bound


def serve(make: Callable[[], WorkingNode], args: Sequence[str] | None = None) -> None:
    """Make a node and let it work until it is done or SIGINT or SIGTERM comes; exit code 2 for what it refuses."""
    stop = threading.Event()
    try:
        keep_to_this_machine()
        # rclpy's own handlers end the context before a last message can be sent.
        rclpy.init(args=list(sys.argv if args is None else args), signal_handler_options=SignalHandlerOptions.NO)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        node = make()
    except InputError as error:
        raise SystemExit(f"error: {error}") from None
    executor = EventsExecutor()
    executor.add_node(node)
    failures: list[BaseException] = []
    spinning = threading.Thread(target=_spin, args=(executor, stop, failures), daemon=True)
    spinning.start()
    # The first line of a log takes tens of ms, in which a controller would send no torques: rclpy looks for its caller.
    node.get_logger().info("is there")
    settle()
    try:
        node.work(stop)
    finally:
        stop.set()
        spinning.join(1.0)
        node.destroy_node()
        rclpy.try_shutdown()
    if failures:
        raise failures[0]


def settle() -> None:
    """Let all that was made until now be no work for the garbage collector: a full collection takes tens of ms."""
    gc.collect()
    gc.freeze()


def paced(period: float, stop: threading.Event) -> Iterator[None]:
    """Once every `period` [s] until `stop`; where this machine is too slow for that, as fast as it can."""
    due = time.monotonic()
    while not stop.is_set():
        yield
        now = time.monotonic()
        due = max(due + period, now - 0.1)
        time.sleep(max(0.0, due - now))


def _spin(executor: EventsExecutor, stop: threading.Event, failures: list[BaseException]) -> None:
    """What comes in; a node that cannot hear any more ends, so that the others find it silent."""
    while not stop.is_set():
        try:
            executor.spin_once(timeout_sec=_SPIN_S)
        except ExternalShutdownException:
            return
        except Exception as error:
            failures.append(error)
            stop.set()
