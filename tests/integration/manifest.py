"""What a Kubernetes would read in the chart's manifests, as far as the pods of pods.py need it.

Nothing is passed over in silence: a field that is neither read here nor listed in NOT_RUN, with the
reason why not, is an error by its name.
"""

import base64
import dataclasses
import re

import yaml

# What a cluster does with it is its own affair, or can be seen in the chart's goldens alone.
NOT_RUN = {
    "pod.affinity": "where pods go is the scheduler's",
    "pod.topologySpreadConstraints": "where pods go is the scheduler's",
    "pod.nodeSelector": "where pods go is the scheduler's",
    "pod.tolerations": "where pods go is the scheduler's",
    "pod.priorityClassName": "who gives way to whom is the scheduler's",
    "pod.serviceAccountName": "no pod has its token, see automountServiceAccountToken",
    "pod.imagePullSecrets": "there is no registry",
    "pod.securityContext.seccompProfile": "no system call is filtered",
    "container.image": "there is one image, see Image",
    "container.imagePullPolicy": "there is no registry",
    "container.resources": "nothing is limited",
    "container.terminationMessagePolicy": "what kubectl shows",
    "statefulset.updateStrategy": "pods are replaced by whoever tests it, see StatefulSet.replace",
    "statefulset.revisionHistoryLimit": "only the last revision is looked at",
    "certificate.duration": "nothing is renewed by time",
    "certificate.renewBefore": "nothing is renewed by time",
    "certificate.privateKey": "one kind of key",
    "certificate.issuerRef": "there is one authority",
    "certificate.usages": "one set of usages",
    "claim.spec": "how large a volume is and where it comes from is the storage class's",
    "claim.metadata.labels": "labels of volumes select nothing",
    "claim.metadata.annotations": "for the storage class",
}
# Likewise whole objects.
KINDS_NOT_RUN = {
    "NetworkPolicy": "not enforced: every pod reaches every port of every other one",
    "PodDisruptionBudget": "nothing is evicted",
    "ServiceAccount": "there is no API server to speak to",
    "Issuer": "whoever runs the pods issues what a Certificate asks for",
}
KINDS = {"ConfigMap", "Secret", "Service", "StatefulSet", "Job", "Pod", "Certificate"}
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


class Refused(Exception):
    """The manifest asks for what is not known here, or what a Kubernetes would not take either."""


class Fields:
    """A mapping of the manifest, read name by name. As a context it ends with: all was read."""

    def __init__(self, mapping, path):
        self.path = path
        self.mapping = {} if mapping is None else mapping
        if not isinstance(self.mapping, dict):
            raise Refused(f"{path} is no mapping")
        self.left = set(self.mapping)

    def take(self, name, default=None):
        self.left.discard(name)
        return self.mapping.get(name, default)

    def need(self, name):
        if name not in self.mapping:
            raise Refused(f"{self.path} has no {name}")
        return self.take(name)

    def given(self, name, value):
        """A field that has to say so, since it means something else if it is missing."""
        if self.need(name) != value:
            raise Refused(f"pods.py does not know {self.path}.{name}: {self.mapping[name]}")

    def fields(self, name):
        """A mapping in it, empty if there is none."""
        return Fields(self.take(name), f"{self.path}.{name}")

    def each(self, name, path):
        """The mappings of a list in it."""
        return [Fields(mapping, path) for mapping in self.take(name) or []]

    def only(self, name, *known):
        """A field of which no other value is known; it may be missing."""
        value = self.take(name, known[0])
        if value not in known:
            raise Refused(f"pods.py does not know {self.path}.{name}: {value}")
        return value

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            for name in sorted(self.left):
                if f"{self.path}.{name}" not in NOT_RUN:
                    raise Refused(f"pods.py does not know {self.path}.{name}")


def expand(text, variables):
    """$(NAME) in it, as Kubernetes does: unknown ones stay, $$ is a $."""
    def value(found):
        word = found.group(1)
        if word == "$":
            return "$"
        return variables.get(word[1:-1], found.group(0)) if len(word) > 1 else found.group(0)
    return re.sub(r"\$(\$|\([^)]*\)|.)", value, text, flags=re.DOTALL)


