"""The engines of the bench, each in a process of its own that reads requests and writes answers as lines of JSON.

Those of other projects run in an environment of their own: nothing here but `ours` may import the rest of Broadsheet.
"""
