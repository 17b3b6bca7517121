"""Shards on several machines: a Ray node per host, a shard per actor, and a `Searcher` that asks the actors.

Ray is imported where it is used and nowhere else, so that a site without a cluster starts without it.
"""
