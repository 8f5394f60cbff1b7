"""RFC 9421's own signature by Ed25519: our reading of the key, and the library's of the message."""

import pytest
from http_message_signatures import HTTPMessageVerifier, InvalidSignature, MappingKeyResolver
from http_message_signatures.algorithms import ED25519

from captcha_stateless.tokens import agentkeys
from tests.agents.signers import Message
from tests.support import vectors

VECTOR = vectors("rfc9421-ed25519.json")


def verify(url: str) -> None:
    _, key = agentkeys.read(VECTOR["jwk"])
    keys = MappingKeyResolver(public_keys={"test-key-ed25519": key}, private_keys={})
    verifier = HTTPMessageVerifier(signature_algorithm=ED25519, key_resolver=keys)
    verifier.verify(Message(VECTOR["method"], url, VECTOR["headers"]), max_age=None)


def test_a_key_is_known_by_its_thumbprint() -> None:
    assert agentkeys.read(VECTOR["jwk"])[0] == VECTOR["thumbprint"]


def test_the_standard_s_signature_is_right_and_over_another_path_it_is_not() -> None:
    verify(VECTOR["url"])
    with pytest.raises(InvalidSignature):
        verify(VECTOR["url"].replace("/foo", "/bar"))
