"""The endpoints of TensorFlow Serving and KServe on a running server: answers, metadata, and proper errors for bad input."""

import asyncio
import base64
import json
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from helpers.asking import ask
from helpers.images import encoded
from helpers.serving import Served, run_program
from numpy.typing import NDArray
from PIL import Image

from alzedge import __version__
from alzedge.demo.answering.example import load_example
from alzedge.demo.answering.limits import LIMITS
from alzedge.demo.answering.turns import Turns
from alzedge.demo.answering.uploads import call_here
from alzedge.demo.rest import kserve, tensorflow_serving
from alzedge.demo.rest.answering import Answering
from alzedge.demo.rest.counting import Counting, find_metrics, route_of
from alzedge.demo.rest.door import parsed
from alzedge.demo.rest.failure import Refusal
from alzedge.demo.rest.pixels import Instance
from alzedge.inference.classifier import Classifier
from alzedge.stages import DISCLAIMER, STAGES

ROOT = Path(__file__).resolve().parents[2]
V1, V2 = "/v1/models/alzedge", "/v2/models/alzedge"


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with served.client() as client:
        yield client


def png(pixels: NDArray[np.uint8]) -> dict[str, str]:
    return {"b64": base64.b64encode(encoded(Image.fromarray(pixels))).decode()}


def assert_answers(rows: list[dict[str, Any]], classifier: Classifier, pixels: NDArray[np.uint8], **told: Any) -> None:
    """Rows are the classifier's answers for slices, one by one."""
    answers = classifier.answers(pixels, **told)
    assert len(rows) == len(answers)
    for row, answer in zip(rows, answers, strict=True):
        assert answer.probabilities is not None and answer.any_dementia is not None
        assert row["probabilities"] == pytest.approx(list(answer.probabilities.values()), abs=1e-6)
        assert row["any_dementia"] == pytest.approx(answer.any_dementia.value, abs=1e-6)
        assert row["above_threshold"] == answer.any_dementia.above and row["stage"] == answer.stage
        assert row["unlikeness"] == pytest.approx(answer.unlikeness, abs=1e-3) and row["refused"] is None
        assert answer.brain_volume is not None and answer.apparent_age is not None
        assert row["brain_volume"] == pytest.approx(answer.brain_volume.value, abs=1e-4)
        assert row["apparent_age_interval"] == pytest.approx(
            [answer.apparent_age.low, answer.apparent_age.high], abs=0.06
        )


def test_slices_and_picture_files_are_answered_as_the_classifier_does(
    client: httpx.Client, classifier: Classifier, slices: NDArray[np.uint8]
) -> None:
    instances = [slices[0].tolist(), slices[1, ..., None].tolist(), png(slices[2])]
    response = client.post(f"{V1}:predict", json={"signature_name": "serving_default", "instances": instances})
    assert response.status_code == 200 and response.headers["x-disclaimer"] == DISCLAIMER
    assert response.json()["disclaimer"] == DISCLAIMER
    assert_answers(response.json()["predictions"], classifier, slices[:3])
    many = client.post(f"{V1}/versions/1:predict", json={"instances": slices.tolist()}).json()["predictions"]
    assert_answers(many, classifier, slices)


def test_age_and_sex_come_with_their_instance(
    served: Served, client: httpx.Client, classifier: Classifier, slices: NDArray[np.uint8]
) -> None:
    columns = {"images": slices[:2].tolist(), "age": [71.25, None], "sex": ["F", None]}
    told = client.post(f"{V1}:predict", json={"inputs": columns}).json()["outputs"]
    volume = classifier.answers(slices[:1], age=71.25, sex="F")[0].brain_volume
    assert volume is not None
    assert told["brain_volume_percentile"] == [pytest.approx(volume.percentile, abs=0.06), None]
    row = {"images": png(slices[0]), "age": 71.25, "sex": "F"}
    (by_row,) = client.post(f"{V1}:predict", json={"instances": [row]}).json()["predictions"]
    assert by_row["brain_volume_percentile"] == told["brain_volume_percentile"][0]
    assert "71.25" not in served.log.read_text()


