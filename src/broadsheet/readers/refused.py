"""What a person asked for and may not have."""


class Refused(Exception):
    """The message is a sentence for the person: what, why, and what to do. Nothing was changed."""
