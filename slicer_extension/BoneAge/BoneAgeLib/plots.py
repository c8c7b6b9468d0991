"""Two small pictures for the panel: where the bone age may lie, and how a training goes."""

from __future__ import annotations

from collections.abc import Sequence

import qt

from .contract import Estimate

WIDTH, HEIGHT = 420, 150  # pixels
LEFT, RIGHT, TOP, BOTTOM = 14, 14, 10, 36
PAPER, INK, GREY, FILL, MARK, AGE = "#ffffff", "#1f2933", "#c9ced6", "#8fb8de", "#0b4f8a", "#c2410c"
MONTHS_IN_YEAR = 12
COLOURS = {"female": "#b5256b", "male": MARK}
ONE, BOTH = "   blue: bone age, shaded: 90 %", "   red: if female, blue: if male"
DASHED = "   dashed: the child's age"


def distribution_plot(estimates: Sequence[Estimate], age: float | None):
    """Draw where the bone age may lie, over months, as a QPixmap: one curve for each sex that was assessed.

    Args:
        estimates: One, whose 90 % interval is shaded, or two.
        age: Chronological age in months; None if not known.
    """
    first, last = _shown_months(estimates, age)
    highest = max(max(each.distribution) for each in estimates) or 1.0
    with _Canvas((first, last), (0.0, 1.1 * highest)) as canvas:
        if len(estimates) == 1:
            canvas.fill(_between(estimates[0], estimates[0].lower_90_months, estimates[0].upper_90_months))
        for each in estimates:
            colour = COLOURS[each.sex] if len(estimates) > 1 else MARK
            canvas.line(_between(each, first, last), colour)
            canvas.upright(each.bone_age_months, colour)
        if age is not None:
            canvas.upright(age, AGE, dashed=True)
        canvas.years()
        canvas.caption("years" + (ONE if len(estimates) == 1 else BOTH) + ("" if age is None else DASHED))
        return canvas.pixmap


def training_plot(points: Sequence[tuple[float, float]], name: str):
    """Draw a figure of a training over its epochs as a QPixmap; the axis begins at zero."""
    epochs, values = [point[0] for point in points], [point[1] for point in points]
    with _Canvas((min(epochs), max(*epochs, min(epochs) + 1)), (0.0, 1.1 * max(values) or 1.0)) as canvas:
        canvas.line(points, MARK)
        canvas.write(LEFT + 4, TOP + 8, f"{max(values):.3g}")
        for epoch in sorted({int(epochs[0]), int(epochs[-1])}):
            canvas.tick(epoch, str(epoch))
        canvas.caption(f"epochs; {name}")
        return canvas.pixmap


def _between(estimate: Estimate, first: float, last: float) -> list[tuple[float, float]]:
    """Return months from `first` to `last` with their probabilities."""
    return [(float(month), value) for month, value in enumerate(estimate.distribution) if first <= month <= last]


def _shown_months(estimates: Sequence[Estimate], age: float | None) -> tuple[float, float]:
    """Return the years around what has any probability and around the child's age."""
    curves = [each.distribution for each in estimates]
    wanted = [month for curve in curves for month, value in enumerate(curve) if value > 0.005 * max(curve)]
    wanted += [] if age is None else [age]
    first = MONTHS_IN_YEAR * int(max(min(wanted) - 6, 0) // MONTHS_IN_YEAR)
    last = MONTHS_IN_YEAR * int((max(wanted) + 6) // MONTHS_IN_YEAR + 1)
    return float(first), float(last)


class _Canvas:
    """A pixmap with axes; draws in the units of the axes."""

    def __init__(self, across: tuple[float, float], up: tuple[float, float]) -> None:
        self._across, self._up = across, up
        self.pixmap = qt.QPixmap(WIDTH, HEIGHT)
        self.pixmap.fill(qt.QColor(PAPER))
        self._painter = qt.QPainter()

    def __enter__(self) -> _Canvas:
        self._painter.begin(self.pixmap)
        self._painter.setRenderHint(qt.QPainter.Antialiasing)
        self._pen(INK)
        self._painter.drawLine(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM)
        return self

    def __exit__(self, *_) -> None:
        self._painter.end()

    def fill(self, points: Sequence[tuple[float, float]]) -> None:
        """Fill between the axis and the points."""
        if points:
            ends = [(points[0][0], 0.0), *points, (points[-1][0], 0.0)]
            self._painter.fillPath(self._path(ends), qt.QBrush(qt.QColor(FILL)))

    def line(self, points: Sequence[tuple[float, float]], colour: str) -> None:
        """Draw a line through the points."""
        self._pen(colour, 2)
        self._painter.drawPath(self._path(points))

    def upright(self, place: float, colour: str, dashed: bool = False) -> None:
        """Draw a line from the axis to the top."""
        self._pen(colour, 2, dashed)
        self._painter.drawLine(int(self._x(place)), TOP, int(self._x(place)), HEIGHT - BOTTOM)

    def years(self) -> None:
        """Write the years along the axis, every second one where they are many."""
        first, last = (int(end // MONTHS_IN_YEAR) for end in self._across)
        for year in range(first, last + 1, 1 if last - first <= 12 else 2):
            self.tick(MONTHS_IN_YEAR * year, str(year))

    def tick(self, place: float, text: str) -> None:
        """Mark a place of the axis and write beneath it."""
        self._pen(GREY)
        at = int(self._x(place))
        self._painter.drawLine(at, HEIGHT - BOTTOM, at, HEIGHT - BOTTOM + 4)
        self.write(at - 4 * len(text), HEIGHT - BOTTOM + 15, text)

    def caption(self, text: str) -> None:
        """Write beneath the axis."""
        self.write(LEFT, HEIGHT - 5, text)

    def write(self, x: int, y: int, text: str) -> None:
        """Write at a place in pixels."""
        self._pen(INK)
        self._painter.setFont(qt.QFont("Sans Serif", 8))
        self._painter.drawText(x, y, text)

    def _pen(self, colour: str, width: int = 1, dashed: bool = False) -> None:
        pen = qt.QPen(qt.QColor(colour))
        pen.setWidth(width)
        pen.setStyle(qt.Qt.DashLine if dashed else qt.Qt.SolidLine)
        self._painter.setPen(pen)

    def _path(self, points: Sequence[tuple[float, float]]):
        path = qt.QPainterPath()
        path.moveTo(self._x(points[0][0]), self._y(points[0][1]))
        for place, value in points[1:]:
            path.lineTo(self._x(place), self._y(value))
        return path

    def _x(self, place: float) -> float:
        first, last = self._across
        return LEFT + (place - first) / (last - first) * (WIDTH - LEFT - RIGHT)

    def _y(self, value: float) -> float:
        low, high = self._up
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)
