"""Findings on real MRML nodes: geometry, identity, corrections, and nothing of the person's own is touched."""

import numpy as np
import pytest
import slicer
from radiographs import AS_PNG, DATA, DicomDatabase, a_dicom, a_volume, an_answer, grey_of
from slice_view import slicer_scene

from BoneAgeLib import findings, volumes
from BoneAgeLib.contract import Assessed, Downloaded, HandBox, Reading
from BoneAgeLib.corrections import ExpertInput, months_of, submission, summary, years_and_months
from BoneAgeLib.dicom_pixels import is_left_negative
from BoneAgeLib.errors import ClientError, ErrorKind
from BoneAgeLib.logic import BoneAgeLogic
from BoneAgeLib.pictures import mask_voxels, nrrd_of

SERVER = "http://127.0.0.1:8000"
BOX = {"left": 20.0, "top": 10.0, "right": 90.5, "bottom": 100.0}
EXPERT = ExpertInput("R1")
TURN = np.deg2rad(20)
GEOMETRIES = {
    "PNG": AS_PNG,
    "DICOM with spacing": np.diag([-0.14, -0.2, 1.0, 1.0]),
    "flipped": np.diag([0.3, 0.2, 1.0, 1.0]),
    "mirrored": np.diag([0.3, -0.2, 1.0, 1.0]),
    "rotated": np.array(
        [[-0.2 * np.cos(TURN), 0.3 * np.sin(TURN), 0, 7], [-0.2 * np.sin(TURN), -0.3 * np.cos(TURN), 0, -9],
         [0, 0, 1.5, 4], [0, 0, 0, 1]]
    ),
    "a quarter turn": np.array([[0, -0.2, 0, 1], [0.3, 0, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]], float),
    "coronal": np.array([[-0.2, 0, 0, 1], [0, 0, 1, 2], [0, -0.3, 0, 3], [0, 0, 0, 1]]),
}  # fmt: skip


@pytest.fixture
def slicer_app():
    return slicer_scene()


@pytest.fixture
def scene(slicer_app):
    return slicer_app.scene


@pytest.fixture
def logic(scene):
    return BoneAgeLogic(scene)


def some_pixels(rows=120, columns=100, seed=0):
    return np.random.default_rng(seed).integers(0, 255, (1, rows, columns), np.uint8)


def a_hand(grid):
    """Return an outline that no flip or turn maps onto itself."""
    hand = np.zeros((grid.rows, grid.columns), bool)
    hand[10:60, 20:45] = True
    hand[40:70, 30:90] = True
    hand[11, 21] = False
    return hand


def shown_case(logic, scene, ijk_to_ras=AS_PNG, seed=0, image_id="one", **changes):
    volume = a_volume(scene, some_pixels(seed=seed), ijk_to_ras)
    logic.bind(volume, image_id, SERVER)
    grid = volumes.grid_of_volume(volume)
    answer = an_answer(volume, grid, image_id, a_hand(grid), BOX, **changes)
    logic.show(volume, answer, SERVER)
    return volume, grid, answer


@pytest.mark.parametrize("name", GEOMETRIES)
def test_box_and_outline_come_back_on_the_same_pixels(logic, scene, name):
    volume, grid, _ = shown_case(logic, scene, GEOMETRIES[name])
    assert logic.hand_box(volume) == HandBox(**BOX)
    assert np.array_equal(logic.mask(volume), a_hand(grid))
    sent = mask_voxels(logic.mask_nrrd(volume), volumes.voxels_of(volume).shape)
    assert np.array_equal(grid.picture_of(sent), a_hand(grid))
    changes = logic.changes(volume, EXPERT)
    assert not changes.box_moved and not changes.outline_edited


