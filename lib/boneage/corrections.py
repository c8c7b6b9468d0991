"""What experts changed: an append-only store, in which nothing is ever overwritten; taking back is a new row.

One transaction holds a whole correction, its mask as well: when `add` has returned, it is on the disk.
"""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image
from sqlalchemy import (
    Column,
    Engine,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    Text,
    event,
    func,
    select,
)
from sqlalchemy.schema import DDL

from boneage.corrections_checked import validated
from boneage.database import add_missing_columns, open_engine, store_errors
from boneage.errors import InvalidInput
from boneage.types import Correction, CorrectionStatus, HandBox, Sex

FILE_NAME = "boneage.sqlite"
_SIDES = ("left", "top", "right", "bottom")

_metadata = MetaData()
_rows = Table(
    "corrections",
    _metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("image_id", String(255), nullable=False, index=True),
    Column("reader", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("made_at", String(40), nullable=False),
    *(Column(f"box_{side}", Float) for side in _SIDES),
    Column("bone_age_months", Float),
    Column("sex", String(8)),
    Column("comment", Text, nullable=False),
    Column("rejected_because", Text),
    Column("based_on", Text, nullable=False),
    Column("withdraws", String(32), unique=True),
    Column("mask_png", LargeBinary),
)
_WITHOUT_MASK = [column for column in _rows.columns if column.name != "mask_png"]

# The database itself refuses to change or remove a row, whoever asks.
_REFUSALS = {
    "sqlite": [
        f"CREATE TRIGGER IF NOT EXISTS corrections_no_{verb} BEFORE {verb} ON corrections "
        "BEGIN SELECT RAISE(ABORT, 'corrections are append-only'); END"
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION corrections_refuse() RETURNS trigger AS $$ "
        "BEGIN RAISE EXCEPTION 'corrections are append-only'; END $$ LANGUAGE plpgsql",
        "CREATE TRIGGER corrections_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON corrections "
        "FOR EACH STATEMENT EXECUTE FUNCTION corrections_refuse()",
    ],
}
for _dialect, _statements in _REFUSALS.items():
    for _statement in _statements:
        event.listen(_rows, "after_create", DDL(_statement.replace("%", "%%")).execute_if(dialect=_dialect))


@dataclass(frozen=True, eq=False)
class FinalLabel:
    """What training takes of one radiograph: of each kind, what the latest final correction that has it says.

    Attributes:
        image_id: The radiograph.
        hand_box: None if no final correction has one.
        mask_id: The correction whose mask it is, for `CorrectionStore.mask`; None without.
        bone_age_months: None if no final correction has one.
        sex: That of the bone age.
    """

    image_id: str
    hand_box: HandBox | None
    mask_id: str | None
    bone_age_months: float | None
    sex: Sex | None


@dataclass(frozen=True)
class Consensus:
    """The readers' bone ages of one radiograph, each reader's latest final one.

    Attributes:
        median_months: Their median.
        lowest_months: The lowest.
        highest_months: The highest.
        readers: How many.
    """

    median_months: float
    lowest_months: float
    highest_months: float
    readers: int


class CorrectionStore:
    """The corrections of one collection of studies; may be used from several threads, processes and servers.

    Args:
        url: SQLAlchemy URL of a SQLite file or a PostgreSQL database; the tables are made if need be.

    Raises:
        StoreFailed: From every method, if the database cannot be opened, read or written.
    """

    def __init__(self, url: str) -> None:
        self.engine: Engine = open_engine(url)
        with store_errors():
            _metadata.create_all(self.engine)
            add_missing_columns(self.engine, _rows)

    @staticmethod
    def in_folder(folder: Path) -> CorrectionStore:
        """Open the SQLite file in a folder of studies."""
        return CorrectionStore(f"sqlite:///{folder.resolve() / FILE_NAME}")

    def add(self, correction: Correction) -> Correction:
        """Keep a correction and return it with its id and time; once this returns, it is on the disk.

        A correction that brings an id and is there already, since its client was cut off before the answer, is kept
        once.

        Raises:
            InvalidInput: If it says nothing, or something impossible, or its id is that of another one.
        """
        if correction.withdraws:
            raise InvalidInput("A withdrawal was sent as a correction.", "Use withdraw.")
        validated(correction)
        earlier = self._select(_rows.c.id == correction.id) if correction.id else []
        if not earlier:
            return self._insert(correction)
        if (earlier[0].image_id, earlier[0].reader) != (correction.image_id, correction.reader):
            raise InvalidInput("The id of the correction is taken by another one.", "Send it under a new id.")
        return earlier[0]

    def withdraw(self, correction_id: str, reader: str, comment: str = "") -> Correction:
        """Take a correction back by a new row; the old one stays in the history.

        Raises:
            InvalidInput: If there is no such correction, or it was withdrawn already.
        """
        withdrawn = self.get(correction_id)
        if withdrawn.withdraws or correction_id not in {standing.id for standing in self.standing(withdrawn.image_id)}:
            raise InvalidInput(f"The correction {correction_id} is withdrawn already.", "There is nothing to do.")
        row = Correction(withdrawn.image_id, reader, withdrawn.status, comment=comment, withdraws=correction_id)
        return self._insert(validated(row))

    def get(self, correction_id: str) -> Correction:
        """Return one correction, without its mask.

        Raises:
            InvalidInput: If there is none of this id.
        """
        found = self._select(_rows.c.id == correction_id)
        if not found:
            raise InvalidInput(f"There is no correction {correction_id[:40]!r}.", "See: boneage corrections list.")
        return found[0]

    def mask(self, correction_id: str) -> np.ndarray | None:
        """Return the mask of a correction, (rows, columns) bool; None if it has none."""
        with store_errors(), self.engine.connect() as connection:
            png = connection.scalar(select(_rows.c.mask_png).where(_rows.c.id == correction_id))
        return None if png is None else np.array(Image.open(io.BytesIO(png)), dtype=bool)

    def history(self, image_id: str | None = None) -> list[Correction]:
        """Return every row, withdrawals too, oldest first, without masks."""
        return self._select(*([] if image_id is None else [_rows.c.image_id == image_id]))

    def standing(self, image_id: str | None = None) -> list[Correction]:
        """Return what was not withdrawn, oldest first, without masks."""
        rows = self.history(image_id)
        withdrawn = {row.withdraws for row in rows}
        return [row for row in rows if row.withdraws is None and row.id not in withdrawn]

    def finals(self) -> dict[str, FinalLabel]:
        """Return what training takes, by image id; nothing of a radiograph that was rejected last."""
        with_mask = self.with_mask()
        by_image: dict[str, list[Correction]] = {}
        for row in self.standing():
            if row.status is CorrectionStatus.FINAL:
                by_image.setdefault(row.image_id, []).append(row)
        usable = {image_id: rows for image_id, rows in by_image.items() if not rows[-1].rejected_because}
        return {image_id: _final_label(image_id, rows, with_mask) for image_id, rows in usable.items()}

    def consensus(self, image_id: str) -> Consensus | None:
        """Return the median of the readers' final bone ages; None if no reader gave one."""
        finals = [row for row in self.standing(image_id) if row.status is CorrectionStatus.FINAL]
        said = {row.reader: row for row in finals if row.bone_age_months is not None or row.rejected_because}
        ages = {reader: row.bone_age_months for reader, row in said.items() if row.bone_age_months is not None}
        if not ages:
            return None
        return Consensus(median(ages.values()), min(ages.values()), max(ages.values()), len(ages))

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def with_mask(self, image_id: str | None = None) -> set[str]:
        """Return the ids of the corrections that have a mask."""
        of_image = [] if image_id is None else [_rows.c.image_id == image_id]
        with store_errors(), self.engine.connect() as connection:
            return set(connection.scalars(select(_rows.c.id).where(_rows.c.mask_png.is_not(None), *of_image)))

    def finals_since(self, moment: datetime | None) -> int:
        """Return how many final corrections came after a moment, withdrawn ones too; None for all."""
        query = select(func.count()).where(
            _rows.c.status == CorrectionStatus.FINAL.value,
            _rows.c.withdraws.is_(None),
            *([] if moment is None else [_rows.c.made_at > moment.astimezone(timezone.utc).isoformat()]),
        )
        with store_errors(), self.engine.connect() as connection:
            return int(connection.scalar(query) or 0)

    def _select(self, *conditions: Any) -> list[Correction]:
        with store_errors(), self.engine.connect() as connection:
            query = select(*_WITHOUT_MASK).where(*conditions).order_by(_rows.c.number)
            return [_correction(row) for row in connection.execute(query)]

    def _insert(self, correction: Correction) -> Correction:
        kept = replace(correction, id=correction.id or uuid.uuid4().hex, made_at=datetime.now(timezone.utc))
        with store_errors(), self.engine.begin() as connection:
            connection.execute(_rows.insert(), _values(kept))
        return kept


def _values(correction: Correction) -> dict[str, Any]:
    box, mask, made_at = correction.hand_box, correction.hand_mask, correction.made_at
    assert made_at is not None
    return {
        "id": correction.id,
        "image_id": correction.image_id,
        "reader": correction.reader,
        "status": correction.status.value,
        "made_at": made_at.isoformat(),
        **{f"box_{side}": None if box is None else getattr(box, side) for side in _SIDES},
        "bone_age_months": correction.bone_age_months,
        "sex": correction.sex.value if correction.sex else None,
        "comment": correction.comment,
        "rejected_because": correction.rejected_because or None,
        "based_on": json.dumps(correction.based_on, sort_keys=True),
        "withdraws": correction.withdraws,
        "mask_png": None if mask is None else _png(mask),
    }


def _png(mask: np.ndarray) -> bytes:
    """Return a mask as a PNG of one bit a pixel."""
    file = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8) * 255).convert("1").save(file, "PNG")
    return file.getvalue()


def _correction(row: Row) -> Correction:
    sides = [getattr(row, f"box_{side}") for side in _SIDES]
    return Correction(
        image_id=row.image_id,
        reader=row.reader,
        status=CorrectionStatus(row.status),
        hand_box=None if sides[0] is None else HandBox(*sides),
        bone_age_months=row.bone_age_months,
        sex=Sex(row.sex) if row.sex else None,
        comment=row.comment,
        rejected_because=row.rejected_because or "",
        based_on=json.loads(row.based_on),
        id=row.id,
        made_at=datetime.fromisoformat(row.made_at),
        withdraws=row.withdraws,
    )


def _final_label(image_id: str, rows: Iterable[Correction], with_mask: set[str]) -> FinalLabel:
    label = FinalLabel(image_id, None, None, None, None)
    for row in rows:
        label = FinalLabel(
            image_id,
            row.hand_box or label.hand_box,
            row.id if row.id in with_mask else label.mask_id,
            label.bone_age_months if row.bone_age_months is None else row.bone_age_months,
            label.sex if row.bone_age_months is None else row.sex,
        )
    return label