def test_what_is_no_slice_is_refused_among_others(client: httpx.Client, slices: NDArray[np.uint8]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (208, 176), dtype=np.uint8)
    cat = np.random.default_rng(1).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    instances = [noise.tolist(), png(cat), png(np.rot90(load_example().slices[3])), png(slices[0])]
    refused, picture, wide, answered = client.post(f"{V1}:predict", json={"instances": instances}).json()["predictions"]
    assert wide["refused"].endswith("turn it so that posterior is at the top, 176 wide and 208 high")
    for one in (refused, picture, wide):
        assert one["probabilities"] is None and one["any_dementia"] is None and one["unlikeness"] > 1
        assert one["refused"].startswith("this does not look like an axial brain MRI slice")
    assert answered["refused"] is None and len(answered["probabilities"]) == len(STAGES)
    tensor = {"name": "images", "shape": [1, 208, 176], "datatype": "UINT8", "data": noise.ravel().tolist()}
    told = client.post(f"{V2}/infer", json={"inputs": [tensor]}).json()
    outputs = {one["name"]: one["data"] for one in told["outputs"]}
    assert outputs["probabilities"] == [None] * 4 and outputs["stage"] == [""] and outputs["refused"][0]


def test_status_health_and_metadata(client: httpx.Client, classifier: Classifier) -> None:
    (status,) = client.get(V1).json()["model_version_status"]
    assert (status["version"], status["state"], status["status"]["error_code"]) == ("1", "AVAILABLE", "OK")
    told = client.get(f"{V1}/versions/1/metadata").json()
    signature = told["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert [d["size"] for d in signature["inputs"]["images"]["tensor_shape"]["dim"]] == ["-1", "208", "176"]
    assert (
        signature["inputs"]["images"]["dtype"] == "DT_UINT8" and signature["outputs"]["stage"]["dtype"] == "DT_STRING"
    )
    about = told["metadata"]["alzedge"]
    assert about["sha256"] == classifier.record["sha256"] and about["disclaimer"] == DISCLAIMER
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    assert client.get("/v2").json()["version"] == __version__
    assert client.get(f"{V2}/ready").json() == {"name": "alzedge", "ready": True}
    model = client.get(f"{V2}/versions/1").json()
    assert model["inputs"][0] == {"name": "images", "datatype": "UINT8", "shape": [-1, 208, 176]}
    assert model["parameters"]["labels"] == list(STAGES) and model["platform"] == "litert"
    assert client.head(f"{V2}/ready").content == b""


def test_kserve_s_three_forms_of_a_slice_get_the_same_answer(
    client: httpx.Client, classifier: Classifier, slices: NDArray[np.uint8]
) -> None:
    def tensor(**entries: Any) -> dict[str, Any]:
        return {"name": "images", "shape": [2, 208, 176], "datatype": "UINT8", **entries}

    flat = {"id": "a7", "inputs": [tensor(data=slices[:2].ravel().tolist())], "outputs": [{"name": "any_dementia"}]}
    told = client.post(f"{V2}/infer", json=flat).json()
    assert (told["id"], told["model_name"], told["model_version"]) == ("a7", "alzedge", "1")
    assert told["parameters"]["disclaimer"] == DISCLAIMER
    (output,) = told["outputs"]
    expected = [
        one.any_dementia and pytest.approx(one.any_dementia.value, abs=1e-6) for one in classifier.answers(slices[:2])
    ]
    assert output == {"name": "any_dementia", "shape": [2], "datatype": "FP32", "data": expected}
    raw = slices[:2].tobytes()
    head = json.dumps({**flat, "inputs": [tensor(parameters={"binary_data_size": len(raw)})]}).encode()
    length = {"Inference-Header-Content-Length": str(len(head)), "Content-Type": "application/octet-stream"}
    assert client.post(f"{V2}/infer", content=head + raw, headers=length).json() == told
    files = [png(one)["b64"] for one in slices[:2]]
    pictures = {"name": "images", "shape": [2], "datatype": "BYTES", "data": files}
    assert client.post(f"{V2}/infer", json={**flat, "inputs": [pictures]}).json() == told
    aged = [tensor(data=slices[:2].tolist()), {"name": "age", "shape": [2], "datatype": "FP32", "data": [71.25, None]}]
    whole = client.post(f"{V2}/infer", json={"inputs": aged}).json()["outputs"]
    percentile = next(one for one in whole if one["name"] == "brain_volume_percentile")["data"]
    assert percentile[0] is not None and percentile[1] is None


def test_many_at_once_get_their_own_answers(served: Served, classifier: Classifier, slices: NDArray[np.uint8]) -> None:
    def ask(number: int) -> None:
        one = slices[number % len(slices)]
        with served.client() as client:
            for instance in (one.tolist(), png(one)):
                rows = client.post(f"{V1}:predict", json={"instances": [instance]}).json()["predictions"]
                assert_answers(rows, classifier, one[None])

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(ask, range(32)))


