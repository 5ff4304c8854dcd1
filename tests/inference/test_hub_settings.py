"""Settings of the environment that keep the Hub away are named, each in one sentence, and no request is made."""

import pytest
from helpers.commands import run_code

FETCH = """
from alzedge.errors import UserError
from alzedge.inference.hub import fetch_model
try:
    fetch_model("owner/name")
except UserError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"ALL_PROXY": "socks://127.0.0.1:9/"}, "ALL_PROXY names a SOCKS proxy"),
        ({"https_proxy": "socks://127.0.0.1:9/"}, "HTTPS_PROXY names a SOCKS proxy"),
        ({"HTTPS_PROXY": "gopher://127.0.0.1:9/"}, "cannot be asked for"),
        ({"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE says not to ask the Hub"),
        ({"HF_TOKEN": "hf_schlüssel"}, "HF_TOKEN holds a letter that no token has"),
    ],
    ids=["socks", "socks in small letters", "no proxy at all", "offline", "token"],
)
def test_each_setting_is_named(variables: dict[str, str], words: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    none = dict.fromkeys(("ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HF_HUB_OFFLINE", "HF_TOKEN"))
    home = {"HF_HOME": str(tmp_path_factory.mktemp("home")), "HF_ENDPOINT": "http://127.0.0.1:9"}
    result = run_code(FETCH, **(none | home | variables))
    assert result.returncode == 0, result.stderr
    (line,) = result.stdout.splitlines()
    assert words in line
