#!/usr/bin/env python3
"""The chart as a cluster runs it: the pods of its StatefulSet, its Job and its test with the programs of
this build, by pods.py, which says what it puts in the place of a Kubernetes."""

import base64
import copy
import json
import os
import re
import shutil
import signal
import socket
import ssl
import stat
import sys
import tempfile
import threading
import time
import unittest

import stock

stock.use()

# pylint: disable=wrong-import-position
import harness  # noqa: E402
import manifest  # noqa: E402
import namespaces  # noqa: E402
import pod_dns  # noqa: E402
import pod_volumes  # noqa: E402
import pods  # noqa: E402
import readme  # noqa: E402
import toolchains  # noqa: E402
import yaml  # noqa: E402
from chart import rendering  # noqa: E402
from cluster.certificates import Authority  # noqa: E402

RELEASE, NAMESPACE, OTHER_NAMESPACE = "coord", "storage", "shop"
NAME = "coord-coordd"
# Between two writes that succeed, while replicas are replaced.
GAP_SECONDS_MAX = 5
# Of each try of the Job, so that one that waits in vain ends within the test.
BIRTH_SECONDS = 20


def image():
    """What the Dockerfile says."""
    text = readme.read("Dockerfile")
    user, group = re.search(r"^USER (\d+):(\d+)$", text, re.M).groups()
    entrypoint = json.loads(re.search(r"^ENTRYPOINT (\[.*\])$", text, re.M).group(1))
    return manifest.Image(tuple(entrypoint), int(user), int(group))


def render(*arguments):
    return rendering.render(*arguments, "--set", f"birth.timeoutSeconds={BIRTH_SECONDS}",
                            release=RELEASE, namespace=NAMESPACE)


POD = """
automountServiceAccountToken: false
enableServiceLinks: false
restartPolicy: Never
securityContext: {fsGroup: 10001, runAsNonRoot: true}
containers:
  - name: one
    image: coordd
    command: [sleep, infinity]
    env:
      - {name: FIRST, value: one}
      - {name: SECOND, value: "$(FIRST)-$(NOT_THERE)-$$(FIRST)"}
      - name: WHO
        valueFrom: {fieldRef: {fieldPath: metadata.name}}
      - name: INDEX
        valueFrom: {fieldRef: {fieldPath: "metadata.labels['index']"}}
      - name: WHERE
        valueFrom: {fieldRef: {fieldPath: status.podIP}}
      - name: LEVEL
        valueFrom: {configMapKeyRef: {name: settings, key: level}}
      - name: WORD
        valueFrom: {secretKeyRef: {name: words, key: word}}
    args: ["$(FIRST)", "$(date +%s) $answers $(SECOND"]
    lifecycle: {preStop: {exec: {command: [echo]}}}
    livenessProbe: {httpGet: {path: /livez, port: http}, failureThreshold: 4, periodSeconds: 2}
    ports: [{name: http, containerPort: 7422}]
    securityContext: {capabilities: {drop: [ALL]}, allowPrivilegeEscalation: false}
    volumeMounts: [{name: words, mountPath: /words}]
volumes:
  - name: words
    projected:
      defaultMode: 0440
      sources:
        - secret: {name: words, items: [{key: word, path: in/word, mode: 0400}]}
        - configMap: {name: settings}
"""
OBJECTS = """
kind: ConfigMap
metadata: {name: settings}
data: {level: info}
---
kind: Secret
metadata: {name: words}
data: {word: c2VjcmV0}
"""