@pytest.mark.parametrize("name", GEOMETRIES)
def test_what_is_drawn_in_slicer_comes_back_on_the_same_pixels(logic, scene, name):
    """As the Segment Editor does it: an effect replaces the segment's labelmap in part of its extent."""
    volume, grid, _ = shown_case(logic, scene, GEOMETRIES[name])
    drawn = a_hand(grid)
    drawn[80:100, 5:25] = True
    drawn[10:20, 20:45] = False
    findings.show_outline(scene, volume, grid.voxels_of(drawn))
    assert np.array_equal(logic.mask(volume), drawn)
    changes = logic.changes(volume, EXPERT)
    assert (changes.added_px, changes.removed_px) == (20 * 20, 10 * 25 - 1) and not changes.box_moved
    assert np.array_equal(grid.picture_of(mask_voxels(changes.mask_nrrd, volumes.voxels_of(volume).shape)), drawn)


@pytest.mark.parametrize("name", GEOMETRIES)
def test_a_pixel_marked_in_space_is_the_pixel_of_the_picture_there(logic, scene, name):
    volume, grid, _ = shown_case(logic, scene, GEOMETRIES[name])
    roi = logic.nodes(volume).roi
    centre = [0.0] * 3
    roi.GetCenterWorld(centre)
    middle = np.linalg.inv(grid.geometry.matrix @ grid.picture_to_ijk) @ [*centre, 1.0]
    assert middle[:2] == pytest.approx([(20 + 90.5) / 2 - 0.5, (10 + 100) / 2 - 0.5])


def test_a_moved_box_is_seen_in_pixels_and_one_moved_by_a_breath_is_not(logic, scene):
    volume, *_ = shown_case(logic, scene, GEOMETRIES["rotated"])
    roi = logic.nodes(volume).roi
    width, height, depth = roi.GetSize()
    roi.SetSize(width + 2 * 0.2 * 3, height, depth)
    changes = logic.changes(volume, EXPERT)
    assert changes.moved_px == pytest.approx(3, abs=0.01) and changes.hand_box.left == pytest.approx(17, abs=0.01)
    roi.SetSize(width + 0.01, height, depth)
    assert not logic.changes(volume, EXPERT).box_moved


def test_a_segmentation_on_a_finer_grid_than_the_radiograph_is_brought_back_to_it(logic, scene):
    volume, grid, _ = shown_case(logic, scene)
    segmentation = logic.nodes(volume).segmentation
    fine = slicer.vtkOrientedImageData()
    fine.SetDimensions(200, 240, 1)
    fine.SetImageToWorldMatrix(slicer.util.vtkMatrixFromArray(AS_PNG @ np.array(
        [[0.5, 0, 0, -0.25], [0, 0.5, 0, -0.25], [0, 0, 1, 0], [0, 0, 0, 1]])))  # fmt: skip
    fine.AllocateScalars(3, 1)
    doubled = np.repeat(np.repeat(a_hand(grid), 2, 0), 2, 1)
    from vtk.util import numpy_support

    numpy_support.vtk_to_numpy(fine.GetPointData().GetScalars())[:] = doubled.ravel()
    segments = segmentation.GetSegmentation()
    segments.RemoveSegment("hand")
    segmentation.AddSegmentFromBinaryLabelmapRepresentation(fine, "hand")
    assert np.array_equal(logic.mask(volume), a_hand(grid))


def test_an_erased_outline_is_asked_about_and_never_sent_as_found(logic, scene):
    volume, grid, _ = shown_case(logic, scene)
    findings.show_outline(scene, volume, grid.voxels_of(np.zeros((grid.rows, grid.columns), bool)))
    with pytest.raises(ClientError, match="erased"):
        logic.changes(volume, EXPERT)
    assert logic.changes(volume, ExpertInput("R1", rejected_because="no hand")).mask_nrrd is None


def test_an_answer_about_another_radiograph_is_attached_to_none(logic, scene):
    _, _, answer = shown_case(logic, scene)
    other = a_volume(scene, some_pixels(seed=1))
    for image_id, server in (("two", SERVER), ("one", "http://other:80")):
        logic.bind(other, image_id, server)
        with pytest.raises(ClientError) as caught:
            logic.show(other, answer, SERVER)
        assert caught.value.kind == ErrorKind.WRONG_IMAGE
    assert logic.nodes(other).roi is None and logic.assessment(other) is None


