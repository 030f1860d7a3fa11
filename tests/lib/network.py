"""Wires between nodes that a test can cut: a relay on loopback for every (dialler, listener) pair."""

import asyncio
import threading


class Wire:
    """One direction of dialling. Cut: what is connected is reset, what dials is reset at once."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.port = None
        self.is_cut = False
        self.transports = set()


class Network:
    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.wires = {}  # (dialler, listener): Wire
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)

    def add_wire(self, dialler, listener, target_port):
        """Returns the port that the dialler is to dial."""
        wire = Wire(target_port)

        async def serve(reader, writer):
            await self._relay(wire, reader, writer)

        async def listen():
            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            wire.port = server.sockets[0].getsockname()[1]

        self._call(listen())
        self.wires[dialler, listener] = wire
        return wire.port

    async def _relay(self, wire, reader, writer):
        if wire.is_cut:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", wire.target_port)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer.transport, far_writer.transport}
        wire.transports |= ends
        if wire.is_cut:
            for end in ends:
                end.abort()
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        wire.transports -= ends

    @staticmethod
    async def _pump(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.close()

    def _set(self, wires, cut):
        async def apply():
            for wire in wires:
                wire.is_cut = cut
                if cut:
                    for transport in list(wire.transports):
                        transport.abort()

        self._call(apply())

    def cut_off(self, node):
        """Nobody reaches the node, and it reaches nobody."""
        self._set([w for pair, w in self.wires.items() if node in pair], True)

    def _between(self, a, b):
        return [w for pair, w in self.wires.items() if set(pair) == {a, b}]

    def cut(self, a, b):
        """These two do not reach each other."""
        self._set(self._between(a, b), True)

    def mend(self, a, b):
        self._set(self._between(a, b), False)

    def heal(self):
        self._set(self.wires.values(), False)

    def close(self):
        async def end():
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        self._set(self.wires.values(), True)
        self._call(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(60)
