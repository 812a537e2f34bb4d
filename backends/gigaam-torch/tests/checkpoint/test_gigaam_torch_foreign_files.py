import os
import pickle

import pytest

from govor import LoadFailed

torch = pytest.importorskip("torch", reason="GigaAM in torch needs torch")
checkpoint = pytest.importorskip(
    "govor_gigaam_torch.checkpoint.reading", reason="govor-gigaam-torch is not installed"
)
assembly = pytest.importorskip("govor_gigaam_torch.checkpoint.assembly")
vocabulary = pytest.importorskip("govor_gigaam_torch.decoding.vocabulary")


def test_a_vocabulary_of_the_wrong_size_is_refused(published):
    path, _, _ = published(decoding={"vocabulary": list("абвгд")})
    with pytest.raises(LoadFailed, match=r"model\.ckpt has 34 classes.*its config has 5 tokens"):
        assembly.build_vocabulary(checkpoint.read_checkpoint(path), None)


def test_a_tokenizer_of_the_wrong_size_is_refused(published, monkeypatch, tmp_path):
    path, _, _ = published()
    monkeypatch.setattr(assembly, "sentencepiece", lambda path: vocabulary.characters("абв"))
    with pytest.raises(LoadFailed, match=r"model\.ckpt has 34 classes.*other\.model has 3 tokens"):
        assembly.build_vocabulary(checkpoint.read_checkpoint(path), tmp_path / "other.model")


def test_a_model_of_pieces_without_its_tokenizer_says_what_it_needs(published):
    path, _, _ = published(decoding={"vocabulary": None})
    with pytest.raises(LoadFailed, match=r"model\.ckpt holds no vocabulary: name the SentencePiece file"):
        assembly.build_vocabulary(checkpoint.read_checkpoint(path), None)


class Malicious:
    """Unpickled by Python's own pickle, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.makedirs, (str(self.path),)


class Foreign:
    """A class that no checkpoint of GigaAM has."""


@pytest.mark.parametrize("place", ["cfg", "state_dict", "optimizer_states"])
def test_a_malicious_file_is_refused_and_nothing_of_it_runs(tmp_path, published, place):
    path, _, _ = published()
    content = torch.load(path)
    content[place] = {"x": Malicious(tmp_path / "broken in")}
    torch.save(content, path)
    with pytest.raises(LoadFailed, match=r"model\.ckpt was not opened: it names os\.makedirs"):
        checkpoint.read_checkpoint(path)
    assert not (tmp_path / "broken in").exists()
    torch.load(path, weights_only=False)  # Python's own pickle runs it
    assert (tmp_path / "broken in").exists()


def test_a_foreign_class_is_refused_by_name(tmp_path):
    path = tmp_path / "strange.ckpt"
    torch.save({"cfg": Foreign(), "state_dict": {}}, path)
    with pytest.raises(LoadFailed, match=r"strange\.ckpt was not opened: it names \S*Foreign"):
        checkpoint.read_checkpoint(path)


def test_stand_ins_cannot_be_used_to_reach_what_they_stand_for(tmp_path):
    """`builtins.dict` may be named, as omegaconf's nodes do, but calling it gives nothing."""
    path = tmp_path / "sly.ckpt"
    torch.save({"cfg": Sly(), "state_dict": {}}, path)
    with pytest.raises(LoadFailed, match=r"sly\.ckpt is no checkpoint"):
        checkpoint.read_checkpoint(path)


class Sly:
    def __reduce__(self):
        return dict, ([("encoder", {})],)


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.999])
def test_a_truncated_file_is_named(published, kept):
    path, _, _ = published()
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(LoadFailed, match=r"model\.ckpt is damaged, or no checkpoint"):
        checkpoint.read_checkpoint(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([1, 2], "holds a list"),
        ({"model": {}}, "has no state_dict"),
        ({"state_dict": {}}, "has neither cfg nor hyper_parameters"),
        ({"state_dict": {}, "hyper_parameters": {"model_name": "mine.ckpt"}}, "began from 'mine.ckpt'"),
    ],
)
def test_a_file_of_something_else_is_named(tmp_path, content, said):
    path = tmp_path / "else.ckpt"
    torch.save(content, path)
    with pytest.raises(LoadFailed, match=rf"else\.ckpt is no checkpoint of GigaAM: .*{said}"):
        checkpoint.read_checkpoint(path)


def test_a_plain_pickle_is_refused_unopened(tmp_path):
    path = tmp_path / "plain.ckpt"
    path.write_bytes(pickle.dumps(Malicious(tmp_path / "broken in")))
    with pytest.raises(LoadFailed, match=r"plain\.ckpt is damaged, or no checkpoint"):
        checkpoint.read_checkpoint(path)
    assert not (tmp_path / "broken in").exists()


def altered(path, change):
    """Change the content of a checkpoint file in place."""
    content = torch.load(path)
    change(content)
    torch.save(content, path)
    return checkpoint.read_checkpoint(path)


def without(name):
    return lambda content: content["state_dict"].pop(name)


def encoder(**fields):
    return lambda content: content["cfg"]["encoder"].update(fields)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("encoder.layers.1.norm_out.bias"), r"it lacks encoder\.layers\.1\.norm_out\.bias"),
        (without("encoder.layers.0.norm_out.weight"), "it has no Conformer encoder"),
        (without("head.decoder_layers.0.bias"), "has neither a CTC nor an RNN-T head"),
        (lambda content: content["state_dict"].update({"head.x": torch.zeros(1)}), "has, of no use, head.x"),
        (encoder(conv_kernel_size=9), r"in another size .*depthwise_conv"),
        (encoder(subsampling="conv3d"), r"encoder\.subsampling: Input should be"),
        (encoder(n_heads=0), r"encoder: .*64 dimensions make no 0 heads"),
        (encoder(n_heads=24, d_model=48), "64 dimensions make no 24 heads"),
        (encoder(conv_kernel_size=-1), "describes no model that can be"),
    ],
)
def test_weights_that_do_not_fit_the_config_are_named(published, change, said):
    path, _, _ = published()
    with pytest.raises(LoadFailed, match=rf"model\.ckpt .*{said}"):
        assembly.build_network(altered(path, change), torch.device("cpu"))


def test_a_config_that_contains_itself_is_refused(tmp_path):
    endless = {}
    endless["encoder"] = endless
    path = tmp_path / "endless.ckpt"
    torch.save({"cfg": endless, "state_dict": {}}, path)
    with pytest.raises(LoadFailed, match=r"endless\.ckpt .*nested deeper"):
        checkpoint.read_checkpoint(path)
