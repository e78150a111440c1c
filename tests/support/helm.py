"""helm, built from its Go module where that was not done on this machine yet."""

import os
import subprocess

from toolchains import cache_folder, need

VERSION = "v3.22.0"
# Which Kubernetes it takes itself to talk to where it has none: the oldest that the chart is for. What
# is released has the newest here, and what is built without any has one long gone.
KUBERNETES = (1, 28)


def helm():
    """The path of the program; skips the test, or fails under CI, where there is no Go."""
    need("go")
    major, minor = KUBERNETES
    folder = cache_folder(f"helm-{VERSION}-{major}.{minor}")
    program = os.path.join(folder, "helm")
    if not os.path.exists(program):
        flags = " ".join(f"-X helm.sh/helm/v3/pkg/{package}.k8sVersion{part}={number}"
                         for package in ("chartutil", "lint/rules")
                         for part, number in (("Major", major), ("Minor", minor)))
        subprocess.run(["go", "install", "-ldflags", f"-s -w {flags}",
                        f"helm.sh/helm/v3/cmd/helm@{VERSION}"], check=True,
                       env={**os.environ, "GOBIN": folder})
    return program
