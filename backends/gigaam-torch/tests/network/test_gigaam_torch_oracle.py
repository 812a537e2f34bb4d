"""Upstream's own package `gigaam` 0.1.0 (v1 and v2) beside this plugin, on the same random weights.

Install it without its pins: pip install --no-deps gigaam==0.1.0, then hydra-core, tqdm, sentencepiece.
"""

import importlib
import sys
from types import ModuleType, SimpleNamespace

import pytest

from govor import LoadFailed, ModelFile, ModelSpec, Options, RuntimeOptions

torch = pytest.importorskip("torch", reason="GigaAM in torch needs torch")
plugin = pytest.importorskip("govor_gigaam_torch", reason="govor-gigaam-torch is not installed")
features = pytest.importorskip("govor_gigaam_torch.network.features")

GENERATIONS = ("v1", "v2")


class MelSpectrogram(torch.nn.Module):
    """Stands in for torchaudio's if that is not installed for this torch: the same buffers and result."""

    def __init__(self, **sizes):
        super().__init__()
        self.spectrogram, self.mel_scale = torch.nn.Module(), torch.nn.Module()
        self.spectrogram.register_buffer("window", features.make_window(features.V2).float())
        self.mel_scale.register_buffer("fb", features.make_filters(features.V2).float())

    def forward(self, audio):
        log_mel = features.LogMel(features.V2, self.spectrogram.window, self.mel_scale.fb, audio.device)
        return log_mel(audio)[0].exp()


@pytest.fixture(scope="session")
def torchaudio():
    """The real one, or None: its wheels are built for one version of torch each."""
    try:
        return importlib.import_module("torchaudio")
    except (ImportError, OSError):
        return None


@pytest.fixture(scope="session")
def upstream(torchaudio):
    """The package, with a stand-in for torchaudio if that is missing."""
    stand_in = ModuleType("torchaudio")
    stand_in.transforms = SimpleNamespace(MelSpectrogram=MelSpectrogram)
    with pytest.MonkeyPatch.context() as patch:
        if torchaudio is None:
            patch.setitem(sys.modules, "torchaudio", stand_in)
        yield pytest.importorskip("gigaam", reason="the oracle is gigaam 0.1.0, installed without its pins")


@pytest.fixture
def built(upstream, tmp_path, published):
    """Return upstream's model and this plugin's, of the same file, and the spec."""
    omegaconf = pytest.importorskip("omegaconf", reason="gigaam needs omegaconf")

    def make(generation, kind, implementation="govor"):
        path, _, config = published(generation, kind, wrap=omegaconf.OmegaConf.create)
        theirs = upstream.GigaAMASR(omegaconf.OmegaConf.create(config)).eval()
        missing = theirs.load_state_dict(torch.load(path, weights_only=False)["state_dict"])
        assert not missing.missing_keys
        spec = ModelSpec("small", (ModelFile(path.name, ()),), ("ru",))
        return theirs, plugin.backend({"implementation": implementation}).load(
            spec, tmp_path, RuntimeOptions("cpu")
        )

    return make


def text_of(theirs, audio):
    with torch.inference_mode():
        encoded, lengths = theirs(torch.tensor(audio).unsqueeze(0), torch.tensor([len(audio)]))
        return theirs.decoding.decode(theirs.head, encoded, lengths)[0].strip()


@pytest.mark.parametrize("generation", GENERATIONS)
@torch.inference_mode()
def test_the_encoder_equals_upstreams(built, generation):
    theirs, ours = built(generation, "ctc")
    for frames in (1, 2, 33, 250, 1003):
        log_mel, lengths = torch.randn(1, 64, frames) * 4 - 8, torch.tensor([frames])
        expected, expected_length = theirs.encoder(log_mel, lengths)
        found, found_length = ours._network.encoder(log_mel, lengths)
        assert found_length == expected_length
        assert (found - expected).abs().max() <= 1e-5


@pytest.mark.parametrize("generation", GENERATIONS)
@torch.inference_mode()
def test_heads_equal_upstreams(built, generation):
    encoded = torch.randn(1, 64, 40)
    theirs, ours = built(generation, "ctc")
    assert torch.allclose(ours._network.head(encoded), theirs.head(encoded), atol=1e-5)
    theirs, ours = built(generation, "rnnt")
    predicted, _ = theirs.head.decoder.predict(None, None)
    expected = theirs.head.joint.joint(encoded.transpose(1, 2), predicted)
    nothing_yet = torch.zeros(1, 0, dtype=torch.long)
    assert torch.allclose(ours._network.head(encoded, nothing_yet).log_softmax(-1), expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["ctc", "rnnt"])
@pytest.mark.parametrize("generation", GENERATIONS)
def test_texts_equal_upstreams(built, noise, generation, kind):
    theirs, ours = built(generation, kind)
    sounds = [noise(samples, seed=samples) for samples in (400, 9_999, 48_000, 160_000)]
    expected = [text_of(theirs, audio) for audio in sounds]
    assert ["".join(each.text for each in found) for found in ours.transcribe(sounds, Options())] == expected
    assert any(expected)


def test_features_equal_torchaudios(torchaudio, upstream, noise):
    if torchaudio is None:
        pytest.skip("there is no torchaudio for this torch")
    theirs = upstream.preprocess.FeatureExtractor(16_000, 64)
    window, filters = (theirs.featurizer[0].spectrogram.window, theirs.featurizer[0].mel_scale.fb)
    ours = features.LogMel(features.V2, window, filters, torch.device("cpu"))
    for samples in (320, 16_000, 16_001, 47_999):
        audio = torch.tensor(noise(samples))
        expected, [length] = theirs(audio.unsqueeze(0), torch.tensor([samples]))
        found, [frames] = ours([audio])
        assert frames == length
        assert (found - expected).abs().max() <= 1e-4


@pytest.mark.parametrize("kind", ["ctc", "rnnt"])
def test_the_adapter_runs_upstreams_code_on_the_same_file(built, noise, kind):
    theirs, adapted = built("v2", kind, implementation="upstream")
    sounds = [noise(samples, seed=samples) for samples in (16_000, 40_000)]
    (first,), (second,) = adapted.transcribe(sounds, Options())
    assert [first.text, second.text] == [text_of(theirs, audio) for audio in sounds]
    for each in (first, second):
        assert (each.words, each.avg_logprob, each.language) == (None, None, "ru")
    assert adapted.transcribe([noise(1)], Options())
    adapted.close()


def test_the_adapter_leaves_out_models_that_the_installed_version_does_not_know(
    upstream, tmp_path, published
):
    published("v3")
    spec = ModelSpec("small", (ModelFile("model.ckpt", ()),), ("ru",))
    with pytest.raises(LoadFailed, match=r"`gigaam` cannot load \S+model\.ckpt"):
        plugin.backend({"implementation": "upstream"}).load(spec, tmp_path, RuntimeOptions("cpu"))


def test_the_adapter_calls_nothing_that_a_config_names_but_upstreams_classes(tmp_path, published):
    head = {"_target_": "os.makedirs", "name": str(tmp_path / "broken in")}
    published("v2", head=head)
    spec = ModelSpec("small", (ModelFile("model.ckpt", ()),), ("ru",))
    with pytest.raises(LoadFailed, match=r"model\.ckpt was not loaded: its config names os\.makedirs"):
        plugin.backend({"implementation": "upstream"}).load(spec, tmp_path, RuntimeOptions("cpu"))
    assert not (tmp_path / "broken in").exists()
