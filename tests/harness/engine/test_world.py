"""The clients of a running system."""

import asyncio

from harness.drivers.connect import Connect
from harness.drivers.kafka import Kafka
from harness.drivers.mariadb import MariaDB
from harness.drivers.postgres import Postgres
from harness.engine.world import World


def test_closing_twice_and_closing_what_never_connected_is_fine() -> None:
    """Tear-down is reached from anywhere."""

    async def run() -> None:
        world = World(
            postgres={"db": Postgres("127.0.0.1", 1, user="u", password="p")},
            others={"other": MariaDB("127.0.0.1", 1, user="u", password="p")},
            kafka=Kafka("127.0.0.1:1"),
            connect={"connect": Connect("127.0.0.1", 1)},
        )
        assert not await world.connect["connect"].ping()
        assert [await world.databases[n].ping() for n in ("db", "other")] == [False, False]
        await world.close()
        await world.close()

    asyncio.run(run())
