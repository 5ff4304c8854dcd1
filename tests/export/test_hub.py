"""Models by the name of a Hub repository: fetched, published, and published again after something went wrong."""

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.commands import assert_refused, call_cli, run_cli, run_code
from helpers.hub_server import READER, WRITER, Fault, Hub, serving
from PIL import Image

from alzedge.data import folds
from alzedge.data.dataset import DataSet
from alzedge.errors import UserError
from alzedge.export.hub import plan
from alzedge.export.hub.plan import plan_model
from alzedge.export.hub.plan_space import plan_space
from alzedge.export.hub.upload import upload
from alzedge.inference.hub import HUB_FILE, fetch_model
from alzedge.model_file.bundled import bundled_heat_map_model, bundled_model


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """An empty Hub, and a home without a token."""
    with serving() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
        monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
        # The client reads its environment when it is imported; here, in this process, it was before.
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.address)
        template = f"{server.address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "home" / "hub"))
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "home" / "token"))
        for name in ("HF_TOKEN", "HF_TOKEN_PATH", "HUGGING_FACE_HUB_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        yield server


@pytest.fixture
def writer(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The same with a token that may write."""
    monkeypatch.setenv("HF_TOKEN", WRITER)
    return hub


@pytest.fixture
def picture(phantoms: DataSet, tmp_path: Path) -> Path:
    Image.fromarray(phantoms.images[50]).save(tmp_path / "slice.png")
    return tmp_path / "slice.png"


MODELS = {HUB_FILE, "student_int8_heatmap.tflite"}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder as `alzedge run` leaves it, with the bundled models and small stand-ins for the plots."""
    folder = tmp_path / "runs" / "archive"
    (folder / "subject").mkdir(parents=True)
    for model in (bundled_model(), bundled_heat_map_model()):
        shutil.copy(model, folder)
    plots = ("accuracy_latency.png", "confusion.png", "loss.png", "examples.png", "subject/soft_targets.npy")
    for name in plots:
        (folder / name).write_bytes(name.encode())
    (folder / "metrics.json").write_text("{}")
    written = {name: hashlib.sha256(name.encode()).hexdigest() for name in plots}
    (folder / "run.json").write_text(json.dumps({"run": {}, "phases": {"report": {"key": "", "outputs": written}}}))
    return folder


def push(*words: object, call: Callable[..., subprocess.CompletedProcess[str]] = call_cli) -> Any:
    """The command, which never prints a token."""
    result = call("push", *words)
    assert WRITER not in result.stdout + result.stderr and READER not in result.stdout + result.stderr
    return result


def refused(repository: str, source: Path) -> str:
    """The sentence in which an upload ends, which is one line and names no token."""
    with pytest.raises(UserError) as refusal:
        upload(plan_model(source), repository)
    sentence = str(refusal.value)
    assert repository in sentence and "\n" not in sentence and "hf_" not in sentence
    return sentence


# Fetching


def test_a_repository_answers_like_its_file_and_once_fetched_without_network(
    hub: Hub, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add("models/clinic/alzedge", {HUB_FILE: bundled_model().read_bytes()})
    words = ("predict", "--json", "--no-guard", "--model")
    from_hub = run_cli(*words, "clinic/alzedge", picture)
    assert from_hub.returncode == 0, from_hub.stderr
    assert json.loads(from_hub.stdout) == json.loads(call_cli(*words, bundled_model(), picture).stdout)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    offline = run_cli(*words, "clinic/alzedge", picture)
    assert offline.stdout == from_hub.stdout, offline.stderr


def test_what_cannot_be_fetched_is_one_sentence(hub: Hub, picture: Path) -> None:
    hub.add("models/clinic/private", {HUB_FILE: b""}, private=True)
    hub.add("models/clinic/empty", {"README.md": b""})
    assert_refused(call_cli("predict", "--model", "clinic/private", picture), "clinic/private", "hf auth login")
    with pytest.raises(UserError, match=f"clinic/empty.*has no {HUB_FILE}"):
        fetch_model("clinic/empty")


def test_a_name_that_is_none_is_refused_without_asking() -> None:
    with pytest.raises(UserError, match="not (a|the) name of a repository"):
        fetch_model("../etc/passwd")


@pytest.mark.slow  # the Hub's client tries six times
def test_a_hub_that_fails_or_is_out_of_reach_is_one_sentence(
    hub: Hub, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.faults.append(Fault("clinic/broken", 500))
    with pytest.raises(UserError, match="clinic/broken.*500.*network"):
        fetch_model("clinic/broken")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert_refused(run_cli("predict", "--model", "clinic/alzedge", picture), "not a file here", "network")


# The plan


def test_a_run_s_folder_gives_models_card_figures_and_plots_and_keeps_the_rest(run: Path) -> None:
    (run / "notes.txt").write_text("call Mrs. Smith")
    (run / "loss.png").write_bytes(b"something else")
    (run / "recipe.toml").symlink_to("/etc/hostname")
    planned = plan_model(run)
    contents = {item.path: item.data for item in planned.items}
    assert set(contents) == {
        "README.md", "accuracy_latency.png", "confusion.png", "metrics.json", HUB_FILE, "student_int8_heatmap.tflite",
    }  # fmt: skip
    assert contents[HUB_FILE] == bundled_model().read_bytes()
    assert b"![Confusion matrices](confusion.png)" in contents["README.md"]
    assert set(planned.left_out) == {"notes.txt", "loss.png", "recipe.toml", "examples.png", "run.json", "subject"}
    assert "slices of the data" in planned.left_out["examples.png"]


def test_a_card_that_was_edited_is_the_one_that_is_published(run: Path) -> None:
    (run / "README.md").write_text("---\nlicense: apache-2.0\n---\nmine\n")
    assert next(item.data for item in plan_model(run).items if item.path == "README.md").endswith(b"mine\n")


@pytest.mark.parametrize(
    "name",
    ["slice.jpg", "scan.PNG", "deep/er/head.nii.gz", "1.dcm", "answers.csv", "data.zip", "subject/other.npy", "x.npz"],
)
def test_a_folder_with_data_is_refused_whole(run: Path, name: str) -> None:
    (run / name).parent.mkdir(parents=True, exist_ok=True)
    (run / name).write_bytes(b"somebody")
    with pytest.raises(UserError, match=f"{Path(name).name} may be an image or data of people.*move it elsewhere"):
        plan_model(run)


def test_models_that_are_not_ours_or_were_changed_are_refused(run: Path, tmp_path: Path) -> None:
    (run / "other.tflite").write_bytes(b"\0\0\0\0TFL3 of somebody")
    with pytest.raises(UserError, match="carries no AlzEdge record"):
        plan_model(run)
    with pytest.raises(UserError, match=f"has no {HUB_FILE}"):
        plan_model(tmp_path)
    other = shutil.copy(bundled_model(), tmp_path / "mine.tflite")
    with pytest.raises(UserError, match=f"is called {HUB_FILE}"):
        plan_model(Path(other))


def test_models_that_an_editable_install_links_are_published(run: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "checkout"
    elsewhere.mkdir()
    for name in MODELS:
        shutil.move(run / name, elsewhere / name)
        (run / name).symlink_to(elsewhere / name)
    contents = {item.path: item.data for item in plan_model(run).items}
    assert contents[HUB_FILE] == bundled_model().read_bytes() and set(contents) >= MODELS
    (run / "student_int8_heatmap.tflite").unlink()
    (run / "student_int8_heatmap.tflite").symlink_to(tmp_path / "gone.tflite")
    assert plan_model(run).left_out["student_int8_heatmap.tflite"] == "a link"


def test_a_repository_without_its_model_is_refused(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep = plan._reason_to_stay
    monkeypatch.setattr(
        plan, "_reason_to_stay", lambda path, written: "kept" if path.name == HUB_FILE else keep(path, written)
    )
    with pytest.raises(UserError, match=f"{HUB_FILE} would be left out .kept."):
        plan_model(run)


SPACE = "---\ntitle: AlzEdge\nsdk: gradio\napp_file: app.py\n---\n"


@pytest.fixture
def space(tmp_path: Path) -> Path:
    folder = tmp_path / "space"
    (folder / "alzedge" / "inference" / "bundled").mkdir(parents=True)
    for name, text in {"README.md": SPACE, "app.py": "pass\n", "requirements.txt": "gradio\n", ".hidden": ""}.items():
        (folder / name).write_text(text)
    shutil.copy(bundled_model(), folder / "alzedge" / "inference" / "bundled")
    (folder / "alzedge").mkdir(exist_ok=True)
    shutil.copy(Path(folds.__file__).with_name("kaggle_folds.csv"), folder / "alzedge" / "kaggle_folds.csv")
    return folder


def test_a_space_is_sources_and_our_models_and_no_data(space: Path) -> None:
    (space / "app.log").write_text("who was here")
    plan = plan_space(space)
    assert {item.path for item in plan.items} == {
        "README.md", "app.py", "requirements.txt", f"alzedge/inference/bundled/{HUB_FILE}", "alzedge/kaggle_folds.csv",
    }  # fmt: skip
    assert plan.sdk == "gradio" and set(plan.left_out) == {"app.log"}
    (space / "alzedge" / "kaggle_folds.csv").write_text("Smith,1")
    with pytest.raises(UserError, match="may be an image or data"):
        plan_space(space)
    for card in ("no front matter", "---\ntitle: x\n---\nsdk: gradio\n"):
        (space / "alzedge" / "kaggle_folds.csv").unlink(missing_ok=True)
        (space / "README.md").write_text(card)
        with pytest.raises(UserError, match="alzedge space build"):
            plan_space(space)


# Pushing


def test_a_dry_run_shows_everything_and_asks_nobody(hub: Hub, run: Path) -> None:
    result = push("me/student", run, "--dry-run")
    assert result.returncode == 0, result.stderr
    head, uploaded, left_out = re.split("^(?:  (?=README)|left out:\n)", result.stdout, maxsplit=2, flags=re.MULTILINE)
    assert head == "would upload to me/student (a model, private unless it exists), in one commit:\n"
    # What the dry run announces is what a push would put into the commit, file by file and byte by byte.
    announced = dict(re.findall(r"^ *(\S+) +([\d,]+) bytes$", uploaded, re.MULTILINE))
    assert announced == {item.path: f"{len(item.data):,}" for item in plan_model(run).items}
    assert set(announced) == {"README.md", "accuracy_latency.png", "confusion.png", "loss.png", "metrics.json", *MODELS}
    reasons = dict(re.findall(r"^  (\S+): (.+)$", left_out, re.MULTILINE))
    assert set(reasons) == {"examples.png", "run.json", "subject"} and "slices" in reasons["examples.png"]
    public = push("me/student", "--dry-run", "--public").stdout
    assert "public unless" in public and HUB_FILE in public and "left out" not in public
    assert hub.asked == [] and hub.repositories == {}


def test_push_then_from_pretrained_predicts_the_same_and_again_changes_nothing(
    writer: Hub, run: Path, phantoms: DataSet
) -> None:
    first = push("me/student", run, call=run_cli)
    assert first.returncode == 0, first.stderr
    repository = writer.repositories["models/me/student"]
    assert repository.private and len(repository.commits) == 2  # the Hub's own first commit, and ours
    held = {item.path: item.data for item in plan_model(run).items}
    assert repository.commits[repository.head] == held | {".gitattributes": b""}
    assert f"commit {repository.head[:12]}" in first.stdout and "(private)" in first.stdout

    code = f"""
import numpy as np
from alzedge.data.phantom_set import make_phantoms
from alzedge.model_file.bundled import bundled_model
from alzedge.inference.classifier import Classifier
images = make_phantoms(20, 5).images[::9]
ours = Classifier.load(bundled_model()).probabilities(images)
for revision in (None, {repository.head!r}):
    theirs = Classifier.from_pretrained("me/student", revision=revision).probabilities(images)
    assert np.array_equal(ours, theirs)
try:
    Classifier.from_pretrained("me/student", revision="never")
except Exception as error:
    print(type(error).__name__, error)
"""
    done = run_code(code)
    assert done.returncode == 0, done.stderr
    assert "UserError me/student on the Hub has no revision 'never'" in done.stdout

    writer.asked.clear()
    again = push("me/student", run)
    assert again.returncode == 0 and "nothing has changed" in again.stdout, again.stderr
    assert len(repository.commits) == 2 and not [line for line in writer.asked if line.startswith("PUT")]


def test_a_space_is_made_private_with_its_sdk(writer: Hub, space: Path) -> None:
    sent = upload(plan_space(space), "me/page")
    made = writer.repositories["spaces/me/page"]
    assert made.private and sent.private and sent.url.endswith("/spaces/me/page")
    assert made.sdk == "gradio" and "app.py" in made.commits[made.head]


def test_a_public_repository_is_written_to_only_when_meant(writer: Hub) -> None:
    repository = writer.add("models/me/open", {"README.md": b"old"})
    assert "is public" in refused("me/open", bundled_model())
    assert len(repository.commits) == 1
    sent = upload(plan_model(bundled_model()), "me/open", public=True)
    assert sent.changed and not sent.private and len(repository.commits) == 2
    assert upload(plan_model(bundled_model()), "me/new", public=True).private is False
    assert not writer.repositories["models/me/new"].private


def test_a_lost_connection_is_one_sentence_and_the_next_push_goes_on(writer: Hub, run: Path) -> None:
    """The contents arrive, the commit does not; then it does, but the answer is lost; then all is there."""
    fault = Fault("POST .*/commit/", "drop")
    writer.faults.append(fault)
    assert "repeat the command" in refused("me/student", run)
    repository = writer.repositories["models/me/student"]
    assert len(repository.commits) == 1
    sent = [line for line in writer.asked if line.startswith("PUT")]
    assert len(sent) == 5  # two models, three plots

    writer.asked.clear()
    fault.what = "drop after"
    assert "connection" in refused("me/student", run)
    assert len(repository.commits) == 2 and not [line for line in writer.asked if line.startswith("PUT")]

    writer.faults.clear()
    assert not upload(plan_model(run), "me/student").changed
    assert len(repository.commits) == 2


def test_short_troubles_on_the_way_are_overcome(writer: Hub) -> None:
    """Half of a model is sent and the connection breaks: the client tries again."""
    writer.faults.append(Fault("PUT /lfs/", "drop", times=1))
    assert upload(plan_model(bundled_model()), "me/student").changed
    repository = writer.repositories["models/me/student"]
    assert repository.commits[repository.head][HUB_FILE] == bundled_model().read_bytes()


@pytest.mark.parametrize(
    "line, status, words",
    [
        ("POST .*/commit/", 401, "does not accept the token"),
        ("POST .*/commit/", 403, "may not write"),
        ("POST .*/preupload/", 404, "knows no me/student"),
        ("POST /api/repos/create", 503, "answers 503"),
        ("POST .*/commit/", 500, "answers 500"),
        ("POST .*/commit/", 413, "refuses the upload"),
    ],
)
def test_each_refusal_of_the_hub_is_one_sentence(writer: Hub, line: str, status: int, words: str) -> None:
    writer.faults.append(Fault(line, status))
    assert words in refused("me/student", bundled_model())


def test_a_card_that_the_hub_cannot_read_is_refused_before_anything_is_sent(writer: Hub, run: Path) -> None:
    (run / "README.md").write_text("---\nlicense: [\n---\n")
    assert "Invalid metadata in README.md" in refused("me/student", run)
    assert not [line for line in writer.asked if line.startswith("PUT")]


def test_tokens_that_are_missing_wrong_or_may_only_read(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="no token.*hf auth login"):
        upload(plan_model(bundled_model()), "me/student")
    assert hub.asked == []
    monkeypatch.setenv("HF_TOKEN", READER)
    assert "may not write to me/student" in refused("me/student", bundled_model())
    monkeypatch.setenv("HF_TOKEN", "hf_nobody")
    assert "does not accept the token" in refused("me/student", bundled_model())
    assert_refused(push("me/student", bundled_model()), "does not accept the token", "hf auth login")


def test_names_and_sources_that_make_no_sense(hub: Hub, tmp_path: Path) -> None:
    assert_refused(push("student", bundled_model()), "'student' is not the name", "OWNER/NAME")
    with pytest.raises(UserError, match="no such model file"):
        plan_model(tmp_path / "nothing.tflite")


@pytest.mark.slow  # the client tries six times
def test_a_storage_that_stays_away_is_one_sentence_and_what_arrived_is_kept(writer: Hub, run: Path) -> None:
    lost = hashlib.sha256(bundled_heat_map_model().read_bytes()).hexdigest()
    writer.faults.append(Fault(f"PUT /lfs/{lost}", "drop"))
    assert "goes on from what has arrived" in refused("me/student", run)
    assert len(writer.repositories["models/me/student"].commits) == 1
    writer.faults.clear()
    writer.asked.clear()
    assert upload(plan_model(run), "me/student").changed
    assert [line for line in writer.asked if line.startswith("PUT")][-1] == f"PUT /lfs/{lost}"
