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

# as_tester STAGE COMMAND...: only root can make a node.
as_tester() {
        local stage=$1
        shift
        if [ "$stage" = cluster ]; then
                as_root "$@"
        else
                "$@"
        fi
}

# run_pytest STAGE REPORT WHAT...: Debian's pytest, whatever other Python comes first in PATH.
run_pytest() {
        local stage=$1 report=$2
        shift 2
        as_tester "$stage" env PYTHONDONTWRITEBYTECODE=1 E2E_KEEP="$KEEP" E2E_STRETCH="${E2E_STRETCH:-1}" \
                CERTROTATE_CACHE="$CERTROTATE_CACHE" /usr/bin/python3 -m pytest --rootdir "tests/$stage" \
                -c "tests/$stage/pytest.ini" --basetemp="$RESULTS/$stage/tmp" --junitxml="$RESULTS/report/$report.xml" \
                "$@" </dev/null 2>&1 | tee "$RESULTS/$report.log"
}

# pytest_stage STAGE OPTION...: the tests of a folder. Real servers share two cores: the few that failed are tried once
# more, alone. summary.py names them.
pytest_stage() {
        local stage=$1 status=0 again
        shift
        as_tester "$stage" rm -rf "${RESULTS:?}/$stage"
        mkdir -p "$RESULTS/$stage"
        run_pytest "$stage" "$stage" --dist loadgroup "$@" "tests/$stage" || status=$?
        if [ ! -s "$RESULTS/report/$stage.xml" ]; then
                echo "failed $stage (pytest ended with $status)" >>"$RESULTS/report/checks"
        elif [ "$status" = 1 ]; then
                mapfile -t again < <(/usr/bin/python3 -B tests/stages/summary.py --failed "$RESULTS/report/$stage.xml")
                say "$stage, ${#again[@]} that failed, once more"
                [ "${#again[@]}" = 0 ] || run_pytest "$stage" "$stage-again" "${again[@]}" || true
        fi
        [ -n "$KEEP" ] || as_tester "$stage" rm -rf "${RESULTS:?}/$stage"
}

stage_e2e() {
        build release || return 0
        build asan || return 0
        mysql_fetch
        druid_fetch
        clients_fetch
        kubernetes_fetch
        install_fetch
        # Most of them wait most of the time. What needs the control plane shares one worker (tests/e2e/conftest.py).
        pytest_stage e2e -n 3 ${LONG:+"$LONG"}
}

# The pods' image is what users get: the tests build it by deploy/Dockerfile.
stage_cluster() {
        local why
        why=$(node_forbidden)
        if [ -n "$why" ]; then
                say "  this machine cannot become a Kubernetes node: $why"
                echo "skipped cluster (this machine cannot become a node: $why)" >>"$RESULTS/report/checks"
                return 0
        fi
        kubernetes_fetch
        node_fetch
        druid_fetch
        install_fetch
        say "  everything is built, the node comes up"
        pytest_stage cluster -n 3 --durations=0 --durations-min=5
}
