"""Lists of models: what is asked for, page by page, and what is read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rh_api.errors import BadReply, RateLimited
from rh_api.wire.call import Response
from rh_api.wire.resources import ResourceKind, resource_list


def page(**data: Any) -> Response:
    return Response(200, json.dumps({"code": 0, "data": data}).encode())


@pytest.mark.parametrize("kind", list(ResourceKind))
def test_what_was_not_asked_for_is_not_sent(kind: ResourceKind) -> None:
    assert resource_list(kind).request.body == {
        "resourceType": kind.value,
        "current": 1,
        "size": 50,
    }


def test_the_name_and_the_page_are_sent() -> None:
    call = resource_list(ResourceKind.LORA, "ink", page=3, size=7)
    assert call.request.body == {
        "resourceType": "LORA",
        "resourceName": "ink",
        "current": 3,
        "size": 7,
    }


@pytest.mark.parametrize(("number", "size"), [(0, 50), (1, 0), (1, 51), (-1, 10)])
def test_a_page_out_of_range_is_a_mistake_of_the_caller(number: int, size: int) -> None:
    with pytest.raises(ValueError, match="1 to 50"):
        resource_list(ResourceKind.GGUF, page=number, size=size)


ONE = {"nodeModelName": "a.safetensors"}


@pytest.mark.parametrize(
    ("data", "has_next"),
    [
        ({"records": [ONE], "hasNext": True}, True),
        ({"records": [ONE], "hasNext": False, "pages": 9}, False),
        ({"records": [ONE], "current": "1", "pages": "2"}, True),
        ({"records": [ONE], "current": 2, "pages": 2}, False),
        ({"records": [ONE]}, False),
        ({"records": [], "hasNext": True}, False),
    ],
)
def test_there_is_a_next_page_when(data: dict[str, Any], has_next: bool) -> None:
    assert resource_list(ResourceKind.UNET).read(page(**data)).has_next is has_next


def test_a_record_without_a_name_for_loaders_is_left_out() -> None:
    listing = resource_list(ResourceKind.UNET).read(page(records=[{}, None, ONE, {"id": 3}]))
    assert [resource.model_name for resource in listing.resources] == ["a.safetensors"]


@pytest.mark.parametrize("data", [{}, {"records": None}, {"records": "x"}, {"records": {"a": 1}}])
def test_what_is_no_list_is_a_bad_reply(data: dict[str, Any]) -> None:
    with pytest.raises(BadReply):
        resource_list(ResourceKind.UNET).read(page(**data))


def test_too_many_requests_are_told_as_that() -> None:
    with pytest.raises(RateLimited):
        resource_list(ResourceKind.UNET).read(Response(200, b'{"code": 1003, "msg": "slower"}'))
