"""The page as an open server: its endpoints, its limits, and what must not be reachable."""

import contextlib
import http.client
import http.server
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from helpers.asking import API, ask, file_data, question, read, upload
from helpers.images import encoded
from helpers.serving import Served, run_program
from helpers.volumes import as_grid, save_nifti
from numpy.typing import NDArray
from PIL import Image
from test_identity import planted_series
from test_uploads import BAD_INPUT

from alzedge.data.dataset import DataSet
from alzedge.inference.classifier import Classifier
from alzedge.stages import DISCLAIMER

ROOT = Path(__file__).resolve().parents[2]


def png(pixels: NDArray[np.uint8]) -> bytes:
    return encoded(Image.fromarray(pixels))


def shares(classifier: Classifier, pixels: NDArray[np.uint8]) -> dict[str, float]:
    (answer,) = classifier.answers(pixels[np.newaxis])
    assert answer.probabilities is not None
    return pytest.approx(answer.probabilities, abs=1e-6)


def test_predict_answers_for_a_slice_as_the_classifier_does(
    served: Served, classifier: Classifier, slices: NDArray[np.uint8]
) -> None:
    with served.client() as client:
        event, (answer,) = ask(client, [("<img src=x>.png", png(slices[3]))])
    assert event == "complete"
    assert answer["probabilities"] == shares(classifier, slices[3]) and answer["refused"] is None
    assert answer["model"]["sha256"] == classifier.record["sha256"] and answer["labels"] == list(classifier.labels)
    assert answer["disclaimer"] == DISCLAIMER and answer["latency_ms"]["answering"] > 0
    score = pytest.approx(1 - answer["probabilities"]["NonDemented"], abs=2e-6)
    threshold = classifier.record["operating_threshold"]["value"]
    assert list(answer)[2] == "any_dementia" and answer["any_dementia"] == {
        "value": score, "threshold": threshold, "above": answer["any_dementia"]["value"] >= threshold,
    }  # fmt: skip
    assert not answer["volume"] and len(answer["slices"]) == 1


def test_predict_answers_for_a_volume_and_for_its_person(
    served: Served, classifier: Classifier, slices: NDArray[np.uint8], tmp_path: Path
) -> None:
    path = save_nifti(tmp_path / "head.nii.gz", as_grid(slices[:5]))
    with served.client() as client:
        _, (answer,) = ask(client, [read(path)])
    told = classifier.predict(path, prepare=False)
    assert answer["volume"] and answer["name"] == "head.nii.gz"
    assert [one["probabilities"] for one in answer["slices"]] == [
        one.probabilities and pytest.approx(one.probabilities, abs=1e-6) for one in told.slices
    ]
    assert answer["probabilities"] == pytest.approx(told.person.probabilities, abs=1e-6)


def test_an_age_and_a_sex_may_come_with_the_files_and_are_not_logged(
    served: Served, classifier: Classifier, slices: NDArray[np.uint8]
) -> None:
    def ask_with(*told: object, files: Sequence[str] = ()) -> httpx.Response:
        data = [[file_data(path) for path in files], *told]
        return client.post(f"{API}/call/predict", json={"data": data})

    with served.client() as client:
        for told, words in (
            ((0,), "age of 0"),
            ((700, "F"), "age of 700"),
            ((71, "X"), "'X'"),
            (("71",), "not a number"),
        ):
            refused = ask_with(*told)
            assert refused.status_code == 400 and words in refused.text and "Traceback" not in refused.text
        event = ask_with(71.375, "F", files=upload(client, [("a.png", png(slices[0]))])).json()["event_id"]
        told_back = client.get(f"{API}/call/predict/{event}").text
        assert "event: complete" in told_back
        volume = json.loads(told_back.split("data: ", 1)[1])[0]["brain_volume"]
        expected = classifier.answers(slices[:1], age=71.375, sex="F")[0].brain_volume
        assert expected is not None and expected.percentile is not None
        assert volume["percentile"] == pytest.approx(expected.percentile, abs=0.06)
    assert "71.375" not in served.log.read_text() and "71.375" not in told_back


