"""Pseudonyms from a secret key: the same person, study or file always gets the same one, and nobody without the key can
make or undo them."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from pathlib import Path

from alzedge.errors import UserError

MIN_KEY_BYTES = 16
_MAX_KEY_BYTES = 4096
# Fixed, so that the same key gives the same pseudonyms everywhere; it makes guessing a short key dear.
_SALT = b"alzedge deidentify"
_BITS_128 = 16
# Shifts are backwards, so that no date lies in the future, and by one to eleven years, so that none keeps its year.
_FEWEST_DAYS, _RANGE_DAYS = 366, 3650

PATIENT_PATTERN = r"P[A-Z2-7]{16}"
TOKEN_PATTERN = r"[a-z2-7]{16}"
UID_PATTERN = r"2\.25\.\d{1,39}"


@dataclass(frozen=True)
class Pseudonyms:
    """Keyed pseudonyms (HMAC-SHA256, FIPS 198-1) of everything that names somebody or something.

    Attributes:
        secret: 32 bytes, derived from the user's key by `derive`; never shown, not even by `repr`.
    """

    secret: bytes = field(repr=False)

    def patient(self, identifier: str, issuer: str = "") -> str:
        """`P` and 16 letters and digits (80 bits); an identifier is unique within its issuer only (PS3.3 C.7.1.1)."""
        return "P" + self._letters("patient", identifier.strip(), issuer.strip())

    def token(self, kind: str, *parts: str) -> str:
        """16 small letters and digits (80 bits) in place of a name of some kind: a file, a folder, a run."""
        return self._letters(kind, *parts).lower()

    def uid(self, original: str) -> str:
        """A UID of the form 2.25.N (PS3.5 B.2), N of 128 bits."""
        return f"2.25.{int.from_bytes(self._digest('uid', original)[:_BITS_128], 'big')}"

    def days(self, patient: str) -> int:
        """Days, 366 to 4015, by which all dates of a patient move backwards; `patient` is the pseudonym."""
        return _FEWEST_DAYS + int.from_bytes(self._digest("days", patient)[:8], "big") % _RANGE_DAYS

    def _letters(self, *parts: str) -> str:
        return base64.b32encode(self._digest(*parts)[:10]).decode()

    def _digest(self, *parts: str) -> bytes:
        # Lengths before the parts: ("a", "bc") and ("ab", "c") must differ.
        message = b"".join(
            len(data).to_bytes(8, "big") + data for data in (part.encode("utf-8", "surrogatepass") for part in parts)
        )
        return hmac.new(self.secret, message, hashlib.sha256).digest()


def derive(key: str) -> Pseudonyms:
    """Pseudonyms of a key or passphrase, stretched with scrypt (RFC 7914).

    Raises:
        UserError: the key is too short.
    """
    data = key.strip().encode("utf-8", "surrogatepass")
    if len(data) < MIN_KEY_BYTES:
        raise UserError(
            f"the key is shorter than {MIN_KEY_BYTES} characters, so it could be guessed; make one with "
            "`openssl rand -hex 32`, and keep it apart from the data."
        )
    return Pseudonyms(hashlib.scrypt(data, salt=_SALT, n=2**14, r=8, p=1, dklen=32))


def read_key(path: Path) -> Pseudonyms:
    """Pseudonyms of the key in a text file; blanks and line ends around it do not count.

    Raises:
        UserError: no such file, not text, too long or too short.
    """
    if not path.is_file():
        raise UserError("the file of the key does not exist; check the path after --key.")
    with path.open("rb") as file:
        data = file.read(_MAX_KEY_BYTES + 1)
    try:
        text = data.decode() if len(data) <= _MAX_KEY_BYTES else ""
    except UnicodeDecodeError:
        text = ""
    if not text:
        raise UserError("the file of the key is not a short text; make one with `openssl rand -hex 32 > key.txt`.")
    return derive(text)
