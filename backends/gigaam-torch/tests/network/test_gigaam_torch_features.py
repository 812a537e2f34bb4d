import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="GigaAM in torch needs torch")
features = pytest.importorskip(
    "govor_gigaam_torch.network.features", reason="govor-gigaam-torch is not installed"
)

CONFIGS = {"v2": features.V2, "v3": features.V3}


def rounded_to_bfloat16(values):
    return torch.from_numpy(values.astype(np.float32)).bfloat16().double().numpy()


def plain_log_mel(audio, generation):
    """The formula in float64 numpy, frame by frame."""
    size, rounded = (400, np.asarray) if generation == "v2" else (320, rounded_to_bfloat16)
    audio = np.asarray(audio, np.float64)
    if generation == "v2":
        audio = np.pad(audio, size // 2, mode="reflect")
    window = rounded(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size))
    hertz = np.linspace(0, 8000, size // 2 + 1)
    corners = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 66) / 2595) - 1)
    rising = (hertz[:, None] - corners[:-2]) / np.diff(corners)[:-1]
    falling = (corners[2:] - hertz[:, None]) / np.diff(corners)[1:]
    filters = rounded(np.maximum(0, np.minimum(rising, falling)))
    frames = np.lib.stride_tricks.sliding_window_view(audio, size)[::160]
    power = np.abs(np.fft.rfft(frames * window)) ** 2
    return np.log(np.clip(power @ filters, 1e-9, 1e9)).T


def speechlike(samples):
    """Harmonics that glide and swell, over faint noise."""
    times = np.arange(samples) / 16_000
    phase = 2 * np.pi * (120 * times + 15 * np.sin(2 * np.pi * times))
    voice = sum(np.sin(n * phase) / n for n in range(1, 30)) * (1 - np.cos(2 * np.pi * 4 * times))
    return (0.05 * voice + 1e-4 * np.random.default_rng(1).standard_normal(samples)).astype(np.float32)


@pytest.fixture(params=CONFIGS)
def generation(request):
    return request.param


@pytest.fixture
def log_mel(generation):
    config = CONFIGS[generation]
    window, filters = features.make_window(config), features.make_filters(config)
    return features.LogMel(config, window, filters, torch.device("cpu"))


@pytest.mark.parametrize(
    "audio",
    [
        np.random.default_rng(0).standard_normal(48_000) * 0.3,
        speechlike(52_345),
        np.zeros(16_000),
        speechlike(320),
        speechlike(30 * 16_000),
        np.sin(np.arange(16_000) * 0.7),
    ],
    ids=["noise", "speech", "silence", "320 samples", "30 s", "a pure tone"],
)
def test_features_equal_the_plain_formula(log_mel, generation, audio):
    [found], [frames] = log_mel([torch.tensor(audio, dtype=torch.float32)])
    expected = plain_log_mel(audio.astype(np.float32), generation)
    assert found.dtype == torch.float32
    assert found.shape == expected.shape == (64, int(frames))
    assert np.abs(found.numpy() - expected).max() <= 1e-4


def test_features_of_a_batch_equal_those_of_each_array(log_mel, noise):
    batch = [torch.tensor(noise(samples, seed=samples)) for samples in (16_000, 5_001, 321)]
    together, lengths = log_mel(batch)
    for row, audio in enumerate(batch):
        alone, [frames] = log_mel([audio])
        assert lengths[row] == frames
        assert torch.equal(together[row, :, :frames], alone[0])
        assert not together[row, :, frames:].any()


@pytest.mark.parametrize("samples", [0, 1, 199])
def test_less_than_a_frame_is_padded_with_silence(log_mel, samples):
    found, [frames] = log_mel([torch.ones(samples)])
    assert frames >= 1
    assert torch.isfinite(found).all()


def test_only_the_newer_generation_is_rounded_to_bfloat16():
    for config, rounded in ((features.V2, False), (features.V3, True)):
        for values in (features.make_window(config), features.make_filters(config)):
            assert torch.equal(values, values.bfloat16().double()) == rounded
