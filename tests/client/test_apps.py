"""AI apps from the person's side, and ids of the wrong kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rh_api.client import Client, Job, ResourceKind
from rh_api.emulator import Emulator, Fault, catalog
from rh_api.errors import (
    AppNotFound,
    BadField,
    BadInput,
    BadReply,
    ResultUnavailable,
    WorkflowNotFound,
)
from tests.support.jobs import picture

APP_WITH_PICTURE = next(
    number
    for number, app in catalog.apps().items()
    if any(item["fieldType"] == "IMAGE" for item in app.fields)
)


def field_of(number: str, kind: str) -> str:
    item = next(i for i in catalog.apps()[number].fields if i["fieldType"] == kind)
    return f"{item['nodeId']}.{item['fieldName']}"


async def test_an_app_runs_with_its_own_fields(client: Client, emulator: Emulator) -> None:
    name = field_of(APP_WITH_PICTURE, "IMAGE")
    outcome = await client.run(Job(app=APP_WITH_PICTURE, fields={name: picture()}))
    assert outcome.results
    (order,) = [e.json for e in emulator.journal if e.path == "/task/openapi/ai-app/run"]
    assert order["webappId"] == int(APP_WITH_PICTURE)
    assert emulator.counters.upload_bytes > 0


async def test_an_app_is_named_by_its_link(client: Client) -> None:
    link = f"https://www.runninghub.ai/ai-detail/{APP_WITH_PICTURE}?inviteCode=x"
    assert (await client.programs.app(link)).app_id == APP_WITH_PICTURE


async def test_a_field_that_the_app_does_not_offer_is_named_and_nothing_is_sent(
    client: Client, emulator: Emulator
) -> None:
    with pytest.raises(BadField, match=r"9999\.image"):
        await client.run(Job(app=APP_WITH_PICTURE, fields={"9999.image": picture()}))
    assert emulator.counters.orders == 0
    assert emulator.counters.upload_bytes == 0


async def test_ids_of_the_wrong_kind_are_told_apart(client: Client) -> None:
    with pytest.raises(BadInput, match="is an AI app"):
        await client.run(Job(APP_WITH_PICTURE))
    with pytest.raises(BadInput, match="is a workflow"):
        await client.run(Job(app=catalog.INVERT))
    with pytest.raises(BadInput, match="link of an AI app"):
        await client.run(Job(f"https://www.runninghub.ai/ai-detail/{APP_WITH_PICTURE}"))
    with pytest.raises(BadInput, match="link of a workflow"):
        await client.run(Job(app=f"https://www.runninghub.ai/workflow/{catalog.INVERT}"))


async def test_an_id_that_is_nothing_stays_what_it_is(client: Client) -> None:
    with pytest.raises(AppNotFound):
        await client.run(Job(app="1234567890123456789"))
    with pytest.raises(WorkflowNotFound):
        await client.run(Job("1234567890123456789"))


async def test_models_are_listed_page_by_page(client: Client, emulator: Emulator) -> None:
    resources = await client.account.resources(ResourceKind.CHECKPOINT)
    assert {resource.model_name for resource in resources} >= set(catalog.CHECKPOINTS[:1])
    assert emulator.counters.requests["/openapi/v2/resource/list"] == 1


async def test_choices_that_are_names_alone_are_offered_and_checked(
    client: Client, emulator: Emulator
) -> None:
    number, field = next(
        (number, field)
        for number, app in emulator.apps.items()
        for field in app.fields
        if field["fieldName"] == "upscale_method"
    )
    field["fieldData"] = ["nearest-exact", "bilinear", "bicubic"]
    name = f"{field['nodeId']}.upscale_method"
    with pytest.raises(BadField, match="bicubic"):
        await client.run(Job(app=number, fields={name: "bicubik"}))
    assert emulator.counters.orders == 0
    await client.run(Job(app=number, fields={name: "bicubic"}))
    assert emulator.counters.orders == 1


async def test_a_cover_that_is_no_small_picture_is_refused(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    (listed, *_) = (await client.programs.public_apps()).apps
    emulator.faults.append(Fault("/results/covers/", "body", value="x" * 9_000_000))
    with pytest.raises(ResultUnavailable):
        await client.cover(listed.cover, tmp_path / "cover")
    assert (await client.cover(listed.cover, tmp_path / "again")).stat().st_size


async def test_public_apps_are_listed_page_by_page(client: Client, emulator: Emulator) -> None:
    first = await client.programs.public_apps()
    app_ids = [app.app_id for app in first.apps]
    assert len(app_ids) == len(set(app_ids)) == 50
    assert set(catalog.apps()) <= set(app_ids)
    assert first.total == 70_500
    pages = [first]
    while pages[-1].has_next:
        pages.append(await client.programs.public_apps(page=pages[-1].page + 1))
    assert len({app.app_id for page in pages for app in page.apps}) == 120 + len(catalog.apps())
    assert all(app.cover.startswith(emulator.base_url) for app in first.apps)
    with pytest.raises(ValueError, match="FREE"):
        await client.programs.public_apps("FREE")


@pytest.mark.parametrize("form", ["an app", "a workflow", "a workflow as text"])
async def test_a_program_of_a_million_fields_is_refused_by_its_size(
    client: Client, emulator: Emulator, form: str
) -> None:
    fields = ",".join(f'"{number}":{{}}' for number in range(600_000))
    if form == "an app":
        data = f'{{"nodeInfoList":[{"{},{}," * 300_000}{{}}]}}'
    elif form == "a workflow":
        data = f'{{"prompt":{{{fields}}}}}'
    else:
        data = json.dumps({"prompt": f"{{{fields}}}"})
    answer = f'{{"code":0,"msg":"success","data":{data}}}'
    path = "/api/webapp/apiCallDemo" if form == "an app" else "/api/openapi/getJsonApiFormat"
    emulator.faults.append(Fault(path, "body", value=answer, status=200, count=None))
    with pytest.raises(BadReply, match="more than 1,000,000 values"):
        await client.program(
            Job(app=APP_WITH_PICTURE) if form == "an app" else Job(catalog.TEXT_TO_IMAGE)
        )