def test_what_is_no_slice_is_refused_without_probabilities(served: Served, phantoms: DataSet) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    with served.client() as client:
        for pixels in (noise, phantoms.images[2]):
            event, (answer,) = ask(client, [("cat.png", png(pixels))])
            assert event == "complete" and answer["probabilities"] is None and answer["stage"] is None
            assert answer["refused"].startswith("this does not look like an axial brain MRI slice")
            assert answer["unlikeness"] > 1


def test_a_batch_goes_on_after_a_bad_file(served: Served, classifier: Classifier, slices: NDArray[np.uint8]) -> None:
    files = [("a.png", png(slices[0])), ("b.jpg", b"meow"), ("c.png", png(slices[1]))]
    with served.client() as client:
        _, (answers,) = ask(client, files, "predict_batch")
    assert [answer["name"] for answer in answers] == ["a.png", "b.jpg", "c.png"]
    assert answers[0]["probabilities"] == shares(classifier, slices[0])
    assert "not a JPEG, PNG" in answers[1]["error"]
    assert answers[2]["probabilities"] == shares(classifier, slices[1])


def test_a_bad_file_among_several_slices_loses_only_itself(
    served: Served, classifier: Classifier, slices: NDArray[np.uint8]
) -> None:
    files = [("a.png", png(slices[0])), ("b.jpg", b"meow"), ("c.png", png(slices[1]))]
    with served.client() as client:
        event, (answer,) = ask(client, files)
    assert event == "complete" and [one["name"] for one in answer["slices"]] == ["a.png", "c.png"]
    assert [one["name"] for one in answer["unread"]] == ["b.jpg"] and "not a JPEG" in answer["unread"][0]["error"]
    both = classifier.person(classifier.answers(slices[:2])).probabilities
    assert answer["probabilities"] == pytest.approx(both, abs=1e-6)


def test_two_visitors_with_the_same_file_do_not_share_it(served: Served, slices: NDArray[np.uint8]) -> None:
    with served.client() as client:
        mine, theirs = (upload(client, [("slice.png", png(slices[0]))])[0] for _ in range(2))
        assert mine != theirs and Path(mine).name == Path(theirs).name == "slice.png"
        assert question(client, "predict", [mine])[0] == question(client, "predict", [theirs])[0] == "complete"

    def asked(_: int) -> Any:
        with served.client() as client:
            return ask(client, [("slice.png", png(slices[0]))])[0]

    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(asked, range(24))) == ["complete"] * 24


@pytest.mark.slow
def test_a_file_made_to_be_slow_ends_its_worker_only(served: Served, slices: NDArray[np.uint8]) -> None:
    """A progressive JPEG decodes all its scans again and again; others are answered meanwhile."""
    answers: list[Any] = []

    def attack() -> None:
        with served.client() as client:
            answers.append(ask(client, [("slow.jpg", slow_jpeg())]))

    thread = threading.Thread(target=attack)
    thread.start()
    with served.client() as client:
        start = time.perf_counter()
        assert ask(client, [("slice.png", png(slices[0]))])[0] == "complete"
        assert time.perf_counter() - start < 5
        thread.join(60)
    assert answers and (answers[0][0] == "error" or answers[0][1][0]["refused"])


