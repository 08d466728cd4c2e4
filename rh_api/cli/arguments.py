"""The grammar of the command line. The help of an option stands beside it: nothing else reads it.

Nothing is imported here that takes time: `--help` answers at once.
"""

from __future__ import annotations

import argparse
import ipaddress
import re
from collections.abc import Callable, Sequence
from typing import NoReturn

from ..errors import BadInput
from .exits import MEANINGS

PROGRAM = "python -m rh_api"
EMULATOR_PORT = 8190  # beside ComfyUI's 8188; fixed, so that set variables survive a restart

_EXITS = "exit codes:\n" + "\n".join(f"  {code:<4} {text}" for code, text in MEANINGS.items())
_ENVIRONMENT = """\
environment:
  RUNNINGHUB_API_KEY          the key; it is never an argument
  RUNNINGHUB_BASE_URL         the site, https://www.runninghub.ai unless set
  RUNNINGHUB_STATE            folder of the order book
  RUNNINGHUB_RESULT_HOSTS     more hosts that results may come from
  RUNNINGHUB_ACCESS_PASSWORD  for a protected workflow or app
  RUNNINGHUB_SEGMENT_WORKFLOW workflow that `offload` sends graphs under
"""
_RUN_EXAMPLE = f"""\
example:
  {PROGRAM} run 1900000000000000109 --set 3.text="a cat" --set 10.image=@photo.png

`@` uploads a file, `@@` begins a text with an @. `{PROGRAM} workflow ID` lists the fields.

"""
_TASKS = f"""\
examples:
  {PROGRAM} task 1900000000000000301 --fetch --out results
  {PROGRAM} task --list
  {PROGRAM} task --order 7 --is 1900000000000000301

An order whose reply was lost is a question: it is not sent again until you say what became of it,
or `run --again`. Look at the call records of the site first.

"""
_OFFLOAD = f"""\
examples:
  {PROGRAM} offload prompt.json --nodes 3,6,8 --explain
  {PROGRAM} offload prompt.json --nodes 3,6,8 --out results

Nodes that the marked ones cannot do without go along. What reads their results runs in a ComfyUI
only.

"""
_APP_EXAMPLE = f"""\
The id alone lists the app's form and runs nothing; with any of the options below but --json the
app is run. --run runs it with the values that its form stores.

example:
  {PROGRAM} app 1900000000000000202
  {PROGRAM} app 1900000000000000202 --set 10.image=@photo.png --out results

"""


