#!/usr/bin/env python3
"""Keepalive on the client port: who probes too fast is cut off, who is dead is found."""

import socket
import time

import harness
import raw_stream
from harness import wait_until

PING_MS = 200
KEEPALIVE_MS = 600
PROBE = raw_stream.http2_frame(raw_stream.PING, 0, 0, b"probe...")


class Keepalive(harness.ClusterTest):
    REPLICAS = 1

    @classmethod
    def before_start(cls):
        replica = cls.cluster.replicas[0]
        replica.settings["client_ping_ms"] = PING_MS
        replica.settings["client_keepalive_ms"] = KEEPALIVE_MS
        replica.write_settings()

    def setUp(self):
        self.replica = self.cluster.replicas[0]
        self.connection = raw_stream.Connection(self.replica.client_port, self.cluster.client)
        self.addCleanup(self.connection.close)
        self.stream = self.connection.open()
        self.connection.send(self.stream, raw_stream.client_frame(1, hello=b""))
        self.connection.receive(self.stream)

    def ask(self, number):
        self.connection.send(self.stream, raw_stream.client_frame(
            number, requests=[raw_stream.get_request(number, "/")]))
        self.connection.receive(self.stream)

    def test_who_probes_too_fast_is_cut_off(self):
        self.connection.socket.sendall(PROBE * 10)
        with self.assertRaisesRegex(EOFError, "too_many_pings"):
            self.connection.end_of(self.stream)

    def test_who_keeps_the_pace_is_not(self):
        """Far more probes than the strikes that are allowed, and no data between them to excuse
        them."""
        for _ in range(8):
            self.connection.socket.sendall(PROBE)
            due = time.monotonic() + 2 * PING_MS / 1000
            wait_until("the next one is due", 10, lambda due=due: time.monotonic() >= due)
        self.ask(2)

    def test_who_answers_probes_may_be_silent(self):
        self.connection.socket.settimeout(0.1)
        until = time.monotonic() + 5 * KEEPALIVE_MS / 1000
        while time.monotonic() < until:
            try:
                self.connection._read_frame()  # pylint: disable=protected-access # answers PING
            except (TimeoutError, socket.timeout):
                pass
        self.connection.socket.settimeout(raw_stream.SECONDS)
        self.ask(2)

    def test_who_is_dead_is_found(self):
        """It reads nothing and so answers no probe; TCP alone would never notice."""
        def streams():
            return self.replica.metrics()["coord_transport_streams"]
        wait_until("the stream is counted", 10, lambda: streams() > 0)
        wait_until("the dead one is gone", 10, lambda: streams() == 0)


if __name__ == "__main__":
    harness.main()
