"""AI apps: listing them, the form of their fields, and starting one.

Schemas: RunningHub docs, "Start AI App Task" and "Get API call examples for AI application".
`fieldData` is documented by examples only, so it is parsed leniently.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import BadReply, Fate, Refused
from .call import LARGE_ANSWER_LIMIT, Auth, Call, Request, Response
from .envelope import (
    as_list,
    as_number,
    open_envelope,
    read_id,
    read_int,
    read_json,
    read_object,
    read_text,
)
from .orders import NodeInfo, TaskOptions, Ticket, node_info_list, option_fields, order_call


class AppFieldType(enum.Enum):
    """`fieldType` as documented; OTHER for undocumented ones, such as CKPT."""

    STRING = "STRING"
    INT = "INT"
    FLOAT = "FLOAT"
    BOOLEAN = "BOOLEAN"
    LIST = "LIST"
    SWITCH = "SWITCH"
    IMAGE = "IMAGE"
    AUDIO = "AUDIO"
    VIDEO = "VIDEO"
    LORA = "LORA"
    OTHER = "?"


@dataclass(frozen=True, slots=True)
class AppOption:
    """One choice of a field: `value` is sent, the others are for display."""

    value: str
    name: str = ""
    description: str = ""
    description_en: str = ""


@dataclass(frozen=True, slots=True)
class AppField:
    """One field of an app's form.

    `node_name`: the node's class. `stored`: `fieldValue` as received, nearly always a string,
    whatever the type. `options`: None if the field is free or its choices are not told.
    `low`, `high`, `step`: of a number; None if not told.
    """

    node_id: str
    node_name: str
    field: str
    stored: object
    type: AppFieldType
    options: tuple[AppOption, ...] | None = None
    default: object = None
    multiline: bool = False
    low: float | None = None
    high: float | None = None
    step: float | None = None
    description: str = ""
    description_en: str = ""

    @property
    def full_name(self) -> str:
        """`<nodeId>.<fieldName>`, by which users name it."""
        return f"{self.node_id}.{self.field}"


@dataclass(frozen=True, slots=True)
class AppForm:
    """An app as its author published it. `description` is HTML; `covers` are URLs.

    `encrypted`: starting it requires an access password.
    """

    app_id: str
    name: str
    description: str
    covers: tuple[str, ...]
    encrypted: bool
    fields: tuple[AppField, ...]


SORTS = ("RECOMMEND", "HOTTEST", "NEWEST")
LISTED = 50  # maximum page size


@dataclass(frozen=True, slots=True)
class ListedApp:
    """An entry of the site's list of public apps; `cover`: URL, "" for none."""

    app_id: str
    title: str
    description: str
    cover: str


@dataclass(frozen=True, slots=True)
class AppPage:
    """One page of public apps, counted from 1. `total`: apps on all pages, None if not told."""

    apps: tuple[ListedApp, ...]
    page: int
    total: int | None
    has_next: bool


def app_list(sort: str = SORTS[0], page: int = 1) -> Call[AppPage]:
    """List public AI apps; the service has no search. ValueError for an unknown sort, or page < 1.

    Undocumented: HM-RunningHub/RH_CLI `app/client.py`, OpenClaw `runninghub_app.py`.
    """
    if sort not in SORTS or page < 1:
        raise ValueError(f"page {page} by {sort}")

    def read(response: Response) -> AppPage:
        data = read_object(open_envelope(response))
        records = as_list(data.get("records")) or as_list(data.get("list"))
        apps = filter(None, map(_read_listed, records))
        has_next = data.get("hasNext")
        return AppPage(
            apps=tuple(apps),
            page=page,
            total=read_int(data.get("total")),
            # An empty page ends the list, whatever `hasNext` says.
            has_next=bool(records) and (has_next is None or has_next is True),
        )

    body = {"current": page, "size": LISTED, "sort": sort}
    request = Request("POST", "/openapi/v2/aiapp/list", Auth.BEARER, body)
    return Call(request, read, repeatable=True, fate=Fate.NOT_STARTED)


_WEBAPP_ID = re.compile(r"webappId\\*[\"']?\s*:\s*\\*[\"']?(\d{6,19})\b")


def _read_listed(value: object) -> ListedApp | None:
    """Parse a list entry; None without an id, which only the text of its call example contains."""
    about = read_object(value)
    match = _WEBAPP_ID.search(read_text(about.get("invokeExample")))
    if match is None:
        return None
    return ListedApp(
        app_id=match[1],
        title=read_text(about.get("title")),
        description=read_text(about.get("description")),
        cover=read_text(about.get("cover")),
    )