def test_a_volume_whose_pixels_were_replaced_is_no_longer_the_servers_radiograph(logic, scene):
    volume, _, answer = shown_case(logic, scene)
    token = logic.slice_uid_token(volume)
    slicer.util.updateVolumeFromArray(volume, some_pixels(seed=9))
    assert logic.image_id_of(volume, SERVER) is None and logic.slice_uid_token(volume) != token
    with pytest.raises(ClientError) as caught:
        logic.show(volume, answer, SERVER)
    assert caught.value.kind == ErrorKind.WRONG_IMAGE


def test_box_and_outline_of_an_earlier_radiograph_in_the_same_node_are_not_taken_for_the_next_ones(logic, scene):
    volume, grid, _ = shown_case(logic, scene)
    earlier = logic.nodes(volume)
    slicer.util.updateVolumeFromArray(volume, some_pixels(seed=9))
    logic.bind(volume, "two", SERVER)
    assert logic.hand_box(volume) is None and logic.mask(volume) is None and logic.assessment(volume) is None
    assert earlier.roi.GetScene() is scene and not earlier.roi.GetDisplayVisibility()
    assert "earlier" in earlier.segmentation.GetName()
    logic.show(volume, an_answer(volume, grid, "two", ~a_hand(grid), BOX), SERVER)
    assert np.array_equal(logic.mask(volume), ~a_hand(grid)) and logic.nodes(volume).roi is not earlier.roi


def test_a_volume_that_was_changed_while_it_was_sent_is_not_bound_to_what_was_sent(logic, scene):
    volume = a_volume(scene, some_pixels())
    logic.outgoing(volume)
    slicer.util.updateVolumeFromArray(volume, some_pixels(seed=9))
    with pytest.raises(ClientError, match="while it was sent"):
        logic.bind(volume, "one", SERVER)
    assert logic.image_id_of(volume, SERVER) is None
    logic.outgoing(volume)
    logic.bind(volume, "two", SERVER)
    assert logic.image_id_of(volume, SERVER) == "two"


def test_every_node_of_a_finding_names_radiograph_and_server(logic, scene):
    volume, *_ = shown_case(logic, scene)
    nodes = findings.belonging(scene, volume)
    assert len(nodes) == 5
    marks = {(node.GetAttribute(volumes.IMAGE_ID), node.GetAttribute(volumes.SERVER)) for node in nodes}
    assert marks == {("one", SERVER)}


def test_a_radiograph_under_a_transform_keeps_its_box_and_outline(logic, scene):
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(GEOMETRIES["rotated"]))
    volume, grid, answer = shown_case(logic, scene)
    volume.SetAndObserveTransformNodeID(transform.GetID())
    logic.show(volume, answer, SERVER)
    assert logic.nodes(volume).roi.GetTransformNodeID() == transform.GetID()
    assert logic.hand_box(volume) == HandBox(**BOX) and np.array_equal(logic.mask(volume), a_hand(grid))


def test_findings_are_found_again_after_the_scene_was_saved_and_opened(logic, scene, tmp_path):
    shown_case(logic, scene)
    scene.SetURL(str(tmp_path / "scene.mrml"))
    assert scene.Commit()
    again = slicer_scene().scene
    again.SetURL(str(tmp_path / "scene.mrml"))
    assert again.Connect()
    reopened = again.GetFirstNodeByName("radiograph")
    slicer.util.updateVolumeFromArray(reopened, some_pixels())
    nodes = BoneAgeLogic(again).nodes(reopened)
    assert nodes.roi is not None and nodes.segmentation is not None and nodes.table is not None
    assert BoneAgeLogic(again).image_id_of(reopened, SERVER) == "one"


