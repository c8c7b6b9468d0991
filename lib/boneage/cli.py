"""The command line: one door, where expected errors become a sentence and an exit status.

Nothing heavy is imported here or at the top of a command's module, so that `boneage --help` answers at once.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Sequence

import click

from boneage import BoneAgeError, __version__
from boneage.cli_assess import assess
from boneage.cli_corrections import corrections
from boneage.cli_course import course
from boneage.cli_evaluate import evaluate
from boneage.cli_growth import growth
from boneage.cli_models import models
from boneage.cli_pacs import pacs
from boneage.cli_refusals import evaluate_refusals
from boneage.cli_report import report
from boneage.cli_rooms import evaluate_rooms
from boneage.cli_schema import schema
from boneage.cli_serve import serve
from boneage.cli_train import train

EXIT_NOTHING_DONE = 2
EXIT_INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="boneage")
def cli() -> None:
    """Bone age in children from a hand radiograph. Not a medical device; for research use.

    Exit status: 0 all went well, 1 some radiographs failed, 2 nothing could be done, 130 interrupted.
    """


cli.add_command(assess)
cli.add_command(corrections)
cli.add_command(course)
cli.add_command(evaluate)
cli.add_command(evaluate_refusals)
cli.add_command(evaluate_rooms)
cli.add_command(growth)
cli.add_command(models)
cli.add_command(pacs)
cli.add_command(report)
cli.add_command(schema)
cli.add_command(serve)
cli.add_command(train)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status; the only place where expected errors are caught for it.

    Args:
        arguments: What follows `boneage`; None for the process's own.
    """
    _silence_libraries()
    try:
        return cli.main(arguments, prog_name="boneage", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BoneAgeError as error:
        _explain(error)
        return EXIT_NOTHING_DONE
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return _reader_has_gone()


def _explain(error: BoneAgeError) -> None:
    click.echo(f"Error: {error.message}", err=True)
    if error.advice:
        click.echo(error.advice, err=True)


def _silence_libraries() -> None:
    """Keep warnings of libraries from the terminal: pydicom's quote values, which may be a name or a birth date."""
    warnings.filterwarnings("ignore", module=r"pydicom(\.|$)")
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)


def _reader_has_gone() -> int:
    """End quietly when the reader of our output (`| head`) has had enough."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - stays open until Python flushes it at exit
    return 1


if __name__ == "__main__":
    sys.exit(main())
