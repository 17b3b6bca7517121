"""Bounce messages, complaints and automatic answers, read from what a mailbox or a pipe received."""
