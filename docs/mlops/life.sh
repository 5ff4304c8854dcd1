#!/bin/sh
# A model's whole life on phantoms, as docs/mlops.md shows it: sh docs/mlops/life.sh, in an empty folder, with ALZEDGE set
# where the command has another name. It trains twice: minutes on two cores. Each command is printed, then what it says,
# without lines of progress, and its exit code where that is not 0.
set -u
ALZEDGE=${ALZEDGE:-alzedge}
RECIPE="--recipe quick --set finetune.epochs=6 --set distill.epochs=10"

call() {
    printf '$ alzedge'
    for word in "$@"; do
        case $word in
            *" "*) printf ' "%s"' "$word" ;;
            *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
    $ALZEDGE "$@" > said.txt 2>&1
    code=$?
    grep -v -e 'loss' -e ': [0-9]*/[0-9]*$' -e 'reading slices' -e '^$' said.txt
    [ $code = 0 ] || printf '(exit code %s)\n' $code
    printf '\n'
}

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

# Train, gate, promote: the first model, of few people.
call phantoms november --subjects 160 --slices 8
# shellcheck disable=SC2086
call pipeline run november $RECIPE --out runs/november --sign "A. Smith"
call registry list

# Serve, and log numbers: November's visitors have every stage, December's have dementia, mild or moderate.
$ALZEDGE phantoms visitors --subjects 40 --slices 8 --seed 7 > answers.txt
persons visitors in-november NonDemented VeryMildDemented MildDemented ModerateDemented
call predict --no-guard --person in-november/phantom-001 in-november/phantom-004 --model models:/alzedge@champion
$ALZEDGE predict --no-guard --person in-november/* --model models:/alzedge@champion --log november.jsonl > answers.txt 2>&1
call stats november.jsonl --out stats
$ALZEDGE phantoms later --subjects 80 --slices 8 --seed 8 > answers.txt
persons later in-december ModerateDemented MildDemented
$ALZEDGE predict --no-guard --person in-december/* --model models:/alzedge@champion --log december.jsonl > answers.txt 2>&1
call drift --reference stats/stats.pb december.jsonl

# What the gate does not let pass: the same student as float32, twice the size.
call gate runs/november/student_float32.tflite november --recipe quick --against models:/alzedge@champion

# Retrain: December's data are November's 160 people and 200 more; the same recipe. The two are compared on people of
# December whom neither has seen.
call phantoms december --subjects 360 --slices 8
# shellcheck disable=SC2086
call pipeline run december $RECIPE --trained-on november --out runs/december --sign "A. Smith"
call registry list

# Back, and forth again: the blessing holds, since the champion is again the one that it was given against.
call registry rollback
call registry promote 2

# Past the gate, with a reason that stays; and back.
call registry push runs/november/student_float32.tflite
call registry promote
call registry promote --force "a phone that takes float32 alone"
call registry rollback
call registry list
call registry lineage
