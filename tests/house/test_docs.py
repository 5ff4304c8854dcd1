"""What the documents say: links lead somewhere, commands exist, programs compile, and Java reckons as Python does."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import click
import numpy as np
import pytest
import yaml

import alzedge
from alzedge.cli import cli
from alzedge.data.dataset import DataSet
from alzedge.inference.classifier import Classifier
from alzedge.inference.interpreters import make_interpreter
from alzedge.model_file.bundled import bundled_model
from alzedge.model_file.read_write import read_tflite

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
DOCUMENTS = [path for path in DOCUMENTS if "node_modules" not in path.parts]

pytestmark = pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="needs the checkout with its documents")
every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)


def blocks(text: str, language: str) -> list[str]:
    """The fenced code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def told_commands(text: str) -> list[list[str]]:
    """Words of each `alzedge ...` in shell blocks and between backticks."""
    lines = [line.split("#")[0] for block in blocks(text, "bash") for line in block.splitlines()]
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    told = [line for line in lines if line.startswith("alzedge ")]
    told += [code for code in re.findall(r"`([^`]+)`", prose) if code.startswith("alzedge ")]
    return [command.split()[1:] for command in told]


def test_the_documents_of_the_devices_are_there() -> None:
    names = {path.name for path in DOCUMENTS}
    assert {"README.md", "raspberry-pi.md", "android.md", "ios.md", "browser.md", "microcontroller.md"} <= names


def test_the_citation_and_the_addresses_are_those_of_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert {"cff-version", "message", "title", "authors", "version", "license", "references"} <= set(citation)
    assert (
        citation["version"] == alzedge.__version__ and citation["references"][0]["doi"] == "10.1162/jocn.2007.19.9.1498"
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    source = project["urls"]["Source"]
    assert source == citation["repository-code"] and f"git clone {source} " in (ROOT / "README.md").read_text("utf-8")
    assert all(url.startswith(source) for url in project["urls"].values())
    assert project["license"] == citation["license"]


@every_document
def test_links_lead_to_files(path: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    targets = re.findall(r"\]\(([^)\s]+)\)", prose)
    relative = [target.split("#")[0] for target in targets if not re.match(r"[a-z]+:|#", target)]
    assert [target for target in relative if not (path.parent / target).exists()] == []


@every_document
def test_commands_and_their_options_exist(path: Path) -> None:
    context = click.Context(cli)
    for name, *words in told_commands(path.read_text()):
        command = cli.get_command(context, name)
        assert command is not None, f"alzedge {name}"
        if isinstance(command, click.Group) and words and words[0] in command.commands:
            command = command.commands[words[0]]
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        told = {word.split("=")[0] for word in words if word.startswith("--")}
        assert told <= known, f"alzedge {name}: {told - known}"


@every_document
def test_python_programs_compile(path: Path) -> None:
    for number, block in enumerate(blocks(path.read_text(), "python")):
        compile(block, f"{path.name}, block {number}", "exec")


PROBE = """
import java.io.*;
import java.nio.ByteBuffer;

public class Probe {
    public static void main(String[] words) throws IOException {
        AlzEdgeModel model;
        try (InputStream file = new FileInputStream(words[0])) { model = AlzEdgeModel.read(file); }
        DataInputStream slices = new DataInputStream(System.in);
        PrintStream out = new PrintStream(System.out, false, "UTF-8");
        out.println(String.join(",", model.labels));
        out.println(model.flatbuffer.capacity());
        out.println(model.record.replace("\\n", " "));
        int width = Integer.parseInt(words[1]), count = Integer.parseInt(words[2]);
        for (int slice = 0; slice < Integer.parseInt(words[3]); slice++) {
            int[] pixels = new int[count];
            for (int index = 0; index < count; index++) pixels[index] = 0xff000000 | 0x010101 * slices.readUnsignedByte();
            int[] lookup = words.length > 9 ? new int[256] : words.length > 8 ? AlzEdgeModel.white(pixels) : null;
            for (int grey = 0; words.length > 9 && grey < 256; grey++) lookup[grey] = Integer.parseInt(words[8 + grey]);
            ByteBuffer input = AlzEdgeModel.input(pixels, width, lookup, Integer.parseInt(words[4]),
                Integer.parseInt(words[5]), Float.parseFloat(words[6]), Integer.parseInt(words[7]));
            StringBuilder line = new StringBuilder();
            while (input.hasRemaining()) line.append(input.get()).append(' ');
            out.println(line);
        }
        ByteBuffer output = ByteBuffer.wrap(new byte[] {-128, -96, 32, -64});
        for (float share : AlzEdgeModel.probabilities(output, 0.00390625f, -128)) out.print(share + " ");
        out.flush();
    }
}
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("javac") is None, reason="no Java compiler is installed")
def test_java_on_android_prepares_what_python_prepares(tmp_path: Path, phantoms: DataSet) -> None:
    (tmp_path / "Probe.java").write_text(PROBE)
    shutil.copy(ROOT / "docs" / "android" / "AlzEdgeModel.java", tmp_path)
    # Release 8: the oldest Java that Android's tools take as it is.
    subprocess.run(["javac", "--release", "8", "-Xlint:-options", "Probe.java"], check=True, cwd=tmp_path)

    flatbuffer, record = read_tflite(bundled_model())
    classifier = Classifier.load()
    interpreter = make_interpreter(flatbuffer, 1)
    into = interpreter.get_input_details()[0]
    (out,) = (one for one in interpreter.get_output_details() if list(one["shape"]) == [1, len(record["labels"])])
    noise = np.random.default_rng(0).integers(0, 256, phantoms.images[:5].shape, np.uint8)
    slices = np.concatenate([phantoms.images[::10], noise])
    preprocessing = record["preprocessing"]
    numbers = [slices.shape[2], slices[0].size, len(slices), preprocessing["shrink"], preprocessing["divide_by"]]
    greys = preprocessing.get("lookup", preprocessing.get("steps", []))
    assert len(greys) in (0, 256) or greys == ["white"]
    words = [*numbers, repr(float(into["quantization"][0])), into["quantization"][1], *greys]
    done = subprocess.run(
        ["java", "Probe", str(bundled_model()), *map(str, words)],
        check=True, cwd=tmp_path, input=slices.tobytes(), capture_output=True, timeout=300,
    )  # fmt: skip
    labels, size, told, *inputs, shares = done.stdout.decode().splitlines()
    assert labels.split(",") == record["labels"] and int(size) == len(flatbuffer)
    assert record["disclaimer"] in told and record["sha256"] in told

    for image, line in zip(slices, inputs, strict=True):
        interpreter.set_tensor(into["index"], np.array(line.split(), np.int8).reshape(into["shape"]))
        interpreter.invoke()
        steps = interpreter.get_tensor(out["index"])[0].astype(np.float32) - out["quantization"][1]
        np.testing.assert_allclose(steps / steps.sum(), classifier.probabilities(image[None])[0], atol=1e-6)
    np.testing.assert_allclose([float(share) for share in shares.split()], [0, 1 / 8, 5 / 8, 2 / 8], atol=1e-6)
