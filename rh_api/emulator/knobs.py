"""Knobs: the adjustable behaviour of the emulated service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from .doubts import MIB, Doubts

POLL_SECONDS = 0.02
"""Poll interval of waiting tasks; knobs change from other threads, without notification."""

Socket = Literal["ok", "none", "refused", "foreign", "silent", "dying", "lying", "flood", "late"]

Variant = Literal[
    "numeric_ids",
    "account_numbers",
    "upload_en",  # of the documentation's English page
    "upload_msg",  # its text under another name, as in a log
    "app_address",  # an app's call example: a page's address instead of its fields
    "storage_fields",
    "usage_list",
    "traceback_list",
]


HARSH: dict[str, Any] = {
    "upload_limit": 20 * MIB,
    "native_socket": "1011",
    "native_failure": "empty",
}
"""Defaults of a strict emulator where they differ."""


@dataclass
class Knobs(Doubts):
    """Plain attributes, read for each request. Times are in seconds, sizes in bytes.

    Defaults are what the documentation says and most public clients do, so that these run.
    """

    strict: bool = False
    """For tests of a client: harsh readings that one behaviour can satisfy. The older paths want
    the key in header and body. The list of apps takes a Bearer only. The polls list results in
    another order. An emulator that is made strict also has the knobs of ``HARSH``."""

    # Time
    run_seconds: float = 0.3
    hold_at: str | None = None
    """A running task stays at this node, which has done its work, while this is set."""
    queue_seconds: float = 0.0
    create_seconds: float = 0.0
    """How long a task shows the state CREATE, which only V2 has."""
    unknown_seconds: float = 0.0
    """How long a new task is unknown to query, outputs, status and cancel."""
    cancel_seconds: float = 0.0
    """How long a task runs on after its cancel was accepted. On the native route after an
    interrupt, which ComfyUI obeys at its next step."""
    latency: float = 0.0
    """Delay before each request is processed."""
    result_lag: float = 0.0
    """How long query and outputs still report RUNNING after status and socket report the end."""
    result_ttl: float = 24 * 3600.0
    upload_ttl: float = 24 * 3600.0
    sign_seconds: float = 3600.0
    """TTL of a presigned upload URL; negative: expired when issued."""
    idle_timeout: float | None = None
    """Idle timeout of kept-alive connections; None: 75 s."""
    idle_close: Literal["fin", "rst", "silent"] = "fin"
    """How they are closed; "silent": by a gateway that resets them at their next request."""

    # Size
    kept_tasks: int = 2000
    """Ended tasks beyond it are forgotten with their results, oldest first, at the next order."""
    kept_bytes: int = 512 * MIB
    """Likewise for the bytes of their results, and for those of the uploads."""
    kept_seconds: float = 600.0
    """What is younger stays in any case: it may not have been fetched, or ordered with, yet. So
    does an upload of an order that is not over."""
    ranges: bool = True
    """False: downloads ignore Range, as some caches do."""

    # Account and queue
    foreign_tasks: int = 0
    """Tasks run by someone else on the account: they occupy concurrency slots."""
    is_free: bool = False
    """Nothing is charged, and reports say so: 0 coins."""
    tells_costs: bool = True
    """False: nothing is charged, and no cost is reported, as for a subscription."""

    # Orders
    any_model: bool = False
    """Loaders take any name of a checkpoint or LoRA, as a sandbox does, which draws."""
    fail_next: dict[str, Any] | None = None
    """Make coming tasks fail: node_id, exception_type, exception_message, count (default 1);
    error_code and error_message for a failure outside of the graph, such as moderation."""
    no_outputs: bool = False
    """Tasks succeed without any file."""
    empty_nodes: tuple[str, ...] = ()
    """Savers without results in a task that succeeded: their input was blocked."""
    late_results: int = 0
    """Number of polls after the end, by either route, that see only ``late_results_seen``
    results."""
    late_results_seen: int = 0
    missing_address: Literal["null", "empty", "blank"] | None = None
    """The first result's URL is null or ""; blank: and so is its text."""
    missing_address_polls: int | None = None
    """Number of polls after the end that see it missing; None: all."""
    told_task_id: str | None = None
    """The task id in replies to a create, instead of the task's own."""

    # Standard models
    cost_over_preview: float = 1.5
    """The cost of a run as a multiple of its preview, which is called an estimate."""
    free_calls: int = 0
    """Remaining runs that the preview reports as free."""
    inactive_models: tuple[str, ...] = ()
    """Models not activated for any key: also 412."""
    issued_id_ttl: float = 24 * 3600.0
    """TTL of an id that a model issued."""
    site_list_fresh: bool = False
    """Whether the site's catalogue lists added models at once: its cache may lag."""

    # The native route: a ComfyUI's own API behind /proxy/{key}
    native_forgets: bool = False
    """The instance was restarted, or another one answers: its queue and history are empty."""
    native_info_bytes: int = 0
    """Padding of ``/object_info``, which is of some 30 MB."""

    # Socket
    socket: Socket = "ok"
    """"lying" sends false messages, "flood" repeats one as fast as it is read; "late": only the
    older poll tells its address."""
    foreign_socket_url: str = "wss://socket.example.com/ws/c_instance?clientId={client_id}"
    socket_dies_after: int = 6
    """Number of frames that a "dying" socket sends."""
    socket_replay: bool = False
    """True: late clients get all messages; False: the current node only, as ComfyUI does."""
    previews: bool = True
    progress_state: bool = False

    # Addresses
    result_base: str | None = None
    """Origin in result URLs; None: the emulator's own."""
    lora_base: str | None = None
    result_name: str | None = None
    """File name in every result URL, with any characters; None: the service's naming. Its content
    is served by a fault."""

    escapes_names: bool = True
    """Whether ``result_name`` is percent-encoded in URLs."""

    # Responses
    variants: tuple[Variant, ...] = ()
    """Recorded forms of an answer that take the place of the usual ones."""
    webhook_retry_seconds: float = 0.1
