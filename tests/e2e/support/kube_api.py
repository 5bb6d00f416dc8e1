# SPDX-License-Identifier: Apache-2.0
"""The tests' own way to talk to an API server: one call, one connection, JSON in and out."""

import http.client
import json
import re
import ssl

JSON, MERGE, JSON_PATCH, APPLY = ("application/json", "application/merge-patch+json", "application/json-patch+json",
                                  "application/apply-patch+yaml")
SAMPLE = re.compile(r'^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ([^ ]+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class ApiError(AssertionError):
    """What the server refused; .status of HTTP, .reason, .message and .causes of metav1.Status."""

    def __init__(self, what, status, body):
        try:
            said = json.loads(body)
        except ValueError:
            said = {}
        self.status = status
        self.reason, self.message = said.get("reason", ""), said.get("message", body.decode(errors="replace"))
        self.causes = said.get("details", {}).get("causes", [])
        super().__init__(f"{what}: {status} {self.reason}: {self.message}")


class Api:
    def __init__(self, port, ca_file, token=None):
        self.port, self.token = port, token
        self.context = ssl.create_default_context(cafile=str(ca_file))

    def raw(self, method, path, body=None, kind=JSON, timeout=30):
        """(status, headers, bytes)"""
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context, timeout=timeout)
        headers = {"Accept": JSON}
        if self.token:
            headers["Authorization"] = "Bearer " + self.token
        if body is not None:
            headers["Content-Type"] = kind
            body = body if isinstance(body, (bytes, str)) else json.dumps(body)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def call(self, method, path, body=None, kind=JSON):
        """The object that the server answers with; ApiError for everything but 2xx."""
        status, _, text = self.raw(method, path, body, kind)
        if not 200 <= status < 300:
            raise ApiError(f"{method} {path}", status, text)
        return json.loads(text)

    def metrics(self, name):
        """[(labels, value)] of one metric of the server."""
        status, _, text = self.raw("GET", "/metrics")
        assert status == 200, text
        found = []
        for line in text.decode().splitlines():
            if line.startswith(name):
                sample = SAMPLE.match(line)
                if sample and sample[1] == name:
                    found.append((dict(LABEL.findall(sample[2] or "")), float(sample[3])))
        return found

    def requests(self, **labels):
        """How many requests have ended: requests(resource="secrets", verb="LIST"). A watch counts when it ends."""
        return sum(value for have, value in self.metrics("apiserver_request_total")
                   if all(have.get(key) == want for key, want in labels.items()))

    def watches(self, **labels):
        """How many are open now."""
        return sum(value for have, value in self.metrics("apiserver_longrunning_requests")
                   if have.get("verb") == "WATCH" and all(have.get(k) == v for k, v in labels.items()))


def account_path(namespace, name):
    return f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}"
