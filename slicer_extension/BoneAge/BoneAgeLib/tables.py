"""Rows of text in a table of the panel."""

from __future__ import annotations

from collections.abc import Sequence

import qt

ROW_HEIGHT = 24  # pixels


def fill(table, rows: Sequence[Sequence[str]], tips: Sequence[str] = ()) -> None:
    """Show these rows in place of the former ones; the chosen row stays chosen if it is still there.

    Args:
        table: QTableWidget.
        rows: Texts of the cells.
        tips: Text for each row that is shown while the mouse rests on it.
    """
    chosen = _text(table, table.currentRow())
    table.blockSignals(True)
    table.setRowCount(len(rows))
    for number, row in enumerate(rows):
        for column, text in enumerate(row):
            item = qt.QTableWidgetItem(text)
            item.setToolTip(tips[number] if tips else text)
            table.setItem(number, column, item)
    table.blockSignals(False)
    names = [row[0] for row in rows]
    table.setCurrentCell(names.index(chosen) if chosen in names else -1, 0)


def set_widths(table, widths: Sequence[int], stretched: int) -> None:
    """Give the columns widths in pixels; one of them takes what is left."""
    for column, width in enumerate(widths):
        table.setColumnWidth(column, width)
    table.horizontalHeader().setSectionResizeMode(stretched, qt.QHeaderView.Stretch)
    table.verticalHeader().setVisible(False)
    table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)


def _text(table, row: int) -> str:
    item = table.item(row, 0) if row >= 0 else None
    return item.text() if item is not None else ""
