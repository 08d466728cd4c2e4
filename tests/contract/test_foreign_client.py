"""A foreign client as witness: PyPI's ``runninghub-sdk`` calls each endpoint that it has.

It was written against the real service by somebody else, so what it reads from the emulator is
evidence that the emulator speaks as the service does.
"""

from __future__ import annotations

import hashlib
import inspect
import re
from decimal import Decimal

import pytest
import runninghub_sdk.client as sdk
from runninghub_sdk import RunningHubClient
from runninghub_sdk.exceptions import RunningHubError, TaskError
from runninghub_sdk.typedefs import TaskStatus

from rh_api.emulator import Account, Emulator

TEXT_TO_IMAGE = "1900000000000000101"
APP = "1900000000000000201"
SHARED_KEY = "shared00shared00shared00shared00"
MODEL = "rhart-image/f-2-dev/text-to-image"
MODEL_BODY = {"prompt": "a cat", "aspectRatio": "1:1", "outputFormat": "png"}

EXCEPTIONS = {
    "/uc/openapi/accountStatus": (
        "the client sends the key as apiKey; the service wants apikey on this path alone and "
        "answers 1601 (public log of live calls), so does the emulator"
    ),
    "/uc/pwdLogin": "signs a person in with a password",
    "/uc/getUserInfo": "needs a signed-in person's token; an API key is none",
    "/uc/apiKey/get": "needs a signed-in person's token; an API key is none",
    "/api/workflow/copy": "needs a signed-in person's token; an API key is none",
    "/api/webapp/detail": "needs a signed-in person's token; an API key is none",
    "/api/webapp/list": "needs a signed-in person's token; an API key is none",
    "/api/portal/template/list": "needs a signed-in person's token; an API key is none",
    "/api/instance/access/auth": "needs a signed-in person's token; an API key is none",
    "/api/output/v2/history": "needs a signed-in person's token; an API key is none",
    "/api/openapi/my/call/log/detail": "needs a signed-in person's token; an API key is none",
}
"""Endpoints that are called and refused, with the reason."""


@pytest.fixture
def emulator() -> Emulator:
    emulator = Emulator(run_seconds=0)
    emulator.accounts[SHARED_KEY] = Account(
        kind="SHARED", coins=0, money=Decimal(10), currency="CNY", limit=30
    )
    return emulator


@pytest.fixture
def base_url(emulator: Emulator):
    with emulator.run_in_thread() as base:
        yield base


@pytest.fixture
def client(emulator: Emulator, base_url: str):
    with RunningHubClient(emulator.default_key, base_url=base_url, timeout=120) as client:
        yield client


def test_it_runs_a_workflow_and_fetches_the_picture(
    client: RunningHubClient, emulator: Emulator, tmp_path
) -> None:
    order = client.run(
        TEXT_TO_IMAGE,
        [{"nodeId": "6", "fieldName": "text", "fieldValue": "a red boat"}],
        add_metadata=False,
        instance_type="plus",
    )
    outputs = client.wait_for_completion(order.task_id, poll_interval=0.05, timeout=120)
    files = client.download_outputs(outputs, tmp_path)
    result = client.query_v2(order.task_id)

    assert emulator.tasks[order.task_id].graph["6"]["inputs"]["text"] == "a red boat"
    assert [output.node_id for output in outputs] == ["9"]
    assert files[0].read_bytes().startswith(b"\x89PNG")
    assert result.status is TaskStatus.SUCCESS
    assert result.usage.consume_coins == outputs[0].consume_coins == "1"


def test_it_runs_an_app_from_its_call_demo(client: RunningHubClient) -> None:
    demo = client.get_ai_app_api_demo(APP)
    order = client.run_ai_app(
        int(APP), [{"nodeId": "6", "fieldName": "text", "fieldValue": "a green hill"}]
    )
    result = client.wait_for_query_v2_completion(order.task_id, poll_interval=0.05, timeout=120)

    assert [node.field_name for node in demo.node_info_list] == ["text", "sampler_name"]
    assert result.results[0]["nodeId"] == "9"


def test_it_sees_queue_and_cancels(client: RunningHubClient, emulator: Emulator) -> None:
    emulator.queue_seconds = 60
    order = client.run(TEXT_TO_IMAGE)
    queue = client.get_queue_status()
    status = client.get_status(order.task_id)
    client.cancel(order.task_id)

    assert order.net_wss_url is None
    assert (queue.concurrent_limit, str(queue.queued_count)) == (3, "1")
    assert status is TaskStatus.QUEUED
    assert client.get_status(order.task_id) is TaskStatus.FAILED


