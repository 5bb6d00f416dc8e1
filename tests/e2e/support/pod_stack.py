# SPDX-License-Identifier: Apache-2.0
"""
A database and its agent as in a pod of the control plane: the agent is the pod's service account, with a token that is
bound to the pod. There is no kubelet: what it would do (volume, token) is done by the test.
"""

import json

from .stack import Stack


class PodStack(Stack):
    """volume=False: the Secret comes through the API alone. port: of a proxy before the API server."""

    def __init__(self, folder, template, authority, namespace, pod="px-0", secret="px-server-cert", volume=False, port=None,
                 kube=None, **config):
        self.namespace, self.pod, self.secret = namespace, pod, secret
        folder.mkdir(parents=True, exist_ok=True)
        namespace.pod(pod, account="px", labels={"app.kubernetes.io/instance": "px"})
        self.account = folder / "account"
        self.new_token()
        kubeconfig = namespace.plane.kubeconfig(folder / "kubeconfig", token_file=self.account / "token", port=port,
                                                namespace=namespace.name)
        section = {"kubeconfig": str(kubeconfig), "pod": pod, "secret": secret, **(kube or {})}
        super().__init__(folder, template, authority, kubernetes={k: v for k, v in section.items() if v is not None},
                         **config)
        if not volume:
            del self.agent.config["source"]

    def new_token(self):
        self.namespace.account_volume(self.account, "px", self.pod)

    def put(self, bundle, **changed):
        """Into the Secret."""
        self.bundle = bundle
        return self.namespace.secret(self.secret, bundle, **changed)

    def up(self, bundle=None, **env):
        self.put(bundle or self.authority.issue())
        if "source" in self.agent.config:
            self.volume.publish(self.bundle)
        return self.run(**env)

    def run(self, **env):
        self.agent.start(**env)
        self.agent.wait("first publish", lambda: self.published_fp())
        self.db.start()
        self.agent.wait_event("rotation_succeeded", 30)
        return self

    def api_status(self):
        return self.agent.status()["api"]

    def report(self):
        annotations = self.namespace.get(f"pods/{self.pod}")["metadata"].get("annotations", {})
        return json.loads(annotations.get("certrotate.io/report", "{}"))

    def reported(self, *path):
        """A member of the report, None while it is not there: reported("plan", "done"), reported("bundles", 0, "served")"""
        at = self.report()
        for step in path:
            if isinstance(step, int):
                at = at[step] if at and len(at) > step else None
            else:
                at = (at or {}).get(step)
        return at

    def rotations(self):
        return [e["fingerprint"] for e in self.agent.find("rotation_succeeded", unchanged=False)]
