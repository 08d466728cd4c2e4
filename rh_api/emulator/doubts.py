"""Doubts: facts of the service on which sources disagree or say nothing, one knob a fact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MIB = 1024 * 1024


@dataclass
class Doubts:
    """The rows of ``docs/unknowns.md``, which has sources and consequences. The default is the
    reading that the client takes; tests turn one knob to its other reading."""

    # Orders
    accepts_placeholder_workflow: bool = True
    """A graph under an unknown workflow id is accepted; else refused with 380."""
    reroll_inline_seeds: bool = True
    """A graph's seeds are redrawn like those of a saved workflow. False in both sandboxes for users
    without a key, who compare pictures."""
    invalid_graph: Literal["433", "tips"] = "433"
    """A graph that cannot run: refused, or accepted as FAILED with the reason in tips."""
    queue_when_full: bool = False
    """Over the limit, True: a task is queued; False: it is refused."""
    blank_prompt_tips: bool = False
    """An accepted order's ``promptTips`` do not say which nodes will run."""

    # Tasks
    cancelled_status: Literal["CANCEL", "FAILED"] = "CANCEL"
    """In a query; FAILED with the code of a failed task and no reason, as in the older poll."""
    failed_code: Literal["1000", "805"] = "1000"
    """The code of a failed task in a query."""
    unknown_task_code: Literal[None, 423] = None
    """None: 807 on the older paths and 1004 in a query; else this code on all of them."""
    outputs_node_id: bool = True
    """Results name their node."""

    # Standard models
    model_cancel: Literal["ignored", "refused", "works"] = "ignored"
    """Cancelling a model's task: success although the task goes on, 807, or done."""
    preview_placeholders: Literal["refused", "accepted"] = "refused"
    """Whether a price preview accepts filler text and URLs without a file."""
    unknown_model_code: Literal[412, 404] = 412
    """For an unknown model's path."""

    # Files
    upload_limit: int = 30 * MIB
    """Of the recommended upload."""
    old_upload_limit: int = 30_000_000
    """Of the older upload, documented as 30 MB: the smaller of the two meanings."""
    resource_filter: Literal["title", "file"] = "title"
    """What ``resourceName`` is compared with: a model's title on the site, or its file name."""

    # The native route: a ComfyUI's own API behind /proxy/{key}
    native_prompt_id: Literal["given", "own"] = "given"
    """Whether the caller's ``prompt_id`` is used, as ComfyUI itself does."""
    native_core: Literal["old", "new", "silent"] = "old"
    """Whether ``/interrupt`` honours its ``prompt_id``: an older core interrupts whatever runs;
    "silent" is old and does not report its version either."""
    native_socket: Literal["ok", "1011"] = "ok"
    """1011: sockets are closed right after opening."""
    native_invalid: Literal["code", "400"] = "code"
    """A graph that cannot run: HTTP 200 with a code and no prompt_id, or ComfyUI's own 400."""
    native_failure: Literal["told", "empty"] = "told"
    """A failed prompt: a history with ComfyUI's own reason, or without outputs and reason."""
    native_batch: Literal["refused", "runs"] = "refused"
    """A ``batch_size`` above 1."""
