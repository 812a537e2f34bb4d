"""The results of each family: options, languages, words, batches; the text is as the library decodes it."""

import io
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("transformers", reason="govor-transformers is not installed")

import torch
import transformers

import govor
from govor.testing import hum, silence
from govor_transformers.files.repository import FAMILIES
from govor_transformers.text.tekken import Tekken
from support.models.random_speech_models import BUILDERS, save_ctc

ALL = govor.Options(words=True, logprobs=True)
RELATIVES = [kind for kind, family in FAMILIES.items() if family == "ctc" and kind not in BUILDERS]


def only(recognizer, audio, **options):
    ((segment,),) = recognizer.transcribe([audio], govor.Options(**options))
    return segment


@pytest.mark.parametrize("kind", BUILDERS)
def test_a_batch_is_what_its_arrays_are_alone(opened, kind, monkeypatch):
    recognizer = opened(kind)
    sounds = [hum(1.5), silence(1), hum(0.4), hum(2.0)]
    alone = [recognizer.transcribe([sound], govor.Options())[0] for sound in sounds]
    if recognizer._family.takes_batches:
        monkeypatch.setattr(recognizer, "info", replace(recognizer.info, batch=8))
    together = recognizer.transcribe(sounds, govor.Options())
    assert [[each.text for each in found] for found in together] == [
        [each.text for each in found] for found in alone
    ]
    assert [len(found) for found in alone] == [1, 0, 1, 1]


@pytest.mark.parametrize("kind", BUILDERS)
def test_tokens_write_the_text(opened, kind):
    segment = only(opened(kind), hum(1.5), logprobs=True)
    assert b"".join(token.data for token in segment.tokens).decode(errors="replace").strip() == segment.text
    assert segment.avg_logprob == pytest.approx(np.mean([token.logprob for token in segment.tokens]), abs=0.2)


@pytest.mark.parametrize("kind", RELATIVES)
def test_relatives_of_wav2vec2_are_run(kind, load, tmp_path):
    save_ctc(tmp_path, kind)
    segment = only(load(kind, tmp_path, family="ctc"), hum(1.5), words=True)
    assert segment.text == " ".join(word.text for word in segment.words) != ""


@pytest.mark.parametrize("kind", ["wav2vec2", "hubert"])
def test_ctc_writes_what_the_librarys_tokenizer_decodes(opened, build, kind):
    audio = hum(2)
    folder = build(kind)
    network = transformers.AutoModelForCTC.from_pretrained(folder)
    processor = transformers.Wav2Vec2Processor.from_pretrained(folder)
    with torch.inference_mode():
        logits = network(**processor(audio, sampling_rate=16000, return_tensors="pt")).logits
    found = processor.batch_decode(logits.argmax(-1), output_word_offsets=True)
    segment = only(opened(kind), audio, words=True)
    assert segment.text == found.text[0].strip()
    seconds = 320 / 16000
    theirs = [(word["word"], word["start_offset"] * seconds) for word in found.word_offsets[0]]
    assert [(word.text, word.start) for word in segment.words] == [
        (text, pytest.approx(start, abs=0.03)) for text, start in theirs
    ]


def test_mms_takes_the_adapter_of_the_language_asked_for(opened):
    recognizer, audio = opened("mms"), hum(1.5)
    english, russian = only(recognizer, audio), only(recognizer, audio, language="ru")
    assert (english.language, russian.language) == ("en", "ru")
    assert english.text.isascii()
    assert not russian.text.isascii()
    assert only(recognizer, audio).text == english.text


def test_an_adapter_that_is_not_there_is_a_failed_load(load):
    with pytest.raises(govor.LoadFailed, match="deu"):
        load("mms", adapters={"de": "deu"})


def test_moonshine_writes_what_the_librarys_tokenizer_decodes(opened, build):
    segment = only(opened("moonshine"), hum(1.5))
    tokenizer = transformers.AutoTokenizer.from_pretrained(build("moonshine"))
    assert (
        segment.text
        == tokenizer.decode([token.id for token in segment.tokens], skip_special_tokens=True).strip()
    )


