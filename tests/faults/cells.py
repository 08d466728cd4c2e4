"""The fault table: seven operations, sixteen faults, and what must come of each.

The two that end the process or the machine are in `endings`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rh_api import errors
from rh_api.errors import Fate
from tests.faults.operations import CANCEL, LONG, OLD_UPLOAD, OPERATIONS, path_of
from tests.faults.rig import OUTPUTS, World

ROUTES = ("query", "outputs")
DAY = 24 * 3600.0
ELSEWHERE = "https://elsewhere.example/x?token=secret"
EXPIRED = "<Error><Code>SignatureExpired</Code><Message>Request has expired</Message></Error>"
MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0" * 100

Strike = Callable[[World, "int | None"], None]


@dataclass(frozen=True)
class Expect:
    """How it ends, what the error says of the order, and how many there are then.

    `again`: how it ends when the same is run without the fault; `more`: orders that this adds,
    which is none unless the first one is known to be over.
    """

    ended: str
    fate: Fate | None = None
    orders: int = 1
    again: str = "done"
    more: int = 0


def error(
    kind: type[errors.RunningHubError], fate: Fate, orders: int = 0, more: int | None = None
) -> Expect:
    again = "Uncertain" if fate is Fate.UNKNOWN else "done"
    added = 1 - orders if again == "done" else 0
    return Expect(kind.__name__, fate, orders, again, added if more is None else more)


DONE = Expect("done")
KNOWN = Expect("done", orders=0, more=1)
CONFIRMED = Expect("confirmed", more=1)
UNCONFIRMED = Expect("unconfirmed", again="confirmed")

NOT, UNKNOWN, RUNNING, OVER = Fate.NOT_STARTED, Fate.UNKNOWN, Fate.RUNNING, Fate.OVER

UNREACHABLE = error(errors.Unreachable, NOT)
FAULT = error(errors.ServiceFault, NOT)
BAD_REPLY = error(errors.BadReply, NOT)
NO_ANSWER = Expect("BadReply or Unreachable", NOT, 0, more=1)  # by what had come of the answer
LIMITED = error(errors.RateLimited, NOT)
REDIRECTED = error(errors.Redirected, NOT)
NOT_KEPT = error(errors.UploadFailed, NOT)
MAYBE = error(errors.Uncertain, UNKNOWN)
MAYBE_BOOKED = error(errors.Uncertain, UNKNOWN, orders=1)
LOST_SIGHT = error(errors.Unreachable, RUNNING, orders=1)
NOT_KNOWN = Expect("Uncertain", UNKNOWN)  # and looked for once more by the same inputs
NOT_FETCHED = error(errors.ResultUnavailable, OVER, orders=1)
NO_BOOK = error(errors.StoreUnavailable, NOT)


@dataclass(frozen=True)
class Case:
    """One way to produce the fault of a cell, once or for good (`count` None)."""

    operation: str
    fault: str
    variant: str
    how: str
    strike: Strike
    count: int | None
    expect: Expect
    pace: float
    bound: float
    prepare: Callable[[World], None]
    stop: bool

    @property
    def routes(self) -> tuple[str, ...]:
        """The polls that it is tried over: both, unless no task comes about that is asked for."""
        once_and_done = self.count and self.expect.ended == "done"
        polls = once_and_done or self.operation in ("follow", "download", "cancel")
        return ROUTES if polls else ROUTES[:1]

    @property
    def name(self) -> str:
        times = "once" if self.count else "lasting"
        return "-".join(filter(None, (self.operation, self.fault, self.variant, times)))


# Seconds of the service's time within which an operation ends, whatever happens to it.
BOUNDS = {
    "upload": 800.0,  # two endpoints, three tries each, of two minutes at most
    "create": 720.0,  # ten minutes of "too many requests"; else the minute of one create
    "follow": 720.0,  # ten minutes without one readable answer
    "download": 260.0,  # three minutes for a lost line, and the try that is under way then
    "lora put": 450.0,
    "cancel": 35.0,
    "account": 30.0,
}
WHOLE_RESULT = 3600.0  # one that comes farther with each try is not given up
STOP_SECONDS = 0.5
RETRY_AFTER = 2.0

# How much faster the loop runs while a fault strikes: the long waits are those of time-outs.
_ONCE, _LASTING, _AS_IT_IS = 20.0, 100.0, 1.0
_SLOW = {"timeout", "slow drip"}


def _emulated(kind: Any, **more: Any) -> Strike:
    def strike(world: World, count: int | None) -> None:
        operation = _operation_of(world)
        if operation == "upload" and count is None:
            world.fault(OLD_UPLOAD, kind, count=None, **more)
        if operation == "follow" and count is None:  # what one path cannot tell the other may
            world.fault(OUTPUTS, kind, count=None, **more)
        world.fault(path_of(operation, world.route), kind, count=count, **more)

    return strike


def _operation_of(world: World) -> str:
    assert world.job
    return world.job.get_name()


def _road(mode: str) -> Strike:
    def strike(world: World, count: int | None) -> None:
        if _operation_of(world) != "lora put":  # whose fault strikes amid a question
            world.road.cut()  # what was opened before it ends with the road
        world.road.breaks(mode, count)

    return strike


def _early(world: World) -> None:
    world.early = True


def _runs_long(world: World) -> None:
    world.emulator.run_seconds = LONG


def _clock(seconds: float) -> Strike:
    def strike(world: World, _: int | None) -> None:
        world.wall.offset = seconds

    return strike


def _full_disk(world: World, _: int | None) -> None:
    import resource

    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limit[1]))
    world.healing = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit)


def _stop(slow: Strike, after: float = 0.3) -> Strike:
    def strike(world: World, _: int | None) -> None:
        slow(world, None)
        asyncio.get_running_loop().call_later(after, world.press_stop)

    return strike


def _second_stop(world: World, _: int | None) -> None:
    world.fault(CANCEL, "delay", value=0.2)
    (task_id,) = world.emulator.tasks
    world.beside.append(asyncio.ensure_future(world.client.task(task_id).cancel()))


def _for_a_while(kind: Any, seconds: float, **more: Any) -> Strike:
    def strike(world: World, _: int | None) -> None:
        _emulated(kind, **more)(world, None)
        asyncio.get_running_loop().call_later(seconds, world.calm_down)

    return strike


@dataclass(frozen=True)
class Way:
    """How a fault is produced: for the reader, and for the machine."""

    how: str
    strike: Strike
    prepare: Callable[[World], None] = lambda world: None
    """Before the operation begins."""


WAYS: dict[str, Way] = {
    "refused": Way("connect() refused", _road("refused")),
    "reset before send": Way("RST in the TLS handshake", _road("reset")),
    "reset after send": Way("`lost_reply`: processed, then RST", _emulated("lost_reply")),
    "timeout": Way("`hang` after processing", _emulated("hang", value="after")),
    "429": Way("`retry_after` 2 s", _emulated("retry_after", value=RETRY_AFTER)),
    "HTTP 500": Way("`status` 500", _emulated("status", value=500)),
    "502 HTML": Way("`html` 502", _emulated("html", value=502)),
    "truncated": Way("`truncated` at 30 %", _emulated("truncated", value=0.3)),
    "wrong types": Way("`wrong_types`", _emulated("wrong_types")),
    "slow drip": Way("`drip` 0.5 B/s", _emulated("drip", value=0.5)),
    "redirect": Way("`redirect` 307 elsewhere", _emulated("redirect", value=ELSEWHERE, status=307)),
    "TLS error": Way("certificate of an unknown authority", _road("untrusted")),
}

# What differs from the rule of the column.
_OWN_WAYS: dict[tuple[str, str], Way] = {
    ("download", "wrong types"): Way(
        "`body`: an mp4 as .png", _emulated("body", value=MP4, content_type="image/png")
    ),
    ("download", "slow drip"): Way("`drip` 100 B/s", _emulated("drip", value=100)),
    ("lora put", "wrong types"): Way(
        "`body`: no XML, status 200", _emulated("body", value="[1]", processed=True)
    ),
    ("lora put", "slow drip"): Way("`slow_read` 1 kB/s", _emulated("slow_read", value=1000)),
}

# operation: fault: (struck once, struck for good)
TABLE: dict[str, dict[str, tuple[Expect, Expect]]] = {
    "upload": {
        "refused": (DONE, UNREACHABLE),
        "reset before send": (DONE, UNREACHABLE),
        "reset after send": (DONE, UNREACHABLE),
        "timeout": (DONE, UNREACHABLE),
        "429": (DONE, LIMITED),
        "HTTP 500": (DONE, FAULT),
        "502 HTML": (DONE, FAULT),
        "truncated": (DONE, BAD_REPLY),
        "wrong types": (DONE, DONE),
        "slow drip": (DONE, NO_ANSWER),
        "redirect": (REDIRECTED, REDIRECTED),
        "TLS error": (DONE, UNREACHABLE),
    },
    "create": {
        "refused": (DONE, UNREACHABLE),
        "reset before send": (DONE, UNREACHABLE),
        "reset after send": (MAYBE_BOOKED, MAYBE_BOOKED),
        "timeout": (MAYBE_BOOKED, MAYBE_BOOKED),
        "429": (DONE, LIMITED),
        "HTTP 500": (MAYBE, MAYBE),
        "502 HTML": (MAYBE, MAYBE),
        "truncated": (MAYBE_BOOKED, MAYBE_BOOKED),
        "wrong types": (DONE, DONE),
        "slow drip": (MAYBE_BOOKED, MAYBE_BOOKED),
        "redirect": (REDIRECTED, REDIRECTED),
        "TLS error": (DONE, UNREACHABLE),
    },
    "follow": {
        "refused": (DONE, LOST_SIGHT),
        "reset before send": (DONE, LOST_SIGHT),
        "reset after send": (DONE, LOST_SIGHT),
        "timeout": (DONE, LOST_SIGHT),
        "429": (DONE, LOST_SIGHT),
        "HTTP 500": (DONE, LOST_SIGHT),
        "502 HTML": (DONE, LOST_SIGHT),
        "truncated": (DONE, LOST_SIGHT),
        "wrong types": (DONE, DONE),
        "slow drip": (DONE, LOST_SIGHT),
        "redirect": (DONE, LOST_SIGHT),
        "TLS error": (DONE, LOST_SIGHT),
    },
    "download": {
        "refused": (DONE, NOT_FETCHED),
        "reset before send": (DONE, NOT_FETCHED),
        "reset after send": (DONE, NOT_FETCHED),
        "timeout": (DONE, NOT_FETCHED),
        "429": (DONE, NOT_FETCHED),
        "HTTP 500": (DONE, NOT_FETCHED),
        "502 HTML": (DONE, NOT_FETCHED),
        "truncated": (DONE, NOT_FETCHED),
        "wrong types": (DONE, DONE),
        "slow drip": (DONE, DONE),  # each try comes farther
        "redirect": (
            error(errors.HostRefused, OVER, orders=1),
            error(errors.HostRefused, OVER, orders=1),
        ),
        "TLS error": (DONE, NOT_FETCHED),
    },
    "lora put": {
        "refused": (DONE, UNREACHABLE),
        "reset before send": (DONE, UNREACHABLE),
        "reset after send": (DONE, DONE),  # the second question finds the md5 known
        "timeout": (DONE, DONE),
        "429": (DONE, LIMITED),
        "HTTP 500": (DONE, NOT_KEPT),
        "502 HTML": (DONE, NOT_KEPT),
        "truncated": (DONE, DONE),
        "wrong types": (DONE, DONE),
        "slow drip": (DONE, UNREACHABLE),
        "redirect": (DONE, NOT_KEPT),
        "TLS error": (DONE, UNREACHABLE),
    },
    "cancel": {
        "refused": (CONFIRMED, UNCONFIRMED),
        "reset before send": (CONFIRMED, UNCONFIRMED),
        "reset after send": (CONFIRMED, CONFIRMED),
        "timeout": (CONFIRMED, CONFIRMED),
        "429": (CONFIRMED, UNCONFIRMED),
        "HTTP 500": (CONFIRMED, UNCONFIRMED),
        "502 HTML": (CONFIRMED, UNCONFIRMED),
        "truncated": (CONFIRMED, CONFIRMED),
        "wrong types": (CONFIRMED, CONFIRMED),
        "slow drip": (CONFIRMED, CONFIRMED),
        "redirect": (CONFIRMED, UNCONFIRMED),
        "TLS error": (CONFIRMED, UNCONFIRMED),
    },
    "account": {
        "refused": (KNOWN, UNREACHABLE),
        "reset before send": (KNOWN, UNREACHABLE),
        "reset after send": (KNOWN, UNREACHABLE),
        "timeout": (KNOWN, UNREACHABLE),
        "429": (KNOWN, LIMITED),
        "HTTP 500": (KNOWN, FAULT),
        "502 HTML": (KNOWN, FAULT),
        "truncated": (KNOWN, BAD_REPLY),
        "wrong types": (KNOWN, KNOWN),
        "slow drip": (KNOWN, BAD_REPLY),
        "redirect": (REDIRECTED, REDIRECTED),
        "TLS error": (KNOWN, UNREACHABLE),
    },
}

_NO_BALANCE = error(errors.NoBalance, NOT)
_BAD_KEY = error(errors.KeyRefused, NOT)
_TASK_FAILED = error(errors.TaskFailed, OVER, orders=1, more=1)

# operation: code: (struck once, struck for good); None: it is waited for, however long.
CODES: dict[str, dict[int, tuple[Expect, Expect | None]]] = {
    "upload": {
        808: (DONE, NOT_KEPT),
        809: (DONE, error(errors.FileTooLarge, NOT)),
        1008: (DONE, error(errors.FileTooLarge, NOT)),
        401: (_BAD_KEY, _BAD_KEY),
    },
    "create": {
        **dict.fromkeys((421, 415, 1520, 814), (DONE, None)),
        1003: (DONE, LIMITED),
        **dict.fromkeys((414, 416, 812), (_NO_BALANCE, _NO_BALANCE)),
        803: (error(errors.NodeInfoRefused, NOT), error(errors.NodeInfoRefused, NOT)),
        802: (_BAD_KEY, _BAD_KEY),
        801: (error(errors.PlanRefused, NOT), error(errors.PlanRefused, NOT)),
        **dict.fromkeys((500, 808, 1000, 1005, 1010, 1011, 1012, 1013, 7777), (MAYBE, MAYBE)),
    },
    "follow": {
        1005: (DONE, LOST_SIGHT),
        805: (_TASK_FAILED, _TASK_FAILED),
        807: (DONE, NOT_KNOWN),
        1004: (DONE, NOT_KNOWN),
    },
    "cancel": {807: (CONFIRMED, UNCONFIRMED), 802: (CONFIRMED, UNCONFIRMED)},
    "account": {
        802: (_BAD_KEY, _BAD_KEY),
        1002: (_BAD_KEY, _BAD_KEY),
        801: (error(errors.PlanRefused, NOT), error(errors.PlanRefused, NOT)),
        301: (error(errors.Refused, NOT), error(errors.Refused, NOT)),
    },
}

_STOPPED = Expect("stopped", orders=0, more=1)
_CANCELLED = Expect("stopped", more=1)


def _nothing(world: World, _: int | None) -> None:
    """The service is as it should be."""


def _hanging(world: World, _: int | None) -> None:
    _emulated("hang")(world, None)


_STOPS: dict[str, tuple[Way, Expect]] = {
    "upload": (Way("Stop while the reply hangs", _stop(_hanging)), _STOPPED),
    "create": (
        Way("Stop 0.3 s before the reply", _stop(_emulated("delay", value=0.6)), _runs_long),
        _CANCELLED,
    ),
    "follow": (Way("Stop while it runs", _stop(_nothing), _runs_long), _CANCELLED),
    "download": (Way("Stop while it drips", _stop(_emulated("drip", value=20))), Expect("stopped")),
    "lora put": (Way("Stop in the middle", _stop(_emulated("slow_read", value=1000))), _STOPPED),
    "cancel": (Way("Stop twice", _second_stop), CONFIRMED),
    "account": (Way("Stop while the reply hangs", _stop(_hanging)), _STOPPED),
}

_FULL_DISK: dict[str, Expect] = {
    "upload": NO_BOOK,  # the upload itself goes on; it is the order that needs the journal
    "create": NO_BOOK,
    "follow": error(errors.DiskFull, OVER, orders=1),
    "lora put": NO_BOOK,
    # The journal still says that it runs; the cloud, asked once more, knows better.
    "cancel": Expect("confirmed", again="TaskCancelled or TaskFailed"),
    "account": KNOWN,
}


def _always_full(world: World, _: int | None) -> None:
    """The results of the first order go to a device that has no room."""
    folder = world.state / "runninghub-results" / "1"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "0000.part").symlink_to("/dev/full")
    (folder / "0000.part.tag").symlink_to("/dev/null")


def _cases() -> Iterator[Case]:
    for operation in OPERATIONS:
        yield from _of_table(operation)
        yield from _of_codes(operation)
        yield from _of_this_machine(operation)


def _of_table(operation: str) -> Iterator[Case]:
    for fault, expected in TABLE[operation].items():
        way = _OWN_WAYS.get((operation, fault), WAYS[fault])
        for count, expect in zip((1, None), expected, strict=True):
            yield _case(operation, fault, "", way, count, expect)


def _of_codes(operation: str) -> Iterator[Case]:
    for code, expected in CODES.get(operation, {}).items():
        way = Way(f"`code` {code}", _emulated("code", value=code))
        for count, expect in zip((1, None), expected, strict=True):
            if expect is not None:
                yield _case(operation, "business code", str(code), way, count, expect)
    for own, way, count, expect, bound in _OWN_CODES:
        if own == operation:
            variant = way.how.rpartition(" ")[2] if not bound else way.how
            yield _case(operation, "business code", variant, way, count, expect, bound=bound)


_STILL_RUNS = tuple(
    Way(f"`code` {code} for 700 s", _for_a_while("code", 700.0, value=code)) for code in (804, 813)
)
_GONE = tuple(
    Way(f"XML with status {status}", _emulated("status", value=status)) for status in (403, 404)
)
_TOO_LATE = Way(
    "`body`: XML SignatureExpired",
    _emulated("body", value=EXPIRED, status=403, content_type="application/xml"),
)

# operation, way, count, what comes of it, bound in seconds where it is not the operation's
_OWN_CODES: tuple[tuple[str, Way, int | None, Expect, float], ...] = (
    *(("follow", way, None, DONE, 800.0) for way in _STILL_RUNS),
    *(("download", way, count, NOT_FETCHED, 0.0) for way in _GONE for count in (1, None)),
    ("lora put", _TOO_LATE, 1, DONE, 0.0),
    ("lora put", _TOO_LATE, None, NOT_KEPT, 0.0),
)


def _of_this_machine(operation: str) -> Iterator[Case]:
    fine = {"cancel": CONFIRMED, "account": KNOWN}.get(operation, DONE)
    for variant, seconds in (("a day on", DAY), ("a day back", -DAY)):
        way = Way(f"this machine's date {variant}", _clock(seconds))
        yield _case(operation, "clock jump", variant, way, 1, fine)
    if operation == "download":
        if Path("/dev/full").exists():
            way = Way("the part goes to /dev/full", _always_full)
            full = error(errors.DiskFull, OVER, orders=1)
            yield _case(operation, "disk full", "", way, None, full)
    elif sys.platform != "win32":  # no other system can be told that a file may not grow
        way = Way("no file may grow (RLIMIT_FSIZE)", _full_disk, _early)
        yield _case(operation, "disk full", "", way, None, _FULL_DISK[operation])
    way, expect = _STOPS[operation]
    yield _case(operation, "Stop pressed", "", way, 1, expect, stop=True)


def _case(
    operation: str,
    fault: str,
    variant: str,
    way: Way,
    count: int | None,
    expect: Expect,
    *,
    bound: float = 0.0,
    stop: bool = False,
) -> Case:
    pace = _ONCE if count else _LASTING
    if stop:
        pace = _AS_IT_IS
    elif expect == LOST_SIGHT or bound:
        pace = 1500.0
    elif fault in _SLOW and operation in ("upload", "lora put", "download"):
        pace = 400.0 if count is None else 200.0
    elif fault in _SLOW or (operation == "create" and expect == LIMITED):
        pace = 100.0 if fault in _SLOW else 200.0
    elif operation == "account":
        pace = min(pace, 30.0)  # its time-outs are short
    return Case(
        operation,
        fault,
        variant,
        way.how,
        way.strike,
        count,
        expect,
        pace,
        WHOLE_RESULT
        if (operation, fault) == ("download", "slow drip")
        else bound or BOUNDS[operation],
        way.prepare,
        stop,
    )


CASES = tuple(_cases())
