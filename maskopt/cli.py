"""The command line: sits on top of the library and of DVC."""

import sys

import typer

from maskopt import paths
from maskopt.errors import MaskoptError
from maskopt.profiles import put_profile

app = typer.Typer(help="Image classifiers small enough for a door camera.", no_args_is_help=True, add_completion=False)


@app.callback()
def _root() -> None:
    """Image classifiers small enough for a door camera."""


@app.command()
def profile(name: str) -> None:
    """Put the params of profiles/NAME.yaml into params.yaml; `git diff params.yaml` shows what changed."""
    put_profile(name, paths.PROFILES, paths.PARAMS)
    typer.echo(f"{paths.PARAMS} holds profile {name}: see `git diff {paths.PARAMS}`, then `make run`")


def main() -> None:
    """Run the command; an error that a user can mend is shown without a traceback."""
    try:
        app()
    except MaskoptError as err:
        sys.exit(f"error: {err}")
