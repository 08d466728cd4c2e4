"""What the sites and the vendor publish of models is read, bounded, and laid over what is known."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.models.sampling import shipped

from rh_api import texts
from rh_api.errors import CatalogueRefused
from rh_api.graph.fields import FieldKind
from rh_api.models.body import compose
from rh_api.models.catalogue import Catalogue
from rh_api.models.index import Entry, look, read_index
from rh_api.models.merge import changes, merge, merge_model
from rh_api.models.pages import read_page
from rh_api.models.schema import Completeness, Model, Op, Parameter, PriceRule, Rule, Status
from rh_api.models.site import LIST_BODY, read_detail, read_list

SHELL = b"<!DOCTYPE html><html><head><script>window.__remixContext = {}</script></head></html>"

INDEX = """# RunningHub-API

## Docs
- 开始使用 [使用须知](https://www.runninghub.cn/runninghub-api-doc-cn/doc-8287334.md): 注册
- 标准模型API > 视频生成与处理 > image-to-video > 可灵 [可灵 图生视频v3.0-pro](https://www.runninghub.cn/runninghub-api-doc-cn/api-425766743.md): 图生视频
- 标准模型API > 图像生成与处理 > text-to-image > 新厂 [新画家-文生图](https://www.runninghub.cn/runninghub-api-doc-cn/api-500000001.md)
- 标准模型 API > 其他 [Other model](https://evil.example/somewhere/api-500000002.md):
- 标准模型API > 其他 [<b>bold</b>](https://www.runninghub.cn/runninghub-api-doc-cn/api-500000003.md): x
- 任务查询 > 查询 [查询任务](https://www.runninghub.cn/runninghub-api-doc-cn/api-425749003.md): y
- 标准模型API > 其他 [script](javascript:alert(1)): z
"""

ENTRY = Entry(
    "api-500000001", "新画家-文生图", ("标准模型API", "图像生成与处理", "text-to-image", "新厂")
)

PAGE = """# 新画家-文生图

## OpenAPI Specification

```yaml
openapi: 3.0.1
info:
  title: ''
  version: 1.0.0
paths:
  /openapi/v2/new-vendor/painter/text-to-image:
    post:
      summary: 新画家-文生图
      deprecated: false
      description: |-
        # 新画家
        - 一句话
      tags:
        - 标准模型API/图像生成与处理/text-to-image
      parameters:
        - name: Authorization
          in: header
          example: Bearer {{apiKey}}
      requestBody:
        content:
          application/json:
            schema:
              type: object
              properties:
                prompt:
                  type: string
                  description: >-
                    提示词
                    最长 800 字
                  minLength: 1
                  maxLength: 800
                aspectRatio:
                  type: string
                  enum:
                    - 1:1
                    - 16:9
                  default: 16:9
                imageUrls:
                  type: array
                  items:
                    type: string
                  maxItems: 4
                seed:
                  type: integer
                  minimum: 0
                  maximum: 2147483647
                strength: &strength
                  type: number
                  default: 0.5
                weight: *strength
                hd:
                  type: boolean
                  default: false
                shots:
                  type: array
                  items:
                    $ref: '#/components/schemas/Shot'
                lastFrameUrl:
                  type: string
                  default: https://signed.example.com/sample.png?q-signature=abc
                webhookUrl:
                  type: string
              required:
                - prompt
                - aspectRatio
              x-apifox-orders:
                - prompt
            example:
              prompt: 一只猫
      responses:
        '200':
          description: ''
          headers: {}
      security:
        - bearer: []
components:
  schemas:
    Shot:
      type: object
      properties: {}
servers: []
security: []

```
"""


def painter() -> Model:
    return read_page(PAGE.encode(), ENTRY)


# The index and the pages


def test_the_index_lists_the_pages_of_models() -> None:
    entries = read_index(INDEX.encode())
    assert [(entry.page, entry.title) for entry in entries] == [
        ("api-425766743", "可灵 图生视频v3.0-pro"),
        ("api-500000001", "新画家-文生图"),
        ("api-500000002", "Other model"),
        ("api-500000003", "<b>bold</b>"),
    ]
    assert entries[1] == ENTRY
    # A page is fetched from the site that the index is of, wherever the index points.
    assert entries[2].path == "/runninghub-api-doc-cn/api-500000002.md"


@pytest.mark.parametrize(
    "data",
    [b"", SHELL, b"\xff" * 1000, b"- a [b](c.md)", INDEX.encode()[:150], b"x" * 2_000_001],
    ids=range(6),
)
def test_what_is_no_index(data: bytes) -> None:
    with pytest.raises(CatalogueRefused):
        read_index(data)


def test_a_hundred_thousand_pages_are_no_index() -> None:
    line = "- 标准模型API > x [t](/api-{:06}.md)\n"
    data = "".join(line.format(n) for n in range(20_000)).encode()
    with pytest.raises(CatalogueRefused, match="too many"):
        read_index(data)


def test_a_page_is_a_model() -> None:
    model = painter()
    assert model.endpoint == "new-vendor/painter/text-to-image"
    assert (model.name_zh, model.family) == ("新画家-文生图", "新厂")
    assert (model.task, model.output, model.pages) == ("text-to-image", "image", ("api-500000001",))
    parts = {param.name: param for param in model.parameters}
    assert parts["prompt"] == Parameter(
        "prompt",
        FieldKind.STRING,
        required=True,
        min_length=1,
        max_length=800,
        note="提示词 最长 800 字",
    )
    assert parts["aspectRatio"] == Parameter(
        "aspectRatio",
        FieldKind.COMBO,
        required=True,
        default="16:9",
        options=("1:1", "16:9"),
    )
    assert parts["imageUrls"] == Parameter("imageUrls", FieldKind.IMAGE, is_array=True, max_items=4)
    assert (parts["seed"].kind, parts["seed"].high) == (FieldKind.INT, 2147483647)
    assert parts["strength"].default == parts["weight"].default == 0.5
    assert parts["hd"].default is False
    assert (parts["shots"].kind, parts["shots"].is_array) == (FieldKind.JSON, True)
    # A sample of the vendor's is nobody's default.
    assert parts["lastFrameUrl"] == Parameter("lastFrameUrl", FieldKind.IMAGE)
    assert "webhookUrl" not in parts
    assert compose(model, {"prompt": "猫"}).checked() == {"prompt": "猫", "aspectRatio": "16:9"}


@pytest.mark.parametrize(
    "data",
    [
        SHELL,
        b"",
        PAGE.encode()[: PAGE.index("paths:")],
        PAGE.replace("/openapi/v2/new-vendor/painter/", "/openapi/v2/run/workflow/").encode(),
        PAGE.replace("/openapi/v2/new-vendor/", "/openapi/v2/../../task/openapi/").encode(),
        PAGE.replace("/openapi/v2/new-vendor/", "/task/openapi/").encode(),
        PAGE.replace(
            "  /openapi/v2/new", "  /openapi/v2/a/b:\n    post: {}\n  /openapi/v2/new"
        ).encode(),
        PAGE.replace("openapi: 3.0.1", "openapi: !!python/name:os.system").encode(),
        PAGE.replace("weight: *strength", "weight: *nobody").encode(),
        b"x" * 500_000,
    ],
    ids=range(10),
)
def test_what_is_no_page_of_a_model(data: bytes) -> None:
    with pytest.raises(CatalogueRefused):
        read_page(data, ENTRY)


def test_a_reference_in_a_circle_ends() -> None:
    circle = PAGE.replace(
        "    Shot:\n      type: object", "    Shot:\n      $ref: '#/components/schemas/Shot'"
    )
    assert read_page(circle.encode(), ENTRY).endpoint == painter().endpoint


@given(st.integers(0, len(PAGE)), st.integers(0, 200))
def test_a_page_with_a_hole_is_read_or_refused(start: int, length: int) -> None:
    try:
        read_page((PAGE[:start] + PAGE[start + length :]).encode(), ENTRY)
    except CatalogueRefused:
        pass


def test_the_index_shows_what_is_new_and_what_is_gone() -> None:
    kling = Model("kling/a", "kling", name_zh="可灵 图生视频v3.0-pro")
    never = Model("never/listed", "never listed")
    gone = Model("was/listed", "was listed", pages=("api-400000001",))
    back = Model("is/back", "Other model", status=Status.GONE, pages=("api-500000002",))
    old = Catalogue([kling, never, gone, back], date="2026-10-01")
    index = look(old, read_index(INDEX.encode()))
    assert [entry.page for entry in index.new] == ["api-500000001", "api-500000003"]
    models = index.catalogue.models
    assert models["kling/a"].pages == ("api-425766743",)
    assert models["never/listed"].is_usable
    assert models["was/listed"].status is Status.GONE
    assert models["is/back"].is_usable
    news = changes(old, index.catalogue)
    assert (news.added, news.changed, news.gone) == (("is/back",), (), ("was/listed",))
    # The second look has nothing to say.
    assert not changes(index.catalogue, look(index.catalogue, read_index(INDEX.encode())).catalogue)


# The site's catalogue

FIELDS: list[dict[str, Any]] = [
    {"fieldKey": "prompt", "type": "STRING", "title": "提示词", "required": True, "maxLength": 800,
     "defaultValue": "a sample of the vendor"},
    {"fieldKey": "resolution", "type": "LIST", "required": True, "defaultValue": "1K",
     "options": [{"value": "1", "description": "1K", "apiValue": "1k"}, {"value": "empty"},
                 {"value": "2k", "description": "2K"}]},
    {"fieldKey": "imageUrls", "type": "IMAGE", "multipleInputs": True, "maxInpuNum": 10,
     "maxSize": 10485760, "accept": "[\"JPG\",\"PNG\",\".webp\"]"},
    {"fieldKey": "41##select", "type": "LIST", "title": "aspectRatio", "required": True,
     "defaultValue": "2", "options": [{"value": "1", "description": "1:1"}, {"value": "2", "description": "16:9"}]},
    {"fieldKey": "duration", "type": "INT", "min": 3, "max": "15", "step": 1, "defaultValue": 5},
    {"fieldKey": "hd", "type": "SWITCH", "defaultValue": "false"},
    {"fieldKey": "webhookUrl", "type": "STRING"},
    {"fieldKey": "13##value", "type": "INT", "title": "宽度"},
]  # fmt: skip
DETAIL = {
    "code": 0,
    "data": {
        "id": 2133000000000504076,
        "name": "新画家-文生图",
        "nameEn": "new-painter/text-to-image",
        "rhEndpoint": "/new-vendor/painter/text-to-image",
        "inputConfigJson": json.dumps(FIELDS),
        "relationTags": [{"name": "text-to-image", "parentId": 18}],
    },
}


def test_a_detail_of_the_site_is_a_model() -> None:
    model = read_detail(json.dumps(DETAIL).encode())
    assert model.endpoint == "new-vendor/painter/text-to-image"
    assert (model.name, model.name_zh) == ("new-painter/text-to-image", "新画家-文生图")
    assert model.pages == ("2133000000000504076",)
    assert model.task == "text-to-image"
    assert model.parameters == (
        Parameter("prompt", FieldKind.STRING, required=True, max_length=800),
        Parameter("resolution", FieldKind.COMBO, required=True, options=("1k", "2k"), default="1k"),
        Parameter(
            "imageUrls",
            FieldKind.IMAGE,
            is_array=True,
            max_items=10,
            max_mb=10,
            formats=("jpg", "png", "webp"),
        ),
        # A node's key is refused by the API: the title and the label are what it takes.
        Parameter("aspectRatio", FieldKind.COMBO, required=True, options=("1:1", "16:9")),
        Parameter("duration", FieldKind.INT, low=3, high=15, step=1, default=5),
        Parameter("hd", FieldKind.BOOLEAN, default=False),
    )


def test_the_list_of_the_site() -> None:
    answer = {"code": 0, "data": {"page": {"records": [
        {"id": 2133000000000504076, "name": "a", "categoryName": "text-to-image"},
        {"id": "../../x", "name": "b"},
        {"name": "no id"},
    ]}}}  # fmt: skip
    assert read_list(json.dumps(answer).encode()) == ("2133000000000504076",)
    assert LIST_BODY["categoryType"] == "STANDARD_MODEL"


@pytest.mark.parametrize("read", [read_list, read_detail])
@pytest.mark.parametrize(
    "data",
    [
        SHELL,
        b"",
        b"{}",
        b"[]",
        b'{"code": 0, "data": null}',
        b'{"code": 412, "msg": "TOKEN_INVALID"}',
        b'{"code": 0, "data": {"page": {"records": []}, "rhEndpoint": "/a/b", "inputConfigJson": "["}}',
        b'{"code": 0, "data": {"rhEndpoint": "/../run", "inputConfigJson": "[]"}}',
        b"x" * 4_000_001,
    ],
    ids=range(9),
)
def test_what_is_no_source(read: Any, data: bytes) -> None:
    with pytest.raises(CatalogueRefused):
        read(data)


# Merging

OLD = Model(
    "a/b",
    "painter",
    name_zh="画家",
    task="image-to-video",
    output="video",
    family="Kling",
    parameters=(
        Parameter("prompt", FieldKind.STRING, required=True, max_length=500, note="no punctuation"),
        Parameter("imageUrl", FieldKind.IMAGE, required=True, max_mb=10, formats=("png",)),
        Parameter("mode", FieldKind.COMBO, options=("a", "b"), default="a"),
        Parameter("multiPrompt", FieldKind.JSON, is_array=True),
        Parameter("elementList", FieldKind.JSON, is_array=True, required=True),
        Parameter("lora", FieldKind.LORA),
    ),
    rules=(Rule(Op.ONLY, ("multiPrompt",), "mode", ("b",)),),
    price=PriceRule("run", "2026-09-01", amount="1.5"),
    pages=("api-1000001",),
)
NEW = Model(
    "a/b",
    "a/b",
    name_zh="画家二",
    parameters=(
        Parameter("prompt", FieldKind.STRING, required=True, max_length=800, note="提示词"),
        Parameter("imageUrl", FieldKind.STRING),
        Parameter("mode", FieldKind.COMBO, options=("b", "c")),
        Parameter("lora", FieldKind.STRING),
        Parameter("hd", FieldKind.BOOLEAN, default=True),
    ),
    pages=("api-1000002",),
)


def test_a_merge_takes_what_is_newer_and_loses_nothing() -> None:
    merged = merge_model(OLD, NEW)
    assert (merged.name, merged.name_zh) == ("painter", "画家二")
    assert (merged.task, merged.output, merged.family) == ("image-to-video", "video", "Kling")
    assert (merged.rules, merged.price) == (OLD.rules, OLD.price)
    assert merged.pages == ("api-1000001", "api-1000002")
    assert merged.parameters == (
        Parameter("prompt", FieldKind.STRING, required=True, max_length=800, note="no punctuation"),
        Parameter("imageUrl", FieldKind.IMAGE, max_mb=10, formats=("png",)),
        Parameter("mode", FieldKind.COMBO, options=("b", "c")),
        Parameter("lora", FieldKind.LORA),
        Parameter("hd", FieldKind.BOOLEAN, default=True),
        Parameter("multiPrompt", FieldKind.JSON, is_array=True),
        # Of what the newer one leaves out nobody knows whether it is still required.
        Parameter("elementList", FieldKind.JSON, is_array=True),
    )


def test_a_name_that_changed_is_still_found() -> None:
    newer = merge(Catalogue([OLD], date="1"), [Model("a/b", "painter two")], date="2")
    assert newer.find("painter").name == "painter two"
    assert newer.date == "2"


def test_a_merge_of_every_model_with_itself_changes_nothing() -> None:
    twice = merge(shipped(), shipped().models.values(), date=shipped().date)
    assert not changes(shipped(), twice)
    assert twice.models == shipped().models


def test_what_only_a_name_was_known_of_becomes_whole() -> None:
    name = Model("new-vendor/painter/text-to-image", "x", completeness=Completeness.NONE)
    merged = merge_model(name, painter())
    assert merged.completeness is Completeness.FULL
    assert merged.parameters == painter().parameters
    # And a row without fields does not make it whole.
    assert merge_model(name, Model(name.endpoint, "x")).completeness is Completeness.NONE


def test_what_changed_is_told() -> None:
    old = Catalogue([OLD, Model("a/c", "c"), Model("a/d", "d")], date="")
    gone = Model("a/c", "c", status=Status.GONE)
    new = Catalogue([merge_model(OLD, NEW), gone, Model("a/d", "d"), Model("a/e", "e")], date="")
    news = changes(old, new)
    assert (news.added, news.changed, news.gone) == (("a/e",), ("a/b",), ("a/c",))
    assert news.describe(texts.english) == "Models: 1 added, 1 changed, 1 gone."
    assert changes(old, old).describe(texts.english) == "No model has changed."