def test_whisper_writes_what_the_librarys_tokenizer_decodes(opened, build):
    segment = only(opened("whisper"), hum(1.5), language="en")
    tokenizer = transformers.AutoTokenizer.from_pretrained(build("whisper"))
    assert segment.text == tokenizer.decode([token.id for token in segment.tokens]).strip()


def test_whisper_keeps_to_the_language_asked_for_and_to_the_candidates(opened):
    recognizer, audio = opened("whisper"), hum(1)
    assert only(recognizer, audio, language="de").language == "de"
    assert only(recognizer, audio, languages=("jv", "fr")).language in {"jv", "fr"}
    chances = recognizer.detect(audio)
    assert sum(chance for _, chance in chances) == pytest.approx(1, abs=1e-3)
    assert only(recognizer, audio).language == chances[0][0]
    assert recognizer.detect(silence(1)) == []


def test_a_whisper_of_one_language_is_not_asked_to_detect(load):
    recognizer = load("whisper", languages=["en"])
    assert govor.Capability.DETECT not in recognizer.info.capabilities
    assert only(recognizer, hum(1)).language == "en"


def test_whisper_takes_prompt_and_keywords_of_any_length_and_content(opened):
    recognizer, audio = opened("whisper"), hum(1)
    plain = only(recognizer, audio, language="en")
    prompted = only(
        recognizer, audio, language="en", prompt="Kubernetes and Grafana. " * 200, keywords=("Govor",)
    )
    assert prompted.avg_logprob != plain.avg_logprob
    marked = only(recognizer, audio, language="en", prompt="<|ru|><|notimestamps|>")
    assert marked.text == plain.text


@pytest.mark.parametrize("kind", ["whisper", "moonshine", "voxtral"])
def test_a_temperature_draws_at_random(opened, kind):
    torch.manual_seed(0)
    texts = {only(opened(kind), hum(1), temperature=1.0).text for _ in range(3)}
    assert len(texts) > 1


def test_voxtral_asks_as_mistral_common_does(opened, build):
    mistral = pytest.importorskip(
        "mistral_common.tokens.tokenizers.mistral", reason="mistral-common is absent"
    )
    soundfile = pytest.importorskip("soundfile", reason="soundfile is absent")
    from mistral_common.protocol.transcription.request import TranscriptionRequest

    tokenizer = mistral.MistralTokenizer.from_file(build("voxtral") / "tekken.json")
    for seconds, language in ((3, "en"), (30, None), (31, "fr")):
        file = io.BytesIO()
        soundfile.write(file, hum(seconds), 16000, format="WAV")
        file.seek(0)
        request = TranscriptionRequest.from_openai({"model": "any", "file": file, "language": language})
        theirs = tokenizer.encode_transcription(request).tokens
        assert opened("voxtral")._family._ask(-(-seconds // 30), language) == theirs


def test_voxtral_asks_with_windows_language_and_mark(opened):
    asked = opened("voxtral")._family._ask(2, "en")
    # beginning, [INST], [BEGIN_AUDIO]; 375 times [AUDIO] for each 30 s; [/INST], "lang:en", [TRANSCRIBE]
    assert asked == [1, 3, 25, *[24] * 750, 4, *(64 + byte for byte in b"lang:en"), 34]


def test_pieces_of_a_vocabulary_are_joined_by_rank(tmp_path, build):
    import base64
    import json

    body = json.loads((build("voxtral") / "tekken.json").read_text())
    joined = [b"an", b"la", b"ng", b"lang"]
    body["vocab"] += [
        {"rank": 256 + place, "token_bytes": base64.b64encode(piece).decode()}
        for place, piece in enumerate(joined)
    ]
    body["config"]["default_vocab_size"] += len(joined)
    (tmp_path / "tekken.json").write_text(json.dumps(body))
    tekken = Tekken(tmp_path / "tekken.json")
    assert tekken.encode("lang") == [64 + ord("l"), 64 + 256, 64 + ord("g")]  # "an" has the lowest rank
    assert b"".join(map(tekken.decode, tekken.encode("lang:ru"))) == b"lang:ru"
