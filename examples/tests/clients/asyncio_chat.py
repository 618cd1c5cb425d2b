"""Many connections to a chat server at once, of which some talk and all listen.

    python3 asyncio_chat.py HOST PORT CONNECTIONS TALKERS LINES

Each talker sends that many numbered lines. Everybody must receive all lines of all other talkers, those
of each talker in order, and nothing else. Exit code 1 and a line about the first thing that is wrong.
"""

import asyncio
import sys


async def enter_room(reader, writer):
    """Returns when the server knows the client: connected does not mean that it has accepted it.

    A line that is not UTF-8 goes to nobody and is answered.
    """
    writer.write(b"\xff\n")
    answer = await reader.readline()
    if not answer.startswith(b"error:"):
        raise ValueError(f"answered {answer!r} to a line that is not UTF-8")


async def talk(number, writer, lines):
    for line in range(lines):
        writer.write(f"{number} {line}\n".encode())
        await writer.drain()
        # Lets the others read what was said.
        await asyncio.sleep(0)


async def listen(number, reader, talkers, lines):
    expected = {talker: 0 for talker in range(talkers) if talker != number}
    left = lines * len(expected)
    while left > 0:
        line = await reader.readline()
        if not line.endswith(b"\n"):
            raise ValueError(f"client {number}: the end, with {left} lines to come")
        talker, count = map(int, line.split())
        if expected.get(talker) != count:
            raise ValueError(f"client {number}: {line!r} where {expected.get(talker)} was next")
        expected[talker] += 1
        left -= 1


async def finish(number, reader, writer):
    writer.write_eof()
    rest = await reader.read()
    if rest:
        raise ValueError(f"client {number}: {rest!r} at the end")
    writer.close()


async def main(host, port, count, talkers, lines):
    connections = await asyncio.gather(*(asyncio.open_connection(host, port) for _ in range(count)))
    await asyncio.gather(*(enter_room(*streams) for streams in connections))
    talking = [talk(number, connections[number][1], lines) for number in range(talkers)]
    listening = [listen(number, reader, talkers, lines) for number, (reader, _) in enumerate(connections)]
    await asyncio.gather(*talking, *listening)
    await asyncio.gather(*(finish(number, *streams) for number, streams in enumerate(connections)))
    print(f"{count} connections, {talkers * lines} lines to each")


if __name__ == "__main__":
    try:
        arguments = [int(argument) for argument in sys.argv[2:]]
        asyncio.run(asyncio.wait_for(main(sys.argv[1], *arguments), 50))
    except Exception as error:
        sys.exit(f"{type(error).__name__}: {error}")
