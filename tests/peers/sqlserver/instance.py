# SPDX-License-Identifier: Apache-2.0
"""
One instance: what it is, who may log in and do what, its views, and its statements. data/master.json outlives the
process; the configuration is read once.
"""

import json
import threading
import uuid
from pathlib import Path

import certificates
from conf import Conf
from group import Group
from sql import Reader, Select, SQLError, split_if, statements

VERSION = (16, 0, 4135)
VERSION_TEXT = ("Microsoft SQL Server 2022 (RTM-CU14) (KB5038325) - 16.0.4135.4 (X64) \n\tJul 10 2024 14:09:09 \n\t"
                "Copyright (C) 2022 Microsoft Corporation\n\tDeveloper Edition (64-bit) on Linux (Ubuntu 22.04.4 LTS)")
NO_RIGHT_TO_SEE = (300, "VIEW SERVER STATE permission was denied on object 'server', database 'master'.", 14)


class Instance:
    def __init__(self, home, name, group=None):
        self.home, self.name = Path(home), name
        self.conf = Conf(home)
        self.faults_path = self.home / "faults.json"
        self.master_path = self.home / "data/master.json"
        self.master = json.loads(self.master_path.read_text())
        self.changing = threading.Lock()
        self.group = Group(group, name) if group else None
        self.ending = threading.Event()
        faults = self.faults()
        if faults.get("never_start"):
            raise SystemExit(1)
        self.in_prelogin, self.strict = self.conf.contexts(faults.get("pair"))
        self.sessions = {}
        self.tell_partners()

    def faults(self):
        """What is to go wrong, looked up whenever something could."""
        try:
            return json.loads(self.faults_path.read_text())
        except (OSError, ValueError):
            return {}

    def memory_mb(self):
        return self.faults().get("memory_mb", self.conf.memory_mb)

    def log(self, text):
        with open(self.home / "log/errorlog", "a") as f:
            f.write(text + "\n")

    def save(self):
        fresh = self.master_path.with_suffix(".new")
        fresh.write_text(json.dumps(self.master, indent=1))
        fresh.rename(self.master_path)
        self.tell_partners()

    def tell_partners(self):
        """What the endpoint shows, and what it knows of others."""
        if self.group and self.master["endpoints"]:
            have = self.master["certificates"]
            shown = [have[e["certificate"]]["thumbprint"] for e in self.master["endpoints"].values() if e["certificate"] in have]
            self.group.introduce(shown, [c["thumbprint"] for c in have.values()])

    def login(self, user, password):
        """None, or the number of the error."""
        known = {name.lower(): login for name, login in self.master["logins"].items()}.get(user.lower())
        if known is None or known["password"] != password:
            return 18456
        return 18470 if known.get("disabled") else None

    def may(self, user, *rights):
        login = next((v for k, v in self.master["logins"].items() if k.lower() == user.lower()), {"rights": []})
        return "CONTROL SERVER" in login["rights"] or any(right in login["rights"] for right in rights)

    def end(self, user=None):
        self.log(f"Server shut down by request from login {user}." if user else
                 "SQL Server is terminating because of a system shutdown.")
        if self.group:
            self.group.note_end()
        self.log("checkpoint")
        self.ending.set()


