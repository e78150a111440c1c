"""A relay of TCP connections on loopback, which can cut them all at once."""

import asyncio
import threading


class Relay:
    """Connections to `port` go on to `target_port`, until cut() or close().

    It has a thread of its own; all methods are for other threads.
    """

    def __init__(self, port, target_port):
        self.port = port
        self._target_port = target_port
        self._writers = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = self._do(asyncio.start_server(self._connected, "127.0.0.1", port))

    @property
    def endpoint(self):
        return f"127.0.0.1:{self.port}"

    def _do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _connected(self, reader, writer):
        self._writers.add(writer)
        try:
            other_reader, other_writer = await asyncio.open_connection("127.0.0.1",
                                                                       self._target_port)
        except OSError:
            self._abort(writer)
            return
        self._writers.add(other_writer)
        await asyncio.gather(self._pump(reader, other_writer), self._pump(other_reader, writer))

    async def _pump(self, reader, writer):
        """All bytes one way; the end of one way is the end of both."""
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        self._abort(writer)

    def _abort(self, writer):
        self._writers.discard(writer)
        writer.transport.abort()

    async def _abort_all(self):
        cut = len(self._writers)
        for writer in list(self._writers):
            self._abort(writer)
        return cut

    def cut(self):
        """Ends all connections without a farewell; how many ends that were."""
        return self._do(self._abort_all())

    async def _close(self):
        self._server.close()
        await self._abort_all()
        pending = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.wait(pending, timeout=10) if pending else None

    def close(self):
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
