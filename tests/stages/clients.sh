# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Microsoft's drivers for SQL Server, for the tests: JDBC from Maven Central, ODBC from PyPI (mssql-python carries it), Go
# from the module proxy. Kept in the cache, nothing of it is installed. The caller sets RESULTS, a folder for logs.

CERTROTATE_CACHE=${CERTROTATE_CACHE:-${HOME:-/root}/.cache/certrotate}
export CERTROTATE_CACHE

jdbc_version=12.8.1.jre11

# client_fetch NAME FILE FUNCTION: FUNCTION DIR makes FILE in DIR; the tests of one that cannot be had are skipped.
client_fetch() {
        local name=$1 file=$2 clients=$CERTROTATE_CACHE/clients
        [ ! -e "$clients/$file" ] || return 0
        echo "fetching: $name into $clients"
        mkdir -p "$clients"
        if ! "$3" "$clients" >"$RESULTS/$name-fetch.log" 2>&1 </dev/null; then
                echo "$name cannot be had, its tests are skipped: $(tail -n 1 "$RESULTS/$name-fetch.log")"
        fi
}

jdbc_get() {
        mvn -B -q dependency:copy "-Dartifact=com.microsoft.sqlserver:mssql-jdbc:$jdbc_version" "-DoutputDirectory=$1/new" &&
                mv "$1/new/mssql-jdbc-$jdbc_version.jar" "$1/" && rmdir "$1/new"
}

# A venv cannot be moved: it is complete when its last program is there.
odbc_get() {
        rm -rf "$1/mssql-python" "$1/mssql-python.done" && /usr/bin/python3 -m venv "$1/mssql-python" &&
                "$1/mssql-python/bin/pip" install -q --disable-pip-version-check -r tests/peers/clients/odbc/requirements.txt &&
                "$1/mssql-python/bin/python" -c 'import mssql_python' && touch "$1/mssql-python.done"
}

go_get() {
        (cd tests/peers/clients/gomssql && go build -trimpath -buildvcs=false -o "$1/gomssql.new" .) &&
                mv "$1/gomssql.new" "$1/gomssql"
}

clients_fetch() {
        client_fetch mssql-jdbc "mssql-jdbc-$jdbc_version.jar" jdbc_get
        client_fetch mssql-odbc mssql-python.done odbc_get
        client_fetch go-mssqldb gomssql go_get
}
