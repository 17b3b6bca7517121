"""Why a paper stands where it stands, as pages say it."""

from broadsheet.export.reasons import sentences

__all__ = ["sentences"]
