"""The argument parser of all commands. An option's help stands beside it: nothing else uses it.

Imports nothing slow: `--help` answers at once.
"""

from __future__ import annotations

import argparse
import ipaddress
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import NoReturn

from ..errors import BadInput
from ..graph import node_options
from ..graph.extra_data import ROUTES
from . import help_texts
from .help_texts import PROGRAM

EMULATOR_PORT = 8190  # next to ComfyUI's 8188; fixed, so that exported variables survive a restart

_FLAGS = {"use_personal_queue": "--personal-queue"}
"""Options of nodes that have another name here."""

_STATES = ("intended", "placed", "running", "uncertain", "done", "failed", "cancelled")


class _Parser(argparse.ArgumentParser):
    """Raises BadInput instead of exiting, so that `--json` and the exit codes apply."""

    def error(self, message: str) -> NoReturn:
        raise BadInput("cli.usage", reason=message, command=self.prog)


class _Version(argparse.Action):
    """Prints the version of this copy."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:  # noqa: A002 - argparse's name
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from .version import own_version  # rarely needed

        sys.stdout.write(f"RunningHub Remote {own_version()}\n")
        parser.exit()


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse arguments; `command` names the command. Raises BadInput; SystemExit after help."""
    return _parser().parse_args(argv)


def _parser() -> _Parser:
    parser = _Parser(
        prog=PROGRAM,
        description="Run RunningHub workflows, AI apps and standard models from a terminal.",
        epilog=f"{help_texts.ENVIRONMENT}\n{help_texts.EXITS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, help="show the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, summary: str, epilog: str = "") -> argparse.ArgumentParser:
        subparser = commands.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            epilog=epilog + help_texts.EXITS,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        subparser.add_argument(
            "--json", action="store_true", help="one JSON document on stdout, all else on stderr"
        )
        return subparser

    demo = command("demo", "place one order with the built-in emulator: no key, no network")
    demo.add_argument("--open", action="store_true", help="open the picture")
    demo.add_argument("--out", default=".", metavar="DIR", help="where the picture goes")

    run = command("run", "run a workflow and fetch its results", help_texts.RUN_EXAMPLE)
    run.add_argument("workflow", metavar="WORKFLOW", help="id or link")
    _add_run(run)
    run.add_argument(
        "--no-metadata", action="store_true", help="do not write the workflow into the files"
    )

    app = command(
        "app", "list an AI app's form, or run it with --set, --out or --run", help_texts.APP_EXAMPLE
    )
    app.add_argument("app", metavar="APP", help="id or link")
    app.add_argument("--run", action="store_true", help="run it, also when nothing is set")
    _add_run(app)

    _add_quick(
        command("quick", "list the form of a module of Quick Create, or run it", help_texts.QUICK)
    )

    models = command(
        "models", "find standard models by words in English or Chinese", help_texts.MODELS
    )
    models.add_argument("words", nargs="*", metavar="WORD")
    models.add_argument("--task", metavar="TASK", help="only for a task, such as text-to-video")
    models.add_argument("--refresh", action="store_true", help="read what is new on the site first")

    _add_model(
        command(
            "model", "list a standard model's form and price, or run it", help_texts.MODEL_EXAMPLE
        )
    )

    workflow = command("workflow", "list a workflow's settable fields and its outputs")
    workflow.add_argument("workflow", metavar="WORKFLOW", help="id or link")

    _add_offload(
        command(
            "offload",
            "run nodes of a local graph in the cloud, without ComfyUI",
            help_texts.OFFLOAD,
        )
    )

    _add_quote(
        command("quote", "show what a command would cost, and run nothing", help_texts.QUOTE)
    )

    _add_limits(
        command("limits", "show and set what this key's orders may cost", help_texts.LIMITS)
    )

    upload = command("upload", "upload files; gives the name and address of each")
    upload.add_argument("files", nargs="+", metavar="FILE")

    lora = command("lora", "upload a LoRA file; gives the name that RHLoraLoader takes")
    lora.add_argument("file", metavar="FILE")

    _add_migrate(
        command(
            "migrate", "replace nodes of other packs in files, or clean keys", help_texts.MIGRATE
        )
    )

    _add_account(command("account", "show the account's kind, balance, limit and running tasks"))

    _add_doctor(
        command(
            "doctor",
            "ask the service what its documents leave open: free, and nothing is started",
            help_texts.DOCTOR,
        )
    )

    _add_task(
        command(
            "task",
            "show, cancel or fetch a task, and settle orders without a reply",
            help_texts.TASKS,
        )
    )

    _add_webhook(command("webhook", "show how a task's webhook was delivered, or send it again"))

    _add_history(
        command(
            "history",
            "list the orders of the journal, newest first, or show one",
            help_texts.HISTORY,
        )
    )

    spend = command("spend", "show what the orders of the last days cost")
    spend.add_argument("--by", choices=("day", "program"), default="day", help="default: day")
    spend.add_argument(
        "--days", type=_whole(1, 3650), default=30, metavar="N", help="today among them; default 30"
    )
    spend.add_argument("--csv", action="store_true", help="a table for spreadsheets on stdout")

    _add_mcp(command("mcp", "serve an agent by the Model Context Protocol", help_texts.MCP))

    emulator = command("emulator", "serve a RunningHub on this machine until Ctrl-C")
    emulator.add_argument(
        "--port",
        type=_whole(0, 65535),
        default=EMULATOR_PORT,
        metavar="N",
        help=f"0 takes a free one; default {EMULATOR_PORT}",
    )
    emulator.add_argument(
        "--host",
        type=_address,
        default="127.0.0.1",
        metavar="ADDRESS",
        help="an address of this machine; default 127.0.0.1, which no other machine reaches",
    )
    emulator.add_argument(
        "--comfyui",
        type=_web_address,
        metavar="URL",
        help="a running ComfyUI that graphs run on: any node it has; default a few core nodes here",
    )
    emulator.add_argument(
        "--strict",
        action="store_true",
        help="be as harsh as the service may be, to test a client of your own",
    )
    return parser


