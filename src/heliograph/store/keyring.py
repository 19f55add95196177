"""The key that secrets are encrypted with; a file of its own, outside the database."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from heliograph.errors import ConfigError
from heliograph.model.access import Secret


class Keyring:
    """Encrypts and decrypts secrets with the key of a file that only its owner may read."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(Fernet.generate_key())
        try:
            self._fernet = Fernet(path.read_bytes().strip())
        except ValueError as error:
            raise ConfigError(f"{path.name} holds no key: restore it from a backup") from error

    def lock(self, secret: Secret) -> bytes:
        """The secret, encrypted."""
        return self._fernet.encrypt(secret.reveal().encode())

    def unlock(self, token: bytes) -> Secret:
        """The secret back. Raises ConfigError when it was encrypted with another key."""
        try:
            return Secret(self._fernet.decrypt(token).decode())
        except InvalidToken as error:
            raise ConfigError(
                "a secret was encrypted with another key: restore the key file that belongs here"
            ) from error
