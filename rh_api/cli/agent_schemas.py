"""JSON schemas of the agent's tools: what each takes and returns, closed at every level."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
WHOLE: Schema = {"type": "integer"}
TRUTH: Schema = {"type": "boolean"}
ANY: Schema = {}
STATUSES = (
    *("done", "uploading", "queued", "running", "stopped", "not_started"),
    *("refused", "failed", "unknown", "not_fetched", "unreachable"),
)


def closed(required: str = "", /, **properties: Schema) -> Schema:
    """Return the schema of an object without other keys; `required`: names, or * for all."""
    names = [*properties] if required == "*" else required.split()
    fields = {"properties": properties, "additionalProperties": False}
    return {"type": "object", **fields} | ({"required": names} if names else {})


def listed(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def said(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description}


_ERROR = closed(
    "*",
    key=TEXT,
    message=TEXT,
    code=maybe(WHOLE),
    task_id=maybe(TEXT),
    fate=TEXT,
    order=maybe(WHOLE),
)


def answer(**properties: Schema) -> Schema:
    """Return the schema of a tool's answer, of a refusal too."""
    common = {
        "status": said(
            {"type": "string", "enum": [*STATUSES]}, "How it ended, or how it is doing."
        ),
        "order": said(WHOLE, "The order's number in the journal: its id in every tool."),
        "task_id": said(TEXT, "The service's id of the task."),
        "error": said(_ERROR, "What went wrong and what to do; absent otherwise."),
        "notes": said(listed(TEXT), "What a person should be told."),
    }
    return closed("status", **common, **properties)


_COST = closed("*", coins=maybe(TEXT), money=maybe(TEXT), third_party_money=maybe(TEXT))
_RESULT = closed(
    "node_id path kind size text",
    node_id=TEXT,
    path=TEXT,
    kind=TEXT,
    size=WHOLE,
    text=maybe(TEXT),
    input=said(TEXT, "Names this result in `files` of the next run."),
)

ORDER = answer(
    share=said(NUMBER, "Completed share of an order under way, 0 to 1."),
    message=said(TEXT, "What an order under way is doing."),
    seconds=said(NUMBER, "Running time."),
    cost=said(_COST, "Of the order, paid now or, where `paid` is false, earlier."),
    paid=said(TRUTH, "False: the results of an earlier identical order, for nothing."),
    results=listed(_RESULT),
)
RUNS = answer(runs=said(listed(ORDER), "How each run ended or is doing, in the order given."))
MODELS = answer(
    date=TEXT,
    models=listed(
        closed("*", endpoint=TEXT, name=TEXT, name_zh=TEXT, task=TEXT, output=TEXT, family=TEXT)
    ),
)
_FIELD: Schema = {"name": TEXT, "type": TEXT, "value": ANY, "title": TEXT, "class": TEXT}
_PARAMETER: Schema = {
    "name": TEXT,
    "type": TEXT,
    "array": TRUTH,
    "required": TRUTH,
    "default": ANY,
    "options": maybe(listed(ANY)),
    "low": maybe(NUMBER),
    "high": maybe(NUMBER),
    "max_length": maybe(WHOLE),
    "max_items": maybe(WHOLE),
    "max_mb": maybe(NUMBER),
    "formats": maybe(listed(TEXT)),
    "note": maybe(TEXT),
}
FORM = answer(
    workflow_id=TEXT,
    app_id=TEXT,
    endpoint=TEXT,
    name=TEXT,
    name_zh=TEXT,
    task=TEXT,
    output=TEXT,
    description=TEXT,
    encrypted=TRUTH,
    complete=TRUTH,
    price=maybe(TEXT),
    fields=listed(closed("name type value title class", **_FIELD, choices=maybe(listed(ANY)))),
    outputs=listed(closed("*", **{"node_id": TEXT, "title": TEXT, "class": TEXT})),
    parameters=listed(closed("*", **_PARAMETER)),
)
PAST = answer(
    before=maybe(WHOLE),
    orders=listed(
        closed(
            "*",
            order=WHOLE,
            kind=TEXT,
            program=TEXT,
            name=maybe(TEXT),
            instance=TEXT,
            task_id=maybe(TEXT),
            state=TEXT,
            origin=TEXT,
            ordered_at=NUMBER,
            started_at=maybe(NUMBER),
            ended_at=maybe(NUMBER),
            seconds=maybe(TEXT),
            cost=closed(
                "*",
                coins=maybe(TEXT),
                money=maybe(TEXT),
                third_party_money=maybe(TEXT),
                currency=maybe(TEXT),
            ),
            failure=maybe(TEXT),
            inputs={"type": "object"},
            options={"type": "object"},
            result_count=WHOLE,
        )
    ),
)
BALANCE = answer(
    kind=maybe(TEXT),
    coins=maybe(TEXT),
    money=maybe(TEXT),
    currency=maybe(TEXT),
    limit=maybe(WHOLE),
    running=maybe(WHOLE),
    queued=maybe(WHOLE),
    instances=ANY,
)
QUOTE = answer(
    text=TEXT,
    orders=listed(
        closed(
            "of text",
            of=TEXT,
            text=TEXT,
            source=TEXT,
            runs=ANY,
            amounts={"type": "object"},
            rate=ANY,
        )
    ),
)
VIEW = answer(path=TEXT, kind=TEXT, size=WHOLE, text=maybe(TEXT))
LOOK = answer(
    before=said(maybe(WHOLE), "The account's tasks when it was sent."),
    now=said(maybe(WHOLE), "The account's tasks now."),
    ours=said(WHOLE, "Unfinished tasks that the journal knows."),
)
