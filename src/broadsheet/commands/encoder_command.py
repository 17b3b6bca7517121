"""`broadsheet encoder`: the encoders at hand."""

import argparse
import sys

from django.conf import settings

from broadsheet.cli import DONE, NOT_YET, CommandFailed
from broadsheet.commands import output
from broadsheet.lib.progress import watched
from broadsheet.papers import encoder_setup
from broadsheet.papers.database import migrate
from broadsheet.papers.vectors import encoded_share
from broadsheet.search import encoder as encoders
from broadsheet.search.weights import EncoderError

HELP = "List and build encoders; add and use others (not yet)."
EXAMPLE = "broadsheet encoder build"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take what to do."""
    parser.add_argument("action", choices=["list", "build", "add", "use"])
    parser.add_argument("name", nargs="?", default="", help="build: a folder or an address with the weights")
    parser.add_argument("--if-missing", action="store_true", help="build: do nothing where there is one")
    output.json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Do it."""
    if options.action == "list":
        return list_encoders(options)
    if options.action == "build":
        return build(options)
    sys.stderr.write(f"broadsheet encoder {options.action}: not yet; this version has one encoder.\n")
    return NOT_YET


def list_encoders(options: argparse.Namespace) -> int:
    """Print the encoders that were built, and how many papers each has encoded."""
    migrate()
    found = encoders.find(settings.CONFIG.home, "minilm-int8", threads=1)
    rows = []
    if found:
        done, total = encoded_share(found.id)
        rows.append({"id": found.id, "dim": found.dim, "encoded": done, "papers": total})
    if options.json:
        output.print_json({"encoders": rows})
    else:
        output.print_lines(
            [f"{row['id']}  {row['dim']} dimensions, {row['encoded']} of {row['papers']}" for row in rows]
        )
        if not rows:
            output.print_lines(["No encoder is built; `broadsheet encoder build` gets the weights and builds one."])
    return DONE


def build(options: argparse.Namespace) -> int:
    """Get the weights and build the encoder."""
    if options.if_missing and encoder_setup.is_built():
        return DONE
    try:
        place = encoder_setup.build_encoder(options.name, progress=watched("encoder"))
    except EncoderError as problem:
        raise CommandFailed(str(problem)) from problem
    output.print_json({"path": str(place)}) if options.json else output.print_lines([f"The encoder is in {place}"])
    return DONE
