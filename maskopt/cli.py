"""The command line: sits on top of the library and of DVC."""

import json
import os
import sys
import webbrowser
from collections.abc import Iterable
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskopt import paths
from maskopt.completion import complete_model, complete_profile, complete_target
from maskopt.errors import MaskoptError
from maskopt.terminal import inline, legible

if TYPE_CHECKING:
    from flows.installation import Finding


class Runner(StrEnum):
    """Where stages run."""

    local = "local"
    dask = "dask"


Targets = Annotated[
    list[str] | None,
    typer.Option(help="A stage, network or variant; may be repeated.", autocompletion=complete_target),
]

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)
DEBUG = "MASKOPT_DEBUG"


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"maskopt {metadata.version('maskopt')}")
        raise typer.Exit


@app.callback()
def _root(
    debug: Annotated[
        bool, typer.Option("--debug", envvar=DEBUG, help="Show where in the code an error arose.")
    ] = False,
    version: Annotated[  # noqa: ARG001  its callback does it
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version.")
    ] = False,
) -> None:
    """Train, compress, measure and use image classifiers small enough for a door camera."""
    if debug:
        os.environ[DEBUG] = "1"
    else:
        os.environ.pop(DEBUG, None)  # it may say 0


@app.command()
def profile(name: Annotated[str, typer.Argument(autocompletion=complete_profile)]) -> None:
    """Put a profile into params.yaml.

    Those of profiles/NAME.yaml; `git diff params.yaml` shows what changed.
    """
    from maskopt.profiles import put_profile  # noqa: PLC0415  doctor needs typer alone

    if kept := put_profile(name, paths.PROFILES, paths.PARAMS):
        typer.echo(f"what {paths.PARAMS} held is {kept} now", err=True)
    typer.echo(f"{paths.PARAMS} holds profile {name}: see `git diff {paths.PARAMS}`, then `make run`")


@app.command()
def run(
    target: Targets = None,
    force: Annotated[bool, typer.Option("--force", help="Run targets even if nothing changed.")] = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Stages side by side; from cores and memory if left out.")
    ] = None,
    runner: Annotated[Runner, typer.Option(help="This machine, or the workers of a Dask cluster.")] = Runner.local,
    address: Annotated[str | None, typer.Option(help="Of the cluster's scheduler: tcp://HOST:PORT.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would run, and about how long.")] = False,
    server: Annotated[bool, typer.Option(help="Find or start a Prefect server; without it, history is lost.")] = True,
) -> None:
    """Run what has changed, side by side.

    The graph is that of dvc.yaml; Prefect's page shows the run.
    """
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
    target: Targets = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Stages side by side, shared by the experiments.")] = None,
    server: Annotated[bool, typer.Option(help="Find or start a Prefect server; without it, history is lost.")] = True,
) -> None:
    """Run with several sets of params.

    With each combination, side by side; `dvc exp show` compares what came out.
    """
    from flows import launch  # noqa: PLC0415

    launch.experiment(changes, target or (), jobs, server)


@app.command()
def search(
    max_kb: Annotated[int, typer.Option(min=1, help="Of a model file, gzipped, in 1,000 bytes.")],
    jobs: Annotated[int | None, typer.Option(min=1, help="Candidates side by side.")] = None,
    server: Annotated[bool, typer.Option(help="Find or start a Prefect server; without it, history is lost.")] = True,
) -> None:
    """Look for the best model within a size.

    Section search of params.yaml says among which, and for how long.
    """
    from flows import launch  # noqa: PLC0415

    launch.search(max_kb, jobs, server)


@app.command()
def schedule(
    cron: Annotated[str, typer.Option(help="Minute, hour, day, month, weekday, in UTC.")] = "0 3 * * *",
    target: Targets = None,
) -> None:
    """Run what has changed whenever it is due.

    One run at a time, until this is ended with Ctrl-C.
    """
    from flows import launch  # noqa: PLC0415

    launch.schedule(cron, target or ())


@app.command()
def report(
    show: Annotated[bool, typer.Option("--open", help="In a browser.")] = False,
) -> None:
    """Make a page of the last run's report.

    One file of HTML, to read, send and print.
    """
    from flows.page import make_page  # noqa: PLC0415  Altair and DVC take seconds to import

    page, out_of_date = make_page(Path.cwd())
    typer.echo(f"{inline(page)}: {page.stat().st_size:,} bytes")
    if out_of_date:
        typer.echo(f"it shows what was made before: {out_of_date}", err=True)
    if show and not webbrowser.open(page.as_uri()):
        typer.echo("no browser was found here: open the file in one yourself", err=True)


@app.command()
def bundle(
    name: Annotated[
        str,
        typer.Argument(help="NETWORK/VARIANT of a finished run, as in the report.", autocompletion=complete_model),
    ],
    file_format: Annotated[str, typer.Option("--format", help="float32, dynamic or int8.")] = "int8",
    seed: Annotated[int | None, typer.Option(help="One of params; the first if left out.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder; below bundles/ if left out.")] = None,
    as_zip: Annotated[bool, typer.Option("--zip", help="A zip file beside the folder as well.")] = False,
) -> None:
    """Make a folder to ship of a model.

    It holds the model, labels, a model card, a description for programs, examples, a C array and a page for browsers.
    """
    from maskopt.bundling import zip_bundle  # noqa: PLC0415  what reads and runs .tflite

    made, said = _bundle(name, file_format, seed, out)
    typer.echo(said)
    if as_zip:
        typer.echo(inline(zip_bundle(made)))


