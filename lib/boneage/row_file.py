"""A CSV file that grows row by row and is valid at every moment: after Ctrl-C, a killed process or a full disk."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from boneage.errors import InvalidInput, OutputFailed


class RowFile:
    """Appends rows to a CSV file; those of one call are written whole or not at all. Use it in a `with` statement.

    Attributes:
        path: The file.
        earlier_rows: The rows that were already there, as text.
    """

    def __init__(self, path: Path, columns: Sequence[str], resume: bool = False) -> None:
        """Open the file.

        Args:
            path: The file. Something that is not a file, such as /dev/stdout, is written to as it is.
            columns: The column names, in order.
            resume: Go on after the rows that are already there; else such rows are a mistake.

        Raises:
            InvalidInput: If there are rows already and `resume` is not set, or if the file has other columns.
            OutputFailed: If the file cannot be written.
        """
        self.path = path
        self._columns = list(columns)
        self.earlier_rows = self._read(resume)
        try:
            self._file = open(path, "ab", buffering=0)  # noqa: SIM115 - closed by __exit__
        except OSError as error:
            raise self._failed(error) from error
        self._start()

    def __enter__(self) -> RowFile:
        """Return the open file."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()

    def append(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write rows that belong together.

        Raises:
            OutputFailed: If they cannot be written; the file ends with the rows before them.
        """
        self._write(_as_csv([[row.get(column) for column in self._columns] for row in rows]))

    def rows(self) -> list[dict[str, str]]:
        """Read all rows that the file holds now, as text."""
        return self._read(resume=True)

    def _read(self, resume: bool) -> list[dict[str, str]]:
        """Return the whole rows of the file; half a row left by a crash is none."""
        if not self.path.is_file() or not self.path.stat().st_size:
            return []
        try:
            whole_lines = self.path.read_bytes().rpartition(b"\n")[0].decode("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"{self.path} cannot be continued: {error}.", "Choose another file.") from error
        header, *rows = csv.reader(whole_lines) if whole_lines else [[]]
        if header != self._columns:
            raise InvalidInput(
                f"{self.path} exists and has other columns; expected {', '.join(self._columns)}.",
                "Choose another file.",
            )
        if rows and not resume:
            raise InvalidInput(
                f"{self.path} already holds {len(rows)} rows.",
                "Go on after them with --resume, or choose another file.",
            )
        return [dict(zip(self._columns, row, strict=False)) for row in rows]

    def _start(self) -> None:
        """Bring the file to where the next row goes: after the earlier rows, or after a new header."""
        if self.earlier_rows:
            self._file.truncate(self.path.read_bytes().rindex(b"\n") + 1)
        else:
            with suppress(OSError):  # a device has nothing to cut off
                self._file.truncate(0)
            self._write(_as_csv([self._columns]))

    def _write(self, data: bytes) -> None:
        size_before = os.fstat(self._file.fileno()).st_size
        left = memoryview(data)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise self._failed(error) from error
        finally:
            if left:
                with suppress(OSError):
                    self._file.truncate(size_before)

    def _failed(self, error: OSError) -> OutputFailed:
        return OutputFailed(
            f"Cannot write {self.path}: {error.strerror}. It ends with the last whole row.",
            "Make room, then go on with --resume.",
        )


def _as_csv(rows: Iterable[Sequence[Any]]) -> bytes:
    """Format rows, one a line: line breaks within a cell become spaces."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([" ".join(cell.splitlines()) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return text.getvalue().encode("utf-8")
