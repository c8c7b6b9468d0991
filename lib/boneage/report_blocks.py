"""The blocks of the PDF page, as reportlab's flowables: each knows its height for the page's width."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from boneage.drawing import AMBER, GREY, INK, PALE
from boneage.report_page import Answer, Drawing, Item, ReportPage, Section

if TYPE_CHECKING:
    from reportlab.platypus import Flowable, Paragraph

MILLIMETRE = 72 / 25.4  # points
WIDTH = 182 * MILLIMETRE  # of what is printed
GAP = 5 * MILLIMETRE  # between columns
LEFT = 0.53 * WIDTH  # column of the hand
RIGHT = WIDTH - LEFT - GAP
ROOM_TO_SIGN = 5 * MILLIMETRE
PANEL = "#f1f3f5"
TINY, SMALL, NORMAL, LARGE, HUGE = 6.5, 7.5, 8.5, 12.0, 21.0
"""Points; the font runs wide."""
PLAIN, BOLD = "DejaVuSans", "DejaVuSans-Bold"


@cache
def register_fonts() -> None:
    """Make the fonts that matplotlib brings known to reportlab: they have Latin, Greek and Cyrillic letters."""
    import matplotlib
    from reportlab.pdfbase.pdfmetrics import registerFont, registerFontFamily
    from reportlab.pdfbase.ttfonts import TTFont

    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    for name in (PLAIN, BOLD):
        registerFont(TTFont(name, str(folder / f"{name}.ttf")))
    registerFontFamily(PLAIN, normal=PLAIN, bold=BOLD, italic=PLAIN, boldItalic=BOLD)


def text(words: str, size: float = NORMAL, colour: str = INK, bold: bool = False, align: str = "LEFT") -> Paragraph:
    """Make a paragraph of plain words."""
    return marked_text(escape(words), size, colour, bold, align)


def marked_text(markup: str, size: float, colour: str = INK, bold: bool = False, align: str = "LEFT") -> Paragraph:
    """Make a paragraph of words that are escaped already and may hold <b>."""
    from reportlab.lib.enums import TA_LEFT, TA_RIGHT
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph

    style = ParagraphStyle(
        "text",
        fontName=BOLD if bold else PLAIN,
        fontSize=size,
        leading=1.28 * size,
        textColor=colour,
        alignment=TA_RIGHT if align == "RIGHT" else TA_LEFT,
        splitLongWords=True,
    )
    return Paragraph(markup, style)


def table(
    rows: list[list[Any]],
    widths: list[float],
    *commands: tuple[Any, ...],
    padding: float = 0.0,
    height: float | None = None,
) -> Flowable:
    """Lay flowables out in rows and columns, tops aligned."""
    from reportlab.platypus import Table

    sides = ("LEFTPADDING", "RIGHTPADDING", "TOPPADDING", "BOTTOMPADDING")
    paddings = [(side, (0, 0), (-1, -1), padding) for side in sides]
    return Table(rows, widths, height and [height], style=[("VALIGN", (0, 0), (-1, -1), "TOP"), *paddings, *commands])


def header(page: ReportPage) -> Flowable:
    """Title on the left, hospital on the right, a rule below."""
    left = [text(page.title, LARGE + 1, bold=True)]
    right = [text(page.heading, NORMAL, bold=True, align="RIGHT")] if page.heading else []
    right.append(text(page.notice, SMALL - 0.5, AMBER, align="RIGHT"))
    rule = ("LINEBELOW", (0, 0), (-1, -1), 0.8, INK)
    return table([[left, right]], [0.53 * WIDTH, 0.47 * WIDTH], rule, ("BOTTOMPADDING", (0, 0), (-1, -1), 4))


def patient(page: ReportPage) -> list[Flowable]:
    """Two rows of names above values; a line to write on where there is no value."""
    return [_named(page.patient[:3], [0.5, 0.25, 0.25]), _named(page.patient[3:], [0.26, 0.48, 0.26])]


def _named(items: tuple[Item, ...], shares: list[float]) -> Flowable:
    cells = [[text(item.name, TINY, GREY), text(item.value or "\u00a0", NORMAL)] for item in items]
    blanks = [(column, 0) for column, item in enumerate(items) if not item.value]
    lines = [("LINEBELOW", cell, cell, 0.5, GREY) for cell in blanks]
    room = ("RIGHTPADDING", (0, 0), (-2, -1), 6)
    return table([cells], [share * WIDTH for share in shares], *lines, room)


def answers(page: ReportPage) -> Flowable:
    """The bone age in large letters on a panel; two sexes side by side."""
    if len(page.answers) == 1:
        cells, widths = _wide_answer(page.answers[0]), [0.58 * WIDTH, 0.42 * WIDTH]
    else:
        cells, widths = [_narrow_answer(answer) for answer in page.answers], [WIDTH / 2] * 2
    panel = ("BACKGROUND", (0, 0), (-1, -1), PANEL)
    return table([cells], widths, panel, ("VALIGN", (0, 0), (-1, -1), "MIDDLE"), padding=7)


def _wide_answer(answer: Answer) -> list[list[Flowable]]:
    left = [_title(answer), text(answer.bone_age, HUGE, bold=True), text(answer.interval, NORMAL)]
    return [left, [_verdict(answer)]]


def _narrow_answer(answer: Answer) -> list[Flowable]:
    return [
        _title(answer),
        text(answer.bone_age, 0.68 * HUGE, bold=True),
        text(answer.interval, NORMAL),
        _verdict(answer, NORMAL + 1),
    ]


def _title(answer: Answer) -> Flowable:
    return text(f"{answer.title} · {answer.bone_age_months}", NORMAL, GREY)


def _verdict(answer: Answer, size: float = LARGE) -> Flowable:
    return text(answer.verdict, size, AMBER if answer.stands_out else INK, bold=True)


def facts(items: tuple[Item, ...], size: float) -> Flowable:
    """Names and values in two narrow columns with hairlines between."""
    rows = [[text(item.name, size, GREY), text(item.value, size)] for item in items]
    lines = ("LINEBELOW", (0, 0), (-1, -2), 0.3, PALE)
    return table(rows, [0.36 * RIGHT, 0.64 * RIGHT], lines, ("BOTTOMPADDING", (0, 0), (-1, -1), 2), padding=1)


def picture(drawing: Drawing, width: float, height: float) -> Flowable:
    """Show a drawing in its shape, as large as `width` and `height` allow."""
    from reportlab.platypus import Image

    width = max(min(width, height / drawing.height_per_width), 1.0)
    return Image(BytesIO(drawing.content), width, width * drawing.height_per_width, hAlign="LEFT")


def warnings(section: Section, size: float, run_in: bool) -> Flowable:
    """Warnings, set off by a bar; `run_in` saves lines."""
    bullets = [f"• {one}" for one in section.paragraphs]
    lines = [text(section.title, size, AMBER, bold=True)]
    lines += [text(one, size) for one in ([" ".join(bullets)] if run_in else bullets)]
    return table([[lines]], [WIDTH], ("LINEBEFORE", (0, 0), (0, -1), 2.2, AMBER), ("LEFTPADDING", (0, 0), (0, 0), 6))


def adult_heights(section: Section, size: float) -> Flowable:
    """What was measured, and one paragraph for each method and sex."""
    given, *found = section.paragraphs
    first = marked_text(f"<b>{escape(section.title)}.</b> {escape(given)}", size)
    return table([[line] for line in (first, *(text(f"• {one}", size) for one in found))], [WIDTH])


def small_print(sections: tuple[Section, ...], size: float) -> Flowable:
    """Sections with their titles run in."""
    rows = [[marked_text(_run_in(section), size, GREY)] for section in sections]
    return table(rows, [WIDTH], ("BOTTOMPADDING", (0, 0), (-1, -1), 2))


def _run_in(section: Section) -> str:
    return f"<b>{escape(section.title)}.</b> {escape(' '.join(section.paragraphs))}"


def remarks(name: str, height: float) -> Flowable:
    """A frame to write into."""
    return table([[text(name, TINY, GREY)]], [WIDTH], ("BOX", (0, 0), (-1, -1), 0.5, GREY), padding=3, height=height)


def signature(names: tuple[str, ...]) -> Flowable:
    """Blanks to write in, named below their lines."""
    widths = [0.42 * WIDTH, 0.04 * WIDTH, 0.18 * WIDTH, 0.04 * WIDTH, 0.32 * WIDTH]
    names_below: list[Any] = [""] * 5
    names_below[::2] = [text(name, TINY, GREY) for name in names]
    lines = [("LINEABOVE", (column, 1), (column, 1), 0.6, INK) for column in (0, 2, 4)]
    above = ("BOTTOMPADDING", (0, 0), (-1, 0), ROOM_TO_SIGN)
    return table([[""] * 5, names_below], widths, *lines, above, ("TOPPADDING", (0, 1), (-1, 1), 2))
