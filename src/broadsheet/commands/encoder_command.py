"""`broadsheet encoder`: the encoders at hand, and changing from one to another while the site answers."""

import argparse
from dataclasses import asdict

from broadsheet.cli import DONE, CommandFailed
from broadsheet.commands import output
from broadsheet.lib.progress import watched
from broadsheet.papers import encoder_change, encoder_setup
from broadsheet.papers.database import migrate
from broadsheet.papers.encoder_change import Standing
from broadsheet.search.bring import Wanted
from broadsheet.search.weights import EncoderError

HELP = "List and build encoders; bring others in, change to them, and forget them."
EXAMPLE = "broadsheet encoder add minilm-fp32"
ACTIONS = ("list", "build", "add", "use", "forget")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take what to do."""
    parser.add_argument("action", choices=ACTIONS)
    parser.add_argument(
        "what",
        nargs="?",
        default="",
        help="add: a directory with a model, or a name; use, forget: a name; build: a folder or address with weights",
    )
    parser.add_argument("--if-missing", action="store_true", help="build: do nothing where there is one")
    parser.add_argument("--anyway", action="store_true", help="use: also while papers are not encoded by it")
    parser.add_argument("--name", default="", help="add: what to call it here; else as its directory")
    parser.add_argument("--precision", choices=["int8", "fp32"], default="int8", help="add: int8 (default) or fp32")
    parser.add_argument("--pooling", choices=["mean", "cls"], default="", help="add: else as its files say, or mean")
    parser.add_argument("--max-length", type=int, default=0, help="add: word pieces that count; else as its files say")
    parser.add_argument("--query-prefix", default="", help="add: what the model wants before a query")
    parser.add_argument("--paper-prefix", default="", help="add: what the model wants before a paper")
    output.json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Do it."""
    actions = {"list": list_encoders, "build": build, "add": add, "use": use, "forget": forget}
    if options.action in ("add", "use", "forget") and not options.what:
        raise CommandFailed(f"say which: `broadsheet encoder {options.action} NAME`")
    try:
        return actions[options.action](options)
    except EncoderError as problem:
        raise CommandFailed(str(problem)) from problem


def list_encoders(options: argparse.Namespace) -> int:
    """Print the encoders that are here, and how many papers each has encoded."""
    migrate()
    found = encoder_change.standing(check=True)
    if options.json:
        output.print_json({"encoders": [_row(one) for one in found]})
    elif found:
        output.print_table([_cells(one) for one in found])
    else:
        output.print_lines(["No encoder is built; `broadsheet encoder build` gets the weights and builds one."])
    return DONE


def build(options: argparse.Namespace) -> int:
    """Get the published weights and build the encoder that comes with Broadsheet."""
    if options.if_missing and encoder_setup.is_built():
        return DONE
    place = encoder_setup.build_encoder(options.what, progress=watched("encoder"))
    output.print_json({"path": str(place)}) if options.json else output.print_lines([f"The encoder is in {place}"])
    return DONE


def add(options: argparse.Namespace) -> int:
    """Bring another encoder in."""
    migrate()
    wanted = Wanted(options.precision, options.pooling, options.max_length, options.query_prefix, options.paper_prefix)
    found = encoder_change.add(options.what, options.name, wanted, progress=watched("encoder"))
    after = "" if found.state == "in use" else f" Then: broadsheet encoder use {found.name}"
    return _told(options, found, f"{found.name} is here; the worker encodes the papers by it.{after}")


def use(options: argparse.Namespace) -> int:
    """Change to another encoder."""
    migrate()
    found = encoder_change.use(options.what, options.anyway, progress=watched("index"))
    return _told(options, found, f"{found.name} answers now; the one before it is kept.")


def forget(options: argparse.Namespace) -> int:
    """Delete an encoder that is not in use, with its vectors."""
    migrate()
    done = encoder_change.forget(options.what, progress=watched("vectors"))
    if options.json:
        output.print_json({"forgotten": options.what, "vectors": done})
    else:
        output.print_lines([f"{options.what} is gone, with {done:,} vectors."])
    return DONE


def _told(options: argparse.Namespace, one: Standing, says: str) -> int:
    output.print_json(_row(one)) if options.json else output.print_lines([says])
    return DONE


def _row(one: Standing) -> dict[str, object]:
    return {**asdict(one), "share": round(one.share, 4)}


def _cells(one: Standing) -> tuple[str, ...]:
    state = "damaged" if one.damaged else one.state
    encoded = f"{one.encoded:,} of {one.papers:,} papers encoded ({one.share:.0%})"
    return one.name, state, f"{one.dim} dimensions, {one.precision}", encoded, one.id