def _bundle(name: str, file_format: str = "int8", seed: int | None = None, out: Path | None = None) -> tuple[Path, str]:
    """Make a bundle; return its folder, and a line on it."""
    from maskopt.bundling import make_bundle  # noqa: PLC0415  what reads and runs .tflite
    from maskopt.params import load_params  # noqa: PLC0415

    params = load_params(paths.PARAMS)
    target = out or paths.bundle(name, file_format)
    made = make_bundle(params, name, file_format, params.seeds[0] if seed is None else seed, target)
    right = f"right about {made.metrics['accuracy']:.2%} of the test pictures"
    return target, f"{inline(target)}: {made.raw_bytes:,} bytes, {right}, learned from {made.pictures}"


@app.command()
def classify(
    pictures: Annotated[list[Path], typer.Argument(help="Pictures, or folders of them.")],
    folder: Annotated[
        Path | None,
        typer.Option(
            "--bundle", help="The best in bundles/ for the classes of params.yaml if left out, or of the run."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A list of objects.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="A table.")] = False,
) -> None:
    """Say what pictures show.

    Exit code 1 if some cannot be read.
    """
    from maskopt.answers import lay_out_csv, lay_out_json, lay_out_lines, lay_out_unreadable  # noqa: PLC0415
    from maskopt.bundle.description import read_description  # noqa: PLC0415
    from maskopt.classifying import classify_all, list_pictures  # noqa: PLC0415  what runs .tflite

    if as_json and as_csv:
        raise typer.BadParameter("--json or --csv, not both")
    listed, chosen = list_pictures(pictures), folder or _best_bundle()
    said = list(classify_all(chosen, listed))
    description = read_description(chosen)
    if as_csv:
        lines = lay_out_csv(said, description.classes)
    else:
        lines = lay_out_json(said) if as_json else lay_out_lines(said, description.unsure_below)
    for line in lines:
        # A table names files as they are; in a name that is no UTF-8, too.
        typer.echo(line.encode(errors="surrogateescape") if as_csv else line)
    if unreadable := list(lay_out_unreadable(said)):
        typer.echo("\n".join(unreadable), err=True)
        raise typer.Exit(1)


def _best_bundle() -> Path:
    """Return the best bundle for the classes of params, made where there is none; say which."""
    from maskopt.bundle.description import BEST_BY, read_description  # noqa: PLC0415
    from maskopt.choosing import best_model, better_model  # noqa: PLC0415  what reads .tflite
    from maskopt.classifying import best_bundle  # noqa: PLC0415
    from maskopt.params import load_params  # noqa: PLC0415

    try:
        known = load_params(paths.PARAMS)
    except MaskoptError:
        known = None  # elsewhere than in a repository, bundles are all there is
    if chosen := best_bundle(paths.BUNDLES, known.data.classes if known else None):
        description = read_description(chosen)
        learned_from = inline(description.pictures)
        typer.echo(
            f"with {inline(chosen)}, the best in {paths.BUNDLES}: {BEST_BY}; it learned from {learned_from}", err=True
        )
        if known and (better := better_model(known, description.metrics)):
            typer.echo(f"the last run has a better model, {better}: to use it, `maskopt bundle {better}`", err=True)
        return chosen
    params = load_params(paths.PARAMS)
    name, _ = best_model(params)
    typer.echo(f"{name} is the best int8 model of seed {params.seeds[0]}: {BEST_BY}", err=True)
    made, line = _bundle(name)
    typer.echo(line, err=True)
    return made


@app.command()
def show(
    model: Annotated[Path, typer.Argument(help="A .tflite file.")],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show what a model file is.

    And what it takes, and where it came from.
    """
    from maskopt.description import describe, lay_out  # noqa: PLC0415  what reads .tflite

    description = describe(model)
    if as_json:
        typer.echo(json.dumps(description, indent=2))
    else:
        typer.echo("\n".join(lay_out(model, description)))


@app.command()
def doctor() -> None:
    """Look for what a run would stumble over.

    Exit code 1 if there is something.
    """
    from flows.installation import examine_installation  # noqa: PLC0415

    if _say_findings(examine_installation()):
        typer.echo("The rest is looked at when that is mended: run `maskopt doctor` again")
        raise typer.Exit(1)
    from flows.doctor import examine  # noqa: PLC0415  what may have been missing

    if _say_findings(examine(Path.cwd())):
        raise typer.Exit(1)


def _say_findings(findings: "Iterable[Finding]") -> int:
    """Print what was found; return how many findings want mending."""
    ill = 0
    for finding in findings:
        ill += bool(finding.mend)
        typer.echo(f"{'MEND' if finding.mend else 'ok':5}{finding.what}: {legible(finding.found)}")
        if finding.mend:
            typer.echo(f"     -> {finding.mend}")
    return ill


def main() -> None:
    """Run the command; an error that a user can mend, of the file system or the installation, has no traceback."""
    try:
        app()
    except (MaskoptError, ModuleNotFoundError, OSError) as err:
        if os.environ.get(DEBUG):
            raise
        sys.exit(f"error: {_text_of(err)}")


def _text_of(err: MaskoptError | ModuleNotFoundError | OSError) -> str:
    if isinstance(err, ModuleNotFoundError):
        from flows.installation import INSTALL_ANEW  # noqa: PLC0415

        return f"package {err.name} is missing: `{INSTALL_ANEW}` installs all of them anew"
    return _of_system(err) if isinstance(err, OSError) else str(err)


def _of_system(err: OSError) -> str:
    files = [inline(name) for name in (err.filename, err.filename2) if name is not None]
    reason = err.strerror or str(err) or type(err).__name__
    return f"{': '.join([*files, reason])}. Mend that; `maskopt --debug ...` shows where in the code it arose"
