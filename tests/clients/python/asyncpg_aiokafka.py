"""The flow with asyncpg and aiokafka; see README.md beside compose.yaml."""

import asyncio
import json
import os

import asyncpg
from aiohttp import web
from aiokafka import AIOKafkaProducer

PRODUCTS = ("anvil", "rocket")
"""Both products of every order: two rows of order_lines."""


async def listen(ready: asyncio.Event, begun: asyncio.Event) -> None:
    """Answer GET /health: 200 once the database and the broker were reached; and POST /start."""

    async def health(_: web.Request) -> web.Response:
        return web.Response(status=200 if ready.is_set() else 503)

    async def start(_: web.Request) -> web.Response:
        begun.set()
        return web.Response(status=202)

    app = web.Application()
    app.add_routes([web.get("/health", health), web.post("/start", start)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=int(os.environ["HTTP_PORT"])).start()


async def insert(pool: asyncpg.Pool, order_id: str) -> None:
    """One transaction: the order and its lines."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "INSERT INTO orders (order_id, product_id, quantity) VALUES ($1, $2, $3)",
            order_id, PRODUCTS[0], len(PRODUCTS),
        )  # fmt: skip
        await connection.executemany(
            "INSERT INTO order_lines (order_id, line, product_id) VALUES ($1, $2, $3)",
            [(order_id, line, product) for line, product in enumerate(PRODUCTS, start=1)],
        )


async def main() -> None:
    """Write orders until something fails; whoever started this starts it again."""
    ready, begun = asyncio.Event(), asyncio.Event()
    await listen(ready, begun)
    topic = os.environ["TOPIC"]
    pause_s = int(os.environ.get("PAUSE_MS", "40")) / 1000
    last = int(os.environ.get("LAST_ORDER", "0"))
    servers = os.environ["KAFKA_BOOTSTRAP"]
    async with (
        asyncpg.create_pool(os.environ["DATABASE_URL"]) as pool,
        AIOKafkaProducer(bootstrap_servers=servers, acks="all") as producer,
    ):
        await producer.partitions_for(topic)
        newest = "SELECT coalesce(max(order_id::integer), 0) FROM orders"
        number = await pool.fetchval(newest)
        ready.set()
        if number == 0 and os.environ.get("START") == "on-request":
            await begun.wait()
        while True:
            if last and number >= last:
                await asyncio.Event().wait()
            number += 1
            order_id = str(number)
            await insert(pool, order_id)
            # What happens here is lost.
            value = json.dumps({"order_id": order_id, "quantity": len(PRODUCTS)})
            await producer.send_and_wait(topic, key=order_id.encode(), value=value.encode())
            print("order", order_id, flush=True)
            await asyncio.sleep(pause_s)


if __name__ == "__main__":
    asyncio.run(main())
