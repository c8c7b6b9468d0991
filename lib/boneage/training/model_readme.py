"""A model card for people (docs/README.md), made from metadata.json alone, so that the two cannot disagree."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from boneage.training.model_card import CITATION, DATA_SOURCE, DATA_TERMS, INTENDED_USE, LICENCE, PURPOSES


def readme(card: dict[str, Any]) -> str:
    """Return the model card as Markdown.

    Args:
        card: The content of metadata.json, as `boneage.training.model_card.metadata` makes it.
    """
    return "\n\n".join("\n".join(block) for block in _blocks(card)) + "\n"


def value_in_words(value: Any) -> str:
    """Write a figure of a card: a number, a text, or a number with its 95 % interval."""
    if isinstance(value, dict) and {"value", "lower", "upper"} <= value.keys():
        return f"{value_in_words(value['value'])} [{value_in_words(value['lower'])}, {value_in_words(value['upper'])}]"
    if isinstance(value, dict):
        return ", ".join(f"{key} {value_in_words(inner)}" for key, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(value_in_words, value))
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1 else f"{value:.2f}"
    return str(value)


def _blocks(card: dict[str, Any]) -> Iterator[list[str]]:
    yield [f"# {PURPOSES[card['name']].title} {card['version']}"]
    yield [card["task"]]
    yield [f"**{INTENDED_USE}**"]
    yield ["## Network"]
    yield [card["description"], f"Weights: {card['weights']}."]
    yield ["## Data and its terms"]
    yield [f"{DATA_SOURCE}. {DATA_TERMS}"]
    yield ["Annotations:"]
    yield [f"- {annotation}" for annotation in card["annotations"]]
    yield [f"Split (`lib/boneage/data/split.csv`), in radiographs: {value_in_words(card['data_split'])}."]
    yield ["## Training"]
    yield list(_table(card["training"])) or ["Not recorded."]
    yield ["## Figures"]
    yield from _figures(card["figures"])
    if "temperature" in card:
        yield ["## Spread"]
        yield [_spread(card)]
    yield ["## Limits"]
    yield [f"- {limit}" for limit in card["limits"]]
    yield ["## Licence of the weights"]
    yield [LICENCE]
    yield ["## Reference"]
    yield [f"- {CITATION}"]
    yield ["## Identity"]
    yield [f"- Version: {card['version']}", f"- sha256 of `models/model.safetensors`: `{card['sha256']}`"]
    yield ["## Versions"]
    yield [f"- {version}: {change}" for version, change in card["changelog"].items()]


def _figures(figures: dict[str, Any]) -> Iterator[list[str]]:
    if len(figures) < 2:  # what they were measured on is no figure
        yield ["Not measured yet."]
        return
    yield [f"Measured on {figures['data']}; 95 % bootstrap intervals in brackets."]
    yield list(_table({name: value for name, value in figures.items() if name != "data"}))


def _table(values: dict[str, Any]) -> Iterator[str]:
    if values:
        yield from ("| what | value |", "|---|---|")
    yield from (f"| {name.replace('_', ' ')} | {value_in_words(value)} |" for name, value in values.items())


def _spread(card: dict[str, Any]) -> str:
    if "calibration" not in card:
        return f"The spread is not calibrated (temperature {card['temperature']:.3g}): intervals may not hold."
    calibration = card["calibration"]
    return (
        f"Temperature {card['temperature']:.3g}, fitted on {calibration['radiographs']} radiographs of the "
        f"{calibration['split']} split: the 90 % intervals held {100 * calibration['coverage_90']:.1f} % of the "
        f"readers' ages there ({100 * calibration['coverage_90_before']:.1f} % without it)."
        f"{_adjusted(card)}{_stretched(card)}"
    )


def _adjusted(card: dict[str, Any]) -> str:
    if not card.get("adjustments"):
        return ""
    told = ", ".join(f"{sex} up to {math.exp(max(row)):.1f} times" for sex, row in card["adjustments"].items())
    return f" Young ages, rare in the train split, are favoured ({told})."


def _stretched(card: dict[str, Any]) -> str:
    if not card.get("stretches"):
        return ""
    told = ", ".join(f"{sex} {min(row):.2f} to {max(row):.2f}" for sex, row in card["stretches"].items())
    hands = card["calibration"]["train_radiographs"]
    return f" By predicted age the intervals are stretched ({told}), as {hands} radiographs of the train split ask for."
