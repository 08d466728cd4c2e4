"""What can go wrong with RunningHub, and what each failure says about the order.

Every error carries its fate (was something started, is it running, is it over), the remote
code where the service gave one, and the key of the sentence that a person reads. Classes are
told by code in one table, never by words in a message.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import ClassVar

from . import texts

Say = Callable[[str, Mapping[str, object]], str]
"""The sentence of a key with its params, in some language."""


class Fate(enum.Enum):
    """What is known about the order when a call has failed."""

    NOT_STARTED = "not started"
    UNKNOWN = "may have been started"
    RUNNING = "running"
    OVER = "over"


class RunningHubError(Exception):
    """Any failure of this package. `str()` is one English sentence that is safe to show and log.

    Attributes:
        key: key of the sentence in `texts.py` and in the locales.
        params: values of that sentence; plain strings and numbers or another error, never a key
            or a signed URL.
        fate: what is known about the order.
        code: the service's business code, or None.
        task_id: the cloud task concerned, or None.
        node_id: the remote node concerned, or None.
        hint: what a page can offer to do about it, "" when its key says so or nothing.
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
        **params: object,
    ) -> None:
        self.key = key or self.default_key
        self.params = params
        self.fate = fate or self.default_fate
        self.code = code
        self.task_id = task_id
        self.node_id = node_id
        self.hint = ""
        super().__init__(self.key)

    def __str__(self) -> str:
        return self.told(texts.english)

    def told(self, say: Say) -> str:
        """The same sentence in the language that `say` speaks."""
        sentence = say(self.key, self._params(say))
        if self.code is not None:
            sentence += " " + say("error.suffix.code", {"code": self.code})
        if self.fate is Fate.NOT_STARTED and self.default_fate is Fate.UNKNOWN:
            sentence += " " + say("error.suffix.not_started", {})
        if self.task_id:
            sentence += " " + say("error.suffix.task", {"task_id": self.task_id})
        return sentence

    def _params(self, say: Say) -> Mapping[str, object]:
        """What fills the sentence: errors and others' words without their full stop."""
        return {name: _in_sentence(name, value, say) for name, value in self.params.items()}


def _in_sentence(name: str, value: object, say: Say) -> object:
    if isinstance(value, RunningHubError):
        value = value.told(say)
    elif name not in ("remote", "reason"):
        return value
    return value.rstrip(".。 ") if isinstance(value, str) else value


# Trouble on the way


class Unreachable(RunningHubError):
    """No usable connection. NOT_STARTED when nothing left this machine, else UNKNOWN."""

    default_key = "error.unreachable"
    default_fate = Fate.UNKNOWN


class BadReply(RunningHubError):
    """An answer that cannot be read (HTML, half JSON, wrong types): it says nothing."""

    default_key = "error.bad_reply"
    default_fate = Fate.UNKNOWN


class Redirected(RunningHubError):
    """A call that carries the key was told to go elsewhere; it was not followed."""

    default_key = "error.redirected"


class ServiceFault(RunningHubError):
    """The service says that it is at fault; whether it acted before is unknown."""

    default_key = "error.service_fault"
    default_fate = Fate.UNKNOWN


class RateLimited(RunningHubError):
    """Too many requests; nothing was started. `retry_after` is seconds, or None."""

    default_key = "error.rate_limited"
    retry_after: float | None = None


class QueueFull(RunningHubError):
    """The account runs as many tasks as it may; nothing was started."""

    default_key = "error.queue_full"


# Refusals


class Refused(RunningHubError):
    """The service refused; nothing was started and asking again changes nothing."""

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
    """The service could not keep an upload; sending it again may help and costs nothing."""

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
    """The caller's limit of running time is over; the task was asked to stop."""

    default_key = "error.time_limit"
    default_fate = Fate.RUNNING


class Uncertain(RunningHubError):
    """An order may have been placed and no task id is known; it is never sent again by itself.

    `order` is its number in the order book, for `Client.settle_uncertain`; None when it is in a
    book that was set aside.
    """

    default_key = "error.uncertain"
    default_fate = Fate.UNKNOWN
    order: int | None = None


class Detached(RunningHubError):
    """The caller waits no longer; the task goes on and the order stays in the book."""

    default_key = "error.detached"
    default_fate = Fate.RUNNING


class BatchFailed(RunningHubError):
    """Some orders of a batch failed; `errors` has each by its index from 0.

    The fate is the least certain of theirs: what may be running comes first.
    """

    default_key = "error.batch_failed"
    errors: Mapping[int, RunningHubError] = MappingProxyType({})

    @classmethod
    def of(cls, errors: Mapping[int, RunningHubError], total: int) -> BatchFailed:
        """The error of a batch of `total` items, of which those in `errors` failed."""
        order = (Fate.UNKNOWN, Fate.RUNNING, Fate.OVER, Fate.NOT_STARTED)
        made = cls(
            fate=min((error.fate for error in errors.values()), key=order.index),
            count=len(errors),
            total=total,
        )
        made.errors = dict(errors)
        return made

    def _params(self, say: Say) -> Mapping[str, object]:
        items = "; ".join(f"{i + 1}: {error.told(say)}" for i, error in self.errors.items())
        return {**super()._params(say), "items": items}


# Results


class NoOutput(RunningHubError):
    default_key = "error.no_output"
    default_fate = Fate.OVER


class ResultUnavailable(RunningHubError):
    """A result could not be fetched; the task is over and its id is in the message.

    `status` is the HTTP status that refused its address, or None.
    """

    default_key = "error.result_unavailable"
    default_fate = Fate.OVER
    status: int | None = None


class HostRefused(ResultUnavailable):
    default_key = "error.host_refused"


# Ours


class BadInput(RunningHubError):
    """Something given to us that cannot work; found before anything was uploaded or paid."""

    default_key = "error.bad_input"


class BadField(BadInput):
    default_key = "error.bad_field"


class NoKey(BadInput):
    default_key = "error.no_key"


class WrongSite(BadInput):
    default_key = "error.wrong_site"


class StoreUnavailable(RunningHubError):
    """The order book cannot be written: no order is placed without it."""

    default_key = "error.store_unavailable"


class DiskFull(RunningHubError):
    default_key = "error.disk_full"
    default_fate = Fate.OVER


# Codes of RunningHub's "API Error Code Reference" (official table to 1505), and the few that
# only live reports and clients know: 1, 401, 404, 414, 1520, 1601.
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
    # Also sent when the balance for third-party models is too low: the remote text tells.
    433: GraphRejected,
    435: InstanceNotFound,
    436: PlanRefused,
    500: ServiceFault,
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
}

# Refusals of one class whose codes tell a person more than the class does.
_KEY_BY_CODE: dict[int, str] = {
    436: "error.subscription_ended",
    801: "error.free_account",
    1014: "error.shared_key_needed",
}

SUCCESS_CODES = frozenset({0, 200})

NO_REASON = "no reason given"


def error_for_code(code: int, remote_text: str) -> RunningHubError:
    """The error that a business code means; `remote_text` is quoted in its sentence."""
    kind = BY_CODE.get(code, UnknownCode)
    return kind(_KEY_BY_CODE.get(code), code=code, remote=quote_remote(remote_text) or NO_REASON)


def quote_remote(text: str, limit: int = 600) -> str:
    """The service's own words, on one line and bounded, ready to stand in a sentence."""
    words = " ".join(text.split())
    return words if len(words) <= limit else words[: limit - 1] + "…"
