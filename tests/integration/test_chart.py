#!/usr/bin/env python3
"""The Helm chart: what it renders, what it refuses, and what it keeps of an earlier installation."""

import base64
import functools
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import harness
from chart import rendering
from chart.api_server import ApiServer
from chart.semantics import (Objects, container, environment, matches, mounted_files, port_names,
                             selectors_of_replicas)
from cluster.certificates import Authority
from toolchains import need

COORDD = os.path.join(harness.BUILD, "coordd", "server", "coordd")
DOMAINS = {"default": "cluster.local", "cert-manager": "example.internal",
           "existing": "cluster.local"}


def setUpModule():  # pylint: disable=invalid-name
    """helm and the validator are built here, where they were not before."""
    need("go")
    rendering.helm()
    rendering.validator()


def secret_files(secret, folder):
    """{key: path} of the files that a Secret is mounted as."""
    files = {}
    for key, value in secret["data"].items():
        files[key] = os.path.join(folder, f"{secret['metadata']['name']}.{key}")
        with open(files[key], "wb") as file:
            file.write(base64.b64decode(value))
    return files


class ChartTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="coord-chart-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name

    def copy_of_chart(self):
        """One that a case may change."""
        copy = os.path.join(tempfile.mkdtemp(dir=self.folder), "coordd")
        shutil.copytree(rendering.CHART, copy)
        return copy


def for_every_set(check):
    """A case of Rendered that takes each set of values: its name, and what is made of it."""
    @functools.wraps(check)
    def test(self):
        for name, objects in self.objects.items():
            with self.subTest(name):
                check(self, name, objects)
    return test


