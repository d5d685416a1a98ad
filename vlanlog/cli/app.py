"""The command line: one verb per file, one place where errors are shown.

Must not hold logic: a verb parses, calls a use case, prints its result.
"""

from __future__ import annotations

import gc
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module

import typer
from typer.exceptions import TyperException

import vlanlog
from vlanlog.cli import show
from vlanlog.errors import (
    EXIT_BUG,
    EXIT_INTERRUPTED,
    EXIT_PIPE,
    EXIT_USAGE,
    UsageError,
    VlanlogError,
)

VERBS = {
    "replay": "replay:command",
    "history": "history:command",
    "blame": "blame:command",
    "watch": "watch:command",
    "state": "state:command",
    "diff": "diff:command",
    "set": "assign:set_command",
    "unset": "assign:unset_command",
    "adopt": "adopt:command",
    "capture": "capture:command",
    "doctor": "doctor:command",
    "verify": "verify:command",
    "report": "report:command",
    "metrics": "metrics:command",
    "export": "export:command",
    "import": "import_:command",
    "archive": "archive:command",
    "daemon": "daemon:command",
    "db": "db:app",
    "install": "install:command",
    "uninstall": "uninstall:command",
}
"""Where each verb is found: the module, and its command or its group of commands."""

COMPLETE = "--complete"
"""Is for the shells' completions alone: prints names that the log knows."""

_LOOKED_THROUGH = 50_000
"""After how many new objects garbage is looked for."""


def command_line(words: Sequence[str] = ()) -> typer.Typer:
    """Returns the command line with the verb that the words begin with, with all for no verb.

    What other verbs need is not imported: it would take longer than most verbs themselves.
    """
    app = typer.Typer(
        name="vlanlog",
        help="The VLANs of KVM guests on Linux bridges: recorded, replayed, explained.",
        no_args_is_help=True,
        # The package brings completions that know the names in the log, and cost less to ask.
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_root)
    for verb in words[:1] if words and words[0] in VERBS else VERBS:
        module, _, name = VERBS[verb].partition(":")
        found = getattr(import_module(f"vlanlog.cli.{module}"), name)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=verb)
        else:
            app.command(verb)(found)
    return app


def _root(*, version: bool = typer.Option(False, "--version", help="Print the version.")) -> None:
    if version:
        print(f"vlanlog {vlanlog.__version__}")
        raise typer.Exit


def main() -> None:
    """Runs the command line and exits with a documented status."""
    if sys.argv[1:2] == [COMPLETE]:
        sys.exit(import_module("vlanlog.cli.names").main(sys.argv[2:]))
    # Loading makes a great deal and leaves nothing to collect; looking for it took a tenth.
    gc.set_threshold(_LOOKED_THROUGH)
    try:
        _check_encoding(sys.argv[1:])
        sys.exit(command_line(sys.argv[1:])(prog_name="vlanlog", standalone_mode=False) or 0)
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
    finally:
        # The interpreter looks through all that is left when it ends: a fifth of a short command.
        gc.freeze()


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
