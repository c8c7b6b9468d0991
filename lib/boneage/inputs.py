"""Which radiographs to assess: files, folders and tables become one list, problems included."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from boneage.errors import InvalidInput, UnreadableRadiograph
from boneage.input_table import Input, is_table, read_table


@dataclass(frozen=True)
class Inputs:
    """What there is to assess.

    Attributes:
        items: Each file once, in the order given; folders sorted.
        notes: What the user should know about the list, in sentences.
    """

    items: tuple[Input, ...]
    notes: tuple[str, ...]


def is_one_radiograph(paths: Sequence[Path]) -> bool:
    """Say whether exactly one file was named, rather than a folder, a table or several."""
    return len(paths) == 1 and not paths[0].is_dir() and not is_table(paths[0])


def list_inputs(paths: Sequence[Path]) -> Inputs:
    """List the radiographs behind files, folders and tables.

    Raises:
        InvalidInput: If a table cannot be used, or if there is no radiograph at all.
    """
    listed: dict[str, Input] = {}
    notes: list[str] = []
    for path in paths:
        for one in _inputs_behind(path, notes):
            listed.setdefault(os.path.abspath(one.path), one)
    if not listed:
        raise InvalidInput(
            f"No radiograph in {', '.join(map(str, paths))}.",
            "Expected DICOM, PNG, JPEG, TIFF, NIfTI or NRRD files, or a CSV table with a column 'path'.",
        )
    return Inputs(tuple(listed.values()), tuple(notes))


def name_of(path: Path) -> str:
    """Return a path as text of one line that can be written anywhere, even if its bytes are no valid text."""
    return " ".join(str(path).encode("utf-8", "backslashreplace").decode().splitlines())


def picture_names(inputs: Sequence[Input]) -> list[str]:
    """Give each input a file name for its picture; no two are the same, even where case does not count."""
    taken: set[str] = set()
    return [_free_name(one.path, taken) for one in inputs]


def _free_name(path: Path, taken: set[str]) -> str:
    """Choose the stem, or else the stem with its folder's name, or else with a number."""
    stem = path.stem
    with_folder = f"{path.parent.name}-{stem}"
    names = chain([stem, with_folder], (f"{with_folder}-{number}" for number in count(2)))
    name = next(name for name in names if name.lower() not in taken)
    taken.add(name.lower())
    return f"{name}.png"


def _inputs_behind(path: Path, notes: list[str]) -> Iterator[Input]:
    if path.is_dir():
        yield from _inputs_in_folder(path)
    elif is_table(path):
        yield from _inputs_in_table(path, notes)
    else:
        yield Input(path)


def _inputs_in_table(path: Path, notes: list[str]) -> Iterator[Input]:
    table = read_table(path)
    if table.ignored_columns:
        notes.append(f"{path}: columns without a meaning here: {', '.join(table.ignored_columns)}.")
    yield from table.inputs


def _inputs_in_folder(folder: Path) -> Iterator[Input]:
    """List a folder and its subfolders, sorted; hidden ones are left out, unreadable ones are inputs with an error."""
    from boneage.radiograph import is_probably_radiograph_file  # heavy

    unreadable: list[OSError] = []
    for here, subfolders, names in os.walk(folder, onerror=unreadable.append):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        files = [Path(here, name) for name in sorted(names) if not name.startswith(".")]
        yield from (Input(file) for file in files if is_probably_radiograph_file(file))
    yield from (_unreadable_folder(problem) for problem in unreadable)


def _unreadable_folder(problem: OSError) -> Input:
    error = UnreadableRadiograph(f"This folder cannot be listed: {problem.strerror}.", "Check its permissions.")
    return Input(Path(problem.filename), error=error)
