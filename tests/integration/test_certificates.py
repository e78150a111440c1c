#!/usr/bin/env python3
"""Certificates change under a running replica: new handshakes see the new ones, what stands goes on."""

import os
import shutil
import signal
import socket
import ssl

import harness
import raw_stream
from cluster.certificates import Authority, Identity, openssl
from harness import wait_until

SECONDS = 20


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


class Secret:
    """A folder as Kubernetes mounts a secret: ca.crt, tls.crt and tls.key lead through the symbolic
    link ..data to a folder, and an update replaces that link by one to another folder."""

    NAMES = ("ca.crt", "tls.crt", "tls.key")

    def __init__(self, folder, authorities, identity):
        self.folder = folder
        self.versions = 0
        os.makedirs(folder)
        self.update(authorities, identity)
        for name in self.NAMES:
            os.symlink(os.path.join("..data", name), os.path.join(folder, name))

    def path(self, name):
        return os.path.join(self.folder, name)

    def update(self, authorities, identity):
        """authorities: paths of CA certificates, which go into one file."""
        self.versions += 1
        version = f"..version-{self.versions}"
        os.makedirs(self.path(version))
        write(self.path(f"{version}/ca.crt"), "".join(read(each) for each in authorities))
        shutil.copy(identity.certificate, self.path(f"{version}/tls.crt"))
        shutil.copy(identity.key, self.path(f"{version}/tls.key"))
        os.symlink(version, self.path("..data_tmp"))
        os.rename(self.path("..data_tmp"), self.path("..data"))


def serial(certificate):
    """Of a PEM file, in hex."""
    return ssl._ssl._test_decode_cert(certificate)["serialNumber"]  # pylint: disable=protected-access


def serial_shown(port, identity):
    """Of the certificate that the port shows to a new connection; None if there is none."""
    context = ssl.create_default_context(cafile=identity.authority)
    context.set_alpn_protocols(["h2"])
    context.load_cert_chain(identity.certificate, identity.key)
    try:
        with socket.create_connection(("127.0.0.1", port), SECONDS) as plain, \
                context.wrap_socket(plain, server_hostname="localhost") as secure:
            return secure.getpeercert()["serialNumber"]
    except OSError:
        return None


class Stream:
    """A session's stream that was opened before the change, and must go on after it."""

    def __init__(self, connection):
        self.connection = connection
        self.stream = self.connection.open()
        self.number = 1
        self.connection.send(self.stream, raw_stream.client_frame(1, hello=b""))
        self.connection.receive(self.stream)

    def ask(self):
        self.number += 1
        self.connection.send(self.stream, raw_stream.client_frame(
            self.number, requests=[raw_stream.get_request(self.number, "/")]))
        return self.connection.receive(self.stream)


