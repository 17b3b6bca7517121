import pytest

from broadsheet.cli import NOT_YET, main


@pytest.mark.parametrize("command", [["backup", "x"], ["restore", "x"], ["encoder", "add"]])
def test_a_command_that_is_not_yet_there_says_so_and_ends_with_three(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command) == NOT_YET == 3
    assert f"broadsheet {command[0]}" in (said := capsys.readouterr().err) and "not yet" in said
