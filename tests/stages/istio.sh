# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Istio's control plane for the benchmark of the injection, built from its Go module, and its configuration as its own charts
# have it. Kept in the cache. Sourced after kubernetes.sh and install.sh.

istio_module=istio.io/istio
istio_version=20260827124520

istio_build() {
        local source
        peer_build istio "$1/bin" "" "$istio_module/pilot/cmd/pilot-discovery" || return 1
        source=$(cd tests/peers/istio && GOFLAGS='' GOWORK=off go list -m -f '{{.Dir}}' "$istio_module") || return 1
        cp "$source/manifests/charts/base/files/crd-all.gen.yaml" "$1/crds.yaml"
        # shellcheck disable=SC2154 # install.sh says which version
        "$CERTROTATE_CACHE/helm-$helm_version/bin/helm" template istiod -n istio-system \
                "$source/manifests/charts/istio-control/istio-discovery" \
                --show-only templates/istiod-injector-configmap.yaml --show-only templates/configmap.yaml >"$1/istiod.yaml"
}

istio_fetch() {
        local tree=$CERTROTATE_CACHE/istio-$istio_version
        [ -s "$tree/istiod.yaml" ] || peer_fetch istio "$tree" istio_build
}
