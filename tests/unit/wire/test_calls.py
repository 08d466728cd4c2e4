"""Whether asking twice is safe is each call's own word; here stands why, for every one of them."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, fields
from typing import Any

import pytest

from rh_api import wire
from rh_api.errors import Fate
from rh_api.wire import (
    accounts,
    apps,
    models,
    native,
    orders,
    public,
    quick,
    resources,
    run_v2,
    tasks,
    uploads,
    webhooks,
    workflows,
)
from rh_api.wire.call import Call

STARTS = "it starts a task that is paid for: two would be paid twice"
READS = "it reads"


@dataclass(frozen=True)
class Row:
    """A call, whether it may be sent again after a lost reply, and why."""

    make: Callable[[], Call[Any]]
    repeatable: bool
    why: str


PROMPT = native.Prompt("default", "0f0e0d0c-0b0a-4908-8706-050403020100")

ROWS = {
    "accounts.account_status": Row(accounts.account_status, True, READS),
    "accounts.api_key_list": Row(accounts.api_key_list, True, READS),
    "accounts.queue_status": Row(accounts.queue_status, True, READS),
    "apps.app_list": Row(apps.app_list, True, READS),
    "apps.call_demo": Row(lambda: apps.call_demo("1"), True, READS),
    "apps.run_app": Row(lambda: apps.run_app("1"), False, STARTS),
    "models.create": Row(lambda: models.create("a/b", {}), False, STARTS),
    "models.price_preview": Row(lambda: models.price_preview("a/b", {}), True, READS),
    "native.core_version": Row(lambda: native.core_version("default"), True, READS),
    "native.dequeue": Row(lambda: native.dequeue(PROMPT), True, "what is out of it stays out"),
    "native.end_of": Row(lambda: native.end_of(PROMPT), True, READS),
    "native.interrupt": Row(
        lambda: native.interrupt(PROMPT), False, "the next prompt may run by then"
    ),
    "native.native_queue": Row(lambda: native.native_queue("default"), True, READS),
    "native.object_info": Row(lambda: native.object_info("default"), True, READS),
    "native.queue_prompt": Row(lambda: native.queue_prompt(PROMPT, "{}"), False, STARTS),
    "orders.create": Row(lambda: orders.create("1"), False, STARTS),
    "orders.order_call": Row(lambda: orders.order_call("/a", {}), False, STARTS),
    "public.document": Row(lambda: public.document("/a", 1), True, READS),
    "public.question": Row(lambda: public.question("/a", {}, {}, bytes, 1), True, READS),
    "quick.model_params": Row(lambda: quick.model_params("1", 2), True, READS),
    "quick.run_quick": Row(lambda: quick.run_quick("1", "001", {}), False, STARTS),
    "resources.resource_list": Row(
        lambda: resources.resource_list(resources.ResourceKind.LORA), True, READS
    ),
    "run_v2.order_call_v2": Row(lambda: run_v2.order_call_v2("/a", {}), False, STARTS),
    "run_v2.run_app": Row(lambda: run_v2.run_app("1"), False, STARTS),
    "run_v2.run_workflow": Row(lambda: run_v2.run_workflow("1"), False, STARTS),
    "tasks.cancel": Row(lambda: tasks.cancel("1"), True, "a task that is stopped stays stopped"),
    "tasks.outputs": Row(lambda: tasks.outputs("1"), True, READS),
    "tasks.query": Row(lambda: tasks.query("1"), True, READS),
    "tasks.status": Row(lambda: tasks.status("1"), True, READS),
    "uploads.lora_slot": Row(
        lambda: uploads.lora_slot("a", "0" * 32),
        True,
        "it gives an address; a second one is unused",
    ),
    "webhooks.resend_webhook": Row(
        lambda: webhooks.resend_webhook("1"), False, "each time it is POSTed once more"
    ),
    "webhooks.webhook_detail": Row(lambda: webhooks.webhook_detail("1"), True, READS),
    "workflows.workflow_json": Row(lambda: workflows.workflow_json("1"), True, READS),
}


def calls() -> Iterator[str]:
    """Functions of the room that make a Call, as `module.function`."""
    for about in pkgutil.walk_packages(wire.__path__, f"{wire.__name__}."):
        module = importlib.import_module(about.name)
        for name, value in vars(module).items():
            if not inspect.isfunction(value) or value.__module__ != about.name:
                continue
            if str(inspect.signature(value).return_annotation).startswith("Call["):
                yield f"{about.name.removeprefix(wire.__name__ + '.')}.{name}"


def test_every_function_that_makes_a_call_has_a_row() -> None:
    assert sorted(calls()) == sorted(ROWS)


def test_nobody_may_leave_the_word_out() -> None:
    (word,) = (field for field in fields(Call) if field.name == "repeatable")
    assert (word.default, word.default_factory) == (MISSING, MISSING)


@pytest.mark.parametrize("name", ROWS)
def test_a_call_says_what_its_row_says(name: str) -> None:
    call = ROWS[name].make()
    assert call.repeatable is ROWS[name].repeatable, ROWS[name].why


def test_what_orders_nothing_says_so_when_it_fails() -> None:
    fates = {name: row.make().fate for name, row in ROWS.items()}
    quiet = {name for name, fate in fates.items() if fate in (Fate.NOT_STARTED, Fate.NO_ORDER)}
    assert quiet == set(ROWS) - {
        name for name in ROWS if name.startswith(("tasks.", "native."))
    } - {name for name, row in ROWS.items() if row.why == STARTS}
    # A person asks these, and no order waits for them.
    assert {name for name in quiet if fates[name] is Fate.NO_ORDER} == {
        "models.price_preview",
        "webhooks.resend_webhook",
        "webhooks.webhook_detail",
    }