def _add_mcp(mcp: argparse.ArgumentParser) -> None:
    mcp.add_argument("--out", metavar="DIR", help="folder of results and files; default here")
    _add_max_cost(mcp)
    mcp.add_argument(
        "--http",
        type=_whole(0, 65535),
        metavar="PORT",
        help="on 127.0.0.1 behind a token, in place of stdin and stdout; 0 takes a free port",
    )


def _add_account(account: argparse.ArgumentParser) -> None:
    account.add_argument("--keys", action="store_true", help="the account's keys, masked, instead")


def _add_doctor(doctor: argparse.ArgumentParser) -> None:
    doctor.add_argument("--workflow", metavar="WORKFLOW", help="read this workflow's form too")
    doctor.add_argument("--app", metavar="APP", help="read this app's form too")
    doctor.add_argument("--model", metavar="MODEL", help="ask for this standard model's price")
    doctor.add_argument(
        "--upload",
        type=_whole(1, 500),
        default=0,
        metavar="MB",
        help="upload a made-up file of that size by both routes; 30 settles both limits",
    )
    doctor.add_argument(
        "--paid",
        metavar="SUM",
        help="order --workflow twice within this sum, such as '5 coins'; the second is cancelled",
    )
    doctor.add_argument(
        "--report", metavar="FILE", help="write what was exchanged, safe to publish; shown first"
    )


def _add_webhook(webhook: argparse.ArgumentParser) -> None:
    webhook.add_argument("task_id", metavar="TASK", help="id of the task")
    webhook.add_argument("--resend", action="store_true", help="have the service POST it again")
    webhook.add_argument("--to", metavar="URL", help="with --resend: to this address instead")


def _add_migrate(migrate: argparse.ArgumentParser) -> None:
    migrate.add_argument(
        "files", nargs="+", metavar="FILE", help="JSON, pictures and videos, or a folder of such"
    )
    migrate.add_argument("--out", metavar="DIR", help="write new files there; these stay")
    migrate.add_argument(
        "--yes", action="store_true", help="replace the files, and keep a copy of each"
    )
    migrate.add_argument(
        "--scrub", action="store_true", help="take keys out instead; each is shown masked"
    )
    migrate.add_argument(
        "--key", action="append", metavar="START", help="with --scrub: this key too, by its start"
    )


