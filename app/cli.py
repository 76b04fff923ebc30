"""The command line. Heavy imports stand inside the commands, so that `--help` and `--version` answer at once."""

import sys
from typing import Annotated, NoReturn

import typer

from . import bench_commands, lookup_commands, people_commands, run_commands
from .exit_codes import BAD_INPUT

app = typer.Typer(
    help="Robotic massage: exact, quiet, limited pressure, tried on simulated people first.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
body = typer.Typer(help="The people that come with the package.", no_args_is_help=True)
compare = typer.Typer(help="Compare ways to press, over a population.", no_args_is_help=True)
bench = typer.Typer(help="Measure against the project's goals.", no_args_is_help=True)
for name, group in (("body", body), ("compare", compare), ("bench", bench)):
    app.add_typer(group, name=name)

for command in (  # in the order of the help
    run_commands.run, run_commands.report, run_commands.replay,
    people_commands.people, people_commands.scan,
    lookup_commands.limits, lookup_commands.reach, lookup_commands.preview, lookup_commands.check,
    lookup_commands.intake,
):  # fmt: skip
    app.command()(command)
app.command("list")(lookup_commands.list_library)
app.command()(lookup_commands.schema)
app.command()(bench_commands.faults)
body.command("show")(people_commands.body_show)
body.command("list")(people_commands.body_list)
compare.command("self")(people_commands.compare_self)
bench.command("press")(bench_commands.bench_press)
bench.command("strokes")(bench_commands.bench_strokes)
bench.command("scan")(bench_commands.bench_scan)


def main() -> None:
    """Entry of the `massage-arm` command: bad input and failing disks end in one line, not in a traceback."""
    try:
        app()
    except Exception as error:
        from ..native.errors import InputError

        if isinstance(error, InputError):
            _fail(str(error), BAD_INPUT)
        if isinstance(error, OSError):
            _fail(f"{error.filename or 'file'}: {error.strerror or error}", 1)
        raise


def _fail(message: str, code: int) -> NoReturn:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    raise SystemExit(code)


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"massage-arm {version('massage-arm')}")
        except PackageNotFoundError:
            print("massage-arm (not installed)")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass
