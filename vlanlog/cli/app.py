"""The command line: one verb per file, one place where errors are shown.

Must not hold logic: a verb parses, calls a use case, prints its result.
"""

from __future__ import annotations

import os
import sys
import traceback

import typer
from typer.exceptions import TyperException

import vlanlog
from vlanlog.cli import assign, db, diff, history, replay, show, state, verify
from vlanlog.errors import (
    EXIT_BUG,
    EXIT_INTERRUPTED,
    EXIT_PIPE,
    EXIT_USAGE,
    UsageError,
    VlanlogError,
)

app = typer.Typer(
    name="vlanlog",
    help="The VLANs of KVM guests on Linux bridges: recorded, replayed, explained.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("replay")(replay.command)
app.command("history")(history.command)
app.command("state")(state.command)
app.command("diff")(diff.command)
app.command("set")(assign.set_command)
app.command("unset")(assign.unset_command)
app.command("verify")(verify.command)
app.add_typer(db.app, name="db")


@app.callback(invoke_without_command=True)
def _root(*, version: bool = typer.Option(False, "--version", help="Print the version.")) -> None:
    if version:
        print(f"vlanlog {vlanlog.__version__}")
        raise typer.Exit


def main() -> None:
    """Runs the command line and exits with a documented status."""
    try:
        _check_encoding(sys.argv[1:])
        sys.exit(app(prog_name="vlanlog", standalone_mode=False) or 0)
    except VlanlogError as error:
        show.explain(error)
        sys.exit(error.exit_code)
    except TyperException as error:
        _explain_usage(error)
        sys.exit(EXIT_USAGE)
    except typer.Abort:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader has seen enough; a second complaint at exit is kept from it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_PIPE)
    except Exception:
        traceback.print_exc()
        print(
            "vlanlog: error: this is a bug in vlanlog; nothing was left half done "
            "that the log does not tell",
            file=sys.stderr,
        )
        sys.exit(EXIT_BUG)


def _check_encoding(words: list[str]) -> None:
    # Python carries stray bytes as lone surrogates, which no database and no JSON takes.
    for word in words:
        if not word.isprintable() and any("\ud800" <= char <= "\udfff" for char in word):
            raise UsageError(f"{word!r} is not UTF-8", hint="write names and reasons in UTF-8")


def _explain_usage(error: TyperException) -> None:
    message = error.format_message()
    if message.startswith("Usage:"):
        # A command without its subcommand: the message is its help.
        print(message)
        return
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "vlanlog"
    show.explain(UsageError(message, hint=f"see '{command} --help'"))