class Rendered(ChartTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.texts = {name: rendering.render(*rendering.values_of(name))
                     for name in rendering.SETS}
        cls.objects = {name: Objects(rendering.objects(text)) for name, text in cls.texts.items()}

    def test_lint(self):
        for name in rendering.SETS:
            done = rendering.run_helm("lint", "--strict", rendering.CHART, *rendering.values_of(name))
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_goldens(self):
        for name, text in self.texts.items():
            with open(rendering.golden_file(name), encoding="utf-8") as file:
                self.assertEqual(rendering.comparable(text).splitlines(), file.read().splitlines(),
                                 f"{name}: if that is as it should be, run "
                                 "tests/integration/chart/rendering.py, which writes the goldens")

    def test_scripts_pass_shellcheck(self):
        folder = os.path.join(rendering.CHART, "files")
        scripts = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
        done = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)

    @for_every_set
    def test_names(self, _, objects):
        names = [(each["kind"], each["metadata"]["name"]) for each in objects.all]
        self.assertEqual(len(names), len(set(names)))
        for _, name in names:
            self.assertRegex(name, r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$")

    def test_the_longest_name_fits(self):
        found = Objects(rendering.objects(rendering.render(
            "--set", f"replicas=7,fullnameOverride={'a' * 40}")))
        for each in found.all:
            self.assertLessEqual(len(each["metadata"]["name"]), 63)
        # Its pods carry their revision, the name, a dash and ten letters, as a label.
        self.assertLessEqual(len(found.the("StatefulSet")["metadata"]["name"]), 63 - 11)

    @for_every_set
    def test_selectors_find_the_replicas_alone(self, _, objects):
        pods = objects.pods()
        for where, selector in selectors_of_replicas(objects):
            found = [what for what, pod in pods.items()
                     if matches(selector, pod["metadata"]["labels"])]
            self.assertEqual(found, ["replica"], where)

    @for_every_set
    def test_ports_exist(self, _, objects):
        pod = objects.pods()["replica"]
        wanted = [port["targetPort"] for service in objects.of("Service")
                  for port in service["spec"]["ports"]]
        wanted += [port["port"] for policy in objects.of("NetworkPolicy")
                   for rule in policy["spec"]["ingress"] for port in rule["ports"]]
        wanted += [container(pod)[f"{probe}Probe"]["httpGet"]["port"]
                   for probe in ("startup", "liveness", "readiness")]
        self.assertGreaterEqual(port_names(pod), set(wanted))

    @for_every_set
    def test_ports_are_those_of_the_configuration(self, _, objects):
        listens = {name: int(port) for name, port in re.findall(
            r'(\w+)_listen: ".*:(\d+)"', objects.the("ConfigMap")["data"]["coordd.yaml"])}
        pod = objects.pods()["replica"]
        self.assertEqual(listens, {port["name"]: port["containerPort"]
                                   for port in container(pod)["ports"]})
        for service in objects.of("Service"):
            for port in service["spec"]["ports"]:
                self.assertEqual(port["port"], listens[port["targetPort"]])
        for endpoint in environment(pod)["COORD_ENDPOINTS"].split(","):
            self.assertEqual(endpoint.rpartition(":")[2], str(listens["client"]))

    @for_every_set
    def test_paths_are_mounted(self, _, objects):
        """What the pods are told to read or to write lies in a volume."""
        for what, pod in objects.pods().items():
            values = [*environment(pod).values(), *container(pod).get("args", [])]
            paths = [value for value in values if value.startswith("/")]
            self.assertGreaterEqual(len(paths), 3, what)
            if what == "replica":
                paths += re.findall("data_dir: (.*)", objects.the("ConfigMap")["data"]["coordd.yaml"])
            mounts = [each["mountPath"] + "/" for each in container(pod)["volumeMounts"]]
            for path in paths:
                self.assertTrue(path.startswith(tuple(mounts)), f"{what}: {path}")

    @for_every_set
    def test_what_is_mounted_exists(self, name, objects):
        given = {"ours-1", "ours-admin"}  # of the values of "existing"
        made = {each["spec"]["secretName"] for each in objects.of("Certificate")}
        for what, pod in objects.pods().items():
            for kind, mounted, key in mounted_files(pod):
                found = objects.named(kind, mounted)
                if found and key:
                    self.assertIn(key, found["data"])
                self.assertTrue(found or mounted in (given if name == "existing" else made),
                                f"{what}: {kind} {mounted}")
            volumes = {each["name"] for each in pod["spec"]["volumes"]}
            volumes |= {each["metadata"]["name"] for each in
                        objects.the("StatefulSet")["spec"]["volumeClaimTemplates"]
                        if what == "replica"}
            self.assertEqual({each["name"] for each in container(pod)["volumeMounts"]}, volumes)

    @for_every_set
    def test_names_resolve(self, name, objects):
        """Every host that is named is a Service's, or a pod's of the headless one."""
        suffix = f".{rendering.NAMESPACE}.svc.{DOMAINS[name]}"
        headless = objects.named("Service", objects.the("StatefulSet")["spec"]["serviceName"])
        self.assertEqual(headless["spec"]["clusterIP"], "None")
        self.assertTrue(headless["spec"]["publishNotReadyAddresses"])
        replicas = [replica + suffix for replica in objects.replica_names()]
        services = [each["metadata"]["name"] + suffix for each in objects.of("Service")]
        for what, pod in objects.pods().items():
            hosts = [each.rpartition(":")[0]
                     for each in environment(pod)["COORD_ENDPOINTS"].split(",")]
            self.assertEqual(hosts, services[-1:] if what == "test" else replicas)
        config = objects.the("ConfigMap")["data"]["coordd.yaml"]
        self.assertEqual(re.findall(r'address: "(.*):7421"', config), replicas)

    @for_every_set
    def test_accounts_exist(self, name, objects):
        for pod in objects.pods().values():
            account = pod["spec"]["serviceAccountName"]
            self.assertTrue(account == "mine" if name == "existing"
                            else objects.named("ServiceAccount", account))

    @for_every_set
    def test_no_pod_may_more_than_it_needs(self, _, objects):
        for what, pod in objects.pods().items():
            spec, security = pod["spec"], pod["spec"]["securityContext"]
            self.assertFalse(spec["automountServiceAccountToken"], what)
            self.assertFalse(spec["enableServiceLinks"], what)
            self.assertTrue(security["runAsNonRoot"], what)
            self.assertEqual(security["seccompProfile"], {"type": "RuntimeDefault"}, what)
            self.assertEqual(container(pod)["securityContext"], {
                "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]},
                "privileged": False, "readOnlyRootFilesystem": True}, what)
            self.assertIn("memory", container(pod)["resources"]["limits"], what)

    def test_a_stop_has_the_time_that_it_may_take(self):
        for name, grace in (("default", 5), ("cert-manager", 13)):
            pod = self.objects[name].pods()["replica"]
            hook = container(pod)["lifecycle"]["preStop"]["exec"]["command"][-1]
            asked = int(re.search(r"--timeout (\d+)s", hook).group(1))
            self.assertGreater(pod["spec"]["terminationGracePeriodSeconds"], 2 * asked + grace)

    def test_one_replica_hands_leadership_to_nobody(self):
        self.assertNotIn("lifecycle", container(self.objects["existing"].pods()["replica"]))

    @for_every_set
    def test_coordd_takes_the_configuration(self, name, objects):
        """And the replica's certificate with it, which has to be that of `peers`."""
        config = os.path.join(self.folder, "coordd.yaml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(objects.the("ConfigMap")["data"]["coordd.yaml"])
        for number, replica in enumerate(objects.replica_names(), 1):
            files = self.certificate_of(name, objects, number, replica)
            done = subprocess.run(
                [COORDD, "--check-config", "--config", config, "--node", str(number),
                 "--data-dir", os.path.join(self.folder, "data"), "--tls-ca", files["ca.crt"],
                 "--tls-cert", files["tls.crt"], "--tls-key", files["tls.key"]],
                capture_output=True, text=True, check=False, timeout=20)
            self.assertEqual(done.returncode, 0, done.stderr)

    def certificate_of(self, name, objects, number, replica):
        """Its files: those that helm made, or some with the names that the others will have."""
        if name == "default":
            return secret_files(objects.named("Secret", f"coordd-{number}-tls"), self.folder)
        names = (["coord-1.example"] if name == "existing"
                 else objects.named("Certificate", f"coord-{number}-tls")["spec"]["dnsNames"])
        authority = Authority(os.path.join(self.folder, "authority"))
        made = authority.issue(f"{name}-{number}", [f"DNS:{each}" for each in names])
        return {"ca.crt": made.authority, "tls.crt": made.certificate, "tls.key": made.key}

    def test_certificates_of_helm_serve_every_name(self):
        objects = self.objects["default"]
        for number, replica in enumerate(objects.replica_names(), 1):
            files = secret_files(objects.named("Secret", f"coordd-{number}-tls"), self.folder)
            for host in (f"{replica}.default.svc.cluster.local", f"{replica}.default", replica,
                         f"coordd-{number}", "coordd.default.svc.cluster.local", "coordd",
                         "localhost"):
                self.verify(files, "-verify_hostname", host)
            self.verify(files, "-verify_ip", "127.0.0.1")

    def verify(self, files, *arguments):
        done = subprocess.run(["openssl", "verify", "-CAfile", files["ca.crt"], "-x509_strict",
                               *arguments, files["tls.crt"]],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, f"{arguments}: {done.stdout}{done.stderr}")

    @for_every_set
    def test_notes(self, name, objects):
        """They name what is there, and shells take their commands."""
        text = self.probe("NOTES", *rendering.values_of(name))
        for wanted in (objects.the("StatefulSet")["metadata"]["name"], "coordctl status",
                       environment(objects.pods()["birth"])["COORD_ENDPOINTS"]):
            self.assertIn(wanted, text)
        secret, = re.findall(r"get secret (\S+)", text)
        self.assertIn(("Secret", secret, None), mounted_files(objects.pods()["test"]))
        job = objects.the("Job")
        for command, found in (("logs", job["spec"]["template"]), ("delete job", job)):
            selector, = re.findall(rf"{command} -l (\S+)", text)
            self.assertTrue(matches(dict(each.split("=") for each in selector.split(",")),
                                    found["metadata"]["labels"]), f"{command} -l {selector}")
        commands = "".join(re.findall(r"(?m)^  .*\n", text))
        done = subprocess.run(["bash", "-n"], input=commands, capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.stderr, "")

    def probe(self, what, *arguments):
        """What templates know and do not show: NOTES, or VALUES as JSON."""
        chart = self.copy_of_chart()
        shown = {"NOTES": '(include (print $.Template.BasePath "/NOTES.txt") .)',
                 "VALUES": "(toJson .Values)"}[what]
        with open(os.path.join(chart, "templates", "probe.yaml"), "w", encoding="utf-8") as file:
            file.write("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: probe}\n"
                       f"data: {{shown: {{{{ {shown} | toJson }}}}}}\n")
        text = rendering.render(*arguments, "--show-only", "templates/probe.yaml", chart=chart)
        return Objects(rendering.objects(text)).the("ConfigMap")["data"]["shown"]

    def test_readme_lists_every_value(self):
        values = json.loads(self.probe("VALUES"))
        rows = {}
        with open(os.path.join(rendering.CHART, "README.md"), encoding="utf-8") as file:
            for line in file:
                row = re.match(r"\| `([^`]+)` \| (?:`([^`]*)`|) *\| \S", line)
                if row:
                    rows[row.group(1)] = row.group(2) or ""
        shown = {key: as_shown(value) for key, value in leaves(values)}
        self.assertEqual(rows, shown)


def leaves(values, before=""):
    """(dotted key, value) of each value that is no mapping, or an empty one."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{before}{key}.")
        else:
            yield before + key, value


def as_shown(value):
    """A default as README.md has it."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{', '.join(value)}]"
    return json.dumps(value)


# What is given, and words of the sentence that refuses it.
REFUSED = [
    ("replicas=4", "even number", "1, 3, 5 or 7"),
    ("replicas=9", "/replicas", "want 7"),
    ("replicas=0", "/replicas", "want 1"),
    ("replicas=three", "/replicas", "got string, want integer"),
    ("knownReplicas=2", "knownReplicas is 2 and replicas 3", "or to 0"),
    ("tls.mode=existing,knownReplicas=5", "0 entries for 5 replicas"),
    ("replica=3", "additional properties 'replica' not allowed"),
    ("tls.mode=both", "/tls/mode", "'chart', 'cert-manager', 'existing'"),
    ("tls.mode=cert-manager,tls.existing.client.secret=a,tls.existing.client.identity=cn:a",
     "tls.mode is cert-manager, and tls.existing names Secrets", "leave out tls.existing"),
    ("tls.existing.replicas[0].secret=a,tls.existing.replicas[0].identity=dns:a",
     "tls.mode is chart, and tls.existing names Secrets"),
    ("tls.certManager.issuerRef.name=ours", "tls.mode is chart, and tls.certManager.issuerRef"),
    ("tls.certManager.issuerRef.kind=ClusterIssuer", "issuerRef", "'name' required"),
    ("tls.mode=existing", "0 entries for 3 replicas", "{secret: , identity: }"),
    ("tls.mode=existing,replicas=1,tls.existing.replicas[0].secret=a,"
     "tls.existing.replicas[0].identity=dns:a", "tls.existing.client is missing"),
    ("tls.mode=existing,replicas=1,tls.existing.replicas[0].secret=a",
     "/tls/existing/replicas/0", "missing property 'identity'"),
    ("tls.mode=existing,replicas=1,tls.existing.replicas[0].secret=a,tls.existing.replicas[0]."
     "identity=cn:a,tls.existing.client.secret=b,tls.existing.client.identity=cn:a",
     "the identity cn:a is given twice"),
    ("tls.mode=existing,tls.clients[0]=orders", "tls.clients", "in your own"),
    ("tls.extraAddresses[0]=here", "/tls/extraAddresses/0"),
    ("tls.chart.days=0", "/tls/chart/days", "want 1"),
    ("image.repository=", "image.repository is empty", "registry.example/coordd"),
    ("image.repository=null", "/image", "missing property 'repository'"),
    ("image.pullPolicy=Sometimes", "/image/pullPolicy", "'Always', 'IfNotPresent', 'Never'"),
    ("image.digest=abc", "/image/digest", "sha256:"),
    ("resources.limits.memory=2Gb", "/resources/limits/memory", "Ki|Mi|Gi"),
    ("resources.limits.mem=2Gi", "/resources/limits", "'mem' not allowed"),
    ("resources.requests.cpu=-1", "/resources/requests/cpu"),
    ("volume.size=large", "/volume/size", "Ki|Mi|Gi"),
    ("volume=8Gi", "/volume", "got string, want object"),
    ("settings.node=1", "/settings", "'node' not allowed"),
    ("settings.heartbeat_ms=fast", "/settings/heartbeat_ms", "got string, want integer"),
    ("settings.heartbeat_ms=4", "/settings/heartbeat_ms", "want 5"),
    ("settings.heartbeat_ms=200", "settings.election_ms is 400", "three heartbeats"),
    ("settings.segment_bytes=16MB", "/settings/segment_bytes", "KiB|MiB|GiB"),
    ("settings.log.level=loud", "/settings/log/level", "'debug', 'info', 'warn', 'error'"),
    ("admins[0]=me", "/admins/0", "dns|cn|uri"),
    ("antiAffinity=always", "/antiAffinity", "'preferred', 'required', 'none'"),
    ("affinity.podAntiAffinity.x=1", "affinity.podAntiAffinity is given", "antiAffinity to none"),
    ("extraEnv[0].name=COORDD_NODE", "COORDD_NODE is the chart's own", "settings"),
    ("podLabels.app\\.kubernetes\\.io/name=x", "podLabels", "leave it out"),
    ("networkPolicy.clientsFrom[0].podselector.x=1", "'podselector' not allowed"),
    ("podSecurityContext.runAsUser=0", "/podSecurityContext/runAsUser", "want 1"),
    ("fullnameOverride=Coord", "/fullnameOverride"),
    (f"fullnameOverride={'a' * 41}", "has 41 characters", "at most 40", "fullnameOverride"),
    ("fullnameOverride=1coord", "begins with a letter"),
    ("service.type=ExternalName", "/service/type", "'ClusterIP', 'NodePort', 'LoadBalancer'"),
    ("birth.timeoutSeconds=soon", "/birth/timeoutSeconds", "got string, want integer"),
    ("clusterDomain=", "/clusterDomain"),
]


class Refused(ChartTest):
    def test_wrong_values(self):
        for given, *words in REFUSED:
            with self.subTest(given):
                done = rendering.run_helm("template", "coordd", rendering.CHART, "--set", given)
                self.assertNotEqual(done.returncode, 0, "it was taken")
                for word in words:
                    self.assertIn(word, done.stderr)
                for noise in ("nil pointer", "error calling index", "panic"):
                    self.assertNotIn(noise, done.stderr)

    def test_an_older_kubernetes(self):
        done = rendering.run_helm("template", "coordd", rendering.CHART, "--kube-version", "1.27")
        self.assertIn("requires kubeVersion: >=1.28", done.stderr)

    def test_ranges_are_those_of_coordd(self):
        """Of every setting that the chart passes on; and it knows all but those that it writes."""
        with open(os.path.join(rendering.CHART, "values.schema.json"), encoding="utf-8") as file:
            schema = json.load(file)["properties"]["settings"]["properties"]
        known = {**schema, **{f"log.{key}": value
                              for key, value in schema["log"]["properties"].items()}}
        said = subprocess.run([COORDD, "--help"], capture_output=True, text=True, check=True).stdout
        settings = dict(re.findall(
            r"(?m)^  ([a-z_.]+), COORDD_[A-Z_]+, --.*\n +.*\n +(.*); (?:default|required)", said))
        own = {"node", "data_dir", "client_listen", "peer_listen", "http_listen", "tls.ca",
               "tls.cert", "tls.key", "peers", "admins"}
        self.assertEqual(set(settings) - own, set(known) - {"log"})
        numbers = 0
        for name, allowed in settings.items():
            bounds = re.fullmatch(r"(\d+) to (\d+)", allowed)
            if bounds and name in known:
                numbers += 1
                self.assertEqual((known[name]["minimum"], known[name]["maximum"]),
                                 (int(bounds.group(1)), int(bounds.group(2))), name)
        self.assertGreater(numbers, 5)

    def test_a_field_that_kubernetes_does_not_know(self):
        """What is wrong in a template is found, and named."""
        for before, after, words in (
                ("serviceName:", "servicename:", ['unknown field "spec.servicename"']),
                ("kind: StatefulSet", "kind: Statefulset", ['no kind "Statefulset"']),
                ("replicas: {{ .Values.replicas }}", "replicas: many",
                 ["spec.replicas of type int32"]),
                ("periodSeconds: 2", "periodSeconds: 2\n            periodSeconds: 3",
                 ["already set in map"])):
            chart = self.copy_of_chart()
            file = os.path.join(chart, "templates", "statefulset.yaml")
            with open(file, encoding="utf-8") as opened:
                text = opened.read()
            self.assertIn(before, text)
            with open(file, "w", encoding="utf-8") as opened:
                opened.write(text.replace(before, after, 1))
            _, wrong = rendering.validate(rendering.render(chart=chart))
            for word in words:
                self.assertIn(word, wrong)


class Kept(ChartTest):
    """What `lookup` finds, from a stand-in for the API server."""

    def setUp(self):
        self.server = ApiServer()
        self.addCleanup(self.server.end)
        self.kubeconfig = os.path.join(self.folder, "kubeconfig")
        with open(self.kubeconfig, "w", encoding="utf-8") as file:
            file.write(self.server.kubeconfig())

    def render(self, *arguments):
        return rendering.render("--dry-run=server", "--kubeconfig", self.kubeconfig, *arguments)

    def secrets(self, *arguments):
        objects = Objects(rendering.objects(self.render(*arguments)))
        return {each["metadata"]["name"]: each for each in objects.of("Secret")}

    def install(self, *arguments):
        """The Secrets, which are in the cluster from now on, and so is the StatefulSet."""
        objects = rendering.objects(self.render(*arguments))
        self.server.objects = [each for each in objects if each["kind"] in ("Secret", "StatefulSet")]
        return {each["metadata"]["name"]: each for each in objects if each["kind"] == "Secret"}

    def age(self, secret, days):
        """As if it had been made so long ago."""
        notes = secret["metadata"]["annotations"]
        notes["coordd/made"] = str(int(notes["coordd/made"]) - days * 86400)

    @staticmethod
    def changed(before, after):
        return {name for name, each in before.items()
                if after[name]["data"]["tls.crt"] != each["data"]["tls.crt"]}

    def test_an_upgrade_keeps_all(self):
        before = self.install()
        self.assertEqual(self.changed(before, self.secrets()), set())
        self.assertIn("/api/v1/namespaces/default/secrets/coordd-ca", self.server.asked)

    def test_more_replicas_get_certificates_of_the_same_authority(self):
        before = self.install("--set", "knownReplicas=5")
        Objects(self.server.objects).the("StatefulSet")["status"] = {
            "updatedReplicas": 3, "readyReplicas": 3}
        after = self.secrets("--set", "replicas=5")
        self.assertEqual(self.changed(before, after), set())
        for name in ("coordd-4-tls", "coordd-5-tls"):
            self.assertEqual(after[name]["data"]["ca.crt"], before["coordd-ca"]["data"]["tls.crt"])

    def test_other_names_need_other_certificates_of_the_same_authority(self):
        before = self.install()
        after = self.secrets("--set", "tls.extraNames[0]=coord.example")
        self.assertEqual(self.changed(before, after),
                         {"coordd-1-tls", "coordd-2-tls", "coordd-3-tls"})
        files = secret_files(after["coordd-2-tls"], self.folder)
        files["ca.crt"] = secret_files(before["coordd-ca"], self.folder)["tls.crt"]
        done = subprocess.run(["openssl", "verify", "-CAfile", files["ca.crt"], "-verify_hostname",
                               "coord.example", files["tls.crt"]], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_old_certificates_are_renewed(self):
        before = self.install()
        self.age(before["coordd-1-tls"], 549)
        self.age(before["coordd-2-tls"], 551)  # of 825 days
        self.assertEqual(self.changed(before, self.secrets()), {"coordd-2-tls"})

    def test_no_certificate_outlives_the_authority(self):
        before = self.install()
        self.age(before["coordd-ca"], 3600)  # of 3650 days
        self.age(before["coordd-1-tls"], 800)
        after = self.secrets()
        self.assertEqual(self.changed(before, after), {"coordd-1-tls"})
        self.assertEqual(after["coordd-1-tls"]["metadata"]["annotations"]["coordd/days"], "50")

    def test_an_authority_that_has_ended(self):
        self.age(self.install()["coordd-ca"], 3650)
        with self.assertRaisesRegex(AssertionError, "coordd-ca has ended: delete that Secret"):
            self.secrets()

    def test_another_authority_needs_all_anew(self):
        before = self.install()
        self.server.objects.remove(before["coordd-ca"])
        self.assertEqual(self.changed(before, self.secrets()), set(before))

    def test_a_cluster_is_not_made_smaller(self):
        self.install()
        with self.assertRaisesRegex(AssertionError, "replicas is 1 and the cluster has 3"):
            self.render("--set", "replicas=1")

    def test_a_cluster_grows_in_two_steps(self):
        self.install()
        with self.assertRaisesRegex(AssertionError, "upgrade first with replicas=3 and knownReplicas=5"):
            self.render("--set", "replicas=5")
        self.install("--set", "knownReplicas=5")
        replicas = Objects(self.server.objects).the("StatefulSet")
        for replaced, ready in ((None, None), (2, 3), (3, 2)):
            replicas["status"] = {"updatedReplicas": replaced, "readyReplicas": ready}
            with self.assertRaisesRegex(AssertionError, "wait for `kubectl rollout status`"):
                self.render("--set", "replicas=5")
        replicas["status"] = {"updatedReplicas": 3, "readyReplicas": 3}
        grown = Objects(rendering.objects(self.render("--set", "replicas=5")))
        self.assertEqual(grown.the("StatefulSet")["spec"]["replicas"], 5)
        # Those that are there would be started again by nothing but the certificates of the new ones.
        self.assertEqual(grown.the("ConfigMap"), Objects(rendering.objects(
            self.render("--set", "knownReplicas=5"))).the("ConfigMap"))


# What a stand-in for coordctl says to `status`, once and from then on.
EMPTY = "endpoint={0} code=OK id=1 role=empty leader=0"
BORN = "endpoint={0} code=OK id=1 role=follower leader=2"
SILENT = "endpoint={0} code=UNAVAILABLE"
DENIED = "endpoint={0} code=PERMISSION_DENIED"


class Birth(ChartTest):
    """files/birth.sh, with a stand-in for coordctl; test_pods.py runs it with the real one."""

    def run_script(self, *states, init=0, seconds=1, then=None):
        """(exit code, what it said, calls of init); `then`: what status says after an init."""
        folder = tempfile.mkdtemp(dir=self.folder)
        program = os.path.join(folder, "coordctl")
        for name, lines in (("status", states), ("then", then or states)):
            with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                file.write("".join(f"{line.format(f'replica-{number}:7420')}\n"
                                   for number, line in enumerate(lines, 1)))
        with open(program, "w", encoding="ascii") as file:
            file.write(f"""#!/bin/sh
cd {folder}
case $1 in
status) if [ -e inits ]; then cat then; else cat status; fi ;;
init) echo "$@" >>inits; exit {init} ;;
esac
""")
        os.chmod(program, 0o755)
        done = subprocess.run(
            ["/bin/sh", os.path.join(rendering.CHART, "files", "birth.sh")],
            capture_output=True, text=True, check=False, timeout=30,
            env={"PATH": f"{folder}:/usr/bin:/bin", "REPLICAS": "3", "SECONDS_MAX": str(seconds),
                 "COORD_ENDPOINTS": "replica-1:7420,replica-2:7420,replica-3:7420"})
        inits = os.path.join(folder, "inits")
        calls = []
        if os.path.exists(inits):
            with open(inits, encoding="ascii") as file:
                calls = file.read().splitlines()
        return done.returncode, done.stdout + done.stderr, calls

    def test_all_are_empty(self):
        code, said, inits = self.run_script(EMPTY, EMPTY, EMPTY)
        self.assertEqual((code, inits), (0, ["init --endpoints replica-1:7420"]), said)

    def test_any_holds_a_cluster(self):
        for states in ((EMPTY, EMPTY, BORN), (BORN, SILENT, SILENT), (SILENT, BORN, EMPTY)):
            code, said, inits = self.run_script(*states)
            self.assertEqual((code, inits), (0, []), said)
            self.assertIn("holds the cluster already", said)

    def test_one_does_not_answer(self):
        for silent in (SILENT, DENIED):
            code, said, inits = self.run_script(EMPTY, EMPTY, silent)
            self.assertEqual((code, inits), (1, []), said)
            self.assertIn("waiting for: replica-3:7420", said)
            self.assertIn(silent.format("replica-3:7420"), said)

    def test_one_is_not_asked_at_all(self):
        code, said, inits = self.run_script(EMPTY, EMPTY)
        self.assertEqual((code, inits), (1, []), said)
        self.assertIn("2 of 3 replicas", said)

    def test_coordctl_fails(self):
        code, said, inits = self.run_script("coordctl: status: /etc/ca.crt cannot be read")
        self.assertEqual((code, inits), (1, []), said)
        self.assertIn("/etc/ca.crt cannot be read", said)

    def test_the_answer_of_init_is_lost(self):
        """The next look tells whether it was done, so nothing is born twice."""
        code, said, inits = self.run_script(EMPTY, EMPTY, EMPTY, init=3, seconds=5,
                                            then=(BORN, EMPTY, EMPTY))
        self.assertEqual((code, len(inits)), (0, 1), said)

    def test_init_is_refused_again_and_again(self):
        code, said, inits = self.run_script(EMPTY, EMPTY, EMPTY, init=1)
        self.assertEqual(code, 1, said)
        self.assertGreaterEqual(len(inits), 2)
        self.assertIn("did not carry out init", said)


if __name__ == "__main__":
    harness.main()
