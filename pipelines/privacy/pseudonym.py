"""Pseudonyms of user ids by a keyed hash, for producers that have nothing but the real ids.

A producer of your own does the same in any language: HMAC-SHA256 with the key and the id, both in UTF-8, as URL-safe base64
without padding. Whoever has the key can find out whose a pseudonym is, so it belongs to the producers, not to analysts; and
with another key everyone is somebody else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

import orjson

from pipelines.recording import Record
from schemas.events.base import USER
from schemas.topics import topics


def pseudonym(key: str, user_id: str) -> str:
    """The same 43 characters for the same key and id."""
    digest = hmac.digest(key.encode(), user_id.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def pseudonymised(record: Record, key: str) -> Record:
    """The record with a pseudonym as its event's user, and as its key where the topic is keyed by the user.

    What is no JSON object, or names no user, keeps its bytes.
    """
    try:
        event = orjson.loads(record.value)
    except orjson.JSONDecodeError:
        return record
    if not isinstance(event, dict) or not isinstance(user_id := event.get(USER), str):
        return record
    event[USER] = pseudonym(key, user_id)
    keyed = topics()[record.topic].key == USER and record.key == user_id
    return record._replace(key=event[USER] if keyed else record.key, value=orjson.dumps(event))
