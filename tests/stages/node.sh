# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What a real Kubernetes node needs beyond kubernetes.sh, which is sourced before, as is packages.sh: kubelet, scheduler
# and kube-proxy from the same module, CoreDNS, and the images of databases, made without a registry. The caller sets
# RESULTS, a folder for logs.

node_commands="kube-scheduler kubelet kube-proxy"
coredns_version=1.12.2
node_images=$CERTROTATE_CACHE/images

# Into the tree of the others: same module, same flags, most of it is compiled already.
# shellcheck disable=SC2154 # kubernetes.sh says which version
node_build_commands() {
        local tree=$CERTROTATE_CACHE/kubernetes-$kubernetes_version fresh command packages=()
        fresh=$tree.node.$$
        for command in $node_commands; do
                [ -x "$tree/bin/$command" ] || packages+=("k8s.io/kubernetes/cmd/$command")
        done
        [ ${#packages[@]} -ne 0 ] || return 0
        echo "building: ${packages[*]##*/} into $tree (once; some minutes)"
        if peer_build kubernetes "$fresh" "$(kubernetes_stamp)" "${packages[@]}" 3>&1 >"$RESULTS/node-build.log" 2>&1; then
                mkdir -p "$tree/bin"
                mv "$fresh"/* "$tree/bin/"
        else
                tail -n 5 "$RESULTS/node-build.log"
        fi
        rm -rf "${fresh:?}"
}

# Its module asks for the same version of client-go, which is compiled already.
coredns_build() {
        peer_build coredns "$1/bin" "" .
}

# node_build_image NAME VERSION PACKAGES [COMMAND]: a tree of Debian 12, as a tar without anything of this machine in it.
node_build_image() {
        local tar=$node_images/$1-$2.tar fresh=$node_images/$1.$$.tar
        [ ! -s "$tar" ] || return 0
        echo "building: the image $1 $2 into $tar (once; two minutes)"
        mkdir -p "$node_images"
        # Java's package wants the folder of manuals.
        # shellcheck disable=SC2016
        if as_root mmdebstrap --quiet --variant=minbase --include="$3" \
                --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
                --dpkgopt='path-exclude=/usr/share/locale/*' --customize-hook="${4:-true}" \
                --essential-hook='mkdir -p "$1"/usr/share/man/man1' \
                --customize-hook='rm -rf "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/*' \
                bookworm "$fresh" >"$RESULTS/$1-image.log" 2>&1 </dev/null; then
                rm -f "$node_images/$1"-*.tar
                mv "$fresh" "$tar"
        else
                echo "the image $1 cannot be built: $(tail -n 1 "$RESULTS/$1-image.log")"
                rm -f "$fresh"
        fi
}

# The version that would be installed of each of these packages.
candidates() {
        apt-cache policy "$@" | sed -n 's/ *Candidate: *\(.*:\)\?\([0-9.]*\).*/\2/p' | paste -sd-
}

node_build_mariadb() {
        # shellcheck disable=SC2016
        node_build_image mariadb "$(candidates mariadb-server)" \
                mariadb-server,mariadb-backup,galera-4,rsync,stunnel4,socat,openssl,iproute2,procps \
                'rm -rf "$1"/var/lib/mysql/*'
}

# What runs the test servers of tests/peers, and Druid: its jars stay outside.
node_build_engines() {
        node_build_image engines "$(candidates python3 openssl openjdk-17-jre-headless)" \
                python3,openssl,openjdk-17-jre-headless
}

# 0 also when something cannot be had; the tests that need it then say so.
node_fetch() {
        local coredns=$CERTROTATE_CACHE/coredns-$coredns_version
        if command -v go >/dev/null; then
                node_build_commands
                [ -x "$coredns/bin/coredns" ] || peer_fetch coredns "$coredns" coredns_build
        else
                echo "the node cannot be built: there is no go on this machine"
        fi
        node_build_mariadb
        node_build_engines
}

# Why this machine cannot become a node; nothing: it can. What a container runtime needs that may be forbidden to root.
node_forbidden() {
        local probe=$RESULTS/node-probe
        if ! as_root true 2>/dev/null; then
                echo "that takes root or sudo"
                return
        fi
        mkdir -p "$probe/lower" "$probe/upper" "$probe/work" "$probe/merged"
        # shellcheck disable=SC2016
        as_root unshare --mount --pid --net --uts --ipc --fork --mount-proc sh -c '
                exec 2>&1
                mount --make-rprivate / && mount -t tmpfs tmpfs /run || exit
                mount -t overlay -o "lowerdir=$1/lower,upperdir=$1/upper,workdir=$1/work" overlay "$1/merged" || exit
                ip link add probe type bridge || exit
                for top in /sys/fs/cgroup/cgroup.controllers /sys/fs/cgroup/memory; do
                        [ -e "$top" ] || continue
                        [ -d "$top" ] || top=${top%/*}
                        mkdir "$top/certrotate-probe" && rmdir "$top/certrotate-probe" && exit 0
                        exit
                done
                echo "it has no control groups"' sh "$probe" 2>&1 | head -n 1
        as_root rm -rf "$probe"
}
