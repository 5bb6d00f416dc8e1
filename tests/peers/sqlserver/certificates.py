# SPDX-License-Identifier: Apache-2.0
"""Certificates as objects of the database: what sys.certificates shows, and CREATE CERTIFICATE. OpenSSL does the work."""

import datetime
import hashlib
import re
import ssl
import subprocess

from sql import SQLError


PRINCIPALS = {"dbo": 1, "guest": 2, "dbm_user": 5}


def _openssl(*arguments, data=None):
    done = subprocess.run(["openssl", *arguments], input=data, capture_output=True)
    if done.returncode != 0:
        raise SQLError(15208, "The certificate, asymmetric key, or private key file is not valid or does not exist; or you "
                       "do not have permissions for it.")
    return done.stdout


def row(name, certificate):
    when = [datetime.datetime.fromisoformat(certificate[key]) for key in ("start", "expiry")]
    return {"name": name, "certificate_id": certificate["id"], "subject": certificate["subject"], "start_date": when[0],
            "expiry_date": when[1], "thumbprint": bytes.fromhex(certificate["thumbprint"]),
            "principal_id": PRINCIPALS.get(certificate.get("owner", "dbo"), 0),
            "pvt_key_encryption_type_desc": "ENCRYPTED_BY_MASTER_KEY" if certificate["private"] else "NO_PRIVATE_KEY"}


def _describe(der):
    text = _openssl("x509", "-inform", "DER", "-noout", "-subject", "-dates", "-nameopt", "RFC2253", data=der).decode()
    when = [datetime.datetime.strptime(re.search(key + r"=(.*)", text)[1], "%b %d %H:%M:%S %Y GMT").isoformat()
            for key in ("notBefore", "notAfter")]
    return {"subject": re.search(r"subject=(.*)", text)[1], "start": when[0], "expiry": when[1],
            "thumbprint": hashlib.sha1(der).hexdigest(), "sha256": hashlib.sha256(der).hexdigest(),
            "der": der.hex(), "private": False}


def _source(reader):
    """FILE = '…' or BINARY = 0x…"""
    if reader.accept("FILE", "="):
        path = reader.text()
        try:
            with open(path, "rb") as f:
                return f.read()
        except OSError:
            raise SQLError(15208, "The certificate, asymmetric key, or private key file is not valid or does not exist; or "
                           "you do not have permissions for it.") from None
    reader.expect("BINARY", "=")
    return bytes.fromhex(reader.next().text[2:])


def _private_key(reader):
    """PRIVATE KEY ( FILE|BINARY = … [, DECRYPTION BY PASSWORD = '…'] ): (data, password)"""
    reader.expect("PRIVATE", "KEY", "(")
    data, password = None, ""
    if reader.peek().is_word("FILE", "BINARY"):
        data = _source(reader)
        reader.accept(",")
    if reader.accept("DECRYPTION", "BY", "PASSWORD", "="):
        password = reader.text()
    reader.expect(")")
    return data, password


def _spki(*arguments, data):
    return _openssl(*arguments, "-pubout", "-outform", "DER", data=data)


def create(master, name, reader):
    owner = "dbo"
    if reader.accept("AUTHORIZATION"):
        owner = reader.name()
        if owner not in PRINCIPALS:
            raise SQLError(15151, f"Cannot find the user '{owner}', because it does not exist or you do not have permission.")
    reader.expect("FROM")
    data, pfx, key, password = _source(reader), False, None, ""
    if reader.accept("WITH"):
        if reader.accept("FORMAT", "="):
            pfx = reader.text().upper() == "PFX"
            reader.accept(",")
        if reader.peek().is_word("PRIVATE"):
            key, password = _private_key(reader)
    if pfx:
        pem = _openssl("pkcs12", "-nodes", "-passin", "pass:" + password, data=data).decode()
        leaf = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", pem, re.S)[0]
        certificate = _describe(ssl.PEM_cert_to_DER_cert(leaf))
        public = _spki("pkey", data=pem.encode())
    else:
        certificate = _describe(data)
        public = key and _spki("rsa", "-inform", "PVK", "-passin", "pass:" + password, data=key)
    if public:
        if not master["master_key"]:
            raise SQLError(15581, "Please create a master key in the database or open the master key in the session before "
                           "performing this operation.")
        own = _openssl("x509", "-inform", "DER", "-pubkey", "-noout", data=bytes.fromhex(certificate["der"]))
        if _openssl("pkey", "-pubin", "-outform", "DER", data=own) != public:
            raise SQLError(15297, "The certificate, asymmetric key, or private key data is invalid.")
        certificate["private"] = True
    if any(c["thumbprint"] == certificate["thumbprint"] for c in master["certificates"].values()):
        raise SQLError(15232, f"A certificate with name '{name}' already exists or this certificate already has been added to "
                       "the database.")
    certificate["owner"] = owner
    certificate["id"] = max([255, *(c["id"] for c in master["certificates"].values())]) + 1
    master["certificates"][name] = certificate