class Rotation(harness.ClusterTest):
    """One replica with its certificates in a Secret."""

    REPLICAS = 1

    @classmethod
    def before_start(cls):
        replica = cls.cluster.replicas[0]
        cls.authority = cls.cluster.authority
        cls.secret = Secret(f"{cls.folder}/secret", [cls.authority.certificate], replica.identity)
        replica.settings["tls"] = {"ca": cls.secret.path("ca.crt"),
                                   "cert": cls.secret.path("tls.crt"),
                                   "key": cls.secret.path("tls.key")}
        replica.write_settings()

    def setUp(self):
        self.replica = self.cluster.replicas[0]
        self.port = self.replica.client_port
        self.client = self.cluster.client
        # Whatever the test before left behind.
        self.good = self.renew(self.authority)
        before = self.reloads()
        self.secret.update([self.authority.certificate], self.good)
        self.wait_shown(self.good)
        wait_until("the log says so", SECONDS, lambda: self.reloads() == before + 1)

    def reloads(self):
        """How often the log says so, which is before /metrics does."""
        return self.replica.daemon.log().count("event=certificates_reloaded")

    def open_stream(self, identity):
        connection = raw_stream.Connection(self.port, identity)
        self.addCleanup(connection.close)
        return Stream(connection)

    def renew(self, authority, **options):
        """Another certificate for the replica's name, by `authority`."""
        Rotation.renewals = getattr(Rotation, "renewals", 0) + 1
        folder = f"{self.folder}/renewal-{Rotation.renewals}"
        os.makedirs(folder)
        for suffix in ("crt", "key"):
            shutil.copy(f"{authority.folder}/ca.{suffix}", f"{folder}/ca.{suffix}")
        return Authority(folder).issue(
            "coordd-1", ["DNS:coordd-1", "DNS:localhost", "IP:127.0.0.1"], **options)

    def wait_shown(self, identity, client=None):
        wait_until(f"new connections see serial {serial(identity.certificate)}", SECONDS,
                   lambda: serial_shown(self.port, client or self.client)
                   == serial(identity.certificate))

    def failures(self):
        return self.replica.daemon.log().count("event=certificates_not_reloaded")

    def wait_refused(self, before, *words):
        wait_until("the refusal is logged", SECONDS, lambda: self.failures() > before)
        wait_until("/metrics counts it", SECONDS, lambda: self.replica.metrics()[
            "coord_certificate_reload_failures_total"] == self.failures())
        line = [line for line in self.replica.daemon.log().splitlines()
                if "certificates_not_reloaded" in line][-1]
        for word in words:
            self.assertIn(word, line)

    def test_a_symlink_swap_is_seen(self):
        old = self.open_stream(self.client)
        self.assertEqual(serial_shown(self.port, self.client), serial(self.good.certificate))
        before = self.reloads()
        new = self.renew(self.authority, days=30)
        self.secret.update([self.authority.certificate], new)
        self.wait_shown(new)
        self.assertTrue(old.ask())
        self.assertEqual(self.reloads(), before + 1)
        wait_until("/metrics counts it", SECONDS, lambda: self.replica.metrics()[
            "coord_certificate_reloads_total"] == before + 1)
        ends = ssl.cert_time_to_seconds(
            ssl._ssl._test_decode_cert(new.certificate)["notAfter"])  # pylint: disable=protected-access
        wait_until("/metrics shows its end", SECONDS, lambda: self.replica.metrics()[
            "coord_certificate_expiry_timestamp_seconds"] == ends)
        # Peers are shown the same one.
        peer = self.cluster.authority.issue("client")
        self.assertEqual(serial_shown(self.replica.peer_port, peer), serial(new.certificate))

    def test_a_signal_is_enough(self):
        old = self.open_stream(self.client)
        new = self.renew(self.authority)
        self.secret.update([self.authority.certificate], new)
        self.replica.daemon.signal(signal.SIGHUP)
        self.wait_shown(new)
        self.assertTrue(old.ask())

    def test_a_signal_reads_files_that_did_not_change(self):
        before = self.reloads()
        self.replica.daemon.signal(signal.SIGHUP)
        wait_until("they were read", SECONDS, lambda: self.reloads() == before + 1)
        self.assertEqual(serial_shown(self.port, self.client), serial(self.good.certificate))

    def test_a_mismatching_pair_keeps_the_old_one(self):
        old = self.open_stream(self.client)
        before = self.failures()
        one, other = self.renew(self.authority), self.renew(self.authority)
        self.secret.update([self.authority.certificate],
                           Identity("mixed", one.certificate, other.key, one.authority))
        self.wait_refused(before, "does not belong to the certificate")
        self.assertEqual(serial_shown(self.port, self.client), serial(self.good.certificate))
        self.assertTrue(old.ask())

    def test_no_pem_keeps_the_old_one(self):
        before = self.failures()
        junk = f"{self.folder}/junk"
        write(junk, "no certificate\n")
        self.secret.update([self.authority.certificate], Identity("junk", junk, junk, junk))
        self.wait_refused(before, "tls.crt")
        self.assertEqual(serial_shown(self.port, self.client), serial(self.good.certificate))

    def test_an_expired_certificate_keeps_the_old_one(self):
        before = self.failures()
        self.secret.update([self.authority.certificate], self.renew(self.authority, days=-1))
        self.wait_refused(before, "expired")
        self.assertEqual(serial_shown(self.port, self.client), serial(self.good.certificate))

    def test_another_identity_keeps_the_old_one(self):
        """Its peers would turn it away."""
        before = self.failures()
        self.secret.update([self.authority.certificate], self.cluster.client)
        self.wait_refused(before, "coordd-1", "its peers would turn it away")
        self.assertEqual(serial_shown(self.port, self.client), serial(self.good.certificate))

    def test_a_file_that_is_gone_keeps_the_old_one(self):
        before = self.failures()
        os.rename(self.secret.path("..data"), self.secret.path("..gone"))
        self.wait_refused(before, "ca.crt")
        self.assertEqual(serial_shown(self.port, self.client), serial(self.good.certificate))
        os.rename(self.secret.path("..gone"), self.secret.path("..data"))

    def test_a_new_authority_in_three_steps(self):
        """Trust both, then show the new one, then trust the new one alone; an expired authority in
        the file, as is left behind by the rotation before this one, is in nobody's way."""
        new = Authority(f"{self.folder}/new-authority", "Next CA")
        expired = self.expired_authority()
        client_of_new = new.issue("client")
        both = [expired, self.authority.certificate, new.certificate]
        old_stream = self.open_stream(self.client)

        self.secret.update(both, self.good)
        trusting = Identity("client", client_of_new.certificate, client_of_new.key,
                            self.authority.certificate)
        wait_until("a client of the new authority is let in", SECONDS,
                   lambda: self.is_let_in(trusting))
        self.assertTrue(self.is_let_in(self.client))

        shown = self.renew(new)
        self.secret.update(both, shown)
        trusts_new = Identity("client", self.client.certificate, self.client.key, new.certificate)
        self.wait_shown(shown, trusts_new)
        self.assertTrue(self.is_let_in(trusts_new))

        self.secret.update([new.certificate], shown)
        wait_until("a client of the old authority is not let in", SECONDS,
                   lambda: not self.is_let_in(trusts_new))
        self.assertTrue(self.is_let_in(client_of_new))
        self.assertTrue(old_stream.ask())
        # Back to the old one, for the tests that follow.
        self.secret.update([new.certificate, self.authority.certificate], shown)
        wait_until("the old authority is back", SECONDS, lambda: self.is_let_in(trusts_new))

    def is_let_in(self, identity):
        try:
            connection = raw_stream.Connection(self.port, identity)
            try:
                Stream(connection)
            finally:
                connection.close()
        except (OSError, EOFError):
            return False
        return True

    def expired_authority(self):
        path = f"{self.folder}/expired-ca.crt"
        if not os.path.exists(path):
            request = f"{self.folder}/expired-ca.csr"
            extensions = f"{self.folder}/expired-ca.ext"
            write(extensions, "basicConstraints=critical,CA:TRUE\n")
            openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                    "-nodes", "-keyout", f"{self.folder}/expired-ca.key", "-out", request,
                    "-subj", "/CN=Former CA")
            openssl("x509", "-req", "-in", request, "-signkey", f"{self.folder}/expired-ca.key",
                    "-days", "-1", "-extfile", extensions, "-out", path)
        return path


