#!/usr/bin/env python3
"""The relay of TCP connections: what goes through, and what a cut leaves."""

import socket
import threading
import unittest

from cluster.cluster import free_ports
from cluster.relay import Relay


class RelayTest(unittest.TestCase):
    def setUp(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.server.close)
        threading.Thread(target=self.echo, daemon=True).start()
        self.relay = Relay(free_ports(1)[0], self.server.getsockname()[1])
        self.addCleanup(self.relay.close)

    def echo(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection):
        with connection:
            try:
                while data := connection.recv(65536):
                    connection.sendall(data)
            except OSError:
                pass

    def connect(self):
        client = socket.create_connection(("127.0.0.1", self.relay.port), timeout=10)
        self.addCleanup(client.close)
        return client

    def exchange(self, client, data):
        client.sendall(data)
        got = b""
        while len(got) < len(data):
            got += client.recv(65536)
        self.assertEqual(got, data)

    def test_bytes_go_both_ways(self):
        one, two = self.connect(), self.connect()
        self.exchange(one, b"x" * 1000000)
        self.exchange(two, b"y")
        self.exchange(one, b"z")

    def test_a_cut_ends_all_and_lets_new_ones_in(self):
        clients = [self.connect(), self.connect()]
        for client in clients:
            self.exchange(client, b"x")
        self.assertEqual(self.relay.cut(), 2 * len(clients))
        for client in clients:
            with self.assertRaises(ConnectionError):
                client.sendall(b"x")
                if not client.recv(1):
                    raise ConnectionError
        self.assertEqual(self.relay.cut(), 0)
        self.exchange(self.connect(), b"x")

    def test_nobody_behind_it(self):
        self.server.shutdown(socket.SHUT_RDWR)  # closing it alone would leave the accept
        with self.assertRaises(ConnectionError):
            client = self.connect()
            client.sendall(b"x")
            if not client.recv(1):
                raise ConnectionError


if __name__ == "__main__":
    unittest.main(verbosity=2)