def test_after_the_scene_was_closed_the_next_case_is_shown_like_the_first(logic, scene):
    shown_case(logic, scene)
    scene.Clear(False)
    volume, grid, _ = shown_case(logic, scene, seed=3, image_id="three")
    assert np.array_equal(logic.mask(volume), a_hand(grid)) and logic.nodes(volume).folder_item != 0


def test_an_answer_of_another_size_is_refused(logic, scene):
    volume, grid, answer = shown_case(logic, scene)
    squeezed = nrrd_of(np.ones((1, 60, 50), np.uint8), volumes.geometry_of(volume))
    with pytest.raises(ClientError) as caught:
        logic.show(volume, Assessed(answer.assessment, squeezed), SERVER)
    assert caught.value.kind == ErrorKind.WRONG_IMAGE
    assert np.array_equal(logic.mask(volume), a_hand(grid))


def test_after_an_update_the_correction_is_still_measured_against_what_the_models_found(logic, scene):
    volume, grid, _ = shown_case(logic, scene)
    moved = {**BOX, "left": 40.0}
    again = an_answer(volume, grid, "one", a_hand(grid), moved, task="bone_age_regressor")
    logic.show(volume, again, SERVER)
    changes = logic.changes(volume, EXPERT)
    assert changes.hand_box == HandBox(**moved) and changes.moved_px == 20
    assert logic.assessment(volume).task == "bone_age_regressor"


def test_an_update_can_leave_the_experts_hand_as_it_is(logic, scene):
    volume, grid, answer = shown_case(logic, scene)
    drawn = ~a_hand(grid)
    findings.show_outline(scene, volume, grid.voxels_of(drawn))
    logic.show(volume, answer, SERVER, keep_hand=True)
    assert np.array_equal(logic.mask(volume), drawn)


def test_removing_a_case_leaves_everything_else(logic, scene):
    mine = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "mine")
    before = scene.GetNumberOfNodes()
    first, *_ = shown_case(logic, scene)
    second, grid, _ = shown_case(logic, scene, seed=1, image_id="two")
    logic.remove_case(first)
    assert first.GetScene() is scene and mine.GetScene() is scene
    assert logic.nodes(first).roi is None and logic.assessment(first) is None
    assert np.array_equal(logic.mask(second), a_hand(grid))
    logic.remove_case(first, with_volume=True)
    logic.remove_case(second, with_volume=True)
    assert scene.GetNumberOfNodes() == before and mine.GetScene() is scene


def test_the_findings_of_a_case_lie_in_one_folder_that_goes_with_them(logic, scene):
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    volume, *_ = shown_case(logic, scene)
    nodes = logic.nodes(volume)
    items = [hierarchy.GetItemByDataNode(node) for node in (nodes.roi, nodes.segmentation, nodes.table)]
    assert {hierarchy.GetItemParent(item) for item in items} == {nodes.folder_item} != {0}
    again = an_answer(volume, volumes.grid_of_volume(volume), "one", a_hand(volumes.grid_of_volume(volume)), BOX)
    assert logic.show(volume, again, SERVER).folder_item == nodes.folder_item
    own = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "of the person")
    hierarchy.CreateItem(nodes.folder_item, own)
    logic.remove_case(volume)
    assert own.GetScene() is scene and hierarchy.GetItemParent(hierarchy.GetItemByDataNode(own)) == nodes.folder_item


def test_the_distribution_is_a_table_and_a_chart_with_a_curve_for_each_sex(logic, scene):
    volume, _, answer = shown_case(logic, scene)
    nodes = logic.nodes(volume)
    [estimate] = answer.assessment.estimates
    months, values = (slicer.util.arrayFromTableColumn(nodes.table, name) for name in ("month", "female"))
    assert tuple(values) == estimate.distribution and list(months[[0, -1]]) == [0, 239]
    assert nodes.chart.GetNumberOfPlotSeriesNodes() == 1
    low, high = nodes.chart.GetXAxisRange()
    assert low < estimate.lower_90_months < estimate.upper_90_months < high


