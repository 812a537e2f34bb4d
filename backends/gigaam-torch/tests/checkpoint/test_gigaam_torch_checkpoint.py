from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

import pytest

torch = pytest.importorskip("torch", reason="GigaAM in torch needs torch")
checkpoint = pytest.importorskip(
    "govor_gigaam_torch.checkpoint.reading", reason="govor-gigaam-torch is not installed"
)
assembly = pytest.importorskip("govor_gigaam_torch.checkpoint.assembly")
vocabulary = pytest.importorskip("govor_gigaam_torch.decoding.vocabulary")


def assert_same(path, network):
    """Check that the file gives a network that encodes as `network` does, and has its head."""
    built = assembly.build_network(checkpoint.read_checkpoint(path), torch.device("cpu"))
    assert not built.training
    expected = network.state_dict()
    assert {name: value.dtype for name, value in built.state_dict().items()} == {
        name: value.dtype for name, value in expected.items()
    }
    assert all(torch.equal(value, expected[name]) for name, value in built.state_dict().items())
    features, lengths = torch.randn(1, 64, 50), torch.tensor([50])
    assert torch.equal(built(features, lengths)[0], network(features, lengths)[0])


@pytest.mark.parametrize("kind", ["ctc", "rnnt"])
@pytest.mark.parametrize("generation", ["v1", "v2", "v3"])
def test_a_published_checkpoint_gives_the_model_that_was_saved(published, generation, kind):
    path, network, _ = published(generation, kind)
    assert_same(path, network)


def test_a_config_of_omegaconf_is_read_without_omegaconf(published):
    """Upstream's files hold omegaconf's nodes, not dicts."""
    omegaconf = pytest.importorskip("omegaconf", reason="omegaconf makes what upstream's checkpoints hold")
    path, network, config = published(wrap=omegaconf.OmegaConf.create)
    opened = checkpoint.read_checkpoint(path)
    assert opened.tables == config
    assert_same(path, network)


def test_weights_in_half_precision_are_computed_with_in_float32(published):
    path, network, _ = published(dtype=torch.float16)
    assert_same(path, network.half().float())


def test_the_features_are_the_checkpoints_own(tmp_path, published):
    path, _, _ = published()
    stored = torch.load(path)
    stored["state_dict"][checkpoint.WINDOW] *= 2
    torch.save(stored, path)
    opened = checkpoint.read_checkpoint(path)
    [[louder], _] = assembly.build_features(opened, torch.device("cpu"))([torch.ones(320)])
    del opened.weights[checkpoint.WINDOW]
    [[usual], _] = assembly.build_features(opened, torch.device("cpu"))([torch.ones(320)])
    assert louder[0].item() == pytest.approx(usual[0].item() + 2 * torch.tensor(2.0).log().item(), abs=1e-4)


def fine_tuned(network, **hyper_parameters):
    """Return the content that upstream's trainer, through pytorch-lightning, writes."""
    return {
        "epoch": 3,
        "global_step": 100,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": OrderedDict(network.state_dict()),
        "loops": {"fit_loop": {"state_dict": {}}},
        "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(0.1), "dirpath": "checkpoints"}},
        "optimizer_states": [{"state": {0: {"step": torch.tensor(1.0)}}, "param_groups": [{"lr": 1e-4}]}],
        "lr_schedulers": [{"lr_lambdas": [None], "_last_lr": [1e-4]}],
        "hparams_name": "kwargs",
        "hyper_parameters": {"lr": 2e-5, "spec_augment": True, **hyper_parameters},
    }


def test_a_fine_tuned_checkpoint_that_describes_itself_loads(tmp_path, make_network, make_tables):
    network = make_network("v2", "rnnt", classes=8)
    config = make_tables(network, "v2", letters=" абвгде")
    path = tmp_path / "tuned.ckpt"
    torch.save(fine_tuned(network, model_name="v2_ssl", model_cfg=config), path)
    assert_same(path, network)
    letters = assembly.build_vocabulary(checkpoint.read_checkpoint(path), None)
    assert letters == vocabulary.characters(" абвгде")


@pytest.mark.parametrize(
    ("name", "generation", "letters"),
    [
        ("ctc", "v3", vocabulary.RUSSIAN),
        ("v3_rnnt", "v3", vocabulary.RUSSIAN),
        ("v2_ctc", "v2", vocabulary.RUSSIAN),
        ("v1_ctc", "v1", vocabulary.RUSSIAN),
        ("multilingual_ctc", "v3", vocabulary.MULTILINGUAL),
    ],
)
def test_a_fine_tuned_checkpoint_that_names_its_base_loads(tmp_path, make_network, name, generation, letters):
    kind = "rnnt" if "rnnt" in name else "ctc"
    network = make_network(generation, kind, classes=len(letters) + 1)
    path = tmp_path / "tuned.ckpt"
    torch.save(fine_tuned(network, model_name=name), path)
    assert_same(path, network)
    opened = checkpoint.read_checkpoint(path)
    assert assembly.build_vocabulary(opened, None) == vocabulary.characters(letters)
    assert opened.tables["preprocessor"]["center"] == (generation != "v3")


def test_two_checkpoints_can_be_opened_at_the_same_time(tmp_path, make_network, make_tables, save):
    omegaconf = pytest.importorskip("omegaconf", reason="omegaconf makes what upstream's checkpoints hold")
    network = make_network()
    tables = omegaconf.OmegaConf.create(make_tables(network))
    paths = [save(tmp_path / f"{number}.ckpt", network, tables) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(checkpoint.read_checkpoint, paths))
    assert [each.path for each in opened] == paths
