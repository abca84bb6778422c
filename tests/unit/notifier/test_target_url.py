"""Where a webhook may go: the forms that reach inside are refused, whatever they look like."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from services.notifier.domain.target_url import UrlRules, endpoint, is_public, refuse_address
from shared.vocabulary import Refused

STRICT = UrlRules()

REFUSED = (
    "http://hooks.example.org/x",
    "ftp://hooks.whistle-receiver.cn/x",
    "file:///etc/passwd",
    "gopher://hooks.whistle-receiver.cn/",
    "javascript:alert(1)",
    "//hooks.whistle-receiver.cn/x",
    "https:hooks.whistle-receiver.cn",
    "https:///x",
    "https://",
    "https://:443/",
    "https://user@hooks.whistle-receiver.cn/",
    "https://user:secret@hooks.whistle-receiver.cn/",
    "https://hooks.whistle-receiver.cn@127.0.0.1/",
    "https://hooks.whistle-receiver.cn:22/",
    "https://hooks.whistle-receiver.cn:80/",
    "https://hooks.whistle-receiver.cn:6379/",
    "https://hooks.whistle-receiver.cn:99999/",
    "https://hooks.whistle-receiver.cn:x/",
    "https://hooks.whistle-receiver.cn/#fragment",
    "https://hooks.whistle-receiver.cn/ x",
    "https://hooks.whistle-receiver.cn/\r\nHost: inside",
    "https://hooks.whistle-receiver.cn\\@127.0.0.1/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://a.localhost/",
    "https://printer.local/",
    "https://metadata.google.internal/",
    "https://intake.whistle.svc/",
    "https://intake.whistle.svc.cluster.local/",
    "https://kafka/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.0.1./",
    "https://0.0.0.0/",
    "https://0/",
    "https://10.1.2.3/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:7f00:1::]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fc00::1]/",
    "https://[fd12:3456::1]/",
    "https://[ff02::1]/",
    "https://[2001:db8::1]/",
    "https://１２７.0.0.1/",
    "https://例子.cn/",
    "https://hooks_under.whistle-receiver.cn/",
    "https://" + "a" * 250 + ".cn/",
    "https://hooks.whistle-receiver.cn/" + "a" * 2048,
)


@pytest.mark.parametrize("url", REFUSED)
def test_a_url_that_reaches_inside_or_hides_something_is_refused(url: str) -> None:
    with pytest.raises(Refused) as refused:
        endpoint(url, STRICT)
    assert refused.value.field == "url"
    assert refused.value.allowed


@pytest.mark.parametrize(
    ("url", "host", "port"),
    (
        ("https://hooks.whistle-receiver.cn/whistle", "hooks.whistle-receiver.cn", 443),
        ("https://HOOKS.Whistle-Receiver.cn/x?y=z", "hooks.whistle-receiver.cn", 443),
        ("https://hooks.whistle-receiver.cn:8443/", "hooks.whistle-receiver.cn", 8443),
        ("https://xn--fsqu00a.xn--fiqs8s/x", "xn--fsqu00a.xn--fiqs8s", 443),
        ("https://1.1.1.1/", "1.1.1.1", 443),
        ("https://[2606:4700:4700::1111]/", "2606:4700:4700::1111", 443),
    ),
)
def test_a_public_https_url_is_read_into_its_parts(url: str, host: str, port: int) -> None:
    place = endpoint(url, STRICT)
    assert (place.host, place.port) == (host, port)


@pytest.mark.parametrize(
    "url", ("http://127.0.0.1:9000/x", "http://localhost:8000/", "https://10.0.0.1/", "http://receiver:80/")
)
def test_one_machine_may_send_to_itself_when_told_so(url: str) -> None:
    assert endpoint(url, UrlRules(private=True)).url == url


@pytest.mark.parametrize("url", ("ftp://127.0.0.1/", "http://user@127.0.0.1/", "http://127.0.0.1/#x"))
def test_even_then_nothing_hides_in_a_url(url: str) -> None:
    with pytest.raises(Refused):
        endpoint(url, UrlRules(private=True))


def test_a_port_can_be_allowed() -> None:
    assert endpoint("https://hooks.whistle-receiver.cn:9443/", UrlRules(ports=frozenset({9443}))).port == 9443


@pytest.mark.parametrize("text", ("8.8.8.8", "1.1.1.1", "223.5.5.5", "2400:3200::1", "2606:4700::1111"))
def test_addresses_of_the_public_internet_are_public(text: str) -> None:
    assert is_public(ip_address(text))


def test_a_name_that_leads_inside_is_refused_by_its_address() -> None:
    with pytest.raises(Refused):
        refuse_address(ip_address("10.0.0.1"), STRICT)
    refuse_address(ip_address("10.0.0.1"), UrlRules(private=True))
