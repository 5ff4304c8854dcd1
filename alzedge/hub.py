"""Model files on the Hugging Face Hub, by the name of their repository."""

import re
from pathlib import Path

from alzedge.errors import UserError
from alzedge.extras import require

# The names `alzedge run` gives; a repository has at least the first.
HUB_FILE = "student_int8.tflite"
_REPOSITORY = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


def is_repository(name: Path | str) -> bool:
    """Whether this reads like 'owner/name', and no file is there."""
    path = Path(name)
    like_one = _REPOSITORY.fullmatch(str(name)) is not None and path.suffix not in (".tflite", ".onnx", ".keras")
    return like_one and not path.exists()


def fetch_model(repository: str, file: str = HUB_FILE) -> Path:
    """Download a model file, or find it in the Hub's own cache.

    Args:
        repository: 'owner/name'.
        file: its name in the repository.

    Returns:
        Path in the cache.

    Raises:
        UserError: no such repository or file, no access, or no network and not in the cache.
    """
    require("hub")
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import (
        GatedRepoError,
        LocalEntryNotFoundError,
        RemoteEntryNotFoundError,
        RepositoryNotFoundError,
    )

    try:
        return Path(hf_hub_download(repository, file))
    except GatedRepoError as error:
        raise UserError(
            f"{repository} asks for an agreement; accept it on its page, then run `hf auth login`."
        ) from error
    except RepositoryNotFoundError as error:
        raise UserError(
            f"{repository} is neither a file here nor a repository on the Hub that you may read; check the name, or "
            "run `hf auth login`."
        ) from error
    except RemoteEntryNotFoundError as error:
        raise UserError(f"{repository} on the Hub has no {file}; name a repository of an AlzEdge model.") from error
    except (LocalEntryNotFoundError, OSError) as error:
        raise UserError(
            f"{repository} is no file here, and the Hub cannot be reached; check the name and the network."
        ) from error
