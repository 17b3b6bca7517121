"""Broadsheet: your field's Daily Papers, on a machine of your own."""

__version__ = "0.1.0"
