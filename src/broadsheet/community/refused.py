"""What a reader asked for and may not have: one exception for this room and those it stands on."""

from broadsheet.readers.refused import Refused

__all__ = ["Refused"]
