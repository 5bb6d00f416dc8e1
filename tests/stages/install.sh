# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the tests of image and chart need beyond Debian packages: Helm, built from its Go module, the Prometheus operator's
# definitions from its module, and a tree of Debian 12 for the image to be built on. Kept in the cache. Sourced after
# kubernetes.sh and packages.sh; the caller sets RESULTS, a folder for logs.

helm_version=3.18.6
operator_version=0.84.0
debian_tree=$CERTROTATE_CACHE/images/debian-12.tar

# Helm's own build tells it which Kubernetes it is for; without that it takes itself for one of 1.20.
helm_stamp() {
        local package
        printf -- '-X helm.sh/helm/v3/internal/version.version=v%s ' "$helm_version"
        for package in chartutil lint/rules; do
                printf -- '-X helm.sh/helm/v3/pkg/%s.k8sVersionMajor=1 ' "$package"
                printf -- '-X helm.sh/helm/v3/pkg/%s.k8sVersionMinor=33 ' "$package"
        done
}

helm_build() {
        peer_build helm "$1/bin" "$(helm_stamp)" helm.sh/helm/v3/cmd/helm
}

# The module's checksum is that of Go's own database, as all modules'.
operator_definitions() {
        local source
        (cd "$1" && printf 'module none\n' >go.mod && GOFLAGS='' GOWORK=off \
                go mod download "github.com/prometheus-operator/prometheus-operator@v$operator_version" </dev/null) || return 1
        source=$(go env GOMODCACHE)/github.com/prometheus-operator/prometheus-operator@v$operator_version
        rm -f "$1/go.mod"
        cp "$source/example/prometheus-operator-crd"/monitoring.coreos.com_{prometheusrules,podmonitors}.yaml "$1/"
}

debian_fetch() {
        local fresh=$CERTROTATE_CACHE/images/debian.$$.tar
        [ ! -s "$debian_tree" ] || return 0
        echo "building: a tree of Debian 12 into $debian_tree (once; a minute)"
        mkdir -p "${debian_tree%/*}"
        if as_root mmdebstrap --quiet --variant=minbase bookworm "$fresh" >"$RESULTS/debian-tree.log" 2>&1 </dev/null; then
                mv "$fresh" "$debian_tree"
        else
                echo "the image cannot be built, nor tested: $(tail -n 1 "$RESULTS/debian-tree.log")"
                rm -f "$fresh"
        fi
}

# install_fetch: 0 also when something cannot be had; the tests that need it then say so.
install_fetch() {
        local helm=$CERTROTATE_CACHE/helm-$helm_version operator=$CERTROTATE_CACHE/prometheus-operator-$operator_version
        [ -x "$helm/bin/helm" ] || peer_fetch helm "$helm" helm_build
        [ -d "$operator" ] || peer_fetch prometheus-operator "$operator" operator_definitions
        debian_fetch
}
