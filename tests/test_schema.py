import pytest

from ctrmoe.schema import Schema, SchemaError

TASKS = [{"name": "click", "column": "label"}]
FEATURES = [
    {"name": "item id", "kind": "categorical", "min_count": 2},
    {"name": "price", "kind": "numeric", "transform": "log_square"},
    {"name": "age", "kind": "numeric", "transform": "quantile", "buckets": 4},
    {"name": "history", "kind": "sequence", "max_length": 5, "vocabulary": "item id"},
    {"name": "genres", "kind": "categorical", "max_length": 3, "separator": "|"},
]


def weighted(name, column):
    return {"name": name, "kind": "categorical", "max_length": 2, "weights": column}


def derived(name="d", **options):
    return {"name": name, "kind": "categorical", **options}


def schema(**changes):
    return Schema.from_dict({"name": "shop", "tasks": TASKS, "features": FEATURES} | changes)


def test_load_returns_what_dumps_wrote(tmp_path):
    written = schema(
        domain="shop", unknown_domains="refuse", group="user", timestamp="time", columns=["a", "b"]
    )
    path = tmp_path / "schema.toml"
    path.write_text(written.dumps(), encoding="utf-8")

    assert Schema.load(path) == written


def test_dumps_of_derived_features_loads(tmp_path):
    written = schema(
        features=[
            derived("ab", cross=["a", "b"], cross_dtypes=["string", "integer"]),
            {"name": "p_of_x", "kind": "numeric", "source": "p"}
            | {"where": {"column": "b", "equals": 3}},
            derived("a_of_x", source="a", where={"column": "c", "equals": "x"}),
        ]
    )
    path = tmp_path / "schema.toml"
    path.write_text(written.dumps(), encoding="utf-8")

    assert Schema.load(path) == written


def test_inputs_name_each_raw_column_once():
    given = schema(
        features=[
            derived("ab", cross=["a", "b"]),
            {"name": "ones", "kind": "categorical", "max_length": 2, "source": "tags"},
            weighted("tags", "w"),
            derived("a_of_x", source="a", where={"column": "c", "equals": "x"}),
        ]
    )

    assert [column.name for column in given.inputs] == ["a", "b", "tags", "c"]
    assert given.inputs[2].weights == "w"
    assert given.raw_inputs == ("a", "b", "tags", "c", "w")


def test_dumps_with_odd_names_loads(tmp_path):
    odd = [{"name": 'quote" back\\slash\ttab ünï', "kind": "categorical"}]
    path = tmp_path / "schema.toml"
    path.write_text(schema(features=odd).dumps(), encoding="utf-8")

    assert Schema.load(path).features[0].name == odd[0]["name"]


def test_columns_of_the_packed_matrices_follow_the_features():
    given = schema()

    assert [f.name for f in given.single] == ["item id", "age"]
    assert [f.name for f in given.lists] == ["history", "genres"]
    assert [f.name for f in given.values] == ["price"]
    assert given.input_widths == {
        "ids": (2, "int32"),
        "sequences": (8, "int32"),
        "values": (1, "float32"),
    }


def test_input_widths_leave_empty_matrices_out():
    assert schema(features=FEATURES[:1]).input_widths == {"ids": (1, "int32")}


def test_domain_is_a_packed_matrix_for_models_that_read_it():
    assert schema(domain="").packed(reads_domain=True) == schema().input_widths
    with_domain = schema(domain="shop")
    assert with_domain.packed(reads_domain=True)["domain"] == (1, "int32")
    assert "domain" not in with_domain.input_widths


def test_owner_of_a_shared_vocabulary():
    given = schema()

    assert given.owner(given["history"]).name == "item id"
    assert given.owner(given["genres"]).name == "genres"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nam": "x"}, r"Unknown key `nam`\. Did you mean `name`\?"),
        ({"tasks": []}, "`tasks` must name at least one label"),
        ({"features": []}, "`features` must name at least one column"),
        ({"tasks": TASKS * 2}, r"`tasks` must not repeat a name\. Received twice: \['click'\]"),
        ({"features": FEATURES[:1] * 2}, "`features` must not repeat a name"),
        ({"columns": ["a", "a"]}, "`columns` must not repeat a name"),
        ({"tasks": [{"name": "c", "weight": True}]}, r"`tasks\[0\].weight` must be float"),
        ({"features": [{"name": "label", "kind": "numeric"}]}, "reads the label of task `click`"),
        (
            {"features": [{"name": "h", "kind": "sequence", "max_length": 2, "vocabulary": "x"}]},
            "must name a categorical or sequence feature. Received: 'x'",
        ),
        *(
            (
                {"features": [*FEATURES, *(weighted(name, column) for name in names)]},
                f"`weights` must name a column that is no feature, .* Received: '{column}'",
            )
            for names, column in (("t", "item id"), ("t", "label"), ("tu", "w"))
        ),
        (
            {"features": [*FEATURES, derived(source="label")]},
            "Feature `d` reads the label of task `click`",
        ),
        *(
            (
                {"features": [*FEATURES, derived(**options)]},
                f"Column `{column}` must be read as numbers, as lists or as categories. Received: "
                f"{first} by feature `{column}`, categories by feature `d`. Give one of them",
            )
            for options, column, first in (
                ({"cross": ["item id", "price"]}, "price", "numbers"),
                ({"cross": ["item id", "history"]}, "history", "lists"),
                ({"where": {"column": "age", "equals": 3}}, "age", "numbers"),
                ({"source": "price"}, "price", "numbers"),
            )
        ),
        (
            {"features": [derived(cross=["a", "b"]), derived("e", vocabulary="d")]},
            "must name a categorical or sequence feature. Received: 'd', a cross",
        ),
        ({"unknown_domains": "refuse"}, "`unknown_domains` must be left out where no column is"),
        ({"unknown_domains": "drop"}, "`unknown_domains` must be one of 'fallback', 'refuse'"),
        ({"features": "user"}, "`features` must be a list"),
        ({"features": ["user"]}, r"`features\[0\]` must be a table"),
        ({"features": [{"name": "a"}]}, r"`features\[0\].kind` must be given"),
    ],
)
def test_schema_that_breaks_a_rule(changes, message):
    with pytest.raises(SchemaError, match=message):
        schema(**changes)


def test_vocabulary_of_a_sharing_feature():
    chain = [
        {"name": "a", "kind": "categorical"},
        {"name": "b", "kind": "categorical", "vocabulary": "a"},
        {"name": "c", "kind": "categorical", "vocabulary": "b"},
    ]

    with pytest.raises(SchemaError, match="must name the feature that owns the vocabulary"):
        schema(features=chain)


@pytest.mark.parametrize(
    ("text", "message"),
    [("name = ", "must be valid TOML"), ('name = "x"', "`tasks` must be given")],
)
def test_load_names_the_file(tmp_path, text, message):
    path = tmp_path / "broken.toml"
    path.write_text(text)

    with pytest.raises(SchemaError, match=f"broken.toml.*{message}"):
        Schema.load(path)


def test_load_of_a_missing_file(tmp_path):
    with pytest.raises(SchemaError, match="absent.toml can't be read: No such file"):
        Schema.load(tmp_path / "absent.toml")
