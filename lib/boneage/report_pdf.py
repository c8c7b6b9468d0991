"""The page of the report as PDF, through reportlab, with its fonts embedded."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING

from boneage.errors import InvalidInput
from boneage.report_blocks import GAP, LEFT, PLAIN, RIGHT, WIDTH
from boneage.report_contents import report_page
from boneage.report_fit import MARGIN, PAGE, SPACE, Fit, fitted
from boneage.report_page import ReportOptions, ReportPage
from boneage.types import Assessment

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas
    from reportlab.platypus import Flowable


def report_pdf(assessment: Assessment, options: ReportOptions | None = None) -> bytes:
    """Write the report as one A4 page.

    Args:
        assessment: What was found.
        options: Language, and what to print of hospital and patient; None for English without either.

    Returns:
        The PDF file. It names nobody but whom the options name.

    Raises:
        InvalidInput: If there is no such language, if heading and patient are too long for a page or in letters that
            the font lacks, or if the earlier bone ages make no course.
        ModelRefused: If a model card is missing or damaged.
    """
    return pdf_of(report_page(assessment, options or ReportOptions()))


def pdf_of(page: ReportPage) -> bytes:
    """Lay a page out as PDF.

    Raises:
        InvalidInput: If heading and patient are too long for a page, or in letters that the font lacks.
    """
    from reportlab.pdfgen.canvas import Canvas

    file = BytesIO()
    canvas = Canvas(file, pagesize=PAGE, lang=page.language)
    canvas.setTitle(page.title)
    canvas.setAuthor("")
    fit = fitted(page)
    _check_letters(page)
    _draw_page(canvas, fit)
    canvas.save()
    return file.getvalue()


def _check_letters(page: ReportPage) -> None:
    """Refuse letters that would be printed as empty boxes; the words are a patient's and stay out of the message."""
    from reportlab.pdfbase.pdfmetrics import getFont

    known = getFont(PLAIN).face.charToGlyph
    written = page.heading + "".join(item.value for item in page.patient)
    if any(ord(letter) not in known for letter in written):
        raise InvalidInput(
            "The PDF's font lacks letters of the heading or the patient.",
            "Write the page as .html, or in other letters.",
        )


def _draw_page(canvas: Canvas, fit: Fit) -> None:
    x = MARGIN[0]
    top = _draw(canvas, fit.above(), x, PAGE[1] - MARGIN[1], WIDTH)
    ends = _draw(canvas, fit.left(), x, top, LEFT), _draw(canvas, fit.right(), x + LEFT + GAP, top, RIGHT)
    _draw(canvas, fit.remarks(), x, min(ends), WIDTH)
    _draw(canvas, fit.below(), x, min(ends) - fit.remarks_height() - SPACE, WIDTH)


def _draw(canvas: Canvas, flowables: Iterable[Flowable], x: float, top: float, width: float) -> float:
    """Draw one below the other and return the height at which they end."""
    for one in flowables:
        top -= one.wrap(width, PAGE[1])[1]
        one.drawOn(canvas, x, top)
        top -= SPACE
    return top
