#!/usr/bin/env python3
"""What other people's tools find on the client port: health and server reflection, with stock clients.

grpcio-health-checking and grpcio-reflection are Google's own; what they ask and how they read the
answers owes nothing to Coord.
"""

import queue
import signal
import threading

import stock

stock.use()

# pylint: disable=wrong-import-position
import grpc  # noqa: E402
from google.protobuf import descriptor_pool, message_factory  # noqa: E402
from grpc_health.v1 import health_pb2, health_pb2_grpc  # noqa: E402
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc  # noqa: E402
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (  # noqa: E402
    ProtoReflectionDescriptorDatabase)

import harness  # noqa: E402
from harness import wait_until  # noqa: E402

SECONDS = 20
SERVICES = ("", "coord.v1.Coordination", "coord.v1.Admin")
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
V1 = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"


class Watch:
    """Watch of one service: a thread reads it into a queue, where its end stands too."""

    def __init__(self, channel, service):
        self.call = health_pb2_grpc.HealthStub(channel).Watch(
            health_pb2.HealthCheckRequest(service=service))
        self.heard = queue.Queue()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        try:
            for answer in self.call:
                self.heard.put(answer.status)
        except grpc.RpcError as error:
            self.heard.put(error.code())

    def next(self):
        return self.heard.get(timeout=SECONDS)

    def cancel(self):
        self.call.cancel()
        self.thread.join(SECONDS)


class Health(harness.ClusterTest):
    REPLICAS = 1
    BORN = False

    def setUp(self):
        self.replica = self.cluster.replicas[0]
        self.channel = stock.channel(self.replica.client_port, self.cluster.client)
        self.addCleanup(self.channel.close)

    def check(self, service, channel=None):
        return health_pb2_grpc.HealthStub(channel or self.channel).Check(
            health_pb2.HealthCheckRequest(service=service), timeout=SECONDS,
            wait_for_ready=False).status

    def test_1_before_birth(self):
        """As /readyz: a replica without a cluster does not serve, and says so."""
        wait_until("/readyz answers", SECONDS, lambda: self.replica.http("/readyz")[0] == 503)
        for service in SERVICES:
            self.assertEqual(self.check(service), NOT_SERVING)

    def test_2_watch_sees_the_birth(self):
        watches = [Watch(self.channel, service) for service in SERVICES]
        unknown = Watch(self.channel, "coord.v1.Nothing")
        for watch in watches:
            self.assertEqual(watch.next(), NOT_SERVING)
        self.assertEqual(unknown.next(), SERVICE_UNKNOWN)
        self.cluster.give_birth()
        for watch in watches:
            self.assertEqual(watch.next(), SERVING)
        wait_until("/readyz says so too", SECONDS, self.replica.is_ready)
        for service in SERVICES:
            self.assertEqual(self.check(service), SERVING)
        for watch in (*watches, unknown):
            self.assertTrue(watch.heard.empty())
            watch.cancel()
            self.assertEqual(watch.next(), grpc.StatusCode.CANCELLED)

    def test_3_unknown_service(self):
        with self.assertRaises(grpc.RpcError) as raised:
            self.check("coord.v1.Nothing")
        self.assertEqual(raised.exception.code(), grpc.StatusCode.NOT_FOUND)

    def test_4_not_without_a_certificate(self):
        for method in (lambda channel: self.check("", channel),
                       lambda channel: next(iter(ask(channel, "list_services", "")))):
            with stock.channel(self.replica.client_port,
                               authority=self.cluster.authority.certificate) as stranger:
                with self.assertRaises(grpc.RpcError) as raised:
                    method(stranger)
                self.assertEqual(raised.exception.code(), grpc.StatusCode.UNAVAILABLE)

    def test_5_watch_sees_the_stop(self):
        watch = Watch(self.channel, "")
        self.assertEqual(watch.next(), SERVING)
        self.replica.daemon.signal(signal.SIGTERM)
        heard = [watch.next()]
        while heard[-1] == NOT_SERVING:
            heard.append(watch.next())
        self.assertEqual(heard, [NOT_SERVING, grpc.StatusCode.UNAVAILABLE])


