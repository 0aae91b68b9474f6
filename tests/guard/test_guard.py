"""The guard must bite: here, in a child process, and in a kernel (they all run through the same file)."""

import socket
import subprocess
import sys

import pytest

from tests.guard.no_network import NetworkForbidden, is_local


@pytest.mark.parametrize("host", [None, "", "localhost", "127.0.0.1", "127.1.2.3", "::1", "0.0.0.0", b"::1"])
def test_this_machine_is_local(host):
    assert is_local(host)


@pytest.mark.parametrize("host", ["example.org", "192.0.2.1", "2001:db8::1", b"example.org"])
def test_the_world_is_not(host):
    assert not is_local(host)


def test_look_ups_and_connections_are_refused():
    with pytest.raises(NetworkForbidden):
        socket.getaddrinfo("example.org", 443)
    with socket.socket() as sock, pytest.raises(NetworkForbidden):
        sock.connect(("192.0.2.1", 443))


def test_loopback_works():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()


def test_children_are_guarded_too():
    child = [sys.executable, "-c", "import socket; socket.getaddrinfo('example.org', 443)"]
    result = subprocess.run(child, capture_output=True, text=True)
    assert result.returncode and "NetworkForbidden" in result.stderr
