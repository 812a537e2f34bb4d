"""The catalogue compared with the published files."""

import pytest

import govor_gigaam_onnx
from govor import Feature

PUBLISHED = """
v3_vocab.txt 198 a9143c30844d3c0bee3e9e927e4084774eb1b9eeaafc473b2c4521e4911a7c07
v3_ctc.onnx 885264128 1fb978d4f41e1334003fae9d29f2d9844d4132315a90553a4b986839051ba9d3
v3_ctc.int8.onnx 224721181 ceb61454e2e1a2dec5872cbac1de0fe0a4271d1148f6b26b5bda53ff30a12acd
v3_rnnt_encoder.onnx 0 7ae7509c3f1128369564df0b00e2ee4950adf539de2392ac5c800a5bc04c7132
v3_rnnt_decoder.onnx 0 443c3b7bd42b453611618135d6b1e7d9467e5dd97c8a68501da4aa355750c0da
v3_rnnt_joint.onnx 0 fd1d02f45c2ad3d6b67cc149811ad794ab4b020ed49a0a9e2790a8619d1cddd8
v3_rnnt_encoder.int8.onnx 0
v3_rnnt_decoder.int8.onnx 0
v3_rnnt_joint.int8.onnx 0
v3_e2e_ctc.onnx 885950079 377701bd33568f4733feec2db5b2dc12544fd09a5a5dfa69ccf55d161f84027a
v3_e2e_ctc.int8.onnx 224893347 2e3fcb7a7b66030336fd10c2fcfb033bd1dc7e1bf238fe5cfd83b1d0cfc9d28e
v3_e2e_ctc_vocab.txt 2007 142de7570b3de5b3035ce111a89c228e80e6085273731d944093ddf24fa539cd
v3_e2e_rnnt_encoder.onnx 885084534 cd60b3764a832e8560ae6d3ad0b10adc1a42ffae412b9476f25620aae4f4a508
v3_e2e_rnnt_decoder.onnx 4599910 7b0a16d67fd2cb37061decc93c69e364a9ab27afee3c57495d55b1c974cf7231
v3_e2e_rnnt_joint.onnx 2712896 602ff7017a93311aad34df1437c8d7f49911353c13d6eae7a6ee7b041339465c
v3_e2e_rnnt_encoder.int8.onnx 224570477 4e0e076a6076cd110277e529b8ac8f32cd5297f7fbebad5341ae8ddb7d00817b
v3_e2e_rnnt_decoder.int8.onnx 1159170 89014e134865615b91e037157e46e389b1271e6072460efc010ea08e61e23146
v3_e2e_rnnt_joint.int8.onnx 687791 ade116563dbf66e503b0994efab6b5861412743e52bf31c39fc3fffa3783d5d1
v3_e2e_rnnt_vocab.txt 13354 39abae20e692998290c574e606f11a9edef2902a1995463fcff63d1490cf22b7
config.json 135 0641fcf73f4af791c73f05083e38a658ff5dcbee3534a0c61396c10f4b97f0fe
v2_ctc.onnx 0
v2_ctc.int8.onnx 0
v2_rnnt_encoder.onnx 0
v2_rnnt_decoder.onnx 0
v2_rnnt_joint.onnx 0
v2_rnnt_encoder.int8.onnx 0
v2_rnnt_decoder.int8.onnx 0
v2_rnnt_joint.int8.onnx 0
v2_vocab.txt 0
multilingual_ctc.onnx 885388622 8bc803289f9cb5147ee95451fd9bdba219b1ecf1ddcd59a3651177c103c9eeec
multilingual_ctc.int8.onnx 224762204 e08e27ae5669b39f0c378fae101bbbb9a80505f74f9b66719c309bf5b894a480
multilingual_vocab.txt 393 4d130287892e1099fedfb3f93c4b4cf8a263151158801680b28977d1be4133f4
multilingual_large_ctc.onnx 909828 4a2d22279e90648262e1259e82982f1f1f7e2c4957e187c2b68459458c92fd5f
multilingual_large_ctc.onnx.data 2343837696 5a7bf60fd3883a707dda19862b58a9a30777bde3e439ff76b49580da1f18b1f1
multilingual_large_ctc.int8.onnx 0 b2ad9c38fc04197ba758105d33f7404fd13d977958722e0f49e3f3e22521f1c6
"""
"""Name, bytes, sha256, as recorded when the catalogue was written; 0 and empty: not recorded."""