class Runner(unittest.TestCase):
    """What pods.py itself promises."""

    def setUp(self):
        self.objects = manifest.Objects()
        self.objects.apply(OBJECTS, NAMESPACE)
        self.identity = manifest.Identity(NAMESPACE, "pod-7", {"index": "7"}, "10.78.0.9")

    def read(self, change=lambda pod: None):
        pod = yaml.safe_load(POD)
        change(pod)
        return manifest.read_pod(pod, self.identity, self.objects,
                                 manifest.Image(("coordd",), 10001, 10002))

    def test_variables_are_expanded(self):
        container = self.read().container
        variables = {name: value for name, value in container.variables.items()
                     if name not in ("PATH", "HOSTNAME")}
        self.assertEqual(variables, {
            "FIRST": "one", "SECOND": "one-$(NOT_THERE)-$(FIRST)", "WHO": "pod-7", "INDEX": "7",
            "WHERE": "10.78.0.9", "LEVEL": "info", "WORD": "secret"})
        self.assertEqual(container.command, ("sleep", "infinity", "one",
                                             "$(date +%s) $answers $(SECOND"))
        self.assertEqual(self.read(lambda pod: pod["containers"][0].pop("command")).container
                         .command[:2], ("coordd", "one"))

    def test_what_is_not_known_is_an_error_by_name(self):
        def put(value, *path):
            def change(pod):
                for name in path[:-1]:
                    pod = pod[name]
                pod[path[-1]] = value
            return change
        first = ("containers", 0)
        for change, named in (
                (put(True, "hostNetwork"), "pod.hostNetwork"),
                (put(True, "automountServiceAccountToken"), "pod.automountServiceAccountToken: True"),
                (put([], "initContainers"), "pod.initContainers"),
                (put({}, *first, "envFrom"), "container.envFrom"),
                (put({}, *first, "lifecycle", "postStart"), "container.lifecycle.postStart"),
                (put({}, *first, "lifecycle", "preStop", "httpGet"),
                 "container.lifecycle.preStop.httpGet"),
                (put({"tcpSocket": {}}, *first, "livenessProbe"), "container.livenessProbe"),
                (put(3, *first, "livenessProbe", "terminationGracePeriodSeconds"),
                 "container.livenessProbe.terminationGracePeriodSeconds"),
                (put(["CHOWN"], *first, "securityContext", "capabilities", "drop"),
                 "container.securityContext.capabilities.drop: ['CHOWN']"),
                (put("a", *first, "volumeMounts", 0, "subPath"), "container.volumeMounts.subPath"),
                (put({"path": "/"}, "volumes", 0, "hostPath"), "volume.hostPath"),
                (put(True, "volumes", 0, "projected", "optional"), None),
        ):
            with self.subTest(named):
                spec = None
                with self.assertRaises(manifest.Refused) as refused:
                    spec = self.read(change)
                    manifest.files_of(spec.volumes[0].source, self.objects, NAMESPACE)
                self.assertIn(f"pods.py does not know {named or 'volume.projected.optional'}",
                              str(refused.exception))
        with self.assertRaisesRegex(manifest.Refused, "pods.py does not know the kind DaemonSet"):
            self.objects.apply("kind: DaemonSet\nmetadata: {name: x}", NAMESPACE)

    def test_what_a_kubernetes_refuses(self):
        for change, words in (
                (lambda pod: pod["securityContext"].update(runAsUser=0), "the user is 0"),
                (lambda pod: pod["containers"][0]["volumeMounts"][0].update(name="gone"),
                 "there is no volume gone"),
                (lambda pod: pod["containers"][0]["livenessProbe"]["httpGet"].update(port="web"),
                 "no port of the container is named web"),
                (lambda pod: pod["containers"][0]["env"][6]["valueFrom"]["secretKeyRef"]
                 .update(name="gone"), "there is no Secret gone in the namespace storage"),
                (lambda pod: pod["containers"][0]["env"][6]["valueFrom"]["secretKeyRef"]
                 .update(key="gone"), "Secret words has no key gone")):
            with self.subTest(words), self.assertRaisesRegex(manifest.Refused, words):
                self.read(change)

    def test_a_change_of_files_is_a_swap(self):
        volume, = self.read().volumes
        with tempfile.TemporaryDirectory() as folder:
            laid = pod_volumes.Files(os.path.join(folder, "volume"), None)
            laid.write(manifest.files_of(volume.source, self.objects, NAMESPACE))
            self.assertEqual(os.readlink(os.path.join(laid.folder, "in")), "..data/in")
            path = os.path.join(laid.folder, "in", "word")
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o400)
            old = os.path.realpath(path)
            self.objects.apply(OBJECTS.replace("c2VjcmV0", "bmV3"), NAMESPACE)
            laid.write(manifest.files_of(volume.source, self.objects, NAMESPACE))
            with open(path, encoding="ascii") as file:
                self.assertEqual(file.read(), "new")
            self.assertFalse(os.path.exists(old))
            level = os.path.join(laid.folder, "level")
            self.assertEqual(stat.S_IMODE(os.stat(level).st_mode), 0o440)
            laid.write({"level": (b"debug", 0o644)})
            self.assertEqual(sorted(os.listdir(laid.folder)), ["..data", "..data-3", "level"])

    def test_names_are_answered(self):
        query = b"\x12\x34\1\0\0\1\0\0\0\0\0\0\3one\4here\0\0\1\0\1"
        known = {"one.here": ["10.78.0.2", "10.78.0.3"]}
        said = pod_dns.answer(query, known.get)
        self.assertEqual(said[:12], b"\x12\x34\x85\x80\0\1\0\2\0\0\0\0")
        self.assertEqual(said[-4:], bytes([10, 78, 0, 3]))
        of_type_6 = pod_dns.answer(query.replace(b"\0\1\0\1", b"\0\x1c\0\1"), known.get)
        self.assertEqual(of_type_6[2:8], b"\x85\x80\0\1\0\0")
        self.assertEqual(pod_dns.answer(query, {}.get)[2:8], b"\x85\x83\0\1\0\0")


