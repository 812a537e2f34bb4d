"""Options for transcriptions, of `govor transcribe` and `govor jobs submit`, and their values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click
from pydantic import ValidationError

from govor.cli.terminal.options import read_settings
from govor.cli.transcribe.outputs import Style
from govor.cli.transcribe.sources import Wanted
from govor.contract.recognizers import Options
from govor.contract.texts.processing import TextOptions
from govor.decoder.wire import LONGEST_TRACK
from govor.errors import GovorError, InvalidParam
from govor.formats.languages import parse_language
from govor.formats.rendering.formats import MEDIA_TYPES, SPEAKERLESS_FORMATS
from govor.formats.rendering.known_formats import CORE_FORMATS, Formats, origin
from govor.formats.subtitles.layout import Layout
from govor.plugins import Plugins
from govor.requests.channels import ChannelFields
from govor.requests.faults import invalid
from govor.requests.lines import layout
from govor.requests.speakers import MOST_PEOPLE, count_people
from govor.settings import Settings
from govor.settings.subtitles import Subtitles

ALL = ("txt", "srt", "vtt", "tsv", "verbose_json")
"""The formats that `--format all` stands for."""

FORMATS = ("txt", "srt", "vtt", "tsv", *sorted(set(MEDIA_TYPES) - set(ALL[:4]) - {"text"}), "text")
"""The core's formats, in the order of the help."""


