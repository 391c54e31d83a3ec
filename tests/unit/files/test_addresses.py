"""Which addresses may be asked for a file."""

import socket

import pytest

from chatfold.downloads import Addresses, networks
from chatfold.downloads.addresses import UnsafeAddress

PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822"]
INSIDE = [
    "127.0.0.1",
    "127.9.9.9",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "224.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "198.18.0.1",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "not an address",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet_may_be_asked(address):
    assert Addresses().may_be_asked(address)


@pytest.mark.parametrize("address", INSIDE)
def test_nothing_else_may_be_asked(address):
    assert not Addresses().may_be_asked(address)
    info = (socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, 80))
    with pytest.raises(UnsafeAddress):
        Addresses().socket(info)


def test_what_the_operator_allows_may_be_asked_and_nothing_beside_it():
    allowing = Addresses(networks(["10.1.0.0/16", " 192.168.1.7 ", "fd00::/8", ""]))
    for address in ("10.1.2.3", "192.168.1.7", "fd00::7"):
        assert allowing.may_be_asked(address)
    for address in ("10.2.0.1", "192.168.1.8", "127.0.0.1", "::ffff:10.1.2.3"):
        assert not allowing.may_be_asked(address)


def test_what_names_no_network_is_refused():
    with pytest.raises(ValueError, match="example"):
        networks(["example.com"])
