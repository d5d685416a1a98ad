"""What is read from an XML without a parser: passwords to be blanked, the guest's UUID."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlanlog.dispatch.call import guest_uuid, without_passwords

UUID = b"c7df0e96-9d0e-4b84-8d4a-3f9d7b4f4a51"


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        (b"<g passwd='x' port='1'/>", b"<g passwd='' port='1'/>"),
        (b'<g passwd="it\'s"/>', b'<g passwd=""/>'),
        (b"<g passwd = 'x'/>", b"<g passwd = ''/>"),
        (b"<g passwd\n=\n'x'/>", b"<g passwd\n=\n''/>"),
        (b"<g passwd='a'/><g passwd='b'/>", b"<g passwd=''/><g passwd=''/>"),
        (b"<g passwd='passwd='/>", b"<g passwd=''/>"),
        (b"<g passwd=''/>", b"<g passwd=''/>"),
        (b"<g passwd='cut off", b"<g passwd='"),
        (b"<g passwdValidTo='2030'/>", b"<g passwdValidTo='2030'/>"),
        (b"<name>passwd</name>", b"<name>passwd</name>"),
        (b"<name>passwd=x</name>", b"<name>passwd=x</name>"),
        (b"passwd", b"passwd"),
        (b"passwd=", b"passwd="),
        (b"", b""),
    ],
)
def test_passwords_are_blanked_and_nothing_else(xml: bytes, expected: bytes) -> None:
    assert without_passwords(xml) == expected


@given(st.text(st.characters(exclude_characters="<>'\"&", codec="utf-8"), min_size=12))
def test_no_password_is_left(password: str) -> None:
    xml = f"<graphics type='vnc' passwd='{password}' port='5900'/>".encode()
    assert without_passwords(xml) == b"<graphics type='vnc' passwd='' port='5900'/>"


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        (b"<domain><name>a</name><uuid>" + UUID + b"</uuid></domain>", UUID),
        (b"<uuid>" + UUID + b"</uuid><uuid>other</uuid>", UUID),
        (b"<uuid>" + UUID, b""),
        (b"<uuid>short</uuid>", b""),
        (b"<domain/>", b""),
        (b"", b""),
    ],
)
def test_guest_uuid_is_the_first_of_the_xml(xml: bytes, expected: bytes) -> None:
    assert guest_uuid(xml) == expected
