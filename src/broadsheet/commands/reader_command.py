"""`broadsheet reader`: not yet built."""

from broadsheet.commands.not_yet import answers, arguments

__all__ = ["EXAMPLE", "HELP", "arguments", "run"]

HELP = "Accounts and what belongs to them (not yet)."
EXAMPLE = "broadsheet reader list"
run = answers("reader", "this version has no accounts.")
