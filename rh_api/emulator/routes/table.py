"""The route table: paths of the service and of the emulator's control, with handlers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web

from ..models.listings import INDEX_PATH
from . import account, apps, control, files, models, native, socket, tasks

if TYPE_CHECKING:
    from ..state import State

Handler = Callable[["State", web.Request], Awaitable[web.StreamResponse]]

ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("POST", "/task/openapi/create", tasks.create),
    ("POST", "/task/openapi/cancel", tasks.cancel),
    ("POST", "/task/openapi/status", tasks.status),
    ("POST", "/task/openapi/outputs", tasks.outputs),
    ("POST", "/task/openapi/ai-app/run", tasks.run_app),
    ("POST", "/task/openapi/quick-ai-app/run", tasks.run_quick),
    ("POST", "/api/fast/creation/model/params", apps.model_params),
    ("POST", "/task/openapi/getWebhookDetail", tasks.webhook_detail),
    ("POST", "/task/openapi/retryWebhook", tasks.webhook_retry),
    ("POST", "/task/openapi/upload", files.old_upload),
    ("POST", "/api/openapi/getJsonApiFormat", tasks.workflow_json),
    ("POST", "/api/openapi/getLoraUploadUrl", files.lora_url),
    ("GET", "/api/webapp/apiCallDemo", apps.call_demo),
    ("POST", "/uc/openapi/accountStatus", account.account_status),
    ("POST", "/openapi/v2/query", tasks.query),
    ("POST", "/openapi/v2/media/upload/binary", files.upload),
    ("POST", "/openapi/v2/run/{kind:workflow|ai-app}/{id}", tasks.run_v2),
    ("POST", "/openapi/v2/aiapp/list", apps.app_list),
    ("GET", "/openapi/v2/queue/status", account.queue_status),
    ("GET", "/openapi/v2/api-key/list", account.api_key_list),
    ("POST", "/openapi/v2/resource/list", account.resource_list),
    ("POST", "/openapi/v2/price-preview/{model:.+}", models.price_preview),
    ("POST", "/openapi/v2/{model:.+}", models.run),
    ("GET", INDEX_PATH, models.index),
    ("GET", "/runninghub-api-doc-cn/{name}.md", models.page),
    ("POST", "/api/sku/list", models.site_list),
    ("POST", "/api/sku/detail", models.site_detail),
    ("GET", "/HM-RunningHub/ComfyUI_RH_OpenAPI/main/models_registry.json", models.registry),
    *(
        ("POST", path, account.user_token_only)
        for path in (
            "/uc/pwdLogin",
            "/uc/getUserInfo",
            "/uc/apiKey/get",
            "/api/workflow/copy",
            "/api/webapp/detail",
            "/api/webapp/list",
            "/api/portal/template/list",
            "/api/instance/access/auth",
            "/api/output/v2/history",
            "/api/openapi/my/call/log/detail",
        )
    ),
    ("PUT", "/api-lora-cn/{name}", files.put_lora),
    ("GET", "/results/covers/{id}.png", apps.cover),
    ("GET", "/results/{path:.+}", files.download),
    ("GET", "/input/{path:.+}", files.download),
    ("GET", "/ws/c_instance", socket.follow),
    *native.NATIVE_ROUTES,
)
"""Method, path and handler of every path of the service."""

CONTROL_ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/emulator/state", control.show),
    ("POST", "/emulator/knobs", control.knobs),
    ("POST", "/emulator/faults", control.faults),
    ("POST", "/emulator/reset", control.reset),
    ("POST", "/emulator/workflows", control.workflows),
    ("POST", "/emulator/models", control.models),
)
"""The emulator's control paths, exempt from faults and counters."""
