"""Languages: their codes, their English names, and whether spaces separate their words.

The hundred languages of Whisper under OpenAI's names, and some more that other model families support.
"""

from __future__ import annotations

import re

# One row per language: ISO 639-1 code (639-3 if there is none), other codes for it, name.
_TABLE = """
af afr afrikaans
am amh amharic
ar ara,arb arabic
as asm assamese
az aze,azj azerbaijani
ba bak bashkir
be bel belarusian
bg bul bulgarian
bn ben bengali
bo bod,tib tibetan
br bre breton
bs bos bosnian
ca cat catalan
cs ces,cze czech
cv chv chuvash
cy cym,wel welsh
da dan danish
de deu,ger german
el ell,gre greek
en eng english
eo epo esperanto
es spa spanish
et est,ekk estonian
eu eus,baq basque
fa fas,per,pes persian
ff ful fula
fi fin finnish
fo fao faroese
fr fra,fre french
ga gle irish
gl glg galician
gu guj gujarati
ha hau hausa
haw haw hawaiian
he heb,iw hebrew
hi hin hindi
hr hrv croatian
ht hat haitian creole
hu hun hungarian
hy hye,arm armenian
id ind,in indonesian
ig ibo igbo
is isl,ice icelandic
it ita italian
ja jpn japanese
jv jav,jw javanese
ka kat,geo georgian
kk kaz kazakh
km khm khmer
kn kan kannada
ko kor korean
ku kur,kmr kurdish
ky kir kyrgyz
la lat latin
lb ltz luxembourgish
lg lug ganda
ln lin lingala
lo lao lao
lt lit lithuanian
lv lav,lvs latvian
mg mlg malagasy
mi mri,mao maori
mk mkd,mac macedonian
ml mal malayalam
mn mon mongolian
mr mar marathi
ms msa,may,zsm malay
mt mlt maltese
my mya,bur myanmar
ne nep,npi nepali
nl nld,dut dutch
nn nno nynorsk
no nor,nob,nb norwegian
ny nya nyanja
oc oci occitan
om orm oromo
or ori,ory odia
pa pan punjabi
pl pol polish
ps pus pashto
pt por portuguese
ro ron,rum,mo romanian
ru rus russian
rw kin kinyarwanda
sa san sanskrit
sd snd sindhi
si sin sinhala
sk slk,slo slovak
sl slv slovenian
sn sna shona
so som somali
sq sqi,alb albanian
sr srp,sh,hbs,scr serbian
su sun sundanese
sv swe swedish
sw swa,swh swahili
ta tam tamil
te tel telugu
tg tgk tajik
th tha thai
tk tuk turkmen
tl tgl,fil tagalog
tr tur turkish
tt tat tatar
ug uig uyghur
uk ukr ukrainian
ur urd urdu
uz uzb,uzn uzbek
vi vie vietnamese
wo wol wolof
xh xho xhosa
yi yid,ji yiddish
yo yor yoruba
yue yue cantonese
zh zho,chi,cmn chinese
zu zul zulu
"""

_OTHER_NAMES = {
    "burmese": "my",
    "castilian": "es",
    "farsi": "fa",
    "filipino": "tl",
    "flemish": "nl",
    "haitian": "ht",
    "letzeburgesch": "lb",
    "mandarin": "zh",
    "moldavian": "ro",
    "moldovan": "ro",
    "panjabi": "pa",
    "pushto": "ps",
    "sinhalese": "si",
    "valencian": "ca",
}

_ROWS = [row.split(maxsplit=2) for row in _TABLE.strip().splitlines()]

_TAGS = {code: tuple(others.split(",")) for code, others, _ in _ROWS}

LANGUAGES = {code: name for code, _, name in _ROWS}
"""Code to lower-case English name."""

_CODES = {spelling: code for code, others, _ in _ROWS for spelling in (code, *others.split(","))}
_NAMES = {**_OTHER_NAMES, **{name: code for code, name in LANGUAGES.items()}}

_TAG = re.compile(r"([a-z]{2,3})(-[a-z0-9]{1,8})*")  # language and subtags of BCP 47, lower-cased

ANY = frozenset(
    {"*", "any", "auto", "detect", "mul", "multi", "multilingual", "none", "null", "und", "undefined", "zxx"}
)
"""Values of `language` that leave the language to the model: the codes of ISO 639 for several, none and
unknown, and texts for absent values.
"""

UNSPACED = frozenset({"bo", "ja", "km", "lo", "my", "th", "yue", "zh"})
"""Languages written without spaces between words."""


def parse_language(value: str) -> str:
    """Return the code for "ru", "RU", "ru-RU", "ru_RU", "rus" or "Russian".

    Raises ValueError with a message fit for the client.
    """
    written = value.strip().lower().replace("_", "-")
    tag = _TAG.fullmatch(written)
    code = _NAMES.get(written.replace("-", " ")) or _CODES.get(tag[1] if tag else "")
    if code is None:
        raise ValueError(
            f"{value[:40]!r} is not a language known here. Give an ISO 639-1 code such as 'ru' or 'en', "
            "a locale such as 'ru-RU', or an English name such as 'russian'."
        )
    return code


def means_any(value: str) -> bool:
    """Tell whether a client's value leaves the language to the model."""
    return value.strip().lower() in ANY


def language_name(code: str) -> str:
    """Return the lower-case English name; the code itself if the table has none."""
    return LANGUAGES.get(_CODES.get(code, code), code)


def language_tags(code: str) -> tuple[str, ...]:
    """Return the codes that files use for a language: of ISO 639-1, 639-2 and 639-3."""
    return (code, *_TAGS.get(code, ()))


def separator(language: str | None) -> str:
    """Return the separator between two pieces of text in this language: a space or nothing."""
    return "" if language in UNSPACED else " "
