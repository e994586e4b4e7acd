"""No file of a user can run code: the package evaluates no text and unpickles nothing."""

import ast

FORBIDDEN = {"eval", "exec", "compile", "__import__"}
PICKLES = {"pickle", "cPickle", "dill", "joblib", "cloudpickle", "marshal", "shelve"}


def broken_rules(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in FORBIDDEN:
            yield node.func.id
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", "") or ""]
            yield from (name for name in names if name.split(".")[0] in PICKLES)
        if isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "safe_mode"):
            value = getattr(node.value, "value", None)
            if value is (node.arg == "allow_pickle"):
                yield node.arg


def test_package_evaluates_no_text_and_unpickles_nothing(repository):
    files = sorted((repository / "ctrmoe").rglob("*.py"))

    found = {
        str(file.relative_to(repository)): rules
        for file in files
        if (rules := list(broken_rules(ast.parse(file.read_text(encoding="utf-8")))))
    }

    assert len(files) > 100
    assert found == {}


def test_rules_find_what_they_forbid():
    source = "import pickle\neval(x)\nnumpy.load(f, allow_pickle=True)\nload(f, safe_mode=False)"

    assert sorted(broken_rules(ast.parse(source))) == [
        "allow_pickle",
        "eval",
        "pickle",
        "safe_mode",
    ]
