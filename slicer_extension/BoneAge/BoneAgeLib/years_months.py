"""An age in two spin boxes, years and months; below zero years it is not known."""

from __future__ import annotations

MONTHS_IN_YEAR = 12


class YearsMonths:
    """Reads and shows an age in months.

    Args:
        years: Spin box whose lowest value, -1, means that no age is given.
        months: Spin box from 0 to 11.
        changed: Called when the person has changed either, and not when `show` has.
    """

    def __init__(self, years, months, changed) -> None:
        self._years, self._months, self._changed = years, months, changed
        self._shown: float | None = None
        self._is_showing = False
        years.valueChanged.connect(self._edited)
        months.valueChanged.connect(self._edited)
        self._enable()

    @property
    def value(self) -> float | None:
        """Return the age in months; None if none is given. An age that was shown and not changed keeps its fraction."""
        years = self._years.property("value")
        if years < 0:
            return None
        typed = float(MONTHS_IN_YEAR * years + self._months.property("value"))
        return self._shown if self._shown is not None and _rounded(self._shown) == typed else typed

    def show(self, age_months: float | None) -> None:
        """Show an age, rounded to whole months."""
        self._shown = age_months
        years, months = (-1, 0) if age_months is None else divmod(_rounded(age_months), MONTHS_IN_YEAR)
        self._is_showing = True
        self._years.setValue(years)
        self._months.setValue(months)
        self._is_showing = False
        self._enable()

    def _edited(self, *_) -> None:
        self._enable()
        if not self._is_showing:
            self._changed()

    def _enable(self) -> None:
        self._months.setEnabled(self._years.property("value") >= 0)


def _rounded(age_months: float) -> int:
    return int(age_months + 0.5)
