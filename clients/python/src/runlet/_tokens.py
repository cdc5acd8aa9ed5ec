"""Tokens that are key pairs: docs/tokens.md of the repository has their format."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Union

_PREFIX = "rlt1."
_MAX_BYTES = 8192
_MAX_BLOCKS = 8
_TYPE = "runlet-block+jws"
# The last second of the year 9999, in seconds since 1970.
_MAX_EXP = 253_402_300_799
_KEY_BYTES = 32
_SIGNATURE_BYTES = 64

_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")
_SESSION_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_GRANTS = frozenset(
    ("start", "observe", "input", "signal", "files:read", "files", "http", "tunnel", "admin")
)

# Points of small order, less the bit of their sign: under such a key anybody's signature may be
# right.
_SMALL_ORDER = frozenset(
    bytes.fromhex(point)
    for point in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)


class InvalidToken(ValueError):
    """A token is wrong in itself. The text has nothing of the token."""


class Block(NamedTuple):
    """One narrowing of a token. None: it says nothing of this."""

    kid: str
    next: str
    grants: Sequence[str] | None
    session: str | None


class Parsed(NamedTuple):
    """A token whose signatures are right."""

    seed: bytes
    blocks: Sequence[Block]


def narrow_token(
    token: str,
    *,
    grants: Iterable[str] | None = None,
    session_id: str | None = None,
    not_after: Union[datetime, int, None] = None,
) -> str:
    """Makes a token of one with which no more can be done, and less where the arguments say so.

    `grants`, one or more, are all that can be used, `session_id`, a UUID in lower case, is the
    only session, and at `not_after`, in seconds since 1970 or a time with its zone, all is over.
    Nobody gets back from it to the token that it was made of. It asks no server, and can be done
    up to 8 times, by each holder in turn.

    It needs `cryptography`: install `runlet[tokens]`. Raises InvalidToken for a token that is
    wrong in itself, and ValueError for what it cannot be narrowed to.
    """
    return narrow_with(token, os.urandom(_KEY_BYTES), grants, session_id, not_after)


def narrow_with(
    token: str,
    next_seed: bytes,
    grants: Iterable[str] | None = None,
    session_id: str | None = None,
    not_after: Union[datetime, int, None] = None,
) -> str:
    """The same, with a seed for the next holder that nobody else knows."""
    parsed = parse_token(token)
    if len(parsed.blocks) >= _MAX_BLOCKS:
        raise ValueError(f"the token was narrowed {_MAX_BLOCKS} times already")
    payload: dict[str, Any] = {
        "cnf": {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": public_key_of(next_seed)}}
    }
    if grants is not None:
        payload["grants"] = _narrower_grants(parsed, list(grants))
    if session_id is not None:
        payload["session"] = _narrower_session(parsed, session_id)
    if not_after is not None:
        payload["exp"] = _exp_of(not_after)
    header = {"alg": "EdDSA", "typ": _TYPE, "kid": public_key_of(parsed.seed)}
    signed = ".".join(_encode(_compact(part)) for part in (header, payload))
    signature = _encode(_private_key(parsed.seed).sign(signed.encode()))
    before = token[: -len(_encode(parsed.seed))]
    narrowed = f"{before}{signed}.{signature}~{_encode(next_seed)}"
    if len(narrowed) > _MAX_BYTES:
        raise ValueError(f"the token would be longer than {_MAX_BYTES} bytes")
    return narrowed


def parse_token(text: str) -> Parsed:
    """Takes a token apart. Whatever is unknown is refused, since it may be a restriction."""
    if not text.startswith(_PREFIX) or len(text) > _MAX_BYTES:
        raise InvalidToken("the token does not begin with rlt1., or is too long")
    *parts, last = text[len(_PREFIX) :].split("~")
    seed = _decode(last)
    if seed is None or len(seed) != _KEY_BYTES:
        raise InvalidToken("the token does not end with a seed")
    if len(parts) > _MAX_BLOCKS:
        raise InvalidToken("the token has too many blocks")
    blocks = [_parse_block(jws) for jws in parts]
    holders = [block.kid for block in blocks[1:]] + [public_key_of(seed)]
    if any(block.next != holder for block, holder in zip(blocks, holders)):
        raise InvalidToken("a block, or the seed, is not that of the next holder")
    if len({block.session for block in blocks if block.session is not None}) > 1:
        raise InvalidToken("the blocks of the token name different sessions")
    return Parsed(seed, blocks)


def public_key_of(seed: bytes) -> str:
    """The public key of a seed, as a JWK has it in `x`."""
    return _encode(_private_key(seed).public_key().public_bytes_raw())


def _parse_block(jws: str) -> Block:
    parts = jws.split(".")
    header, payload, signature = (
        (_decode(part) for part in parts) if len(parts) == 3 else (None, None, None)
    )
    if header is None or payload is None or signature is None:
        raise InvalidToken("a block of the token is no compact JWS")
    if len(signature) != _SIGNATURE_BYTES:
        raise InvalidToken("a block of the token is no compact JWS")
    named = _strict_object(header, ("alg", "typ", "kid"))
    kid: Any = named.get("kid")
    if named.get("alg") != "EdDSA" or named.get("typ") != _TYPE or not _is_public_key(kid):
        raise InvalidToken("the header of a block of the token has what is not known")
    block = Block(kid, **_parse_payload(payload))
    _verify(kid, f"{parts[0]}.{parts[1]}".encode(), signature)
    return block


def _parse_payload(payload: bytes) -> dict[str, Any]:
    named = _strict_object(payload, ("cnf", "grants", "session", "exp"))
    grants = named.get("grants", "start")
    session = named.get("session", "00000000-0000-0000-0000-000000000000")
    if (
        not isinstance(grants, str)
        or not _GRANTS.issuperset(grants.split(","))
        or not _is_session_id(session)
        or not _is_exp(named.get("exp", 0))
    ):
        raise InvalidToken("the payload of a block of the token has what is not known")
    return {
        "next": _key_of(named.get("cnf")),
        "grants": grants.split(",") if "grants" in named else None,
        "session": named.get("session"),
    }


def _key_of(cnf: object) -> str:
    """Reads `{"jwk":{"kty":"OKP","crv":"Ed25519","x":"…"}}`: RFC 7800, RFC 8037."""
    jwk = cnf.get("jwk") if isinstance(cnf, dict) and len(cnf) == 1 else None
    if isinstance(jwk, dict) and len(jwk) == 3:
        x = jwk.get("x")
        if jwk.get("kty") == "OKP" and jwk.get("crv") == "Ed25519" and _is_public_key(x):
            return str(x)
    raise InvalidToken("the payload of a block of the token names no key")


def _strict_object(text: bytes, names: Iterable[str]) -> dict[str, Any]:
    """A JSON object that has no members but these, and none twice."""
    try:
        read = json.loads(
            text.decode("utf-8"), object_pairs_hook=_members, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict) or not read.keys() <= set(names):
        raise InvalidToken("a block of the token is no JSON object that is known")
    return read


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is there twice")
    return members


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _narrower_grants(parsed: Parsed, grants: list[str]) -> str:
    if not grants or not _GRANTS.issuperset(grants):
        raise ValueError(f"these are not grants that there are: {grants}")
    for block in parsed.blocks:
        has = set(grants if block.grants is None else block.grants)
        if "files" in has:
            has.add("files:read")
        if not has.issuperset(grants):
            raise ValueError(f"the token does not grant {sorted(set(grants) - has)}")
    return ",".join(grants)


def _narrower_session(parsed: Parsed, session_id: str) -> str:
    if not _is_session_id(session_id):
        raise ValueError("the id of a session is a UUID in lower case")
    if any(block.session not in (None, session_id) for block in parsed.blocks):
        raise ValueError("the token is one for another session")
    return session_id


def _exp_of(not_after: Union[datetime, int]) -> int:
    exp: Any = not_after
    if isinstance(not_after, datetime):
        if not_after.tzinfo is None:
            raise ValueError("a time needs its zone")
        # Down to a whole second: no longer than it was meant.
        exp = int(not_after.timestamp() // 1)
    if not isinstance(exp, int) or not _is_exp(exp):
        raise ValueError("the end is no whole second from 1970 to 9999")
    return exp


def _is_exp(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return 0 <= value <= _MAX_EXP and value == int(value)


def _is_session_id(value: object) -> bool:
    return isinstance(value, str) and _SESSION_ID.fullmatch(value) is not None


def _is_public_key(value: object) -> bool:
    key = _decode(value) if isinstance(value, str) else None
    if key is None or len(key) != _KEY_BYTES:
        return False
    return key[:-1] + bytes([key[-1] & 0x7F]) not in _SMALL_ORDER


def _decode(text: str) -> bytes | None:
    """Reads base64url without padding; None: it is none, or not the only text of these bytes."""
    if _BASE64URL.fullmatch(text) is None or len(text) % 4 == 1:
        return None
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return raw if _encode(raw) == text else None


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _private_key(seed: bytes) -> Any:
    return _ed25519().Ed25519PrivateKey.from_private_bytes(seed)


def _verify(public_key: str, signed: bytes, signature: bytes) -> None:
    from cryptography.exceptions import InvalidSignature

    try:
        key = _ed25519().Ed25519PublicKey.from_public_bytes(_decode(public_key))
        key.verify(signature, signed)
    except InvalidSignature:
        raise InvalidToken("the signature of a block of the token is wrong") from None


def _ed25519() -> Any:
    """What few need is an extra, and loaded when it is needed."""
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        message = "narrowing a token needs `cryptography`: install `runlet[tokens]`"
        raise ImportError(message) from error
    return ed25519
