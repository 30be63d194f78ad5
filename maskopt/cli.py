"""The command line: sits on top of the library and of DVC."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from maskopt import paths
from maskopt.errors import MaskoptError
from maskopt.profiles import put_profile


class Runner(StrEnum):
    """Where stages run."""

    local = "local"
    dask = "dask"


app = typer.Typer(help="Image classifiers small enough for a door camera.", no_args_is_help=True, add_completion=False)


@app.callback()
def _root() -> None:
    """Image classifiers small enough for a door camera."""


@app.command()
def profile(name: str) -> None:
    """Put the params of profiles/NAME.yaml into params.yaml; `git diff params.yaml` shows what changed."""
    put_profile(name, paths.PROFILES, paths.PARAMS)
    typer.echo(f"{paths.PARAMS} holds profile {name}: see `git diff {paths.PARAMS}`, then `make run`")


@app.command()
def run(
    target: Annotated[list[str] | None, typer.Option(help="A stage, backbone or variant; may be repeated.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Run targets even if nothing changed.")] = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Stages side by side; from cores and memory if left out.")
    ] = None,
    runner: Annotated[Runner, typer.Option(help="This machine, or the workers of a Dask cluster.")] = Runner.local,
    address: Annotated[str | None, typer.Option(help="Of the cluster's scheduler: tcp://HOST:PORT.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would run, and about how long.")] = False,
    server: Annotated[bool, typer.Option(help="Find or start a Prefect server; without it, history is lost.")] = True,
) -> None:
    """Run what has changed of the graph of dvc.yaml, in parallel, as a Prefect flow."""
    from flows.dvc_forks import start_early  # noqa: PLC0415

    if (runner is Runner.dask) != (address is not None):
        raise typer.BadParameter("--runner dask and --address tcp://HOST:PORT go together")
    if runner is Runner.local and not dry_run:
        start_early(Path.cwd())
    from flows import launch  # noqa: PLC0415  Prefect takes seconds to import, as does DVC

    if dry_run:
        launch.describe(target or (), force, jobs)
    else:
        launch.launch(target or (), force, jobs, address, server)


@app.command()
def experiments(
    changes: Annotated[
        list[str], typer.Option("--set-param", "-S", help="KEY=VALUE, KEY=A,B or 'KEY=range(A,B)'; may be repeated.")
    ],
    target: Annotated[list[str] | None, typer.Option(help="A stage, backbone or variant; may be repeated.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Stages side by side, shared by the experiments.")] = None,
    server: Annotated[bool, typer.Option(help="Find or start a Prefect server; without it, history is lost.")] = True,
) -> None:
    """Run the graph with each combination of params, side by side; `dvc exp show` compares what came out."""
    from flows import launch  # noqa: PLC0415

    launch.experiment(changes, target or (), jobs, server)


@app.command()
def search(
    max_kb: Annotated[int, typer.Option(min=1, help="Of a model file, gzipped, in 1,000 bytes.")],
    jobs: Annotated[int | None, typer.Option(min=1, help="Candidates side by side.")] = None,
    server: Annotated[bool, typer.Option(help="Find or start a Prefect server; without it, history is lost.")] = True,
) -> None:
    """Look for the best model within a size: section search of params.yaml says among which, and for how long."""
    from flows import launch  # noqa: PLC0415

    launch.search(max_kb, jobs, server)


@app.command()
def schedule(
    cron: Annotated[str, typer.Option(help="Minute, hour, day, month, weekday, in UTC.")] = "0 3 * * *",
    target: Annotated[list[str] | None, typer.Option(help="A stage, backbone or variant; may be repeated.")] = None,
) -> None:
    """Run what has changed whenever it is due, one run at a time, until this is ended with Ctrl-C."""
    from flows import launch  # noqa: PLC0415

    launch.schedule(cron, target or ())


@app.command()
def show(
    model: Annotated[Path, typer.Argument(help="A .tflite file.")],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show what a model file is, what it takes, and where it came from."""
    from maskopt.description import describe, lay_out  # noqa: PLC0415  what reads .tflite

    description = describe(model)
    if as_json:
        typer.echo(json.dumps(description, indent=2, ensure_ascii=False))
    else:
        typer.echo("\n".join(lay_out(model, description)))


@app.command()
def doctor() -> None:
    """Look for what a run would stumble over; exit code 1 if there is something."""
    from flows.doctor import examine  # noqa: PLC0415

    ill = 0
    for finding in examine(Path.cwd()):
        ill += bool(finding.mend)
        typer.echo(f"{'MEND' if finding.mend else 'ok':5}{finding.what}: {finding.found}")
        if finding.mend:
            typer.echo(f"     -> {finding.mend}")
    if ill:
        raise typer.Exit(1)


def main() -> None:
    """Run the command; an error that a user can mend is shown without a traceback."""
    try:
        app()
    except MaskoptError as err:
        sys.exit(f"error: {err}")
