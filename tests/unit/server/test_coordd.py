#!/usr/bin/env python3
"""The coordd program as an operator meets it: exit codes, one clear line, --dev, signals, the log.

Usage: test_coordd.py PATH_OF_COORDD. Replicas listen on free loopback ports and end with the test;
clusters of several are tested in tests/integration.
"""

import json
import os
import re
import resource
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))

# pylint: disable=wrong-import-position
from cluster.certificates import Authority  # noqa: E402
from cluster.waiting import wait_until  # noqa: E402

COORDD = ""
SECONDS = 30
STOPPED, FAILED, USAGE, REFUSED = 0, 1, 2, 3


def environment(more=None):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("COORD")}
    return {**inherited, **(more or {})}


def http(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


class Running:
    """A coordd in the background; its log grows in a file."""

    def __init__(self, folder, *arguments, more=None):
        self.log_file = os.path.join(folder, f"log-{len(os.listdir(folder))}")
        self.out_file = self.log_file + ".out"
        with open(self.log_file, "wb") as log, open(self.out_file, "wb") as out:
            self.process = subprocess.Popen([COORDD, *arguments], stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=log, env=environment(more),
                                            cwd=folder)

    def log(self):
        with open(self.log_file, encoding="utf-8") as file:
            return file.read()

    def out(self):
        with open(self.out_file, encoding="utf-8") as file:
            return file.read()

    def wait_log(self, pattern):
        """The match, once the log has it."""
        wait_until(f"the log says {pattern}", SECONDS, lambda: (
            re.search(pattern, self.log()) or self.process.poll() is not None))
        found = re.search(pattern, self.log())
        if found is None:
            raise AssertionError(f"coordd ended without {pattern}:\n{self.log()}")
        return found

    def port(self, which):
        return int(self.wait_log(rf"{which}_port\"?[=:](\d+)").group(1))

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(SECONDS)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(SECONDS)


class CoorddTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="coord-server-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.data = os.path.join(self.folder, "data")

    def to_end(self, *arguments, more=None):
        return subprocess.run([COORDD, *arguments], capture_output=True, text=True, check=False,
                              timeout=SECONDS, env=environment(more), cwd=self.folder)

    def start(self, *arguments, more=None):
        running = Running(self.folder, *arguments, more=more)
        self.addCleanup(running.kill)
        return running

    def assert_one_line(self, result, code, *words):
        self.assertEqual(result.returncode, code, result)
        lines = result.stderr.splitlines()
        self.assertEqual(len(lines), 1, result.stderr)
        for word in words:
            self.assertIn(word, lines[0])

    def assert_ends_refused(self, running, *words):
        """It ended with code 3 and its last line says why; what recovery said may stand before."""
        self.assertEqual(running.process.wait(SECONDS), REFUSED, running.log())
        line = running.log().splitlines()[-1]
        self.assertIn("event=start_refused", line)
        for word in words:
            self.assertIn(word, line)


class CommandLine(CoorddTest):
    def test_version_and_help(self):
        result = self.to_end("--version")
        self.assertEqual((result.returncode, result.stderr), (STOPPED, ""))
        self.assertRegex(result.stdout, r"^coordd \d+\.\d+\.\d+\n$")
        result = self.to_end("--help")
        self.assertEqual((result.returncode, result.stderr), (STOPPED, ""))
        self.assertIn("--segment-bytes", result.stdout)

    def test_usage(self):
        self.assert_one_line(self.to_end("--nodde", "1"), USAGE, "--nodde", "--node")
        self.assert_one_line(self.to_end("run"), USAGE, "run")
        self.assert_one_line(self.to_end(), USAGE, "node is not set")
        self.assert_one_line(self.to_end("--config", "none.yaml"), USAGE, "none.yaml")
        self.assert_one_line(self.to_end("--dev", "--check-config"), USAGE, "--check-config")
        self.assert_one_line(self.to_end(more={"COORDD_NODE": "x\ny"}), USAGE, "COORDD_NODE")
        self.assertEqual(os.listdir(self.folder), [])


class Replica(CoorddTest):
    """One replica with certificates and no cluster."""

    def setUp(self):
        super().setUp()
        self.authority = Authority(os.path.join(self.folder, "ca"))
        self.identity = self.authority.server(1)
        self.files = {"--tls-ca": self.authority.certificate,
                      "--tls-cert": self.identity.certificate, "--tls-key": self.identity.key}
        self.settings = {"--node": "1", "--data-dir": self.data,
                         "--client-listen": "127.0.0.1:0", "--peer-listen": "127.0.0.1:0",
                         "--http-listen": "127.0.0.1:0", "--segment-bytes": "16MiB"}

    def arguments(self, **changes):
        merged = {**self.settings, **self.files,
                  **{f"--{name.replace('_', '-')}": value for name, value in changes.items()}}
        return [word for pair in merged.items() for word in pair]

    def test_lives_and_stops(self):
        running = self.start(*self.arguments())
        port = running.port("http")
        self.assertEqual(http(port, "/livez"), (200, "ok\n"))
        wait_until("it says why it is not ready", SECONDS,
                   lambda: "coordctl init" in http(port, "/readyz")[1])
        self.assertEqual(http(port, "/readyz")[0], 503)
        self.assertIn("coord_born 0\n", http(port, "/metrics")[1])
        self.assertEqual(running.stop(), STOPPED)
        self.assertIn("event=stopped", running.log())
        running = self.start(*self.arguments())
        running.port("http")
        self.assertEqual(running.stop(signal.SIGINT), STOPPED)

    def test_check_config(self):
        result = self.to_end("--check-config", *self.arguments())
        self.assertEqual((result.returncode, result.stderr), (STOPPED, ""))
        self.assertFalse(os.path.exists(self.data))
        self.assertIn(f'  key: "{self.identity.key}" # --tls-key\n', result.stdout)
        self.assertIn('identity is "dns:coordd-1"', result.stdout)
        self.assertNotIn("PRIVATE", result.stdout)
        again = os.path.join(self.folder, "again.yaml")
        with open(again, "w", encoding="utf-8") as file:
            file.write(result.stdout)
        second = self.to_end("--check-config", "--config", again)
        self.assertEqual(second.returncode, STOPPED, second)

        def without_origins(text):
            return [line.partition(" # ")[0] for line in text.splitlines()]
        self.assertEqual(without_origins(second.stdout), without_origins(result.stdout))

    def test_check_config_looks_at_certificates(self):
        other = self.authority.issue("other")
        for changes, word in (({"tls_key": other.key}, "other.key"),
                              ({"tls_ca": "/none.crt"}, "/none.crt"),
                              ({"peers": "1=127.0.0.1:1=somebody"}, "somebody"),
                              ({"data_dir": self.identity.key}, "not a directory")):
            with self.subTest(word):
                result = self.to_end("--check-config", *self.arguments(**changes))
                self.assert_one_line(result, USAGE, word)

    def test_files_that_cannot_be_read(self):
        self.assert_ends_refused(self.start(*self.arguments(tls_cert="/none.crt")), "/none.crt")
        self.assertFalse(os.path.exists(self.data))

    def test_ports_taken(self):
        for name in ("client_listen", "peer_listen", "http_listen"):
            with self.subTest(name), socket.create_server(("127.0.0.1", 0)) as holder:
                address = f"127.0.0.1:{holder.getsockname()[1]}"
                self.assert_ends_refused(self.start(*self.arguments(**{name: address})), address,
                                         "status=IN_USE")
        self.assertFalse(os.path.exists(self.data))

    def test_another_identity_than_its_peers_expect(self):
        running = self.start(*self.arguments(peers="1=127.0.0.1:1=somebody"))
        self.assertIn("somebody", running.wait_log("event=identity_differs .*coordd-1").group(0))
        running.port("http")
        self.assertEqual(running.stop(), STOPPED)

    def test_data_directory(self):
        running = self.start(*self.arguments())
        running.port("http")
        self.assert_ends_refused(self.start(*self.arguments()), "status=IN_USE", self.data)
        self.assertEqual(running.stop(), STOPPED)
        self.assert_ends_refused(self.start(*self.arguments(cluster="another")),
                                 "status=FOREIGN", self.data)
        self.assert_ends_refused(self.start(*self.arguments(node="2")), "status=FOREIGN", self.data)
        self.assert_ends_refused(self.start(*self.arguments(data_dir=self.identity.key)),
                                 self.identity.key)

    def test_no_room_for_the_log(self):
        def shrink():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        result = subprocess.run([COORDD, *self.arguments()], capture_output=True, text=True,
                                check=False, timeout=SECONDS, env=environment(),
                                preexec_fn=shrink)
        self.assertEqual(result.returncode, REFUSED, result)
        self.assertIn("event=start_refused", result.stderr)

    def test_certificates_are_read_again(self):
        running = self.start(*self.arguments())
        running.port("http")
        before = self.certificate_shown(running)
        self.replace("coordd-1", days=20)
        running.process.send_signal(signal.SIGHUP)
        running.wait_log(r"event=certificates_reloaded .*identity=cn:coordd-1")
        wait_until("new connections see the new certificate", SECONDS,
                   lambda: self.certificate_shown(running) not in (None, before))
        with open(self.identity.key, "w", encoding="ascii") as file:
            file.write("no key\n")
        running.process.send_signal(signal.SIGHUP)
        self.assertIn(self.identity.key,
                      running.wait_log(r"event=certificates_not_reloaded .*").group(0))
        self.assertEqual(running.stop(), STOPPED)

    def certificate_shown(self, running):
        """What the client port shows to a new connection; None if there is none just now."""
        context = ssl.create_default_context(cafile=self.authority.certificate)
        context.check_hostname = False
        context.set_alpn_protocols(["h2"])
        client = self.authority.issue("client")
        context.load_cert_chain(client.certificate, client.key)
        try:
            with socket.create_connection(("127.0.0.1", running.port("client")), SECONDS) as plain, \
                    context.wrap_socket(plain) as wrapped:
                return wrapped.getpeercert(binary_form=True)
        except OSError:
            return None

    def replace(self, name, days):
        """A new certificate and key in the place of the replica's own."""
        folder = tempfile.mkdtemp(dir=self.folder)
        for suffix in ("crt", "key"):
            os.link(os.path.join(self.authority.folder, f"ca.{suffix}"),
                    os.path.join(folder, f"ca.{suffix}"))
        made = Authority(folder).issue(name, days=days)
        os.replace(made.certificate, self.identity.certificate)
        os.replace(made.key, self.identity.key)

    def test_second_signal_ends_it_at_once(self):
        running = self.start(*self.arguments())
        running.port("http")
        running.process.send_signal(signal.SIGSTOP)
        running.process.send_signal(signal.SIGTERM)
        running.process.send_signal(signal.SIGINT)
        running.process.send_signal(signal.SIGCONT)
        self.assertEqual(running.process.wait(SECONDS), FAILED, running.log())
        self.assertIn("second signal", running.log())

    def test_json_log(self):
        running = self.start(*self.arguments(log_format="json", log_level="debug"),
                             more={"COORDD_NOED": "1", "COORDD_SERVICE_HOST": "10.0.0.1"})
        running.port("http")
        self.assertEqual(running.stop(), STOPPED)
        lines = [json.loads(line) for line in running.log().splitlines()]
        for line in lines:
            self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertEqual(line["node"], 1)
            self.assertIn(line["level"], ("debug", "info", "warn", "error"))
        events = [line["event"] for line in lines]
        self.assertEqual((events.count("started"), events[-1]), (1, "stopped"))
        self.assertEqual([line["name"] for line in lines if line["event"] == "variable_ignored"],
                         ["COORDD_NOED"])

    def test_a_log_that_nobody_reads_holds_nothing_up(self):
        reader, writer = os.pipe()
        with open(reader, "rb"), open(writer, "wb") as full:
            os.set_blocking(writer, False)
            try:
                while True:
                    os.write(writer, b"x" * 4096)
            except BlockingIOError:
                pass
            os.set_blocking(writer, True)
            with subprocess.Popen([COORDD, *self.arguments(http_listen="127.0.0.1:0")],
                                  stdin=subprocess.DEVNULL, stderr=full, env=environment()) as run:
                self.addCleanup(lambda: run.poll() is None and run.kill())
                wait_until("it listens", SECONDS, lambda: os.path.exists(self.data))
                run.send_signal(signal.SIGTERM)
                self.assertEqual(run.wait(SECONDS), STOPPED)


class Dev(CoorddTest):
    LISTENERS = ("--client-listen", "127.0.0.1:0", "--peer-listen", "127.0.0.1:0",
                 "--http-listen", "127.0.0.1:0")

    def test_one_replica_from_nothing(self):
        running = self.start("--dev", *self.LISTENERS)
        port = running.port("http")
        wait_until("it is ready", SECONDS, lambda: http(port, "/readyz")[0] == 200)
        wait_until("it prints the exports", SECONDS, lambda: "COORD_KEY" in running.out())
        metrics = http(port, "/metrics")[1]
        for sample in ("coord_born 1", "coord_is_leader 1", "coord_is_voter 1", "coord_ready 1"):
            self.assertIn(f"\n{sample}\n", metrics)
        exports = dict(re.findall(r"^export (\w+)=(.*)$", running.out(), re.MULTILINE))
        self.assertEqual(exports["COORD_ENDPOINTS"], f"127.0.0.1:{running.port('client')}")
        for name in ("COORD_CACERT", "COORD_CERT", "COORD_KEY"):
            self.assertTrue(os.path.isfile(exports[name]), exports)
        with open(os.path.join(self.folder, ".coord-dev", "env"), encoding="utf-8") as file:
            self.assertIn(file.read(), running.out())
        self.assertEqual(running.stop(), STOPPED)

        again = self.start("--dev", *self.LISTENERS)
        port = again.port("http")
        wait_until("it is ready again", SECONDS, lambda: http(port, "/readyz")[0] == 200)
        self.assertNotIn("event=born", again.log())
        self.assert_ends_refused(self.start("--dev", *self.LISTENERS), "status=IN_USE")
        self.assertEqual(again.stop(), STOPPED)

    def test_comes_back_after_a_kill(self):
        for _ in range(3):
            running = self.start("--dev", *self.LISTENERS)
            port = running.port("http")
            wait_until("it is ready", SECONDS, lambda: http(port, "/readyz")[0] == 200)
            running.kill()


if __name__ == "__main__":
    COORDD = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
