"""`broadsheet restore`: not yet built."""

from broadsheet.commands.not_yet import answers, arguments

__all__ = ["EXAMPLE", "HELP", "arguments", "run"]

HELP = "Bring back what `backup` wrote (not yet)."
EXAMPLE = "broadsheet restore broadsheet.backup"
run = answers("restore", "this version writes no backups.")
