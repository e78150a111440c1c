"""As much of a cluster's DNS as gRPC and coordctl ask: addresses (A) of IPv4; of any other type a name
that exists has nothing."""

import ipaddress
import socketserver
import struct
import threading

A = 1
NO_SUCH_NAME = 3
RESPONSE = 0x8580  # authoritative, and recursion as asked
POINTER_TO_QUESTION = 0xC00C
IN = 1
TTL_SECONDS = 5


def question(query):
    """(name, type, where it ends)"""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("ascii"))
        at += 1 + query[at]
    kind, _ = struct.unpack_from("!HH", query, at + 1)
    return ".".join(labels).lower(), kind, at + 5


def answer(query, resolve):
    name, kind, end = question(query)
    addresses = resolve(name)
    code = NO_SUCH_NAME if addresses is None else 0
    records = [struct.pack("!HHHIH4s", POINTER_TO_QUESTION, A, IN, TTL_SECONDS, 4,
                           ipaddress.IPv4Address(address).packed)
               for address in addresses or [] if kind == A]
    head = struct.pack("!2sHHHHH", query[:2], RESPONSE | code, 1, len(records), 0, 0)
    return head + query[12:end] + b"".join(records)


class Server:
    """On UDP port 53 of `address`. resolve(name): [address], or None if there is no such name."""

    def __init__(self, address, resolve):
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                query, socket = self.request
                socket.sendto(answer(query, resolve), self.client_address)

        self._server = socketserver.UDPServer((address, 53), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
