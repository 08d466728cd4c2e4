"""The error tree of RunningHub, and what each error implies about the order.

Every error carries its fate: was something started, is it running, is it over. It carries the
remote code where the service gave one, and the key of the sentence for the user. The class follows
from the code by one table, never from the text of a message, with one exception: `_API_BALANCE`.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

from . import texts

E = TypeVar("E", bound="RunningHubError")

LONGEST = 2000  # characters of a sentence, so that a page, a log and a node can show it

Say = texts.Say


class Fate(enum.Enum):
    """What is known about the order when a call has failed."""

    NOT_STARTED = "not started"
    UNKNOWN = "may have been started"
    RUNNING = "running"
    OVER = "over"
    NO_ORDER = "no order concerned"


class RunningHubError(Exception):
    """Any failure of this package. `str()` is one English sentence that is safe to show and log.

    Never changed once made: `with_context` returns a changed copy.

    Attributes:
        key: key of the sentence in `texts.py` and in the locales.
        params: values of that sentence; plain strings and numbers or another error, never a key
            or a signed URL.
        fate: what is known about the order.
        code: the service's business code, or None.
        task_id: the cloud task concerned, or None.
        node_id: the remote node concerned, or None.
        local_id: the node of the caller's own prompt that is concerned, or "".
        hint: the remedy that a page can offer, "" if the key implies it or there is none.
        wrong_address: the response to a create looks like that of a server without such a path;
            nothing was started if that origin never accepted an order.
    """

    default_key: ClassVar[str] = "error.unexpected"
    default_fate: ClassVar[Fate] = Fate.NOT_STARTED

    def __init__(
        self,
        key: str | None = None,
        /,
        *,
        fate: Fate | None = None,
        code: int | None = None,
        task_id: str | None = None,
        node_id: str | None = None,
        local_id: str = "",
        hint: str = "",
        wrong_address: bool = False,
        **params: object,
    ) -> None:
        self.key = key or self.default_key
        self.params: Mapping[str, object] = _without_keys(params)
        self.fate = fate or self.default_fate
        self.code = code
        self.task_id = task_id
        self.node_id = node_id
        self.local_id = local_id
        self.hint = hint
        self.wrong_address = wrong_address
        self.cost: Callable[[Say], str] | None = None
        super().__init__(self.key)

    def with_context(
        self: E,
        key: str | None = None,
        /,
        *,
        fate: Fate | None = None,
        task_id: str | None = None,
        node_id: str | None = None,
        hint: str | None = None,
        wrong_address: bool | None = None,
        cost: Callable[[Say], str] | None = None,
        params: Mapping[str, object] = MappingProxyType({}),
    ) -> E:
        """A copy of the same class, cause and traceback, with the given attributes replaced.

        `cost`: renders what the task cost. `params` are merged into those of the sentence. Raise
        it `from error.__cause__`, so that a log shows the failure once.
        """
        changes = {
            "key": key,
            "fate": fate,
            "task_id": task_id,
            "node_id": node_id,
            "hint": hint,
            "wrong_address": wrong_address,
            "cost": cost,
        }
        copy = type(self).__new__(type(self), *self.args)
        copy.__dict__.update(self.__dict__)
        copy.__dict__.update({name: value for name, value in changes.items() if value is not None})
        copy.params = {**self.params, **_without_keys(params)}
        copy.__cause__ = self.__cause__
        return copy.with_traceback(self.__traceback__)

    def __str__(self) -> str:
        return self.describe(texts.english)

    def describe(self, say: Say) -> str:
        """The sentence in the language of `say`, of at most LONGEST characters."""
        suffixes = self._suffixes(say)
        sentence = say(self.key, self._params(say))
        more = len(" ".join(("", *suffixes)))
        if len(sentence) + more > LONGEST:
            sentence = sentence[: LONGEST - more - 1] + "…"
        return texts.join_sentences((sentence, *suffixes))

    def _suffixes(self, say: Say) -> tuple[str, ...]:
        suffixes: list[str] = []
        if self.code is not None:
            suffixes.append(say("error.suffix.code", {"code": self.code}))
        if self.fate is Fate.NOT_STARTED and self.default_fate is Fate.UNKNOWN:
            suffixes.append(say("error.suffix.not_started", self._params(say)))
        if self.cost is not None:
            suffixes.append(self.cost(say))
        if self.task_id:
            suffixes.append(say("error.suffix.task", {"task_id": self.task_id}))
        return tuple(suffixes)

    def _params(self, say: Say) -> Mapping[str, object]:
        """Params of the sentence: nested errors and quoted texts without their full stop, and
        `nothing_started`, a sentence if that is the fate."""
        about = {"task_id": self.task_id} if self.task_id else {}
        if self.fate is Fate.NOT_STARTED:
            about["nothing_started"] = say("error.suffix.nothing_started", {})
        params = {name: _in_sentence(name, value, say) for name, value in self.params.items()}
        return {"nothing_started": "", **about, **params}


# As of every key seen in public samples; names of files are made of hashes of this length.
_KEY = re.compile(r"\b[0-9A-Za-z]{32}\b(?!\.[0-9A-Za-z]{2,11}\b)")


def _without_keys(params: Mapping[str, object]) -> dict[str, object]:
    """Mask API keys, which users paste into wrong fields: errors go to logs and histories."""
    return {
        name: _KEY.sub("…", value) if type(value) is str else value
        for name, value in params.items()
    }


def _in_sentence(name: str, value: object, say: Say) -> object:
    if isinstance(value, RunningHubError):
        value = value.describe(say)
    elif name not in ("remote", "reason"):
        return value
    return value.rstrip(".。 ") if isinstance(value, str) else value


# Transport


class Unreachable(RunningHubError):
    """No usable connection. NOT_STARTED if no byte of the request left, else UNKNOWN."""

    default_key = "error.unreachable"
    default_fate = Fate.UNKNOWN


class CutOff(Unreachable):
    """A response body was truncated: the server is reachable, and may do so at each retry."""


class BadReply(RunningHubError):
    """A response that cannot be parsed (HTML, half JSON, wrong types): it proves nothing."""

    default_key = "error.bad_reply"
    default_fate = Fate.UNKNOWN


class Redirected(RunningHubError):
    """A call that carries the key was redirected; the redirect was not followed."""

    default_key = "error.redirected"


class ServiceFault(RunningHubError):
    """The service reports an internal error; whether it acted before is unknown."""

    default_key = "error.service_fault"
    default_fate = Fate.UNKNOWN


class RateLimited(RunningHubError):
    """Too many requests; nothing was started. `retry_after` is seconds, or None."""

    default_key = "error.rate_limited"

    def __init__(
        self, key: str | None = None, /, *, retry_after: float | None = None, **more: Any
    ) -> None:
        super().__init__(key, **more)
        self.retry_after = retry_after


class QueueFull(RunningHubError):
    """No concurrency slot of the account is free; nothing was started."""

    default_key = "error.queue_full"


# Refusals


class Refused(RunningHubError):
    """The service refused; nothing was started, and a retry is useless."""

    default_key = "error.refused"


class UnknownCode(RunningHubError):
    """A code that no source documents: what it says about the order is unknown."""

    default_key = "error.unknown_code"
    default_fate = Fate.UNKNOWN


class KeyRefused(Refused):
    default_key = "error.key_refused"


class PlanRefused(Refused):
    default_key = "error.plan_refused"


class NoBalance(Refused):
    default_key = "error.no_balance"


class NotFound(Refused):
    default_key = "error.not_found"


class WorkflowNotFound(NotFound):
    default_key = "error.workflow_not_found"


class WorkflowNeverRun(Refused):
    default_key = "error.workflow_never_run"


class AppNotFound(NotFound):
    default_key = "error.app_not_found"


class TaskNotFound(NotFound):
    default_key = "error.task_not_found"
    default_fate = Fate.OVER


class NodeInfoRefused(Refused):
    default_key = "error.node_info_refused"


class GraphRejected(Refused):
    default_key = "error.graph_rejected"


class InstanceNotFound(Refused):
    default_key = "error.instance_not_found"


class FileTooLarge(Refused):
    default_key = "error.file_too_large"


class UploadFailed(RunningHubError):
    """The service could not store an upload; a retry may help and costs nothing."""

    default_key = "error.upload_failed"


# Tasks


class TaskUnfinished(RunningHubError):
    """The task is queued or running."""

    default_key = "error.task_unfinished"
    default_fate = Fate.RUNNING


class TaskFailed(RunningHubError):
    """The task ran and failed; the message names the remote node and its exception."""

    default_key = "error.task_failed"
    default_fate = Fate.OVER


class ContentRefused(TaskFailed):
    default_key = "error.content_refused"


class TaskCancelled(RunningHubError):
    default_key = "error.task_cancelled"
    default_fate = Fate.OVER


class TimeLimit(RunningHubError):
    """The caller's limit of running time has expired; the task was asked to stop."""

    default_key = "error.time_limit"
    default_fate = Fate.RUNNING


