#!/bin/sh
# A model's whole life on phantoms, as docs/mlops.md shows it: sh docs/mlops/life.sh, in an empty folder, with ALZEDGE set
# where the command has another name. Minutes on two cores. Each command is printed, then what it says and its exit code.
set -u
ALZEDGE=${ALZEDGE:-alzedge}
QUICK="--recipe quick --set finetune.epochs=6 --set distill.epochs=10"
POOR="--recipe quick --set finetune.epochs=1 --set distill.epochs=1"

call() {
    printf '$ alzedge %s\n' "$*"
    # shellcheck disable=SC2086
    $ALZEDGE "$@" 2>&1 | grep -v -e 'loss' -e ': [0-9]*/[0-9]*$' -e 'reading slices' -e '^$'
    printf '\n'
}

part=${1:-all}

if [ "$part" = all ] || [ "$part" = first ]; then
    call phantoms november --subjects 300 --slices 10 --seed 0
    call pipeline run november $QUICK --out runs/november --sign "A. Smith"
    call registry list
fi
if [ "$part" = all ] || [ "$part" = serve ]; then
    call phantoms clinic --subjects 40 --slices 10 --seed 7
    people=$(ls clinic/*/*/*.png | sed 's/-[0-9]*\.png$//' | sort | uniq | head -1)
    call predict --no-guard --person "$people-01.png" "$people-02.png" --model models:/alzedge@champion
    call stats november --model models:/alzedge@champion --no-guard --out stats
fi
if [ "$part" = all ] || [ "$part" = retrain ]; then
    call phantoms december --subjects 300 --slices 10 --seed 1
    call pipeline run december $POOR --out runs/hasty --trained-on november
    call pipeline run december $QUICK --out runs/december --trained-on november --sign "A. Smith"
    call registry lineage
    call registry rollback
    call registry list
fi