NAMES = {
    "v3_ctc": "gigaam-v3-ctc",
    "ctc": "gigaam-v3-ctc",
    "gigaam": "gigaam-v3-e2e-rnnt",
    "v3_rnnt": "gigaam-v3-rnnt",
    "rnnt": "gigaam-v3-rnnt",
    "v3_e2e_ctc": "gigaam-v3-e2e-ctc",
    "e2e_ctc": "gigaam-v3-e2e-ctc",
    "v3_e2e_rnnt": "gigaam-v3-e2e-rnnt",
    "e2e_rnnt": "gigaam-v3-e2e-rnnt",
    "v2_ctc": "gigaam-v2-ctc",
    "v2_rnnt": "gigaam-v2-rnnt",
    "multilingual_ctc": "gigaam-multilingual-ctc",
    "multilingual_large_ctc": "gigaam-multilingual-large-ctc",
    "gigaam-v3-e2e-rnnt@int8": "gigaam-v3-e2e-rnnt",
    "gigaam-v3-ctc-int8": "gigaam-v3-ctc",
}


@pytest.fixture(scope="module")
def specs():
    return {spec.id: spec for spec in govor_gigaam_onnx.backend({}).models()}


def files_of(spec):
    return [file for variant in spec.variants for file in variant.files]


def test_the_publishers_int8_is_a_variant_with_files_of_its_own(specs):
    variants = {variant.precision: variant for variant in specs["gigaam-v3-ctc"].variants}
    graphs = {name: each.files[0].name for name, each in variants.items()}
    assert graphs == {"int8": "v3_ctc.onnx", "fp32": "v3_ctc.onnx", "original-int8": "v3_ctc.int8.onnx"}
    assert variants["original-int8"].size_estimate * 3 < variants["int8"].size_estimate


def test_every_published_file_is_offered_with_its_size_and_hash(specs):
    published = {}
    for line in PUBLISHED.strip().splitlines():
        name, size, *sha256 = line.split()
        published[name] = (int(size), "".join(sha256))
    offered = {file.name: (file.size, file.sha256) for spec in specs.values() for file in files_of(spec)}
    assert offered == published


def test_names_lead_to_the_models_that_they_mean(specs):
    leads = {alias: spec.id for spec in specs.values() for alias in spec.aliases}
    assert {name: leads[name] for name in NAMES} == NAMES


def test_files_come_from_one_commit_where_one_is_known(specs):
    for spec in specs.values():
        revisions = {file.sources[0].split("/")[1].split("@")[1] for file in files_of(spec)}
        assert len(revisions) == 1
        assert "-v2-" in spec.id or len(revisions.pop()) == 40


def test_a_model_of_one_transducer_has_three_networks_and_a_vocabulary(specs):
    names = {file.name for file in specs["gigaam-v3-e2e-rnnt"].in_precision("auto").files}
    assert names == {f"v3_e2e_rnnt_{part}.onnx" for part in ("encoder", "decoder", "joint")} | {
        "v3_e2e_rnnt_vocab.txt",
        "config.json",
    }


def test_only_end_to_end_models_write_punctuation(specs):
    punctuated = {spec.id for spec in specs.values() if Feature.PUNCTUATION in spec.features}
    assert punctuated == {spec for spec in specs if "e2e" in spec}


def test_everything_that_helps_to_choose_is_there(specs):
    for spec in specs.values():
        assert spec.wer, spec.id
        assert all(variant.size_estimate > 0 < variant.memory for variant in spec.variants)
        assert {Feature.WORDS, Feature.LOGPROBS} <= spec.features
        assert spec.max_seconds == 25


def test_the_best_russian_models_come_first(specs):
    assert [*specs][:2] == ["gigaam-v3-e2e-rnnt", "gigaam-v3-rnnt"]
    assert dict(specs["gigaam-v3-rnnt"].wer) == {"average of 10 Russian sets": 8.3}
    e2e = dict(specs["gigaam-v3-e2e-rnnt"].wer)
    assert e2e == {"average of 10 Russian sets, without punctuation": 11.2}


def test_the_multilingual_models_know_five_languages(specs):
    assert specs["gigaam-multilingual-ctc"].languages == ("ru", "kk", "ky", "uz", "en")
    assert dict(specs["gigaam-multilingual-large-ctc"].wer)["FLEURS kk"] == 4.4
