"""Standard models: we ask what was recorded, and read what it means."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from rh_api import errors
from rh_api.errors import BadInput, BadReply, Fate, RunningHubError
from rh_api.wire.call import Auth, Call, Response
from rh_api.wire.models import PricePreview, create, price_preview
from rh_api.wire.orders import Ticket
from rh_api.wire.tasks import Phase
from tests.contract.recorded import load

TASK = "1900000000000000001"
BASES = {"model_create": "/openapi/v2/", "price_preview": "/openapi/v2/price-preview/"}
CALLS = {"model_create": create, "price_preview": price_preview}


def call(family: str, sample: dict[str, Any]) -> Call[Any]:
    request = sample["request"]
    return CALLS[family](request["path"].removeprefix(BASES[family]), request["json"])


def reply(value: object, status: int = 200) -> Response:
    return Response(status, json.dumps(value).encode())


EXCHANGES = [
    pytest.param(family, sample, id=f"{family}: {sample['name']}")
    for family in CALLS
    for sample in load(family)
]

REFUSED = {
    "consumer key": (errors.PlanRefused, 1014, Fate.NOT_STARTED, "enterprise shared"),
    "unknown parameter": (errors.Refused, 1007, Fate.NOT_STARTED, "style"),
    "refused for its content": (errors.ContentRefused, 1501, Fate.NOT_STARTED, "prompt"),
    "refused for a real person": (errors.ContentRefused, 1505, Fate.NOT_STARTED, "real person"),
    "balance used up": (errors.NoBalance, 1620, Fate.NOT_STARTED, "top up"),
    "not active for the key, or no valid key": (
        errors.KeyRefused,
        412,
        Fate.NOT_STARTED,
        "not activated",
    ),
}
READ = {
    "accepted, runs at once": Ticket(TASK, Phase.RUNNING),
    "accepted, waits; a list and a switch": Ticket(TASK, Phase.QUEUED),
    "a price a call": PricePreview(Decimal("0.5"), "CNY", "¥0.50/次", "CNY 0.50/call"),
    "as text, in dollars": PricePreview(Decimal("0.84"), "USD", "", "USD 0.168/s"),
    "zero that is not free": PricePreview(None, "CNY"),
    "free this time": PricePreview(Decimal(0), "CNY", is_free=True),
}


@pytest.mark.parametrize(("family", "sample"), EXCHANGES)
def test_the_recorded_request_is_what_we_send(family: str, sample: dict[str, Any]) -> None:
    recorded = sample["request"]
    request = call(family, sample).request
    assert (request.method, request.path) == (recorded["method"], recorded["path"])
    assert request.auth is Auth.BEARER
    assert request.body == recorded["json"]


@pytest.mark.parametrize(("family", "sample"), EXCHANGES)
def test_the_recorded_answer_is_read_as_what_it_means(family: str, sample: dict[str, Any]) -> None:
    answer = reply(sample["response"]["json"], sample["response"]["status"])
    if sample["name"] in READ:
        assert call(family, sample).read(answer) == READ[sample["name"]]
        return
    kind, code, fate, words = REFUSED[sample["name"]]
    with pytest.raises(RunningHubError) as caught:
        call(family, sample).read(answer)
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.fate) == (code, fate)
    assert words in str(caught.value)


def test_only_the_price_is_asked_for_twice() -> None:
    assert not create("kling-elements", {}).repeatable
    assert price_preview("kling-elements", {}).repeatable


@pytest.mark.parametrize(
    "endpoint",
    ["../../task/openapi/create", "run/workflow/1", "a/../b", "a//b", "query", "a?b", "a/%2e%2e"],
)
@pytest.mark.parametrize("make", [create, price_preview])
def test_no_call_is_made_of_what_is_no_endpoint(make: Any, endpoint: str) -> None:
    with pytest.raises(BadInput, match="not a model endpoint"):
        make(endpoint, {})


def test_brackets_of_an_endpoint_travel_encoded() -> None:
    path = create("rhart-image-g-1.5/edit-[Deprecated]", {}).request.path
    assert path == "/openapi/v2/rhart-image-g-1.5/edit-%5BDeprecated%5D"


def test_a_task_id_beside_an_error_is_a_task() -> None:
    answer = reply({"taskId": TASK, "status": "FAILED", "errorCode": "1501"})
    assert create("kling-elements", {}).read(answer).task_id == TASK


def test_an_id_in_half_an_answer_is_kept() -> None:
    half = Response(200, b'{"taskId":"1900000000000000001","status":"RUN', complete=False)
    assert create("kling-elements", {}).read(half).task_id == TASK


@pytest.mark.parametrize(
    "answer",
    [{}, {"taskId": ""}, {"taskId": None, "status": "RUNNING", "errorCode": ""}, [], "<html>"],
)
def test_an_answer_without_an_id_leaves_the_order_open(answer: object) -> None:
    with pytest.raises(BadReply) as caught:
        create("kling-elements", {}).read(reply(answer))
    assert caught.value.fate is Fate.UNKNOWN


@pytest.mark.parametrize("price", [None, "", "free", -1, "NaN", "Infinity", True])
def test_a_price_that_is_no_number_is_not_known(price: object) -> None:
    answer = reply({"estimatedPrice": price, "currency": "cny"})
    assert price_preview("kling-elements", {}).read(answer) == PricePreview(None, "CNY")