ROW = [0] * 176
SLICE = [ROW] * 208
DEEP = "[" * 3000 + "]" * 3000


def images(**entries: Any) -> dict[str, Any]:
    return {"inputs": [{"name": "images", "shape": [1, 208, 176], "datatype": "UINT8", **entries}]}


@pytest.mark.parametrize(
    ("path", "question", "status", "words"),
    [
        (f"{V1}:predict", "{", 400, "JSON Parse error"),
        (f"{V1}:predict", "", 400, "JSON Parse error"),
        (f"{V1}:predict", DEEP, 400, "JSON Parse error"),
        (f"{V1}:predict", '{"instances": [[NaN]]}', 400, "JSON Parse error"),
        (f"{V1}:predict", "[1]", 400, "Missing 'inputs' or 'instances'"),
        (f"{V1}:predict", {"instances": SLICE, "inputs": SLICE}, 400, "Missing 'inputs' or 'instances'"),
        (f"{V1}:predict", {"instances": [SLICE], "more": 1}, 400, "'more'"),
        (f"{V1}:predict", {"instances": [SLICE], "signature_name": "other"}, 400, "serving_default"),
        (f"{V1}:predict", {"instances": {}}, 400, "not a list"),
        (f"{V1}:predict", {"instances": []}, 400, "No instances"),
        (f"{V1}:predict", {"instances": SLICE}, 413, "208 instances"),
        (f"{V1}:predict", {"instances": [0] * 10**6}, 413, "1000000 instances"),
        (f"{V1}:predict", {"instances": [[]] * 10**6}, 413, "lists are too many"),
        (f"{V1}:predict", {"instances": [SLICE[1:]]}, 400, "instances[0]: a list of 207"),
        (f"{V1}:predict", {"instances": [SLICE, [ROW[1:], *SLICE[1:]]]}, 400, "instances[1]: a row that is a list of 175"),
        (f"{V1}:predict", {"instances": [[7, *SLICE[1:]]]}, 400, "a row that is a number"),
        (f"{V1}:predict", {"instances": [[[[0, 0, 0]] * 176] * 208]}, 400, "more than one channel"),
        (f"{V1}:predict", {"instances": [[[0.5] * 176] * 208]}, 400, "not a whole number from 0 to 255"),
        (f"{V1}:predict", {"instances": [[[256] * 176] * 208]}, 400, "not a whole number from 0 to 255"),
        (f"{V1}:predict", {"instances": [[[-1] * 176] * 208]}, 400, "not a whole number from 0 to 255"),
        (f"{V1}:predict", {"instances": [[["0"] * 176] * 208]}, 400, "not a whole number from 0 to 255"),
        (f"{V1}:predict", {"instances": [[[None] * 176] * 208]}, 400, "not a whole number from 0 to 255"),
        (f"{V1}:predict", {"instances": [[*SLICE[1:], [True, *ROW[1:]]]]}, 400, "A truth value"),
        (f"{V1}:predict", {"instances": [{"b64": "mjau!"}]}, 400, "instances[0]: not base64"),
        (f"{V1}:predict", {"instances": [{"b64": 7}]}, 400, "instances[0]: not base64"),
        (f"{V1}:predict", {"instances": [{"b64": "bWVvdw=="}]}, 400, "instances[0]: not a JPEG, PNG"),
        (f"{V1}:predict", {"instances": [{"pixels": SLICE}]}, 400, "an input named 'pixels'"),
        (f"{V1}:predict", {"instances": [{"images": SLICE, "age": 700}]}, 400, "instances[0]: An age of 700"),
        (f"{V1}:predict", {"instances": [{"images": SLICE, "sex": "X"}]}, 400, "'X'"),
        (f"{V1}:predict", {"inputs": {"images": [SLICE], "age": [1, 2]}}, 400, "'age' is not a list as long"),
        ("/v1/models/other:predict", {"instances": [SLICE]}, 404, "Servable not found for request: Latest(other)"),
        (f"{V1}/versions/7:predict", {"instances": [SLICE]}, 404, "Servable not found for request: Specific(alzedge, 7)"),
        (f"{V1}:classify", {"instances": [SLICE]}, 404, "Malformed request: POST"),
        (f"{V2}/infer", "nonsense", 400, "JSON Parse error"),
        (f"{V2}/infer", {"instances": [SLICE]}, 400, "No 'inputs'"),
        (f"{V2}/infer", {"inputs": []}, 400, "'images', once"),
        (f"{V2}/infer", images(datatype="FP32", data=[0]), 400, "the datatype is UINT8"),
        (f"{V2}/infer", images(shape=[1, 208], data=[0]), 400, "a shape other than [N, 208, 176]"),
        (f"{V2}/infer", images(shape=[10**6, 208, 176], data=[0]), 413, "1000000 instances"),
        (f"{V2}/infer", images(data=[0] * 36607), 400, "36607 values"),
        (f"{V2}/infer", images(shape=[2, 208, 176], data=[0] * 36608), 400, "1 slices of data, but a shape of 2"),
        (f"{V2}/infer", images(parameters={"binary_data_size": 36608}), 400, "0 bytes follow"),
        (f"{V2}/infer", {**images(data=SLICE), "outputs": [{"name": "logits"}]}, 400, "'outputs' names one"),
        ("/v2/models/other/infer", images(data=SLICE), 404, "Servable not found"),
        (f"{V2}/versions/7/infer", images(data=SLICE), 404, "Servable not found"),
    ],
)  # fmt: skip
def test_bad_input_is_an_error_in_tensorflow_serving_s_form(
    client: httpx.Client, path: str, question: Any, status: int, words: str
) -> None:
    body = question if isinstance(question, str) else json.dumps(question)
    response = client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == status and set(response.json()) == {"error"}
    assert words in response.json()["error"] and len(response.text) < 400
    assert client.get("/healthz").json()["status"] == "ok"


