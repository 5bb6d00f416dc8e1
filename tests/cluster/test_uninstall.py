# SPDX-License-Identifier: Apache-2.0
"""The product is taken away. What it has made goes, what is the user's stays, and agents go on."""

from install import HOME

KINDS_OF_NOTHING = ("events", "componentstatuses")  # they come and go, or are no objects


def inventory(plane):
    """(kind, namespace, name) of every object that there is."""
    kinds = [kind for kind in plane.kubectl("api-resources", "--verbs=list", "-o", "name").split()
             if kind.partition(".")[0] not in KINDS_OF_NOTHING]
    told = plane.kubectl("get", ",".join(kinds), "-A", "--no-headers", "-o",
                         "custom-columns=KIND:.kind,NAMESPACE:.metadata.namespace,NAME:.metadata.name")
    return {tuple(line.split()) for line in told.splitlines()}


def test_nothing_is_left_but_definitions(install, mission):
    containers = {pod.name: pod.statuses()["certrotate"]["containerID"] for pod in mission.fleet.pods}
    before = inventory(install.plane)
    assert ("Namespace", "<none>", HOME) in before
    install.down()
    after = inventory(install.plane)
    assert not [item for item in after if item[1] == HOME or item[1] == "<none>" and "certrotate" in item[2]]
    for kind in ("CustomResourceDefinition", mission.fleet.requests.kind, "Certificate"):
        assert {item for item in before if item[0] == kind} == {item for item in after if item[0] == kind}
    for pod in mission.fleet.pods:
        agent = pod.statuses()["certrotate"]
        assert agent["ready"] and agent["containerID"] == containers[pod.name]
    install.again()