def test_one_segment_for_each_reader_of_a_finished_case(logic, scene):
    volume, grid, answer = shown_case(logic, scene)
    readings = [
        Reading("aa", "R1", "final", 126.0, None, "female", "", "", {}, None, True),
        Reading("bb", "R2", "draft", None, None, None, "", "dark", {}, None, True),
        Reading("cc", "R3", "final", 120.0, None, "female", "", "", {}, None, False),
    ]
    masks = {"aa": answer.mask_nrrd, "bb": nrrd_of(grid.voxels_of(~a_hand(grid)).astype(np.uint8), grid.geometry)}
    node = logic.show_readings(volume, readings, masks)
    segments = node.GetSegmentation()
    names = [segments.GetSegment(segment).GetName() for segment in segments.GetSegmentIDs()]
    assert names == ["R1: 10 years 6 months (final)", "R2 (draft)"]
    assert np.array_equal(grid.picture_of(findings.outline_of(node, volume, "bb")), ~a_hand(grid))
    assert np.array_equal(grid.picture_of(findings.outline_of(node, volume, "aa")), a_hand(grid))
    assert np.array_equal(logic.mask(volume), a_hand(grid))


def test_where_no_hand_was_found_a_box_can_be_drawn_and_is_sent_as_drawn(logic, scene):
    volume = a_volume(scene, some_pixels(), GEOMETRIES["flipped"])
    logic.draw_box(volume)
    changes = logic.changes(volume, EXPERT)
    assert changes.hand_box == HandBox(12.5, 15.0, 87.5, 105.0) and changes.moved_px is None
    assert "Hand box: drawn" in summary(changes, None)


def test_what_will_be_sent_is_said_in_words_and_sent_with_what_it_was_based_on(logic, scene):
    volume, grid, answer = shown_case(logic, scene)
    drawn = a_hand(grid)
    drawn[80:90, 0:10] = True
    findings.show_outline(scene, volume, grid.voxels_of(drawn))
    expert = ExpertInput(" R1 ", months_of(10, 6), "female", comment="thumb cut off ")
    changes = logic.changes(volume, expert)
    sent = submission(changes, SERVER, "one", answer.assessment)
    assert sent.summary.splitlines() == [
        "Final reading by R1",
        "Bone age (female): 10 years 6 months (126 months); the models found 10 years 1 month",
        "Hand box: as found",
        "Outline: 100 pixels added, 0 removed",
        "Comment: thumb cut off",
    ]
    assert len(sent.id) == 32 and set(sent.params) == {"reader", "bone_age_months", "sex", "comment", "based_on"}
    assert sent.params["based_on"]["bone_age_regressor"] == answer.assessment.model_versions["bone_age_regressor"]
    assert sent.params["based_on"]["found_months_female"] == "120.89"
    assert submission(changes, SERVER, "one", None, id=sent.id).id == sent.id


@pytest.mark.parametrize(
    ("expert", "words"),
    [
        (ExpertInput(""), "reader"),
        (ExpertInput("R" * 65), "reader"),
        (ExpertInput("R1", 230.0, "female"), "0 to 19 years"),
        (ExpertInput("R1", -1.0, "female"), "0 to 19 years"),
        (ExpertInput("R1", 120.0), "sex"),
        (ExpertInput("R1", 120.0, "male", rejected_because="dark"), "reject"),
        (ExpertInput("R1", comment="x" * 4001), "4000"),
    ],
)
def test_what_the_server_would_refuse_is_said_before_it_is_put_into_the_outbox(logic, scene, expert, words):
    volume, *_ = shown_case(logic, scene)
    with pytest.raises(ClientError, match=words) as caught:
        submission(logic.changes(volume, expert), SERVER, "one", None)
    assert caught.value.kind == ErrorKind.INVALID


def test_a_correction_that_says_nothing_is_not_sent(logic, scene):
    volume, *_ = shown_case(logic, scene)
    with pytest.raises(ClientError, match="Nothing was changed"):
        submission(logic.changes(volume, EXPERT), SERVER, "one", None)


