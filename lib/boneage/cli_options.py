"""Options that several commands share."""

from __future__ import annotations

import getpass
from pathlib import Path

import click

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)

split = click.option(
    "--split",
    type=click.Choice(["held-out", "validation", "train", "all"]),
    default="held-out",
    show_default=True,
    help="Only 'held-out' was never used to train the models.",
)
limit = click.option("--limit", type=click.IntRange(min=1), help="Take only so many radiographs.")
models = click.option("--models", "models_dir", type=FOLDER, help="Other models.")
workers = click.option(
    "--workers", type=click.IntRange(min=1), help="Radiographs at the same time; one a core by default."
)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a name for its user
        return "unknown"


started_by = click.option("--by", "started_by", default=_user, show_default="your user name", help="Who starts it.")
verbose = click.option("--verbose", is_flag=True, help="Say where in the program an unexpected fault happened.")
