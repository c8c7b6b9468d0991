"""The page of the report as PDF, through reportlab, with its fonts embedded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from typing import TYPE_CHECKING

from boneage import report_blocks as blocks
from boneage.drawing import GREY
from boneage.errors import InvalidInput
from boneage.language import language
from boneage.report_blocks import GAP, LEFT, MILLIMETRE, RIGHT, SMALL, TINY, WIDTH
from boneage.report_contents import report_page
from boneage.report_page import ReportOptions, ReportPage
from boneage.types import Assessment

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas
    from reportlab.platypus import Flowable

PAGE = 210 * MILLIMETRE, 297 * MILLIMETRE
MARGIN = 14 * MILLIMETRE, 11 * MILLIMETRE  # at the sides, above and below
SPACE = 2.6 * MILLIMETRE  # between blocks
LEAST_HAND = 66 * MILLIMETRE  # height in which a hand can still be looked at
DENSE = 0.8  # size of the distribution on a dense page
LEAST_REMARKS = 14 * MILLIMETRE  # height of a frame that is worth drawing
SIZES = (SMALL, SMALL - 0.5, TINY)
"""Of the small print, in points; the first one that fits is taken."""


@dataclass(frozen=True)
class Fit:
    """How the page's words are made to fit.

    Attributes:
        page: With as many warnings as there is room for; the last one then says that there are more.
        size: Of the small print, in points.
        dense: Whether the warnings are run together and the distribution is drawn smaller.
    """

    page: ReportPage
    size: float
    dense: bool = False


def report_pdf(assessment: Assessment, options: ReportOptions | None = None) -> bytes:
    """Write the report as one A4 page.

    Args:
        assessment: What was found.
        options: Language, and what to print of hospital and patient; None for English without either.

    Returns:
        The PDF file. No name and no date are in it but those of the options.

    Raises:
        InvalidInput: If there is no such language.
        ModelRefused: If a model card is missing or damaged.
    """
    return pdf_of(report_page(assessment, options or ReportOptions()))


def pdf_of(page: ReportPage) -> bytes:
    """Lay a page out as PDF.

    Raises:
        InvalidInput: If heading and patient are too long for a page.
    """
    from reportlab.pdfgen.canvas import Canvas

    fit = fitted(page)
    file = BytesIO()
    canvas = Canvas(file, pagesize=PAGE, lang=page.language)
    canvas.setTitle(page.title)
    canvas.setAuthor("")
    top = _draw(canvas, _above(fit), MARGIN[0], PAGE[1] - MARGIN[1])
    bottom = MARGIN[1] + _height(_below(fit))
    _draw(canvas, _below(fit), MARGIN[0], bottom)
    left = _draw(canvas, _left(fit.page, top - bottom), MARGIN[0], top, LEFT)
    right = _draw(canvas, _right(fit), MARGIN[0] + LEFT + GAP, top, RIGHT)
    if min(left, right) - bottom > LEAST_REMARKS:
        remarks = blocks.remarks(page.remarks, min(left, right) - bottom - SPACE)
        _draw(canvas, [remarks], MARGIN[0], min(left, right))
    canvas.save()
    return file.getvalue()


def fitted(page: ReportPage) -> Fit:
    """Find the largest small print, and then as many warnings, with which everything fits on one page.

    Raises:
        InvalidInput: As `pdf_of`.
    """
    blocks.register_fonts()
    for fit in _fits(page):
        room = PAGE[1] - 2 * MARGIN[1] - _height(_above(fit)) - _height(_below(fit))
        if room >= _least_middle(fit):
            return fit
    raise InvalidInput("Expected a report of one page.", "Shorten the heading, or what is printed of the patient.")


def _fits(page: ReportPage) -> Iterator[Fit]:
    """Give ways to write the page, the best first."""
    warnings = page.warnings.paragraphs
    yield from (Fit(page, size) for size in SIZES)
    yield from (Fit(page, size, dense=True) for size in SIZES[1:])
    for shown in range(len(warnings) - 1, -1, -1):
        more = language(page.language).ngettext(
            "{number} more warning is in the written report (boneage assess).",
            "{number} more warnings are in the written report (boneage assess).",
            len(warnings) - shown,
        )
        yield Fit(
            replace(page, warnings=replace(page.warnings, paragraphs=(*warnings[:shown], more))), SIZES[-1], dense=True
        )


def _above(fit: Fit) -> list[Flowable]:
    page = fit.page
    parts = [blocks.header(page), *blocks.patient(page), blocks.answers(page)]
    return [*parts, blocks.warnings(page.warnings, fit.size, fit.dense)] if page.warnings.paragraphs else parts


def _left(page: ReportPage, height: float) -> list[Flowable]:
    """Give the hand, as large as `height` allows, and below it the course if there is one."""
    below = [blocks.text(page.hand.caption, TINY, GREY)]
    if page.course:
        below.append(blocks.picture(page.course, LEFT, LEFT * page.course.height_per_width))
    return [blocks.picture(page.hand, LEFT, height - _height(below, LEFT) - SPACE), *below]


def _right(fit: Fit) -> list[Flowable]:
    ages, width = fit.page.ages, DENSE * RIGHT if fit.dense else RIGHT
    facts = blocks.facts(fit.page.facts, fit.size if fit.dense else SMALL)
    return [blocks.picture(ages, width, width * ages.height_per_width), facts]


def _below(fit: Fit) -> list[Flowable]:
    page = fit.page
    parts = [blocks.small_print(page.small_print, fit.size), blocks.signature(page.signature)]
    parts.append(blocks.text(page.footer, TINY - 0.5, GREY))
    return [blocks.adult_heights(page.adult_heights, fit.size), *parts] if page.adult_heights.paragraphs else parts


def _least_middle(fit: Fit) -> float:
    """Return the height that the two columns need."""
    return max(_height(_left(fit.page, 0), LEFT) + LEAST_HAND, _height(_right(fit), RIGHT))


def _height(flowables: Iterable[Flowable], width: float = WIDTH) -> float:
    return sum(_wrapped_height(one, width) + SPACE for one in flowables)


def _wrapped_height(flowable: Flowable, width: float) -> float:
    return float(flowable.wrap(width, PAGE[1])[1])


def _draw(canvas: Canvas, flowables: Iterable[Flowable], x: float, top: float, width: float = WIDTH) -> float:
    """Draw one below the other and return the height at which they end."""
    for one in flowables:
        top -= _wrapped_height(one, width)
        one.drawOn(canvas, x, top)
        top -= SPACE
    return top
