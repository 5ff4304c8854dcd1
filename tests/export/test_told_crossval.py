"""The whole way of a recipe with demographics, on phantoms: cross-validation, comparison, run, prediction, inspection."""

from pathlib import Path

import pytest
from helpers.commands import TINY, assert_refused, call_cli, run_cli

from alzedge.data.predictions import Predictions
from alzedge.inference.measures.demographics import Coding
from alzedge.model_file.read_write import read_record

RECIPE = 'base = "measure-demographics"' + TINY.replace("epochs = 3", "epochs = 1").replace(
    "[distill]\nepochs = 1\nbatch_size = 32\nviews = 2",
    "[student]\nfilters = [4, 8, 8]\nhidden = 8\n[distill]\nepochs = 4\nbatch_size = 16",
)


@pytest.mark.slow
def test_a_recipe_with_demographics_goes_all_the_way(tmp_path: Path) -> None:
    recipe, out, made = tmp_path / "told.toml", tmp_path / "crossval", tmp_path / "run"
    recipe.write_text(RECIPE)
    crossval = run_cli("crossval", "--recipe", recipe, "--out", out)
    assert crossval.returncode == 0, crossval.stderr
    told, untold = (Predictions.load(out / f"student_int8{name}.csv") for name in ("", "_untold"))
    assert abs(told.probabilities - untold.probabilities).max() > 0.004 and (told.age == untold.age).all()
    gain = call_cli("gain", out / "student_int8_untold.csv", out, "--recipe", recipe)
    assert gain.returncode == 0 and "difference" in gain.stdout, gain.stderr
    run = run_cli("run", "--recipe", recipe, "--out", made, "--crossval", out)
    assert run.returncode == 0, run.stderr
    assert Coding.read(read_record(made / "student_int8.tflite")) == Coding()
    assert "demographics" in (made / "README.md").read_text()
    # The last split's student lies in the folder of the cross-validation.
    export = ("export", out / "fold0" / "student.keras", "--recipe", recipe)
    for fmt, suffix in (("onnx", ".onnx"), ("qat-int8", ".tflite")):
        done = call_cli(*export, "--format", fmt, "--out", tmp_path / f"student{suffix}")
        if fmt == "onnx":
            assert done.returncode == 0, done.stderr
        else:
            assert_refused(done, "second input", "export it as int8")
    assert call_cli("phantoms", tmp_path / "slices", "--subjects", 4, "--slices", 2).returncode == 0
    slice_ = next((tmp_path / "slices").rglob("*.png"))
    answers = {}
    for model in (made / "student_int8.tflite", tmp_path / "student.onnx"):
        for person in ((), ("--age", 80, "--sex", "M")):
            done = call_cli("predict", slice_, "--model", model, "--no-guard", *person)
            assert done.returncode == 0, done.stderr
            assert ("80 years and sex M" if person else "were told neither") in done.stderr
            answers[model.suffix, person] = done.stdout
    assert len(set(answers.values())) == 4
    assert "age from 20 to 100 and sex" in call_cli("inspect", made / "student_int8.tflite").stdout
