"""Stock gRPC clients: Python's own packages, which ./dev test installs into build/python.

The test that imports this goes on under that interpreter, whichever one started it.
"""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PYTHON = os.path.join(ROOT, "build", "python", "bin", "python")


def use():
    """Before anything of gRPC is imported."""
    if os.path.realpath(sys.prefix) == os.path.realpath(os.path.join(ROOT, "build", "python")):
        return
    if not os.path.exists(PYTHON):
        sys.exit(f"{PYTHON} is missing: ./dev test makes it from tests/support/requirements.txt")
    os.execv(PYTHON, [PYTHON, *sys.argv])


def channel(port, identity=None, authority=None):
    """To a replica on loopback; identity: of certificates.py, None for no certificate."""
    import grpc  # pylint: disable=import-outside-toplevel

    def read(path):
        with open(path, "rb") as file:
            return file.read()

    credentials = grpc.ssl_channel_credentials(
        read(authority or identity.authority),
        *((read(identity.key), read(identity.certificate)) if identity else (None, None)))
    return grpc.secure_channel(f"127.0.0.1:{port}", credentials,
                               [("grpc.ssl_target_name_override", "localhost"),
                                ("grpc.use_local_subchannel_pool", 1)])
