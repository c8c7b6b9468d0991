"""`boneage schema`: what a program may rely on in the JSON."""

from __future__ import annotations

import json

import click


@click.command()
def schema() -> None:
    """Print the JSON Schema of an assessment: of `boneage assess --json` and of the server's answers."""
    from boneage.schema import assessment_schema

    click.echo(json.dumps(assessment_schema(), indent=2))
