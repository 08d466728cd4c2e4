"""Knobs: everything about the emulated service that a test or a person may turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

MIB = 1024 * 1024

LOOK_SECONDS = 0.02
"""How often a waiting task looks again; knobs change from other threads, unannounced."""

Socket = Literal["ok", "none", "refused", "foreign", "silent", "dying", "lying", "flood"]


@dataclass
class Knobs:
    """Plain attributes, read anew for each request. Times are seconds, sizes are bytes.

    Where public sources give two readings of one answer, a knob chooses between them. Its default
    is the harsh one, with which a client that reads only the kind one fails; where neither is
    harsher, the one that most sources have.
    """

    # Time
    run_seconds: float = 0.3
    hold_at: str | None = None
    """A running task stays at the node of this id, which has done its part, while this is set."""
    queue_seconds: float = 0.0
    create_seconds: float = 0.0
    """How long a task shows the state CREATE, which only V2 has."""
    unknown_seconds: float = 0.0
    """How long a new task is unknown to query, outputs, status and cancel: what took the order and
    what is asked about it need not be in step."""
    cancel_seconds: float = 0.0
    """How long a task goes on after its cancel was taken: no source says that it ended by then."""
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
    unused_timeout: float | None = None
    """Connections that nothing was asked over for so long are closed; None: never."""
    unused_close: Literal["fin", "rst", "silent"] = "fin"
    """How; a silent one is forgotten, as by a gateway: whatever comes over it is not read."""

    # Size
    upload_limit: int = 20 * MIB
    """Of the recommended upload. No page prints it; a public client found it to be stricter than
    the older one's, and others take both for the same."""
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
    is_free: bool = False
    """Nothing is charged, and no cost is told, as for a subscription."""
    bill_failed: bool = True
    """A failed task costs what one that ended well does: one source measured that, another says
    that nothing is taken."""
    api_balance_empty: bool = False
    """Orders are refused with 433 and a text about the API balance: money, though the code is the
    graph's (live logs of public clients)."""
    instance_types: tuple[str, ...] = ("default", "plus", "ultra")
    """Values of ``instanceType`` that are taken; one that has no price costs as the default.

    The documentation's three. A public client sends "standard" as its default; whether the
    service takes it is unknown, so it is refused unless it is named here."""
    account_key: Literal["apikey", "apiKey", "both"] = "apikey"
    """The field that accountStatus reads: the documentation and most clients say ``apikey``, two
    public clients send ``apiKey``. The harsh reading takes one of them only."""

    # Orders
    reroll_seeds: bool = True
    """Seeds that nodeInfoList does not name are drawn anew, as the service says of itself."""
    reroll_inline_seeds: bool = False
    accepts_placeholder_workflow: bool = False
    """An inline graph under an unknown id: 380 (newer text), or accepted (older text), as both
    sandboxes for people without a key do."""
    accepts_list_with_inline: bool = False
    """An inline graph with a nodeInfoList that fits the stored one: 803, or list ignored."""
    invalid_graph: Literal["433", "tips"] = "433"
    """A graph of which nothing can run: refused, or accepted as FAILED with the reason in tips."""
    fail_next: dict[str, Any] | None = None
    """Make coming tasks fail: node_id, exception_type, exception_message, count (default 1);
    error_code and error_message for a failure outside of the graph, such as moderation."""
    no_outputs: bool = False
    """Tasks end well and have no file."""
    empty_nodes: tuple[str, ...] = ()
    """Savers that made nothing in a task that ended well: what they read was blocked."""
    late_results: int = 0
    """How many polls after the end, by either route, see only ``late_results_seen`` results: files
    lag behind the state in a vendor client's loop of thirty tries."""
    late_results_seen: int = 0
    results_order: Literal["reversed", "same"] = "reversed"
    """How the older poll lists results beside the recommended one: no source promises an order."""
    missing_address: Literal["null", "empty", "blank"] | None = None
    """The first result's address is null or empty text; blank: so is its text."""
    missing_address_polls: int | None = None
    """How many polls after the end see it missing; None: all."""
    told_task_id: str | None = None
    """The id that replies to a create tell instead of the task's own."""

    # Standard models
    preview_placeholders: Literal["refused", "accepted"] = "refused"
    """Whether the price can be asked with filler text and addresses that hold no file. No source
    tells; a check of the body may well open what it names."""
    cost_over_preview: float = 1.5
    """What a run costs, as a multiple of its preview, which is called an estimate."""
    free_calls: int = 0
    """Runs that are free by the preview's word."""
    model_cancel: Literal["ignored", "refused", "works"] = "ignored"
    """A cancel of a model's task, which the documentation leaves out: answered with success though
    the task goes on (the harsh reading), 807, or done."""
    unknown_model_code: int = 412
    """For a path that is no model's: the documentation says 412 (a misspelt path), which other
    replies use for a bad key; 404 was seen too."""
    inactive_models: tuple[str, ...] = ()
    """Models that are not activated for any key: 412 as well (two public clients' logs)."""
    model_output_type: Literal["kind", "extension"] = "kind"
    """``outputType`` of a model's results: "image" in the vendor's kit, else "png"."""
    issued_id_ttl: float = 24 * 3600.0
    """How long an id that a model gave out is good."""
    site_list_fresh: bool = False
    """Whether the site's catalogue lists models that were added: its cache may lag."""
    page_shell: bool = False
    """The pages of the documentation are the site's app shell, as an undated note says."""

    # The native route: a ComfyUI's own API behind /proxy/{key}
    native_prompt_id: Literal["own", "given"] = "own"
    """Whether a ``prompt_id`` of the caller counts, as it does with ComfyUI itself."""
    native_core: Literal["old", "new", "silent"] = "old"
    """Whether ``/interrupt`` looks at the ``prompt_id`` that it is given: an older core interrupts
    whatever runs. A silent one is old and does not tell its version either."""
    native_socket: Literal["1011", "ok"] = "1011"
    """Sockets are closed as soon as they are open, as a public client saw."""
    native_invalid: Literal["code", "400"] = "code"
    """A graph that cannot run: HTTP 200 with a code and no prompt_id (as a public client saw), or
    ComfyUI's own 400."""
    native_failure: Literal["empty", "told"] = "empty"
    """A failed prompt: a history without outputs and without a reason (as a public client saw), or
    what ComfyUI says of it."""
    native_batch: Literal["refused", "runs"] = "refused"
    """A ``batch_size`` above 1, of which a public client says that it has to be 1."""
    native_upload: bool = False
    """Whether ``/upload/image`` is there: it was in 2025, it was not in 2026."""
    native_forgets: bool = False
    """The instance was restarted, or another one answers: its queue and history are empty."""
    native_info_bytes: int = 0
    """So much is added to ``/object_info``, which is said to be of about 30 MB."""

    # Socket
    socket: Socket = "ok"
    """A lying one says what is not so, a flooding one repeats a message as fast as it is read."""
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

    escapes_names: bool = True
    """Whether ``result_name`` stands escaped in addresses."""

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
    failed_code: Literal["805", "1000"] = "1000"
    """What a query says of a failed task: 805 says so, 1000 is also that of a fault of the service
    for which an order would be tried again."""
    blank_prompt_tips: bool = False
    v2_reply: Literal["filled", "blank"] = "filled"
    """``clientId`` and ``promptTips`` in replies to a V2 order: filled in the documentation's
    examples, blank in live logs."""
    text_results: Literal["text", "list"] = "text"
    """``results[].text``: a text, or a list of texts as some clients' readers expect."""
    result_rows: Literal["objects", "lists", "addresses"] = "objects"
    """``results`` of V2: objects with an address each, with a list of one, or bare addresses. No
    source has the latter two, and none says that others cannot come."""
    field_data: Literal["published", "list"] = "published"
    """An app's ``fieldData``: JSON in one of three dialects, or a list of its options' names."""
    resource_lists: int = 20
    """Requests for lists of models that are answered a minute: a comment in the vendor's skill."""
    resource_filter: Literal["title", "file"] = "title"
    """What ``resourceName`` is compared with: the title that a model has on the site, which need
    not be like its file's name (the harsh reading), or the file's name."""
    app_list_key: Literal["records", "list"] = "records"
    app_list_auth: Literal["bearer", "raw"] = "bearer"
    """How ``aiapp/list`` wants the key: one public client sends a Bearer, another the bare key."""
    preview_results: bool = False
    """Whether PreviewImage's temporary pictures are results."""
    webhook_retry_seconds: float = 0.1
