"""Quick Create: parsing a module's call example ("call API"), starting a module, its styles.

RunningHub docs, "About Quick Create Invocation", "Initiate Quick Create Task" and "Obtain quick
create - model library style parameter data". A module is only known by its call example: no
endpoint lists modules, or their `quickCreateCode`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..errors import BadInput, Fate
from .apps import AppField, AppFieldType, AppForm, read_fields, word
from .call import Auth, Call, Request, Response
from .call_example import example_objects
from .envelope import as_list, open_envelope, read_id, read_json, read_object, read_text
from .orders import Ticket, order_call

_CODE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ID = re.compile(r"[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class QuickModule:
    """A Quick Create module, parsed from its call example.

    `form`: its fields in the order of the list; `types`: their `fieldType` as received; `host`: of
    the curl command's URL, "" for plain JSON.
    """

    code: str
    form: AppForm
    types: tuple[str, ...]
    host: str = ""

    @property
    def id(self) -> str:
        """`<webappId>/<quickCreateCode>`."""
        return f"{self.form.app_id}/{self.code}"


@dataclass(frozen=True, slots=True)
class Style:
    """One style of a module's library; all texts as received.

    `key`: value for the module's style field; `trigger`: trigger words for the prompt; `content`:
    an example prompt. `loras`: (file name, weight) pairs, weight "" if not told.
    """

    id: str
    name: str
    key: str
    preview: str
    content: str
    trigger: str
    category: str
    loras: tuple[tuple[str, str], ...] = ()


def is_webapp_id(text: str) -> bool:
    """Return whether a text is a valid `webappId`."""
    return _ID.fullmatch(text) is not None


def is_module_id(text: str) -> bool:
    """Return whether a text is a valid module id: `<webappId>/<quickCreateCode>`."""
    app_id, _, code = text.partition("/")
    return is_webapp_id(app_id) and _CODE.fullmatch(code) is not None


def read_module(text: str) -> QuickModule:
    """Parse a module's call example: a JSON object, or a curl line in single or double quotes.

    Raises BadInput for anything else, with a text key of its own for an AI app's example.
    """
    if not text.strip():
        raise BadInput("error.quick_blank")
    candidates, host = example_objects(text)
    about = next(filter(None, map(_object_in, candidates)), None)
    if about is None:
        raise BadInput("error.quick_unreadable")
    app_id = read_id(about.get("webappId"))
    code, listed = about.get("quickCreateCode"), about.get("nodeInfoList")
    if code is None and _ID.fullmatch(app_id):
        raise BadInput("error.quick_is_app", id=app_id)
    fields = tuple(map(_typed, read_fields(as_list(listed))))
    checks = {
        "webappId": _ID.fullmatch(app_id),
        "quickCreateCode": isinstance(code, str) and _CODE.fullmatch(code),
        "nodeInfoList": fields and len(fields) == len(as_list(listed)),
    }
    for name, is_good in checks.items():
        if not is_good:
            raise BadInput("error.quick_incomplete", name=name)
    form = AppForm(app_id, "", "", (), False, fields)
    types = tuple(read_text(read_object(entry).get("fieldType")) for entry in as_list(listed))
    return QuickModule(str(code), form, types, host)


def _typed(about: AppField) -> AppField:
    """Return the field with its effective type: a switch between inputs becomes a STRING such as
    "2", since the example does not list its choices."""
    is_on_off = word(about.stored).lower() in ("true", "false")
    if about.type is AppFieldType.SWITCH and about.options is None and not is_on_off:
        return replace(about, type=AppFieldType.STRING)
    return about


def quick_entries(module: QuickModule, values: Mapping[str, object]) -> list[dict[str, object]]:
    """Serialize all fields, with `values` (by full name) in place of the example's own.

    Each entry has six keys, all required, all strings.
    """
    return [
        {
            "nodeId": about.node_id,
            "nodeName": about.node_name,
            "fieldName": about.field,
            "fieldType": kind,
            "fieldValue": word(values.get(about.full_name, about.stored)),
            "description": about.description,
        }
        for about, kind in zip(module.form.fields, module.types, strict=True)
    ]


def example_of(module: QuickModule) -> str:
    """Serialize a module to a call example without a key; inverse of `read_module`."""
    entries = quick_entries(module, {})
    for entry, about in zip(entries, module.form.fields, strict=True):
        entry["fieldValue"] = about.stored
    body = {"quickCreateCode": module.code, "nodeInfoList": entries}
    return json.dumps({"webappId": module.form.app_id, **body}, ensure_ascii=False)


def run_quick(app_id: str, code: str, more: Mapping[str, object]) -> Call[Ticket]:
    """Start a module. `more`: the complete `nodeInfoList`. No options are documented."""
    body = {"webappId": app_id, "quickCreateCode": code, **more}
    return order_call("/task/openapi/quick-ai-app/run", body)


def model_params(app_id: str, kind: int) -> Call[tuple[Style, ...]]:
    """List the styles of a module's library. `kind`: its `type`, a number used by the site's page.

    No key is required, so none is sent. The spelling `modelLoar1FileName` is the service's.
    """

    def read(response: Response) -> tuple[Style, ...]:
        data = open_envelope(response)
        return tuple(_read_style(read_object(row)) for row in as_list(data))

    body = {"type": kind, "webappId": app_id}
    request = Request("POST", "/api/fast/creation/model/params", Auth.NONE, body)
    return Call(request, read, repeatable=True, fate=Fate.NOT_STARTED)


def _read_style(about: Mapping[str, object]) -> Style:
    pairs = [(f"modelLoar{n}FileName", f"modelLoar{n}Weight") for n in (1, 2)]
    loras = [(read_text(about.get(name)), word(about.get(weight))) for name, weight in pairs]
    return Style(
        id=read_id(about.get("id")),
        name=read_text(about.get("modelName")),
        key=read_text(about.get("modelKey")),
        preview=read_text(about.get("modelPreviewUrl")),
        content=read_text(about.get("content")),
        trigger=read_text(about.get("modelTrigger")),
        category=word(about.get("modelCategory")),
        loras=tuple(lora for lora in loras if lora[0]),
    )


def _object_in(text: str) -> Mapping[str, object] | None:
    return read_object(read_json(text)) or None