class _Parser(argparse.ArgumentParser):
    """Complains by an error of ours, so that `--json` and the exit code hold for it too."""

    def error(self, message: str) -> NoReturn:
        raise BadInput("cli.usage", reason=message, command=self.prog)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The arguments; `command` names the command. Raises BadInput, and SystemExit after help."""
    return _parser().parse_args(argv)


def _parser() -> _Parser:
    parser = _Parser(
        prog=PROGRAM,
        description="Run RunningHub workflows and AI apps from a terminal.",
        epilog=f"{_ENVIRONMENT}\n{_EXITS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, summary: str, epilog: str = "") -> argparse.ArgumentParser:
        made = commands.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            epilog=epilog + _EXITS,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        made.add_argument(
            "--json", action="store_true", help="one JSON document on stdout, all else on stderr"
        )
        return made

    demo = command("demo", "show it all against the built-in emulator: no key, no network")
    demo.add_argument("--open", action="store_true", help="open the picture")
    demo.add_argument("--out", default=".", metavar="DIR", help="where the picture goes")

    run = command("run", "run a workflow and fetch its results", _RUN_EXAMPLE)
    run.add_argument("workflow", metavar="WORKFLOW", help="id or link")
    run.set_defaults(app=None)
    _add_run(run)
    run.add_argument(
        "--no-metadata", action="store_true", help="do not write the workflow into the files"
    )

    app = command(
        "app", "list an AI app's form, or run it with --set, --out or --run", _APP_EXAMPLE
    )
    app.add_argument("app", metavar="APP", help="id or link")
    app.add_argument("--run", action="store_true", help="run it, also when nothing is set")
    # An app's files never carry its workflow.
    app.set_defaults(workflow=None, no_metadata=False)
    _add_run(app)

    workflow = command("workflow", "list a workflow's settable fields and its outputs")
    workflow.add_argument("workflow", metavar="WORKFLOW", help="id or link")

    _add_offload(
        command("offload", "run nodes of a local graph in the cloud, without ComfyUI", _OFFLOAD)
    )

    upload = command("upload", "upload files; gives the name and address of each")
    upload.add_argument("files", nargs="+", metavar="FILE")

    lora = command("lora", "upload a LoRA file; gives the name that RHLoraLoader takes")
    lora.add_argument("file", metavar="FILE")

    command("account", "show the account's kind, balance, limit and running tasks")

    _add_task(
        command("task", "show, cancel or fetch a task, and settle what became of orders", _TASKS)
    )

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
    return parser


def _add_task(task: argparse.ArgumentParser) -> None:
    task.add_argument("task", metavar="TASK", nargs="?", help="id, as every command tells it")
    task.add_argument("--list", action="store_true", help="list orders that nobody waits for")
    task.add_argument(
        "--order", type=_whole(1, 10**11), metavar="N", help="an order of which no task is known"
    )
    what = task.add_mutually_exclusive_group()
    what.add_argument("--cancel", action="store_true", help="stop it, and see that it stopped")
    what.add_argument("--fetch", action="store_true", help="fetch its results, into --out")
    what.add_argument("--follow", action="store_true", help="wait for its end, then --fetch")
    what.add_argument("--look", action="store_true", help="tasks of the account then and now")
    what.add_argument("--is", dest="its", metavar="TASK", help="the order became this task")
    what.add_argument("--not-started", action="store_true", help="the order came to nothing")
    task.add_argument("--out", metavar="DIR", help="where --fetch puts results; default here")


def _add_offload(offload: argparse.ArgumentParser) -> None:
    offload.add_argument("prompt", metavar="PROMPT.json", help="a graph in API format")
    offload.add_argument(
        "--nodes", metavar="IDS", help="what runs in the cloud: 3,6,8; default: what is marked"
    )
    offload.add_argument(
        "--only", action="store_true", help="no other nodes with them; what needs one is refused"
    )
    offload.add_argument(
        "--input", metavar="DIR", help="where the graph's files are; else beside it"
    )
    offload.add_argument("--out", metavar="DIR", help="where results go; default here")
    offload.add_argument(
        "--instance",
        choices=("default", "plus", "ultra"),
        default="default",
        help="machine: 24 (default), 48 or 84 GB",
    )
    offload.add_argument(
        "--workflow", metavar="WORKFLOW", help="saved workflow that the graph goes out under"
    )
    offload.add_argument(
        "--object-info",
        metavar="FILE",
        help="node classes beside ComfyUI's own: the answer of a ComfyUI's /object_info",
    )
    offload.add_argument(
        "--explain", action="store_true", help="tell what would be done, and do nothing"
    )
    offload.add_argument(
        "--again", action="store_true", help="order anew, even if it may cost twice"
    )


def _add_run(run: argparse.ArgumentParser) -> None:
    """The options of a run. One that is not given is None or False: `app` tells by that."""
    run.add_argument(
        "--set",
        action="append",
        metavar="NODE.FIELD=VALUE",
        help="a field's value; may be given many times",
    )
    run.add_argument("--out", metavar="DIR", help="where results go; default here")
    run.add_argument("--outputs", metavar="IDS", help="nodes whose results are wanted: 9,15")
    run.add_argument(
        "--instance",
        choices=("default", "plus", "ultra"),
        help="machine: 24 (default), 48 or 84 GB",
    )
    run.add_argument(
        "--timeout",
        type=_whole(0, 7 * 24 * 3600),
        metavar="N",
        help="cancel after N seconds of running; queueing does not count",
    )
    run.add_argument(
        "--reroll-seeds", action="store_true", help="let the service draw seeds that are not set"
    )
    run.add_argument(
        "--personal-queue", action="store_true", help="dedicated keys: wait instead of a refusal"
    )
    run.add_argument(
        "--retain",
        type=_whole(10, 180),
        metavar="N",
        help="shared enterprise keys: keep the machine N seconds (10 to 180, billed)",
    )
    run.add_argument("--webhook", metavar="URL", help="address that the service calls at the end")
    run.add_argument("--again", action="store_true", help="order anew, even if it may cost twice")


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
        # Results are addressed by it, so it must be one that clients can reach.
        raise argparse.ArgumentTypeError("one address of this machine is needed, not all of them")
    return text