class CostLimit(RunningHubError):
    """An order would exceed a cost limit of the user's, or has no bound; it was not placed.

    `params["order_key"]` identifies the order, for `Client.allow_once`.
    """

    default_key = "error.cost_order"


class Uncertain(RunningHubError):
    """An order may have been placed and no task id is known; it is never retried automatically.

    `order` is its number in the journal, for `Client.settle_uncertain`; None when it is in a
    journal that was set aside.
    """

    default_key = "error.uncertain"
    default_fate = Fate.UNKNOWN

    @property
    def order(self) -> int | None:
        number = self.params.get("order")
        return number if isinstance(number, int) else None

    @staticmethod
    def describe_tasks(before: object, now: object) -> texts.Words:
        """Return a text on the account's number of tasks before an order and now, if known."""
        key = _TASK_COUNT_KEYS[isinstance(before, int), isinstance(now, int)]
        return texts.Words.of(lambda say: say(key, {"before": before, "now": now}))


_TASK_COUNT_KEYS = {
    (True, True): "error.tasks_before_and_now",
    (True, False): "error.tasks_before",
    (False, True): "error.tasks_now",
    (False, False): "error.tasks_unknown",
}


class Detached(RunningHubError):
    """The caller stopped waiting; the task goes on and the order stays in the journal."""

    default_key = "error.detached"
    default_fate = Fate.RUNNING


