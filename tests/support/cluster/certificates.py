"""A certificate authority and what it signs, made by the openssl command: ECDSA P-256 throughout."""

import dataclasses
import os
import subprocess

DAYS = 3650
NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {' '.join(arguments)}: {done.stderr.strip()}")


@dataclasses.dataclass(frozen=True)
class Identity:
    """Paths of a certificate, its key and the authority that signed it."""
    name: str
    certificate: str
    key: str
    authority: str


class Authority:
    """Keeps its own key and certificate and all that it signs in one folder."""

    def __init__(self, folder, name="Coord development CA"):
        self.folder = folder
        self.certificate = os.path.join(folder, "ca.crt")
        self.key = os.path.join(folder, "ca.key")
        if not os.path.exists(self.certificate):
            self._make(name)

    def _make(self, name):
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        openssl("req", "-x509", *NEW_KEY, "-keyout", self.key, "-out", self.certificate,
                "-days", str(DAYS), "-subj", f"/CN={name}",
                "-addext", "basicConstraints=critical,CA:TRUE",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def issue(self, name, names=(), days=DAYS):
        """The identity `name` (CN), made on first use.

        names: subject alternative names as openssl writes them, "DNS:x", "IP:127.0.0.1", "URI:x".
        days: how long it is valid from now; negative makes one that has expired already.
        """
        identity = Identity(name, self._path(name, "crt"), self._path(name, "key"),
                            self.certificate)
        if not os.path.exists(identity.certificate):
            self._sign(identity, names, days)
        return identity

    def server(self, number):
        """The identity of replica `number`: coordd-N for its peers, loopback for everyone here."""
        name = f"coordd-{number}"
        return self.issue(name, [f"DNS:{name}", "DNS:localhost", "IP:127.0.0.1"])

    def _path(self, name, suffix):
        return os.path.join(self.folder, f"{name}.{suffix}")

    def _sign(self, identity, names, days):
        request = self._path(identity.name, "csr")
        extensions = self._path(identity.name, "ext")
        with open(extensions, "w", encoding="ascii") as file:
            file.write("basicConstraints=critical,CA:FALSE\n"
                       "keyUsage=critical,digitalSignature\n"
                       "extendedKeyUsage=serverAuth,clientAuth\n")
            if names:
                file.write(f"subjectAltName={','.join(names)}\n")
        openssl("req", "-new", *NEW_KEY, "-keyout", identity.key, "-out", request,
                "-subj", f"/CN={identity.name}")
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key,
                "-CAcreateserial", "-days", str(days), "-extfile", extensions,
                "-out", identity.certificate)
        os.remove(request)
        os.remove(extensions)
