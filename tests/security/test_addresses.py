"""Which addresses and URLs are called: the table, the ways to write an address, and what is allowed by setting."""

from ipaddress import ip_address, ip_network

import pytest

from cfm_workflow.errors import CfmError
from cfm_workflow.security.addresses import (
    REFUSED,
    RefusedAddress,
    RefusedUrl,
    check_address,
    check_url,
    parse_url,
)

HOSTILE_ADDRESSES = (
    # what it is inside, and one of each special range of both registries
    "0.0.0.0", "0.0.0.1", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255", "127.0.0.1",
    "127.255.255.254", "168.63.129.16", "169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1",
    "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1",
    "192.168.0.1", "192.168.255.255", "192.175.48.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.254", "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::808:808", "64:ff9b:1::1",
    "64:ff9b:1:ffff:7f00:1::", "100::1", "100:0:0:1::1", "2001::1", "2001:0:7f00:1::", "2001:2::1", "2001:10::1",
    "2001:1f:ffff::1", "2001:20::1", "2001:30::1", "2001:1::1", "2001:3::1", "2001:4:112::1", "2001:db8::1",
    "2002:7f00:1::", "2002:a9fe:a9fe::", "2002:808:808::1", "2620:4f:8000::1", "3fff::1", "4000::1", "5f00::1",
    "8000::1", "fc00::1", "fd00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "febf::1", "fec0::1", "ff02::1",
    "ff05::1:3", "2606:4700::5efe:7f00:1", "2606:4700::200:5efe:a00:1", "2a00:1450::5efe:c0a8:1",
)  # fmt: skip
PUBLIC = ("1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
          "128.0.0.1", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255",
          "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700:4700::1111", "2a00:1450:4001::1",
          "2001:200::1", "2001:4860:4860::8888")  # fmt: skip
HOSTILE_URLS = (
    # not http(s), or not to be parted in one way
    "", "x", "//example.com/", "example.com", "ftp://example.com/", "file:///etc/passwd", "gopher://127.0.0.1:70/_",
    "javascript:alert(1)", "data:text/plain,x", "unix:///var/run/docker.sock", "http:", "http:/example.com", "http://",
    "https://", "http:///path", "http://?q", "http:// example.com/", "http://exa mple.com/", "http://example.com/a b",
    "http://example.com\t/", "http://example.com\r\nHost: x/", "http://example.com/\nX: y", "http://\x00example.com/",
    "http://user@example.com/", "http://user:secret@example.com/", "http://@example.com/", "http://:@example.com/",
    "http://example.com@127.0.0.1/", "http://127.0.0.1@example.com/", "http://example.com\\@127.0.0.1/",
    "http://127.0.0.1\\@example.com/", "http://example.com#@127.0.0.1/", "http://example.com/#f", "http://a/b#",
    "http://example.com?@127.0.0.1#x", "http://example.com:80:90/", "http://example.com:/", "http://example.com:0/",
    "http://example.com:65536/", "http://example.com:-1/", "http://example.com:80a/", "http://example.com:٨٠/",
    "http://.example.com/", "http://example.com./", "http://example..com/", "http://-example.com/", "http://./",
    "http://exa%6dple.com/", "http://127%2e0%2e0%2e1/", "http://[::1", "http://::1/", "http://[::1]extra/",
    "http://[v1.fe80]/", "http://[127.0.0.1]/", "http://[fe80::1%25eth0]/", "http://[::1%25lo]:80/", "http://{x}/",
    "http://example.com/\u2028", "http://example.com/한국", "http://" + "a" * 64 + ".com/",
    "http://" + "a." * 127 + "com/", "https://example.com/" + "a" * 2000,
    # other spellings of what is inside
    "http://127.0.0.1/", "http://127.1/", "http://127.0.1/", "http://0/", "http://0x7f.0.0.1/", "http://0x7f000001/",
    "http://0X7F.1/", "http://2130706433/", "http://017700000001/", "http://0177.0.0.1/", "http://0127.0.0.1/",
    "http://127.0.0.01/", "http://127.0.0.0x1/", "http://4294967296/", "http://127.0.0.256/", "http://1.2.3.4.5/",
    "http://１２７.0.0.1/", "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/", "http://127｡0｡0｡1/", "http://169.254.169.254/",
    "http://169.254.43518/", "http://2852039166/", "http://0xa9fea9fe/", "http://[::]/", "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[::127.0.0.1]/",
    "http://[64:ff9b::169.254.169.254]/", "http://[2002:7f00:1::]/", "http://[fd00:ec2::254]/", "http://[fe80::1]/",
    "http://localhost/", "http://LOCALHOST:80/", "http://a.localhost/", "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "http://10.0.0.1:8080/",
    "http://192.168.1.1/", "http://172.16.0.1/", "http://100.100.100.200/latest/", "http://168.63.129.16/",
)  # fmt: skip


def test_there_are_more_than_a_hundred_of_them() -> None:
    assert len(set(HOSTILE_ADDRESSES) | set(HOSTILE_URLS)) > 150


@pytest.mark.parametrize("text", HOSTILE_ADDRESSES)
def test_an_address_that_is_not_public_is_not_called(text: str) -> None:
    with pytest.raises(RefusedAddress):
        check_address(ip_address(text), allowed=())


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_called(text: str) -> None:
    check_address(ip_address(text), allowed=())


@pytest.mark.parametrize("text", REFUSED)
def test_a_range_is_refused_from_its_first_address_to_its_last(text: str) -> None:
    network = ip_network(text)
    for address in (network[0], network[-1]):
        with pytest.raises(RefusedAddress):
            check_address(address, allowed=())


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_a_hostile_url_is_refused_with_what_would_be_right(url: str) -> None:
    with pytest.raises((RefusedUrl, RefusedAddress)) as refused:
        check_url(url, allowed=())
    assert isinstance(refused.value, CfmError) and str(refused.value)


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("https://example.com", "https://example.com/"),
        ("HTTPS://Example.COM:443/A?b=%20c", "https://example.com/A?b=%20c"),
        ("http://example.com:8080?x=1", "http://example.com:8080/?x=1"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://한국.example/x", "https://xn--3e0b707e.example/x"),
        ("https://hooks_1.example.com/a/@b;c", "https://hooks_1.example.com/a/@b;c"),
        ("https://8.8.8.8:8443/", "https://8.8.8.8:8443/"),
        ("https://[2606:4700::1]:8443/", "https://[2606:4700::1]:8443/"),
        ("https://[2606:4700:0:0:0:0:0:1]", "https://[2606:4700::1]/"),
    ],
)
def test_a_good_url_is_kept_in_one_form(given: str, normal: str) -> None:
    target = check_url(given, allowed=())
    assert target.url == normal
    assert parse_url(normal) == target


def test_the_networks_of_the_setting_and_no_others_are_allowed() -> None:
    allowed = (ip_network("127.0.0.0/8"), ip_network("fd00:1::/32"))
    check_url("http://127.0.0.1:8000/", allowed=allowed)
    check_url("http://localhost/", allowed=allowed)
    check_address(ip_address("fd00:1::5"), allowed=allowed)
    for text in ("10.0.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "fd00:2::5"):
        with pytest.raises(RefusedAddress):
            check_address(ip_address(text), allowed=allowed)


def test_the_origin_tells_nothing_of_the_path() -> None:
    assert parse_url("https://example.com:8443/secret?token=1").origin == "https://example.com:8443"
