"""Who does something: handed to every service that changes data, for its audit entry."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Actor:
    """Somebody at work, and the way their request came."""

    user_id: int | None
    username: str
    role: str
    address: str
    node: str
    request_id: str
