"""The module as 3D Slicer finds it: what it is called, and where its parts are."""

from __future__ import annotations

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModule

from BoneAgeLib.sample import register_sample
from BoneAgeLib.selftest import BoneAgeTest  # noqa: F401 - Slicer looks for it here
from BoneAgeLib.widget import BoneAgePanel

HELP = """
Shows a child's bone age on a hand radiograph, with the hand's box and outline, as a bone age server finds them; what an
expert corrects is sent back and can make the models better.
<p>Connect to the server, show a radiograph, press <b>Assess</b>; correct, <b>Submit</b>, take the <b>Next</b>.
The steps with pictures, and what is sent to the server, stand in the README of the extension.
<p><b>Not a medical device.</b> For research and education; not validated for any clinical use.
"""
ACKNOWLEDGEMENT = """
Licence: AGPL-3.0-or-later. Built on MONAI Label and 3D Slicer. The sample radiograph and the models come from the RSNA
Pediatric Bone Age Challenge: Halabi SS et al., Radiology 2019;290(2):498-503; research and education only.
"""


class BoneAge(ScriptedLoadableModule):
    """Title, category, help."""

    def __init__(self, parent) -> None:
        super().__init__(parent)
        parent.title = "Bone Age"
        parent.categories = ["Active Learning"]
        parent.dependencies = ["Segmentations", "Markups", "SubjectHierarchy"]
        parent.contributors = ["The boneage project"]
        parent.helpText = HELP
        parent.acknowledgementText = ACKNOWLEDGEMENT
        slicer.app.connect("startupCompleted()", register_sample)


class BoneAgeWidget(BoneAgePanel):
    """The panel; Slicer finds it by this name."""
