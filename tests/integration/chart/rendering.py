#!/usr/bin/env python3
"""The chart as helm renders it, and as the API server would read it.

Run as a program it writes the goldens of this folder anew: what each set of values makes of the chart.
"""

import hashlib
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

# pylint: disable=wrong-import-position
from helm import helm  # noqa: E402
from toolchains import cache_folder  # noqa: E402

CHART = os.path.join(ROOT, "helm", "coordd")
SETS = ("default", "cert-manager", "existing")
RELEASE, NAMESPACE = "coordd", "default"
# What is different each time that helm makes certificates.
MADE_BY_HELM = re.compile(r'(?m)^(  (?:ca\.crt|tls\.crt|tls\.key): )\S+$|^(    coordd/made: )"\d+"$')


def run_helm(*arguments):
    """Whatever comes of it."""
    return subprocess.run([helm(), *arguments], capture_output=True, text=True, check=False,
                          timeout=60)


def render(*arguments, chart=CHART, release=RELEASE, namespace=NAMESPACE):
    """The objects as text; AssertionError with what helm said if it refuses."""
    done = run_helm("template", release, chart, "--namespace", namespace, *arguments)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return done.stdout


def values_of(name):
    """The arguments for a set of values."""
    return ["--values", os.path.join(HERE, f"{name}.yaml")]


def golden_file(name):
    return os.path.join(HERE, f"{name}.golden")


def comparable(text):
    """Without what differs from time to time, and without spaces at the ends of lines."""
    text = MADE_BY_HELM.sub(lambda found: f"{found.group(1) or found.group(2)}(made by helm)", text)
    return re.sub(r"(?m) +$", "", text)


def validator():
    """The path of the program of `validate`, built where that was not done yet."""
    folder = os.path.join(HERE, "validate")
    digest = hashlib.sha256()
    for name in ("main.go", "go.mod", "go.sum"):
        with open(os.path.join(folder, name), "rb") as file:
            digest.update(file.read())
    program = os.path.join(cache_folder(f"chart-validate-{digest.hexdigest()[:16]}"), "validate")
    if not os.path.exists(program):
        subprocess.run(["go", "build", "-o", program, "."], cwd=folder, check=True)
    return program


def validate(text):
    """(objects, what is wrong with the others)."""
    done = subprocess.run([validator()], input=text, capture_output=True, text=True, check=False,
                          timeout=60)
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def objects(text):
    """All of them; AssertionError if one is no object of Kubernetes."""
    found, wrong = validate(text)
    if wrong:
        raise AssertionError(wrong)
    return found


def main():
    for name in SETS:
        with open(golden_file(name), "w", encoding="utf-8") as file:
            file.write(comparable(render(*values_of(name))))


if __name__ == "__main__":
    main()
