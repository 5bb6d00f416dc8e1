# SPDX-License-Identifier: Apache-2.0
"""A MariaDB in a pod with the agent as its native sidecar, and what it needs beside it."""

import base64
import re
import secrets
from pathlib import Path

import pods
from support import wire
from support.poll import wait_for

ROLE = Path(__file__).resolve().parents[2] / "deploy/kubernetes/agent/role.yaml"
USER = 999
HEALTH = 9533

# Small, because there may be many; a client `load` without password for handshakes from outside.
START = """set -e
umask 027
data=/var/lib/mysql/data
[ -d $data/mysql ] || mariadb-install-db --no-defaults --datadir=$data --auth-root-authentication-method=normal \\
        --skip-test-db --innodb-log-file-size=4M --innodb-buffer-pool-size=8M >/dev/null
cat >/run/mysqld/init.sql <<SQL
CREATE USER IF NOT EXISTS 'load'@'%';
CREATE USER IF NOT EXISTS 'certrotate'@'localhost' IDENTIFIED BY '$(cat /etc/login/password)';
GRANT RELOAD ON *.* TO 'certrotate'@'localhost';
SQL
exec mariadbd --no-defaults --datadir=$data --socket=/run/mysqld/mysqld.sock --bind-address=0.0.0.0 --skip-log-bin \\
        --init-file=/run/mysqld/init.sql --ssl-ca=/run/certrotate/tls/ca.crt --ssl-cert=/run/certrotate/tls/tls.crt \\
        --ssl-key=/run/certrotate/tls/tls.key --skip-name-resolve --innodb-buffer-pool-size=8M \\
        --innodb-log-file-size=4M --key-buffer-size=64K --aria-pagecache-buffer-size=1M --performance-schema=OFF \\
        --skip-innodb-use-native-aio --max-connections=50
"""

CONFIG = """database: mariadb
publish: /run/certrotate/tls
endpoints: ["mysql://127.0.0.1:3306"]
listen: ":{port}"
log-format: json
retry-min: 200ms
admin:
  socket: /run/mysqld/mysqld.sock
  user: certrotate
  password-file: /etc/certrotate/login/password
{more}"""

VOLUME = "source: /etc/certrotate/secret\n"


def probe(path, period, **more):
    return {"httpGet": {"path": path, "port": HEALTH}, "periodSeconds": period, "failureThreshold": 120, **more}


def mounts(*pairs):
    return [{"name": name, "mountPath": path, **({"readOnly": True} if name in ("secret", "login", "config") else {})}
            for name, path in pairs]


class Database:
    """
    up() makes pod, configuration, login and service account; the Secret `secret` is somebody else's work.
    config: lines of the agent's configuration. volume: the Secret is mounted. api: it has a service account's token.
    period: seconds between two readiness probes; Kubernetes' own default is 10.
    """

    def __init__(self, namespace, name, agent_image, image, secret, config=VOLUME, volume=True, api=False, period=1):
        self.namespace, self.name, self.secret = namespace, name, secret
        self.images = agent_image, image
        self.config, self.volume, self.api, self.period = config, volume, api, period
        self.pod = pods.Pod(namespace, name)

    def up(self, wait=True):
        self.namespace.config_map(f"{self.name}-start", **{"run.sh": START})
        self.namespace.config_map(f"{self.name}-agent", **{
            "certrotate.yaml": CONFIG.format(port=HEALTH, more=self.config)})
        self.namespace.apply(f"secrets/{self.name}-login", {"type": "Opaque", "data": {
            "password": base64.b64encode(secrets.token_hex(12).encode()).decode()}})
        self.pod.create(self.spec(), account=self.name)
        return self.wait() if wait else self

    def grant(self, *names):
        """The Role of deploy/kubernetes/agent for these Secrets alone; without any, none can be read."""
        text = re.sub(r"\bpx\b", self.name, ROLE.read_text())
        readable = ", ".join(names) or "none"
        text, found = re.subn(r"resourceNames: \[[^]]*-server-cert\b[^]]*\]", f"resourceNames: [{readable}]", text)
        assert found == 1, f"{ROLE} names its Secrets otherwise"
        self.namespace.kubectl("apply", "-f", "-", stdin=text)
        return self

    def wait(self):
        self.pod.wait_ready()
        self.ip = self.pod.ip
        return self

    def spec(self):
        hardened = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
        agent, server = self.images
        agent_mounts = [("config", "/etc/certrotate/config"), ("login", "/etc/certrotate/login"),
                        ("tls", "/run/certrotate"), ("run", "/run/mysqld")]
        volumes = [{"name": "tls", "emptyDir": {"medium": "Memory", "sizeLimit": "4Mi"}},
                   {"name": "run", "emptyDir": {"medium": "Memory"}}, {"name": "data", "emptyDir": {"medium": "Memory"}},
                   {"name": "tmp", "emptyDir": {}},
                   {"name": "config", "configMap": {"name": f"{self.name}-agent"}},
                   {"name": "start", "configMap": {"name": f"{self.name}-start"}},
                   {"name": "login", "secret": {"secretName": f"{self.name}-login", "defaultMode": 0o440}}]
        if self.volume:
            agent_mounts.append(("secret", "/etc/certrotate/secret"))
            volumes.append({"name": "secret", "secret": {"secretName": self.secret, "defaultMode": 0o440}})
        return {
            "automountServiceAccountToken": self.api,
            "securityContext": {"runAsUser": USER, "runAsGroup": USER, "fsGroup": USER, "runAsNonRoot": True},
            "initContainers": [{
                "name": "certrotate", "image": agent, "restartPolicy": "Always", "securityContext": hardened,
                "args": ["run", "--config", "/etc/certrotate/config/certrotate.yaml"],
                "startupProbe": probe("/startupz", 1), "livenessProbe": probe("/livez", 10),
                "readinessProbe": probe("/readyz", self.period, failureThreshold=1), "volumeMounts": mounts(*agent_mounts)}],
            "containers": [{
                "name": "mariadb", "image": server, "securityContext": hardened, "command": ["/bin/bash", "/etc/start/run.sh"],
                "readinessProbe": {"periodSeconds": self.period, "failureThreshold": 3, "tcpSocket": {"port": 3306}},
                "volumeMounts": mounts(("start", "/etc/start"), ("login", "/etc/login"), ("tls", "/run/certrotate"),
                                       ("run", "/run/mysqld"), ("data", "/var/lib/mysql"), ("tmp", "/tmp"))}],
            "volumes": volumes}

    # --- seen from outside

    def served(self, ca_file=None):
        return wire.served(3306, ca_file, self.ip)

    def wait_served(self, fingerprint, deadline=60):
        wait_for(f"{self.name} serves {fingerprint[:16]}", lambda: wire.served_or_none(
            3306, lambda port: wire.served(port, None, self.ip)) == fingerprint, deadline, 0.1, self.pod.explain)

    def containers(self):
        """Which run, and how often each was started anew."""
        return {name: (status["containerID"], status["restartCount"]) for name, status in self.pod.statuses().items()}
