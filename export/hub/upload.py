"""One atomic commit to the Hugging Face Hub, and what its refusals mean."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from alzedge.errors import UserError
from alzedge.export.hub.plan import Plan

_LOG_IN = "run `hf auth login`, or set HF_TOKEN to a token that may write"


@dataclass(frozen=True)
class Sent:
    """What an upload led to.

    Attributes:
        url: of the repository.
        commit: its newest commit.
        changed: whether this upload made that commit; False where everything was there already.
        private: whether the repository is.
    """

    url: str
    commit: str
    changed: bool
    private: bool


def upload(plan: Plan, repository: str, public: bool = False) -> Sent:
    """Create the repository unless it exists and put everything into one commit.

    A second call after a lost connection goes on: contents that have arrived are not sent again, and
    where everything is there already no commit is made.

    Args:
        plan: what to upload.
        repository: 'owner/name'.
        public: whether a new repository is public, and whether one that is public may be written to.

    Raises:
        UserError: no token, one that may not write, a repository that is public, or the Hub cannot be reached.
    """
    from huggingface_hub import CommitOperationAdd, HfApi, get_token

    token = get_token()  # where `hf auth login` put it, or HF_TOKEN
    if token is None:
        raise UserError(f"There is no token for the Hugging Face Hub; {_LOG_IN}.")
    api = HfApi(token=token)
    with _explained(repository, token):
        url = api.create_repo(
            repository, private=not public, repo_type=plan.kind, space_sdk=plan.sdk, exist_ok=True
        )  # fmt: skip
        before = api.repo_info(repository, repo_type=plan.kind)
    private = before.private is not False
    if not private and not public:
        raise UserError(f"{repository} exists and is public; repeat the command with --public if that is meant.")
    with _explained(repository, token):
        commit = api.create_commit(
            repository,
            [CommitOperationAdd(item.path, item.data) for item in plan.items],
            commit_message="Upload by alzedge push",
            repo_type=plan.kind,
        )
    return Sent(str(url), commit.oid, commit.oid != before.sha, private)


@contextlib.contextmanager
def _explained(repository: str, token: str) -> Iterator[None]:
    """Turn what the Hub's client raises into a sentence without the token."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    try:
        yield
    except (HfHubHTTPError, httpx2.HTTPError, RuntimeError, ValueError, OSError) as error:
        raise UserError(_sentence(error, repository).replace(token, "(the token)")) from error


def _sentence(error: BaseException, repository: str) -> str:
    status = _status(error)
    if status == 401:
        return f"The Hugging Face Hub does not accept the token for {repository}; {_LOG_IN}."
    if status in (402, 403):
        return f"The token may not write to {repository}, or its owner may not; {_LOG_IN}."
    if status == 404:
        return f"The Hugging Face Hub knows no {repository} that this token may see; check the name, or {_LOG_IN}."
    if status == 429 or (status is not None and status >= 500):
        return (
            f"The Hugging Face Hub answers {status}, so {repository} has no new commit; repeat the command later, it goes on "
            "from what has arrived."
        )
    if status is not None or isinstance(error, ValueError):
        words = " ".join(str(error).split())
        return f"The Hugging Face Hub refuses the upload to {repository} ({words[:300]}); mend that and repeat the command."
    return (
        f"The connection to the Hugging Face Hub was lost on the way to {repository}; repeat the command, it goes on from what "
        "has arrived."
    )


def _status(error: BaseException | None) -> int | None:
    """HTTP status that an exception or what caused it tells."""
    while error is not None:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if isinstance(status, int):
            return status
        error = error.__cause__ or error.__context__
    return None
