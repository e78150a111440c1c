"""A small Kubernetes for the chart's test: runs the pods of its manifests with the built programs.

A pod has network, UTS and IPC namespaces and an address of its own, its container mount and PID
namespaces besides, in which the command is the first process. The container's root holds the programs
of this build in /usr/local/bin and the libraries of this machine, and of /usr/bin only what Debian
calls essential, which is what the image has. Volumes are laid as a kubelet does (pod_volumes.py);
user, groups, capabilities and the read-only root are as the manifest says.

Stand-ins, and what they leave out:
- The cluster's DNS is one of this test's (pod_dns.py). There is no kube-proxy: the name of a Service
  is resolved to one of its ready pods, each time to the next one.
- A pod that is to end is out of its Services at once, and of the DNS once it has ended.
- Probes are asked when somebody waits for them, and more often than their period; the seconds until
  they have failed for good are the manifest's. A pod that was ready once is so until it ends. A
  container that ends is not started again.
- NetworkPolicy, resources, seccomp and all that is the scheduler's are not there: the reasons are in
  manifest.py's NOT_RUN, and what is neither known nor there is an error.
"""

import os
import shlex
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request

import harness
import manifest
import pod_dns
import pod_volumes
from namespaces import Bridge, do

HERE = "10.78.0.1"
LOG_TAIL_BYTES = 4000
DEVICES = ("null", "zero", "full", "random", "urandom")
JOB_LABEL = "batch.kubernetes.io/job-name"


class Root:
    """What the containers' roots have in common."""

    def __init__(self, folder, programs):
        self.bin = os.path.join(folder, "bin")
        self.local = os.path.join(folder, "local")
        os.makedirs(self.bin)
        os.makedirs(self.local)
        packages = subprocess.run(["dpkg-query", "-W", "-f", "${Essential} ${Package}\\n"],
                                  check=True, capture_output=True, text=True).stdout.splitlines()
        essential = [line.split()[1] for line in packages if line.startswith("yes ")]
        listed = subprocess.run(["dpkg-query", "-L", *essential], check=True, capture_output=True,
                                text=True).stdout.splitlines()
        files = {os.path.join("/usr/bin", os.path.basename(path)) for path in listed
                 if os.path.dirname(path) in ("/bin", "/usr/bin")}
        do("cp", "-a", "/usr/bin/sh", *filter(os.path.lexists, files - {"/usr/bin/sh"}), self.bin)
        do("cp", programs.coordd, programs.coordctl, self.local)

    def make(self, folder):
        """The folders of a new root; the rest is mounted, see mounts()."""
        for path in ("etc", "proc", "dev", "tmp", "usr/bin", "usr/lib", "usr/lib64", "usr/local/bin"):
            os.makedirs(os.path.join(folder, path))
        for path in ("bin", "lib", "lib64"):
            os.symlink(f"usr/{path}", os.path.join(folder, path))
        os.chmod(os.path.join(folder, "tmp"), 0o1777)
        for path, text in (("passwd", "root:x:0:0::/:/bin/sh\n"), ("group", "root:x:0:\n"),
                           ("nsswitch.conf", "hosts: files dns\n")):
            with open(os.path.join(folder, "etc", path), "w", encoding="ascii") as file:
                file.write(text)
        shutil.copy("/etc/ld.so.cache", os.path.join(folder, "etc"))

    def mounts(self, root):
        """Commands of a shell, in a mount and PID namespace of its own."""
        commands = [f"mount --bind {root} {root}", f"mount -t proc proc {root}/proc",
                    f"mount -t tmpfs tmpfs {root}/dev"]
        for source, target in ((self.bin, "usr/bin"), (self.local, "usr/local/bin"),
                               ("/usr/lib", "usr/lib"), ("/usr/lib64", "usr/lib64")):
            if os.path.isdir(source):  # where the loader is differs between processors
                commands.append(f"mount --bind -o ro {source} {root}/{target}")
        for device in DEVICES:
            commands += [f": >{root}/dev/{device}",
                         f"mount --bind /dev/{device} {root}/dev/{device}"]
        return commands


