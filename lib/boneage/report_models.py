"""What the page says of the models: versions, figures and limits, as their cards have them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from boneage.language import N_, Language
from boneage.models import MODEL_NAMES, model_card
from boneage.report_page import Section
from boneage.types import Assessment

_REGRESSOR = MODEL_NAMES[2]
_DATA = re.compile(r"(?P<name>.+), split (?P<split>.+), (?P<radiographs>\d+) radiographs")
"""How `boneage.training.card_figures` says what the figures were measured on."""

_IN_MONTHS = (
    (N_("mean absolute error {figure} months"), "MAE (months)"),
    (N_("girls {figure}"), "MAE, female (months)"),
    (N_("boys {figure}"), "MAE, male (months)"),
    (N_("bias {figure} months"), "bias (months)"),
)
_SHARES = (
    (N_("within 12 months: {figure}"), "share within 12 months"),
    (N_("inside the 90 % interval: {figure}"), "share inside the 90 % interval"),
)


def small_print(assessment: Assessment, words: Language, models_dir: Path | None) -> Iterator[Section]:
    """Give the sections at the bottom of the page.

    Raises:
        ModelRefused: If the card of the regressor is missing or damaged.
    """
    _ = words.gettext
    card = _card(_REGRESSOR, assessment, models_dir)
    yield Section(_("Method and models"), (" ".join((_method(words), _versions(assessment, words))),))
    yield Section(_("Figures of the bone age model"), (_figures(card.get("figures") or {}, words),))
    limits = " ".join(_(limit) for limit in card.get("limits") or ())
    yield Section(_("Limits"), (limits or _("The model's card names none."),))


def _card(name: str, assessment: Assessment, models_dir: Path | None) -> dict[str, Any]:
    """Return the card of the version that assessed; empty if another one is live by now."""
    version = assessment.model_versions.get(name)
    card = model_card(name, models_dir) if version else {}
    return card if card.get("version") == version else {}


def _method(words: Language) -> str:
    return words.gettext(
        "Bone age after Greulich and Pyle as a neural network learnt it from the ages that readers gave to other "
        "children's radiographs; no plate of the atlas was compared, no bone was scored by itself."
    )


def _versions(assessment: Assessment, words: Language) -> str:
    _ = words.gettext
    titles = {
        "hand_detector": _("hand detector"),
        "hand_segmenter": _("hand outline"),
        "bone_age_regressor": _("bone age"),
    }
    versions = [f"{titles.get(name, name)} {version}" for name, version in assessment.model_versions.items()]
    return _("Models: {models}.", models=", ".join(versions) or _("not known"))


def _figures(figures: dict[str, Any], words: Language) -> str:
    """Write the figures of a regressor's card, as far as they are there, with their 95 % intervals."""
    _ = words.gettext
    said = [_(sentence, figure=_months(figures[key], words)) for sentence, key in _IN_MONTHS if key in figures]
    said += [_(sentence, figure=_share(figures[key], words)) for sentence, key in _SHARES if key in figures]
    if not said:
        return _("The model's card names none.")
    return _(
        "{data}: {figures}. In brackets: 95 % intervals.",
        data=_data(str(figures.get("data", "")), words),
        figures="; ".join(said),
    )


def _data(data: str, words: Language) -> str:
    """Say what the figures were measured on."""
    known = _DATA.fullmatch(data)
    if known is None or known["split"] != "held-out":
        return words.gettext("Measured on {data}", data=data)
    count = words.decimal(int(known["radiographs"]))
    return words.gettext(
        "Measured on {count} radiographs ({data}) held out from training", count=count, data=known["name"].upper()
    )


def _months(figure: Any, words: Language) -> str:
    return _with_interval(figure, lambda months: words.decimal(months, 1))


def _share(figure: Any, words: Language) -> str:
    return _with_interval(figure, words.percent)


def _with_interval(figure: Any, write: Callable[[float], str]) -> str:
    """Write a figure of a card: a number, or {value, lower, upper}."""
    if not isinstance(figure, dict):
        return write(figure)
    return f"{write(figure['value'])} [{write(figure['lower'])}; {write(figure['upper'])}]"
