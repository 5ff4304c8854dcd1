"""Model files on the Hugging Face Hub, by the name of their repository."""

import importlib.util
import os
import re
from pathlib import Path

from alzedge.errors import UserError
from alzedge.utils.extras import require
from alzedge.utils.parsing import reason_of

# The names `alzedge run` gives; a repository has at least the first.
HUB_FILE = "student_int8.tflite"
_PROXIES = ("HTTPS_PROXY", "ALL_PROXY")
_YES = ("1", "ON", "YES", "TRUE")  # as the client reads it
_REPOSITORY = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


def is_name(name: str) -> bool:
    """True for a name that reads like 'owner/name'."""
    return _REPOSITORY.fullmatch(name) is not None


def is_repository(name: Path | str) -> bool:
    """True for a name that reads like 'owner/name' where no file is."""
    path = Path(name)
    return is_name(str(name)) and path.suffix.lower() not in (".tflite", ".onnx", ".keras") and not path.exists()


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
        raise UserError(f"{repository!r} is not the name of a repository on the Hub; give it as 'owner/name'.")
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

    _check_environment(repository)
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
        raise UserError(
            f"{repository!r} is not the name of a repository on the Hub; give it as 'owner/name'."
        ) from error
    except PermissionError as error:
        raise UserError(
            f"{error.filename}: the Hub's cache cannot be written; mend its permissions, or set HF_HOME."
        ) from error
    except (LocalEntryNotFoundError, HfHubHTTPError, httpx2.HTTPError, OSError) as error:
        raise UserError(_unreachable(repository, error)) from error
    except (ValueError, ImportError) as error:  # of the client's settings, such as a proxy that it cannot speak to
        raise UserError(
            f"{repository} on the Hub cannot be asked for ({reason_of(error)}); check proxy and HF_ settings."
        ) from error


def _check_environment(repository: str) -> None:
    """Refuse settings of the environment that the client would stumble over.

    Raises:
        UserError: names the variable.
    """
    if not os.environ.get("HF_TOKEN", "").isascii():
        raise UserError("HF_TOKEN holds a letter that no token has; set it again, or unset it and run `hf auth login`.")
    for name in _PROXIES:
        proxy = os.environ.get(name) or os.environ.get(name.lower()) or ""
        scheme = proxy.lower().partition("://")[0]
        if scheme == "socks" or scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
            raise UserError(
                f"{name} names a SOCKS proxy, which the Hub's client does not speak; set HTTPS_PROXY to an HTTP proxy, or "
                f"download {repository}'s model file and name it."
            )


def _unreachable(repository: str, error: BaseException) -> str:
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in _YES:
        return f"{repository} is not in the Hub's cache, and HF_HUB_OFFLINE says not to ask the Hub; unset it, or name a file."
    cause: BaseException | None = error
    while cause is not None:  # the client hides the Hub's answer behind "not in the cache"
        status = getattr(getattr(cause, "response", None), "status_code", None)
        if status in (401, 403):
            return f"{repository} on the Hub may not be read with this token; run `hf auth login`."
        if status is not None:
            return (
                f"{repository} is not a file here, and the Hub answers {status}; check the network, or try again later."
            )
        cause = cause.__cause__ or cause.__context__
    return f"{repository} is not a file here, and the Hub cannot be reached; check the name and the network."
