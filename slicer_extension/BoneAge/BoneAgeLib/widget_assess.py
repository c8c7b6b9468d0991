"""The section with the bone age."""

from __future__ import annotations

from dataclasses import replace

from . import dialogs, views, words
from .contract import Assessed, Assessment
from .corrections import Changes, ExpertInput
from .desk import Desk
from .errors import ClientError
from .plots import distribution_plot
from .years_months import YearsMonths

REPLACE = (
    "Assess anew? The box and the outline that you have edited are replaced by what the models find. "
    "(Update age keeps them.)"
)
SEXES = (None, "female", "male")  # as the box lists them


class AssessSection:
    """Radiograph, sex and age go in; bone age, interval, SDS, verdict, distribution and warnings come out."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._ui, self._job = desk, desk.ui, None
        self._age = YearsMonths(self._ui.ageYearsSpin, self._ui.ageMonthsSpin, self._keep_age)
        self._ui.sexBox.currentIndexChanged.connect(self._keep_sex)
        self._ui.assessButton.clicked.connect(desk.told(self.assess, self._ui.assessStatus))
        self._ui.updateButton.clicked.connect(desk.told(self.update_age, self._ui.assessStatus))
        self._ui.cancelButton.clicked.connect(self._cancel)
        self._ui.explainCheck.toggled.connect(self.redraw)
        desk.on_change(self.redraw)

    # What the buttons do

    def assess(self) -> None:
        """Have the radiograph that is shown assessed; send it first if the server lacks it."""
        self._desk.needs_client()
        volume, sex = self._desk.needs_volume(), self._sex_or_ask()
        if sex is not None and self._may_replace_edits():
            self._once_sent(volume, lambda image_id: self._ask_for_age(image_id, sex))

    def update_age(self) -> None:
        """Ask again with the box and the outline as the reader has them now."""
        self._desk.needs_client()
        self._desk.needs_volume()
        sex = self._sex_or_ask()
        if sex is not None:
            changes = self._changes()
            self._once_sent(self._desk.volume, lambda image_id: self._ask_again(image_id, sex, changes))

    def _once_sent(self, volume, then) -> None:
        """Go on with the server's id of the radiograph; send the radiograph first if the server lacks it."""
        client, logic = self._desk.needs_client(), self._desk.logic
        known = logic.image_id_of(volume, client.address)
        if known:
            then(known)
            return
        outgoing = logic.outgoing(volume)

        def bind(image_id: str) -> None:
            logic.bind(volume, image_id, client.address)
            then(image_id)

        self._start("Sending the radiograph", lambda job: client.ensure_image(outgoing, job.cancel), bind)

    def _ask_for_age(self, image_id: str, sex: str) -> None:
        client, age, before = self._desk.needs_client(), self._desk.typed.age_months, self._edited_hand()
        explain = self._explains
        self._start(
            "Assessing",
            lambda job: client.assess(image_id, sex, age, job.cancel, explain),
            lambda assessed: self._show(assessed, keep_hand=self._edited_hand() != before),
        )

    def _ask_again(self, image_id: str, sex: str, sent: Changes) -> None:
        client, age = self._desk.needs_client(), self._desk.typed.age_months
        box, mask, explain = sent.hand_box, sent.mask_nrrd, self._explains
        is_all_the_readers = sent.box_moved and sent.outline_edited

        def show(assessed: Assessed) -> None:
            self._show(assessed, keep_hand=is_all_the_readers or self._edited_hand() != (box, mask))

        self._start(
            "Updating the age",
            lambda job: client.update_age(image_id, sex, age, box, mask, job.cancel, explain),
            show,
        )

    def _start(self, name: str, work, done) -> None:
        status = self._ui.assessStatus
        self._job = self._desk.run(name, work, done, status, about_shown=True, progress=self._show_progress)
        self._desk.changed()

    def _show(self, assessed: Assessed, keep_hand: bool) -> None:
        """Show an answer; what the reader has edited meanwhile stays."""
        self._desk.logic.show(self._desk.volume, assessed, self._desk.address, keep_hand)

    def _changes(self) -> Changes:
        return self._desk.logic.changes(self._desk.volume, ExpertInput(reader="reader"))

    def _edited_hand(self) -> tuple:
        """Return box and outline as far as they were edited, to compare; a hand that cannot be sent, by the reason."""
        try:
            changes = self._changes()
        except ClientError as error:
            return str(error), None
        return changes.hand_box, changes.mask_nrrd

    def _may_replace_edits(self) -> bool:
        """Ask before a new finding takes the place of a box or an outline that was edited."""
        is_first = self._desk.logic.assessment(self._desk.volume) is None
        return is_first or self._edited_hand() == (None, None) or dialogs.confirmed(REPLACE)

    def _cancel(self, *_) -> None:
        self._desk.jobs.cancel(self._job)

    def _show_progress(self, fraction: float | None, text: str) -> None:
        self._ui.assessStatus.setText(text)
        self._ui.assessProgress.setRange(0, 0 if fraction is None else 100)
        self._ui.assessProgress.setValue(0 if fraction is None else int(100 * fraction))

    # Sex and age of the radiograph that is shown

    def _sex_or_ask(self) -> str | None:
        """Return the sex; ask if it is not known; None if the question was called off."""
        if self._desk.typed.sex:
            return self._desk.typed.sex
        sex = dialogs.ask_sex()
        if sex in SEXES[1:]:
            self._desk.keep(replace(self._desk.typed, sex=sex, sex_source="reader"))
            self._desk.changed()
        return sex

    def _keep_sex(self, *_) -> None:
        sex = SEXES[self._ui.sexBox.property("currentIndex")]
        self._desk.keep(replace(self._desk.typed, sex=sex, sex_source="reader" if sex else ""))
        self.redraw()

    def _keep_age(self) -> None:
        months = self._age.value
        self._desk.keep(replace(self._desk.typed, age_months=months, age_source="" if months is None else "reader"))
        self.redraw()

    # Drawing

    @property
    def _is_busy(self) -> bool:
        """Say whether an answer for the radiograph that is shown is on its way."""
        return self._job in self._desk.jobs.busy and self._job.shown == self._desk.token

    @property
    def _explains(self) -> bool:
        """Say whether it is wanted to see where the age comes from."""
        return bool(self._ui.explainCheck.property("checked"))

    def redraw(self, *_) -> None:
        """Show what is known of the radiograph that is shown."""
        volume, busy = self._desk.volume, self._is_busy
        assessment = None if volume is None else self._desk.logic.assessment(volume)
        self._show_typed()
        self._ui.assessButton.setEnabled(volume is not None and not busy)
        self._ui.cancelButton.setEnabled(busy)
        self._ui.assessProgress.setVisible(busy)
        self._ui.resultFrame.setVisible(assessment is not None)
        if assessment is not None:
            self._show_result(assessment)
        self._overlay(volume)

    def _overlay(self, volume) -> None:
        """Lay over the red view what belongs to the radiograph in it, and never what belongs to another one."""
        nodes = None if volume is None else self._desk.logic.nodes(volume)
        views.overlay(self._desk.logic.scene, nodes.saliency if nodes is not None and self._explains else None)

    def _show_typed(self) -> None:
        typed = self._desk.typed
        self._ui.sexBox.blockSignals(True)
        self._ui.sexBox.setCurrentIndex(SEXES.index(typed.sex))
        self._ui.sexBox.blockSignals(False)
        self._age.show(typed.age_months)
        self._show_sources()

    def _show_sources(self) -> None:
        self._ui.sexSourceLabel.setText(words.source(self._desk.typed.sex_source))
        self._ui.ageSourceLabel.setText(words.source(self._desk.typed.age_source))

    def _show_result(self, assessment: Assessment) -> None:
        self._ui.boneAgeLabel.setText(words.bone_age(assessment))
        self._ui.intervalLabel.setText(words.interval(assessment))
        self._ui.verdictLabel.setText(words.verdict(assessment))
        warnings = words.warnings(assessment, self._desk.typed.sex, self._desk.typed.age_months)
        self._ui.warningsLabel.setText(warnings)
        self._ui.warningsLabel.setVisible(bool(warnings))
        self._ui.sharesLabel.setText(words.shares(assessment.saliency))
        self._ui.sharesLabel.setVisible(assessment.saliency is not None and self._explains)
        self._ui.versionsLabel.setText(words.made_by(assessment))
        plot = distribution_plot(assessment.estimates, assessment.chronological_age_months)
        self._ui.plotLabel.setPixmap(plot)