class Writer:
    """Writes one node after the other from a pod, each by a coordctl of its own."""

    def __init__(self, pod):
        self.pod = pod
        self.written = 0
        self.failed = []
        self.gap = 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _write(self, path):
        """Also where the replica that had it ended: without a session the outcome is unknown then,
        and whoever wants to be sure looks."""
        done = self.pod.run("coordctl", "create", path, "--if-absent")
        if done.returncode == harness.Coordctl.UNREACHABLE and "OUTCOME_UNKNOWN" in done.stderr:
            done = self.pod.run("coordctl", "create", path, "--if-absent")
        return done

    def _run(self):
        last = time.monotonic()
        while not self._end.is_set():
            done = self._write(f"/roll/{self.written}")
            if done.returncode != 0:
                self.failed.append(done.stderr)
            self.written += 1
            now = time.monotonic()
            self.gap, last = max(self.gap, now - last), now

    def stop(self):
        self._end.set()
        self._thread.join()


class Chart(unittest.TestCase):
    """Each test has pods of its own."""

    @classmethod
    def setUpClass(cls):
        namespaces.need()
        if shutil.which("dpkg-query") is None:
            toolchains.absent("dpkg-query, by which pods.py knows what Debian's smallest image has")
        cls.default = render()

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="coord-test-")
        self.pods = pods.Pods(self.folder, harness.Programs(harness.BUILD), image())

    def run(self, result=None):
        """Ends its pods; if it failed their logs are printed before."""
        self.pods, self.folder = None, None
        before = len(result.failures) + len(result.errors)
        try:
            return super().run(result)
        finally:
            if self.pods is not None:
                if len(result.failures) + len(result.errors) > before:
                    print(f"==== {self.id()} failed\n{self.pods.logs()}", file=sys.stderr)
                self.pods.stop()
            if self.folder is not None:
                shutil.rmtree(self.folder)

    def install(self, text=None):
        """What a release has the first time; its pods are not made yet."""
        self.upgrade(text or self.default)
        self.set = pods.StatefulSet(self.pods, NAMESPACE, self.pods.objects.only("StatefulSet"))

    def upgrade(self, text):
        """What it has from now on."""
        self.pods.objects.apply(text, NAMESPACE)
        new = manifest.Objects()
        new.apply(text, NAMESPACE)
        self.job = new.only("Job")

    def birth(self):
        """What the Job said last; it has to be done."""
        done, logs = self.pods.run_job(NAMESPACE, self.job)
        self.assertTrue(done, logs)
        return logs[-1]

    def start(self, text=None):
        """A cluster that is born, and ready."""
        self.install(text)
        self.set.create_all()
        self.birth()
        self.wait_all_vote()

    def wait_all_vote(self):
        self.set.wait_ready()
        count = len(self.set.pods)
        harness.wait_until(f"{count} vote", 60, lambda: all(
            [member["role"] for member in each.get("members", [])] == count * ["VOTER"]
            for each in self.status()))

    def status(self, ordinal=1):
        """What every replica says, asked from one of them as an administrator would."""
        done = self.set.pods[ordinal].run("coordctl", "status", "-o", "json")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def cluster_ids(self):
        return {each["cluster_id"] for each in self.status()}

    def helm_test(self):
        code, log = self.pods.run_pod(NAMESPACE, self.pods.objects.only("Pod"), 60)
        self.assertEqual(code, 0, log)
        return log

    def client(self, secret=f"{NAME}-client-tls"):
        """A pod of another namespace, with a copy of a client's Secret and nothing else."""
        copied = self.pods.objects.get(NAMESPACE, "Secret", secret)
        self.pods.objects.apply(yaml.safe_dump(copied), OTHER_NAMESPACE)
        spec = yaml.safe_load(POD)
        spec["volumes"] = [{"name": "words", "secret": {"secretName": secret}}]
        container = spec["containers"][0]
        del container["args"], container["livenessProbe"], container["ports"], container["lifecycle"]
        container["env"] = [{"name": name, "value": value} for name, value in (
            ("COORD_ENDPOINTS", f"{NAME}.{NAMESPACE}:7420"), ("COORD_CACERT", "/words/ca.crt"),
            ("COORD_CERT", "/words/tls.crt"), ("COORD_KEY", "/words/tls.key"))]
        return self.pods.create(OTHER_NAMESPACE, "order-service", ({}, {}, spec))