JUNK = [
    None,
    True,
    -1,
    0.5,
    2**70,
    "",
    "b64",
    [],
    [[]],
    {},
    {"b64": 1},
    {"b64": ""},
    [None] * 208,
    "UINT8",
    "BYTES",
    [-1, 208, 176],
]


def mutated(value: Any, rng: np.random.Generator) -> Any:
    """A value with one of its parts replaced by junk, somewhere near its top."""
    if not isinstance(value, dict | list) or not value or rng.random() < 0.25:
        return JUNK[rng.integers(len(JUNK))]
    chosen = rng.integers(len(value))
    if isinstance(value, list):
        return [mutated(one, rng) if row == chosen else one for row, one in enumerate(value)]
    names = list(value)
    return {
        name if rng.random() < 0.95 else "x": mutated(value[name], rng) if name == names[chosen] else value[name]
        for name in names
    }


def test_no_question_however_wrong_ends_in_anything_but_its_refusal() -> None:
    rng = np.random.default_rng(15)
    row = {"images": SLICE, "age": 70, "sex": "F"}
    v1 = [{"instances": [SLICE, {"b64": "AAAA"}, row]}, {"inputs": {"images": [SLICE], "age": [7], "sex": ["M"]}}]
    raw = {**images(parameters={"binary_data_size": 36608}), "outputs": [{"name": "stage"}]}
    v2 = [
        images(data=SLICE),
        raw,
        {"inputs": [{"name": "images", "shape": [1], "datatype": "BYTES", "data": ["AAAA"]}]},
    ]
    refused = 0
    for number in range(600):
        body = parsed(json.dumps(mutated((v1 + v2)[number % 5], rng)).encode().replace(b"true", b"1"))
        try:
            if number % 5 < 2:
                tensorflow_serving.read_question(body)
            else:
                kserve.read_question(body, bytes(36608))
                kserve.wanted_outputs(body)
        except Refusal as refusal:
            assert refusal.status in (400, 413) and len(refusal.sentence) < 300
            refused += 1
    assert refused > 400