class Objects:
    """The objects that there are, by namespace, kind and name."""

    def __init__(self):
        self._objects = {}

    def apply(self, text, namespace):
        """All documents of `text`; whoever names no namespace belongs to this one."""
        for document in yaml.load_all(text, yaml.CSafeLoader):
            if document is None:
                continue
            kind, metadata = document["kind"], document["metadata"]
            if kind not in KINDS and kind not in KINDS_NOT_RUN:
                raise Refused(f"pods.py does not know the kind {kind}")
            key = metadata.get("namespace", namespace), kind, metadata["name"]
            self._objects[key] = document

    def get(self, namespace, kind, name):
        try:
            return self._objects[namespace, kind, name]
        except KeyError:
            raise Refused(f"there is no {kind} {name} in the namespace {namespace}") from None

    def all(self, kind):
        """[(namespace, object)]"""
        return [(namespace, each) for (namespace, of, _), each in self._objects.items()
                if of == kind]

    def only(self, kind):
        (_, found), = self.all(kind)
        return found

    def bytes_of(self, namespace, kind, name):
        """{key: bytes} of a ConfigMap or Secret."""
        with Fields(self.get(namespace, kind, name), kind.lower()) as fields:
            for known in ("apiVersion", "kind", "metadata", "type"):
                fields.take(known)
            data = fields.take("data") or {}
            if kind == "Secret":
                return {key: base64.b64decode(value, validate=True) for key, value in data.items()}
            return {key: value.encode() for key, value in data.items()}


@dataclasses.dataclass(frozen=True)
class Identity:
    """What is known of a pod before its containers are."""
    namespace: str
    name: str
    labels: dict
    address: str
    annotations: dict = dataclasses.field(default_factory=dict)
    subdomain: str = ""

    def field(self, path):
        """A fieldRef's fieldPath."""
        found = re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path)
        if found:
            return str(getattr(self, found.group(1)).get(found.group(2), ""))
        known = {"metadata.name": self.name, "metadata.namespace": self.namespace,
                 "status.podIP": self.address}
        if path not in known:
            raise Refused(f"pods.py does not know the fieldPath {path}")
        return known[path]


@dataclasses.dataclass(frozen=True)
class Image:
    """Of the Dockerfile, what a manifest may leave unsaid."""
    entrypoint: tuple
    user: int
    group: int
    path: str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclasses.dataclass(frozen=True)
class Probe:
    path: str
    port: int
    delay: int
    period: int
    timeout: int
    failures: int

    @property
    def bound(self):
        """Seconds after which it has failed for good."""
        return self.delay + self.period * self.failures


@dataclasses.dataclass(frozen=True)
class Mount:
    volume: str
    path: str
    read_only: bool


@dataclasses.dataclass(frozen=True)
class Security:
    user: int
    group: int
    groups: tuple
    read_only_root: bool
    no_new_privileges: bool
    no_capabilities: bool


@dataclasses.dataclass(frozen=True)
class Container:
    name: str
    command: tuple
    folder: str
    variables: dict
    ports: dict
    mounts: tuple
    security: Security
    probes: dict
    pre_stop: tuple


@dataclasses.dataclass(frozen=True)
class Volume:
    """kind: files (of what `source` names), empty, or claim (`source` is its name)."""
    name: str
    kind: str
    source: object = None


@dataclasses.dataclass(frozen=True)
class PodSpec:
    grace_seconds: int
    group: int
    own_once: bool
    volumes: tuple
    container: Container


def files_of(source, objects, namespace):
    """{path in the volume: (bytes, mode)} of a volume of files, as its objects are now."""
    kind, mapping = source
    with Fields(mapping, f"volume.{kind}") as fields:
        mode = fields.take("defaultMode", 0o644)
        if kind == "projected":
            files = {}
            for each in fields.each("sources", "volume.projected.sources"):
                with each:
                    for inner, name in (("secret", "name"), ("configMap", "name")):
                        if inner in each.mapping:
                            files.update(_files(each.fields(inner), name, mode, objects, namespace))
            return files
        return _files(fields, "secretName" if kind == "secret" else "name", mode, objects, namespace)


def _files(fields, name, mode, objects, namespace):
    kind = "Secret" if fields.path.lower().endswith("secret") else "ConfigMap"
    with fields:
        data = objects.bytes_of(namespace, kind, fields.need(name))
        if fields.mapping.get("items") is None:
            return {key: (value, mode) for key, value in data.items()}
        files = {}
        for item in fields.each("items", f"{fields.path}.items"):
            with item:
                key = item.need("key")
                if key not in data:
                    raise Refused(f"{kind} {fields.mapping[name]} has no key {key}")
                files[item.need("path")] = data[key], item.take("mode", mode)
        return files


