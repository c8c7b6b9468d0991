"""The extension's files, by the rules of Slicer's Extensions Index and of Slicer's own Python."""

import ast
import json
import re
from pathlib import Path

import pytest

EXTENSION = Path(__file__).parents[2] / "slicer_extension"
MODULE = EXTENSION / "BoneAge"
LAYOUT = MODULE / "Resources" / "UI" / "BoneAge.ui"
SOURCES = sorted(EXTENSION.rglob("*.py"))
LONGEST = 300  # lines
GETTERS = "text|value|currentText|currentIndex|count|isChecked|isEnabled|isVisible|toPlainText|plainText|pixmap"
ALLOWED = {"slicer", "vtk", "qt", "numpy", "requests", "urllib3", "pydicom", "SimpleITK", "SampleData", "BoneAgeLib"}


def metadata() -> dict:
    text = (EXTENSION / "CMakeLists.txt").read_text()
    return dict(re.findall(r'set\((EXTENSION_\w+) "([^"]*)"\)', text))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_the_extension_is_python_3_9_in_small_files(source):
    text = source.read_text()
    ast.parse(text, feature_version=(3, 9))
    assert len(text.splitlines()) < (60 if source.name == "BoneAge.py" else LONGEST)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_the_extension_imports_only_what_slicer_has(source):
    import sys

    tree = ast.parse(source.read_text())
    names = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) if node.level == 0}
    assert {name.partition(".")[0] for name in names} <= ALLOWED | set(sys.stdlib_module_names)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_widgets_are_read_as_both_pythonqt_and_pyside_can(source):
    assert not re.findall(rf"\b_?ui\.\w+\.(?:{GETTERS})\(", source.read_text()), 'read with property("...")'


def test_every_widget_that_the_code_names_is_in_the_layout():
    layout = set(
        re.findall(r'<widget class="\w+" name="(\w+)"', (MODULE / "Resources" / "UI" / "BoneAge.ui").read_text())
    )
    text = "".join(source.read_text() for source in SOURCES)
    assert set(re.findall(r"\bui\.(\w+)", text)) - {"property"} <= layout


def test_the_extension_says_what_the_index_asks_for():
    told = metadata()
    for name in ("HOMEPAGE", "CATEGORY", "CONTRIBUTORS", "DESCRIPTION", "ICONURL", "SCREENSHOTURLS"):
        assert told[f"EXTENSION_{name}"]
    assert "Not a medical device" in told["EXTENSION_DESCRIPTION"]
    assert "AGPL-3.0" in told["EXTENSION_DESCRIPTION"]  # the index wants a licence named that is not permissive


def test_the_catalogue_entry_fits_its_schema_and_the_extension():
    entry = json.loads((EXTENSION / "BoneAge.json").read_text())
    known = {"$schema", "category", "scm_url", "scm_revision", "scm_type", "build_dependencies", "build_subdirectory"}
    assert {"$schema", "category", "scm_url"} <= set(entry) <= known | {"enabled", "tier"}
    assert entry["tier"] in (1, 3, 5) and entry["scm_type"] in ("git", "local")
    assert entry["category"] == metadata()["EXTENSION_CATEGORY"]
    assert entry["scm_url"].removesuffix(".git") == metadata()["EXTENSION_REPOSITORY"]


def test_what_cmake_names_is_there():
    for name in (
        "Resources/Icons/BoneAge.png",
        "Resources/UI/BoneAge.ui",
        "BoneAge.py",
        "Testing/Python/CMakeLists.txt",
    ):
        assert (MODULE / name).is_file()
    assert (EXTENSION / "LICENSE.txt").read_text() == (EXTENSION.parent / "LICENSE").read_text()
    for name in re.findall(r"docs/slicer/[\w-]+\.png", metadata()["EXTENSION_SCREENSHOTURLS"]):
        assert (EXTENSION.parent / name).is_file()


def test_the_index_can_build_the_extension_from_the_top_of_the_repository():
    assert "add_subdirectory(slicer_extension)" in (EXTENSION.parent / "CMakeLists.txt").read_text()


def test_the_icon_has_the_size_that_the_index_asks_for():
    from PIL import Image

    assert Image.open(MODULE / "Resources" / "Icons" / "BoneAge.png").size == (128, 128)


def test_the_sample_radiograph_is_offered_and_is_one_of_the_two_that_the_project_holds():
    from BoneAgeLib.sample import sample_file

    assert sample_file() == EXTENSION.parent / "tests" / "data" / "14717.png"
    assert not list(EXTENSION.rglob("14717*"))


def test_the_pictures_that_the_readme_shows_are_there():
    for name in re.findall(r"!\[[^]]*\]\(([^)]+)\)", (EXTENSION / "README.md").read_text()):
        assert (EXTENSION / name).is_file(), name