def call_demo(app_id: str) -> Call[AppForm]:
    """Query an app's form. The only call with the key in the query string (Auth.QUERY).

    Its answer repeats the key in `curl`, a command line, which is discarded. Raises Refused for
    the older answer, which held only a URL.
    """

    def read(response: Response) -> AppForm:
        data = read_object(open_envelope(response))
        if "nodeInfoList" not in data:
            if "url" in data:
                raise Refused("error.app_no_form")
            raise BadReply(status=response.status)
        listed = as_list(data["nodeInfoList"])
        if not listed and data["nodeInfoList"] not in (None, []):
            raise BadReply(status=response.status)
        covers = (read_text(read_object(row).get("url")) for row in as_list(data.get("covers")))
        return AppForm(
            app_id=app_id,
            name=read_text(data.get("webappName")),
            description=read_text(data.get("description")),
            covers=tuple(url for url in covers if url),
            encrypted=data.get("accessEncrypted") in (True, "true"),
            fields=read_fields(listed),
        )

    path = f"/api/webapp/apiCallDemo?webappId={int(app_id)}"
    return Call(
        Request("GET", path, Auth.QUERY),
        read,
        repeatable=True,
        fate=Fate.NOT_STARTED,
        limit=LARGE_ANSWER_LIMIT,
    )


def run_app(
    app_id: str,
    node_info: tuple[NodeInfo, ...] = (),
    options: TaskOptions | None = None,
    *,
    access_password: str = "",
) -> Call[Ticket]:
    """Start an app. `nodeInfoList` is required, even if empty; the schema's id is an integer.

    `add_metadata` is not sent: an app's images never embed its workflow.
    """
    body: dict[str, object] = {
        "webappId": int(app_id),
        "nodeInfoList": node_info_list(node_info),
        **option_fields(options or TaskOptions(), access_password),
    }
    return order_call("/task/openapi/ai-app/run", body)


def read_fields(items: list[object]) -> tuple[AppField, ...]:
    """Parse a `nodeInfoList`, keeping its order; the last of duplicate fields wins."""
    fields: dict[str, AppField] = {}
    for item in items:
        about = read_object(item)
        node_id, name = read_id(about.get("nodeId")), read_text(about.get("fieldName"))
        if node_id and name:
            field = _read_field(node_id, name, about)
            fields[field.full_name] = field
    return tuple(fields.values())


def _read_field(node_id: str, name: str, about: Mapping[str, object]) -> AppField:
    try:
        kind = AppFieldType(read_text(about.get("fieldType")).upper())
    except ValueError:
        kind = AppFieldType.OTHER
    options, widget = _read_data(about.get("fieldData"))
    media = kind in (AppFieldType.IMAGE, AppFieldType.AUDIO, AppFieldType.VIDEO)
    if media or any(key.endswith("_upload") and widget[key] for key in widget):
        options = ()  # the author's files, not choices
    return AppField(
        node_id=node_id,
        node_name=read_text(about.get("nodeName")),
        field=name,
        stored=about.get("fieldValue"),
        type=kind,
        options=options or None,
        default=widget.get("default"),
        multiline=widget.get("multiline") is True,
        low=as_number(widget.get("min")),
        high=as_number(widget.get("max")),
        step=as_number(widget.get("step")),
        description=read_text(about.get("description")),
        description_en=read_text(about.get("descriptionEn")),
    )


def _read_data(value: object) -> tuple[tuple[AppOption, ...], Mapping[str, object]]:
    """Parse choices and widget options of `fieldData`: JSON text in one of four dialects, or null.

    `["a", "b"]`, names of choices only;
    `["INT", {"default": 0}]` and `["COMBO", {"options": […]}]`; `[[choice…], {"default": …}]`,
    for files with `image_upload`; `[{"name", "index", "description"}…, {"default": …}]`.
    """
    items = as_list(read_json(value) if isinstance(value, str) else value)
    first = items[0] if items else None
    if len(items) > 1 and all(isinstance(item, str) for item in items):
        return _plain_options(items), {}
    widget = read_object(items[1] if len(items) > 1 else None)
    if isinstance(first, str):
        return _plain_options(widget.get("options")), widget
    if isinstance(first, list):
        return _plain_options(items[0]), widget
    described = [read_object(item) for item in items]
    options = [about for about in described if _is_option(about)]
    widgets = [about for about in described if "default" in about and not _is_option(about)]
    return tuple(map(_option, options)), read_object(widgets[-1] if widgets else None)


def _is_option(about: Mapping[str, object]) -> bool:
    return "index" in about or "name" in about


def _option(about: Mapping[str, object]) -> AppOption:
    """Parse a choice. Those of a switch have the input's number as `index`, a float (2.0)."""
    name = word(about.get("name"))
    index = about.get("index")
    return AppOption(
        name if index is None else word(index),
        name,
        read_text(about.get("description")),
        read_text(about.get("descriptionEn")),
    )


def _plain_options(value: object) -> tuple[AppOption, ...]:
    return tuple(
        AppOption(word(name)) for name in as_list(value) if isinstance(name, (str, int, float))
    )


def word(value: object) -> str:
    """Return a scalar as a form's text: `true` for True, `2` for 2.0; "" for other types."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return read_text(value)
