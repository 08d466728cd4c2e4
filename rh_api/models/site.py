"""Parses the site's own catalogue: its list of models, and a model's details.

Undocumented endpoints without authentication, from public clients (2026-06 to 2026-09):
`POST /api/sku/list`, `POST /api/sku/detail`. Newly published models may be missing from the list,
so a model that is not in it is not GONE.
"""

from __future__ import annotations

from typing import cast

from ..errors import CatalogueRefused
from ..wire.envelope import as_list, read_id, read_int, read_json, read_object, read_text
from ..wire.model_refs import is_endpoint
from .fields import read_fields
from .sanitize import MAX_MODELS, check_size, is_chinese, text_of
from .schema import Completeness, Model, Status
from .tasks import output_of, task_of

LIST_PATH = "/api/sku/list"
DETAIL_PATH = "/api/sku/detail"
HEADERS = {"client": "WEB"}
LIST_BODY = {"categoryType": "STANDARD_MODEL", "pageNum": 1, "pageSize": 2000}
MAX_DETAIL = 400_000

_WITHDRAWN = "deprecated"


def read_list(data: bytes) -> tuple[str, ...]:
    """Return the ids of the rows, which are those of the models' pages too.

    Raises CatalogueRefused for an answer that lists none, or too many.
    """
    check_size(data, "site")
    page = read_object(read_object(_opened(data).get("data")).get("page"))
    rows = [read_object(row) for row in as_list(page.get("records"))[: MAX_MODELS + 1]]
    listed = [sku for row in rows if (sku := read_id(row.get("id"))).isdigit()]
    if not listed or len(listed) > MAX_MODELS:
        raise CatalogueRefused(source="site", reason=f"{len(listed)} models are listed")
    return tuple(listed)


def read_detail(data: bytes) -> Model:
    """Parse a model's details. Raises CatalogueRefused without an endpoint or its fields."""
    check_size(data, "site", MAX_DETAIL)
    about = read_object(_opened(data).get("data"))
    endpoint = text_of(about.get("rhEndpoint")).strip("/")
    endpoint = endpoint.removeprefix("openapi/v2/")
    listed = read_json(read_text(about.get("inputConfigJson")))
    if not is_endpoint(endpoint) or not isinstance(listed, list):
        raise CatalogueRefused(source="site", reason="no endpoint, or no list of its fields")
    tags = (text_of(read_object(tag).get("name")) for tag in as_list(about.get("relationTags")))
    task = task_of(text_of(about.get("categoryName")), *tags, *endpoint.split("/")[::-1])
    name_zh, name = text_of(about.get("name")), text_of(about.get("nameEn"))
    return Model(
        endpoint=endpoint,
        name=name or (endpoint if is_chinese(name_zh) else name_zh),
        name_zh=name_zh,
        task=task,
        output=output_of(task),
        status=Status.WITHDRAWN if _WITHDRAWN in endpoint.lower() else Status.ACTIVE,
        completeness=Completeness.FULL,
        parameters=read_fields(cast("list[object]", listed)),
        pages=tuple(filter(None, [read_id(about.get("id"))])),
    )


def _opened(data: bytes) -> dict[str, object]:
    reply = dict(read_object(read_json(data)))
    if read_int(reply.get("code")) != 0:
        raise CatalogueRefused(source="site", reason="its answer is not a success")
    return reply