def ask(channel, kind, value, v1=False):
    """The answers of one stream of reflection with this one question."""
    request = reflection_pb2.ServerReflectionRequest(**{kind: value})
    if not v1:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        return stub.ServerReflectionInfo(iter([request]), timeout=SECONDS)
    # The messages of v1 are those of v1alpha; this version of the package has no stub for it.
    call = channel.stream_stream(
        V1, request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString)
    return call(iter([request]), timeout=SECONDS)


class Reflection(harness.ClusterTest):
    REPLICAS = 1

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.channel = stock.channel(cls.cluster.replicas[0].client_port, cls.cluster.client)
        cls.addClassCleanup(cls.channel.close)

    def test_services_are_listed(self):
        for v1 in (False, True):
            (answer,) = ask(self.channel, "list_services", "", v1)
            self.assertEqual({each.name for each in answer.list_services_response.service},
                             {"coord.v1.Coordination", "coord.v1.Admin", "grpc.health.v1.Health",
                              "grpc.reflection.v1.ServerReflection",
                              "grpc.reflection.v1alpha.ServerReflection"})

    def test_unknown_names(self):
        for v1 in (False, True):
            for kind in ("file_containing_symbol", "file_by_filename",
                         "all_extension_numbers_of_type"):
                (answer,) = ask(self.channel, kind, "no.such.Thing", v1)
                self.assertEqual(answer.error_response.error_code,
                                 grpc.StatusCode.NOT_FOUND.value[0])
                self.assertIn("no.such.Thing", answer.error_response.error_message)

    def test_a_call_from_reflection_alone(self):
        """As grpcurl does it: no .proto, no stub; imports are resolved through the server too."""
        pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(self.channel))
        method = pool.FindServiceByName("coord.v1.Coordination").FindMethodByName("Call")
        self.assertEqual(pool.FindMessageTypeByName("coord.v1.Stat").fields_by_name["czxid"].number,
                         1)
        request_class = message_factory.GetMessageClass(method.input_type)
        response_class = message_factory.GetMessageClass(method.output_type)
        call = self.channel.unary_unary(
            f"/{method.containing_service.full_name}/{method.name}",
            request_serializer=request_class.SerializeToString,
            response_deserializer=response_class.FromString)
        request = request_class()
        request.request.create.path = "/by-reflection"
        request.request.create.data = b"found"
        answer = call(request, timeout=SECONDS)
        self.assertEqual(answer.reply.code, 0, answer)
        self.assertEqual(answer.reply.create.path, "/by-reflection")
        self.assertEqual(self.cluster.coordctl().do("get", "/by-reflection").strip(), b"found")

    def test_health_is_described_as_its_own_client_knows_it(self):
        """Our restatement against Google's: the same names and numbers."""
        pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(self.channel))
        for theirs in (health_pb2.HealthCheckRequest.DESCRIPTOR,
                       health_pb2.HealthCheckResponse.DESCRIPTOR,
                       *reflection_pb2.DESCRIPTOR.message_types_by_name.values()):
            ours = pool.FindMessageTypeByName(theirs.full_name)
            self.assertEqual(fields_of(ours), fields_of(theirs))
        theirs = health_pb2.HealthCheckResponse.ServingStatus.DESCRIPTOR
        ours = pool.FindEnumTypeByName(theirs.full_name)
        self.assertEqual([(each.name, each.number) for each in ours.values],
                         [(each.name, each.number) for each in theirs.values])

    def test_a_stream_that_makes_no_sense(self):
        call = self.channel.stream_stream(V1)
        with self.assertRaises(grpc.RpcError) as raised:
            list(call(iter([b"\x22\x09"]), timeout=SECONDS))
        self.assertEqual(raised.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)


def fields_of(message):
    return [(field.name, field.number, field.type, field.label,
             field.message_type.full_name if field.message_type else None,
             field.containing_oneof.name if field.containing_oneof else None)
            for field in sorted(message.fields, key=lambda field: field.number)]


if __name__ == "__main__":
    harness.main()