class Birth(Chart):
    def test_ordinal_by_ordinal_until_helm_test_passes(self):
        self.install()
        for ordinal in self.set.spec.ordinals:
            pod = self.set.create(ordinal)
            pod.wait_started()
            self.assertFalse(pod.succeeds("readinessProbe"))
        self.assertEqual([str(pod) for pod in self.pods.pods], [f"{NAME}-{n}" for n in (1, 2, 3)])
        self.assertIn(f"giving birth on {NAME}-1.", self.birth())
        self.wait_all_vote()
        born = self.cluster_ids()
        self.assertEqual(len(born), 1)
        self.assertIn("holds the cluster already; nothing to do", self.birth())
        self.assertEqual(self.cluster_ids(), born)
        self.assertIn("wrote, read and deleted /helm-test/run-", self.helm_test())
        for pod in self.set.pods.values():
            self.assertTrue(pod.succeeds("livenessProbe"), pod)
            self.assertNotIn('"level":"error"', pod.log())
            self.assertNotIn("unknown_variable", pod.log())

    def test_all_at_once_as_helm_installs_them(self):
        self.install()
        job = manifest.read_job(self.job)
        pod = self.pods.create(NAMESPACE, job.name, job.template)
        self.set.create_all()
        code, log = self.pods.finish(pod, 60)
        self.assertEqual(code, 0, log)
        self.wait_all_vote()
        self.helm_test()

    def test_a_replica_that_never_answers(self):
        self.install()
        for variable in self.job["spec"]["template"]["spec"]["containers"][0]["env"]:
            if variable["name"] == "SECONDS_MAX":
                variable["value"] = "1"  # shorter than the chart lets one choose
        for ordinal in (1, 2):
            self.set.create(ordinal).wait_started()
        done, logs = self.pods.run_job(NAMESPACE, self.job)
        self.assertFalse(done)
        self.assertEqual(len(logs), self.job["spec"]["backoffLimit"] + 1)
        last = logs[-1].splitlines()[-1]
        self.assertIn("no cluster was made", logs[-1])
        self.assertRegex(last, f"2 of 3 replicas are .* empty; waiting for: {NAME}-3[.]")
        self.assertNotIn(f"{NAME}-2.", last)
        self.assertEqual([each.get("state") for each in self.status()], ["EMPTY", "EMPTY", None])

    def test_a_replica_that_hangs(self):
        """It has an address, and takes connections."""
        self.install()
        self.set.create_all()
        self.set.pods[3].signal(signal.SIGSTOP)
        job = manifest.read_job(self.job)
        trying = self.pods.create(NAMESPACE, job.name, job.template)
        harness.wait_until("it says whom it waits for", 30, lambda: (
            f"2 of 3 replicas are there and empty; waiting for: {NAME}-3." in trying.log()))
        self.set.pods[3].signal(signal.SIGCONT)
        code, log = self.pods.finish(trying, 60)
        self.assertEqual(code, 0, log)
        self.wait_all_vote()


