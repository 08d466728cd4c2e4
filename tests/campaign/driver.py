"""A client in a process that can be killed: what it shall do comes as JSON, what happens goes out
line by line. An item is a job, a LoRA to upload and load ("lora"), or a question ("account").

The command line's and ComfyUI's place is taken by this script so that nothing else dies with it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from rh_api.client import Client, Progress, Stage
from rh_api.errors import RunningHubError, Uncertain
from rh_api.settings import Settings
from tests.campaign.jobs import job_of
from tests.campaign.person import looked_at
from tests.campaign.power import note_syncs
from tests.support.clocks import QuickClock
from tests.support.jobs import with_lora

STAGES = {
    Stage.UPLOADING: "uploading",
    Stage.ORDERING: "ordering",
    Stage.QUEUED: "queued",
    Stage.RUNNING: "running",
    Stage.DOWNLOADING: "downloading",
}


def say(**event: Any) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


async def order(client: Client, index: int, item: dict[str, Any]) -> None:
    last = ""

    def watch(news: Progress) -> None:
        nonlocal last
        placed = news.stage is Stage.ORDERING and "task_id" in news.params
        stage = "placed" if placed else STAGES.get(news.stage, "")
        if stage and stage != last:
            last = stage
            say(event=stage, index=index)

    try:
        if item.get("account"):
            await client.account.status()
            return
        if "lora" in item:
            job = with_lora(await client.uploads.send_lora(Path(item["lora"])))
        else:
            job = job_of(item)
        outcome = await looked_at(client, await client.run(job, watch))
    except Uncertain as error:
        say(event="error", index=index, key=error.key, order=error.order, text=str(error))
    except RunningHubError as error:
        say(event="error", index=index, key=error.key, task_id=error.task_id, text=str(error))
    else:
        say(
            event="end",
            index=index,
            task_id=outcome.task_id,
            results=[str(result.path) for result in outcome.results if result.path],
            missing=outcome.missing,
            kept=outcome.kept,
        )


async def batch(client: Client, items: list[dict[str, Any]]) -> None:
    """All in one, as a node with a batch at a field orders them."""
    try:
        outcomes = await client.run_all([job_of(item) for item in items])
    except RunningHubError as error:
        say(event="batch failed", key=error.key, text=str(error))
    else:
        say(event="batch", tasks=[outcome.task_id for outcome in outcomes])


async def main(pace: float, items: list[dict[str, Any]], *, at_once: bool) -> None:
    async with Client(Settings.from_mapping(os.environ), clock=QuickClock(pace)) as client:
        await client.open_orders()
        say(event="begun")
        work = (
            [batch(client, items)]
            if at_once
            else [order(client, number, item) for number, item in enumerate(items)]
        )
        jobs = [asyncio.ensure_future(coroutine) for coroutine in work]

        def stop() -> None:
            sys.stdin.readline()
            say(event="stopping")
            for job in jobs:
                job.cancel()

        asyncio.get_running_loop().add_reader(sys.stdin, stop)
        await asyncio.gather(*jobs, return_exceptions=True)
        asyncio.get_running_loop().remove_reader(sys.stdin)


if __name__ == "__main__":
    if "CAMPAIGN_DISK" in os.environ:  # no file may grow beyond it
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(os.environ["CAMPAIGN_DISK"]), hard))
    if "CAMPAIGN_SYNCED" in os.environ:
        note_syncs(Path(os.environ["CAMPAIGN_SYNCED"]))
    asyncio.run(
        main(float(sys.argv[1]), json.loads(sys.argv[2]), at_once="--batch" in sys.argv[3:])
    )
