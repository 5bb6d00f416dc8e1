# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The stages of tests/run. Each writes JUnit or `passed|failed NAME` lines to $RESULTS/report; none stops the run.

jobs=$(nproc)
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1:disable_coredump=1:strict_string_checks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

say() {
        printf '%02d:%02d %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*"
}

# check NAME COMMAND...: one counted test; its output is shown when it fails.
check() {
        local name=$1 log=$RESULTS/$1.log
        shift
        if "$@" >"$log" 2>&1 </dev/null; then
                echo "passed $name" >>"$RESULTS/report/checks"
                say "  $name passed"
        else
                echo "failed $name" >>"$RESULTS/report/checks"
                tail -n 60 "$log"
                say "  $name FAILED (all of it: $log)"
                return 1
        fi
}

configure_and_build() {
        cmake --preset "$1" && cmake --build --preset "$1" -j "$jobs" -- -k 0
}

# Built once a run, whoever needs it first.
build() {
        case " ${built:-} " in
        *" $1:ok "*) return 0 ;;
        *" $1:failed "*) return 1 ;;
        esac
        if check "build-$1" configure_and_build "$1"; then
                built="${built:-} $1:ok"
        else
                built="${built:-} $1:failed"
                return 1
        fi
}

# run_ctest NAME PRESET OPTION...: counted by its own report.
run_ctest() {
        local name=$1 preset=$2 log=$RESULTS/$1.log
        shift 2
        ctest --preset "$preset" -j "$jobs" --no-tests=error --output-junit "$RESULTS/report/$name.xml" "$@" \
                >"$log" 2>&1 </dev/null || grep -vE '^ *(Start |[0-9]+/[0-9]+ Test .* Passed )' "$log" | tail -n 100 || true
        tail -n 400 "$log" | grep -E 'tests passed' || true
        [ -s "$RESULTS/report/$name.xml" ] || echo "failed $name" >>"$RESULTS/report/checks"
}

stage_lint() {
        build asan || return 0
        run_ctest lint asan -L lint
}

stage_unit() {
        build asan || return 0
        run_ctest unit asan -LE 'lint|fuzz'
}

stage_fuzz() {
        build fuzz || return 0
        run_ctest fuzz fuzz -L fuzz
}

sources() {
        find agent certs hooks -name '*.c' -print0 | sort -z
}

# The findings only, each once: a header's would be told for every file that includes it.
clang_tidy() {
        local log=$RESULTS/clang-tidy.full
        sources | xargs -0 -n 1 -P "$jobs" clang-tidy-14 -p build/clang --quiet >"$log" 2>/dev/null && return 0
        grep -E ': (error|warning): ' "$log" | sort -u
        return 1
}

run_cppcheck() {
        cppcheck -j "$jobs" --quiet --error-exitcode=1 --std=c11 --inline-suppr -I . -I agent -D_GNU_SOURCE \
                '-DCERTROTATE_VERSION="0"' --enable=warning,style,performance,portability --suppress=memleak \
                --suppress=resourceLeak --suppressions-list=tests/stages/cppcheck.supp agent certs hooks
}

stage_analysis() {
        build analyze || true
        build clang || return 0
        check cppcheck run_cppcheck || true
        check clang-tidy clang_tidy || true
}

# e2e_pytest REPORT WHAT...: Debian's pytest, whatever other Python comes first in PATH.
e2e_pytest() {
        local report=$1
        shift
        PYTHONDONTWRITEBYTECODE=1 E2E_KEEP=$KEEP /usr/bin/python3 -m pytest --rootdir tests/e2e -c tests/e2e/pytest.ini \
                --basetemp="$RESULTS/e2e/tmp" --junitxml="$RESULTS/report/$report.xml" ${LONG:+"$LONG"} "$@" \
                </dev/null 2>&1 | tee "$RESULTS/$report.log"
}

stage_e2e() {
        local base=$RESULTS/e2e status=0 again
        build release || return 0
        build asan || return 0
        mysql_fetch
        druid_fetch
        clients_fetch
        kubernetes_fetch
        install_fetch
        rm -rf "$base"
        mkdir -p "$base"
        # Most of them wait most of the time. What needs the control plane shares one worker (tests/e2e/conftest.py).
        e2e_pytest e2e -n 3 --dist loadgroup tests/e2e || status=$?
        if [ ! -s "$RESULTS/report/e2e.xml" ]; then
                echo "failed e2e (pytest ended with $status)" >>"$RESULTS/report/checks"
        elif [ "$status" = 1 ]; then
                # Real servers share two cores: the few that failed are tried once more, alone. summary.py names them.
                mapfile -t again < <(/usr/bin/python3 -B tests/stages/summary.py --failed "$RESULTS/report/e2e.xml")
                say "e2e, ${#again[@]} that failed, once more"
                [ "${#again[@]}" = 0 ] || e2e_pytest e2e-again "${again[@]}" || true
        fi
        [ -n "$KEEP" ] || rm -rf "$base"
}

# Users get the release build, and so do these pods. Root makes the node.
stage_cluster() {
        local base=$RESULTS/cluster
        build release || return 0
        kubernetes_fetch
        node_fetch
        as_root rm -rf "$base"
        mkdir -p "$base"
        say "  everything is built, the node comes up"
        as_root env PYTHONDONTWRITEBYTECODE=1 E2E_KEEP="$KEEP" E2E_STRETCH="${E2E_STRETCH:-1}" \
                CERTROTATE_CACHE="$CERTROTATE_CACHE" /usr/bin/python3 -m pytest --rootdir tests/cluster \
                -c tests/cluster/pytest.ini --durations=0 --durations-min=5 --basetemp="$base/tmp" \
                --junitxml="$RESULTS/report/cluster.xml" tests/cluster </dev/null 2>&1 | tee "$RESULTS/cluster.log" || true
        [ -s "$RESULTS/report/cluster.xml" ] || echo "failed cluster (pytest wrote no report)" >>"$RESULTS/report/checks"
        [ -n "$KEEP" ] || as_root rm -rf "$base"
}
