"""The route that takes uploads: every upload gets a folder of its own, so that no two visitors share a file.

Gradio's own route names a file's folder by its content; whoever uploads the same bytes under the same name shares it, and
loses it when the other is answered.
"""

import secrets
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

from fastapi import APIRouter, Request
from gradio.route_utils import GradioMultiPartParser, MultiPartException
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, PlainTextResponse, Response

from alzedge.demo.answering.limits import Limits
from alzedge.demo.serving.storage import FULL, Full, Storage

UPLOAD_ROUTE = "/gradio_api/upload"
_LONGEST_NAME = 120


def upload_router(folder: Path, limits: Limits, storage: Storage) -> APIRouter:
    """The route, to be added before Gradio's.

    Args:
        folder: in which uploads are kept.
        limits: on files and bytes.
        storage: that counts the files.
    """
    router = APIRouter()

    @router.post(UPLOAD_ROUTE)
    async def upload(request: Request) -> Response:
        with tempfile.TemporaryDirectory(prefix="arriving-", dir=folder) as arriving:
            try:
                form = await FilesOnly(request, Path(arriving), limits, storage).parse()
            except Full:
                return PlainTextResponse(FULL, 503)
            except (MultiPartException, KeyError) as error:
                message = getattr(error, "message", "Not a form with files")
                return PlainTextResponse(message, 413 if "maximum" in message.lower() else 400)
            files = [item for _, item in form.multi_items() if isinstance(item, UploadFile)]
            return JSONResponse([_keep(file, folder) for file in files])

    @router.get("/gradio_api/upload_progress")
    async def upload_progress() -> Response:
        """Gradio's page asks how far an upload is; it is told nothing, and shows that something is being uploaded."""
        return PlainTextResponse('data: {"msg": "done"}\n\n', media_type="text/event-stream")

    return router


class FilesOnly(GradioMultiPartParser):
    """Gradio's parser of a form, without its open files: its own hold a descriptor for each part until the last has arrived.

    A part that is not a file, which would be kept in memory, ends the upload.

    Args:
        request: whose body is the form.
        folder: for the files.
        limits: on files and bytes.
        storage: that counts the files.
    """

    def __init__(self, request: Request, folder: Path, limits: Limits, storage: Storage) -> None:
        super().__init__(
            request.headers,
            _counted(request.stream(), storage),
            max_files=limits.files,
            upload_dir=folder,
            max_file_size=limits.file_bytes,
        )
        self._storage = storage

    def on_headers_finished(self) -> None:
        """Make a part's file, and close it until its bytes arrive."""
        super().on_headers_finished()
        file = self._current_part.file
        if file is None:
            raise MultiPartException("Upload files only: a part of the form is not a file")
        file.file.close()
        self._storage.count(files=1)
        file.file = _Appended(Path(str(file.file.name)))  # all that is used of a file here


async def _counted(body: AsyncIterator[bytes], storage: Storage) -> AsyncGenerator[bytes, None]:
    async for part in body:
        storage.count(len(part))
        yield part


class _Appended:
    """A file that is open only while something is written at its end.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self.name = path

    def write(self, data: bytes) -> int:
        """Write at the end."""
        with self.name.open("ab") as file:
            return file.write(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Leave it: whoever reads the file opens it by its name."""
        return offset

    def close(self) -> None:
        """Leave it: it is closed."""


def _keep(file: UploadFile, folder: Path) -> str:
    """Move an uploaded file into a folder that nobody can guess; its path."""
    home = folder / secrets.token_hex(16)
    home.mkdir()
    path = home / _safe_name(file.filename or "")
    shutil.move(str(file.file.name), path)
    return str(path)


def _safe_name(name: str) -> str:
    """The last part of a name, without what a file system or a terminal takes amiss; its end, where it is too long."""
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(letter for letter in last if letter.isprintable())
    while len(kept.encode(errors="replace")) > _LONGEST_NAME:
        kept = kept[1:]
    return kept.strip(". ") and kept or "upload"
