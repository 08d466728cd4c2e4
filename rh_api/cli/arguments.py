"""The grammar of the command line. The help of an option stands beside it: nothing else reads it.

Nothing is imported here that takes time: `--help` answers at once.
"""

from __future__ import annotations

import argparse
import ipaddress
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
  RUNNINGHUB_ACCESS_PASSWORD  for a protected workflow
"""
_RUN_EXAMPLE = f"""\
example:
  {PROGRAM} run 1900000000000000109 --set 3.text="a cat" --set 10.image=@photo.png

`@` uploads a file, `@@` begins a text with an @. `{PROGRAM} workflow ID` lists the fields.

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
        description="Run RunningHub workflows from a terminal.",
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

    _add_run(command("run", "run a workflow and fetch its results", _RUN_EXAMPLE))

    workflow = command("workflow", "list a workflow's settable fields and its outputs")
    workflow.add_argument("workflow", metavar="WORKFLOW", help="id or link")

    upload = command("upload", "upload files; gives the name and address of each")
    upload.add_argument("files", nargs="+", metavar="FILE")

    lora = command("lora", "upload a LoRA file; gives the name that RHLoraLoader takes")
    lora.add_argument("file", metavar="FILE")

    command("account", "show balance, limit and running tasks")

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
    return parser


def _add_run(run: argparse.ArgumentParser) -> None:
    run.add_argument("workflow", metavar="WORKFLOW", help="id or link")
    run.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NODE.FIELD=VALUE",
        help="a field's value; may be given many times",
    )
    run.add_argument("--out", default=".", metavar="DIR", help="where results go; default here")
    run.add_argument(
        "--outputs", default="", metavar="IDS", help="nodes whose results are wanted: 9,15"
    )
    run.add_argument(
        "--instance",
        choices=("default", "plus", "ultra"),
        default="default",
        help="machine: 24, 48 or 84 GB",
    )
    run.add_argument(
        "--timeout",
        type=_whole(0, 7 * 24 * 3600),
        default=0,
        metavar="N",
        help="cancel after N seconds of running; queueing does not count",
    )
    run.add_argument(
        "--reroll-seeds", action="store_true", help="let the service draw seeds that are not set"
    )
    run.add_argument(
        "--no-metadata", action="store_true", help="do not write the workflow into the files"
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


def _address(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise argparse.ArgumentTypeError("an IP address is needed") from None
    if address.is_unspecified:
        # Results are addressed by it, so it must be one that clients can reach.
        raise argparse.ArgumentTypeError("one address of this machine is needed, not all of them")
    return text