def slow_jpeg() -> bytes:
    """A black progressive JPEG of 23 million pixels whose last scan is repeated until it has 600 KB: over 20 s to decode."""
    plain = encoded(Image.new("L", (4800, 4800)), "JPEG", progressive=True)
    scan = plain[plain.rindex(b"\xff\xda") : -2]
    return plain[:-2] + scan * (600_000 // len(scan)) + plain[-2:]


def test_many_at_once_get_their_own_answers(served: Served, classifier: Classifier, slices: NDArray[np.uint8]) -> None:
    """One interpreter serves all: nobody may get the answer to another's slice."""

    def asked(number: int) -> Any:
        with served.client() as client:
            return ask(client, [(f"{number}.png", png(slices[number]))])[1][0]

    with ThreadPoolExecutor(len(slices)) as pool:
        answers = list(pool.map(asked, range(len(slices))))
    for number, answer in enumerate(answers):
        assert answer["name"] == f"{number}.png" and answer["probabilities"] == shares(classifier, slices[number])


def test_bad_input_is_an_error_with_its_sentence_and_the_server_goes_on(
    served: Served, classifier: Classifier, slices: NDArray[np.uint8], phantoms: DataSet, tmp_path: Path
) -> None:
    with served.client() as client:
        # test_uploads.py tries them all, without a server.
        for case in ("text", "16 bits", "huge picture", "200 slices", "gzip bomb", "4D", "encapsulated", "two volumes"):
            make, words = BAD_INPUT[case]
            folder = tmp_path / case
            folder.mkdir()
            paths = make(folder, phantoms.images[:5])
            event, data = ask(client, [read(path) for path in paths])
            if event == "complete" and data[0]["refused"]:
                continue  # a picture that the guard takes for no slice, whatever its size or mode
            assert event == "error" and words in data["error"], (case, data)
            assert served.folder.name not in data["error"] and "/" not in data["error"].split("; ")[0], data
        event, (answer,) = ask(client, [("slice.png", png(slices[5]))])
    assert event == "complete" and answer["probabilities"] == shares(classifier, slices[5])


def test_uploads_are_gone_when_they_have_been_answered(served: Served, slices: NDArray[np.uint8]) -> None:
    with served.client() as client:
        before = set(served.files())
        paths = upload(client, [("slice.png", png(slices[0])), ("bad.png", b"no")])
        assert set(map(Path, paths)) <= set(served.files())
        assert question(client, "predict", paths[:1])[0] == "complete"
        assert question(client, "predict", paths[1:])[0] == "error"
        assert set(served.files()) <= before
        event, data = question(client, "predict", paths[:1])
        assert event == "error" and "answered before" in data["error"]


def raw(served: Served, method: str, target: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
    """Status and body of a request whose path is sent as it stands."""
    connection = http.client.HTTPConnection(served.address.removeprefix("http://"), timeout=60)
    with contextlib.closing(connection):
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders(body)
        response = connection.getresponse()
        return response.status, response.read(2**20)


PASSWORDS = "/etc/passwd"
FILE_ROUTES = [
    "/file=/etc/passwd",
    "/gradio_api/file=/etc/passwd",
    "/gradio_api/file=../../../../etc/passwd",
    "/gradio_api/file=%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "/gradio_api/file=%252e%252e%252fetc%252fpasswd",
    "/gradio_api/file=..%5c..%5cetc%5cpasswd",
    "/gradio_api/file=//etc/passwd",
    "/gradio_api/file=%2f%2fetc%2fpasswd",
    "/gradio_api/file=/proc/self/environ",
    "/gradio_api/file=/proc/self/cwd/pyproject.toml",
    "/gradio_api/file={folder}/../../../../../../etc/passwd",
    "/gradio_api/file={folder}/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/gradio_api/file={folder}%00/etc/passwd",
    "/gradio_api/file=file:///etc/passwd",
    "/gradio_api/file=\\\\127.0.0.1\\share\\x",
    "/gradio_api/file=http://127.0.0.1:{port}/secret",
    "/gradio_api/file=HTTP://127.0.0.1:{port}/secret",
    "/gradio_api/file/etc/passwd",
    "/gradio_api/file=pyproject.toml",
    "/gradio_api/file=.gradio/cached_examples",
    "/gradio_api/proxy=http://127.0.0.1:{port}/secret",
    "/gradio_api/proxy=https://huggingface.co/secret",
    "/proxy=http://127.0.0.1:{port}/secret",
    "/gradio_api/stream/a/1/1/playlist.m3u8",
    "/static/../../../../../../../../etc/passwd",
    "/static/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/static//etc/passwd",
    "/assets/..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
    "/assets//etc/passwd",
    "/svelte/../../../../../../../../etc/passwd",
    "/svelte/%2fetc%2fpasswd",
    "/gradio_api/custom_component/1/client/component/../../../../../etc/passwd",
    "/gradio_api/vibe-code/",
    "/gradio_api/dev/reload",
    "/gradio_api/runs",
    "/gradio_api/deep_link?session_hash=a",
    "/?deep_link=../../../../etc/passwd",
    "/monitoring",
    "/docs",
    "/openapi.json",
]


@dataclass(frozen=True)
class Inside:
    """A server in the same network that strangers cannot reach, and the requests it got all the same."""

    port: int
    requests: list[str]


@pytest.fixture(scope="module")
def inside() -> Iterator[Inside]:
    requests: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"root:secret")

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Inside(server.server_port, requests)
        server.shutdown()


def test_no_file_of_the_server_and_no_other_server_is_reachable_by_a_route(served: Served, inside: Inside) -> None:
    (folder,) = served.folder.glob("alzedge-demo-*")
    for route in FILE_ROUTES:
        target = route.format(folder=folder, port=inside.port)
        status, body = raw(served, "GET", target)
        assert b"root:" not in body and b"[project]" not in body and b"PATH=" not in body, target
        assert status in (400, 403, 404, 422) or (target.startswith("/?") and b"<html" in body), (target, status)
    assert inside.requests == []


def test_no_file_of_the_server_is_reachable_by_a_question(
    served: Served, inside: Inside, slices: NDArray[np.uint8]
) -> None:
    """Every handler of the page and the API, public or private, is asked about files that nobody uploaded."""
    secret = served.folder.parent / "secret.png"
    secret.write_bytes(png(slices[0]))
    (folder,) = served.folder.glob("alzedge-demo-*")
    link = folder / "link.png"
    link.symlink_to(secret)
    addresses = [f"http://127.0.0.1:{inside.port}/secret.png", f"{folder}/../../secret.png", f"\\\\127.0.0.1\\{secret}"]
    with served.client() as client:
        functions = client.get("config").json()["dependencies"]
        assert {function["api_name"] for function in functions if function["api_visibility"] == "public"} == {
            "predict",
            "predict_batch",
        }
        for path in [str(secret), PASSWORDS, "pyproject.toml", str(link), str(folder), "", *addresses]:
            asked = client.post(f"{API}/call/predict", json={"data": [[file_data(path)]]})
            if asked.status_code == 200:
                answered = client.get(f"{API}/call/predict/{asked.json()['event_id']}").text
                assert answered.startswith("event: error") and "probabilities" not in answered, (path, answered)
                assert "root:" not in answered and str(secret) not in answered.replace(path, "")
            else:
                assert asked.status_code == 400, path
            if path in (str(secret), str(link)):
                for function in functions:
                    ask_privately(client, function, path)
    link.unlink()
    # Had a handler copied a file into its cache, it would lie there now, and could be asked for.
    kept = [
        file for file in served.files() if b"root:" in file.read_bytes() or file.read_bytes() == secret.read_bytes()
    ]
    assert kept == [] and inside.requests == []


def ask_privately(client: httpx.Client, function: dict[str, Any], path: str) -> None:
    """Join the queue as the page itself does, each input a file."""
    for value in (file_data(path), [file_data(path)]):
        body = {
            "data": [value] * len(function["inputs"]),
            "fn_index": function["id"],
            "session_hash": f"attack{function['id']}",
        }
        joined = client.post(f"{API}/queue/join", json=body)
        assert joined.status_code in (200, 400, 422, 500), joined.text
        if joined.status_code == 200:
            with client.stream("GET", f"{API}/queue/data", params={"session_hash": body["session_hash"]}) as stream:
                text = "".join(stream.iter_text())
            assert "root:" not in text and "probabilities" not in text, text


def test_other_routes_of_gradio_are_not_there(served: Served) -> None:
    body = json.dumps({"data": [1], "fn_name": "move_resource_to_block_cache", "component_id": 1, "session_hash": "a"})
    routes = ["component_server", "run/predict", "api/predict", "vibe-edit", "vibe-code", "process_recording"]
    for route in [f"/{API}/{name}" for name in routes] + ["/login", "/healthz", "/config"]:
        status, _ = raw(served, "POST", route, body.encode(), Content_Type="application/json")
        assert status == 404, route
    assert raw(served, "DELETE", "/config")[0] == 405
    assert raw(served, "PUT", f"/{API}/upload", b"x")[0] == 405


def test_upload_names_do_not_leave_the_folder(served: Served, tmp_path: Path) -> None:
    with served.client() as client:
        for name in (
            "../../../evil.png",
            "..\\..\\evil.png",
            "/tmp/evil.png",
            f"{tmp_path}/evil.png",
            "..",
            "e\0vil.png",
        ):
            response = client.post(f"{API}/upload", files=[("files", (name, b"pixels"))])
            stored = response.json() if response.status_code == 200 else []
            assert all(Path(path).resolve().is_relative_to(served.folder) for path in stored), stored
    assert not Path("/tmp/evil.png").exists() and not list(tmp_path.iterdir())
    assert not list(served.folder.parent.glob("evil.png"))


def test_bodies_are_bounded_before_they_are_read(served: Served) -> None:
    form = {"Content_Type": "multipart/form-data; boundary=x"}
    assert raw(served, "POST", f"/{API}/upload", Content_Length=str(2**30), **form)[0] == 413
    assert raw(served, "POST", f"/{API}/call/predict", Content_Length=str(2**21))[0] == 413
    connection = http.client.HTTPConnection(served.address.removeprefix("http://"), timeout=60)
    with contextlib.closing(connection):
        connection.request(
            "POST", f"/{API}/upload", body=iter([b"x"]), encode_chunked=True, headers={"Transfer-Encoding": "chunked"}
        )
        assert connection.getresponse().status == 411
    for body in (b"", b"{", b"[" * 100_000, b"\xff"):
        assert raw(served, "POST", f"/{API}/call/predict", body, Content_Type="application/json")[0] == 400


def test_the_number_of_parts_is_bounded(served: Served) -> None:
    with served.client() as client:
        before = set(served.files())
        files = [("files", (f"{number}.png", b"x")) for number in range(601)]
        assert client.post(f"{API}/upload", files=files).status_code == 413
        told = client.post(f"{API}/upload", files=[("files", (None, "x" * 100_000))])
        assert (told.status_code, told.text) == (400, "Upload files only: a part of the form is not a file")
        assert client.post(f"{API}/upload", content=b"x", headers={"content-type": "text/plain"}).status_code == 400
        assert set(served.files()) <= before


def wait_until(holds: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for what must come about."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(("visitors", "parts"), [(6, 500), pytest.param(50, 150, marks=pytest.mark.slow)])
def test_uploads_hold_no_descriptor_for_each_part(served: Served, visitors: int, parts: int) -> None:
    """Neither while the parts arrive, from several visitors at once, nor when they hang up in the middle."""
    part = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\nx\r\n'
    head = f"POST /{API}/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n"
    descriptors = Path(f"/proc/{served.process.pid}/fd")
    before, arriving = len(list(descriptors.iterdir())), len(served.files())
    with contextlib.ExitStack() as stack:
        for _ in range(visitors):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", served.port), 60))
            connection.sendall(head.encode() + parts * part)
        whole = visitors * (parts - 10)  # the last ones wait for their ends
        wait_until(lambda: len(served.files()) >= arriving + whole, 120)
        with served.client() as client:
            assert upload(client, [("a.png", b"x")]), "others are served meanwhile"
        assert len(list(descriptors.iterdir())) <= before + visitors + 10
    wait_until(lambda: len(served.files()) <= arriving + 1, 120)
    assert len(list(descriptors.iterdir())) <= before + 10


def test_a_wrong_value_is_not_logged_whole(served: Served) -> None:
    """Beside other limits of the log; see `alzedge.demo.serving.log_lines`."""
    with served.client() as client:
        functions = client.get("config").json()["dependencies"]
        stages = [one for one in functions if one["targets"] and len(one["inputs"]) == 1]
        for function in stages[:6]:
            body = {"data": ["x" * 900_000], "fn_index": function["id"], "session_hash": "long"}
            client.post(f"{API}/queue/join", json=body)
        client.get("healthz")
    time.sleep(0.3)
    assert max(map(len, served.log.read_text().splitlines()), default=0) < 400


def test_health_and_headers(served: Served, classifier: Classifier) -> None:
    with served.client() as client:
        health = client.get("healthz")
        assert health.json()["status"] == "ok" and health.json()["model"] == classifier.record["sha256"]
        page = client.get("/")
        for response in (health, page, client.get("nowhere")):
            assert response.headers["x-content-type-options"] == "nosniff"
            assert "server" not in response.headers
            policy = response.headers["content-security-policy"]
            scripts = re.search("script-src ([^;]*);", policy)
            assert "default-src 'self'" in policy and scripts is not None and "unsafe-inline" not in scripts[1]
        assert client.head("/").headers["content-length"] == page.headers["content-length"]
    metas = dict(re.findall(r'<meta (?:property|name)="(og:[^"]+|twitter:[^"]+)" content="([^"]*)"', page.text))
    assert (
        metas["og:title"] == metas["twitter:title"] == "AlzEdge" and "not a medical device" in metas["og:description"]
    )
    assert "gradio" not in " ".join(metas.values()).lower() and page.text.count("og:image") == 1
    with httpx.Client() as client:
        assert client.get(metas["og:image"]).headers["content-type"] == "image/png"


def test_the_server_connects_to_nobody(served: Served, slices: NDArray[np.uint8]) -> None:
    with served.client() as client:
        ask(client, [("slice.png", png(slices[0]))])
        client.get("/")
    connections = served.watched.read_text().splitlines()
    assert connections, "the server looks whether it answers itself"
    # Workers are reached by sockets in the file system. No line tells of TensorFlow or Keras either.
    ours = ("127.0.0.1", "localhost", "socket.connect /", "socket.connect b'\\x00", "socket.connect \x00")
    assert [line for line in connections if not any(name in line for name in ours)] == []


@pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="needs the checkout with its documents")
def test_the_programs_of_the_document_run_as_they_stand(
    served: Served, slices: NDArray[np.uint8], tmp_path: Path
) -> None:
    text = (ROOT / "docs" / "server.md").read_text().replace("http://localhost:7860", served.address)
    (tmp_path / "slice.png").write_bytes(png(slices[0]))
    (tmp_path / "other.png").write_bytes(png(slices[1]))
    save_nifti(tmp_path / "head.nii.gz", as_grid(slices[:3]))
    programs = re.findall(r"^```(python|bash)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    told = [run_program(language, program, tmp_path) for language, program in programs if served.address in program]
    assert len(told) >= 3
    assert all("NonDemented" in output or '"status":"ok"' in output for output in told), told
    assert any("other.png" in output for output in told)


@pytest.mark.slow
def test_answers_that_nobody_fetches_are_dropped_in_a_minute(served: Served, slices: NDArray[np.uint8]) -> None:
    with served.client() as client:
        (path,) = upload(client, [("slice.png", png(slices[0]))])
        client.post(f"{API}/call/predict", json={"data": [[file_data(path)]]}).raise_for_status()
        assert comes_to(client, 1, 20)
        assert comes_to(client, 0, 90)


def comes_to(client: httpx.Client, count: int, seconds: float) -> bool:
    """Whether so many answers are unread within so many seconds."""
    end = time.monotonic() + seconds
    while int(client.get("healthz").json()["unread"]) != count and time.monotonic() < end:
        time.sleep(0.5)
    return time.monotonic() < end


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_identifiers_in_an_upload_are_in_no_answer_log_or_file(served: Served, tmp_path: Path) -> None:
    """Canaries in every attribute of a series, and in a file that is cut off; the log also names no file."""
    files, canaries = planted_series(tmp_path)
    name = "ZQDOE_JANE_4711.dcm"
    with served.client() as client:
        told = [ask(client, [(f"{number}.dcm", data) for number, data in enumerate(files)])]
        told += [ask(client, [(name, files[0][: len(files[0]) // 2])]), ask(client, [(name, b"DICM" * 99)])]
    answers = json.dumps(told).encode()
    assert [name.encode() in json.dumps(one).encode() for one in told] == [False, True, True]  # its own visitor sees it
    for data in (answers, served.log.read_bytes(), *(path.read_bytes() for path in served.files())):
        assert not [needle for needle in canaries.needles if needle in data]
    assert b"JANE" not in served.log.read_bytes() and not [path for path in served.files() if "JANE" in path.name]


def test_sigterm_ends_it_in_two_seconds_while_somebody_listens(served: Served) -> None:
    """Last: it ends the server of this module. As containers do; test_page.py ends its own by Ctrl-C."""
    with served.client() as client:
        upload(client, [("slice.png", b"pixels")])
        assert served.files()
        with client.stream("GET", f"{API}/heartbeat/somebody"):
            start = time.monotonic()
            served.process.terminate()
            assert served.process.wait(60) == 0
            assert time.monotonic() - start < 4, "two seconds, and some for a busy machine"
    assert not served.files()