def test_it_reads_why_a_task_failed(client: RunningHubClient, emulator: Emulator) -> None:
    emulator.fail_next = {"node_id": "3", "exception_message": "out of memory"}
    order = client.run(TEXT_TO_IMAGE)
    with pytest.raises(TaskError):
        client.wait_for_query_v2_completion(order.task_id, poll_interval=0.05, timeout=120)

    assert client.query_v2(order.task_id).failed_reason.exception_message == "out of memory"
    with pytest.raises(RunningHubError, match="APIKEY_TASK_STATUS_ERROR"):
        client.get_outputs(order.task_id)


def test_it_uploads_pictures_and_loras(client: RunningHubClient, emulator: Emulator) -> None:
    picture = b"\x89PNG\r\n\x1a\nrest"
    uploaded = client.upload_file(picture, "input.png")
    lora = client.upload_lora("my-style", b"weights")

    assert emulator.uploads[uploaded.file_name].data == picture
    assert lora == f"api-lora-cn/{hashlib.md5(b'weights').hexdigest()}.safetensors"
    assert emulator.loras[lora].size == len(b"weights")


def test_it_reads_the_stored_workflow(client: RunningHubClient, emulator: Emulator) -> None:
    graph = client.get_workflow_json_parsed(TEXT_TO_IMAGE)

    assert graph == emulator.workflows[TEXT_TO_IMAGE].graph


def test_it_follows_a_webhook_that_nobody_takes(
    client: RunningHubClient, emulator: Emulator
) -> None:
    emulator.webhook_retry_seconds = 0
    order = client.run(TEXT_TO_IMAGE, webhook_url="http://127.0.0.1:9/hook")
    client.wait_for_completion(order.task_id, poll_interval=0.05, timeout=120)
    detail = client.get_webhook_detail(order.task_id)
    client.retry_webhook(detail.id, "http://127.0.0.1:9/other")

    assert detail.task_id == order.task_id
    assert emulator.webhooks[detail.id].url.endswith("/other")


def test_it_lists_keys_and_models(client: RunningHubClient) -> None:
    models = client.list_public_models("LORA", "ink")
    keys = client.list_api_keys()

    assert [model.node_model_name for model in models.records] == ["ink_v1.safetensors"]
    assert keys[0].is_enabled
    assert client.validate_api_key()


def test_it_runs_a_standard_model_with_a_shared_key_only(
    client: RunningHubClient, base_url: str
) -> None:
    with RunningHubClient(SHARED_KEY, base_url=base_url) as shared:
        price = shared.preview_model_price(MODEL, MODEL_BODY)
        order = shared.run_model_api(MODEL, MODEL_BODY)
        result = shared.wait_for_query_v2_completion(order.task_id, poll_interval=0.05, timeout=120)
    refused = client.run_model_api(MODEL, MODEL_BODY)

    assert price.estimated_price > 0
    assert result.status is TaskStatus.SUCCESS
    assert (refused.error_code, refused.task_id) == ("1014", "")


def test_its_one_wrong_key_field_is_refused_as_the_service_does(client: RunningHubClient) -> None:
    with pytest.raises(RunningHubError, match="param apiKey is required"):
        client.get_account_status()


def refused_calls(client: RunningHubClient):
    return (
        lambda: RunningHubClient.login("13800000000", "x", base_url=client.base_url),
        lambda: client.get_user_info("1"),
        lambda: client.get_user_api_key("1"),
        lambda: client.copy_workflow(TEXT_TO_IMAGE),
        lambda: client.get_webapp_detail(APP),
        client.list_webapps,
        client.list_portal_templates,
        client.get_access_token,
        client.query_output_history_v2,
        lambda: client.get_call_log_detail("1", "1"),
    )


def test_paths_of_the_website_itself_refuse_an_api_key(client: RunningHubClient) -> None:
    for call in refused_calls(client):
        with pytest.raises(RunningHubError, match="TOKEN_INVALID"):
            call()


CALLED = (
    "/task/openapi/create",
    "/task/openapi/ai-app/run",
    "/api/webapp/apiCallDemo",
    "/openapi/v2/resource/list",
    "/task/openapi/status",
    "/openapi/v2/api-key/list",
    "/openapi/v2/queue/status",
    "/task/openapi/getWebhookDetail",
    "/task/openapi/retryWebhook",
    "/task/openapi/outputs",
    "/openapi/v2/query",
    "/task/openapi/cancel",
    "/openapi/v2/media/upload/binary",
    "/api/openapi/getLoraUploadUrl",
    "/api/openapi/getJsonApiFormat",
)
"""Endpoints that the tests above call with success."""


def test_no_endpoint_of_the_client_is_left_out() -> None:
    written = set(re.findall(r'"(/(?:task|api|uc|openapi)/[\w/.-]*\w)"', inspect.getsource(sdk)))

    assert written == {*CALLED, *EXCEPTIONS}
