"""From stored DICOM values to what is shown: modality and VOI transformations, padding, polarity (PS3.3, C.11)."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset

from boneage.dicom_tags import numbers
from boneage.pixels import SHOWN_PERCENTILES, check_not_blank

LEAST_SHOWN_RANGE = 0.05
LEAST_SHOWN_SHARE = 0.02
"""A window is ignored if 98 % of the pixels lie within so small a part of the scale, or so few between its ends."""


def display_table(dataset: Dataset, bits: int, counts: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Work out what each stored value is shown as.

    Args:
        dataset: The DICOM data set.
        bits: Bits of a stored value.
        counts: (2 ** bits,) how often each bit pattern occurs.

    Returns:
        (2 ** bits,) float32, 0..1, bone bright as the file says, padding 0; and warnings.

    Raises:
        UnreadableRadiograph: If the picture is blank.
    """
    stored = _signed(np.arange(2**bits), bits) if dataset.PixelRepresentation else np.arange(2**bits)
    padding = _padding(dataset, stored)
    counts = np.where(padding, 0, counts) if counts[~padding].any() else counts
    check_not_blank(*_percentiles(stored, counts, (0.5, 99.5)))
    values = _modality_values(dataset, stored)
    shown, notes = _shown(dataset, values, counts)
    if _says_dark_is_high(dataset):
        shown = 1.0 - shown
    return np.where(padding, 0.0, shown).astype(np.float32), notes


def _signed(patterns: np.ndarray, bits: int) -> np.ndarray:
    return np.where(patterns >= 2 ** (bits - 1), patterns - 2**bits, patterns)


def _padding(dataset: Dataset, stored: np.ndarray) -> np.ndarray:
    """Mark the stored values that are padding (PS3.3, C.7.5.1.1.2)."""
    first = numbers(dataset, "PixelPaddingValue")
    last = numbers(dataset, "PixelPaddingRangeLimit") or first
    if not first or not last:
        return np.zeros(stored.shape, bool)
    return (stored >= min(first[0], last[0])) & (stored <= max(first[0], last[0]))


def _modality_values(dataset: Dataset, stored: np.ndarray) -> np.ndarray:
    if dataset.get("ModalityLUTSequence"):
        return _through_lut(stored, dataset.ModalityLUTSequence[0])
    slope = (numbers(dataset, "RescaleSlope") or [1.0])[0] or 1.0
    return stored * slope + (numbers(dataset, "RescaleIntercept") or [0.0])[0]


def _shown(dataset: Dataset, values: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Apply the file's first VOI LUT or window, else stretch the percentiles; 0..1 before any inversion."""
    asked = _asked_for(dataset, values)
    if asked is not None and _shows_something(asked, counts):
        return asked, ()
    low, high = _percentiles(values, counts, SHOWN_PERCENTILES)
    notes = () if asked is None else ("The file's window leaves the picture nearly blank and was ignored.",)
    return np.clip((values - low) / max(high - low, 1e-9), 0.0, 1.0), notes


def _asked_for(dataset: Dataset, values: np.ndarray) -> np.ndarray | None:
    if dataset.get("VOILUTSequence"):
        outputs = _through_lut(values, dataset.VOILUTSequence[0])
        return outputs / max(outputs.max(), 1.0)
    centres, widths = numbers(dataset, "WindowCenter"), numbers(dataset, "WindowWidth")
    if not centres or not widths:
        return None
    return _windowed(values, centres[0], widths[0], str(dataset.get("VOILUTFunction") or "LINEAR").strip())


def _windowed(values: np.ndarray, centre: float, width: float, function: str) -> np.ndarray:
    """Apply a window (PS3.3, C.11.2.1.2 and C.11.2.1.3); a width that the standard forbids gives a blank picture."""
    if function == "SIGMOID" and width > 0:
        return 1.0 / (1.0 + np.exp(np.clip(-4.0 * (values - centre) / width, -50.0, 50.0)))
    if function == "LINEAR":
        centre, width = centre - 0.5, width - 1.0
    if width <= 0:
        return np.zeros(values.shape)
    return np.clip((values - centre) / width + 0.5, 0.0, 1.0)


def _through_lut(values: np.ndarray, item: Dataset) -> np.ndarray:
    """Look `values` up in an item of a LUT sequence; below and above it, the first and the last entry count."""
    count, first, _bits = (int(number) for number in item.LUTDescriptor)
    data = item.LUTData
    if isinstance(data, bytes):
        data = np.frombuffer(data, np.uint8 if len(data) == (count or 2**16) else "<u2")
    lut = np.asarray(data, dtype=np.float64)[: count or 2**16]
    return lut[np.clip(np.round(values).astype(np.int64) - first, 0, len(lut) - 1)]


def _shows_something(shown: np.ndarray, counts: np.ndarray) -> bool:
    low, high = _percentiles(shown, counts, (1.0, 99.0))
    between = counts[(shown > 0.005) & (shown < 0.995)].sum() / counts.sum()
    return bool(high - low >= LEAST_SHOWN_RANGE and between >= LEAST_SHOWN_SHARE)


def _percentiles(values: np.ndarray, counts: np.ndarray, percents: tuple[float, float]) -> tuple[float, float]:
    """Return two percentiles of `values` that occur `counts` times each."""
    order = np.argsort(values, kind="stable")
    running = np.cumsum(counts[order])
    low, high = (values[order][np.searchsorted(running, running[-1] * percent / 100.0)] for percent in percents)
    return float(low), float(high)


def _says_dark_is_high(dataset: Dataset) -> bool:
    """MONOCHROME1 and Presentation LUT Shape INVERSE say the same thing (PS3.3, C.8.11.3.1.2): turn once for either."""
    return dataset.PhotometricInterpretation == "MONOCHROME1" or dataset.get("PresentationLUTShape") == "INVERSE"
