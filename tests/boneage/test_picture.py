"""Room 6: the picture. Its looks are for people; tests see to it that it says and shows what it should."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from itertools import combinations

import numpy as np
import pytest
from builders import a_bone_age, a_radiograph, an_assessment, both_sexes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from PIL import Image

from boneage.errors import InvalidInput, OutputFailed
from boneage.picture import draw_picture, save_picture
from boneage.types import BoneAge, LocalShift, Saliency, Sex

A_LONG_WARNING = "Two looks at the hand disagree by 9 % of its length; check its outline or set the key points. " * 3


def words(figure):
    """Return all words drawn, joined."""
    return "\n".join(text.get_text() for text in figure.findobj(Text) if text.get_text())


def boxes_of_texts(figure):
    """Return (text, box in pixels) of all visible texts, as drawn."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    return [(text.get_text(), text.get_window_extent(canvas.get_renderer())) for text in texts]


def locally_calibrated(bone_ages=None):
    assessment = an_assessment(bone_ages=bone_ages)
    shift = LocalShift(a_bone_age(123.2), date(2026, 11, 25), 121, "2")
    return replace(assessment, estimates=tuple(replace(one, local=shift) for one in assessment.estimates))


ASSESSMENTS = {
    "one sex": lambda: an_assessment(),
    "both sexes": lambda: an_assessment(a_radiograph(sex=None), both_sexes(), ("A warning.",)),
    "many warnings": lambda: an_assessment(a_radiograph(80, 120), both_sexes(), (A_LONG_WARNING, "Short.") * 8),
    "no chronological age": lambda: an_assessment(a_radiograph(299, 299, chronological_age_months=None)),
    "top of the scale": lambda: an_assessment(
        a_radiograph(80, 120, sex=Sex.MALE, chronological_age_months=239.0), {Sex.MALE: a_bone_age(236, 4)}
    ),
    "saliency": lambda: replace(an_assessment(), saliency=Saliency(np.eye(96, 72, dtype=np.float32), {"carpus": 1.0})),
    "locally calibrated": lambda: locally_calibrated(both_sexes()),
    "infant": lambda: an_assessment(
        a_radiograph(chronological_age_months=4.0), {Sex.FEMALE: a_bone_age(5, 2), Sex.MALE: a_bone_age(6, 3)}
    ),
    "longest words": lambda: an_assessment(
        a_radiograph(chronological_age_months=143.0, sex_source="data set", age_source="data set"),
        {Sex.FEMALE: BoneAge(143, 7, 131, 155), Sex.MALE: BoneAge(143, 7, 131, 155)},
    ),
}


@pytest.mark.parametrize("name", ASSESSMENTS)
def test_no_text_overlaps_another_or_leaves_the_page(name):
    figure = draw_picture(ASSESSMENTS[name](), title="a/rather/long/path/" * 9 + "1.png")
    boxes = boxes_of_texts(figure)
    page = figure.bbox
    assert not [text for text, box in boxes if box.x0 < 0 or box.y0 < 0 or box.x1 > page.x1 or box.y1 > page.y1]
    assert not [(a, b) for (a, box_a), (b, box_b) in combinations(boxes, 2) if box_a.overlaps(box_b)]


def test_picture_says_what_was_found():
    text = words(draw_picture(an_assessment(warnings=("Check the outline.",)), title="1.png"))
    for part in (
        "1.png",
        "10 years 6 months",
        "126.4 months",
        "90 % interval  9 years 8 months to 11 years 4 months",
        "female (from DICOM)",
        "SDS +1.10: normal for age",
        "9 years 6 months (114.0 months; from DICOM)",
        "Brush Foundation",
        "regression 1.2.0",
        "Warning: Check the outline.",
        "Not a medical device. For research use.",
    ):
        assert part in text


def test_a_local_calibration_in_force_is_on_the_picture_with_the_age_without_it():
    assert "Local calibration of 2026-11-25 from 121 ages: +3.2 months" in words(draw_picture(locally_calibrated()))
    assert "Local calibration" not in words(draw_picture(an_assessment()))


def test_file_name_is_on_the_picture_only_if_asked_for(tmp_path):
    radiograph = a_radiograph(source=tmp_path / "DOE^JANE.dcm")
    save_picture(an_assessment(radiograph), tmp_path / "a.svg")
    assert "DOE" not in words(draw_picture(an_assessment(radiograph)))
    assert "DOE" not in (tmp_path / "a.svg").read_text()


def test_dollar_signs_in_a_title_are_no_formula():
    figure = draw_picture(an_assessment(), title="$a_1$ and $\\frac$")
    assert "$a_1$ and $\\frac$" in [text for text, _ in boxes_of_texts(figure)]