def test_paths_and_headers_that_are_not_there_are_errors_of_the_same_form(client: httpx.Client) -> None:
    for method, path, status in (
        ("GET", "/v1/models/other", 404),
        ("GET", f"{V1}/labels/stable", 404),
        ("GET", f"{V1}:predict", 404),
        ("DELETE", V1, 405),
        ("GET", "/v2/models/other/ready", 404),
        ("GET", "/v2/nothing", 404),
        ("POST", f"{V2}/generate", 404),
    ):
        response = client.request(method, path)
        assert (response.status_code, set(response.json())) == (status, {"error"}), path
    chunked = client.post(f"{V1}:predict", content=iter([b"{}"]))
    large = client.post(f"{V1}:predict", content=b" " * (2**24 + 1))
    packed = client.post(f"{V1}:predict", content=b"{}", headers={"Content-Encoding": "gzip"})
    lying = client.post(f"{V2}/infer", content=b"{}", headers={"Inference-Header-Content-Length": "9"})
    assert [one.status_code for one in (chunked, large, packed, lying)] == [411, 413, 415, 400]
    assert all(set(one.json()) == {"error"} for one in (chunked, large, packed, lying))
    assert client.get(V1).status_code == 200


def test_a_picture_with_text_outside_the_head_is_not_answered(client: httpx.Client, slices: NDArray[np.uint8]) -> None:
    from PIL import ImageDraw, ImageFont

    image = Image.fromarray(slices[0])
    ImageDraw.Draw(image).text((4, 2), "DOE JANE 1950", 255, ImageFont.load_default(12))
    response = client.post(f"{V1}:predict", json={"instances": [png(np.asarray(image))]})
    assert response.status_code == 400 and response.json()["error"].startswith("instances[0]: ")


