# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A real Kubernetes control plane and a real cert-manager for the tests, built from their Go modules: versions and
# checksums are those of tests/peers. Kept in the cache, nothing of them is installed. The caller sets RESULTS, a folder
# for logs.

CERTROTATE_CACHE=${CERTROTATE_CACHE:-${HOME:-/root}/.cache/certrotate}
export CERTROTATE_CACHE

kubernetes_version=1.33.13
kubernetes_commands="kube-apiserver kube-controller-manager kubectl"
cert_manager_version=1.11.5

# Without a version, kubectl refuses to read its own. Flags behind -X only link anew; any other flag builds all anew.
kubernetes_stamp() {
        local package
        for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
                printf -- '-X %s.gitVersion=v%s ' "$package" "$kubernetes_version"
        done
        printf -- '-X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=33'
}

# peer_build FOLDER BIN STAMP PACKAGE...: the commands PACKAGE of tests/peers/FOLDER into BIN. Says how far it is.
peer_build() {
        local folder=$1 bin=$2 stamp=$3 packages=0 line
        shift 3
        mkdir -p "$bin"
        (cd "tests/peers/$folder" && CGO_ENABLED=0 GOFLAGS='' GOWORK=off \
                go build -v -trimpath -buildvcs=false -ldflags "-s -w $stamp" -o "$bin/" "$@" 2>&1 </dev/null) |
                while IFS= read -r line; do
                        echo "$line"
                        case "$line" in "go: "*) continue ;; esac
                        packages=$((packages + 1))
                        [ $((packages % 250)) -ne 0 ] || echo "  $folder: $packages packages are built" >&3
                done
}

# peer_fetch NAME TREE FUNCTION: FUNCTION DIR fills DIR, which becomes TREE only as a whole. 0 also when it cannot be
# had; the tests that need it then say so.
peer_fetch() {
        local name=$1 tree=$2 fresh=$2.$$ log=$RESULTS/$1-build.log
        if ! command -v go >/dev/null; then
                echo "$name cannot be built, its tests are skipped: there is no go on this machine"
                return 0
        fi
        echo "building: $name into $tree (once; the first time several minutes, on two cores up to 15)"
        mkdir -p "$fresh"
        if "$3" "$fresh" 3>&1 >"$log" 2>&1; then
                rm -rf "${tree:?}"
                mv "$fresh" "$tree"
        else
                echo "$name cannot be built, its tests are skipped: $(tail -n 1 "$log")"
                rm -rf "${fresh:?}"
        fi
}

kubernetes_build() {
        local command packages=()
        for command in $kubernetes_commands; do
                packages+=("k8s.io/kubernetes/cmd/$command")
        done
        peer_build kubernetes "$1/bin" "$(kubernetes_stamp)" "${packages[@]}"
}

# The module's CRDs are templates, but only of labels.
cert_manager_build() {
        local module=github.com/cert-manager/cert-manager source
        peer_build cert-manager "$1/bin" "" "$module/cmd/controller" || return 1
        source=$(cd tests/peers/cert-manager && GOFLAGS='' GOWORK=off go list -m -f '{{.Dir}}' "$module") || return 1
        sed -s '/{{/d; $a ---' "$source"/deploy/crds/crd-*.yaml >"$1/crds.yaml" && [ -s "$1/crds.yaml" ]
}

kubernetes_is_whole() {
        local command
        for command in $kubernetes_commands; do
                [ -x "$1/bin/$command" ] || return 1
        done
}

kubernetes_fetch() {
        local kubernetes=$CERTROTATE_CACHE/kubernetes-$kubernetes_version
        local cert_manager=$CERTROTATE_CACHE/cert-manager-$cert_manager_version
        kubernetes_is_whole "$kubernetes" || peer_fetch kubernetes "$kubernetes" kubernetes_build
        [ -x "$cert_manager/bin/controller" ] || peer_fetch cert-manager "$cert_manager" cert_manager_build
}
