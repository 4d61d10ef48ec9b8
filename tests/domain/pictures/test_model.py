"""A picture is what its bytes say, and it is whole."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.domain.pictures.model import MAX_SIDE, Picture, PictureType, measured
from oms.domain.pictures.policy import PictureReason
from oms.domain.vocabulary.errors import Refused
from tests.pictures import extended_webp, jpeg, lossless_webp, lossy_webp, png


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (png(300, 200), PictureType.PNG),
        (jpeg(300, 200), PictureType.JPEG),
        (lossy_webp(300, 200), PictureType.WEBP),
        (lossless_webp(300, 200), PictureType.WEBP),
        (extended_webp(300, 200), PictureType.WEBP),
    ],
)
def test_type_and_size_follow_from_the_content_and_a_part_of_it_is_refused(content: bytes, kind: PictureType) -> None:
    assert measured(content) == (kind, 300, 200)
    assert [length for length in range(len(content)) if measured(content[:length])] == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a" + bytes(40),
        b"\x89PNG\r\n\x1a\n<html>",
        png() + b"<script>alert(1)</script>",
        jpeg(1, 1) + b"PK",
        lossy_webp(1, 1) + b"<html>",
    ],
)
def test_what_is_none_or_has_something_behind_it_is_refused(content: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        Picture.of(content, "picture", max_bytes=1000)
    assert [problem.reason for problem in refusal.value.problems] == [PictureReason.NOT_A_PICTURE]


@pytest.mark.parametrize("content", [png(0, 1), jpeg(MAX_SIDE + 1, 1), lossless_webp(1, MAX_SIDE + 1)])
def test_too_many_pixels_or_none_are_refused(content: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        Picture.of(content, "picture", max_bytes=1000)
    assert [problem.reason for problem in refusal.value.problems] == [PictureReason.PICTURE_TOO_LARGE]


@given(st.binary(max_size=60), st.sampled_from([b"", png()[:20], jpeg(1, 1)[:25], lossy_webp(1, 1)[:22]]))
def test_no_content_breaks_it(content: bytes, begin: bytes) -> None:
    found = measured(begin + content)
    assert found is None or found[1] >= 0


def test_base64_is_decoded_strictly() -> None:
    content = png()
    assert Picture.of_base64(base64.b64encode(content).decode(), max_bytes=1000).content == content
    for text in ("", "data:image/png;base64,AAAA", "é", "AAA"):
        with pytest.raises(Refused):
            Picture.of_base64(text, max_bytes=1000)
