"""How the page is made to fit on A4, whatever stands on it: sizes of print, of the drawings, and how many warnings.

What is measured is the PDF. The page in HTML takes its sizes from here: its fonts are as wide or narrower.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from boneage import report_blocks as blocks
from boneage.drawing import GREY
from boneage.errors import InvalidInput
from boneage.language import language
from boneage.report_blocks import LEFT, MILLIMETRE, RIGHT, SMALL, TINY, WIDTH
from boneage.report_page import ReportPage

if TYPE_CHECKING:
    from reportlab.platypus import Flowable

PAGE = 210 * MILLIMETRE, 297 * MILLIMETRE
MARGIN = 14 * MILLIMETRE, 11 * MILLIMETRE  # at the sides, above and below
SPACE = 2.6 * MILLIMETRE  # between blocks
LEAST_HAND = 56 * MILLIMETRE  # height in which a hand can still be looked at
LEAST_REMARKS = 14 * MILLIMETRE  # height of a frame that is worth drawing
DENSE = 0.75  # size of distribution and course on a dense page
SIZES, DENSE_SIZES = (SMALL, SMALL - 0.5, TINY), (TINY, TINY - 0.5)
"""Of the small print, in points; the first one that fits is taken."""


@dataclass(frozen=True)
class Fit:
    """A way to write the page.

    Attributes:
        page: With as many warnings as there is room for; the last one then says that there are more.
        size: Of the small print, in points.
        dense: Whether the warnings are run together and the plots are drawn smaller.
    """

    page: ReportPage
    size: float
    dense: bool = False

    def above(self) -> list[Flowable]:
        """Give what stands above the drawings, over the whole width."""
        page = self.page
        parts = [blocks.header(page), *blocks.patient(page), blocks.answers(page)]
        return [*parts, blocks.warnings(page.warnings, self.size, self.dense)] if page.warnings.paragraphs else parts

    def left(self) -> list[Flowable]:
        """Give the hand, as large as there is room, and below it the course if there is one."""
        hand_height = max(self._middle_height() - _height(self._below_hand(), LEFT) - SPACE, 1.0)
        return [blocks.picture(self.page.hand, LEFT, hand_height), *self._below_hand()]

    def right(self) -> list[Flowable]:
        """Give the distribution and the facts."""
        ages, width = self.page.ages, DENSE * RIGHT if self.dense else RIGHT
        facts = blocks.facts(self.page.facts, self.size if self.dense else SMALL)
        return [blocks.picture(ages, width, width * ages.height_per_width), facts]

    def remarks(self) -> list[Flowable]:
        """Give the frame to write into, if there is room for one."""
        height = self.remarks_height()
        return [blocks.remarks(self.page.remarks, height)] if height > LEAST_REMARKS else []

    def below(self) -> list[Flowable]:
        """Give what stands at the bottom, over the whole width."""
        page = self.page
        parts = [blocks.small_print(page.small_print, self.size), blocks.signature(page.signature)]
        parts.append(blocks.text(page.footer, TINY - 0.5, GREY))
        return [blocks.adult_heights(page.adult_heights, self.size), *parts] if page.adult_heights.paragraphs else parts

    def fits(self) -> bool:
        """Say whether the hand is large enough, and nothing runs into anything."""
        least = max(LEAST_HAND + _height(self._below_hand(), LEFT) + SPACE, _height(self.right(), RIGHT))
        return self._middle_height() >= least

    def hand_width(self) -> float:
        """Return the width of the hand's picture, in points."""
        return float(self.left()[0].wrap(LEFT, PAGE[1])[0])

    def remarks_height(self) -> float:
        """Return what is left for remarks, in points."""
        drawings = max(_height(self.left(), LEFT), _height(self.right(), RIGHT))
        return self._middle_height() - drawings - SPACE

    def _below_hand(self) -> list[Flowable]:
        caption, course = blocks.text(self.page.hand.caption, TINY, GREY), self.page.course
        width = DENSE * LEFT if self.dense else LEFT
        return [caption, blocks.picture(course, width, width * course.height_per_width)] if course else [caption]

    def _middle_height(self) -> float:
        return PAGE[1] - 2 * MARGIN[1] - _height(self.above(), WIDTH) - _height(self.below(), WIDTH)


def fitted(page: ReportPage) -> Fit:
    """Find the largest small print, and then as many warnings, with which everything fits on one page.

    Raises:
        InvalidInput: If heading and patient are too long for a page.
    """
    blocks.register_fonts()
    for fit in _fits(page):
        if fit.fits():
            return fit
    raise InvalidInput("Expected a report of one page.", "Shorten the heading, or what is printed of the patient.")


def _fits(page: ReportPage) -> Iterator[Fit]:
    """Give ways to write the page, the best first."""
    yield from (Fit(page, size) for size in SIZES)
    yield from (Fit(page, size, dense=True) for size in DENSE_SIZES)
    for shown in range(len(page.warnings.paragraphs) - 1, -1, -1):
        yield Fit(_with_fewer_warnings(page, shown), DENSE_SIZES[-1], dense=True)


def _with_fewer_warnings(page: ReportPage, shown: int) -> ReportPage:
    warnings = page.warnings.paragraphs
    more = language(page.language).ngettext(
        "{number} more warning is in the written report (boneage assess).",
        "{number} more warnings are in the written report (boneage assess).",
        len(warnings) - shown,
    )
    return replace(page, warnings=replace(page.warnings, paragraphs=(*warnings[:shown], more)))


def _height(flowables: Iterable[Flowable], width: float) -> float:
    """Measure a stack with a space below each."""
    return sum(float(one.wrap(width, PAGE[1])[1]) + SPACE for one in flowables)
