"""The one exception of this room."""


class Refused(Exception):
    """Something was not kept, brought back or moved; the message is one line for the person who asked."""
