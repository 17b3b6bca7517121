"""`broadsheet digest`: not yet built."""

from broadsheet.commands.not_yet import answers, arguments

__all__ = ["EXAMPLE", "HELP", "arguments", "run"]

HELP = "The mail for each reader (not yet)."
EXAMPLE = "broadsheet digest preview"
run = answers("digest", "this version sends no mail.")