def _add_model(model: argparse.ArgumentParser) -> None:
    model.add_argument("model", metavar="MODEL", help="endpoint, name, or link to its page")
    _add_set(model, "NAME=VALUE", "a parameter's value; again for each item of a list")
    model.add_argument("--run", action="store_true", help="run it, also when nothing is set")
    _add_options(model, "extra send_anyway")
    model.add_argument("--webhook", metavar="URL", help="address that the service calls at the end")
    _add_order(model)


def _add_quick(quick: argparse.ArgumentParser, *, styles: bool = True) -> None:
    quick.add_argument(
        "module", metavar="MODULE", nargs="?" if styles else None, help="file, text, or - for stdin"
    )
    if styles:
        quick.add_argument("--styles", metavar="WEBAPP_ID", help="list a module's styles instead")
        quick.add_argument(
            "--type", type=_whole(0, 1000), metavar="N", help="with --styles: which; default 2"
        )
    _add_set(quick)
    quick.add_argument("--run", action="store_true", help="run it, also when nothing is set")
    _add_options(quick, "reroll_seeds")
    _add_order(quick)


def _add_task(task: argparse.ArgumentParser) -> None:
    task.add_argument("task", metavar="TASK", nargs="?", help="its id, as every command shows it")
    task.add_argument("--list", action="store_true", help="list open orders")
    task.add_argument(
        "--order", type=_whole(1, 10**11), metavar="N", help="an order whose task is not known"
    )
    actions = task.add_mutually_exclusive_group()
    actions.add_argument("--cancel", action="store_true", help="cancel it, and see that it ended")
    actions.add_argument("--fetch", action="store_true", help="fetch its results, into --out")
    actions.add_argument("--follow", action="store_true", help="wait for its end, then --fetch")
    actions.add_argument("--look", action="store_true", help="the account's tasks then and now")
    actions.add_argument("--is", dest="its", metavar="TASK", help="the order is this task")
    actions.add_argument("--not-started", action="store_true", help="the order did not start")
    task.add_argument("--out", metavar="DIR", help="where --fetch puts results; default here")


def _add_history(history: argparse.ArgumentParser) -> None:
    history.add_argument("words", nargs="*", metavar="WORD")
    history.add_argument("--since", metavar="WHEN", help="2026-11-25, or 12h, 7d, 2w ago")
    history.add_argument(
        "--state",
        action="append",
        choices=_STATES,
        metavar="STATE",
        help=f"{', '.join(_STATES)}; may be given many times",
    )
    history.add_argument(
        "--limit", type=_whole(1, 1000), default=50, metavar="N", help="at most; default 50"
    )
    history.add_argument(
        "--before", type=_whole(1, 10**11), metavar="ORDER", help="those before an order: next page"
    )
    history.add_argument(
        "--all-accounts", action="store_true", help="also orders of other keys and sites"
    )


def _add_quote(quote: argparse.ArgumentParser) -> None:
    """Add the ordering commands as subcommands, each with its own arguments."""
    kinds = quote.add_subparsers(dest="of", metavar="COMMAND", required=True)

    def kind(name: str, summary: str) -> argparse.ArgumentParser:
        subparser = kinds.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        subparser.add_argument("--json", action="store_true", help="one JSON document on stdout")
        return subparser

    run = kind("run", "of a workflow")
    run.add_argument("workflow", metavar="WORKFLOW", help="id or link")
    _add_run(run)
    run.add_argument("--no-metadata", action="store_true", help="as for `run`")
    app = kind("app", "of an AI app")
    app.add_argument("app", metavar="APP", help="id or link")
    app.add_argument("--run", action="store_true", help="as for `app`")
    _add_run(app)
    _add_model(kind("model", "of a standard model"))
    _add_quick(kind("quick", "of a module of Quick Create"), styles=False)
    _add_offload(kind("offload", "of nodes of a local graph"))


def _add_limits(limits: argparse.ArgumentParser) -> None:
    for name, summary in (
        ("order", "what one order may cost; none: no limit"),
        ("prompt", "what one run in ComfyUI or one command may cost; none: no limit"),
        ("day", "what a day may cost; none: no limit"),
        ("floor", "warn before a run when less than this is left; none: no warning"),
    ):
        limits.add_argument(f"--{name}", metavar="SUM", help=summary)
    limits.add_argument(
        "--allow",
        action="append",
        metavar="PROGRAM=SUM",
        help="let a program whose cost has no bound run for this sum: app/ID, model/ENDPOINT, a workflow's ID, or what the refusal calls it",
    )


