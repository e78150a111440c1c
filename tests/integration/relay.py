#!/usr/bin/env python3
"""A TCP relay between a client and the replicas that cuts, delays and swallows.

relay.py LISTEN:TARGET...   ports of loopback. Commands are lines on standard input; each is answered
with its own line once it is in force:

  pass      everything goes through
  cut       all connections are reset, and new ones at once, until `pass`
  reset     all connections are reset, once
  hole      nothing goes through any more, either way, and nobody is told: connections stay open
  delay MS  every piece takes so much longer, each way
"""

import asyncio
import os
import sys

PIECE_BYTES = 65536


class Relay:
    def __init__(self):
        self.open = asyncio.Event()
        self.open.set()
        self.refusing = False
        self.delay = 0.0
        self.writers = set()

    def reset_all(self):
        for writer in list(self.writers):
            writer.transport.abort()

    async def pump(self, reader, writer):
        """What was read in a hole goes on behind it, as TCP would have it."""
        try:
            while piece := await reader.read(PIECE_BYTES):
                if self.delay:
                    await asyncio.sleep(self.delay)
                await self.open.wait()
                writer.write(piece)
                await writer.drain()
        except OSError:
            pass
        writer.transport.abort()

    async def serve(self, target, reader, writer):
        if self.refusing:
            writer.transport.abort()
            return
        self.writers.add(writer)
        try:
            await self.open.wait()
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            writer.transport.abort()
            self.writers.discard(writer)
            return
        self.writers.add(there_writer)
        await asyncio.gather(self.pump(reader, there_writer), self.pump(there_reader, writer))
        self.writers -= {writer, there_writer}

    def obey(self, command, *arguments):
        if command in ("pass", "cut", "hole"):
            self.delay, self.refusing = 0.0, command == "cut"
            if command == "hole":
                self.open.clear()
            else:
                self.open.set()
        if command in ("cut", "reset"):
            self.reset_all()
        if command == "delay":
            self.delay = int(arguments[0]) / 1000

    async def run(self, pairs):
        for listen, target in pairs:
            def serve(reader, writer, target=target):
                return self.serve(target, reader, writer)
            await asyncio.start_server(serve, "127.0.0.1", listen)
        commands = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
        print("ready", flush=True)
        while line := await commands.readline():
            self.obey(*line.decode().split())
            print(line.decode().strip(), flush=True)


if __name__ == "__main__":
    async def main():
        await Relay().run([tuple(map(int, pair.split(":"))) for pair in sys.argv[1:]])
        os._exit(0)  # nothing to close with care: whoever was connected is gone or does not matter

    asyncio.run(main())
