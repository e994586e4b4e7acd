import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ctrmoe.cli import main
from ctrmoe.condition import Condition
from ctrmoe.ranking import rank
from ctrmoe.ranking.shift_null import shifted_information
from ctrmoe.schema import Feature, Schema, SchemaError

SCHEMA_TEXT = """
name = "shop"
[[tasks]]
name = "click"
[[features]]
name = "shop"
kind = "categorical"
[[features]]
name = "user"
kind = "categorical"
"""
SCHEMA = Schema.from_dict(
    {
        "name": "shop",
        "tasks": [{"name": "click"}],
        "features": [{"name": n, "kind": "categorical"} for n in ("shop", "user")],
    }
)

IN_S1 = Condition(column="shop", equals="s1")


def table(rows=2_000):
    random = np.random.default_rng(9)
    shop = random.integers(0, 4, rows)
    return pl.DataFrame(
        {
            "shop": [f"s{v}" for v in shop],
            "user": random.integers(0, 500, rows),
            "click": (random.random(rows) < 0.2 + 0.1 * shop).astype(int),
        }
    )


def call(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code or 0


def test_files_give_the_same_ranking_as_one_frame_in_any_chunks(tmp_path):
    whole = table()
    whole[:700].write_parquet(tmp_path / "a.parquet", row_group_size=100)
    whole[700:].write_parquet(tmp_path / "b.parquet")
    done = []

    ranking = rank(SCHEMA, tmp_path, chunk_rows=256, on_rows=done.append)

    assert ranking.equals(rank(SCHEMA, whole))
    assert sum(done) == 2_000
    assert ranking["feature"].to_list() == ["shop", "user"]
    assert ranking["above_noise"].to_list() == [True, False]


def test_shift_takes_mini_batches_across_files(tmp_path):
    whole = table()
    whole[:700].write_parquet(tmp_path / "a.parquet")
    whole[700:].write_parquet(tmp_path / "b.parquet")

    ranking = rank(SCHEMA, tmp_path, null="shift", batch_rows=512)

    users, labels = whole["user"].to_numpy(), whole["click"].to_numpy()
    expected = []
    for start in range(0, 2_000, 512):
        codes = np.unique(users[start : start + 512], return_inverse=True)[1]
        expected.append(shifted_information(codes, labels[start : start + 512]))
    assert ranking.filter(feature="user")["score"][0] == pytest.approx(np.median(expected))


def test_command_writes_the_ranking_and_says_what_it_found(tmp_path, capsys):
    (tmp_path / "schema.toml").write_text(SCHEMA_TEXT)
    table().write_parquet(tmp_path / "clicks.parquet")

    code = call(
        "rank", tmp_path / "clicks.parquet", "--schema", tmp_path / "schema.toml",
        "--out", tmp_path / "out [red]",
    )  # fmt: skip

    printed = capsys.readouterr()
    assert code == 0
    assert "Counts take at most" in printed.err
    assert f"open {tmp_path}/out [red]/report.html." in printed.out
    assert "1 of 2 features are above noise" in " ".join(printed.out.split())
    ranking = pl.read_parquet(tmp_path / "out [red]" / "ranking.parquet", glob=False)
    assert ranking["feature"].to_list() == ["shop", "user"]


def test_command_ranks_controls_beside_the_features(tmp_path, capsys):
    (tmp_path / "schema.toml").write_text(SCHEMA_TEXT)
    table().write_parquet(tmp_path / "clicks.parquet")

    call(
        "rank", tmp_path / "clicks.parquet", "--schema", tmp_path / "schema.toml",
        "--out", tmp_path / "out", "--controls",
    )  # fmt: skip

    printed = capsys.readouterr()
    assert "2 features, 12 controls, 1 task" in " ".join(printed.err.split())
    assert "rank before the first control of noise" in " ".join(printed.out.split())
    ranking = pl.read_parquet(tmp_path / "out" / "ranking.parquet")
    assert ranking["is_control"].to_list().count(True) == 13


def test_command_ranks_by_domain_and_time(tmp_path, capsys):
    extra = 'domain = "country"\ntimestamp = "time"\n'
    (tmp_path / "schema.toml").write_text(extra + SCHEMA_TEXT)
    countries = pl.Series("country", ["si", "at"] * 1_000)
    time = pl.int_range(pl.len()).alias("time")
    table().with_columns(countries, time).write_parquet(tmp_path / "clicks.parquet")
    arguments = ["rank", tmp_path / "clicks.parquet", "--schema", tmp_path / "schema.toml"]
    arguments += ["--out", tmp_path / "out", "--by", "domain", "--time-slices", "4"]

    assert call(*arguments) == 0

    printed = capsys.readouterr()
    assert "By domain (2): 2,097,152 values each. By slice (4): 1,048,576 values each." in " ".join(
        printed.err.split()
    )
    assert "features differ between time slices" in " ".join(printed.out.split())
    by_domain, by_time, heterogeneity, stability = (
        pl.read_parquet(tmp_path / "out" / f"{name}.parquet")
        for name in ("by_domain", "by_time", "heterogeneity", "stability")
    )
    assert by_domain.select("domain", "rank").rows() == [("at", 1), ("at", 2), ("si", 1), ("si", 2)]
    assert by_time["slice"].unique().sort().to_list() == [0, 1, 2, 3]
    assert heterogeneity.height == stability.height == 2


def test_rows_are_divided_by_domain_only(tmp_path, capsys):
    code = call("rank", tmp_path, "--schema", tmp_path, "--out", tmp_path, "--by", "country")

    assert code == 2
    assert "`by` must be domain. Received: 'country'." in capsys.readouterr().err


BAD = {
    "no label": (lambda t: [t.drop("click")], "The label `click` of task `click` must be a column"),
    "one class": (lambda t: [t.with_columns(click=0)], "must be 0 in some rows and 1 in others"),
    "other bytes": (
        lambda t: [t.with_columns(shop=pl.lit(b"\xff\xfe"))],
        "`shop` must be UTF-8 text. Received: other bytes in",
    ),
    "no rows": (lambda t: [t[:0]], "0.parquet must have rows. Received: none."),
    "no column": (lambda t: [t, t.drop("user")], "Column `user` is missing in"),
    "another type": (
        lambda t: [t, t.with_columns(pl.col("user").cast(pl.String))],
        "`user` must have the same type in every file. Received: String in",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_leaves_nothing_behind(name, tmp_path, capsys):
    change, message = BAD[name]
    (tmp_path / "schema.toml").write_text(SCHEMA_TEXT)
    (tmp_path / "data").mkdir()
    for number, part in enumerate(change(table(200))):
        part.write_parquet(tmp_path / "data" / f"{number}.parquet")

    code = call(
        "rank", tmp_path / "data", "--schema", tmp_path / "schema.toml", "--out", tmp_path / "out"
    )

    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert code == 2
    assert len(errors) == 1
    assert message in errors[0]
    assert not (tmp_path / "out").exists()


def test_file_without_rows_beside_others_is_named(tmp_path, caplog):
    table().write_parquet(tmp_path / "a.parquet")
    table()[:0].write_parquet(tmp_path / "b.parquet")

    ranking = rank(SCHEMA, tmp_path)

    assert caplog.messages == [f"{tmp_path / 'b.parquet'} has no rows."]
    assert ranking["rows"].to_list() == [2_000, 2_000]


def test_mini_batches_of_one_row():
    with pytest.raises(SchemaError, match="`batch_rows` must be at least 2. Received: 1."):
        rank(SCHEMA, table(), batch_rows=1)


def test_derived_features_rank_as_columns_of_their_own():
    frame = table().with_columns(part=pl.col("user") % 3)
    derived = SCHEMA.replace(
        features=(
            Feature(name="both", kind="categorical", cross=("shop", "part")),
            Feature(name="part in s1", kind="categorical", source="part", where=IN_S1),
            Feature(name="user in s1", kind="numeric", source="user", where=IN_S1),
        )
    )
    in_s1 = pl.col("shop") == "s1"
    written_out = frame.with_columns(
        pl.format("{}/{}", "shop", "part").alias("both"),
        pl.when(in_s1).then("part").alias("part in s1"),
        pl.when(in_s1).then("user").alias("user in s1"),
    )
    plain = [{"name": f.name, "kind": f.kind} for f in derived.features]

    ranking = rank(derived, frame)

    expected = rank(Schema.from_dict(SCHEMA.to_dict() | {"features": plain}), written_out)
    # The values of texts are added up in the order of their hashes.
    assert_frame_equal(ranking, expected, rel_tol=1e-9)
    assert ranking.filter(feature="both")["cardinality"].item() == 12


def test_weak_signal_is_above_noise_of_a_million_values_in_19_of_20_seeds():
    first = covered = 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        shop, user = random.integers(0, 5, 30_000), random.integers(0, 1_000_000, 30_000)
        click = random.random(30_000) < 0.2 + 0.01 * shop

        ranking = rank(SCHEMA, pl.DataFrame({"shop": shop, "user": user, "click": click}))

        noise = ranking.filter(feature="user").row(0, named=True)
        first += ranking["feature"][0] == "shop"
        covered += abs(noise["score"]) <= 1.96 * noise["score_std"]
        assert noise["mi"] > ranking.filter(feature="shop")["mi"][0]  # which misleads
    assert first >= 19
    assert covered >= 17
