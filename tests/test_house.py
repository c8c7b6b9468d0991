"""What holds for the project as a whole: its files, its documents, its size."""

import re
import subprocess
from pathlib import Path

import pytest

import boneage

ROOT = Path(__file__).parents[1]
LARGEST_MODELS = 90_000_000  # bytes
# Written in two parts, so that this file passes its own test.
FOREIGN = re.compile("|".join([r"pypi\." + "org", r"python" + r"hosted\.org", r"debian\." + "org", r"npm" + r"js\."]))
HOME_PATH = re.compile(r"(?<![\w.}])/(work|root|home/\w+)" + "/")


def project_files() -> list[Path]:
    """Return the files under version control, and those that would be added."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("pattern", [FOREIGN, HOME_PATH], ids=["package registry", "path of one machine"])
def test_no_file_names_a(pattern):
    found = {}
    for path in project_files():
        content = path.read_bytes()
        if b"\0" not in content and (match := pattern.search(content.decode("utf-8", "replace"))):
            found[str(path.relative_to(ROOT))] = match.group()
    assert not found


def test_every_make_command_in_the_documents_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    documents = [ROOT / name for name in ("README.md", "CONTRIBUTING.md") if (ROOT / name).exists()]
    named = {target for path in documents for target in re.findall(r"(?:`|^\s*)make ([a-z]+)", path.read_text(), re.M)}
    assert named <= targets


def test_the_models_stay_small_enough_for_a_checkout():
    sizes = {path: path.stat().st_size for path in (ROOT / "models").rglob("*") if path.is_file()}
    assert sum(sizes.values()) < LARGEST_MODELS, sizes


def test_the_changelog_tells_of_the_present_version():
    assert f"## [{boneage.__version__}]" in (ROOT / "CHANGELOG.md").read_text()
