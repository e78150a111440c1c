"""Other people's toolchains, which some tests need and ./dev does not bring.

One that is missing is skipped by name, so that whoever has no Rust can still run the rest. Under CI
(CI=true) nothing may be missing, and it is a failure.
"""

import os
import shutil
import unittest

# What the program is good for, and where it comes from.
TOOLCHAINS = {
    "go": "the Go toolchain, 1.24 or newer, from go.dev",
    "cargo": "the Rust toolchain, 1.88 or newer, from rustup.rs",
    "javac": "a Java development kit, 17 or newer: apt-get install openjdk-17-jdk-headless",
    "mvn": "Maven, 3.8 or newer: apt-get install maven",
    "node": "Node.js, 20 or newer, from nodejs.org",
    "npm": "npm, which comes with Node.js",
    "buildah": "buildah: apt-get install buildah",
    "debootstrap": "debootstrap: apt-get install debootstrap",
}


def under_ci():
    return os.environ.get("CI") == "true"


def absent(what):
    """Skips the test, or under CI fails: `what` is missing, a sentence that says how to get it."""
    if under_ci():
        raise AssertionError(f"missing under CI, where everything has to be there: {what}")
    raise unittest.SkipTest(what)


def need(*programs):
    """Skips the test that calls this, or all of the class whose setUpClass does, unless these
    programs are in PATH; under CI it fails."""
    for program in programs:
        if shutil.which(program) is None:
            absent(f"{program} is not in PATH; it is {TOOLCHAINS[program]}")


def cache_folder(name):
    """A folder for what takes long to make and is kept over clones and builds; made if missing.

    `name` has to say all that it depends on: a version, or the hash of a lock file.
    """
    base = os.environ.get("COORD_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "coord")
    folder = os.path.join(base, name)
    os.makedirs(folder, exist_ok=True)
    return folder
