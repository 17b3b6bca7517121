"""`broadsheet index`: encode and index whatever changed."""

import argparse

from broadsheet.cli import DONE, CommandFailed
from broadsheet.commands import output
from broadsheet.lib.progress import watched
from broadsheet.papers import encoder_setup, finding
from broadsheet.papers.database import migrate
from broadsheet.search.cluster.node import ClusterError

HELP = "Encode and index whatever changed since the last time."
EXAMPLE = "broadsheet index"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take how much to do."""
    parser.add_argument("--rebuild", action="store_true", help="build the index anew from the record")
    parser.add_argument("--words-only", action="store_true", help="leave the encoding to the worker")
    output.json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Index the words first, so that papers are found while the encoder works; then what it made."""
    try:
        return index(options)
    except ClusterError as problem:
        raise CommandFailed(str(problem)) from problem


def index(options: argparse.Namespace) -> int:
    """Do so, here or in the cluster."""
    migrate()
    applied = finding.index(rebuild=options.rebuild, progress=watched("words"))
    encoded = 0
    for encoder in () if options.words_only else encoder_setup.bulk_encoders():
        done = encoder_setup.encode(encoder, progress=watched("encoding"))
        applied += finding.index(progress=watched("vectors")) if done else 0
        encoded += done
    if options.json:
        output.print_json({"changes": applied, "encoded": encoded, "encoder": encoder_id()})
    else:
        output.print_lines([f"{applied:,} changes indexed, {encoded:,} papers encoded"])
    return DONE


def encoder_id() -> str:
    """The id of the encoder in use; empty where there is none."""
    encoder = finding.query_encoder()
    return encoder.id if encoder else ""
