"""An emulator behind a far line, in a process of its own: `far_service.py ROUND_TRIP RUN [PEM]`.

Opening a connection takes a round trip, and each way half of one. With PEM, a certificate and its
key, all of it is TLS, and results lie at another host. It prints a JSON object: the ports of the
service and of the host of results. Each line on its input is the bits a second of the line from
now on, 0 without a bound, and is
answered by one on its output: what came since the line before.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.line import Line
from rh_api.emulator import Emulator

RESULT_HOST = "results.test"


async def main(round_trip: float, run: float, pem: str) -> None:
    context = None
    if pem:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pem)
    emulator = Emulator(strict=True, run_seconds=run)
    async with emulator.serve(ssl_context=context) as origin:
        port = int(origin.rpartition(":")[2])
        line = Line(0, round_trip, round_trip)
        own, results = await line.listen(port), await line.listen(port)
        emulator.base_url = f"{'https' if pem else 'http'}://127.0.0.1:{own}"
        emulator.result_base = f"https://{RESULT_HOST}" if pem else None
        print(json.dumps({"service": own, "results": results}), flush=True)
        loop = asyncio.get_running_loop()
        past: set[str] = set()
        while bits := await loop.run_in_executor(None, sys.stdin.readline):
            over = [task for task in emulator.tasks.values() if task.ended and task.id not in past]
            past.update(task.id for task in over)
            news = {
                "cloud": sum((task.ended or 0.0) - task.created for task in over),
                "orders": len(over),
                "requests": dict(emulator.counters.requests),
                "connections": line.connections,
            }
            print(json.dumps(news), flush=True)
            emulator.counters.requests.clear()
            line.connections = 0
            line.set_bits(float(bits))


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), float(sys.argv[2]), "".join(sys.argv[3:])))
