"""The whole way step by step: look, check, upload, order, follow, fetch, keep.

python examples/04_full_workflow.py WORKFLOW FOLDER [NODE.FIELD=VALUE | NODE.FIELD=@FILE …]
python examples/04_full_workflow.py 1900000000000000109 results 3.text=ink 10.image=@photo.png
"""

import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path

from rh_api.client import Client, Job, Outcome, Progress, Source
from rh_api.errors import RunningHubError
from rh_api.settings import Settings
from rh_api.texts import english


def read(given: list[str]) -> dict[str, object]:
    pairs = (text.split("=", 1) for text in given)
    return {n: Source.of_file(Path(v[1:])) if v.startswith("@") else v for n, v in pairs}


def say(news: Progress) -> None:
    print(f"  {news.overall:4.0%} {english(news.stage.value, news.params)}")


async def main(workflow: str, folder: Path, given: list[str]) -> None:
    job = Job(workflow, read(given), time_limit=1800)
    async with Client(Settings.from_mapping(os.environ)) as client:
        account, queue = await asyncio.gather(client.account.status(), client.account.queue())
        print(f"{account.kind} account, {account.coins} coins, {queue.limit} tasks at once")
        saved = await client.programs.workflow(workflow)
        print(f"{len(saved.titles)} nodes, {len(saved.fields())} fields that can be set")
        await client.check(job)  # a field that does not fit is named here, and costs nothing
        for name, value in job.fields.items():
            if isinstance(value, Source):  # equal content is sent once; `run` finds it again
                print(f"{name} is {(await client.uploads.send(value)).name}")
        outcome = await client.run(job, say)
    print(f"task {outcome.task_id}: {outcome.usage.coins} coins, {outcome.usage.seconds} s")
    keep(outcome, folder)


def keep(outcome: Outcome, folder: Path) -> None:
    for number, result in enumerate(outcome.results, 1):
        name = f"{outcome.task_id}_{result.node_id.replace(':', '-')}_{number}"
        print(shutil.copy(p, folder / (name + p.suffix)) if (p := result.path) else result.text)


if __name__ == "__main__":
    if len(sys.argv) < 3 or any("=" not in text for text in sys.argv[3:]):
        sys.exit(__doc__)
    results = Path(sys.argv[2])
    try:
        results.mkdir(parents=True, exist_ok=True)
        Path(tempfile.mkdtemp(dir=results)).rmdir()  # before anything is paid: it is writable
        asyncio.run(main(sys.argv[1], results, sys.argv[3:]))
    except (RunningHubError, OSError) as error:
        sys.exit(str(error))
