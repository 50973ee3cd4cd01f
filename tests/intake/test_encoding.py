"""How a file's bytes become characters is found out, said, and overridable."""

from pathlib import Path

import pytest

from cfm_workflow.intake import FileRefused, detect_encoding, open_records

KOREAN = "id,text\n1,서비스가 너무 느려서 불편했습니다.\n2,배송이 늦었어요\n"
FRENCH = "id,text\n1,Très déçu par le délai\n2,L’équipe est très gentille\n"
GERMAN = "id,text\n1,Größe passt nicht, schönen Gruß\n"
ENGLISH = "id,text\n1,It’s the worst – really\n"
POLISH = "id,text\n1,Zażółć gęślą jaźń\n2,bardzo słaba obsługa, więcej nie przyjdę\n"
RUSSIAN = "id,text\n1,Очень плохой сервис, больше не приду\n"
JAPANESE = "id,text\n1,サービスがとても悪いです。もう二度と来ません。\n"
CHINESE = "id,text\n1,服务非常差，我不会再来了。快递太慢\n"

FOUND = [
    # text     written as   found as
    (KOREAN, "utf-8", "utf-8"),
    (KOREAN, "utf-8-sig", "utf-8-sig"),
    (KOREAN, "utf-16", "utf-16"),
    (KOREAN, "utf-16-le", "utf-16-le"),
    (KOREAN, "utf-16-be", "utf-16-be"),
    (KOREAN, "cp949", "cp949"),
    (KOREAN, "euc-kr", "cp949"),
    ("id,text\n" + "1,fine\n" * 20_000 + "2,불편함\n", "cp949", "cp949"),
    ("text\n똠양꿍이 맛있어요. 다음에 또 올게요 ㅎㅎ\n", "cp949", "cp949"),
    ("text\n서비스\n", "cp949", "cp949"),
    (FRENCH, "cp1252", "cp1252"),
    (GERMAN, "cp1252", "cp1252"),
    (ENGLISH, "cp1252", "cp1252"),
    (ENGLISH, "ascii-free", "utf-8"),
    (POLISH, "cp1250", "cp1250"),
    (RUSSIAN, "cp1251", "cp1251"),
    (JAPANESE, "cp932", "cp932"),
    (JAPANESE, "euc_jp", "euc_jp"),
    (CHINESE, "gb18030", "gb18030"),
]


def written(folder: Path, text: str | bytes, encoding: str = "utf-8") -> Path:
    path = folder / "feedback.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding.replace("ascii-free", "utf-8")))
    return path


@pytest.mark.parametrize(("text", "encoding", "found"), FOUND)
def test_the_encoding_is_found_out_and_the_text_comes_back(
    tmp_path: Path, text: str, encoding: str, found: str
) -> None:
    path = written(tmp_path, text, encoding)
    detected = detect_encoding(path)
    assert detected.name == found
    assert detected.how
    assert path.read_bytes().decode(detected.name) == text


def test_big_endian_utf16_with_a_mark_is_read_without_the_mark(tmp_path: Path) -> None:
    path = written(tmp_path, b"\xfe\xff" + KOREAN.encode("utf-16-be"))
    with open_records(path) as file:
        assert file.columns == ["id", "text"]


def test_what_was_given_is_used(tmp_path: Path) -> None:
    path = written(tmp_path, "text\nżółć\n", "cp1250")
    assert detect_encoding(path, "windows-1250") == ("cp1250", "as given")


@pytest.mark.parametrize("given", ["utf-8", "UTF8", "utf-8-sig"])
def test_a_given_utf8_does_not_keep_the_mark(tmp_path: Path, given: str) -> None:
    path = written(tmp_path, KOREAN, "utf-8-sig")
    with open_records(path, encoding=given) as file:
        assert file.columns == ["id", "text"]


@pytest.mark.parametrize("given", ["utf-16", "UTF-16LE"])
def test_a_given_utf16_needs_no_mark(tmp_path: Path, given: str) -> None:
    path = written(tmp_path, KOREAN, "utf-16-le")
    with open_records(path, encoding=given) as file:
        assert file.columns == ["id", "text"]


WRONG = [
    # bytes                                             given     byte  line
    (b"text\nfine\n\xed\x95\x9c\xff\n", "utf-8", 13, 3),
    (b"text\r\nfine\r\n\xff", "cp949", 12, 3),
    (b"text\rfine\r\x81", "cp1252", 10, 3),
    ("text\nok\n".encode("utf-16-le") + b"\x00\xdc", "utf-16-le", 16, 3),
    (b"a" * 300_000 + b"\n" + b"\xff\n", "utf-8", 300_001, 2),
    (b"\xef\xbb\xbftext\nfine\n", "cp949", 0, 1),
    (b"\xff\xfe" + "text\n".encode("utf-16-le"), "utf-16-be", 0, 1),
]


@pytest.mark.parametrize(("content", "given", "byte", "line"), WRONG)
def test_a_wrong_given_encoding_is_refused_with_the_first_bad_byte(
    tmp_path: Path, content: bytes, given: str, byte: int, line: int
) -> None:
    with pytest.raises(FileRefused) as caught:
        detect_encoding(written(tmp_path, content), given)
    assert (caught.value.field, caught.value.byte, caught.value.line) == ("encoding", byte, line)


@pytest.mark.parametrize(
    "given", ["klingon", "rot13", "base64", "utf-7", "idna", "utf-32", "unicode_escape", "a\0b", ""]
)
def test_a_name_that_is_no_encoding_of_text_is_refused(tmp_path: Path, given: str) -> None:
    with pytest.raises(FileRefused) as caught:
        detect_encoding(written(tmp_path, "text\nfine\n"), given)
    assert caught.value.field == "encoding"


def test_a_damaged_utf8_file_is_refused_instead_of_read_as_something_else(tmp_path: Path) -> None:
    good = KOREAN.encode()
    with pytest.raises(FileRefused) as caught:
        detect_encoding(written(tmp_path, good * 3 + b"3,caf\xe9 ok\n" + good))
    assert caught.value.byte == len(good) * 3 + 5
    assert caught.value.line == 3 * 3 + 1


UNTOLD = [
    ("text\n服务\n", "gb18030"),  # two characters: Chinese or Korean ones
    ("text\ntrès\n", "cp1252"),  # French, or Czech in cp1250
    ("text\nплохо\n", "koi8-r"),
]


@pytest.mark.parametrize(("text", "encoding"), UNTOLD)
def test_an_encoding_that_cannot_be_told_is_asked_for(tmp_path: Path, text: str, encoding: str) -> None:
    with pytest.raises(FileRefused) as caught:
        detect_encoding(written(tmp_path, text, encoding))
    assert caught.value.field == "encoding"


@pytest.mark.parametrize(
    "content",
    [b"", KOREAN.encode("utf-32"), b"PK\x03\x04rest", b"\x1f\x8brest", b"\xd0\xcf\x11\xe0rest", b"%PDF-1.7"],
)
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FileRefused):
        detect_encoding(written(tmp_path, content))


def test_a_stray_zero_byte_does_not_make_a_file_utf16(tmp_path: Path) -> None:
    assert detect_encoding(written(tmp_path, b"id,text\n1,a\x00b\n")).name == "utf-8"