def _language(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    try:
        return parse_language(value) if value else None
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _formats(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    named = [name.strip().lower() for value in given for name in value.split(",") if name.strip()]
    wanted = [single for name in named or ["txt"] for single in (ALL if name == "all" else (name,))]
    return tuple(dict.fromkeys(wanted))


def _names(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> list[str]:
    return [name.strip() for value in given for name in value.split(",") if name.strip()]


def _track(context: click.Context, option: click.Parameter, value: str) -> str:
    if len(value) > LONGEST_TRACK:
        raise click.BadParameter(f"a track's name has at most {LONGEST_TRACK} letters.")
    return value.strip()


class FormatOption(click.Option):
    """--format; its help names the formats of plugins too, for which it imports them."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        try:
            added = Formats(Plugins(read_settings(ctx.obj, {})).formats()).added
        except GovorError:  # the configuration is wrong
            added = ()
        self.help = (
            f"{', '.join((*FORMATS, *added, 'all'))}; several with commas, or by repeating it. "
            f"all: {', '.join(ALL)}. [default: txt]"
        )
        return super().get_help_record(ctx)


def find_formats(names: Iterable[str], settings: Settings) -> tuple[Formats, Plugins | None]:
    """Return formats with these names, and the plugins if one of them is a plugin's: else none is imported.

    Raises BadParameter, ConfigurationError.
    """
    plugins = None if set(names) <= set(FORMATS) else Plugins(settings)
    formats = Formats(plugins.formats()) if plugins else CORE_FORMATS
    for name in names:
        if name not in formats:
            known = ", ".join((*FORMATS, *formats.added, "all"))
            raise click.BadParameter(
                f"{name!r} is no format; choose from {known}.{origin(name)}", param_hint="'--format'"
            )
    return formats, plugins


PEOPLE = click.IntRange(1, MOST_PEOPLE)

_OPTIONS = (
    click.option("--model", "-m", default="", help="Id, alias or plugin/id; default: the preference list."),
    click.option(
        "--format",
        "-f",
        "formats",
        multiple=True,
        callback=_formats,
        metavar="A,B",
        cls=FormatOption,
    ),
    click.option(
        "--language", "-l", callback=_language, help="Language of the speech, e.g. ru; default: detected."
    ),
    click.option("--translate", is_flag=True, help="Translate to English, if the model can."),
    click.option("--prompt", default="", help="Text that precedes the recording, or sets its style."),
    click.option("--keyword", "keywords", multiple=True, help="A word or name to expect; may be repeated."),
    click.option("--diarize", is_flag=True, help="Name the speakers, in all formats but json."),
    click.option(
        "--speakers",
        "--num-speakers",
        "speakers",
        type=PEOPLE,
        metavar="N",
        help="Number of speakers, with --diarize.",
    ),
    click.option("--min-speakers", type=PEOPLE, metavar="N", help="Least number of speakers."),
    click.option("--max-speakers", type=PEOPLE, metavar="N", help="Greatest number of speakers."),
    click.option(
        "--channels",
        type=click.Choice(("mixed", "separate")),
        help="separate: one speaker per channel, each transcribed apart and named. [default: mixed]",
    ),
    click.option(
        "--channel-names",
        multiple=True,
        callback=_names,
        metavar="A,B",
        help="Names of separate channels, in their order.",
    ),
    click.option(
        "--track",
        default="",
        callback=_track,
        help="Audio track of a video: its number from 0, title or language.",
    ),
    click.option("--words", is_flag=True, help="Times of single words, in verbose_json."),
    click.option("--times", is_flag=True, help="Times of paragraphs, in txt."),
    click.option("--punctuation", is_flag=True, help="Add punctuation and capitals, by a plugin."),
    click.option("--itn", is_flag=True, help="Write numbers in digits, by a plugin."),
    click.option("--no-vad", is_flag=True, help="Treat everything as speech."),
    click.option(
        "--max-line-width",
        type=click.IntRange(10, 1000),
        metavar="N",
        help="Columns of a line in srt and vtt.",
    ),
    click.option(
        "--max-line-count", type=click.IntRange(1, 10), metavar="N", help="Lines of a cue in srt and vtt."
    ),
    click.option(
        "--max-words-per-line",
        type=click.IntRange(1, 100),
        metavar="N",
        help="Words of a line in srt and vtt; without --max-line-count each line is a cue.",
    ),
)


def transcription_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets them as `read_options` takes them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read_options(
    given: dict[str, Any], subtitles: Subtitles, formats: Formats
) -> tuple[Wanted, tuple[str, ...], Style]:
    """Return the request, the names of its formats and their style, from the options in `given`.

    Raises InvalidParam if options contradict each other, or if no format shows the speakers.
    """
    given = dict(given)
    names: tuple[str, ...] = given.pop("formats")
    words, diarize = given.pop("words"), given.pop("diarize")
    if diarize and set(names) <= SPEAKERLESS_FORMATS:
        raise InvalidParam(f"Speakers show in all formats but {names[0]}.")
    options = Options(
        task="translate" if given.pop("translate") else "transcribe",
        language=given.pop("language"),
        prompt=given.pop("prompt"),
        keywords=given.pop("keywords"),
        words=words or any(map(formats.needs_words, names)),
    )
    people = count_people(*(given.pop(name) or 0 for name in ("speakers", "min_speakers", "max_speakers")))
    if people != (0, None) and not (diarize or "diarized_json" in names):
        raise InvalidParam("The number of speakers goes with --diarize only.")
    channels = _channels(given.pop("channels"), given.pop("channel_names"))
    wanted = Wanted(
        model=given.pop("model"),
        options=options,
        diarize=diarize or "diarized_json" in names,
        people=people,
        channels=channels,
        track=given.pop("track"),
        vad=not given.pop("no_vad"),
        text=TextOptions(punctuation=given.pop("punctuation"), itn=given.pop("itn")),
        unasked=frozenset() if words else frozenset({"words"}),
    )
    return wanted, names, Style(options, words, given.pop("times"), _layout(given, subtitles), formats)


def _channels(how: str | None, names: list[str]) -> ChannelFields:
    """Return how channels are transcribed. Raises InvalidParam."""
    if names and how == "mixed":
        raise InvalidParam("--channel-names goes with --channels separate only.")
    try:
        channels = ChannelFields.model_validate({"channels": how or "", "channel_names": names})
    except ValidationError as error:
        raise invalid(error) from error
    channels.check_channels()
    return channels


def _layout(given: dict[str, Any], subtitles: Subtitles) -> Layout:
    names = ("max_line_width", "max_line_count", "max_words_per_line")
    return layout(subtitles, *(given.pop(name) for name in names))