def _volumes(pod, claims):
    volumes = []
    for each in pod.each("volumes", "volume"):
        with each:
            name = each.need("name")
            for kind in ("secret", "configMap", "projected"):
                if kind in each.mapping:
                    volumes.append(Volume(name, "files", (kind, each.take(kind))))
            if "emptyDir" in each.mapping:
                with each.fields("emptyDir") as empty:
                    empty.only("medium", "", "Memory")
                    empty.take("sizeLimit")  # kept by eviction
                volumes.append(Volume(name, "empty"))
    return tuple(volumes + [Volume(name, "claim", claim) for name, claim in claims.items()])


def _variables(container, identity, objects, image):
    variables = {"PATH": image.path, "HOSTNAME": identity.name}
    for each in container.each("env", "container.env"):
        with each:
            name = each.need("name")
            if "valueFrom" not in each.mapping:
                variables[name] = expand(str(each.take("value", "")), variables)
                continue
            with each.fields("valueFrom") as source:
                variables[name] = _variable(source, identity, objects)
    return variables


def _variable(source, identity, objects):
    if "fieldRef" in source.mapping:
        with source.fields("fieldRef") as reference:
            reference.only("apiVersion", "v1")
            return identity.field(reference.need("fieldPath"))
    for name, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
        if name in source.mapping:
            with source.fields(name) as reference:
                of, key = reference.need("name"), reference.need("key")
                data = objects.bytes_of(identity.namespace, kind, of)
                if key not in data:
                    raise Refused(f"{kind} {of} has no key {key}")
                return data[key].decode()
    return ""


def _ports(container):
    ports = {}
    for each in container.each("ports", "container.ports"):
        with each:
            each.only("protocol", "TCP")
            ports[each.take("name", "")] = each.need("containerPort")
    return ports


def port_of(ports, port, path):
    """A port by its name or number."""
    if isinstance(port, str) and port not in ports:
        raise Refused(f"{path}: no port of the container is named {port}")
    return ports[port] if isinstance(port, str) else port


def _probe(fields, ports):
    if "httpGet" not in fields.mapping:
        raise Refused(f"pods.py does not know {fields.path} without httpGet")
    with fields:
        with fields.fields("httpGet") as get:
            path, port = get.need("path"), port_of(ports, get.need("port"), get.path)
            get.only("scheme", "HTTP")
        fields.only("successThreshold", 1)
        return Probe(path, port, fields.take("initialDelaySeconds", 0),
                     fields.take("periodSeconds", 10), fields.take("timeoutSeconds", 1),
                     fields.take("failureThreshold", 3))


def _mounts(container, volumes):
    mounts = []
    for each in container.each("volumeMounts", "container.volumeMounts"):
        with each:
            volume = each.need("name")
            if volume not in {known.name for known in volumes}:
                raise Refused(f"container.volumeMounts: there is no volume {volume}")
            mounts.append(Mount(volume, each.need("mountPath"), each.take("readOnly", False)))
    return tuple(mounts)


def _security(container, pod_security, image):
    """pod_security: what the pod says, for the containers that say nothing."""
    with container.fields("securityContext") as own:
        def choose(name, default):
            inherited = pod_security.take(name, default)
            return own.take(name, inherited)
        user = choose("runAsUser", image.user)
        if choose("runAsNonRoot", False) and user == 0:
            raise Refused("container.securityContext: runAsNonRoot, and the user is 0")
        own.only("privileged", False)
        with own.fields("capabilities") as capabilities:
            drop = capabilities.only("drop", [], ["ALL"])
        group = pod_security.take("fsGroup")
        return Security(user, choose("runAsGroup", image.group), () if group is None else (group,),
                        own.take("readOnlyRootFilesystem", False),
                        not own.take("allowPrivilegeEscalation", True), drop == ["ALL"])


def _container(container, pod_security, volumes, known):
    """known: identity, objects and image."""
    identity, objects, image = known
    with container:
        name = container.need("name")
        variables = _variables(container, identity, objects, image)
        command = [*container.take("command", list(image.entrypoint)), *container.take("args", [])]
        ports = _ports(container)
        with container.fields("lifecycle") as lifecycle:
            with lifecycle.fields("preStop") as pre_stop:
                with pre_stop.fields("exec") as run:
                    before_stop = run.take("command", [])
        return Container(
            name, tuple(expand(word, variables) for word in command),
            container.take("workingDir", "/"), variables, ports, _mounts(container, volumes),
            _security(container, pod_security, image),
            {kind: _probe(container.fields(kind), ports)
             for kind in PROBES if kind in container.mapping},
            tuple(before_stop))