class Session:
    """One logged-in client, as statements see it."""

    def __init__(self, instance, number, user, encrypted, tds):
        self.instance, self.number, self.user, self.encrypted, self.tds = instance, number, user, encrypted, tds
        self.depth, self.context = 0, {}

    # --- what SELECT asks

    def variable(self, name):
        known = {"@@VERSION": (VERSION_TEXT, "nvarchar"), "@@SERVERNAME": (self.instance.name, "nvarchar"),
                 "@@SPID": (self.number, "int"), "@@TRANCOUNT": (self.depth, "int"), "@@ROWCOUNT": (0, "int"),
                 "@@MICROSOFTVERSION": (VERSION[0] << 24 | VERSION[2], "int"), "@@LANGUAGE": ("us_english", "nvarchar"),
                 "@@MAX_PRECISION": (38, "tinyint"), "@@ERROR": (0, "int"), "@@OPTIONS": (5432, "int"),
                 "@@TEXTSIZE": (2147483647, "int")}
        if name not in known:
            raise SQLError(137, f'Must declare the scalar variable "{name}".', 15)
        return known[name]

    def function(self, name, arguments):
        properties = {"productversion": ".".join(map(str, VERSION)) + ".4", "servername": self.instance.name,
                      "ishadrenabled": int(self.instance.group is not None), "edition": "Developer Edition (64-bit)",
                      "engineedition": 3, "productlevel": "RTM", "machinename": self.instance.name,
                      "isintegratedsecurityonly": 0, "collation": "SQL_Latin1_General_CP1_CI_AS"}
        if name == "SERVERPROPERTY":
            value = properties.get(str(arguments[0]).lower())
            return value, "int" if isinstance(value, int) else "nvarchar"
        known = {"DB_NAME": "master", "SUSER_SNAME": self.user, "SUSER_NAME": self.user, "SYSTEM_USER": self.user,
                 "ORIGINAL_LOGIN": self.user, "APP_NAME": "", "HOST_NAME": self.instance.name}
        if name == "HAS_PERMS_BY_NAME":
            return int(self.instance.may(self.user, str(arguments[2]))), "int"
        if name not in known:
            raise SQLError(195, f"'{name}' is not a recognized built-in function name.", 15)
        return known[name], "nvarchar"

    def view(self, name):
        name = name.lower().removeprefix("master.")
        group, views = self.instance.group, self._views()
        if name not in views:
            raise SQLError(208, f"Invalid object name '{name}'.")
        described, rows, state = views[name]
        if state and not self.instance.may(self.user, "VIEW SERVER STATE"):
            raise SQLError(*NO_RIGHT_TO_SEE)
        if rows is None:
            rows = getattr(group, state or described)() if group else []
        return described, rows

    def _views(self):
        text, number = "nvarchar", "int"
        group, master = self.instance.group, self.instance.master
        none = []
        return {
            "sys.databases": ({"name": text, "database_id": number, "state_desc": text}, self._databases(), None),
            "sys.certificates": ({"name": text, "certificate_id": number, "subject": text, "start_date": "datetime",
                                  "expiry_date": "datetime", "thumbprint": "varbinary", "principal_id": number,
                                  "pvt_key_encryption_type_desc": text},
                                 [certificates.row(name, c) for name, c in self._visible("certificates")], None),
            "sys.database_principals": ({"name": text, "principal_id": number},
                                        [{"name": n, "principal_id": i} for n, i in certificates.PRINCIPALS.items()], None),
            "sys.endpoints": ({"name": text, "type_desc": text, "state_desc": text},
                              [{"name": name, "type_desc": "DATABASE_MIRRORING", "state_desc": e["state"]}
                               for name, e in self._visible("endpoints")], None),
            "sys.database_mirroring_endpoints": (
                {"name": text, "state_desc": text, "connection_auth_desc": text, "certificate_id": number},
                [{"name": name, "state_desc": e["state"], "connection_auth_desc": "CERTIFICATE",
                  "certificate_id": master["certificates"].get(e["certificate"], {}).get("id", 0)}
                 for name, e in self._visible("endpoints")], None),
            "sys.dm_os_sys_info": ({"physical_memory_kb": number},
                                   [{"physical_memory_kb": self.instance.memory_mb() * 1024}], "state"),
            "sys.dm_exec_connections": (
                {"session_id": number, "encrypt_option": text, "protocol_version": number, "net_transport": text},
                [{"session_id": s.number, "encrypt_option": str(s.encrypted).upper(), "protocol_version": s.tds,
                  "net_transport": "TCP"} for s in list(self.instance.sessions.values())], "state"),
            "sys.availability_groups": ({"group_id": "uniqueidentifier", "name": text, "cluster_type_desc": text},
                                        group.availability_groups() if group else none, None),
            "sys.availability_replicas": (
                {"replica_id": "uniqueidentifier", "group_id": "uniqueidentifier", "replica_server_name": text,
                 "endpoint_url": text, "read_only_routing_url": text, "availability_mode_desc": text},
                group.availability_replicas() if group else none, None),
            "sys.dm_hadr_availability_replica_states": (
                {"replica_id": "uniqueidentifier", "group_id": "uniqueidentifier", "is_local": "bit", "role_desc": text,
                 "connected_state_desc": text, "synchronization_health_desc": text},
                group.replica_states() if group else none, "state"),
            "sys.dm_hadr_database_replica_states": (
                {"database_id": number, "group_id": "uniqueidentifier", "replica_id": "uniqueidentifier",
                 "is_local": "bit", "synchronization_state_desc": text},
                group.database_states() if group else none, "state"),
        }

    def _visible(self, what):
        """Objects are not there for who has no right on them."""
        sees = self.instance.may(self.user, "VIEW ANY DEFINITION")
        return list(self.instance.master[what].items()) if sees else []

    def _databases(self):
        names = ["master", "tempdb", "model", "msdb"]
        if self.instance.group:
            names += self.instance.group.state()["databases"]
        states = {**self.instance.master.get("states", {}), **self.instance.faults().get("states", {})}
        return [{"name": n, "database_id": i + 1, "state_desc": states.get(n, "ONLINE")} for i, n in enumerate(names)]

    # --- statements: each yields ("rows", described, rows), ("info", number, text), ("begin" | "end", "")

    def run(self, text):
        for found in statements(text):
            yield from self._run_one(found)
            yield ("done",)

    def _run_one(self, found):
        fault = self.instance.faults().get("statements", {}).get(found[0].upper)
        if fault:
            raise SQLError(fault["number"], fault["text"], fault.get("severity", 16))
        handler = getattr(self, "_" + found[0].upper.lower(), None) if found[0].kind == "word" else None
        if handler is None:
            raise SQLError(102, f"Incorrect syntax near '{found[0].text}'.", 15)
        yield from handler(Reader(found)) or ()

    def _if(self, reader):
        """IF EXISTS (SELECT …) statement [ELSE statement]; other conditions are those of drivers, and mean nothing here."""
        reader.expect("IF")
        if not reader.accept("EXISTS", "("):
            return
        asked, true, false = split_if(reader)
        if self.instance.faults().get("promoted"):
            self.instance.group.fail_over(self.instance.group.state()["name"], True)
        _, rows = Select(Reader(asked), self).result()
        chosen = true if rows else false
        if chosen:
            yield from self._run_one(chosen)

    def _select(self, reader):
        described, rows = Select(reader, self).result()
        yield "rows", described, rows

    def _set(self, reader):
        """Options of the session mean nothing here."""

    _declare = _print = _waitfor = _reconfigure = _checkpoint = _set

    def _use(self, reader):
        reader.expect("USE")
        name = reader.name()
        if name.lower() not in [d["name"].lower() for d in self._databases()]:
            raise SQLError(911, f"Database '{name}' does not exist. Make sure that the name is entered correctly.")
        yield "info", 5701, f"Changed database context to '{name}'."

    def _begin(self, reader):
        self.depth += 1
        yield ("begin",)

    def _commit(self, reader):
        self.depth = 0
        yield ("end",)

    _rollback = _commit

    def _shutdown(self, reader):
        if not self.instance.may(self.user, "SHUTDOWN"):
            raise SQLError(6004, "SHUTDOWN can only be used by members of the sysadmin role.", 14)
        if self.instance.faults().get("shutdown") == "ignored":
            return
        yield "info", 6006, f"Server shut down by request from login {self.user}."
        yield ("shutdown",)

    def _exec(self, reader):
        reader.next()
        name = reader.name()
        while reader.accept("."):
            name = reader.name()
        if name.lower() == "sp_set_session_context":
            reader.expect("@KEY", "=")
            key = reader.text()
            reader.expect(",", "@VALUE", "=")
            self.context[key] = reader.text()
        elif name.lower() not in ("sp_configure", "sp_addrolemember", "sp_oledb_ro_usrname", "sp_datatype_info_100"):
            raise SQLError(2812, f"Could not find stored procedure '{name}'.")

    _execute = _exec

    def _require(self, right, text, number=15151):
        if not self.instance.may(self.user, right):
            raise SQLError(number, text)

    def _alter(self, reader):
        reader.expect("ALTER")
        if reader.accept("AVAILABILITY", "GROUP"):
            name = reader.name()
            self._require("ALTER ANY AVAILABILITY GROUP", f"Cannot alter the availability group '{name}', because it does "
                          "not exist or you do not have permission.")
            reader.expect("FAILOVER")
            if not self.instance.group:
                raise SQLError(35220, "Could not process the operation. Always On Availability Groups replica manager is "
                               "disabled on this instance of SQL Server.")
            failed = self.instance.group.fail_over(name, self.context.get("external_cluster") == "yes")
            if failed:
                raise SQLError(*failed)
        elif reader.accept("ENDPOINT"):
            self._alter_endpoint(reader)
        elif reader.accept("SERVER", "ROLE") or reader.accept("DATABASE") or reader.accept("LOGIN"):
            return
        else:
            raise SQLError(102, f"Incorrect syntax near '{reader.peek().text}'.", 15)

    def _alter_endpoint(self, reader):
        name = reader.name()
        master = self.instance.master
        if name not in master["endpoints"] or not self.instance.may(self.user, "ALTER ANY ENDPOINT"):
            raise SQLError(15151, f"Cannot alter the endpoint '{name}', because it does not exist or you do not have "
                           "permission.")
        reader.expect("FOR", "DATABASE_MIRRORING")
        reader.expect("(", "AUTHENTICATION", "=", "CERTIFICATE")
        certificate = reader.name()
        reader.expect(")")
        if certificate not in master["certificates"]:
            raise SQLError(15151, f"Cannot find the certificate '{certificate}', because it does not exist or you do not "
                           "have permission.")
        if not master["certificates"][certificate]["private"]:
            raise SQLError(15283, f"The name '{certificate}' does not have a private key set.")
        with self.instance.changing:
            master["endpoints"][name]["certificate"] = certificate
            self.instance.save()

    def _create(self, reader):
        reader.expect("CREATE")
        if reader.accept("CERTIFICATE"):
            name = reader.name()
            self._require("CREATE CERTIFICATE", "User does not have permission to perform this action.", 15247)
            if name in self.instance.master["certificates"]:
                raise SQLError(15232, f"A certificate with name '{name}' already exists or this certificate already has "
                               "been added to the database.")
            with self.instance.changing:
                certificates.create(self.instance.master, name, reader)
                self.instance.save()
        elif reader.accept("LOGIN"):
            name = reader.name()
            reader.expect("WITH", "PASSWORD", "=")
            with self.instance.changing:
                self.instance.master["logins"][name] = {"password": reader.text(), "rights": []}
                self.instance.save()
        else:
            raise SQLError(102, f"Incorrect syntax near '{reader.peek().text}'.", 15)

    def _drop(self, reader):
        reader.expect("DROP", "CERTIFICATE")
        name, master = reader.name(), self.instance.master
        if name not in master["certificates"] or not self.instance.may(self.user, "CONTROL SERVER"):
            raise SQLError(15151, f"Cannot drop the certificate '{name}', because it does not exist or you do not have "
                           "permission.")
        if any(e["certificate"] == name for e in master["endpoints"].values()):
            raise SQLError(15352, "The certificate cannot be dropped because one or more entities are either signed or "
                           "encrypted using it.")
        with self.instance.changing:
            del master["certificates"][name]
            self.instance.save()

    def _grant(self, reader):
        reader.expect("GRANT")
        self._require("CONTROL SERVER", "Grantor does not have GRANT permission.", 4613)
        words = []
        while not reader.accept("TO"):
            words.append(reader.name().upper())
        with self.instance.changing:
            self.instance.master["logins"][reader.name()]["rights"].append(" ".join(words))
            self.instance.save()


def fresh_master(password):
    """What a new instance starts from."""
    return {"logins": {"sa": {"password": password, "rights": ["CONTROL SERVER"]}}, "certificates": {}, "endpoints": {},
            "master_key": True, "id": str(uuid.uuid4())}
