"""Knobs: everything about the emulated service that a test or a person may turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

MIB = 1024 * 1024

LOOK_SECONDS = 0.02
"""How often a waiting task looks again; knobs change from other threads, unannounced."""

Socket = Literal["ok", "none", "refused", "foreign", "silent", "dying", "lying"]


@dataclass
class Knobs:
    """Plain attributes, read anew for each request. Times are seconds, sizes are bytes.

    Where public sources give two readings of one answer, a knob chooses between them and its
    default is the reading that most of them have.
    """

    # Time
    run_seconds: float = 0.3
    hold_at: str | None = None
    """A running task stays at the node of this id, which has done its part, while this is set."""
    queue_seconds: float = 0.0
    create_seconds: float = 0.0
    """How long a task shows the state CREATE, which only V2 has."""
    latency: float = 0.0
    """Waited before each request is looked at."""
    result_lag: float = 0.0
    """How long query and outputs go on saying RUNNING after status and socket know the end."""
    result_ttl: float = 24 * 3600.0
    upload_ttl: float = 24 * 3600.0
    sign_seconds: float = 3600.0
    """How long a presigned upload address is good; negative: expired when handed out."""
    idle_timeout: float | None = None
    """Kept-alive connections that are idle for so long are closed; None: after 75 s."""
    idle_close: Literal["fin", "rst"] = "fin"

    # Size
    upload_limit: int = 30 * MIB
    old_upload_limit: int = 30 * MIB
    ranges: bool = True
    """False: downloads ignore Range, as some caches do."""

    # Account and queue
    foreign_tasks: int = 0
    """Tasks that somebody else runs on the account: they take its slots."""
    queue_when_full: bool = False
    """True: over the limit a task is queued; False: it is refused."""
    limit_code: int | None = None
    """The code for "over the limit"; None: 421, for dedicated keys 415. 1520 was seen too."""
    bill_failed: bool = False

    # Orders
    reroll_seeds: bool = True
    """Seeds that nodeInfoList does not name are drawn anew, as the service says of itself."""
    reroll_inline_seeds: bool = False
    accepts_placeholder_workflow: bool = True
    """An inline graph under an unknown id: accepted (older text) or 380 (newer text)."""
    accepts_list_with_inline: bool = True
    """An inline graph with a nodeInfoList that fits the stored one: list ignored, or 803."""
    invalid_graph: Literal["433", "tips"] = "433"
    """A graph of which nothing can run: refused, or accepted as FAILED with the reason in tips."""
    fail_next: dict[str, Any] | None = None
    """Make coming tasks fail: node_id, exception_type, exception_message, count (default 1);
    error_code and error_message for a failure outside of the graph, such as moderation."""
    no_outputs: bool = False
    """Tasks end well and have no file."""

    # Socket
    socket: Socket = "ok"
    expose_socket_on_create: bool = True
    foreign_socket_url: str = "wss://socket.example.com/ws/c_instance?clientId={client_id}"
    socket_dies_after: int = 6
    """How many frames a dying socket sends."""
    socket_replay: bool = False
    """True: who connects late is told everything; False: the current node only, as ComfyUI does."""
    previews: bool = True
    progress_state: bool = False

    # Addresses
    result_base: str | None = None
    """Origin in result addresses; None: the emulator's own."""
    lora_base: str | None = None
    result_name: str | None = None
    """Name of every result in its address, whatever it may hold; None: as the service names them.
    What is served there is a fault's to say."""

    # Two readings of one answer
    numeric_ids: bool = False
    upload_envelope: Literal["cn", "en", "msg"] = "cn"
    call_demo: Literal["form", "address"] = "form"
    """What the call example of an app holds: its fields, or (older) the address of a page."""
    lora_known_url: bool = False
    """True: an address also for a LoRA that is known; False: no ``url`` then."""
    outputs_node_id: bool = True
    query_url_field: Literal["url", "outputUrl"] = "url"
    traceback_list: bool = False
    unknown_task_code: int | None = None
    """None: 807 on the older paths and 1004 in a query; else this code on all of them."""
    account_numbers: bool = False
    storage_fields: bool = False
    usage_list: bool = False
    cancelled_status: Literal["CANCEL", "FAILED"] = "CANCEL"
    failed_code: Literal["805", "1000"] = "805"
    blank_prompt_tips: bool = False
    preview_results: bool = False
    """Whether PreviewImage's temporary pictures are results."""
    webhook_retry_seconds: float = 0.1
