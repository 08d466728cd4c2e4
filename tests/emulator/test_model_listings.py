"""Where models are listed, how that changes, and the script that makes the emulator's own file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from rh_api.emulator import Fault
from rh_api.emulator.models.convert import convert

if TYPE_CHECKING:
    from conftest import Remote

INDEX = "/runninghub-api-doc-cn/llms.txt"
REGISTRY = "/HM-RunningHub/ComfyUI_RH_OpenAPI/main/models_registry.json"
F2 = "rhart-image/f-2-klein-4b/text-to-image"
KLING = "kling-v3.0-pro/image-to-video"


async def text(remote: Remote, path: str) -> str:
    status, data = await remote.get(path)
    assert status == 200
    return data.decode()


async def site(remote: Remote, path: str, **body: Any) -> Any:
    return await remote.post(f"/api/sku/{path}", body, client="WEB")


async def listed(remote: Remote) -> list[dict[str, Any]]:
    listing = await site(remote, "list", categoryType="STANDARD_MODEL", pageNum=1, pageSize=1000)
    return listing["data"]["page"]["records"]


async def detail(remote: Remote, endpoint: str) -> dict[str, Any]:
    reply = await site(remote, "detail", id=remote.emulator.models[endpoint].sku)
    return {**reply["data"], "fields": json.loads(reply["data"]["inputConfigJson"])}


async def test_the_index_has_a_line_for_each_model_that_is_sold(remote: Remote) -> None:
    lines = (await text(remote, INDEX)).splitlines()

    models = [line for line in lines if line.startswith("- 标准模型API > ")]
    assert len(models) == len(remote.emulator.documented_models()) == 491
    assert len(set(models)) == 491


async def test_the_index_is_not_sent_again_while_it_is_the_same(remote: Remote) -> None:
    async with remote.session.get(INDEX) as answer:
        etag = answer.headers["ETag"]
    assert (await remote.get(INDEX, **{"If-None-Match": etag}))[0] == 304

    remote.emulator.remove_model(F2)

    assert (await remote.get(INDEX, **{"If-None-Match": etag}))[0] == 200


async def test_a_page_holds_the_models_keys_as_openapi(remote: Remote) -> None:
    page = await text(remote, f"/runninghub-api-doc-cn/{remote.emulator.models[KLING].page}.md")

    block = page.partition("```yaml\n")[2].partition("\n```")[0].splitlines()
    assert block[0] == 'openapi: "3.0.1"'
    assert f'  "/openapi/v2/{KLING}":' in block
    place = block.index("                elementList:")
    assert block[place + 1].strip() == "type: array"
    required = block[block.index("              required:") + 1 :]
    assert required[0].strip().startswith("- ")


@pytest.mark.parametrize("name", ["api-1", "missing"])
async def test_what_is_no_page_is_the_sites_shell(remote: Remote, name: str) -> None:
    assert "<div id='root'>" in await text(remote, f"/runninghub-api-doc-cn/{name}.md")


async def test_the_sites_catalogue_is_for_its_own_pages(remote: Remote) -> None:
    body = {"categoryType": "STANDARD_MODEL", "pageNum": 2, "pageSize": 100}

    assert (await remote.post("/api/sku/list", body))["code"] == 412
    page = (await site(remote, "list", **body))["data"]["page"]
    assert (len(page["records"]), page["total"], page["pages"]) == (100, 491, 5)
    assert (await site(remote, "list"))["code"] == 301
    assert (await site(remote, "detail", id="1"))["code"] == 404


async def test_self_hosted_models_are_described_by_node_keys(remote: Remote) -> None:
    about = await detail(remote, F2)

    ratio = next(field for field in about["fields"] if field["title"] == "aspectRatio")
    assert about["rhEndpoint"] == F2
    assert "##" in ratio["fieldKey"]
    assert ratio["options"][0]["value"] == "0"
    assert ratio["options"][0]["description"] == "1:1"


async def test_lists_are_told_in_the_sites_spelling(remote: Remote) -> None:
    about = await detail(remote, "seedream-v4.5/image-to-image")

    pictures = next(field for field in about["fields"] if field["fieldKey"] == "imageUrls")
    assert pictures["multipleInputs"] is True
    assert pictures["maxInpuNum"] > 1


async def test_the_registry_leaves_out_what_the_real_one_leaves_out(remote: Remote) -> None:
    models = {row["endpoint"]: row for row in json.loads(await text(remote, REGISTRY))["models"]}

    assert F2 not in models
    assert "elementList" not in [field["fieldKey"] for field in models[KLING]["params"]]
    assert models["mureka-ai/generate-lyrics"]["output_type"] == "string"
    assert len(models) > 400


# What changes

NEW: dict[str, Any] = {
    "endpoint": "acme/boats-1/text-to-image",
    "output": "image",
    "parameters": [{"name": "prompt", "required": True}],
}


async def test_a_new_model_is_documented_at_once_and_listed_later(remote: Remote) -> None:
    remote.emulator.add_model(**NEW)

    assert "boats-1" in await text(remote, INDEX)
    assert len(await listed(remote)) == 491
    remote.emulator.site_list_fresh = True
    assert len(await listed(remote)) == 492


async def test_another_process_adds_changes_and_removes_models(remote: Remote) -> None:
    async def control(**body: Any) -> Any:
        return await remote.post("/emulator/models", body)

    assert await control(add=NEW) == {}
    model = remote.emulator.models[NEW["endpoint"]]
    assert (model.name, model.parameters[0].required) == (NEW["endpoint"], True)

    change = {"endpoint": F2, "name_cn": "<script>", "parameters": [{"name": "style"}]}
    assert await control(change=change) == {}
    assert [parameter.name for parameter in remote.emulator.models[F2].parameters] == ["style"]
    assert "[<script>]" in await text(remote, INDEX)

    assert await control(remove=F2) == {}
    assert "[<script>]" not in await text(remote, INDEX)
    assert "nothing that can be done" in (await control(paint={}))["error"]
    assert "colour" in (await control(add={**NEW, "colour": 1}))["error"]


async def test_a_reset_brings_the_models_back(remote: Remote) -> None:
    remote.emulator.remove_model(F2)

    await remote.post("/emulator/reset", {})

    assert remote.emulator.models[F2].status == "active"


async def test_a_listing_may_be_a_bomb(remote: Remote) -> None:
    remote.emulator.faults.append(Fault(INDEX, "gzip_bomb", value=8))

    async with remote.session.get(INDEX) as answer:
        assert int(answer.headers["Content-Length"]) < 100_000
        assert len(await answer.read()) == 8 * 1024 * 1024


# The file


def facts(*params: dict[str, Any]) -> dict[str, Any]:
    return {
        "endpoint": "a/b",
        "name": "b",
        "task": "text-to-image",
        "output": "image",
        "category": "A",
        "status": "active",
        "schema": "full",
        "params": list(params),
    }


def param(name: str, note: str = "", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "STRING", "required": False, "note": note, **more}


@pytest.mark.parametrize(
    ("note", "rule"),
    [
        ("only with other=custom (really)", {"only_with": ["other", "custom"]}),
        ("needs other", {"needs": "other"}),
        ("send together with other", {"needs": "other"}),
        ("excludes other", {"excludes": "other"}),
        ("needs nothing that is known", {}),
        (
            "file id from mureka-ai/files-upload (purpose vocal); excludes other",
            {"made_by": ["mureka-ai/files-upload"], "purpose": "vocal", "excludes": "other"},
        ),
    ],
)
def test_remarks_become_rules(note: str, rule: dict[str, Any]) -> None:
    (model,) = convert([facts(param("one", note), param("other"))], [])

    assert model["parameters"][0] == {"name": "one", "type": "STRING", **rule}


def test_what_a_price_hangs_on_is_kept() -> None:
    row = {
        "endpoint": "a/b",
        "unit": "second (from)",
        "pricing_type": "parameter_based",
        "depends_on": ["one"],
        "rules": {"x": 2},
    }
    documented = {**facts(param("one")), "price": {"per": "run", "amount": 3}}

    (listed_price,) = convert([documented], [row])
    (documented_price,) = convert([documented], [])

    assert listed_price["price"] == {"per": "second", "by": ["one"], "amounts": {"x": 2}}
    assert documented_price["price"] == {"per": "run", "by": [], "amounts": {"": 3}}
