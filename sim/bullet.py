"""PyBullet without what it says by itself: a greeting on import, and its arguments when a client connects."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def silent(descriptor: int) -> Iterator[None]:
    """Let what C code writes to file descriptor 1 or 2 go nowhere: JSON is to go to the one, one error to the other."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(descriptor)
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, descriptor)
        yield
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)
        os.close(nothing)


with silent(2):
    import pybullet as pybullet
    from pybullet_utils.bullet_client import BulletClient as BulletClient
