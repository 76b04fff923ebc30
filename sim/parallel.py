"""Work spread over processes, which leave Ctrl-C to this one and end when it does, however it ends."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

_RENEWED = 4000
"""Tasks after which the processes begin anew: PyBullet keeps about 0.5 MB of every client that it ever had."""


def in_parallel(work: Callable[[Task], Result], tasks: Sequence[Task], jobs: int) -> Iterator[Result]:
    """What `work` makes of each task, in their order; raises what it raises, and starts nothing more then."""
    for start in range(0, len(tasks), _RENEWED):
        pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_serve)
        try:
            yield from pool.map(work, tasks[start : start + _RENEWED])
        finally:
            pool.shutdown(cancel_futures=True)


def _serve() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
