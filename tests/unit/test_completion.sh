#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The completion script in a real bash: what is offered for a command line. PROGRAM
set -u
program=$1
failed=0
script=$("$program" completion bash) || exit 1
eval "$script"
# Only works while bash completes.
# shellcheck disable=SC2317
compopt() { :; }

# offers WANTED WORD…: the last word is the one being typed.
offers() {
        local wanted=$1
        shift
        COMP_WORDS=(certrotate "$@")
        COMP_CWORD=$#
        COMPREPLY=()
        _certrotate
        if [[ ${COMPREPLY[*]} != "$wanted" ]]; then
                echo "certrotate $*: offered '${COMPREPLY[*]}', wanted '$wanted'"
                failed=1
        fi
}

here=$(mktemp -d) || exit 1
trap 'rm -r "$here"' EXIT
cd "$here" || exit 1
mkdir 'a folder'
touch 'a file'

offers version vers
offers completion compl
offers bash completion ''
offers --help version --
offers '--help --version' --
offers 'a file a folder' nonsense 'a f'
if "$program" check --help > check.txt 2>&1; then
        offers json check --output j
        offers json check --output = j
        offers 'text json' check --output =
        offers --name check --nam
        offers 'a file' check 'a fi'
        offers 'a file' check --key-password-file 'a fi'
fi
if "$program" status --help > status.txt 2>&1; then
        offers --namespace status --names
        offers '' status --namespace ''
        offers '' status -n ''
        offers 'a file' status --kubeconfig 'a fi'
        offers wide status -o w
fi
if "$program" run --help > run.txt 2>&1; then
        offers 'a folder' run --source a
        offers 'a file a folder' run --config a
fi
if "$program" controller --help > controller.txt 2>&1; then
        offers controller contr
        offers --no-renewals controller --no
        offers 'a file a folder' controller --kubeconfig a
        offers '' controller --workers ''
        offers 'debug info warn error' controller --log-level ''
fi
exit "$failed"
