# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Oracle's MySQL server for the tests: Debian 12 has none, Debian unstable does. Unpacked beside the machine's own
# files, nothing of it is installed; kept in the cache. The caller sets RESULTS, a folder for logs.

CERTROTATE_CACHE=${CERTROTATE_CACHE:-${HOME:-/root}/.cache/certrotate}
export CERTROTATE_CACHE

# mysql_fetch: 0 also when it cannot be had; the tests of MySQL then say so.
mysql_fetch() {
        local tree=$CERTROTATE_CACHE/mysql-sid fresh=$CERTROTATE_CACHE/mysql-sid.$$
        [ ! -x "$tree/usr/sbin/mysqld" ] || return 0
        echo "fetching: mysql-server-core of Debian unstable into $tree"
        mkdir -p "$CERTROTATE_CACHE"
        # Unstable's index may be older than it claims to be good for; its signature is checked all the same.
        if as_root mmdebstrap --quiet --variant=extract --aptopt='Acquire::Check-Valid-Until "false"' \
                --include=mysql-server-core,mysql-client-core --dpkgopt='path-exclude=/usr/share/doc/*' \
                sid "$fresh" >"$RESULTS/mysql-fetch.log" 2>&1 </dev/null; then
                as_root mv "$fresh" "$tree"
        else
                echo "MySQL cannot be had, its tests are skipped: $(tail -n 1 "$RESULTS/mysql-fetch.log")"
                as_root rm -rf "${fresh:?}"
        fi
}
