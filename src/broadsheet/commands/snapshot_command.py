"""`broadsheet snapshot`: copies of the index, from which a new host starts."""

import argparse

from django.conf import settings

from broadsheet.cli import DONE, CommandFailed
from broadsheet.commands import output
from broadsheet.lib.clock import now
from broadsheet.lib.progress import silent, watched
from broadsheet.lib.storage import Storage, StorageFailed
from broadsheet.moving import backing, cluster_copies, snapshots
from broadsheet.moving.refused import Refused
from broadsheet.papers import finding
from broadsheet.papers.database import migrate

HELP = "Keep copies of the index elsewhere, and start a new host from one."
EXAMPLE = "broadsheet snapshot put s3://bucket/broadsheet"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take what to do, and where."""
    what = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    for name, act, says in (
        ("put", put, "copy the index there, and delete old copies"),
        ("get", get, "start from the newest copy there, and add what came since"),
        ("list", show, "list the copies that are there"),
    ):
        one = what.add_parser(name, help=says)
        one.set_defaults(act=act)
        one.add_argument("address", nargs="?", metavar="ADDRESS", help="a folder, or s3://bucket/path (default: set)")
        output.json_option(one)
        if name == "put":
            one.add_argument("--keep", type=output.at_least_one, metavar="N", help="copies kept (default: set)")
        if name == "get":
            one.add_argument("--name", default="", metavar="NAME", help="not the newest, but this one of `list`")


def run(options: argparse.Namespace) -> int:
    """Do it."""
    try:
        migrate()
        options.act(_place(options), options)
    except (Refused, StorageFailed) as problem:
        raise CommandFailed(str(problem)) from problem
    return DONE


def _place(options: argparse.Namespace) -> Storage:
    address = options.address or settings.CONFIG.snapshot_address
    if not address:
        raise CommandFailed("name an ADDRESS, or set snapshot_address")
    return backing.storage(address)


def put(place: Storage, options: argparse.Namespace) -> None:
    """Copy the index there."""
    keep, progress = options.keep or settings.CONFIG.snapshots_kept, silent if options.json else watched("files")
    if settings.CONFIG.cluster:
        _tell_shards(cluster_copies.put(place, now=now(), keep=keep, progress=progress), options)
    else:
        _tell(snapshots.put(place, now=now(), keep=keep, progress=progress), options, "written")


def get(place: Storage, options: argparse.Namespace) -> None:
    """Start from a copy and catch up."""
    if settings.CONFIG.cluster:
        raise CommandFailed("a shard of a cluster begins from its newest copy by itself, once `cluster up` runs")
    found = snapshots.get(place, options.name, silent if options.json else watched("files"))
    finding.forget()
    applied = finding.index()
    _tell(found, options, "taken", f"; {applied:,} changes since were added")


def show(place: Storage, options: argparse.Namespace) -> None:
    """List the copies."""
    if settings.CONFIG.cluster:
        _tell_shards(cluster_copies.listed(place), options)
        return
    found = snapshots.listed(place)
    if options.json:
        output.print_json([_told(one) for one in found])
    elif found:
        output.print_table([_row(one) for one in found])


def _row(one: snapshots.Snapshot) -> tuple[str, str, str]:
    return one.name, f"change {one.change:,}", f"{one.length / 2**20:,.1f} MiB"


def _tell_shards(found: list[tuple[int, snapshots.Snapshot]], options: argparse.Namespace) -> None:
    if options.json:
        output.print_json([{"shard": shard, **_told(one)} for shard, one in found])
    elif found:
        output.print_table([(f"shard {shard}", *_row(one)) for shard, one in found])
    else:
        output.print_lines(["nothing newer" if options.act is put else "nothing"])


def _told(one: snapshots.Snapshot) -> dict[str, object]:
    return {"name": one.name, "made": one.made, "change": one.change, "bytes": one.length, "files": len(one.files)}


def _tell(one: snapshots.Snapshot, options: argparse.Namespace, did: str, more: str = "") -> None:
    if options.json:
        output.print_json(_told(one))
    else:
        told = f"{len(one.files)} files, {one.length / 2**20:,.1f} MiB, up to change {one.change:,}"
        output.print_lines([f"{did}: {one.name}, {told}{more}"])
