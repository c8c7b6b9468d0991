"""`boneage course`: several bone ages of one child, and how fast the bones matured between them."""

from __future__ import annotations

import json
from pathlib import Path

import click

from boneage.cli_course_files import one_child, read_course_files
from boneage.growth import DEFAULT_GROWTH_REFERENCE, growth_references
from boneage.types import Sex

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=_FILE, metavar="FILE...")
@click.option(
    "--sex",
    type=click.Choice([sex.value for sex in Sex], case_sensitive=False),
    help="Of the child, where the files do not say or were assessed for both.",
)
@click.option(
    "--growth-reference",
    type=click.Choice(list(growth_references())),
    default=DEFAULT_GROWTH_REFERENCE,
    show_default=True,
    help="Standard deviations for the SDS and the band in the plot.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw it: a .png, .pdf or .svg file.")
@click.pass_context
def course(
    context: click.Context,
    paths: tuple[Path, ...],
    sex: str | None,
    growth_reference: str,
    as_json: bool,
    plot: Path | None,
) -> None:
    """Put bone ages of one child in order: advance, SDS, velocity with its uncertainty.

    FILE is what `boneage assess --json` wrote, or a .csv table with the columns chronological_age_months and
    bone_age_months, and perhaps bone_age_sd_months and sex. That all are of one child is for you to see to: the files
    hold no names.
    """
    from boneage.course import course as course_of
    from boneage.report_course import course_json, course_text

    readings = read_course_files(paths)
    problems = [reading for reading in readings if reading.problem]
    for reading in problems:
        click.echo(f"{reading.source}: {reading.problem}", err=True)
    child, points = one_child(readings, Sex(sex.lower()) if sex else None)
    found = course_of(points, child, growth_reference)
    if plot:
        from boneage.course_plot import save_course_plot

        save_course_plot(found, plot)
    click.echo(json.dumps(course_json(found), indent=2, allow_nan=False) if as_json else course_text(found))
    context.exit(1 if problems else 0)
