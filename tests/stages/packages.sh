# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What tests, benchmark and quickstart need from Debian, installed when missing and not a package more. The caller
# sets RESULTS, a folder for apt's log.

build_packages="build-essential pkg-config cmake ninja-build libssl-dev libcurl4-openssl-dev libevent-dev
        libinotifytools0-dev libcjson-dev libyaml-dev libmariadb-dev freetds-dev libcmocka-dev binutils git ca-certificates python3"
lint_packages="clang-format-14 mandoc shellcheck"
clang_packages="clang-14 libclang-rt-14-dev llvm-14"
analysis_packages="$clang_packages clang-tidy-14 cppcheck"
e2e_packages="mmdebstrap postgresql mariadb-server mariadb-client galera-4 rsync stunnel4 iproute2 nginx-light
        freetds-bin curl maven libaio1 libnuma1 python3-venv python3-pytest python3-pytest-xdist etcd-server
        buildah prometheus redis-server"
node_packages="openssl etcd-server mariadb-server mariadb-client mmdebstrap containerd runc containernetworking-plugins
        iptables iproute2 procps python3-pytest python3-pytest-xdist buildah freetds-bin maven"
unit_packages="openssl openjdk-17-jre-headless mariadb-server"

packages_of() {
        case "$1" in
        lint) echo "$build_packages $lint_packages" ;;
        unit) echo "$build_packages $unit_packages" ;;
        fuzz) echo "$build_packages $clang_packages" ;;
        analysis) echo "$build_packages $analysis_packages" ;;
        bench | quickstart) echo "$build_packages openssl mariadb-server mariadb-client" ;;
        inject) echo "hey" ;;
        e2e) echo "$build_packages $unit_packages $e2e_packages" ;;
        node | cluster) echo "$build_packages $node_packages" ;;
        esac
}

as_root() {
        if [ "$(id -u)" -eq 0 ]; then
                "$@"
        elif command -v sudo >/dev/null; then
                sudo -n "$@"
        else
                echo "${0##*/}: needs root or sudo for: $*" >&2
                return 1
        fi
}

# Servers must not start because they were installed: policy-rc.d is how Debian is told so.
policy=/usr/sbin/policy-rc.d
policy_saved=""

policy_forbid() {
        if [ -e "$policy" ]; then
                policy_saved=$(mktemp -u /usr/sbin/policy-rc.d.XXXXXX)
                as_root mv "$policy" "$policy_saved"
        fi
        # shellcheck disable=SC2016
        as_root sh -c 'printf "#!/bin/sh\nexit 101\n" >"$1" && chmod 755 "$1"' sh "$policy"
        trap policy_restore EXIT
        trap 'exit 130' INT TERM
}

policy_restore() {
        as_root rm -f "$policy"
        [ -z "$policy_saved" ] || as_root mv "$policy_saved" "$policy"
        policy_saved=""
        trap - EXIT INT TERM
}

is_installed() {
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

packages_missing() {
        local stage package
        for stage in $1; do
                for package in $(packages_of "$stage"); do
                        is_installed "$package" || echo "$package"
                done
        done | sort -u
}

# packages_install "STAGE..."
packages_install() {
        local missing servers="" server
        missing=$(packages_missing "$1" | xargs)
        [ -n "$missing" ] || return 0
        if ! command -v apt-get >/dev/null; then
                echo "${0##*/}: this machine has no apt-get; install yourself: $missing" >&2
                exit 2
        fi
        echo "installing: $missing"
        for server in mariadb nginx stunnel4 rsync etcd containerd prometheus redis; do
                case " $missing " in *" $server"*) servers="$servers $server" ;; esac
        done
        policy_forbid
        # shellcheck disable=SC2086
        if ! apt_get install $missing >"$RESULTS/apt.log" 2>&1; then
                # Most often only the package lists are missing or old.
                if ! apt_get update >>"$RESULTS/apt.log" 2>&1 || ! apt_get install $missing >>"$RESULTS/apt.log" 2>&1; then
                        tail -20 "$RESULTS/apt.log" >&2
                        echo "${0##*/}: apt-get failed, see $RESULTS/apt.log" >&2
                        exit 2
                fi
        fi
        policy_restore
        # Nor at the next boot: they were installed for tests that bring their own.
        if command -v systemctl >/dev/null; then
                for server in $servers; do
                        as_root systemctl disable "$server" >/dev/null 2>&1 || true
                done
        fi
}

apt_get() {
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
                -o DPkg::Lock::Timeout=300 "$@" </dev/null
}