def _add_max_cost(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--max-cost", metavar="SUM", help="what the command may cost: 50 coins, 5 CNY, 5 USD"
    )
    command.set_defaults(scope=None)


def _add_offload(offload: argparse.ArgumentParser) -> None:
    offload.add_argument("prompt", metavar="PROMPT.json", help="a graph in API format")
    offload.add_argument(
        "--nodes", metavar="IDS", help="what runs in the cloud: 3,6,8; default: what is marked"
    )
    offload.add_argument(
        "--only", action="store_true", help="add no other nodes; what needs one is refused"
    )
    offload.add_argument(
        "--input", metavar="DIR", help="folder of the graph's files; default: the prompt's own"
    )
    _add_options(offload, "instance use_personal_queue")
    offload.add_argument(
        "--workflow", metavar="WORKFLOW", help="saved workflow that the graph is sent under"
    )
    offload.add_argument(
        "--route",
        choices=ROUTES,
        help="task (default), native, or auto: native where the service wants a saved workflow",
    )
    offload.add_argument(
        "--profile",
        metavar="NAME",
        help="the account that pays; the key of studio is in RUNNINGHUB_API_KEY_STUDIO",
    )
    offload.add_argument(
        "--object-info",
        metavar="FILE",
        help="node classes beside ComfyUI's own: the answer of a ComfyUI's /object_info",
    )
    offload.add_argument(
        "--explain", action="store_true", help="show what would be done, and do nothing"
    )
    _add_order(offload)


def _add_set(
    command: argparse.ArgumentParser,
    metavar: str = "NODE.FIELD=VALUE",
    summary: str = "a field's value; may be given many times",
) -> None:
    command.add_argument("--set", action="append", metavar=metavar, help=summary)


def _add_options(command: argparse.ArgumentParser, names: str) -> None:
    """Add options that nodes have as inputs, by their names there; each is None or False unless
    given."""
    for name in names.split():
        option = node_options.BY_NAME[name]
        add = partial(
            command.add_argument,
            _FLAGS.get(name, "--" + name.replace("_", "-")),
            dest=name,
            help=option.tooltip,
        )
        if option.type == "BOOLEAN":
            add(action="store_true")
        elif option.type == "COMBO":
            add(choices=option.choices)
        elif option.type == "INT":
            add(type=_whole(option.low, option.high), metavar="N")
        else:
            add(metavar="JSON")


def _add_order(command: argparse.ArgumentParser) -> None:
    """Add the options of every ordering command; each is None or False unless given."""
    command.add_argument("--out", metavar="DIR", help="where results go; default here")
    _add_options(command, "timeout")
    _add_max_cost(command)
    command.add_argument(
        "--again", action="store_true", help="place a new order, even if it may cost twice"
    )


def _add_run(run: argparse.ArgumentParser) -> None:
    """Add the options of a run; each is None or False unless given, which `app` relies on."""
    _add_set(run)
    run.add_argument("--outputs", metavar="IDS", help="nodes whose results are wanted: 9,15")
    _add_options(run, "instance reroll_seeds use_personal_queue")
    run.add_argument(
        "--retain",
        type=_whole(*node_options.RETAIN),
        metavar="N",
        help="shared enterprise keys: keep the machine N seconds (10 to 180, billed)",
    )
    run.add_argument("--webhook", metavar="URL", help="address that the service calls at the end")
    _add_order(run)


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text[:12]) <= high:
            raise argparse.ArgumentTypeError(f"a whole number from {low} to {high} is needed")
        return int(text)

    return read


def _web_address(text: str) -> str:
    if not re.fullmatch(r"https?://[^/?#@\s]+/?", text):
        raise argparse.ArgumentTypeError("an address such as http://127.0.0.1:8188 is needed")
    return text


def _address(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise argparse.ArgumentTypeError("an IP address is needed") from None
    if address.is_unspecified:
        # Result URLs contain it, so clients must be able to connect to it.
        raise argparse.ArgumentTypeError("one address of this machine is needed, not all of them")
    return text
