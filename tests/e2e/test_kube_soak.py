# SPDX-License-Identifier: Apache-2.0
"""
Watches that live on while everything happens to them at random: half a minute in every run, forty minutes with --long,
where tokens of ten minutes run out and the API server is restarted many times. In the end each of them knows what is
there, and has not grown. What failed says its seed: E2E_SEED=N repeats the order of events.
"""

import os
import random
import signal
import time

import pytest

from support.api_proxy import ApiProxy, WireProxy
from support.drive_kube import DRIVER, KubeWatch
from support.poll import wait_for

from test_kube_faults import FAULTS, MOST, QUICK, WINDOW

pytestmark = pytest.mark.skipif(not os.access(DRIVER, os.X_OK), reason="drive_kube is not built: there is no watch yet")
TOKEN_LIFE = 600
GROWTH_KIB = 3 * 1024


class Soaked:
    """A ConfigMap, the watch of it with the token of a pod of its own, and what is between them."""

    def __init__(self, namespace, folder, tidy, name, proxy):
        self.namespace, self.name, self.number, self.proxy = namespace, name, 0, proxy
        namespace.pod(name, "px")
        self.account = folder / name
        self.fresh_token()
        config = namespace.plane.kubeconfig(folder / f"{name}.conf", token_file=self.account / "token", port=proxy.port)
        self.change()
        self.watch = tidy(KubeWatch(config, namespace.path("configmaps"), name, silence=5000, to_be_measured=True, **QUICK))
        self.watch.wait_last(name, self.version)

    def fresh_token(self):
        self.namespace.account_volume(self.account, "px", self.name, TOKEN_LIFE)
        self.token_at = time.monotonic()

    def change(self):
        self.number += 1
        self.version = self.namespace.config_map(self.name, n=str(self.number))["metadata"]["resourceVersion"]


def strike(dice, one):
    """One thing that happens to a watch."""
    if isinstance(one.proxy, WireProxy):
        return dice.choice([one.proxy.cut, one.proxy.mute])()
    act = dice.randrange(4)
    if act == 0:
        return one.proxy.cut_now()
    if act == 1:
        return one.proxy.mute_now()
    kind, pattern, settings = FAULTS[dice.choice(sorted(FAULTS))]
    one.proxy.add(kind, pattern, count=dice.randint(1, 3), **settings)
    return one.proxy.cut_now() if act == 2 else None


def trouble(dice, cluster):
    """One thing that happens to all."""
    act = dice.randrange(3)
    if act == 2:
        return cluster.forget_history()
    return cluster.restart(signal.SIGKILL if act else signal.SIGTERM)


def live(dice, cluster, all_of_them, seconds):
    """Returns how often the API server went away."""
    end, restarts = time.monotonic() + seconds, 0
    due = time.monotonic() + seconds / 3 if seconds < 300 else time.monotonic() + 120
    while time.monotonic() < end:
        one = dice.choice(all_of_them)
        one.change()
        if dice.random() < 0.3:
            strike(dice, one)
        if time.monotonic() > due:
            trouble(dice, cluster)
            restarts, due = restarts + 1, time.monotonic() + dice.uniform(60, 240)
        for each in all_of_them:
            each.watch.alive()
            if time.monotonic() - each.token_at > TOKEN_LIFE * 0.8:
                each.fresh_token()
        time.sleep(dice.uniform(0.05, 0.5))
    return restarts


def settle(all_of_them):
    for one in all_of_them:
        if isinstance(one.proxy, ApiProxy):
            one.proxy.clear()
    for _ in range(2):
        for one in all_of_them:
            one.change()
        for one in all_of_them:
            one.watch.wait_last(one.name, one.version, 180)


def test_soak(cluster, namespace, tmp_path, tidy, long):
    seed = int(os.environ.get("E2E_SEED") or random.randrange(1 << 32))
    print(f"E2E_SEED={seed}")
    dice = random.Random(seed)
    namespace.account("px")
    namespace.kubectl("create", "role", "reads", "--verb=get,list,watch", "--resource=configmaps")
    namespace.kubectl("create", "rolebinding", "reads", "--role=reads", f"--serviceaccount={namespace.name}:px")
    makes = [ApiProxy, ApiProxy, ApiProxy, WireProxy]
    soaked = [Soaked(namespace, tmp_path, tidy, f"px-{i}", tidy(make(cluster if make is ApiProxy else cluster.port)))
              for i, make in enumerate(makes)]
    live(dice, cluster, soaked, 10)
    settle(soaked)
    before = [(one.watch.fds(), one.watch.rss_kib()) for one in soaked]
    restarts = live(dice, cluster, soaked, 2400 if long else 20)
    settle(soaked)
    assert restarts >= 1
    for one, (fds, memory) in zip(soaked, before):
        wait_for("no more descriptors than before", lambda: one.watch.fds() <= fds + 1, 30)
        print(f"{one.name}: {memory} -> {one.watch.rss_kib()} KiB, {one.watch.counts()}")
        assert one.watch.rss_kib() < memory + GROWTH_KIB, f"{memory} -> {one.watch.rss_kib()} KiB"
        assert not one.watch.went_back()
        if isinstance(one.proxy, ApiProxy):
            assert one.proxy.busiest(WINDOW) <= MOST