def test_picture_without_chronological_age_marks_none():
    text = words(draw_picture(an_assessment(a_radiograph(chronological_age_months=None))))
    assert "Chronological age: not known" in text
    assert "SDS" not in text
    assert "normal for age" not in text


def test_radiograph_is_shown_in_its_true_shape():
    figure = draw_picture(an_assessment(a_radiograph(100, 100, pixel_aspect=1.5)))
    FigureCanvasAgg(figure).draw()
    shown = figure.axes[0].get_window_extent()
    assert shown.height / shown.width == pytest.approx(1.5, rel=0.01)


def test_outline_box_and_key_points_lie_where_the_hand_is():
    assessment = an_assessment(a_radiograph(1300, 1700))
    axes = draw_picture(assessment).axes[0]
    outline = np.concatenate([path.vertices for path in axes.collections[0].get_paths()])
    rows, columns = np.nonzero(assessment.hand_mask)
    assert outline.min(axis=0) == pytest.approx((columns.min(), rows.min()), abs=8)
    assert outline.max(axis=0) == pytest.approx((columns.max() + 1, rows.max() + 1), abs=8)
    assert axes.images[0].get_extent() == [0, 1700, 1300, 0]
    box = assessment.hand.box
    assert axes.patches[0].get_bbox().bounds == pytest.approx((box.left, box.top, box.width, box.height))
    assert list(zip(*axes.lines[0].get_data(), strict=True)) == [
        assessment.hand.pose.middle_tip,
        assessment.hand.pose.thumb_tip,
        assessment.hand.pose.capitate,
    ]


def test_empty_outline_is_drawn_as_none():
    figure = draw_picture(an_assessment(hand_mask=np.zeros((120, 80), bool)))
    assert len(figure.axes[0].collections) == 0


def test_axis_in_years_holds_ages_and_normal_range():
    _, curves, ranges = draw_picture(an_assessment()).axes
    assert ranges.get_xlabel() == "years"
    assert curves.get_xlim() == ranges.get_xlim() == (7, 13)
    age_line, curve = curves.lines
    assert age_line.get_xdata()[0] == pytest.approx(114 / 12)
    years, density = curve.get_data()
    assert years[np.argmax(density)] == pytest.approx(126 / 12, abs=0.05)
    (band,) = ranges.collections
    edges = band.get_paths()[0].vertices[:, 0]
    sd = (10.74 + 11.73) / 2
    assert (edges.min(), edges.max()) == pytest.approx(((114 - 2 * sd) / 12, (114 + 2 * sd) / 12))


def test_ninety_per_cent_interval_is_shaded():
    _, curves, _ = draw_picture(an_assessment()).axes
    shaded = curves.collections[1].get_paths()[0].vertices[:, 0]
    assert (shaded.min(), shaded.max()) == pytest.approx((116.04 / 12, 135.78 / 12), abs=0.01)


def test_bone_age_without_a_distribution_is_drawn_as_a_normal_one():
    assessment = an_assessment(bone_ages={Sex.FEMALE: BoneAge(100, 5, 91.8, 108.2)})
    years, density = draw_picture(assessment).axes[1].lines[-1].get_data()
    assert years[np.argmax(density)] == pytest.approx(100 / 12, abs=0.01)


@pytest.mark.parametrize(
    ("suffix", "start"), [(".png", b"\x89PNG"), (".PNG", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml")]
)
def test_suffix_decides_the_format(tmp_path, suffix, start):
    path = tmp_path / f"a{suffix}"
    save_picture(an_assessment(), path)
    assert path.read_bytes().startswith(start)
    assert list(tmp_path.iterdir()) == [path]


def test_png_is_large_enough_for_print_and_on_white(tmp_path):
    save_picture(an_assessment(), tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert min(image.size) >= 1200
        assert image.convert("RGB").getpixel((2, 2)) == (255, 255, 255)


def test_unknown_suffix_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match=re.escape(".png, .pdf, .svg")):
        save_picture(an_assessment(), tmp_path / "a.docx")


def test_folder_that_is_missing_is_told(tmp_path):
    with pytest.raises(OutputFailed, match="No such file or directory"):
        save_picture(an_assessment(), tmp_path / "missing" / "a.png")


def test_threads_draw_the_same_picture(tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda path: save_picture(an_assessment(), path), paths))
    assert len({path.read_bytes() for path in paths}) == 1


def test_importing_the_module_loads_no_heavy_library():
    code = (
        "import sys, boneage.picture, boneage.report; print({'matplotlib', 'cv2', 'torch', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
