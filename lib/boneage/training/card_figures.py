"""Figures for a model card, taken from what `boneage evaluate` and `boneage evaluate-rooms` wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from boneage.errors import InvalidInput


def figures_from(path: Path, name: str) -> dict[str, Any]:
    """Return the figures for the card of a model.

    Args:
        path: metrics.json of `boneage evaluate` (for the regressor), rooms.json of `boneage evaluate-rooms` (for the
            others), or figures as `boneage.training.publish.publish` takes them.
        name: One of `boneage.models.MODEL_NAMES`.

    Raises:
        InvalidInput: If the file is none of these, or tells nothing of this model.
    """
    report = _read(path)
    if "summary" not in report and "detector" not in report:
        return report
    found = _OF_MODEL[name](report)
    if not found:
        raise InvalidInput(f"{path} tells nothing of {name}.", "Take metrics.json for the regressor, else rooms.json.")
    return {"data": f"{report['data']}, split {report['split']}, {report['radiographs']} radiographs"} | found


def _read(path: Path) -> dict[str, Any]:
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"Cannot read figures from {path}: {error}.") from error
    if not isinstance(report, dict):
        raise InvalidInput(f"Expected an object with figures in {path}; got a {type(report).__name__}.")
    return report


def _of_regressor(report: dict[str, Any]) -> dict[str, Any]:
    if "summary" not in report:
        return {}
    summary = report["summary"]
    whole = summary["all"]
    found = {"MAE (months)": whole["mae_months"]}
    found |= {f"MAE, {sex} (months)": metrics["mae_months"] for sex, metrics in summary["by_sex"].items()}
    return found | {
        "RMSE (months)": whole["rmse_months"],
        "bias (months)": whole["bias_months"],
        "share within 12 months": whole["within_months"]["12"],
        "share inside the 90 % interval": whole["coverage_90"],
        "mean width of the 90 % interval (months)": whole["interval_width_months"],
        "radiographs without a bone age": sum(report["failed"].values()),
    }


def _of_detector(report: dict[str, Any]) -> dict[str, Any]:
    if "detector" not in report:
        return {}
    detector, not_hand = report["detector"], report["not_hand"]
    found = {"recall at IoU 0.5": detector["recall"], "mean IoU": detector["mean_iou"]}
    for point, errors in detector["points"].items():
        found[f"{point}: median error (hand lengths)"] = errors["median"]
        found[f"{point}: 95 % of the errors below (hand lengths)"] = errors["percentile_95"]
    found["share with a warning about the pose"] = detector["unsure_pose"]
    found["hands refused"] = sum(report["refused"].values())
    if not_hand:
        found["hands found where there is none"] = (
            f"{len(not_hand['with_hand'])} of {not_hand['files'] - not_hand['unreadable']} images"
        )
    return _measured(found)


def _of_segmenter(report: dict[str, Any]) -> dict[str, Any]:
    segmenter = report.get("segmenter")
    if not segmenter:
        return {}
    return _measured(
        {
            "Dice": segmenter["dice"],
            "95 % Hausdorff distance (hand lengths)": segmenter["hausdorff_95_hand_lengths"],
            "95 % Hausdorff distance (pixels)": segmenter["hausdorff_95_px"],
            "outlines": segmenter["outlines"],
            "outlines without a found hand": segmenter["without_hand"],
        }
    )


def _measured(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in figures.items() if value is not None}


_OF_MODEL = {"hand_detector": _of_detector, "hand_segmenter": _of_segmenter, "bone_age_regressor": _of_regressor}
