"""The page of the report as HTML: one file with everything in it, which a browser prints on one A4 page."""

from __future__ import annotations

from base64 import b64encode
from importlib.resources import files

from boneage import report_blocks as blocks
from boneage.drawing import AMBER, GREY, INK, PALE
from boneage.report_contents import report_page
from boneage.report_fit import DENSE, LEAST_REMARKS, MARGIN, PAGE, Fit, fitted
from boneage.report_page import Drawing, ReportOptions, ReportPage
from boneage.types import Assessment


def report_html(assessment: Assessment, options: ReportOptions | None = None) -> str:
    """Write the report as a web page, to be read on a screen and printed.

    Arguments and errors are those of `boneage.report_pdf.report_pdf`.
    """
    return html_of(report_page(assessment, options or ReportOptions()))


def html_of(page: ReportPage) -> str:
    """Lay a page out as HTML, with the sizes of the PDF: its font is the wider, so what fits there fits here.

    Raises:
        InvalidInput: If heading and patient are too long for a page.
    """
    from jinja2 import Environment, StrictUndefined

    fit = fitted(page)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=False)
    environment.filters["data_uri"] = _data_uri
    template = environment.from_string((files("boneage") / "data" / "report.html").read_text(encoding="utf-8"))
    return template.render(page=fit.page, fit=fit, **_looks(fit))


def _looks(fit: Fit) -> dict[str, object]:
    margin_mm = [round(margin / blocks.MILLIMETRE, 1) for margin in MARGIN]
    return {
        "margin_mm": margin_mm,
        # A little less than the page, or a browser's rounding begins a second one.
        "height_mm": PAGE[1] / blocks.MILLIMETRE - 2 * margin_mm[1] - 1,
        "hand_mm": round(fit.hand_width() / blocks.MILLIMETRE, 1),
        "has_remarks": fit.remarks_height() > LEAST_REMARKS,
        "dense": DENSE,
        "panel": blocks.PANEL,
        "ink": INK,
        "grey": GREY,
        "pale": PALE,
        "amber": AMBER,
        "tiny": blocks.TINY,
        "small": blocks.SMALL,
        "normal": blocks.NORMAL,
        "large": blocks.LARGE,
        "huge": blocks.HUGE,
    }


def _data_uri(drawing: Drawing) -> str:
    return f"data:{drawing.media_type};base64,{b64encode(drawing.content).decode('ascii')}"