class Peers(harness.ClusterTest):
    """The links between replicas are dialled with the new certificates too."""

    REPLICAS = 3

    def test_an_authority_is_replaced_replica_by_replica(self):
        """The files are written over, as a person would, and every link is dialled anew."""
        new = Authority(f"{self.folder}/new-authority", "Next CA")
        both = read(self.cluster.authority.certificate) + read(new.certificate)
        for text, issue in ((both, False), (both, True), (read(new.certificate), False)):
            for replica in self.cluster.replicas:
                self.change(replica, text, new if issue else None)
        client = new.issue("client")
        # Whoever is started again has to be dialled, and to dial, with what there is now.
        for replica in self.cluster.replicas:
            replica.daemon.stop()
            replica.start()
            self.cluster.wait_all_vote()
            made = self.cluster.coordctl(identity=client)
            made.do("create", f"/after-{replica.number}")

    def change(self, replica, authorities, issuer):
        before = replica.metrics()["coord_certificate_reloads_total"]
        tls = replica.settings["tls"]
        if tls["ca"] == self.cluster.authority.certificate:
            # Its own copies, so that the authority's stay: known to it from its next start on.
            folder = f"{self.folder}/tls-{replica.number}"
            os.makedirs(folder)
            for key in ("ca", "cert", "key"):
                tls[key] = shutil.copy(tls[key], os.path.join(folder, key))
            replica.write_settings()
            replica.daemon.stop()
            replica.start()
            self.cluster.wait_all_vote()
            before = 0
        if issuer is not None:
            issued = issuer.server(replica.number)
            shutil.copy(issued.key, tls["key"])
            shutil.copy(issued.certificate, tls["cert"])
        write(tls["ca"], authorities)
        replica.daemon.signal(signal.SIGHUP)
        wait_until("the new files are in force", SECONDS, lambda: replica.metrics()[
            "coord_certificate_reloads_total"] > before)


if __name__ == "__main__":
    harness.main()
