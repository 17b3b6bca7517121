import io

from broadsheet.lib.progress import Bar, silent, watched


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_shows_how_much_is_done_and_how_fast() -> None:
    moments = iter([0.0, 1.0, 1.01, 2.0])
    screen = Terminal()
    bar = Bar("encoding", screen, tick=lambda: next(moments))
    bar(50, 200)
    bar(51, 200)
    bar(200, 200)
    assert "50/200  50/s" in screen.getvalue()
    assert "51/200" not in screen.getvalue()
    assert screen.getvalue().endswith("\n")


def test_nothing_is_drawn_where_nobody_watches() -> None:
    assert watched("x", io.StringIO()) is silent
    assert isinstance(watched("x", Terminal()), Bar)
