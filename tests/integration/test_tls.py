#!/usr/bin/env python3
"""No one without a certificate gets in: who is refused on both ports, and what the log says."""

import socket
import ssl

import harness
from cluster.certificates import Authority
from harness import wait_until

HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
SECONDS = 10


def context(authority, identity=None, version=ssl.TLSVersion.TLSv1_3):
    """A client's side of TLS, which accepts the servers of `authority` and shows `identity`."""
    made = ssl.create_default_context(cafile=authority)
    made.minimum_version = made.maximum_version = version
    made.set_alpn_protocols(["h2"])
    if identity is not None:
        made.load_cert_chain(identity.certificate, identity.key)
    return made


def first_answer(port, made):
    """What comes back on an HTTP/2 preface over TLS; raises OSError if the other side refuses.

    In TLS 1.3 the client's half of the handshake ends before the server has looked at the client's
    certificate, so only an answer shows that it was let in.
    """
    with socket.create_connection(("127.0.0.1", port), SECONDS) as plain:
        with made.wrap_socket(plain, server_hostname="localhost") as secure:
            secure.sendall(HTTP2_PREFACE)
            return secure.recv(9)


class Tls(harness.ClusterTest):
    REPLICAS = 1

    def setUp(self):
        self.replica = self.cluster.replicas[0]
        self.authority = self.cluster.authority

    def ports(self):
        for port in (self.replica.client_port, self.replica.peer_port):
            with self.subTest(port=port):
                yield port

    def assert_shut_out(self, port, made):
        try:
            answer = first_answer(port, made)
        except OSError:
            return
        self.assertEqual(answer, b"", "an HTTP/2 answer means that it was let in")

    def assert_logged(self, *words):
        """A line of the log has all the words; strangers are logged once a second, so it may lag."""
        wait_until(f"the log says {words}", SECONDS, lambda: any(
            all(word.lower() in line.lower() for word in words)
            for line in self.replica.daemon.log().splitlines()))

    def test_our_certificate_gets_in(self):
        """The others of this file would pass with a server that answers nobody."""
        made = context(self.authority.certificate, self.cluster.client)
        self.assertNotEqual(first_answer(self.replica.client_port, made), b"")

    def test_no_certificate(self):
        for port in self.ports():
            self.assert_shut_out(port, context(self.authority.certificate))
        self.assert_logged("tls", "peer did not return a certificate")

    def test_foreign_certificate(self):
        foreign = Authority(f"{self.folder}/foreign", "Another CA")
        for port in self.ports():
            self.assert_shut_out(
                port, context(self.authority.certificate, foreign.issue("client")))
        self.assert_logged("tls", "certificate verify failed")

    def test_expired_certificate(self):
        expired = self.authority.issue("expired", days=-1)
        for port in self.ports():
            self.assert_shut_out(port, context(self.authority.certificate, expired))
        self.assert_logged("tls", "certificate verify failed")

    def test_tls_1_2(self):
        for port in self.ports():
            with self.assertRaises(ssl.SSLError):
                first_answer(port, context(self.authority.certificate, self.cluster.client,
                                           ssl.TLSVersion.TLSv1_2))
        self.assert_logged("tls", "unsupported protocol")

    def test_plaintext(self):
        for port in self.ports():
            with socket.create_connection(("127.0.0.1", port), SECONDS) as plain:
                plain.settimeout(SECONDS)
                plain.sendall(HTTP2_PREFACE)
                try:
                    self.assertNotIn(b"\0\0\0\4", plain.recv(100)[3:])
                except ConnectionResetError:
                    pass
        self.assert_logged("tls", "wrong version number")

    def test_client_certificate_is_no_peer(self):
        """It belongs to our authority but names no configured peer: refused above TLS, and logged."""
        made = self.cluster.coordctl()
        result = made.run("--endpoints", f"127.0.0.1:{self.replica.peer_port}", "--timeout", "3s",
                          "ls", "/")
        self.assertNotEqual(result.code, 0)

    def test_coordctl_without_certificate(self):
        foreign = Authority(f"{self.folder}/foreign", "Another CA").issue("client")
        made = self.cluster.coordctl(identity=foreign)
        result = made.run("--timeout", "3s", "ls", "/")
        self.assertEqual(result.code, 3, result)

    def test_refusals_are_logged_at_a_bounded_rate(self):
        before = len(self.replica.daemon.log().splitlines())
        for _ in range(100):
            self.assert_shut_out(self.replica.client_port, context(self.authority.certificate))
        self.assertLess(len(self.replica.daemon.log().splitlines()) - before, 50)

    def test_still_serves_afterwards(self):
        self.cluster.coordctl().do("ls", "/")


class PeerIdentity(harness.ClusterTest):
    """A replica with a certificate of our authority but another name than its peers expect."""

    @classmethod
    def before_start(cls):
        impostor = cls.cluster.replicas[2]
        impostor.settings["tls"]["cert"] = cls.cluster.client.certificate
        impostor.settings["tls"]["key"] = cls.cluster.client.key
        impostor.write_settings()

    BORN = False

    def test_is_not_taken_as_member(self):
        one, two, impostor = self.cluster.replicas
        self.cluster.found(one)
        wait_until("two replicas vote", 60, lambda: self.cluster.voters() == 2)
        wait_until("the refusal is logged", 30, lambda: "peer_refused" in one.daemon.log())
        self.assertTrue(two.is_ready())
        self.assertFalse(impostor.is_ready())


class Administrators(harness.ClusterTest):
    """A configuration that says which kind of name it means takes no other kind for it."""

    REPLICAS = 1
    BORN = False

    @classmethod
    def before_start(cls):
        replica = cls.cluster.replicas[0]
        replica.settings["admins"] = ["dns:operator", "uri:spiffe://example/operator"]
        replica.write_settings()

    def init_as(self, name, names=()):
        return self.cluster.coordctl(identity=self.cluster.authority.issue(name, names)).run("init")

    def test_the_scheme_counts(self):
        self.assert_refused(self.init_as("operator"), "permission_denied")
        self.assert_refused(self.init_as("uri", ["URI:operator"]), "permission_denied")
        self.assert_refused(self.init_as("cn-of-both", ["DNS:other", "URI:urn:x"]),
                            "permission_denied")
        self.assertEqual(self.init_as("anybody", ["DNS:operator"]).code, 0)
        self.assert_refused(self.init_as("somebody", ["URI:spiffe://example/operator"]),
                            "already_born")


if __name__ == "__main__":
    harness.main()
