# SPDX-License-Identifier: Apache-2.0
"""The list of what is in the image, SPDX 2.3, from dpkg's data: which package each file is of, and its checksums."""

import hashlib
import json
import os
import re
import subprocess
import time
from collections import namedtuple
from urllib.parse import quote

Package = namedtuple("Package", "name version arch maintainer source files status")  # status: dpkg's own words
FIELDS = ("Package", "Version", "Architecture", "Maintainer", "source:Package")


def _output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _owner(path):
    """libc6 owns /lib/…/libc.so.6, which lies in /usr/lib; ca-certificates writes its file when it is installed."""
    if path.startswith("/etc/ssl/certs/"):
        return "ca-certificates"
    real = os.path.realpath(path)
    for name in (path, real, real.removeprefix("/usr")):
        done = subprocess.run(["dpkg-query", "-S", name], capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout.split(": ")[0].split(",")[0]
    raise SystemExit(f"sbom: no package has {path}")


def packages(files):
    """Those of {path in the image: file of this machine}, by name."""
    owned = {}
    for path, source in sorted(files.items()):
        owned.setdefault(_owner(str(source)), []).append(path)
    found = []
    for name, paths in owned.items():
        fields = _output("dpkg-query", "-W", "-f", "\n".join("${%s}" % field for field in FIELDS), name).split("\n")
        status = re.sub(r"^Conffiles:\n( .*\n)*", "", _output("dpkg-query", "-s", name), flags=re.M)
        found.append(Package(*fields, tuple(paths), status))
    return sorted(found)


def _id(*words):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", "-".join(words))


def _of_package(package):
    url = f"pkg:deb/debian/{package.name}@{quote(package.version)}?arch={package.arch}&distro=debian-12"
    return {
        "SPDXID": _id("Package", package.name), "name": package.name, "versionInfo": package.version,
        "supplier": f"Person: {package.maintainer}", "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION",
        "sourceInfo": f"built from the Debian source package {package.source}",
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": url}]}


def _of_file(tree, path):
    data = open(f"{tree}{path}", "rb").read()
    return {"SPDXID": _id("File", path.lstrip("/")), "fileName": f".{path}", "copyrightText": "NOASSERTION",
            "licenseConcluded": "NOASSERTION", "checksums": [
                {"algorithm": kind.upper(), "checksumValue": hashlib.new(kind, data).hexdigest()}
                for kind in ("sha1", "sha256")]}


def document(tree, program, version, found, moment):
    """Of certrotate and the packages; the same input gives the same bytes."""
    own = {**_of_package(Package("certrotate", version, "amd64", "", "certrotate", (program,), "")),
           "licenseConcluded": "Apache-2.0", "licenseDeclared": "Apache-2.0", "supplier": "NOASSERTION",
           "primaryPackagePurpose": "APPLICATION"}
    del own["externalRefs"], own["sourceInfo"]
    owners = [("certrotate", (program,)), *((package.name, package.files) for package in found)]
    files = [_of_file(tree, path) for _, paths in owners for path in paths]
    seal = hashlib.sha256(json.dumps(files).encode()).hexdigest()
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", own["SPDXID"])]
    relations += [(own["SPDXID"], "DEPENDS_ON", _id("Package", package.name)) for package in found]
    relations += [(_id("Package", name), "CONTAINS", _id("File", path.lstrip("/")))
                  for name, paths in owners for path in paths]
    return json.dumps({
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"certrotate-{version}",
        "documentNamespace": f"https://certrotate.io/spdx/certrotate-{version}-{seal[:32]}",
        "creationInfo": {"created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment)),
                         "creators": ["Tool: certrotate-deploy-image-sbom"]},
        "packages": [own, *map(_of_package, found)], "files": files,
        "relationships": [{"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b}
                          for a, kind, b in relations]}, indent=1).encode() + b"\n"
