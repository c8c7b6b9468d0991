"""The section with the models in use, and their training from corrections."""

from __future__ import annotations

from typing import Any

from . import dialogs, tables, training_words, words
from .contract import Info
from .desk import Desk
from .errors import ClientError
from .plots import training_plot
from .training import TRAIN, TrainingTask

WIDTHS = (140, 56, 200)  # pixels
POLL_EVERY, IDLE_POLL_EVERY = 30, 300  # ticks of the panel's timer, a tenth of a second each
START = (
    "Train {model} on the corrections now?\n\nThe server works on it for long; assessing goes on meanwhile. "
    "Only if the new model proves better on held-out radiographs does it take the place of the one in use."
)
GO_ON = "\n\nThe training that was stopped goes on where it stopped, with the corrections that it began with."
STOP = (
    "Stop the training of {model}?\n\nWhat it has learned is kept: it goes on where it stopped when it is started "
    "again. The models in use stay as they are."
)
ROLL_BACK = (
    "Roll {model} back?\n\nVersion {version}, in use now, gives way to the one that was in use before it, for every "
    "reader of this server."
)


class TrainingSection:
    """Shows versions and figures; starts, stops or takes back only when that is confirmed."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._ui = desk, desk.ui
        self._task: TrainingTask | None = None
        self._points: dict[int, float] = {}
        self._ticks, self._asking, self._trouble = 0, None, ""
        tables.set_widths(self._ui.modelsTable, WIDTHS, stretched=2)
        told = desk.told
        self._ui.startTrainingButton.clicked.connect(told(self.start, self._ui.trainingStatus))
        self._ui.stopTrainingButton.clicked.connect(told(self.stop, self._ui.trainingStatus))
        self._ui.rollBackButton.clicked.connect(told(self.roll_back, self._ui.trainingStatus))
        desk.on_change(self.redraw)

    def start(self) -> None:
        """Start a training once it is confirmed; nothing else starts one."""
        client, reader, model = self._desk.needs_client(), self._desk.needs_reader(), self._model
        run = self._desk.info.retraining.run_of(model)
        goes_on = run is not None and run.is_unfinished
        if dialogs.confirmed(START.format(model=model) + (GO_ON if goes_on else "")):
            self._run("Starting the training", lambda job: client.train_start(model, reader, job.cancel), self._keep)

    def stop(self) -> None:
        """Stop the training once that is confirmed."""
        client, model = self._desk.needs_client(), self._task.model
        if dialogs.confirmed(STOP.format(model=model)):
            self._run("Stopping the training", lambda job: client.train_stop(job.cancel), lambda _: self.ask())

    def roll_back(self) -> None:
        """Put the version before back in use once that is confirmed."""
        client, reader, model = self._desk.needs_client(), self._desk.needs_reader(), self._model
        version = next((card.version for card in self._desk.info.model_cards if card.name == model), "")
        if dialogs.confirmed(ROLL_BACK.format(model=model, version=version)):
            self._run("Rolling back", lambda job: client.roll_back(model, reader, job.cancel), self._keep)

    def tick(self) -> None:
        """Ask how it stands while the section is open: every few seconds if something runs, else now and then."""
        self._ticks += 1
        is_open = not self._ui.trainingSection.property("collapsed")
        if is_open and self._ticks % (POLL_EVERY if self._is_running else IDLE_POLL_EVERY) == 0:
            self.ask()

    def ask(self) -> None:
        """Ask how the last task stands, and where none runs, which models are in use now."""
        if self._desk.info is None or self._asking in self._desk.jobs.busy:
            return
        client = self._desk.client

        def work(job) -> tuple[TrainingTask | None, Info | None]:
            task = client.train_status(job.cancel)
            return task, None if task is not None and task.is_running else client.info(job.cancel)

        def keep(answer: tuple[TrainingTask | None, Info | None]) -> None:
            if self._desk.client is client and self._desk.info is not None:
                self._keep(*answer)

        self._asking = self._desk.jobs.start("Asking about trainings", work, keep, self._fail)

    def _run(self, name: str, work, done) -> Any:
        return self._desk.run(name, work, done, self._ui.trainingStatus)

    def _keep(self, task: TrainingTask | None, info: Info | None = None) -> None:
        if task is None or self._task is None or task.id != self._task.id:
            self._points = {}
        self._task = task
        self._points.update([] if task is None else training_words.curve_points(task))
        self._desk.info = info or self._desk.info
        self._fail(None)

    def _fail(self, error: ClientError | None) -> None:
        """Tell the trouble of a question that nobody has asked for, until the next one is answered."""
        if error is not None or self._ui.trainingStatus.property("text") == self._trouble:
            self._trouble = "" if error is None else str(error)
            self._ui.trainingStatus.setText(self._trouble)
        self._desk.changed()

    @property
    def _model(self) -> str:
        return self._ui.trainerBox.property("currentText")

    @property
    def _is_running(self) -> bool:
        return self._task is not None and self._task.is_running

    # Drawing

    def redraw(self) -> None:
        """Show models and training as they are known."""
        info, is_running = self._desk.info, self._is_running
        can_train = training_words.can_retrain(info)
        can_stop = is_running and self._task.status == "RUNNING" and self._task.action == TRAIN
        cards = info.model_cards if info else ()
        tables.fill(self._ui.modelsTable, [words.model_row(c) for c in cards], [words.figures(c) for c in cards])
        self._ui.retrainingLabel.setText(training_words.retraining(info))
        self._show(self._ui.verdictsLabel, training_words.verdicts(info))
        self._list_trainers(info.trainers if can_train else ())
        for widget in (self._ui.trainerBox, self._ui.startTrainingButton, self._ui.rollBackButton):
            widget.setEnabled(can_train and not is_running)
        self._ui.stopTrainingButton.setEnabled(can_train and can_stop)
        self._show_progress()

    def _list_trainers(self, trainers: tuple[str, ...]) -> None:
        box = self._ui.trainerBox
        if [box.itemText(place) for place in range(box.property("count"))] != list(trainers):
            box.clear()
            for name in trainers:
                box.addItem(name)

    def _show_progress(self) -> None:
        task, run = self._task, None if self._task is None else self._task.own_run
        fraction = None if run is None or run.state != "training" else run.fraction
        self._ui.trainingProgress.setVisible(self._is_running)
        self._ui.trainingProgress.setRange(0, 0 if fraction is None else 100)
        self._ui.trainingProgress.setValue(0 if fraction is None else int(100 * fraction))
        self._show(self._ui.trainingLabel, "" if task is None else training_words.task(task))
        self._ui.trainingCurve.setVisible(len(self._points) > 1)
        if task is not None and len(self._points) > 1:
            name = training_words.curve_name(task.model)
            self._ui.trainingCurve.setPixmap(training_plot(sorted(self._points.items()), name))

    def _show(self, label: Any, text: str) -> None:
        label.setText(text)
        label.setVisible(bool(text))
