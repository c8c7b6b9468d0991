"""Make pip install again whatever an interrupted installation left half done in the environment that runs this.

pip calls a package installed once its *.dist-info folder is there. Here a package counts only if every file of its
RECORD lies there in full; of any other the folder is removed, so that the next `pip install` completes it.
"""

import shutil
import sysconfig
from importlib.metadata import Distribution, distributions
from pathlib import Path


def is_whole(package: Distribution) -> bool:
    """Tell whether every file that the package's RECORD lists lies there in its full size."""
    if package.files is None:
        return False
    listed = [(Path(str(package.locate_file(file))), file.size) for file in package.files if file.suffix != ".pyc"]
    return all(path.is_file() and size in (None, path.stat().st_size) for path, size in listed)


if __name__ == "__main__":
    site_packages = sysconfig.get_path("purelib")
    for package in list(distributions(path=[site_packages])):
        folder = Path(str(package.locate_file("."))) / getattr(package, "_path", Path()).name
        if folder.suffix == ".dist-info" and not is_whole(package):
            print(f"{folder.name} is incomplete: it will be installed again.")
            shutil.rmtree(folder)
