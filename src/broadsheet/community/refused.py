"""What a reader asked for and may not have."""


class Refused(Exception):
    """The message is a sentence for the reader: what, why, and what to do. Nothing was changed."""
