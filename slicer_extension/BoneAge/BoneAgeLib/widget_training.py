"""The section with the models in use, and their training from corrections."""

from __future__ import annotations

from . import dialogs, tables, words
from .contract import TrainingTask
from .desk import Desk
from .plots import training_plot

WIDTHS = (140, 56, 200)  # pixels
POLL_EVERY = 30  # ticks of the panel's timer, a tenth of a second each
START = (
    "Train {model} on the corrections now?\n\nThe server works on it for long; assessing goes on meanwhile. "
    "Only if the new model proves better on held-out radiographs does it take the place of the one in use."
)
STOP = "Stop the training? What it has learned so far is lost; the models in use stay as they are."


class TrainingSection:
    """Shows versions and figures; starts and stops a training only when that is confirmed."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._ui = desk, desk.ui
        self._task: TrainingTask | None = None
        self._points: list[tuple[float, float]] = []
        self._ticks, self._asking = 0, None
        tables.set_widths(self._ui.modelsTable, WIDTHS, stretched=2)
        told = desk.told
        self._ui.startTrainingButton.clicked.connect(told(self.start, self._ui.trainingStatus))
        self._ui.stopTrainingButton.clicked.connect(told(self.stop, self._ui.trainingStatus))
        desk.on_change(self.redraw)

    def start(self) -> None:
        """Start a training once it is confirmed; nothing else starts one."""
        client, model = self._desk.needs_client(), self._ui.trainerBox.property("currentText")
        if dialogs.confirmed(START.format(model=model)):
            self._points = []
            self._run("Starting the training", lambda job: client.train_start(model, cancel=job.cancel), self._keep)

    def stop(self) -> None:
        """Stop the training once that is confirmed."""
        client = self._desk.needs_client()
        if dialogs.confirmed(STOP):
            self._run("Stopping the training", lambda job: client.train_stop(job.cancel), lambda _: self.ask())

    def tick(self) -> None:
        """Ask how a running training stands, every few seconds while the section is open."""
        self._ticks += 1
        is_open = not self._ui.trainingSection.property("collapsed")
        if self._ticks % POLL_EVERY == 0 and is_open and self._task is not None and self._task.is_running:
            self.ask()

    def ask(self) -> None:
        """Ask how the last training stands, unless the question is on its way already."""
        if self._desk.info is None or self._asking in self._desk.jobs.busy:
            return
        client = self._desk.client
        self._asking = self._run("Asking", lambda job: client.train_status(job.cancel), self._keep)

    def _run(self, name: str, work, done):
        return self._desk.run(name, work, done, self._ui.trainingStatus)

    def _keep(self, task: TrainingTask | None) -> None:
        self._task = task
        point = None if task is None else words.curve_point(task)
        if point is not None and point not in self._points:
            self._points.append(point)

    # Drawing

    def redraw(self) -> None:
        """Show models and training as they are known."""
        info, task = self._desk.info, self._task
        can_train, is_running = words.can_retrain(info), task is not None and task.is_running
        cards = info.model_cards if info else ()
        tables.fill(self._ui.modelsTable, [words.model_row(c) for c in cards], [words.figures(c) for c in cards])
        self._ui.retrainingLabel.setText(words.retraining(info))
        self._list_trainers(info.trainers if can_train else ())
        self._ui.trainerBox.setEnabled(can_train and not is_running)
        self._ui.startTrainingButton.setEnabled(can_train and not is_running)
        self._ui.stopTrainingButton.setEnabled(can_train and is_running)
        self._ui.rollBackButton.setToolTip("On the server: boneage models rollback")
        self._show_progress(is_running)

    def _list_trainers(self, trainers: tuple[str, ...]) -> None:
        box = self._ui.trainerBox
        if [box.itemText(place) for place in range(box.property("count"))] != list(trainers):
            box.clear()
            for name in trainers:
                box.addItem(name)

    def _show_progress(self, is_running: bool) -> None:
        fraction = None if self._task is None else words.fraction_done(self._task)
        self._ui.trainingProgress.setVisible(is_running)
        self._ui.trainingProgress.setRange(0, 0 if fraction is None else 100)
        self._ui.trainingProgress.setValue(0 if fraction is None else int(100 * fraction))
        self._ui.trainingLabel.setText("" if self._task is None else words.training(self._task))
        self._ui.trainingCurve.setVisible(len(self._points) > 1)
        if len(self._points) > 1:
            self._ui.trainingCurve.setPixmap(training_plot(self._points, "error on held-out radiographs"))
