import pytest

from govor.formats.languages import LANGUAGES, UNSPACED, language_name, parse_language, separator

WHISPER = """
en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr
bg lt la mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn
yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha ba jw su
yue
"""


@pytest.mark.parametrize("value", ["ru", "RU", "ru-RU", "ru_RU", "rus", "Russian", " russian ", "ru-Cyrl-RU"])
def test_every_spelling_of_russian_is_understood(value):
    assert parse_language(value) == "ru"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("yue", "yue"),
        ("haw", "haw"),
        ("chi", "zh"),
        ("zho", "zh"),
        ("iw", "he"),
        ("jw", "jv"),
        ("nb", "no"),
        ("sh", "sr"),
    ],
)
def test_other_codes_lead_to_the_current_one(value, code):
    assert parse_language(value) == code


@pytest.mark.parametrize("value", ["Haitian Creole", "haitian_creole", "Haitian", "ht"])
def test_a_name_may_have_two_words_and_a_second_form(value):
    assert parse_language(value) == "ht"


@pytest.mark.parametrize("value", ["", "r", "xx", "klingon", "русский", "ru RU", "ru-", "-ru", "auto"])
def test_anything_else_is_refused_with_advice(value):
    with pytest.raises(ValueError, match="ISO 639-1"):
        parse_language(value)


def test_the_refusal_does_not_echo_a_whole_page():
    with pytest.raises(ValueError, match="not a language") as refusal:
        parse_language("x" * 10_000)
    assert len(str(refusal.value)) < 250


@pytest.mark.parametrize("code", LANGUAGES)
def test_code_and_name_lead_back_to_the_code(code):
    assert parse_language(code) == parse_language(LANGUAGES[code].title()) == code


def test_the_hundred_languages_of_whisper_are_known():
    assert len({parse_language(code) for code in WHISPER.split()}) == 100


def test_names_are_those_of_openai():
    assert [language_name(code) for code in ("ru", "my", "jw", "ht")] == [
        "russian",
        "myanmar",
        "javanese",
        "haitian creole",
    ]


def test_a_code_without_a_name_stays_a_code():
    assert language_name("tlh") == "tlh"


def test_languages_without_spaces_are_joined_without():
    assert {separator(code) for code in UNSPACED} == {""}
    assert separator("ko") == separator(None) == " "
