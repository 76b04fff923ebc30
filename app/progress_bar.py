"""A bar on stderr while something takes long; rich is imported where it is needed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

    from .run import Simulation


def progress_bar(quiet: bool) -> Progress:
    """A bar on stderr: what, how far, force, time left. Nothing where nobody watches."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    hidden = quiet or not sys.stderr.isatty()
    return Progress(
        TextColumn("{task.description:<10}"),
        BarColumn(),
        TextColumn("{task.fields[force]:>8}"),
        TimeRemainingColumn(),
        console=Console(stderr=True, quiet=hidden),  # else it ends in an empty line
        disable=hidden,
        transient=True,
    )


def following(progress: Progress, begin: str) -> Callable[[Simulation], None]:
    """A function that shows how far a simulation is."""
    task = progress.add_task(begin, total=None, force="")

    def show(simulation: Simulation) -> None:
        from ..native import ContactState

        progress.update(
            task,
            description=ContactState(simulation.contact_state).name.lower(),
            total=max(simulation.duration_s, simulation.time),
            completed=simulation.time,
            force=f"{simulation.force_true:.1f} N",
        )

    return show


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for work that is counted; gives a function that takes how much is done, and of how much."""
    with progress_bar(False) as progress:
        task = progress.add_task(what, total=None, force="")

        def on_progress(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield on_progress