DASHBOARD = ROOT / "docs" / "grafana.json"
SAMPLE = re.compile(r"^(\w+?)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


def samples(client: httpx.Client) -> dict[tuple[str, str], float]:
    """Values that `/metrics` tells, by name and labels."""
    response = client.get("/metrics")
    assert response.status_code == 200 and response.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {(name, labels): float(value) for name, labels, value in SAMPLE.findall(response.text)}


def test_metrics_count_answers_refusals_and_requests_and_name_nobody(
    client: httpx.Client, classifier: Classifier, slices: NDArray[np.uint8]
) -> None:
    (stage,) = {one.stage for one in classifier.answers(slices[:1])}
    before = samples(client)
    noise = np.random.default_rng(0).integers(0, 256, (208, 176), dtype=np.uint8)
    row = {"images": slices[0].tolist(), "age": 83.125, "sex": "F"}
    assert client.post(f"{V1}:predict", json={"instances": [row, noise.tolist()]}).status_code == 200
    assert client.post(f"{V1}:predict", json={"instances": [7]}).status_code == 400
    client.get("/ZQDOE_JANE")
    ask(client, [("ZQDOE_JANE.png", encoded(Image.fromarray(slices[0])))])
    after = samples(client)

    def grown(name: str, labels: str = "") -> float:
        return after[name, labels] - before.get((name, labels), 0)

    assert grown("alzedge_answers_total", f'stage="{stage}"') == 2, "the page's endpoint is counted too"
    assert grown("alzedge_refusals_total") == 1 and grown("alzedge_unlikeness_count") == 3
    assert grown("alzedge_any_dementia_count") == 2
    assert grown("alzedge_requests_total", 'route="tensorflow_serving",status="200"') == 1
    assert grown("alzedge_requests_total", 'route="tensorflow_serving",status="400"') == 1
    assert grown("alzedge_request_seconds_count", 'route="endpoint"') == 2
    assert after["alzedge_image_brain_area_count", ""] >= 1 and after["alzedge_questions_waiting", ""] == 0
    (model,) = [labels for name, labels in after if name == "alzedge_model_info"]
    assert f'sha256="{classifier.record["sha256"]}"' in model and f'version="{__version__}"' in model
    text = client.get("/metrics").text
    assert not [word for word in ("ZQDOE", "127.0.0.1") if word in text]
    # As a number of its own, told whole or rounded: a sum such as 183.12 is no age.
    assert not re.findall(r"(?<![\d.])83(?:\.1|\.125|\.13)?(?![\d.])", text)


@pytest.mark.skipif(not DASHBOARD.is_file(), reason="needs the checkout with its documents")
def test_the_dashboard_asks_for_figures_that_are_there(client: httpx.Client) -> None:
    given: dict[str, set[str]] = {}
    for name, labels in samples(client):
        given.setdefault(name, set()).update(re.findall(r"(\w+)=", labels))
    board = json.loads(DASHBOARD.read_text("utf-8"))
    queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert len(queries) > 15 and "not a medical device" in board["description"]
    for query in queries:
        names = set(re.findall(r"(?:alzedge|process)_\w+", query))
        assert names and names <= set(given), query
        asked = {label for group in re.findall(r"by \(([^)]*)\)", query) for label in group.split(", ")}
        asked |= set(re.findall(r"(\w+)=~?\"", query)) - {"instance"}  # which Prometheus itself adds
        assert all(asked <= given[name] for name in names), query
        assert query.count("(") == query.count(")") and query.count("{") == query.count("}")


@pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="needs the checkout with its documents")
def test_the_programs_of_the_guide_run_as_they_stand(served: Served, slices: NDArray[np.uint8], tmp_path: Path) -> None:
    text = (ROOT / "docs" / "serving.md").read_text("utf-8").replace("http://localhost:7860", served.address)
    for name, pixels in (("slice.png", slices[0]), ("other.png", slices[1])):
        (tmp_path / name).write_bytes(encoded(Image.fromarray(pixels)))
    programs = re.findall(r"^```(python|bash)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    told = [run_program(language, program, tmp_path) for language, program in programs if served.address in program]
    assert len(told) == 4 and all("NonDemented" in output for output in told), told


def test_without_prometheus_client_the_endpoint_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, classifier: Classifier
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    metrics = find_metrics(classifier.record, int)
    assert metrics is None
    sent: list[Any] = []

    async def take(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "path": "/metrics", "method": "GET", "headers": []}
    asyncio.run(Counting(None, metrics)(scope, None, take))  # type: ignore[arg-type]
    assert sent[0]["status"] == 501 and b"pip install 'alzedge[mlops]'" in sent[1]["body"]


def test_a_path_becomes_one_of_a_few_names() -> None:
    paths = ("/v1/models/a:predict", "/v2/x", "/gradio_api/call/predict/1", "/gradio_api/queue/data", "/", "/doe/jane")
    assert [route_of(path) for path in paths] == ["tensorflow_serving", "kserve", "endpoint", "stream", "page", "other"]


def test_a_log_is_told_of_slices_and_answers(classifier: Classifier, slices: NDArray[np.uint8]) -> None:
    """And whose they are: a single slice is one person's, several may be of several people."""
    kept: list[tuple[int, bool]] = []

    def keep(images: Any, answers: Any, person: Any, heights: Any, one_person: bool) -> None:
        assert len(images) == len(answers) and person.probabilities is not None and not heights
        kept.append((len(images), one_person))

    async def scenario() -> None:
        answering = Answering(classifier, LIMITS, call_here, Turns(), keep)
        for count in (1, 2):
            await answering([Instance("", one) for one in slices[:count]], "visitor")

    asyncio.run(scenario())
    assert kept == [(1, True), (2, False)]
