"""Examines an account by what costs nothing; the key may be typed only, and is not stored then."""

from __future__ import annotations

from ...rh_api.doctor.examine import examine
from .. import language
from ..runtime import config, key_store
from .account import account_document
from .body import Body, text_of

SECONDS = 9.0  # an answer within ten, with what the network's ends take


async def examined(body: Body) -> dict[str, object]:
    """Examine a typed key at its site; without an origin, the stored one of profile `name`."""
    name, origin, key = (text_of(body, part) for part in ("name", "origin", "key"))
    if origin or key:
        entered = key_store.load(config.state_folder()).entered(name, origin, key)
        account = config.account_of(entered)
    else:
        account = config.settings(name)
    examination = await examine(account, seconds=SECONDS)
    failure, status = examination.failure, examination.account
    return {
        "failure": "" if failure is None else failure.text(language.say),
        "account": None if status is None else account_document(status, examination.queue),
        "findings": [
            finding.document(language.say) for finding in examination.findings if finding.is_asked
        ],
    }