class Pod:
    """Made and started by Pods.create."""

    def __init__(self, pods, identity, spec, number):
        self.pods = pods
        self.identity = identity
        self.spec = spec
        self.ready = False
        self.terminating = False
        self.folder = os.path.join(pods.folder, f"{identity.name}-{number}")
        self.root = os.path.join(self.folder, "root")
        self.log_file = os.path.join(self.folder, "log")
        self.volumes = {}
        pods.root.make(self.root)
        self._write_names()
        self._make_volumes()
        self.sandbox = subprocess.Popen(
            ["unshare", "--net", "--uts", "--ipc", "sh", "-euc",
             f"hostname {identity.name}; echo up; read end"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.sandbox.stdout.readline() != "up\n":
            raise AssertionError(f"the namespaces of {identity.name} could not be made")
        self.link = f"pod{number}"
        pods.bridge.connect(self.sandbox.pid, self.link, identity.address)
        self._process = None

    def __repr__(self):
        return self.identity.name

    def _write_names(self):
        zones = " ".join(f"{zone}{self.pods.domain}"
                         for zone in (f"{self.identity.namespace}.svc.", "svc.", ""))
        for name, text in (
                ("hosts", f"127.0.0.1 localhost\n{self.identity.address} {self.identity.name}\n"),
                ("resolv.conf", f"nameserver {HERE}\nsearch {zones}\noptions ndots:5\n")):
            with open(os.path.join(self.root, "etc", name), "w", encoding="ascii") as file:
                file.write(text)

    def _make_volumes(self):
        self.files = {}
        for volume in self.spec.volumes:
            folder = os.path.join(self.folder, "volumes", volume.name)
            if volume.kind == "files":
                self.files[volume.name] = pod_volumes.Files(folder, self.spec.group)
            elif volume.kind == "empty":
                pod_volumes.make_empty(folder, self.spec.group)
            else:
                folder = self.pods.claim(volume.source)
                pod_volumes.make_claim(folder, self.spec.group, self.spec.own_once)
            self.volumes[volume.name] = folder
        self.update_files()

    def update_files(self):
        """ConfigMaps and Secrets as they are now."""
        for volume in self.spec.volumes:
            if volume.kind == "files":
                self.files[volume.name].write(manifest.files_of(
                    volume.source, self.pods.objects, self.identity.namespace))

    # ---- its container

    def start(self):
        root = shlex.quote(self.root)
        script = self.pods.root.mounts(root)
        for mount in self.spec.container.mounts:
            target = f"{root}{shlex.quote(mount.path)}"
            volume = next(each for each in self.spec.volumes if each.name == mount.volume)
            option = "-o ro " if mount.read_only or volume.kind == "files" else ""
            script += [f"mkdir -p {target}",
                       f"mount --bind {option}{shlex.quote(self.volumes[mount.volume])} {target}"]
        if self.spec.container.security.read_only_root:
            script.append(f"mount -o remount,bind,ro {root}")
        command = ["chroot", self.root, *self._as_user(), *self.spec.container.command]
        script.append(f"exec {shlex.join(command)}")
        with open(self.log_file, "ab") as log:
            self._process = subprocess.Popen(
                ["nsenter", "--target", str(self.sandbox.pid), "--net", "--uts", "--ipc",
                 "unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation",
                 "private", "sh", "-euc", "\n".join(script)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _as_user(self):
        """What starts a command as the container's user, in its environment."""
        container, security = self.spec.container, self.spec.container.security
        words = ["/usr/bin/setpriv", f"--reuid={security.user}", f"--regid={security.group}"]
        groups = ",".join(map(str, security.groups))
        words.append(f"--groups={groups}" if groups else "--clear-groups")
        if security.no_capabilities:
            words += ["--bounding-set=-all", "--inh-caps=-all"]
        if security.no_new_privileges:
            words.append("--no-new-privs")
        return [*words, "/usr/bin/env", "-i", f"--chdir={container.folder}",
                *(f"{name}={value}" for name, value in container.variables.items())]

    def _first_process(self):
        """Its pid here."""
        pid = self._process.pid
        try:
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
                children = file.read().split()
        except FileNotFoundError:
            children = []
        return int(children[0]) if children else None

    def _is_inside(self):
        """Whether its first process has the root that is made for it."""
        try:
            return os.path.samefile(f"/proc/{self._first_process()}/root/etc/hosts",
                                    os.path.join(self.root, "etc", "hosts"))
        except OSError:
            return False

    def wait_inside(self):
        harness.wait_until(f"the container of {self} is made", 30,
                           lambda: self._is_inside() or self.ended() is not None)
        self._assert_runs()

    def _assert_runs(self):
        if self.ended() is not None:
            raise AssertionError(f"{self} ended with exit code {self.ended()}:\n"
                                 f"{self.log()[-LOG_TAIL_BYTES:]}")

    def run(self, *command, seconds=30):
        """A further command in its container: subprocess.CompletedProcess, its output as text."""
        self.wait_inside()
        return subprocess.run(
            ["nsenter", "--target", str(self._first_process()), "--mount", "--net", "--uts", "--ipc",
             "--pid", "--root", *self._as_user(), *command], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=seconds, check=False)

    def signal(self, number):
        os.kill(self._first_process(), number)

    def ended(self):
        """Its exit code, or None; negative if a signal ended it."""
        return self._process.poll()

    def wait(self, seconds):
        return self._process.wait(seconds)

    def log(self):
        if not os.path.exists(self.log_file):
            return ""
        with open(self.log_file, encoding="utf-8", errors="replace") as file:
            return file.read()

    # ---- its probes

    def http(self, port, path, seconds=5):
        """(status code, body), or (0, why not)."""
        url = f"http://{self.identity.address}:{port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=seconds) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def succeeds(self, kind):
        """One try of a probe; a container without it has nothing to fail."""
        probe = self.spec.container.probes.get(kind)
        return probe is None or 200 <= self.http(probe.port, probe.path, probe.timeout)[0] < 400

    def _wait(self, kind, seconds):
        harness.wait_until(f"the {kind} of {self} succeeds", seconds,
                           lambda: self.succeeds(kind) or self.ended() is not None)
        self._assert_runs()

    def wait_started(self):
        probe = self.spec.container.probes.get("startupProbe")
        self._wait("startupProbe", probe.bound if probe else 0)
        if not self.succeeds("livenessProbe"):
            raise AssertionError(f"{self} has started and does not live")

    def wait_ready(self, seconds=60):
        self.wait_started()
        self._wait("readinessProbe", seconds)
        self.ready = True

    # ---- its end

    def stop(self, before_signal=lambda pod, hook: None):
        """As by `kubectl delete pod`: out of its Services, preStop, SIGTERM; killed if that takes longer
        than its grace, which is a failure here. Its exit code and what preStop came to."""
        deadline = time.monotonic() + self.spec.grace_seconds
        self.terminating = True
        hook = None
        if self.spec.container.pre_stop:
            hook = self.run(*self.spec.container.pre_stop, seconds=self.spec.grace_seconds)
        before_signal(self, hook)
        if self.ended() is None:
            self.signal(signal.SIGTERM)
        try:
            code = self.wait(deadline - time.monotonic())
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self} did not end within its {self.spec.grace_seconds} s and was "
                                 f"killed:\n{self.log()[-LOG_TAIL_BYTES:]}") from None
        self.remove()
        return code, hook

    def kill(self):
        """As if its node had gone."""
        if self._process is not None:
            harness.wait_until(f"{self} is killed", 30, self._killed)
        self.remove()

    def _killed(self):
        """Its first process, since the one that started it waits for that; it may not be there yet."""
        pid = self._first_process()
        if pid is not None and self.ended() is None:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it is about to be seen as ended
        return self.ended() is not None

    def remove(self):
        self.pods.bridge.disconnect(self.link)
        self.sandbox.stdin.close()
        self.sandbox.wait()
        self.sandbox.stdout.close()
        self.pods.pods.remove(self)


class Pods:
    """All pods, of all namespaces; needs namespaces.enter() with a PID namespace."""

    def __init__(self, folder, programs, image):
        self.folder = folder
        self.image = image
        self.domain = "cluster.local"
        self.objects = manifest.Objects()
        self.root = Root(os.path.join(folder, "root"), programs)
        self.bridge = Bridge("pods", HERE, 16)
        self.pods = []
        self._number = 1
        self._turn = 0
        self._dns = pod_dns.Server(HERE, self.resolve)

    def create(self, namespace, name, template, extra_labels=None, claims=None, subdomain=""):
        """Starts it; it is not waited for. subdomain: the Service that gives it a name."""
        labels, annotations, spec = template
        self._number += 1
        address = f"10.78.{self._number // 256}.{self._number % 256}"
        identity = manifest.Identity(namespace, name, {**labels, **(extra_labels or {})}, address,
                                     annotations, subdomain)
        spec = manifest.read_pod(spec, identity, self.objects, self.image, claims)
        pod = Pod(self, identity, spec, self._number)
        self._check_ports(pod)
        self.pods.append(pod)
        pod.start()
        return pod

    def _services(self):
        return [manifest.read_service(*each) for each in self.objects.all("Service")]

    def _check_ports(self, pod):
        """A name leads to an address; what leads to another port is not here."""
        for service in self._services():
            for port, target in service.ports if service.selects(pod.identity) else ():
                if manifest.port_of(pod.spec.container.ports, target, service.name) != port:
                    raise manifest.Refused(f"pods.py does not know a Service ({service.name}) whose "
                                           f"port {port} is another one in the pod")

    def claim(self, name):
        return os.path.join(self.folder, "claims", name)

    def wipe(self, claim):
        """As if its disk had been lost."""
        shutil.rmtree(self.claim(claim))

    def stop(self):
        """However they are: for clean-ups."""
        for pod in list(self.pods):
            pod.kill()
        self._dns.stop()
        self.bridge.remove()

    def logs(self):
        """Their ends."""
        return "\n".join(f"---- log of {pod}, its end\n{pod.log()[-LOG_TAIL_BYTES:]}"
                         for pod in self.pods)

    def update_files(self):
        for pod in self.pods:
            pod.update_files()

    # ---- names

    def resolve(self, name):
        """What the DNS answers: of a headless Service its pods, and each by its name."""
        if not name.endswith(f".svc.{self.domain}"):
            return None
        host, _, namespace = name.removesuffix(f".svc.{self.domain}").rpartition(".")
        host, _, wanted = host.rpartition(".")
        for service in self._services():
            if (service.name, service.namespace) == (wanted, namespace):
                return self._addresses(service, host)
        return None

    def _addresses(self, service, host):
        pods = [pod for pod in list(self.pods) if service.selects(pod.identity)
                and (service.not_ready or (pod.ready and not pod.terminating))]
        if host:
            pods = [pod for pod in pods if service.headless and pod.identity.name == host
                    and pod.identity.subdomain == service.name]
        elif pods and not service.headless:
            self._turn += 1
            pods = [pods[self._turn % len(pods)]]
        return [pod.identity.address for pod in pods] or (None if host else [])

    # ---- what runs to its end

    @staticmethod
    def finish(pod, seconds):
        """(exit code, log) of a pod that ends by itself; one that does not is killed: None."""
        try:
            code = pod.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        log = pod.log()
        pod.kill()
        return code, log

    def run_pod(self, namespace, document, seconds):
        """As finish()."""
        name, template = manifest.read_pod_object(document)
        return self.finish(self.create(namespace, name, template), seconds)

    def run_job(self, namespace, document):
        """(whether it was done, the log of each try); between two tries nothing is waited for."""
        job = manifest.read_job(document)
        deadline = time.monotonic() + job.seconds
        logs = []
        for number in range(job.retries + 1):
            pod = self.create(namespace, f"{job.name}-{number}", job.template, {JOB_LABEL: job.name})
            code, log = self.finish(pod, deadline - time.monotonic())
            logs.append(log)
            if code == 0 or code is None:
                return code == 0, logs
        return False, logs


class StatefulSet:
    def __init__(self, pods, namespace, document):
        self.world = pods
        self.namespace = namespace
        self.spec = manifest.read_set(document)
        self.pods = {}

    def update(self):
        """The set is as it stands among the objects now; its pods are replaced by replace()."""
        self.spec = manifest.read_set(
            self.world.objects.get(self.namespace, "StatefulSet", self.spec.name))

    def name(self, ordinal):
        return f"{self.spec.name}-{ordinal}"

    def claim(self, template, ordinal):
        return f"{template}-{self.name(ordinal)}"

    def create(self, ordinal):
        name = self.name(ordinal)
        labels = {"apps.kubernetes.io/pod-index": str(ordinal),
                  "statefulset.kubernetes.io/pod-name": name}
        claims = {template: self.claim(template, ordinal) for template in self.spec.claims}
        self.pods[ordinal] = self.world.create(self.namespace, name, self.spec.template, labels,
                                               claims, self.spec.service)
        return self.pods[ordinal]

    def create_all(self):
        """Those that are not there yet, at once if that is its policy."""
        for ordinal in self.spec.ordinals:
            if ordinal in self.pods:
                continue
            pod = self.create(ordinal)
            if not self.spec.parallel:
                pod.wait_ready()
        for pod in self.pods.values():
            pod.wait_started()

    def replace(self, ordinal, before_signal=lambda pod, hook: None):
        """What stop() of the old pod came to; the new one is ready."""
        stopped = self.pods[ordinal].stop(before_signal)
        self.create(ordinal).wait_ready()
        return stopped

    def wait_ready(self):
        for pod in self.pods.values():
            pod.wait_ready()
