"""The least of HTTP/2, gRPC and protobuf that a client needs to misbehave on purpose.

A connection sends what it is told, reads only when it is asked to, and never opens its own windows.
"""

import re
import socket
import ssl
import struct
import time

SECONDS = 20
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
FIRST_WINDOW = 65535
FRAME_BYTES_MAX = 16384
ACK = END_STREAM = 1
END_HEADERS = 4
SESSION = "/coord.v1.Coordination/Session"
INVALID_ARGUMENT, UNAVAILABLE = 3, 14


def http2_frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def header(name, value):
    """A literal that is not indexed; both texts are shorter than 127 bytes."""
    return (b"\0" + bytes([len(name)]) + name.encode()
            + bytes([len(value)]) + value.encode())


def grpc_message(payload):
    return struct.pack(">BI", 0, len(payload)) + payload


def varint(number):
    out = bytearray()
    while number > 0x7f:
        out.append(number & 0x7f | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


def field(number, value):
    """A protobuf field: an int as varint, bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def client_frame(number, hello=None, requests=()):
    """coord.v1.ClientFrame; hello and requests are encoded already."""
    return (field(1, number) + (field(2, hello) if hello is not None else b"")
            + b"".join(field(3, request) for request in requests))


def get_request(identifier, path):
    return field(1, identifier) + field(13, field(1, path.encode()))


def create_request(identifier, path, data=b""):
    return field(1, identifier) + field(8, field(1, path.encode()) + field(2, data))


def txn_request(identifier, creates):
    """A transaction of creates: [(path, data)]."""
    operations = (field(1, field(1, path.encode()) + field(2, data)) for path, data in creates)
    return field(1, identifier) + field(11, b"".join(field(2, each) for each in operations))


class Connection:
    def __init__(self, port, identity):
        context = ssl.create_default_context(cafile=identity.authority)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.set_alpn_protocols(["h2"])
        context.load_cert_chain(identity.certificate, identity.key)
        self.socket = context.wrap_socket(
            socket.create_connection(("127.0.0.1", port), SECONDS), server_hostname="localhost")
        self.socket.sendall(PREFACE + http2_frame(SETTINGS, 0, 0, b""))
        self.next_stream = 1
        self.messages = {}  # stream: bytes of its DATA frames that were not taken yet
        self.ended = {}     # stream: its gRPC status, None if it was reset without one
        self.first_window = FIRST_WINDOW
        self.windows = {0: FIRST_WINDOW}  # what may still be sent; 0: on the whole connection

    def close(self):
        self.socket.close()

    def open(self, method=SESSION):
        stream, self.next_stream = self.next_stream, self.next_stream + 2
        self.messages[stream] = b""
        self.windows[stream] = self.first_window
        block = b"".join(header(*pair) for pair in (
            (":method", "POST"), (":scheme", "https"), (":path", method),
            (":authority", "localhost"), ("content-type", "application/grpc"), ("te", "trailers")))
        self.socket.sendall(http2_frame(HEADERS, END_HEADERS, stream, block))
        return stream

    def send(self, stream, payload):
        """One gRPC message."""
        self.send_bytes(stream, grpc_message(payload))

    def send_large(self, stream, payload):
        """One gRPC message, in pieces as the windows allow."""
        rest = memoryview(grpc_message(payload))
        while rest:
            room = min(self.windows[stream], self.windows[0], FRAME_BYTES_MAX)
            if room > 0:
                self.send_bytes(stream, rest[:room].tobytes())
                rest = rest[room:]
            else:
                self._read_frame()

    def send_bytes(self, stream, raw):
        """Without a look at the windows: only for what is far smaller than they are."""
        self.socket.sendall(http2_frame(DATA, 0, stream, raw))
        self.windows[stream] -= len(raw)
        self.windows[0] -= len(raw)

    def half_close(self, stream):
        """Nothing more comes from the client, which still reads."""
        self.socket.sendall(http2_frame(DATA, END_STREAM, stream, b""))

    def flood(self, stream, limit):
        """Sends zeros until `limit` bytes are gone or the stream ends; how many went."""
        sent = 0
        while sent < limit and stream not in self.ended:
            room = min(self.windows[stream], self.windows[0], FRAME_BYTES_MAX)
            if room > 0:
                self.send_bytes(stream, bytes(room))
                sent += room
            else:
                self._read_frame()
        return sent

    def receive(self, stream):
        """The next whole gRPC message of the stream."""
        deadline = time.monotonic() + SECONDS
        while not self._whole(self.messages[stream]):
            if stream in self.ended:
                raise EOFError(f"stream {stream} ended with {self.ended[stream]}")
            self._read_frame(deadline)
        length = struct.unpack(">I", self.messages[stream][1:5])[0]
        message = self.messages[stream][5:5 + length]
        self.messages[stream] = self.messages[stream][5 + length:]
        return message

    def end_of(self, stream):
        """The gRPC status with which the replica ends the stream."""
        deadline = time.monotonic() + SECONDS
        while stream not in self.ended:
            self._read_frame(deadline)
        return self.ended[stream]

    @staticmethod
    def _whole(data):
        return len(data) >= 5 and len(data) >= 5 + struct.unpack(">I", data[1:5])[0]

    def _read(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise EOFError("the connection was closed")
            data += more
        return data

    def _read_frame(self, deadline=None):
        """Takes in whatever comes next; TimeoutError if that is after the deadline."""
        if deadline is not None and time.monotonic() > deadline:
            raise TimeoutError("the replica sends other things, but not what was waited for")
        head = self._read(9)
        length = int.from_bytes(head[:3], "big")
        kind, flags, stream = struct.unpack(">BBI", head[3:])
        payload = self._read(length)
        if kind == SETTINGS and not flags & ACK:
            self._take_settings(payload)
            self.socket.sendall(http2_frame(SETTINGS, ACK, 0, b""))
        elif kind == WINDOW_UPDATE:
            if stream in self.windows:
                self.windows[stream] += int.from_bytes(payload, "big")
        elif kind == PING and not flags & ACK:
            self.socket.sendall(http2_frame(PING, ACK, 0, payload))
        elif kind == DATA:
            self.messages[stream] += payload
        elif kind == HEADERS and flags & END_STREAM:
            # gRPC's C core writes this name and value without Huffman's code.
            status = re.search(rb"grpc-status.(\d+)", payload, re.DOTALL)
            self.ended[stream] = int(status.group(1)) if status else None
        elif kind == RST_STREAM:
            self.ended.setdefault(stream, None)
        elif kind == GOAWAY:
            raise EOFError(f"the replica closes the connection: {payload[8:]!r}")

    def _take_settings(self, payload):
        for number, value in struct.iter_unpack(">HI", payload):
            if number == 4:  # SETTINGS_INITIAL_WINDOW_SIZE
                for stream in self.messages:
                    self.windows[stream] += value - self.first_window
                self.first_window = value