class ValueSets(Chart):
    """The sets of values that the goldens show, but for the default one, which the other tests have;
    their certificates are made by whoever makes them in a cluster."""

    def setUp(self):
        super().setUp()
        self.authority = Authority(os.path.join(self.pods.folder, "authority"))

    def add_secret(self, name, certificate, key):
        files = {"ca.crt": self.authority.certificate, "tls.crt": certificate, "tls.key": key}
        data = {}
        for file, path in files.items():
            with open(path, "rb") as opened:
                data[file] = base64.b64encode(opened.read()).decode()
        self.pods.objects.apply(yaml.safe_dump({"kind": "Secret", "metadata": {"name": name},
                                                "data": data}), NAMESPACE)

    def issue(self, secret, common, names, addresses=()):
        identity = self.authority.issue(common, [*(f"DNS:{name}" for name in names),
                                                 *(f"IP:{address}" for address in addresses)])
        self.add_secret(secret, identity.certificate, identity.key)

    def issue_what_is_asked_for(self):
        """As cert-manager does."""
        for _, document in self.pods.objects.all("Certificate"):
            asked = manifest.read_certificate(document)
            if asked.authority:
                self.add_secret(asked.secret, self.authority.certificate, self.authority.key)
            else:
                self.issue(asked.secret, asked.common, asked.names, asked.addresses)

    def test_a_cluster_grows(self):
        """In the two steps of the chart's README; cert-manager's authority is the same in both."""
        def values(**given):
            return render("--set", "tls.mode=cert-manager",
                          *(word for name, value in given.items()
                            for word in ("--set", f"{name}={value}")))
        self.install(values())
        self.issue_what_is_asked_for()
        self.set.create_all()
        self.birth()
        self.wait_all_vote()
        born = self.cluster_ids()
        for given in ({"knownReplicas": 5}, {"replicas": 5}):
            before = sorted(self.set.pods, reverse=True)
            self.upgrade(values(**given))
            self.issue_what_is_asked_for()
            self.set.update()
            self.set.create_all()
            self.set.wait_ready()
            for ordinal in before:
                self.set.replace(ordinal)
        self.wait_all_vote()
        self.assertEqual(len(self.set.pods), 5)
        self.assertEqual(self.cluster_ids(), born)
        self.assertIn("holds the cluster already", self.birth())
        self.helm_test()

    def test_certificates_of_cert_manager(self):
        """Five replicas, and nearly no value is the default."""
        self.pods.domain = "example.internal"
        self.install(render(*rendering.values_of("cert-manager")))
        self.issue_what_is_asked_for()
        self.set.create_all()
        self.birth()
        self.wait_all_vote()
        self.helm_test()
        self.assertEqual(self.set.pods[1].run("printenv", "TZ").stdout, "UTC\n")

    def test_certificates_that_are_there(self):
        """One replica, whose certificate has the names that the chart's README asks for."""
        self.install(render(*rendering.values_of("existing")))
        self.issue("ours-1", "coord-1", [
            "coord-1.example", f"{NAME}-1.{NAME}-peers.{NAMESPACE}.svc.cluster.local", NAME,
            f"{NAME}.{NAMESPACE}.svc.cluster.local", "localhost"])
        self.issue("ours-admin", "ops", [])
        self.set.create_all()
        self.birth()
        self.wait_all_vote()
        self.helm_test()
        self.assertEqual(self.set.pods[1].stop()[0], 0)


