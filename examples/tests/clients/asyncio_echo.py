"""Many connections to an echo server at once; every byte that comes back is checked.

    python3 asyncio_echo.py HOST PORT CONNECTIONS

Each connection sends pieces of random bytes while it receives, ends its writing side and then expects
the rest and the end. Exit code 1 and a line about the first thing that is wrong.
"""

import asyncio
import random
import sys


async def client(number, host, port, everybody_is_here):
    rng = random.Random(number)
    data = rng.randbytes(rng.choice([0, 1, 100, 5_000, 40_000]))
    reader, writer = await asyncio.open_connection(host, port)
    await everybody_is_here.wait()

    async def send():
        start = 0
        while start < len(data):
            end = start + rng.randint(1, 9_000)
            writer.write(data[start:end])
            await writer.drain()
            start = end
        writer.write_eof()

    async def receive():
        return await reader.read()

    _, echo = await asyncio.gather(send(), receive())
    writer.close()
    if echo != data:
        same = next((i for i, (a, b) in enumerate(zip(data, echo)) if a != b), min(len(data), len(echo)))
        raise ValueError(f"client {number}: sent {len(data)} bytes, received {len(echo)}, the same up to {same}")
    return len(data)


async def main(host, port, connections):
    everybody_is_here = Barrier(connections)
    clients = [client(number, host, port, everybody_is_here) for number in range(connections)]
    total = sum(await asyncio.wait_for(asyncio.gather(*clients), 50))
    print(f"{connections} connections, {total} bytes")


class Barrier:
    """asyncio.Barrier, which older Pythons do not have."""

    def __init__(self, parties):
        self.missing = parties
        self.complete = asyncio.Event()

    async def wait(self):
        self.missing -= 1
        if self.missing == 0:
            self.complete.set()
        await self.complete.wait()


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
    except Exception as error:
        sys.exit(f"{type(error).__name__}: {error}")
