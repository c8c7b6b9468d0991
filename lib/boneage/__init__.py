"""Bone age assessment in children from a hand radiograph.

The light nouns and errors only; heavy libraries are imported by the rooms that need them.
"""

from boneage.errors import BoneAgeError
from boneage.types import Assessment, BoneAge, HandBox, HandPose, Radiograph, Sex

__version__ = "0.1.0"

__all__ = ["Assessment", "BoneAge", "BoneAgeError", "HandBox", "HandPose", "Radiograph", "Sex", "__version__"]
