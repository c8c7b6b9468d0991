"""`boneage models calibrate-locally` on drawn hands, with stand-ins for the networks only."""

import json

import fake_models
import pytest
import tiny_models
from fake_models import NO_HAND_COLUMNS, a_png

from boneage import cli
from boneage.corrections import CorrectionStore
from boneage.models import check_bundle
from boneage.registry import Action, Entry, history, promote
from boneage.study_files import image_id_of
from boneage.training.publish import publish
from boneage.types import Correction, CorrectionStatus, Sex

CHILDREN = 120


@pytest.fixture
def models(tmp_path, monkeypatch):
    """Publish three tiny models; the age that they see is the number of columns."""
    tiny_models.install(monkeypatch)
    fake_models.install(monkeypatch)
    return tiny_models.publish_all(tmp_path / "models", "1.0.0")


@pytest.fixture
def run(models, capsys):
    """Return a function that runs a command on these models and gives (exit status, stdout, stderr)."""

    def command(*arguments):
        status = cli.main(["models", *map(str, arguments), "--models", str(models)])
        return status, *capsys.readouterr()

    return command


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """Make a folder of radiographs, of girls and boys in turn."""
    folder = tmp_path_factory.mktemp("studies")
    for i in range(CHILDREN):
        a_png(folder / "wards" / f"{i}.png", columns=70 + i, rows=80)
    return folder


def read_age(i, girls):
    """Return what an expert reads: the age with a wobble, the girls older."""
    return 70 + i + (i * 7 % 11 - 5) + (0 if i % 2 else girls)


def a_table(studies, girls=10, more=(), count=CHILDREN):
    sexes = ("female", "male")
    rows = [f"wards/{i}.png,{read_age(i, girls)},{sexes[i % 2]}" for i in range(count)]
    (studies / "ages.csv").write_text("\n".join(["path,bone_age_months,sex", *rows, *more]) + "\n")
    return studies / "ages.csv"


def test_a_population_that_is_read_older_gets_a_calibration_that_the_registry_tells_of(run, models, studies):
    status, out, _ = run("calibrate-locally", "--table", a_table(studies), "--by", "R1")
    assert status == 0
    assert "120 ages (60 female, 60 male)." in out
    assert "from 120 ages is in force, for regressor 1.0.0." in out
    [entry] = history(models)
    assert (entry.model, entry.version, entry.started_by, entry.action.value) == (
        "local_calibration",
        "1",
        "R1",
        "promoted",
    )
    assert entry.figures["better"]["candidate"] < entry.figures["better"]["live"]
    assert entry.figures["coverage_90"] > 0
    assert "In force: local calibration of" in run("list")[1]


def test_a_population_like_the_models_own_is_refused_and_the_refusal_is_kept(run, models, studies):
    status, out, _ = run("calibrate-locally", "--table", a_table(studies, girls=0))
    assert status == 1
    assert "Not significantly better." in out and "does not go live" in out
    assert [one.action.value for one in history(models)] == ["refused"]
    assert "local calibration" not in run("list")[1]


def test_a_dry_run_compares_and_writes_nothing(run, models, studies):
    status, out, _ = run("calibrate-locally", "--table", a_table(studies), "--dry-run")
    assert status == 0 and "would go live" in out
    assert history(models) == []


def test_it_is_taken_back_and_the_next_one_has_another_number(run, models, studies):
    run("calibrate-locally", "--table", a_table(studies))
    assert run("rollback", "local_calibration", "--because", "Odd.")[0] == 0
    assert "In force" not in run("list")[1]
    assert run("rollback", "local_calibration")[0] == 2
    run("calibrate-locally", "--table", a_table(studies))
    assert [one.version for one in history(models)] == ["1", "none", "2"]
    assert "rolled back by" in run("history")[1]


def test_too_few_ages_are_refused_with_how_many_there_are(run, models, studies):
    status, _, err = run("calibrate-locally", "--table", a_table(studies, count=99))
    assert status == 2
    assert "at least 100 radiographs" in err and "got 99" in err
    assert history(models) == []


