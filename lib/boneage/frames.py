"""The upright views that the segmenter and the regressor look at."""

from __future__ import annotations

from boneage.geometry import HandFrame

# From above the finger tips to one hand length below the capitate: the forearm belongs to the outline.
OUTLINE_FRAME = HandFrame(192, 160, hand_length=0.444, capitate=(0.47, 0.555))

# Finger tips, thumb, carpus and the growth plates of radius and ulna fill the view. The size here is the one
# that the regressor is trained to end with.
AGE_FRAME = HandFrame(416, 319, hand_length=0.67, capitate=(0.46, 0.745))
