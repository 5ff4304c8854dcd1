#!/bin/sh
# A model's whole life on phantoms, as docs/mlops.md shows it: sh docs/mlops/life.sh, in an empty folder, with ALZEDGE set
# where the command has another name. Minutes on two cores. Each command is printed, then what it says and its exit code.
set -u
ALZEDGE=${ALZEDGE:-alzedge}
QUICK="--recipe quick --set finetune.epochs=6 --set distill.epochs=10"

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
# One folder a person, as `predict --person` takes them: persons FROM TO STAGE...
persons() {
    from=$1
    to=$2
    shift 2
    for stage in "$@"; do
        for slice in "$from"/*/"$stage"/*.png; do
            name=$(basename "$slice")
            mkdir -p "$to/${name%-*}"
            cp "$slice" "$to/${name%-*}/"
        done
    done
}

if [ "$part" = all ] || [ "$part" = serve ]; then
    $ALZEDGE phantoms visitors --subjects 40 --slices 10 --seed 7
    persons visitors in-november NonDemented VeryMildDemented MildDemented ModerateDemented
    call predict --no-guard --person in-november/phantom-001 in-november/phantom-004 --model models:/alzedge@champion
    $ALZEDGE predict --no-guard --person in-november/* --model models:/alzedge@champion --log november.jsonl > answers.txt 2>&1
    call stats november.jsonl --out stats
    $ALZEDGE phantoms later --subjects 80 --slices 10 --seed 8
    persons later in-december ModerateDemented MildDemented
    $ALZEDGE predict --no-guard --person in-december/* --model models:/alzedge@champion --log december.jsonl > answers.txt 2>&1
    call drift --reference stats/stats.pb december.jsonl
fi
if [ "$part" = all ] || [ "$part" = retrain ]; then
    call gate runs/november/student_float32.tflite november --recipe quick --against models:/alzedge@champion
    call distill runs/november/subject/teacher.keras november --recipe quick --set distill.epochs=10 --seed 1 --out runs/december
    call export runs/december/student.keras november --recipe quick --out runs/december/student_int8.tflite
    call gate runs/december/student_int8.tflite november --recipe quick --against models:/alzedge@champion --sign "A. Smith"
    call registry push runs/december/student_int8.tflite --schema runs/november/schema.pbtxt
    call registry promote
    call registry promote --force "a trial on a Friday"
    call registry lineage
    call registry rollback
    call registry list
fi
