"""A relay in a process of its own, for a test to kill: DSN, schema and bootstrap as arguments."""

import asyncio
import logging
import sys

from shared.runtime.delivery import Publisher
from shared.runtime.outbox import OutboxRelay, RelaySettings
from shared.runtime.postgres import open_pool


async def main(dsn: str, schema: str, bootstrap: str) -> None:
    pool = await open_pool(dsn, schema)
    relay = OutboxRelay(
        pool,
        Publisher(bootstrap, client_id="relay"),
        settings=RelaySettings(service="tester", shards=4, rows=20),
    )
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await relay.run()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(main(*sys.argv[1:]))
