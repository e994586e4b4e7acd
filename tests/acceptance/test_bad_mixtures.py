"""What a user gets wrong about experts and domains: one line, exit code 2 and nothing written."""

import pytest

from ctrmoe.cli import main

EXPERTS = "model.experts={kind='feed_forward', num_experts=3, units=[4]}"


def call(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code or 0


CASES = {
    "more chosen experts than there are": (
        [EXPERTS, "model.router={kind='linear', selector={kind='top_k', k=4}}"],
        "`k` must be at most the number of experts, 3. Received: k=4.",
    ),
    "a domain without experts": (
        [
            EXPERTS,
            "model.router={kind='linear', adjusts=[{kind='domain_mask', "
            "allowed=[[1,1,1],[0,0,0],[1,0,0],[1,0,0]]}]}",
        ],
        "`allowed` must hold 0 and 1, and allow each domain an expert. Received: [0, 0, 0] of "
        "domain 1.",
    ),
    "more clusters than rows in a batch": (
        [
            "model.experts={kind='product', num_experts=200, units=[4]}",
            "model.router={kind='cluster'}",
            "train.batch_size=128",
        ],
        "`train.batch_size` must be at least 200",
    ),
    "a router without experts": (
        ["model.router={kind='linear'}"],
        "`experts` must be given for a `router`. Received: router={'kind': 'linear'}, experts={}.",
    ),
    "a scorer that is none": (
        [EXPERTS, "model.router={kind='claster'}"],
        "`kind` must be one of",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_mixture_is_one_line(case, prepared, tmp_path, capsys):
    options, message = CASES[case]
    (tmp_path / "config.toml").write_text("[model.embedding]\ndim = 4\n")
    words = [
        word for option in (f"data.prepared={prepared}", *options) for word in ("--set", option)
    ]

    code = call("train", tmp_path / "config.toml", *words, "--out", tmp_path / "run")

    error = capsys.readouterr().err
    assert code == 2, error
    assert message in " ".join(error.split())
    assert "Traceback" not in error
    assert not (tmp_path / "run").exists()
