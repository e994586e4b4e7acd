"""Reading pages as a browser would: their tags, texts and tables."""

from html.parser import HTMLParser

VOID = ("input", "img", "meta")
TAGS = {
    "a", "body", "circle", "dd", "details", "div", "dl", "dt", "figure", "g", "h1", "h2", "h3",
    "head", "html", "img", "input", "li", "line", "meta", "nav", "ol", "p", "rect", "script",
    "section", "span", "style", "summary", "svg", "table", "tbody", "td", "text", "th", "thead",
    "title", "tr",
}  # fmt: skip


class Page(HTMLParser):
    """A page, or a part of one, whose tags must all be closed."""

    def __init__(self, source):
        super().__init__()
        self.source, self.tags, self.texts, self._open = source, [], [], []
        self.titles = []
        self.feed(source)
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if data.strip():
            self.texts.append(data.strip())
            if self._open and self._open[-1] == "title":
                self.titles.append(data.strip())

    def all(self, tag, style=None):
        """The attributes of the tags of a kind, in their order."""
        return [a for t, a in self.tags if t == tag and style in (None, a.get("class"))]

    def assert_needs_no_network(self):
        assert {tag for tag, _ in self.tags} <= TAGS
        for _, attributes in self.tags:
            assert attributes.get("src", "data:image/png;base64,").startswith("data:image/png;")
            assert attributes.get("href", "#").startswith("#")
        assert not any(name.startswith("on") for _, a in self.tags for name in a)
        for word in ("url(", "@import", "http:", "https:", "import("):
            assert word not in self.source