@pytest.mark.parametrize(
    ("months", "words"), [(0, "0 years 0 months"), (13, "1 year 1 month"), (119.6, "10 years 0 months")]
)
def test_ages_are_said_in_years_and_months(months, words):
    assert years_and_months(months) == words


# What is sent


def test_the_same_picture_has_the_same_name_and_any_other_another(logic, scene):
    names = {
        logic.outgoing(a_volume(scene, some_pixels(seed=seed), matrix)).name
        for seed, matrix in ((0, AS_PNG), (0, AS_PNG), (1, AS_PNG), (0, GEOMETRIES["DICOM with spacing"]))
    }
    assert len(names) == 3 and all(name.startswith("sha256-") and len(name) == 71 for name in names)


def test_no_name_of_a_node_is_sent(logic, scene):
    outgoing = logic.outgoing(a_volume(scene, some_pixels(), name="Doe^Jane 2010-01-01"))
    assert "Jane" not in outgoing.file_name and b"Jane" not in outgoing.content


def test_a_colour_volume_of_a_grey_picture_is_sent_as_grey(logic, scene):
    grey = some_pixels()
    outgoing = logic.outgoing(a_volume(scene, np.repeat(grey[..., None], 3, axis=-1)))
    assert outgoing.pixels_sha256 == logic.outgoing(a_volume(scene, grey)).pixels_sha256


@pytest.mark.parametrize("voxels", [np.zeros((2, 100, 100), np.uint8), np.zeros((1, 20, 100), np.uint8)])
def test_what_is_no_radiograph_is_not_sent(logic, scene, voxels):
    with pytest.raises(ClientError) as caught:
        logic.outgoing(a_volume(scene, voxels))
    assert caught.value.kind == ErrorKind.UNSUITABLE


