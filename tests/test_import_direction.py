"""Imports point downward only, and rooms on one line do not know each other (CONTRIBUTING.md draws the picture)."""

import ast
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "lib" / "boneage"

# Top to bottom; one string is one room: a module, or several that may import each other, by pattern.
LAYERS = (
    ("cli cli_* assess_* inputs input_table",),
    ("retraining",),
    ("promotion promotion_*",),
    ("training.*", "evaluation evaluation_* predictions", "scoring", "suspicion suspicion_*", "pacs pacs_*"),
    ("assessment",),
    ("doubts",),
    (
        "detection",
        "segmentation",
        "regression saliency",
        "study_files",
        "report_page report_contents report_facts report_follow_up report_models report_sentences report_drawings "
        "report_fit report_blocks report_pdf report_html",
    ),
    ("dicom_results dicom_out dicom_header dicom_sr dicom_sr_groups dicom_sc dicom_pdf", "fhir fhir_*"),
    (
        "radiograph dicom_in dicom_ages dicom_grey dicom_patient dicom_tags pixels polarity raster_in volume_in "
        "mask_files",
        "models registry runtime networks weights local_calibration",
        "picture drawing",
        "wholeness",
        "legibility covering",
        "surroundings",
        "squash",
        *(
            "growth adult_height bayley_pinneau rwt heights reference_tables course course_*",
            "report report_*",
            "schema",
            "datasets",
            "corrections corrections_*",
            "selection scores",
        ),
        "dicomweb dicomweb_*",
    ),
    ("spread",),
    (
        "geometry frames imaging",
        "distribution",
        "output",
        "language",
        "terms",
        "batch",
        "progress",
        "row_file",
        "database",
        "memory_limit",
        "delivery",
    ),
    ("wording",),
    ("__init__ types errors",),
)
NEIGHBOURS = {("datasets", "radiograph")}  # on one line, and yet the first may import the second
HEAVY_LIBRARIES = {"torch", "torchvision", "monai", "lightning", "segmentation_models_pytorch", "timm"}
HEAVY_LIBRARIES |= {"ultralytics", "openvino", "cv2", "ray", "pyarrow"}
# These may import them at the top.
HEAVY_MODULES = "training.* networks weights detection segmentation regression assessment scoring "
HEAVY_MODULES += "doubts promotion_run retraining suspicion_look"
LIGHT_MODULES = {"training.__init__", "training.options", "training.status"}  # but not these

MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(PACKAGE.rglob("*.py"))
}


def matches(module: str, patterns: str) -> bool:
    return any(fnmatch(module, pattern) for pattern in patterns.split())


def place(module: str) -> tuple[int, str]:
    """Return the line that a module stands on, counted from the top, and its room; -1 for a module in no room."""
    found = [(line, room) for line, rooms in enumerate(LAYERS) for room in rooms if matches(module, room)]
    return found[0] if found else (-1, "")


def is_heavy(module: str) -> bool:
    return matches(module, HEAVY_MODULES) and module not in LIGHT_MODULES


def imported(nodes: Iterator[ast.AST]) -> set[str]:
    """Return what the statements import, as dotted names."""
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {name.name for name in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"Write the import in line {node.lineno} with its full name, boneage.…"
            names |= {f"{node.module}.{name.name}" for name in node.names}
    return names


def own(names: set[str]) -> set[str]:
    """Return the modules of the package that these dotted names come from: types, from boneage.types.Sex."""
    inside = {name.removeprefix("boneage.") for name in names if name.startswith("boneage.")}
    owners = {name if name in MODULES else name.rpartition(".")[0] for name in inside}
    packages = {name.removesuffix(".__init__") for name in MODULES if name.endswith(".__init__")} | {""}
    return {f"{owner}.__init__".lstrip(".") if owner in packages else owner for owner in owners}


def run_on_import(node: ast.AST) -> Iterator[ast.AST]:
    """Walk the statements that run when the module is imported."""
    for child in ast.iter_child_nodes(node):
        is_for_types = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        if not is_for_types and not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield child
            yield from run_on_import(child)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_below_or_from_its_own_room(module):
    line, room = place(module)
    assert room, f"boneage.{module} stands in no room: name it in LAYERS of {Path(__file__).name}, as low as it can go."
    for other in own(imported(ast.walk(MODULES[module]))):
        other_line, other_room = place(other)
        allowed = other_line > line or other_room == room or (module, other) in NEIGHBOURS
        assert allowed, f"{module} imports {other}, which is not below it. Move what both need further down."


@pytest.mark.parametrize("module", [module for module in MODULES if not is_heavy(module)])
def test_a_light_module_imports_nothing_heavy_when_it_is_imported(module):
    names = imported(run_on_import(MODULES[module]))
    heavy = {name for name in names if name.partition(".")[0] in HEAVY_LIBRARIES} | set(filter(is_heavy, own(names)))
    assert not heavy, f"{module} imports {', '.join(sorted(heavy))} at its top. Import it where it is used."