class BatchFailed(RunningHubError):
    """Some orders of a batch failed; `errors` maps the index, from 0, to the error.

    The fate is the least certain of theirs: what may be running comes first.
    """

    default_key = "error.batch_failed"

    def __init__(
        self,
        key: str | None = None,
        /,
        *,
        errors: Mapping[int, RunningHubError] = MappingProxyType({}),
        **more: Any,
    ) -> None:
        super().__init__(key, **more)
        self.errors = errors

    @classmethod
    def of(
        cls, errors: Mapping[int, RunningHubError], total: int, *, rerolls: bool = False
    ) -> BatchFailed:
        """The error of a batch of `total` items, of which those in `errors` failed. `rerolls`: with
        new seeds, so that the next run orders the others anew, too."""
        order = (Fate.UNKNOWN, Fate.RUNNING, Fate.OVER, Fate.NOT_STARTED, Fate.NO_ORDER)
        fate = min((error.fate for error in errors.values()), key=order.index)
        key = "error.batch_failed_rerolls" if rerolls else None
        key = "error.batch_failed_whole" if len(errors) == total else key
        return cls(key, errors=dict(errors), fate=fate, count=len(errors), total=total)

    def _params(self, say: Say) -> Mapping[str, object]:
        """Items that failed for the same reason are grouped."""
        numbers: dict[str, list[int]] = {}
        for index, error in self.errors.items():
            numbers.setdefault(error.describe(say), []).append(index + 1)
        lines = [
            say(
                "error.batch_item" if len(items) == 1 else "error.batch_items",
                {"numbers": _spans(items), "reason": reason},
            )
            for reason, items in numbers.items()
        ]
        return {**super()._params(say), "items": texts.join_sentences(lines)}


def _spans(numbers: Iterable[int]) -> str:
    """Format as ranges: `1-3, 6`."""
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and spans[-1][-1] == number - 1:
            spans[-1][1:] = [number]
        else:
            spans.append([number])
    return ", ".join("-".join(map(str, span)) for span in spans)


# Results


class NoOutput(RunningHubError):
    default_key = "error.no_output"
    default_fate = Fate.OVER