def test_no_volume_or_one_without_pixels_is_said(logic, scene):
    for volume in (None, scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")):
        with pytest.raises(ClientError, match="No radiograph is shown"):
            logic.outgoing(volume)


def a_dicom_volume(scene, tmp_path, pixels=None, **elements):
    pixels = some_pixels()[0] if pixels is None else pixels
    file = tmp_path / "a.dcm"
    file.write_bytes(a_dicom(pixels, **elements))
    volume = a_volume(scene, pixels[None], np.diag([-0.4, -0.4, 1, 1]))
    volume.SetAttribute("DICOM.instanceUIDs", "1.2.3.4.5")
    return volume, BoneAgeLogic(scene, DicomDatabase({"1.2.3.4.5": file})), file


def test_of_a_dicom_radiograph_its_own_file_is_sent_with_sex_and_age(scene, tmp_path):
    volume, logic, file = a_dicom_volume(scene, tmp_path)
    outgoing = logic.outgoing(volume)
    assert outgoing.content == file.read_bytes() and outgoing.from_dicom and outgoing.file_name.endswith(".dcm")
    assert outgoing.sex == "female" and outgoing.chronological_age_months == pytest.approx(126, abs=0.1)
    assert volumes.grid_of_volume(volume).picture_to_ijk == pytest.approx(np.eye(4))


def test_a_dicom_radiograph_that_was_changed_in_slicer_is_sent_as_it_is_shown(scene, tmp_path):
    volume, logic, _ = a_dicom_volume(scene, tmp_path)
    slicer.util.updateVolumeFromArray(volume, np.ascontiguousarray(some_pixels()[:, ::-1]))
    outgoing = logic.outgoing(volume)
    assert not outgoing.from_dicom and "differs" in outgoing.warnings[0] and outgoing.sex == "female"


def test_a_dicom_instance_has_one_name_whatever_slicer_makes_of_its_spacing_and_grey(scene, tmp_path):
    volume, logic, file = a_dicom_volume(scene, tmp_path, PhotometricInterpretation="MONOCHROME1")
    name = logic.outgoing(volume).name
    slicer.util.updateVolumeFromArray(volume, 255 - some_pixels())
    volume.SetSpacing(1, 1, 1)
    assert logic.outgoing(volume).name == name
    file.write_bytes(a_dicom(some_pixels()[0], PhotometricInterpretation="MONOCHROME1", PatientName="Corrected"))
    assert logic.outgoing(volume).name == name and logic.outgoing(volume).file_name == f"{name}.dcm"


def test_a_negative_is_sent_as_its_own_file_whether_or_not_slicer_has_turned_it(scene, tmp_path):
    volume, logic, file = a_dicom_volume(scene, tmp_path, PhotometricInterpretation="MONOCHROME1")
    for shown in (some_pixels(), 255 - some_pixels()):  # releases of ITK differ
        slicer.util.updateVolumeFromArray(volume, shown)
        assert logic.outgoing(volume).content == file.read_bytes()
    assert is_left_negative(file.read_bytes(), some_pixels()) and not is_left_negative(
        file.read_bytes(), 255 - some_pixels()
    )


def test_two_children_with_the_same_pixels_are_two_radiographs(scene, tmp_path):
    first, logic, file = a_dicom_volume(scene, tmp_path)
    second = a_volume(scene, some_pixels(), np.diag([-0.4, -0.4, 1, 1]))
    other = tmp_path / "b.dcm"
    other.write_bytes(a_dicom(some_pixels()[0], SOPInstanceUID="1.2.3.4.6"))
    second.SetAttribute("DICOM.instanceUIDs", "1.2.3.4.6")
    logic = BoneAgeLogic(scene, DicomDatabase({"1.2.3.4.5": file, "1.2.3.4.6": other}))
    assert logic.outgoing(first).name != logic.outgoing(second).name


@pytest.mark.parametrize(
    ("elements", "sex", "months"),
    [
        ({"PatientSex": "M"}, "male", 126),
        ({"PatientSex": "O"}, None, 126),
        ({"PatientSex": ""}, None, 126),
        ({"AcquisitionDate": "20200102"}, "female", 120),
        ({"PatientBirthDate": "", "PatientAge": "090M"}, "female", 90),
        ({"PatientBirthDate": "", "PatientAge": ""}, "female", None),
        ({"PatientBirthDate": "20210101"}, "female", None),
        ({"PatientBirthDate": "19500101"}, "female", None),
    ],
)
def test_sex_and_age_are_what_dicom_says_and_unknown_where_it_says_none(scene, tmp_path, elements, sex, months):
    volume, logic, _ = a_dicom_volume(scene, tmp_path, **elements)
    facts = logic.dicom_facts(volume)
    assert facts.sex == sex
    assert facts.chronological_age_months == (None if months is None else pytest.approx(months, abs=0.1))


def test_a_volume_without_dicom_says_nothing_of_the_child(logic, scene):
    facts = logic.dicom_facts(a_volume(scene, some_pixels()))
    assert (facts.sex, facts.chronological_age_months) == (None, None)


@pytest.mark.parametrize("name", ["14717.png", "5627.jpg"])
def test_a_fetched_radiograph_becomes_a_bound_volume_with_its_own_pixels(logic, scene, name):
    volume = logic.load_downloaded(Downloaded(name, (DATA / name).read_bytes()), "x-12345678", SERVER)
    rows, columns = grey_of(name).shape
    assert volumes.voxels_of(volume).shape == (1, rows, columns)
    assert np.abs(volumes.voxels_of(volume)[0].astype(int) - grey_of(name)).max() <= 2  # decoders of JPEG differ
    assert logic.image_id_of(volume, SERVER) == "x-12345678" and logic.image_id_of(volume, "http://other") is None


def test_a_fetched_file_that_cannot_be_read_is_said(logic, scene):
    before = scene.GetNumberOfNodes()
    with pytest.raises(ClientError) as caught:
        logic.load_downloaded(Downloaded("a.png", b"no picture"), "x", SERVER)
    assert caught.value.kind == ErrorKind.UNSUITABLE and scene.GetNumberOfNodes() == before
