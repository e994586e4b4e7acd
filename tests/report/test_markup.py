from ctrmoe.report.markup import percent, tag


def test_texts_and_attributes_are_escaped_and_elements_are_not():
    inner = tag("b", "<i> & co")

    assert inner == "<b>&lt;i&gt; &amp; co</b>"
    assert tag("p", inner, title='"<') == f'<p title="&#34;&lt;">{inner}</p>'


def test_braces_are_texts():
    assert tag("p", "{0} {x}") == "<p>{0} {x}</p>"


def test_names_of_attributes_and_what_is_left_out():
    assert tag("g", class_="a", aria_label="b", x=None) == '<g class="a" aria-label="b"></g>'


def test_share_is_a_percentage():
    assert percent(0.12345) == "12.35%"
