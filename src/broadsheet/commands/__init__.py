"""The command line, one module a command, each one call of a room.

A command module has HELP (a line), EXAMPLE, `arguments(parser)` and `run(options) -> exit status`.
"""