def test_rows_and_radiographs_that_cannot_be_used_are_left_out_and_told(run, studies):
    a_png(studies / "none.png", columns=NO_HAND_COLUMNS)
    bad = ["wards/0.png,60,male", "wards/1.png,ten,male", "gone.png,60,male", "none.png,60,male", "wards/2.png,60,girl"]
    table = a_table(studies, more=[bad[0], bad[3], bad[2]])
    table.write_text(table.read_text() + bad[1] + "\n" + bad[4] + "\n")
    status, out, err = run("calibrate-locally", "--table", table)
    assert status == 0
    assert "120 ages" in out and "1 no_hand" in out and "3 invalid_input" in out and "1 unreadable" in out
    assert "Row 122 is left out: It names a file that an earlier row names." in err
    assert "Expected bone_age_months from 0 to 228; got 'ten'." in err


@pytest.fixture
def store(studies):
    """Keep the experts' ages as corrections; two readers, some drafts, one of a radiograph that is gone."""
    store = CorrectionStore.in_folder(studies)
    if not store.history():
        for i in range(CHILDREN):
            image_id = image_id_of((studies / "wards" / f"{i}.png").relative_to(studies))
            sex = (Sex.FEMALE, Sex.MALE)[i % 2]
            for reader, more in (("R1", 10), ("R2", 20)):
                store.add(Correction(image_id, reader, bone_age_months=read_age(i, 10) + more - 10, sex=sex))
            store.add(Correction(image_id, "R3", CorrectionStatus.DRAFT, bone_age_months=1.0, sex=sex))
        store.add(Correction("gone-0123", "R1", bone_age_months=100.0, sex=Sex.MALE))
    yield studies
    store.close()


@pytest.mark.parametrize(("ages", "boys"), [("latest", 10.0), ("consensus", 5.0)])
def test_ages_come_from_the_corrections_the_latest_or_the_median_of_the_readers(run, models, store, ages, boys):
    status, out, _ = run("calibrate-locally", "--store", store, "--ages", ages)
    assert status == 0
    assert "left out: 1 unknown_image" in out
    adjustments = history(models)[0].figures["calibration"]["adjustments"]
    assert adjustments["male"]["offset_months"] == pytest.approx(boys, abs=1.0)
    assert adjustments["female"]["offset_months"] == pytest.approx(boys + 10, abs=1.0)


def test_the_experts_ages_must_be_named_once(run, studies):
    assert run("calibrate-locally")[0] == 2
    assert run("calibrate-locally", "--table", a_table(studies), "--store", studies)[0] == 2
    status, _, err = run("calibrate-locally", "--store", "sqlite:///x.db")
    assert status == 2 and "--studies" in err


def test_a_patients_radiographs_may_be_named_in_the_table(run, studies):
    rows = [f"wards/{i}.png;{read_age(i, 10)};{'FM'[i % 2]};P{i % 9}" for i in range(CHILDREN)]
    (studies / "patients.csv").write_text("\n".join(["path;bone_age_months;sex;patient", *rows]))
    status, _, err = run("calibrate-locally", "--table", studies / "patients.csv")
    assert status == 2 and "got 120 of 9" in err


def test_nothing_of_the_table_but_numbers_is_kept(run, models, studies):
    run("calibrate-locally", "--table", a_table(studies))
    kept = "".join(path.read_text() for path in (models / "registry").rglob("*.json*"))
    assert "wards" not in kept and json.loads((models / "registry/history.jsonl").read_text().strip())["data"]


def test_rolling_the_regressor_back_says_that_the_calibration_is_not_in_force_any_more(run, models, studies, tmp_path):
    weights = tiny_models.write_weights(tmp_path / "new.safetensors", 0.25)
    bundle = publish("bone_age_regressor", weights, "2.0.0", {}, {}, tmp_path / "others")
    sha256 = check_bundle("bone_age_regressor", bundle).sha256
    promote(bundle, models, Entry(Action.PROMOTED, "bone_age_regressor", "", "2.0.0", sha256, "", "a test"))
    assert "for regressor 2.0.0." in run("calibrate-locally", "--table", a_table(studies))[1]
    status, out, err = run("rollback", "bone_age_regressor")
    assert (status, out) == (0, "bone_age_regressor 1.0.0 is live again.\n")
    assert "fitted for regressor 2.0.0 and is not in force with 1.0.0" in err
    assert "not in force" in run("list")[1]
