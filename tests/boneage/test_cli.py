"""The door: help, version, errors as a sentence and an exit status."""

import subprocess
import sys

import click
import pytest

from boneage import __version__, cli
from boneage.errors import InvalidInput, NoHandFound

HEAVY = ("torch", "openvino", "cv2", "scipy", "matplotlib", "pydicom", "rich", "PIL", "ultralytics", "lightning")


@pytest.fixture
def a_command(monkeypatch):
    """Return a function that gives `boneage it` a body."""

    def give(body):
        monkeypatch.setitem(cli.cli.commands, "it", click.Command("it", callback=body))

    return give


def raiser(error):
    def body():
        raise error

    return body


COMMANDS = "assess; evaluate; evaluate-rooms; train; train detector; train segmenter; train regressor; models; "
COMMANDS += "models list; models check; models compile; models calibrate; models publish"


@pytest.mark.parametrize("arguments", [[], *(command.split() for command in COMMANDS.split(";"))])
def test_every_command_explains_itself(arguments, capsys):
    assert cli.main([*arguments, "--help"]) == 0
    assert "Usage: boneage" in capsys.readouterr().out


def test_the_version_is_that_of_the_package(capsys):
    assert cli.main(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


def test_the_command_line_imports_nothing_heavy_before_it_knows_what_to_do():
    code = f"import sys, boneage.cli; print([name for name in {HEAVY} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_an_expected_error_is_a_message_and_advice_on_stderr_and_status_2(a_command, capsys):
    a_command(raiser(NoHandFound("No hand.", "Draw the box.")))
    assert cli.main(["it"]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", "Error: No hand.\nDraw the box.\n")


def test_an_error_without_advice_is_one_line(a_command, capsys):
    a_command(raiser(InvalidInput("Bad.")))
    cli.main(["it"])
    assert capsys.readouterr().err == "Error: Bad.\n"


def test_a_fault_of_the_program_is_not_hidden(a_command):
    a_command(raiser(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        cli.main(["it"])


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interruption_gives_status_130(a_command, capsys, error):
    a_command(raiser(error))
    assert cli.main(["it"]) == 130
    assert "Interrupted." in capsys.readouterr().err


def test_a_misspelt_option_gives_status_2_and_names_it(capsys):
    assert cli.main(["assess", "--sexx", "male"]) == 2
    assert "--sexx" in capsys.readouterr().err


def test_training_options_reach_the_rooms_as_values(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr("boneage.cli_train._run", lambda room, options: asked.append((room, options)))
    assert cli.main(["train", "regressor", "--data", str(tmp_path), "--epochs", "3", "--fresh"]) == 0
    [(room, options)] = asked
    assert room == "rounds"
    assert (options["data"], options["epochs"], options["fresh"]) == (tmp_path, 3, True)


def test_the_reader_of_a_pipe_may_leave_early(a_command, capsys):
    stdout = sys.stdout
    a_command(raiser(BrokenPipeError()))
    try:
        assert cli.main(["it"]) == 1
    finally:
        sys.stdout = stdout
    assert "Traceback" not in capsys.readouterr().err