class LostVolumes(Chart):
    """R14: where anyone holds a cluster, or may hold it, no second one is born."""

    def lose(self, ordinal):
        self.pods.wipe(self.set.claim(self.set.spec.claims[0], ordinal))

    def test_an_empty_replica_joins_the_others(self):
        self.start()
        born = self.cluster_ids()
        self.set.pods[2].run("coordctl", "create", "/kept", "as it was")
        self.set.pods[1].stop()
        self.lose(1)
        self.set.create(1).wait_started()
        self.assertIn("holds the cluster already", self.birth())
        self.wait_all_vote()
        self.assertEqual(self.cluster_ids(), born)
        here = self.set.pods[1].run("coordctl", "get", "/kept", "--endpoints", "localhost:7420")
        self.assertEqual(here.stdout.strip(), "as it was", here.stderr)

    def test_an_empty_replica_waits_for_the_others(self):
        """The Job is run while none of those is there that could say that there is a cluster."""
        self.start()
        born = self.cluster_ids()
        for pod in self.set.pods.values():
            pod.kill()
        self.lose(1)
        self.set.create(1).wait_started()
        job = manifest.read_job(self.job)
        trying = self.pods.create(NAMESPACE, job.name, job.template)
        harness.wait_until("it says whom it waits for", 30, lambda: (
            f"1 of 3 replicas are there and empty; waiting for: {NAME}-2." in trying.log()))
        self.assertEqual(self.status()[0]["state"], "EMPTY")
        for ordinal in (2, 3):
            self.set.create(ordinal).wait_started()
        code, log = self.pods.finish(trying, 60)
        self.assertEqual(code, 0, log)
        self.assertNotIn("giving birth", log)
        self.wait_all_vote()
        self.assertEqual(self.cluster_ids(), born)


class Running(Chart):
    def test_replicas_are_replaced_under_writes(self):
        """As a StatefulSet does: the last one first, each once the one before is ready."""
        self.start()
        client = self.client()
        client.run("coordctl", "create", "/roll")
        writer = Writer(client)
        led = []

        def before_signal(pod, hook):
            """It gets SIGTERM once this returns."""
            if pod is leader:
                harness.wait_until(f"{pod} leads no longer, its preStop ran: {hook}", 5, lambda: (
                    "coord_is_leader 0\n" in pod.http(7422, "/metrics")[1]))
                led.append(pod)
        try:
            for ordinal in reversed(self.set.spec.ordinals):
                leader = self.set.pods[self.status(ordinal)[0]["leader_id"]]
                code, hook = self.set.replace(ordinal, before_signal)
                self.assertEqual((code, hook.returncode), (0, 0), hook)
        finally:
            writer.stop()
        print(f"{writer.written} writes, the longest gap {writer.gap:.3f} s")
        self.wait_all_vote()
        self.assertGreater(len(led), 0)
        self.assertEqual(writer.failed, [])
        self.assertGreater(writer.written, 10)
        self.assertLess(writer.gap, GAP_SECONDS_MAX)
        count = client.run("coordctl", "count", "/roll").stdout.strip()
        self.assertEqual(count, str(writer.written))

    def test_a_client_of_another_namespace(self):
        self.start(render("--set", "tls.clients={orders}"))
        client = self.client(f"{NAME}-client-orders-tls")
        done = client.run("coordctl", "create", "/orders", "7")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(client.run("coordctl", "get", "/orders").stdout.strip(), "7")
        done = client.run("coordctl", "status")
        self.assertEqual(done.returncode, harness.Coordctl.REFUSED, done.stderr)
        # The short name is one of the other namespace's.
        done = client.run("coordctl", "get", "/orders", "--endpoints", f"{NAME}:7420",
                          "--timeout", "3s")
        self.assertIn("does not resolve", done.stderr)

    def served(self, ordinal):
        """The certificate that a client of the replica is shown."""
        folder = os.path.join(self.pods.folder, "asking")
        os.makedirs(folder, exist_ok=True)
        data = self.pods.objects.bytes_of(NAMESPACE, "Secret", f"{NAME}-client-tls")
        for name, value in data.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(value)
        context = ssl.create_default_context(cafile=os.path.join(folder, "ca.crt"))
        context.load_cert_chain(os.path.join(folder, "tls.crt"), os.path.join(folder, "tls.key"))
        context.set_alpn_protocols(["h2"])
        address = self.set.pods[ordinal].identity.address
        with socket.create_connection((address, 7420), timeout=10) as connection:
            with context.wrap_socket(connection, server_hostname=f"{NAME}-{ordinal}") as secured:
                return secured.getpeercert(binary_form=True)

    def test_a_certificate_is_renewed(self):
        """By a change of the Secret alone, under the CA that the chart keeps."""
        self.start()
        secret = self.pods.objects.get(NAMESPACE, "Secret", f"{NAME}-2-tls")
        names = secret["metadata"]["annotations"]["coordd/names"].split(",")
        authority = os.path.join(self.pods.folder, "authority")
        os.makedirs(authority)
        for key, value in self.pods.objects.bytes_of(NAMESPACE, "Secret", f"{NAME}-ca").items():
            with open(os.path.join(authority, key.replace("tls", "ca")), "wb") as file:
                file.write(value)
        identity = Authority(authority).issue("renewed", [
            f"{'IP' if name in ('127.0.0.1', '::1') else 'DNS'}:{name}" for name in names])
        for key, path in (("tls.crt", identity.certificate), ("tls.key", identity.key)):
            with open(path, "rb") as file:
                secret["data"][key] = base64.b64encode(file.read()).decode()
        new = ssl.PEM_cert_to_DER_cert(base64.b64decode(secret["data"]["tls.crt"]).decode())
        self.assertNotEqual(self.served(2), new)
        self.pods.update_files()
        harness.wait_until("the new certificate is served", 30, lambda: self.served(2) == new)
        self.assertIsNone(self.set.pods[2].ended())
        self.assertEqual([each["code"] for each in self.status(2)], 3 * ["OK"])
        self.helm_test()

    def test_without_a_majority_a_replica_lives_and_is_not_ready(self):
        self.start()
        self.set.pods[1].kill()
        self.set.pods[2].kill()
        left = self.set.pods[3]
        harness.wait_until("it is not ready", 30, lambda: not left.succeeds("readinessProbe"))
        self.assertTrue(left.succeeds("livenessProbe"))
        left.signal(signal.SIGSTOP)
        harness.wait_until("it does not live", 30, lambda: not left.succeeds("livenessProbe"))
        left.signal(signal.SIGCONT)
        harness.wait_until("it lives", 30, lambda: left.succeeds("livenessProbe"))

    def test_what_the_container_may(self):
        """Write to its volume, and nothing else; it is a user without capabilities."""
        self.install()
        pod = self.set.create(1)
        pod.wait_started()
        done = pod.run("sh", "-c", "grep -E '^(Uid|Gid|Groups|CapBnd|NoNewPrivs):' /proc/self/status; "
                       "touch /var/lib/coord/x && rm /var/lib/coord/x; touch /x /tmp/x /etc/coord/x")
        said = dict(line.split(":\t") for line in done.stdout.splitlines())
        self.assertEqual(set(said["Uid"].split()), {"10001"})
        self.assertEqual(set(said["Gid"].split()), {"10001"})
        self.assertEqual((said["Groups"].split(), said["NoNewPrivs"]), (["10001"], "1"))
        self.assertEqual(int(said["CapBnd"], 16), 0)
        self.assertEqual(done.stderr.count("Read-only file system"), 3, done.stderr)
        self.assertNotIn("/var/lib/coord", done.stderr)