class ResultUnavailable(RunningHubError):
    """A result could not be fetched; the task is over and its id is in the message.

    `status`: the HTTP status of the refused download, or None. `is_transient`: a network problem,
    so that a retry may succeed.
    """

    default_key = "error.result_unavailable"
    default_fate = Fate.OVER

    def __init__(
        self,
        key: str | None = None,
        /,
        *,
        status: int | None = None,
        is_transient: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(key, **more)
        self.status, self.is_transient = status, is_transient

    def reason(self, say: Say) -> str:
        """The sentence without suffixes: what is wrong, not what to do about it."""
        return say(self.key, self._params(say))

    def _suffixes(self, say: Say) -> tuple[str, ...]:
        advice = () if self.key in _ADVISES else (say("error.suffix.fetch_again", {}),)
        return advice + super()._suffixes(say)


_ADVISES = (
    "error.host_refused",
    "error.result_later",
    "cli.not_saved",
)  # sentences that contain advice


class HostRefused(ResultUnavailable):
    default_key = "error.host_refused"


# Ours


class BadInput(RunningHubError):
    """Invalid input from the user; found before anything was uploaded or paid."""

    default_key = "error.bad_input"


class BadField(BadInput):
    default_key = "error.bad_field"


class NoKey(BadInput):
    default_key = "error.no_key"


class WrongSite(BadInput):
    default_key = "error.wrong_site"


class CatalogueRefused(RunningHubError):
    """A catalogue of models from outside is invalid; the present one stays in use."""

    default_key = "error.catalogue_refused"


class StoreUnavailable(RunningHubError):
    """The journal cannot be written: no order is placed without it."""

    default_key = "error.store_unavailable"


class DiskFull(RunningHubError):
    default_key = "error.disk_full"
    default_fate = Fate.OVER


# Codes of RunningHub's "API Error Code Reference" (official table to 1505), and the few that
# only live reports and clients know: 1, 401, 404, 414, 605, 1520, 1601, 1620.
BY_CODE: dict[int, type[RunningHubError]] = {
    1: NotFound,
    301: Refused,
    380: WorkflowNotFound,
    401: KeyRefused,
    404: NotFound,
    # Officially a misspelt path; live it is a call whose Bearer key is missing or wrong.
    412: KeyRefused,
    414: NoBalance,
    415: QueueFull,
    416: NoBalance,
    421: QueueFull,
    423: TaskNotFound,
    433: GraphRejected,  # or a matter of money: see _API_BALANCE
    435: InstanceNotFound,
    436: PlanRefused,
    500: ServiceFault,
    605: NoBalance,
    801: PlanRefused,
    802: KeyRefused,
    803: NodeInfoRefused,
    804: TaskUnfinished,
    805: TaskFailed,
    806: KeyRefused,
    807: TaskNotFound,
    808: UploadFailed,
    809: FileTooLarge,
    810: WorkflowNeverRun,
    811: KeyRefused,
    812: NoBalance,
    813: TaskUnfinished,
    814: QueueFull,
    901: AppNotFound,
    1000: ServiceFault,
    1001: Refused,
    1002: KeyRefused,
    1003: RateLimited,
    1004: TaskNotFound,
    1005: ServiceFault,
    1006: TaskFailed,
    1007: Refused,
    1008: FileTooLarge,
    1009: Refused,
    1010: ServiceFault,
    1011: ServiceFault,
    1012: ServiceFault,
    1013: UploadFailed,
    1014: PlanRefused,
    1015: TaskFailed,
    1101: NodeInfoRefused,
    1501: ContentRefused,
    1504: TaskFailed,
    1505: ContentRefused,
    1520: QueueFull,
    1601: KeyRefused,
    1620: NoBalance,
}

# Codes whose sentence tells the user more than that of their class.
_KEY_BY_CODE: dict[int, str] = {
    436: "error.subscription_ended",
    801: "error.free_account",
    1007: "error.bad_parameters",
    1014: "error.shared_key_needed",
    1504: "error.model_timed_out",
    1505: "error.real_person",
}

# 433 is said of a graph and of a balance alike ("Your API balance is insufficient", live reports):
# only the text tells. A report on a graph is JSON, which may quote any text of the user's.
_API_BALANCE = re.compile(r"[^{]*\bAPI balance\b[^{]*", re.IGNORECASE)

SUCCESS_CODES = frozenset({0, 200})

NO_REASON = "no reason given"


def error_for_code(code: int, remote_text: str) -> RunningHubError:
    """The error for a business code; `remote_text` is quoted in its sentence."""
    kind = BY_CODE.get(code, UnknownCode)
    if kind is GraphRejected and _API_BALANCE.fullmatch(remote_text):
        kind = NoBalance
    return kind(_KEY_BY_CODE.get(code), code=code, remote=quote_remote(remote_text) or NO_REASON)


def about_task(error: E, fate: Fate = Fate.UNKNOWN) -> E:
    """A failed call about an existing task, with `fate` where its own is NOT_STARTED."""
    if error.fate is not Fate.NOT_STARTED:
        return error
    if isinstance(error, RateLimited) and "pause" in error.params:
        return error.with_context("error.call_later", fate=fate)
    says_so = isinstance(error, (Refused, RateLimited, QueueFull, UploadFailed))
    says_so = says_so and not isinstance(error, (NotFound, KeyRefused))
    return error.with_context("error.call_refused" if says_so else None, fate=fate)


def quote_remote(text: str, limit: int = 600) -> str:
    """The service's text on one line, truncated to `limit` characters, to be quoted."""
    words = " ".join(text.split())
    return words if len(words) <= limit else words[: limit - 1] + "…"
