"""The sample radiograph in Slicer's Sample Data module."""

from __future__ import annotations

from pathlib import Path

MODULE = Path(__file__).parents[1]
NAME = "Hand of a girl"
FILE = "14717.png"
PLACES = (  # installed or built; from a checkout
    MODULE / "Resources" / "SampleData" / "BoneAge",
    MODULE.parents[1] / "tests" / "data",
)


def sample_file() -> Path | None:
    """Return the radiograph that comes with the extension; None where it was left out."""
    return next((place / FILE for place in PLACES if (place / FILE).is_file()), None)


def register_sample() -> None:
    """Offer the sample in the Sample Data module; nothing is fetched from a network."""
    import SampleData

    path = sample_file()
    if path is None:
        return
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="Bone Age",
        sampleName=NAME,
        uris=path.as_uri(),
        fileNames=FILE,
        nodeNames=NAME,
        thumbnailFileName=str(MODULE / "Resources" / "Icons" / "BoneAge.png"),
        customDownloader=_load_and_show,
    )


def load_sample():
    """Load the sample radiograph from where it lies and return its volume; a picture is a volume of its own."""
    import slicer

    return slicer.util.loadVolume(str(sample_file()), {"singleFile": True, "name": NAME})


def _load_and_show(source) -> object:
    import slicer

    volume = load_sample()
    slicer.util.setSliceViewerLayers(background=volume, fit=True)
    return volume
