"""The commands of this room: run, export, benchmark, evaluate, crossval, experiments, card, push."""
