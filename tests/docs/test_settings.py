"""Every setting is documented, and the page says what the code does."""

from pathlib import Path

from orderloom.plumbing.settings import Settings, as_markdown

PAGE = Path(__file__).parents[2] / "docs/settings.md"


def test_every_setting_says_what_it_means():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_page_is_what_the_code_says():
    assert PAGE.read_text() == as_markdown(), "run `make docs`"
