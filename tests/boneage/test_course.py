"""Several bone ages of one child."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boneage.course import course, interval_between
from boneage.course_plot import course_plot, save_course_plot
from boneage.errors import InvalidInput, OutputFailed
from boneage.growth import growth_references, score_growth
from boneage.types import CoursePoint, Sex

A, B, C = CoursePoint(96, 84, 6), CoursePoint(108, 90, 8), CoursePoint(132, 126, 8)


def test_velocity_is_bone_age_gained_per_month_of_age_with_the_error_of_both():
    one = interval_between(A, B)
    assert one.velocity == pytest.approx(6 / 12)
    assert one.velocity_sd == pytest.approx(10 / 12)  # 6 and 8 make 10
    assert interval_between(B, C).velocity == pytest.approx(36 / 24)


def test_points_come_sorted_by_age_with_a_score_and_an_advance_each():
    found = course([C, A, B], Sex.MALE)
    assert found.points == (A, B, C)
    assert [point.advance_months for point in found.points] == [-12, -18, -6]
    assert found.scores == tuple(
        score_growth(p.bone_age_months, p.chronological_age_months, Sex.MALE) for p in (A, B, C)
    )
    assert [(one.start, one.end) for one in found.intervals] == [(A, B), (B, C)]
    assert found.warnings == ()
    assert found.overall == interval_between(A, C)
    assert course([A], Sex.MALE).overall is None


@given(st.lists(st.tuples(st.floats(0, 240), st.floats(0, 240)), min_size=1, max_size=6), st.sampled_from(Sex))
def test_the_order_in_which_points_are_given_does_not_matter(values, sex):
    points = [CoursePoint(*one) for one in values]
    found = course(points, sex)
    assert all(course(order, sex) == found for order in itertools.islice(itertools.permutations(points), 6))
    assert len(found.intervals) == len(points) - 1


def test_two_at_the_same_age_are_said_and_have_no_velocity():
    found = course([A, CoursePoint(96, 90, 6)], Sex.FEMALE)
    assert (found.intervals[0].velocity, found.intervals[0].velocity_sd) == (None, None)
    assert found.warnings == (
        "Two bone ages at the same age, 8 years 0 months: 84.0 and 90.0 months. There is no velocity between them.",
    )


def test_an_interval_shorter_than_the_error_is_warned_of():
    (warning,) = course([A, CoursePoint(100, 88, 8)], Sex.FEMALE).warnings
    assert "lie 4.0 months, less than the error of the difference of the two bone ages (10.0 months, 1 SD)" in warning


def test_without_an_sd_there_is_no_uncertainty_but_a_reader_s_error_still_warns():
    found = course([CoursePoint(96, 84), CoursePoint(106, 92)], Sex.FEMALE)
    assert found.intervals[0].velocity_sd is None
    assert "(10.6 months, 1 SD)" in found.warnings[0]
    assert course([CoursePoint(96, 84), CoursePoint(108, 92)], Sex.FEMALE).warnings == ()


def test_a_bone_age_that_falls_is_pointed_out():
    (warning,) = course([CoursePoint(96, 84, 3), CoursePoint(108, 80, 3)], Sex.MALE).warnings
    assert "the bone age falls" in warning


def test_an_age_outside_the_growth_reference_is_pointed_out_and_kept():
    found = course([A, CoursePoint(210, 200, 6)], Sex.MALE)
    assert found.scores[1].sds is None
    assert "covers 0.25 to 17 years" in found.warnings[0]


@pytest.mark.parametrize("name", growth_references())
def test_the_course_names_its_growth_reference(name):
    assert course([A], Sex.MALE, name).growth_reference == growth_references()[name]


@pytest.mark.parametrize(
    "point",
    [
        CoursePoint(-1, 80),
        CoursePoint(80, -1),
        CoursePoint(float("nan"), 80),
        CoursePoint(80, float("inf")),
        CoursePoint(80, 80, -1),
    ],
)
def test_a_value_that_is_no_age_is_refused(point):
    with pytest.raises(InvalidInput, match="in months, from 0 on"):
        course([A, point], Sex.MALE)


def test_no_bone_age_is_no_course():
    with pytest.raises(InvalidInput, match="at least one bone age"):
        course([], Sex.MALE)


# The plot


def test_the_plot_shows_every_point_in_years_and_names_the_reference():
    figure = course_plot(course([A, B, C], Sex.MALE))
    (axes,) = figure.axes
    drawn = axes.lines[1]
    assert list(drawn.get_xdata()) == [8, 9, 11]
    assert list(drawn.get_ydata()) == [7, 7.5, 10.5]
    words = [text.get_text() for text in axes.get_legend().get_texts()]
    assert any("±2 SD" in word and "Brush Foundation" in word for word in words)
    assert "bone age ± 1 SD" in words


def test_the_band_is_two_sd_wide_and_ends_with_the_reference():
    (axes,) = course_plot(course([CoursePoint(200, 190), CoursePoint(215, 200)], Sex.MALE)).axes
    corners = axes.collections[0].get_paths()[0].vertices
    assert corners[:, 0].max() == pytest.approx(204 / 12)
    at_the_end = corners[corners[:, 0] == corners[:, 0].max()][:, 1]
    assert at_the_end.max() - at_the_end.min() == pytest.approx(4 * 13.05 / 12)


def test_a_course_beyond_the_reference_is_drawn_without_a_band():
    (axes,) = course_plot(course([CoursePoint(230, 220)], Sex.FEMALE)).axes
    assert not [
        one for one in axes.collections if type(one).__name__ in ("PolyCollection", "FillBetweenPolyCollection")
    ]


@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml")])
def test_the_plot_is_written_in_the_format_of_its_name(tmp_path, suffix, magic):
    path = tmp_path / f"course{suffix}"
    save_course_plot(course([A, B], Sex.FEMALE), path)
    assert path.read_bytes().startswith(magic)


def test_a_plot_that_cannot_be_written_is_our_error(tmp_path):
    with pytest.raises(OutputFailed, match="Cannot write"):
        save_course_plot(course([A], Sex.FEMALE), tmp_path / "missing" / "course.png")


def test_a_plot_of_another_format_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match=r"end with \.png, \.pdf, \.svg; got 'course\.xyz'"):
        save_course_plot(course([A], Sex.FEMALE), tmp_path / "course.xyz")
