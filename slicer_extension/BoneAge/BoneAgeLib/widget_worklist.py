"""The section with the radiographs of the server: which are done, and which is next."""

from __future__ import annotations

from . import tables, views, words
from .contract import NextCase, Reading, WorkListItem
from .desk import Desk

WIDTHS = (100, 68, 64, 118, 56)  # pixels
READINGS_WIDTHS = (54, 124, 116, 100)
MOST_ROWS = 500  # more take seconds to draw, and nobody reads them
TAKEN = "Another reader has this radiograph now; choose another one, or try later."
NOTHING_LEFT = "Nothing else is left: every other radiograph is corrected or with another reader."


class WorkListSection:
    """Lists, filters, opens, reopens; takes the next that the server chooses."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._ui = desk, desk.ui
        self._items: tuple[WorkListItem, ...] = ()
        self._shown: list[WorkListItem] = []
        self._readings: dict[str, tuple[Reading, ...]] = {}  # by the id of the volume node
        tables.set_widths(self._ui.workListTable, WIDTHS, stretched=0)
        tables.set_widths(self._ui.readingsTable, READINGS_WIDTHS, stretched=3)
        self._wire()
        desk.on_change(self.redraw)

    def _wire(self) -> None:
        ui, told = self._ui, self._desk.told
        ui.refreshButton.clicked.connect(told(self.refresh, ui.workListStatus))
        ui.openButton.clicked.connect(told(self.open_chosen, ui.workListStatus))
        ui.nextButton.clicked.connect(told(self.next, ui.workListStatus))
        ui.skipButton.clicked.connect(told(self.next, ui.workListStatus))
        ui.workListTable.cellDoubleClicked.connect(told(self.open_chosen, ui.workListStatus))
        ui.workListTable.itemSelectionChanged.connect(self._name_open_button)
        ui.filterEdit.textChanged.connect(self._list)
        ui.stateBox.currentIndexChanged.connect(self._keep_state)
        ui.strategyBox.currentIndexChanged.connect(self._keep_strategy)
        ui.closeDoneCheck.toggled.connect(self._keep_closing)

    # What the buttons do

    def refresh(self) -> None:
        """Ask the server for the list."""
        client = self._desk.needs_client()

        def keep(items: tuple[WorkListItem, ...]) -> None:
            self._items = items
            self._list()

        self._desk.run("Asking for the list", lambda job: client.work_list(job.cancel), keep, self._ui.workListStatus)

    def open_chosen(self) -> None:
        """Load the chosen radiograph, with all its readings."""
        client, reader = self._desk.needs_client(), self._desk.needs_reader()
        row = self._ui.workListTable.currentRow()
        if 0 <= row < len(self._shown):
            image_id = self._shown[row].image_id
            self._fetch("Opening", lambda job: client.reopen(image_id, reader, job.cancel), TAKEN)

    def next(self) -> None:
        """Load the radiograph that the server chooses for this reader; one that is left comes again at the end."""
        client, reader = self._desk.needs_client(), self._desk.needs_reader()
        strategy = self._ui.strategyBox.property("currentText")
        self._fetch("Taking the next", lambda job: client.next_case(strategy, reader, job.cancel), NOTHING_LEFT)

    def _fetch(self, name: str, ask, otherwise: str) -> None:
        """Take a radiograph and load it, unless the scene has it already."""
        client, there = self._desk.client, set(self._desk.volumes())

        def work(job):
            case = ask(job)
            if case is None:
                return None
            image = None if case.image_id in there else client.download_image(case.image_id, job.cancel)
            masked = [reading.id for reading in case.readings if reading.has_mask]
            return case, image, {each: client.download_mask(each, job.cancel) for each in masked}

        def load(found) -> None:
            if found is None or (otherwise == NOTHING_LEFT and found[0].image_id == self._image_id()):
                self._ui.workListStatus.setText(otherwise)
            else:
                self._show(*found)
                self.refresh()

        self._desk.run(name, work, load, self._ui.workListStatus)

    def _show(self, case: NextCase, image, masks: dict[str, bytes]) -> None:
        logic, image_id = self._desk.logic, case.image_id
        self._close_if_done(image_id)
        volume = self._desk.volumes().get(image_id) or logic.load_downloaded(image, image_id, self._desk.address)
        self._readings[volume.GetID()] = case.readings
        views.show_volume(volume)
        self._desk.show(volume)
        if case.readings:
            logic.show_readings(volume, case.readings, masks)

    def _close_if_done(self, image_id: str) -> None:
        """Close the radiograph that was submitted, if the person has asked for that; nothing else is removed."""
        former, wanted = self._desk.volume, self._desk.parameters.close_submitted
        if wanted and self._desk.typed.is_submitted and self._image_id() not in (None, image_id):
            self._desk.show(None)
            self._desk.logic.remove_case(former, with_volume=True)

    # What is kept in the scene

    def _keep_state(self, *_) -> None:
        self._desk.parameters.state = self._ui.stateBox.property("currentText")
        self._list()

    def _keep_strategy(self, *_) -> None:
        self._desk.parameters.strategy = self._ui.strategyBox.property("currentText")

    def _keep_closing(self, *_) -> None:
        self._desk.parameters.close_submitted = self._ui.closeDoneCheck.property("checked")

    # Drawing

    def redraw(self) -> None:
        """Show what can be done now."""
        is_connected = self._desk.info is not None
        for widget in (self._ui.nextButton, self._ui.refreshButton):
            widget.setEnabled(is_connected)
        image_id = self._image_id()
        self._ui.skipButton.setEnabled(is_connected and image_id is not None and not self._desk.typed.is_submitted)
        self._list_strategies()
        readings = () if self._desk.volume is None else self._readings.get(self._desk.volume.GetID(), ())
        self._ui.readingsTable.setVisible(bool(readings))
        tables.fill(self._ui.readingsTable, [words.reading_row(reading) for reading in readings])
        self._name_open_button()

    def restore(self) -> None:
        """Show the choices that were saved with the scene."""
        parameters = self._desk.parameters
        strategy = parameters.strategy  # listing the strategies may change it
        self._ui.stateBox.setCurrentIndex(max(0, self._ui.stateBox.findText(parameters.state)))
        self._ui.closeDoneCheck.setChecked(parameters.close_submitted)
        self._ui.strategyBox.setCurrentIndex(max(0, self._ui.strategyBox.findText(strategy)))

    def _image_id(self) -> str | None:
        volume = self._desk.volume
        return None if volume is None else self._desk.logic.image_id_of(volume, self._desk.address)

    def _list_strategies(self) -> None:
        offered = words.strategies(self._desk.info)
        box = self._ui.strategyBox
        if [box.itemText(place) for place in range(box.property("count"))] == list(offered):
            return
        wanted = self._desk.parameters.strategy
        box.blockSignals(True)
        box.clear()
        for place, name in enumerate(offered):
            box.addItem(name)
            box.setItemData(place, offered[name], 3)  # Qt::ToolTipRole
        box.setCurrentIndex(max(0, box.findText(wanted)))
        box.blockSignals(False)

    def _list(self, *_) -> None:
        """Show those of the list that the filter lets through."""
        text, state = self._ui.filterEdit.property("text"), self._ui.stateBox.property("currentText")
        found = words.filtered(self._items, text, state)
        self._shown = found[:MOST_ROWS]
        tables.fill(self._ui.workListTable, [words.state_row(item) for item in self._shown])
        self._ui.workListCount.setText(words.listed(len(self._shown), len(found), len(self._items)))
        self._name_open_button()

    def _name_open_button(self) -> None:
        row = self._ui.workListTable.currentRow()
        item = self._shown[row] if 0 <= row < len(self._shown) else None
        self._ui.openButton.setEnabled(item is not None and self._desk.info is not None)
        self._ui.openButton.setText("Reopen" if item is not None and item.state == "corrected" else "Open")
