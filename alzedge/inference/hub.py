"""Model files on the Hugging Face Hub, by the name of their repository."""

import re
from pathlib import Path

from alzedge.errors import UserError
from alzedge.utils.extras import require

# The names `alzedge run` gives; a repository has at least the first.
HUB_FILE = "student_int8.tflite"
_REPOSITORY = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


def is_name(name: str) -> bool:
    """Whether this reads like 'owner/name'."""
    return _REPOSITORY.fullmatch(name) is not None


def is_repository(name: Path | str) -> bool:
    """Whether this reads like 'owner/name', and no file is there."""
    path = Path(name)
    return is_name(str(name)) and path.suffix not in (".tflite", ".onnx", ".keras") and not path.exists()


def fetch_model(repository: str, file: str = HUB_FILE, revision: str | None = None) -> Path:
    """Download a model file, or find it in the Hub's own cache.

    Args:
        repository: 'owner/name'.
        file: its name in the repository.
        revision: branch, tag or commit; the newest of the main branch where None.

    Returns:
        Path in the cache.

    Raises:
        UserError: no such repository, revision or file, no access, or no network and not in the cache.
    """
    require("hub")
    if not is_name(repository):
        raise UserError(f"{repository!r} is no name of a repository on the Hub; give it as 'owner/name'.")
    import httpx2
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RemoteEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        return Path(hf_hub_download(repository, file, revision=revision))
    except GatedRepoError as error:
        raise UserError(
            f"{repository} asks for an agreement; accept it on its page, then run `hf auth login`."
        ) from error
    except RepositoryNotFoundError as error:
        raise UserError(
            f"{repository} is neither a file here nor a repository on the Hub that you may read; check the name, or "
            "run `hf auth login`."
        ) from error
    except RevisionNotFoundError as error:
        raise UserError(
            f"{repository} on the Hub has no revision {revision!r}; see the history on its page."
        ) from error
    except RemoteEntryNotFoundError as error:
        raise UserError(f"{repository} on the Hub has no {file}; name a repository of an AlzEdge model.") from error
    except HFValidationError as error:
        raise UserError(f"{repository!r} is no name of a repository on the Hub; give it as 'owner/name'.") from error
    except (LocalEntryNotFoundError, HfHubHTTPError, httpx2.HTTPError, OSError) as error:
        raise UserError(_unreachable(repository, error)) from error


def _unreachable(repository: str, error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:  # the client hides the Hub's answer behind "not in the cache"
        status = getattr(getattr(cause, "response", None), "status_code", None)
        if status in (401, 403):
            return f"{repository} on the Hub may not be read with this token; run `hf auth login`."
        if status is not None:
            return f"{repository} is no file here, and the Hub answers {status}; check the network, or try again later."
        cause = cause.__cause__ or cause.__context__
    return f"{repository} is no file here, and the Hub cannot be reached; check the name and the network."
