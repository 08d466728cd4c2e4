"""Show how far a task is: uploading, waiting, the node that runs, downloading.

    python examples/03_show_progress.py WORKFLOW [NODE.FIELD=VALUE …]
    python examples/03_show_progress.py 1900000000000000101 6.text="a cat"

The line comes from the task's progress socket where there is one, and from polls otherwise. The
share never goes back, and is 100 % only when the results are here. Ctrl-C cancels the task.
"""

import asyncio
import os
import sys

from rh_api.client import Client, Job, Progress
from rh_api.errors import RunningHubError
from rh_api.settings import Settings
from rh_api.texts import english

BAR = 30


def line(news: Progress) -> str:
    done = int(BAR * news.overall)
    sentence = english(news.stage.value, news.params)
    return f"[{'#' * done}{'.' * (BAR - done)}] {news.overall:4.0%}  {sentence}"


async def main(workflow: str, fields: dict[str, str]) -> None:
    told: set[str] = set()

    def show(news: Progress) -> None:
        """Called for every piece of news, of which many differ too little to be seen."""
        if line(news) not in told:
            told.add(line(news))
            print(line(news), flush=True)

    async with Client(Settings.from_mapping(os.environ)) as client:
        outcome = await client.run(Job(workflow, fields), show)
    print(f"task {outcome.task_id}: {len(outcome.results)} results in {outcome.seconds:.1f} s")


if __name__ == "__main__":
    if len(sys.argv) < 2 or any("=" not in text for text in sys.argv[2:]):
        sys.exit(__doc__)
    try:
        asyncio.run(main(sys.argv[1], dict(text.split("=", 1) for text in sys.argv[2:])))
    except RunningHubError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("stopped; the task was cancelled in the cloud")
