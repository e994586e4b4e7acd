"""Parts of the page that `ctrmoe rank` and `ctrmoe check` write, each a function of its table."""
