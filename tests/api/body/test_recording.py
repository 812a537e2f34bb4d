"""Forms as clients write them: whatever their lines, boundaries, names and types, nothing of them is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from govor.api.body.multipart import HEADER_BYTES, PREAMBLE_BYTES, FormParser
from govor.api.body.part_headers import FormFault, Part
from support.sound import media

URL = "/v1/audio/transcriptions"
RECORDING = media.silence(1)
FILE = b'form-data; name="file"; filename="a.wav"'
FORMS = [URL, "/v1/audio/detect", "/v1/audio/speech/timestamps", "/inference", "/v1/transcribe"]
KIND = "multipart/form-data; boundary=XbX"

CONTENTS = [
    b"",
    b"plain",
    b"\r\n",
    b"\n\n",
    b"x--XbX",
    b"x\r\n--XbXx\r\n--Xb\r\n--XbX-\r\n",
    bytes(range(256)) * 3,
    b"\r",
    b"-\r\n-",
]


def part(disposition: bytes, content: bytes, *more: bytes, line: bytes = b"\r\n") -> bytes:
    head = line.join((b"Content-Disposition: " + disposition, *more))
    return b"--XbX" + line + head + line + line + content + line


def field(name: str, text: str) -> bytes:
    return part(f'form-data; name="{name}"'.encode(), text.encode())


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--XbX--\r\n"


def parse(body: bytes, size: int) -> list[tuple[str, str | None, bytes]]:
    """Feed a form in pieces of a size; return its parts with their contents."""
    parser, parts, content = FormParser(b"XbX"), [], bytearray()
    told: list[Part] = []
    for start in range(0, len(body), size):
        for event in parser.feed(body[start : start + size]):
            if isinstance(event, Part):
                told.append(event)
            elif event is None:
                parts.append((told[-1].name, told[-1].file_name, bytes(content)))
                content.clear()
            else:
                content += event
    parser.close()
    assert len(told) == len(parts)
    return parts


@pytest.mark.parametrize("line", [b"\r\n", b"\n"], ids=["CR LF", "LF"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 100_000])
def test_a_form_is_the_same_however_it_is_cut_and_whatever_ends_its_lines(size: int, line: bytes) -> None:
    contents = [content for content in CONTENTS if line == b"\r\n" or not content.endswith(b"\r")]
    parts = [part(FILE, content, line=line) for content in contents]
    body = b"This is a form" + line + b"".join(parts) + b"--XbX--" + line + b"and its epilogue --XbX"
    assert parse(body, size) == [("file", "a.wav", content) for content in contents]


@pytest.mark.parametrize("size", [1, 5, 100_000])
def test_white_space_may_follow_a_boundary_and_a_part_may_lack_its_own_line_break(size: int) -> None:
    head = b'Content-Disposition: form-data; name="n"\r\n\r\n'
    body = b"--XbX \t\r\n" + head + b"one\r\n--XbX\t\n" + head + b"--XbX\r\n" + head + b"two\n--XbX-- "
    assert parse(body, size) == [("n", None, b"one"), ("n", None, b""), ("n", None, b"two")]


@pytest.mark.parametrize("size", [1, 100_000])
@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "no line '--XbX'"),
        (b"hello, this is no form", "no line '--XbX'"),
        (form(field("model", "echo")).replace(b"XbX", b"other"), "no line '--XbX'"),
        (field("model", "echo"), "ends early"),
        (field("model", "echo") + b"--XbX", "ends early"),
        (field("model", "echo") + b"--XbX-", "ends early"),
        (field("model", "echo")[:-2], "ends early"),
        (form(b"--XbX\r\nContent-Type: text/plain\r\n\r\nx\r\n"), "no header Content-Disposition"),
        (form(b"--XbX\r\n\r\nx\r\n"), "no header Content-Disposition"),
        (form(part(FILE, b"UklGRg==", b"Content-Transfer-Encoding: base64")), "encoded in base64"),
        (b"--XbX\r\nX: " + b"y" * HEADER_BYTES, "bytes of headers"),
        (b"z" * PREAMBLE_BYTES + b"zz", "no line '--XbX'"),
    ],
)
def test_what_is_wrong_with_a_form_is_said(body: bytes, why: str, size: int) -> None:
    with pytest.raises(FormFault, match=why):
        parse(body, size)


def test_a_form_of_another_boundary_is_not_read_to_its_end() -> None:
    parser = FormParser(b"XbX")
    for _ in range(PREAMBLE_BYTES // 1024 - 1):
        assert list(parser.feed(bytes(1024))) == []
    with pytest.raises(FormFault):
        list(parser.feed(bytes(4096)))


@pytest.mark.parametrize(
    ("disposition", "name", "file_name"),
    [
        (b"form-data; name=file; filename=a.wav; filename*=utf-8''a.wav", "file", "a.wav"),
        (b"form-data; name=file; filename*=utf-8''%D1%80.wav", "file", "р.wav"),
        (b'form-data; name="file"; filename="C:\\music\\a.wav"', "file", "a.wav"),
        (b'form-data; filename="a; name=b.wav"; name="file"', "file", "a; name=b.wav"),
        (b'form-data; name="file"; filename="a\\"b.wav"', "file", 'a"b.wav'),
        (b'form-data; name="file"; filename=""', "file", ""),
        (b'form-data; name="model"; filename=""', "model", None),
        ('form-data; name="file"; filename="表"'.encode("shift_jis"), "file", None),
        ('form-data; filename="表"; name="file"'.encode("shift_jis"), "file", None),
        (b"form-data; filename=a.wav", "", "a.wav"),
        (b"form-data", "", None),
        (b"FORM-DATA;NAME = file;FILENAME = a.wav", "file", "a.wav"),
    ],
)
def test_a_name_is_read_in_every_way_that_it_is_written(
    disposition: bytes, name: str, file_name: str | None
) -> None:
    told = parse(form(part(disposition, b"x")), 100_000)[0]
    assert told[0] == name
    if "表".encode("shift_jis") in disposition:
        assert told[1] is not None  # a file, whatever it is called
    else:
        assert told[1] == file_name


@pytest.fixture
def client(server: Any) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


def send(client: httpx.Client, path: str, body: bytes, kind: str = KIND) -> httpx.Response:
    return client.post(path, content=body, headers={"content-type": kind})


def message_of(response: httpx.Response) -> str:
    error = response.json()["error"]
    return str(error if isinstance(error, str) else error["message"])


@pytest.mark.parametrize("coding", ["utf-8", "cp1251", "cp866", "koi8-r", "utf-16-le"])
def test_a_file_may_be_called_anything(client: httpx.Client, coding: str) -> None:
    name = "запись.wav".encode(coding).replace(b"\n", b"")
    recording = part(b'form-data; name="file"; filename="' + name + b'"', RECORDING)
    for path in FORMS:
        response = send(client, path, form(recording, field("model", "echo")))
        if path != "/v1/audio/detect":  # which asks a model that echo is not
            assert response.status_code == 200, (path, response.text)
        else:
            assert "form" not in message_of(response)


@pytest.mark.parametrize(
    ("coding", "name"), [("gbk", "录音.wav"), ("shift_jis", "録音表.wav"), ("big5", "功.wav")]
)
def test_a_file_may_be_called_in_chinese_or_japanese_of_before_unicode(
    client: httpx.Client, coding: str, name: str
) -> None:
    recording = part(b'form-data; name="file"; filename="' + name.encode(coding) + b'"', RECORDING)
    assert send(client, URL, form(recording, field("model", "echo"))).status_code == 200


def test_a_field_whose_name_is_not_utf_8_does_not_spoil_the_others(client: httpx.Client) -> None:
    other = part('form-data; name="комментарий"'.encode("cp1251"), b"x")
    response = send(client, URL, form(other, part(FILE, RECORDING), field("model", "echo")))
    assert (response.status_code, response.headers["x-govor-model"]) == (200, "echo")


@pytest.mark.parametrize(
    "boundary", ["----=_Part_1_2.3", "===============8212345==", "a/b:c?d(e),f", "two words", "'quoted'+_"]
)
@pytest.mark.parametrize("quotes", ["", '"'])
def test_a_boundary_may_have_any_character(client: httpx.Client, boundary: str, quotes: str) -> None:
    body = form(part(FILE, RECORDING), field("model", "echo")).replace(b"--XbX", b"--" + boundary.encode())
    kind = f"multipart/form-data; Boundary={quotes}{boundary}{quotes}; charset=utf-8"
    response = send(client, URL, body, kind)
    assert response.headers.get("x-govor-model") == "echo", response.text


@pytest.mark.parametrize(
    "parameters",
    ["boundary=XbX ; a=b", 'boundary="Xb\\X"', 'boundary="XbX', 'a="b;c"; boundary = XbX', "BOUNDARY=XbX"],
)
def test_a_boundary_is_found_however_it_is_written(client: httpx.Client, parameters: str) -> None:
    body = form(part(FILE, RECORDING), field("model", "echo"))
    assert send(client, URL, body, f"multipart/form-data; {parameters}").status_code == 200


@pytest.mark.parametrize("path", [*FORMS, "/v1/models", "/load", "/v1/audio/diarization"])
@pytest.mark.parametrize(
    "body",
    [
        b"hello, this is no form",
        form(field("model", "echo")).replace(b"XbX", b"other"),
        form(part(FILE, RECORDING), b"--XbX\r\nContent-Type: text/plain\r\n\r\nhello\r\n"),
        form(field("model", "echo"), part(FILE, RECORDING))[:-500],
    ],
)
def test_a_form_that_cannot_be_parsed_says_why(client: httpx.Client, path: str, body: bytes) -> None:
    response = send(client, path, body)
    assert response.status_code == 400, response.text
    assert message_of(response).startswith("The form cannot be parsed, because ")


@pytest.mark.parametrize("last", [field("response_format", "srt"), field("model", "no-such-model")])
def test_a_form_without_its_last_line_loses_no_field_in_silence(client: httpx.Client, last: bytes) -> None:
    response = send(client, URL, part(FILE, RECORDING) + field("model", "echo") + last)
    assert response.status_code == 400
    assert "ends early" in message_of(response)


@pytest.mark.parametrize(
    "kind", [b"audio/wav", b"video/mp4; codecs=x", b"application/octet-stream", b"Audio/MPEG"]
)
def test_a_part_without_a_file_name_is_a_file_by_its_type(client: httpx.Client, kind: bytes) -> None:
    recording = part(b'form-data; name="file"', RECORDING, b"Content-Type: " + kind)
    for path in (URL, "/inference"):
        assert send(client, path, form(recording, field("model", "echo"))).status_code == 200


def test_a_field_that_says_it_is_bytes_is_a_field(client: httpx.Client) -> None:
    kind = b"Content-Type: application/octet-stream"
    model = part(b'form-data; name="model"; filename=""', b"echo", kind)
    strange = part(b'form-data; name="response_format"', b"text", kind)
    response = send(client, URL, form(part(FILE, RECORDING), model, strange))
    assert response.headers["content-type"].startswith("text/plain")
    assert response.headers["x-govor-model"] == "echo"


@pytest.mark.parametrize("around", ["{}\r\n", " {} ", "\t{}\n", "\r\n{}"])
def test_white_space_around_a_value_says_nothing(client: httpx.Client, around: str) -> None:
    fields = {"model": "echo", "response_format": "verbose_json", "stream": "false", "language": "ru"}
    written = [field(name, around.format(value)) for name, value in fields.items()]
    response = send(client, URL, form(part(FILE, RECORDING), *written))
    assert response.status_code == 200, response.text
    assert response.json()["duration"] == 1


def test_a_file_of_another_name_is_told(client: httpx.Client) -> None:
    response = send(client, URL, form(part(b'form-data; name="audio"; filename="a.wav"', RECORDING)))
    assert "its file is called 'audio'" in message_of(response)


def test_of_several_recordings_the_first_is_taken_and_no_other_is_kept(client: httpx.Client) -> None:
    longer = part(FILE, media.silence(2))
    response = send(
        client,
        URL,
        form(part(FILE, RECORDING), longer, field("model", "echo"), field("response_format", "verbose_json")),
    )
    assert response.json()["duration"] == 1


def test_text_in_a_stated_code_page_is_read_so(client: httpx.Client) -> None:
    kind = b"Content-Type: text/plain; charset=windows-1251"
    names = part(b'form-data; name="known_speaker_names[]"', "Аня".encode("cp1251"), kind)
    again = part(b'form-data; name="known_speaker_names[]"', "Аня".encode(), b"Content-Type: text/plain")
    asked = (field("diarize", "true"), field("response_format", "verbose_json"))
    response = send(client, URL, form(part(FILE, RECORDING), *asked, names, again))
    assert response.status_code == 400
