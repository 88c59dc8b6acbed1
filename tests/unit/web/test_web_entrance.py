"""Where a login may lead, and what names a host."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camward.web.entrance import _own_path
from camward.web.gate import _bare


@given(st.text(max_size=60))
def test_a_login_never_leads_elsewhere(path: str) -> None:
    led = _own_path(path)
    assert led == "" or (led == path and led.startswith("/") and led[1:2] not in ("/", "\\") and "\\" not in led)


@pytest.mark.parametrize(
    ("host", "name"),
    [("A.Example:443", "a.example"), ("[::1]:8443", "[::1]"), ("[::1]", "[::1]"), ("10.0.0.1", "10.0.0.1"), ("", "")],
)
def test_hosts_without_their_port(host: str, name: str) -> None:
    assert _bare(host) == name
