"""How common each bone age is among those trained on."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from boneage.networks import MONTHS


def frequencies(bone_ages_months: np.ndarray, near_sd_months: float) -> np.ndarray:
    """Return (240,) how many of (n,) bone ages lie in each month; those a few months off count in part."""
    counts = np.bincount(bone_ages_months.astype(int), minlength=MONTHS)
    return gaussian_filter1d(counts.astype(float), near_sd_months)
