# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Apache Druid for the tests: what its distribution is built from, as Maven Central has it. Kept in the cache. The
# caller sets RESULTS, a folder for logs.

CERTROTATE_CACHE=${CERTROTATE_CACHE:-${HOME:-/root}/.cache/certrotate}
export CERTROTATE_CACHE
druid_version=33.0.0

druid_pom() {
        cat <<TEXT
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>certrotate.tests</groupId><artifactId>druid</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.druid</groupId><artifactId>druid-services</artifactId><version>$druid_version</version>
      <exclusions><exclusion><groupId>org.hyperic</groupId><artifactId>sigar</artifactId></exclusion></exclusions>
    </dependency>
  </dependencies>
</project>
TEXT
}

# druid_fetch: 0 also when it cannot be had; the tests of Druid then say so.
druid_fetch() {
        local tree=$CERTROTATE_CACHE/druid-$druid_version fresh=$CERTROTATE_CACHE/druid.$$
        [ ! -d "$tree" ] || return 0
        echo "fetching: Druid $druid_version from Maven Central into $tree"
        mkdir -p "$fresh/lib"
        druid_pom >"$fresh/pom.xml"
        if mvn -B -q -f "$fresh/pom.xml" -Dmaven.repo.local="$fresh/repository" \
                org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
                -DincludeScope=runtime -DoutputDirectory="$fresh/lib" >"$RESULTS/druid-fetch.log" 2>&1 </dev/null; then
                rm -rf "${fresh:?}/repository"
                mv "$fresh" "$tree"
        else
                echo "Druid cannot be had, its tests are skipped: $(grep -m 1 ERROR "$RESULTS/druid-fetch.log")"
                rm -rf "${fresh:?}"
        fi
}
