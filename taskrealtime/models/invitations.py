"""The secrets of invitations: made, shown once, and kept as hashes only."""

import hashlib
import secrets

#: Random bytes of a secret: one of 2**192 cannot be guessed, so a plain hash keeps it well.
SECRET_BYTES = 24


def new_secret() -> str:
    """Return what stands in a new invitation's link."""
    return secrets.token_urlsafe(SECRET_BYTES)


def hash_of(secret: str) -> str:
    """Return the hash by which the database knows an invitation; the whole link is as good as its secret."""
    return hashlib.sha256(secret.rpartition("#")[2].strip().encode(errors="replace")).hexdigest()