def read_pod(spec, identity, objects, image, claims=None):
    """A pod's spec; claims: {volume: name of the claim} of a StatefulSet."""
    with Fields(spec, "pod") as pod:
        pod.given("automountServiceAccountToken", False)
        pod.given("enableServiceLinks", False)
        volumes = _volumes(pod, claims or {})
        with pod.fields("securityContext") as security:
            containers = [_container(each, security, volumes, (identity, objects, image))
                          for each in pod.each("containers", "container")]
            group = security.take("fsGroup")
            policy = security.only("fsGroupChangePolicy", "Always", "OnRootMismatch")
        if len(containers) != 1:
            raise Refused("pods.py knows pods of one container only")
        pod.only("restartPolicy", "Always", "Never")  # whoever runs it looks at how it ended
        return PodSpec(pod.take("terminationGracePeriodSeconds", 30), group,
                       policy == "OnRootMismatch", volumes, containers[0])


def read_template(template):
    """(labels, annotations, spec)"""
    with Fields(template, "template") as fields:
        with fields.fields("metadata") as metadata:
            labels, annotations = metadata.take("labels", {}), metadata.take("annotations", {})
        return labels, annotations, fields.need("spec")


def read_pod_object(document):
    """(name, what read_template() gives) of a Pod by itself."""
    spec = {key: value for key, value in document.items() if key in ("metadata", "spec")}
    metadata = {key: value for key, value in spec["metadata"].items() if key != "name"}
    return document["metadata"]["name"], read_template({"metadata": metadata, "spec": spec["spec"]})


@dataclasses.dataclass(frozen=True)
class SetSpec:
    name: str
    ordinals: tuple
    service: str
    parallel: bool
    template: tuple
    claims: tuple


def _of_object(document, kind):
    """The spec of an object."""
    with Fields(document, kind) as fields:
        for known in ("apiVersion", "kind", "metadata"):
            fields.take(known)
        return Fields(fields.need("spec"), kind)


def read_set(document):
    with _of_object(document, "statefulset") as spec:
        with spec.fields("ordinals") as ordinals:
            first = ordinals.take("start", 0)
        template = read_template(spec.need("template"))
        with spec.fields("selector") as selector:
            if not selector.need("matchLabels").items() <= template[0].items():
                raise Refused("statefulset.selector does not select the pods of its template")
        claims = []
        for claim in spec.each("volumeClaimTemplates", "claim"):
            with claim, claim.fields("metadata") as metadata:
                claims.append(metadata.need("name"))
        return SetSpec(document["metadata"]["name"],
                       tuple(range(first, first + spec.take("replicas", 1))),
                       spec.need("serviceName"),
                       spec.take("podManagementPolicy", "OrderedReady") == "Parallel",
                       template, tuple(claims))


@dataclasses.dataclass(frozen=True)
class JobSpec:
    name: str
    retries: int
    seconds: int
    template: tuple


def read_job(document):
    with _of_object(document, "job") as spec:
        return JobSpec(document["metadata"]["name"], spec.take("backoffLimit", 6),
                       spec.need("activeDeadlineSeconds"), read_template(spec.need("template")))


@dataclasses.dataclass(frozen=True)
class ServiceSpec:
    namespace: str
    name: str
    headless: bool
    not_ready: bool
    selector: dict
    ports: tuple

    def selects(self, identity):
        return (identity.namespace == self.namespace
                and self.selector.items() <= identity.labels.items())


def read_service(namespace, document):
    with _of_object(document, "service") as spec:
        spec.only("type", "ClusterIP", "NodePort", "LoadBalancer")  # nobody is outside
        ports = []
        for port in spec.each("ports", "service.ports"):
            with port:
                port.take("name")
                port.only("protocol", "TCP")
                number = port.need("port")
                ports.append((number, port.take("targetPort", number)))
        return ServiceSpec(namespace, document["metadata"]["name"],
                           spec.take("clusterIP") == "None",
                           spec.take("publishNotReadyAddresses", False), spec.need("selector"),
                           tuple(ports))


@dataclasses.dataclass(frozen=True)
class CertificateSpec:
    secret: str
    common: str
    authority: bool
    names: tuple
    addresses: tuple


def read_certificate(document):
    """cert-manager's."""
    with _of_object(document, "certificate") as spec:
        return CertificateSpec(spec.need("secretName"), spec.need("commonName"),
                               spec.take("isCA", False), tuple(spec.take("dnsNames", [])),
                               tuple(spec.take("ipAddresses", [])))
