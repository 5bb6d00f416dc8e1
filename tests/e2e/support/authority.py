# SPDX-License-Identifier: Apache-2.0
"""Certificates made at run time with the openssl program: authorities, leaves, and the ugly ones."""

import hashlib
import itertools
import ssl
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

SAN = "DNS:localhost,DNS:db.test,IP:127.0.0.1"
_serial = itertools.count(int(time.time()) << 16)


def openssl(*args, stdin=None):
    done = subprocess.run(["openssl", *map(str, args)], input=stdin, capture_output=True)
    if done.returncode != 0:
        raise AssertionError(f"openssl {' '.join(map(str, args))}: {done.stderr.decode()}")
    return done.stdout


def fingerprint(pem):
    """SHA-256 of the first certificate of a PEM text, lower-case hex."""
    text = pem if isinstance(pem, str) else pem.decode()
    end = text.index("-----END CERTIFICATE-----") + len("-----END CERTIFICATE-----")
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(text[text.index("-----BEGIN CERTIFICATE-----"):end])).hexdigest()


def make_key(kind="ec"):
    if kind == "ec":
        return openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    if kind == "ed25519":
        return openssl("genpkey", "-algorithm", "ED25519")
    bits = {"rsa": 2048, "rsa1024": 1024}[kind]
    return openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}")


@dataclass
class Bundle:
    """What a Secret holds. files() is what lies in the volume."""

    cert: bytes  # leaf, then intermediates
    key: bytes
    ca: bytes
    extra: dict = field(default_factory=dict)

    @property
    def fp(self):
        return fingerprint(self.cert)

    def files(self, **changed):
        """The three files; a keyword replaces one (cert=, key=, ca=), None leaves it out."""
        have = {"tls.crt": self.cert, "tls.key": self.key, "ca.crt": self.ca, **self.extra}
        for word, name in (("cert", "tls.crt"), ("key", "tls.key"), ("ca", "ca.crt")):
            if word in changed:
                have[name] = changed[word]
        return {name: data for name, data in have.items() if data is not None}


class Authority:
    """A root and, when asked for, one intermediate that signs the leaves."""

    def __init__(self, folder, name="Test Authority", intermediate=False):
        self.dir = Path(folder)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.root = self._root("root", name)
        self.signer = "root"
        self.chain = b""
        if intermediate:
            self.renew_intermediate()

    def _root(self, who, name):
        key, crt = self.dir / f"{who}.key", self.dir / f"{who}.crt"
        key.write_bytes(make_key())
        openssl("req", "-x509", "-new", "-key", key, "-out", crt, "-days", 3650, "-subj", f"/CN={name}",
                "-addext", "basicConstraints=critical,CA:true", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        return crt.read_bytes()

    def renew_root(self):
        """Same key and subject, new certificate: no new authority."""
        key, crt = self.dir / "root.key", self.dir / "root.crt"
        openssl("req", "-x509", "-new", "-key", key, "-out", crt, "-days", 3650, "-subj", f"/CN={self.name}",
                "-addext", "basicConstraints=critical,CA:true", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self.root = crt.read_bytes()

    def renew_intermediate(self):
        key = make_key()
        pem = self._sign("root", key, f"/CN={self.name} Intermediate", 0, 1000 * 86400,
                         "basicConstraints=critical,CA:true,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n")
        (self.dir / "int.key").write_bytes(key)
        (self.dir / "int.crt").write_bytes(pem)
        self.signer, self.chain = "int", pem

    def _sign(self, signer, key, subject, start, end, extensions):
        """`openssl ca`, because it alone can set both dates. start and end in seconds from now."""
        work = self.dir / f"issue-{next(_serial):x}"
        work.mkdir()
        (work / "index.txt").touch()
        (work / "serial").write_text(f"{next(_serial):032x}\n")
        (work / "leaf.key").write_bytes(key)
        (work / "ca.cnf").write_text(
            "[ca]\ndefault_ca=d\n[d]\ndatabase=%s/index.txt\nserial=%s/serial\nnew_certs_dir=%s\n"
            "default_md=sha256\npolicy=p\nunique_subject=no\ncopy_extensions=none\n[p]\ncommonName=supplied\n"
            "[req]\ndistinguished_name=dn\n[dn]\n[x]\n%s"
            "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n" % (work, work, work, extensions))
        openssl("req", "-new", "-key", work / "leaf.key", "-subj", subject, "-config", work / "ca.cnf",
                "-out", work / "leaf.csr")
        stamp = [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + s)) for s in (start, end)]
        openssl("ca", "-batch", "-notext", "-config", work / "ca.cnf", "-extensions", "x",
                "-cert", self.dir / f"{signer}.crt", "-keyfile", self.dir / f"{signer}.key",
                "-in", work / "leaf.csr", "-out", work / "leaf.crt", "-startdate", stamp[0], "-enddate", stamp[1])
        return (work / "leaf.crt").read_bytes()

    def issue(self, days=90, seconds=None, start=-60, san=SAN, key=None, kind="ec", cn="db.test",
              usage="serverAuth,clientAuth", ca=None):
        """
        A bundle. start: seconds from now (negative: past); its end is start + days, or seconds from now.
        key: PEM to renew with the same key. ca: other authorities beside it.
        """
        key = key or make_key(kind)
        end = start + int(days * 86400) if seconds is None else seconds
        text = f"basicConstraints=CA:false\nsubjectAltName={san}\nextendedKeyUsage={usage}\n"
        pem = self._sign(self.signer, key, f"/CN={cn}", start, end, text)
        return Bundle(pem + self.chain, key, self.root if ca is None else ca)

    def ca_file(self, *others):
        """A file with this root and those of others, for clients."""
        path = self.dir / "clients-ca.crt"
        path.write_bytes(self.root + b"".join(o.root for o in others))
        return path