class Wrong(Chart):
    """What a person gets to read."""

    def changed(self):
        self.install()
        document = copy.deepcopy(self.pods.objects.only("StatefulSet"))
        return document, document["spec"]["template"]["spec"]

    def test_a_command_that_is_not_in_the_image(self):
        document, spec = self.changed()
        spec["containers"][0]["command"] = ["coordd-of-nowhere"]
        broken = pods.StatefulSet(self.pods, NAMESPACE, document)
        with self.assertRaisesRegex(AssertionError, "127(.|\n)*coordd-of-nowhere"):
            broken.create(1).wait_started()

    def test_a_setting_that_coordd_does_not_know(self):
        self.install(self.default.replace("data_dir:", "data_dirr:"))
        with self.assertRaisesRegex(AssertionError, "exit code 2:(.|\n)*data_dirr"):
            self.set.create(1).wait_started()

    def test_a_secret_that_is_not_there(self):
        document, spec = self.changed()
        sources = next(each for each in spec["volumes"] if "projected" in each)["projected"]["sources"]
        sources[0]["secret"]["name"] = "of-nowhere"
        broken = pods.StatefulSet(self.pods, NAMESPACE, document)
        with self.assertRaisesRegex(manifest.Refused, "there is no Secret of-nowhere"):
            broken.create(1)


if __name__ == "__main__":
    if namespaces.can_enter(*namespaces.PROCESSES) and os.geteuid() == 0:
        namespaces.enter(*namespaces.PROCESSES)
    harness.main()
