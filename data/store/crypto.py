"""Authenticated encryption, wrapped keys and keyed hashes. In: bytes and keys. Out: bytes. No database here.

    master key (from outside, with an id) ── HKDF ──> wrapping key ── wraps ──> data key of a case ── encrypts ──> text
                                                                 └─ wraps ──> store secret ── HKDF ──> keys of hashes

Every ciphertext is nonce (12) + text + tag (16) and is bound to what it belongs to: moved to another case or made with
another cipher it does not open.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from data.errors import KeyMaterialError

AES, SM4 = "aes-256-gcm", "sm4-gcm"
_ALGORITHMS = {AES: (algorithms.AES, 32), SM4: (algorithms.SM4, 16)}
_NONCE, _TAG = 12, 16
LEAST_MASTER_BYTES = 32
_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_GENERATE = 'make one with: python -c "import base64, os; print(base64.b64encode(os.urandom(32)).decode())"'


@dataclass(frozen=True, kw_only=True)
class MasterKeys:
    """All master keys in use; new keys are wrapped by `current`, the others only open what they once wrapped."""

    current: str
    keys: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `id:base64` pairs, separated by commas or white space, the current one first. Raises KeyMaterialError.

        There is no default: without a key the store does not open.
        """
        keys: dict[str, bytes] = {}
        for entry in re.split(r"[\s,]+", text.strip()) if text.strip() else ():
            key_id, _, encoded = entry.partition(":")
            if not _KEY_ID.fullmatch(key_id) or not encoded:
                raise _wrong_key("an entry is not of the form id:base64")
            if key_id in keys:
                raise _wrong_key(f"the id {key_id} stands twice")
            keys[key_id] = _strong(key_id, encoded)
        if not keys:
            raise _wrong_key("no master key is given")
        return cls(current=next(iter(keys)), keys=keys)

    def key(self, key_id: str) -> bytes:
        """The key with this id. Raises KeyMaterialError if it is not given."""
        if key_id not in self.keys:
            raise KeyMaterialError(
                f"master key {key_id} is not given, only {', '.join(sorted(self.keys))}; keep it until all is rotated",
                f"缺少主密钥 {key_id}；轮换完成前请保留旧密钥",
            )
        return self.keys[key_id]


def _strong(key_id: str, encoded: str) -> bytes:
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise _wrong_key(f"master key {key_id} is not base64") from None
    if len(key) < LEAST_MASTER_BYTES:
        raise _wrong_key(f"master key {key_id} has {len(key)} bytes, expected at least {LEAST_MASTER_BYTES}")
    if len(set(key)) < LEAST_MASTER_BYTES // 4:
        raise _wrong_key(f"master key {key_id} is not random")
    return key


def _wrong_key(found: str) -> KeyMaterialError:
    return KeyMaterialError(f"{found}; {_GENERATE}", "主密钥缺失或不合格：需要至少 32 字节随机数的 base64")


def check_cipher(cipher: str) -> None:
    """Raise KeyMaterialError if the cipher is unknown or the installed OpenSSL does not offer it."""
    if cipher not in _ALGORITHMS:
        raise KeyMaterialError(
            f"unknown cipher {cipher}; expected {' or '.join(_ALGORITHMS)}", f"未知的加密算法 {cipher}"
        )
    try:
        encrypt(b"", key=new_key(cipher), cipher=cipher, bound_to="check")
    except UnsupportedAlgorithm:
        raise KeyMaterialError(
            f"the installed OpenSSL does not offer {cipher}; use {AES} or a build of cryptography with it",
            f"已安装的 OpenSSL 不支持 {cipher}，请改用 {AES}",
            code="cipher_unavailable",
        ) from None


def new_key(cipher: str) -> bytes:
    """A random data key of the cipher's length."""
    return os.urandom(_ALGORITHMS[cipher][1])


def encrypt(plain: bytes, *, key: bytes, cipher: str, bound_to: str) -> bytes:
    """Encrypt; the result opens only with the same key, cipher and `bound_to`."""
    nonce = os.urandom(_NONCE)
    encryptor = Cipher(_ALGORITHMS[cipher][0](key), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(_binding(cipher, bound_to))
    return nonce + encryptor.update(plain) + encryptor.finalize() + encryptor.tag


def decrypt(sealed: bytes, *, key: bytes, cipher: str, bound_to: str) -> bytes:
    """Open what `encrypt` made. Raises KeyMaterialError if it was changed, moved, or the key is another."""
    nonce, body, tag = sealed[:_NONCE], sealed[_NONCE:-_TAG], sealed[-_TAG:]
    try:
        decryptor = Cipher(_ALGORITHMS[cipher][0](key), modes.GCM(nonce, tag)).decryptor()
        decryptor.authenticate_additional_data(_binding(cipher, bound_to))
        return decryptor.update(body) + decryptor.finalize()
    except (InvalidTag, KeyError, ValueError):
        raise KeyMaterialError(
            f"what is stored for {bound_to} does not open: another key, or it was changed or moved",
            "密文无法解开：密钥不符，或数据被改动、移动",
            code="ciphertext_invalid",
        ) from None


def wrap(key: bytes, *, masters: MasterKeys, owner: str, cipher: str) -> bytes:
    """Encrypt a key with the current master key, bound to its owner."""
    return encrypt(key, key=_wrapping_key(masters, masters.current, cipher), cipher=cipher, bound_to=f"key of {owner}")


def unwrap(wrapped: bytes, *, masters: MasterKeys, master_key_id: str, owner: str, cipher: str) -> bytes:
    """Open a wrapped key. Raises KeyMaterialError."""
    wrapping_key = _wrapping_key(masters, master_key_id, cipher)
    return decrypt(wrapped, key=wrapping_key, cipher=cipher, bound_to=f"key of {owner}")


def derive(secret: bytes, purpose: str, length: int = 32) -> bytes:
    """A key for one purpose (HKDF-SHA-256); keys of different purposes tell nothing of each other."""
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=f"xiaobao/1/{purpose}".encode()).derive(secret)


def keyed_hash(key: bytes, message: bytes) -> str:
    """HMAC-SHA-256, in hexadecimal."""
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def _wrapping_key(masters: MasterKeys, key_id: str, cipher: str) -> bytes:
    if cipher not in _ALGORITHMS:
        raise KeyMaterialError(f"a key was wrapped with the unknown cipher {cipher}", f"未知的加密算法 {cipher}")
    return derive(masters.key(key_id), f"wrap/{cipher}", _ALGORITHMS[cipher][1])


def _binding(cipher: str, bound_to: str) -> bytes:
    return f"xiaobao/1/{cipher}/{bound_to}".encode()
