"""What the environment says about certificates, and that a client shows its own and believes only its authority."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from shared.runtime.kafka_tls import TlsMisconfigured, client_security, kafka_tls
from tests.unit.runtime.certificates import Authority, Pair


def environment(authority: Authority, pair: Pair) -> dict[str, str]:
    return {
        "WHISTLE_KAFKA_CA_FILE": str(authority.file),
        "WHISTLE_KAFKA_CERT_FILE": str(pair.certificate),
        "WHISTLE_KAFKA_KEY_FILE": str(pair.key),
    }


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext) -> str:
    """Let the two talk in memory until both are content; return the client's name as the server sees it."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    left = list(ends)
    for _ in range(20):
        for end in tuple(left):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            left.remove(end)
        if not left:
            subject = (ends[1].getpeercert() or {})["subject"]
            return str(subject[0][0][1])
    pytest.fail("no agreement")


def serving(authority: Authority) -> ssl.SSLContext:
    pair = authority.issue("broker")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.file)
    context.load_cert_chain(pair.certificate, pair.key)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def test_without_an_authority_the_connection_is_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WHISTLE_KAFKA_CA_FILE", raising=False)
    assert kafka_tls({}) is None
    assert client_security() == {}


def test_the_broker_sees_the_name_in_our_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = kafka_tls(environment(authority, authority.issue("kafka-router")))
    assert context is not None
    assert shake_hands(context, serving(authority)) == "kafka-router"


def test_a_broker_of_another_authority_is_refused(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    authority = Authority(ours)
    context = kafka_tls(environment(authority, authority.issue("kafka-router")))
    assert context is not None
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(context, serving(Authority(theirs)))


def test_clients_get_the_context_beside_their_own_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(tmp_path)
    for name, value in environment(authority, authority.issue("kafka-router")).items():
        monkeypatch.setenv(name, value)
    found = client_security()
    assert found["security_protocol"] == "SSL"
    assert isinstance(found["ssl_context"], ssl.SSLContext)


@pytest.mark.parametrize("missing", ("WHISTLE_KAFKA_CA_FILE", "WHISTLE_KAFKA_CERT_FILE", "WHISTLE_KAFKA_KEY_FILE"))
def test_a_setting_alone_is_refused_by_name(tmp_path: Path, missing: str) -> None:
    authority = Authority(tmp_path)
    settings = environment(authority, authority.issue("kafka-router"))
    del settings[missing]
    with pytest.raises(TlsMisconfigured, match=missing):
        kafka_tls(settings)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TlsMisconfigured, match=r"nowhere\.crt"):
        kafka_tls({"WHISTLE_KAFKA_CA_FILE": str(tmp_path / "nowhere.crt")})
