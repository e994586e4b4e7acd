import numpy as np
import pytest

from ctrmoe.schema import SchemaError
from ctrmoe.serving.client.pieces import Answer, Call, joined
from ctrmoe.serving.client.signature import Input, Signature

ITEM = Input("item", "integer", is_list=False, is_shared=False)
USER = Input("user", "text", is_list=False, is_shared=True)
PLAIN = Signature("serving_default", (ITEM,), ("click", "view"))
CANDIDATES = Signature("serve_candidates", (ITEM, USER), ("click",))


def test_rows_are_cut_and_their_answers_joined_in_order():
    call = Call.of({"item": list(range(7))})

    pieces = call.pieces(PLAIN, 3)
    answers = [Answer({"click": p["item"] / 8, "view": p["item"] / 16}) for p in pieces]

    assert [piece["item"].tolist() for piece in pieces] == [[[0], [1], [2]], [[3], [4], [5]], [[6]]]
    frame = joined(answers, PLAIN)
    assert frame["click"].to_list() == [i / 8 for i in range(7)]
    assert frame["view"].dtype == frame["click"].dtype
    assert frame.columns == ["click", "view"]


def test_what_candidates_share_is_in_every_request():
    call = Call.of([{"item": 1}, {"item": 2}, {"item": 3}], {"user": "u", "unread": 0})

    first, second = call.pieces(CANDIDATES, 2)

    assert first["user"].tolist() == second["user"].tolist() == [["u"]]
    assert first["item"].tolist() == [[1], [2]]
    assert second["item"].tolist() == [[3]]


def test_what_is_not_given_is_missing_once_or_for_each():
    (piece,) = Call.of([{"x": 1}, {"x": 2}], {}).pieces(CANDIDATES, 512)

    assert piece["user"].tolist() == [[""]]
    assert piece["item"].shape == (2, 1)


def test_candidates_that_hold_what_they_share_are_refused():
    call = Call.of([{"item": 1, "user": "u"}], {})

    with pytest.raises(SchemaError, match=r"`candidates` must not hold what .*Received: user\."):
        call.pieces(CANDIDATES, 512)


def test_metadata_need_not_say_what_is_shared():
    user = Input("user", "text", is_list=False, is_shared=False)
    signature = Signature("serve_candidates", (ITEM, user), ("click",))

    (given,) = Call.of([{"item": 1}, {"item": 2}], {"user": "u"}).pieces(signature, 512)
    (missing,) = Call.of([{"item": 1}, {"item": 2}], {}).pieces(signature, 512)

    assert given["user"].tolist() == [["u"]]
    assert missing["user"].tolist() == [[""], [""]]
    with pytest.raises(SchemaError, match="Received: user"):
        Call.of([{"user": "v"}], {"user": "u"}).pieces(signature, 512)


def test_no_rows_need_no_request():
    assert Call.of([]).pieces(PLAIN, 3) == []
    frame = joined([], PLAIN)
    assert frame.shape == (0, 2)
    assert frame["click"].to_numpy().dtype == np.float32
