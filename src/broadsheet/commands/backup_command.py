"""`broadsheet backup`: not yet built."""

from broadsheet.commands.not_yet import answers, arguments

__all__ = ["EXAMPLE", "HELP", "arguments", "run"]

HELP = "Write everything into one file (not yet)."
EXAMPLE = "broadsheet backup broadsheet.backup"
run = answers("backup", "until then stop Broadsheet and copy its home, or use VACUUM INTO of SQLite.")
