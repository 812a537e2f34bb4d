"""The ONNX exports of GigaAM on the Hugging Face hub, by istupakov: one commit each, and its files.

Bytes are 0 and a sha256 empty if no public manifest states them; the core then uses the hub's own.
"""

from __future__ import annotations

Pin = tuple[str, int, str]
"""File name, bytes, sha256."""

V3_VOCABULARY: Pin = ("v3_vocab.txt", 198, "a9143c30844d3c0bee3e9e927e4084774eb1b9eeaafc473b2c4521e4911a7c07")
V3_CONFIG: Pin = ("config.json", 135, "0641fcf73f4af791c73f05083e38a658ff5dcbee3534a0c61396c10f4b97f0fe")
V2_VOCABULARY: Pin = ("v2_vocab.txt", 0, "")
MULTILINGUAL_VOCABULARY: Pin = (
    "multilingual_vocab.txt",
    393,
    "4d130287892e1099fedfb3f93c4b4cf8a263151158801680b28977d1be4133f4",
)

V2 = "hf:istupakov/gigaam-v2-onnx@main"
V3 = "hf:istupakov/gigaam-v3-onnx@322c3b29492673eb7d0b434bfa9dfb8653e34d02"
MULTILINGUAL = "hf:istupakov/gigaam-multilingual-ctc-onnx@458860e1983aef670dd9795fb6af603c82767d5d"
LARGE = "hf:istupakov/gigaam-multilingual-large-ctc-onnx@07665ab5e54371dd1ac7b8b10f06478003723573"

FILES: dict[str, tuple[str, tuple[Pin, ...]]] = {
    "gigaam-v3-ctc": (
        V3,
        (
            ("v3_ctc.onnx", 885_264_128, "1fb978d4f41e1334003fae9d29f2d9844d4132315a90553a4b986839051ba9d3"),
            V3_VOCABULARY,
            V3_CONFIG,
        ),
    ),
    "gigaam-v3-ctc-int8": (
        V3,
        (
            (
                "v3_ctc.int8.onnx",
                224_721_181,
                "ceb61454e2e1a2dec5872cbac1de0fe0a4271d1148f6b26b5bda53ff30a12acd",
            ),
            V3_VOCABULARY,
            V3_CONFIG,
        ),
    ),
    "gigaam-v3-rnnt": (
        V3,
        (
            ("v3_rnnt_encoder.onnx", 0, "7ae7509c3f1128369564df0b00e2ee4950adf539de2392ac5c800a5bc04c7132"),
            ("v3_rnnt_decoder.onnx", 0, "443c3b7bd42b453611618135d6b1e7d9467e5dd97c8a68501da4aa355750c0da"),
            ("v3_rnnt_joint.onnx", 0, "fd1d02f45c2ad3d6b67cc149811ad794ab4b020ed49a0a9e2790a8619d1cddd8"),
            V3_VOCABULARY,
            V3_CONFIG,
        ),
    ),
    "gigaam-v3-rnnt-int8": (
        V3,
        (
            ("v3_rnnt_encoder.int8.onnx", 0, ""),
            ("v3_rnnt_decoder.int8.onnx", 0, ""),
            ("v3_rnnt_joint.int8.onnx", 0, ""),
            V3_VOCABULARY,
            V3_CONFIG,
        ),
    ),
    "gigaam-v3-e2e-ctc": (
        V3,
        (
            (
                "v3_e2e_ctc.onnx",
                885_950_079,
                "377701bd33568f4733feec2db5b2dc12544fd09a5a5dfa69ccf55d161f84027a",
            ),
            (
                "v3_e2e_ctc_vocab.txt",
                2_007,
                "142de7570b3de5b3035ce111a89c228e80e6085273731d944093ddf24fa539cd",
            ),
            V3_CONFIG,
        ),
    ),
    "gigaam-v3-e2e-ctc-int8": (
        V3,
        (
            (
                "v3_e2e_ctc.int8.onnx",
                224_893_347,
                "2e3fcb7a7b66030336fd10c2fcfb033bd1dc7e1bf238fe5cfd83b1d0cfc9d28e",
            ),
            (
                "v3_e2e_ctc_vocab.txt",
                2_007,
                "142de7570b3de5b3035ce111a89c228e80e6085273731d944093ddf24fa539cd",
            ),
            V3_CONFIG,
        ),
    ),
    "gigaam-v3-e2e-rnnt": (
        V3,
        (
            (
                "v3_e2e_rnnt_encoder.onnx",
                885_084_534,
                "cd60b3764a832e8560ae6d3ad0b10adc1a42ffae412b9476f25620aae4f4a508",
            ),
            (
                "v3_e2e_rnnt_decoder.onnx",
                4_599_910,
                "7b0a16d67fd2cb37061decc93c69e364a9ab27afee3c57495d55b1c974cf7231",
            ),
            (
                "v3_e2e_rnnt_joint.onnx",
                2_712_896,
                "602ff7017a93311aad34df1437c8d7f49911353c13d6eae7a6ee7b041339465c",
            ),
            (
                "v3_e2e_rnnt_vocab.txt",
                13_354,
                "39abae20e692998290c574e606f11a9edef2902a1995463fcff63d1490cf22b7",
            ),
            V3_CONFIG,
        ),
    ),
    "gigaam-v3-e2e-rnnt-int8": (
        V3,
        (
            (
                "v3_e2e_rnnt_encoder.int8.onnx",
                224_570_477,
                "4e0e076a6076cd110277e529b8ac8f32cd5297f7fbebad5341ae8ddb7d00817b",
            ),
            (
                "v3_e2e_rnnt_decoder.int8.onnx",
                1_159_170,
                "89014e134865615b91e037157e46e389b1271e6072460efc010ea08e61e23146",
            ),
            (
                "v3_e2e_rnnt_joint.int8.onnx",
                687_791,
                "ade116563dbf66e503b0994efab6b5861412743e52bf31c39fc3fffa3783d5d1",
            ),
            (
                "v3_e2e_rnnt_vocab.txt",
                13_354,
                "39abae20e692998290c574e606f11a9edef2902a1995463fcff63d1490cf22b7",
            ),
            V3_CONFIG,
        ),
    ),
    "gigaam-v2-ctc": (V2, (("v2_ctc.onnx", 0, ""), V2_VOCABULARY)),
    "gigaam-v2-ctc-int8": (V2, (("v2_ctc.int8.onnx", 0, ""), V2_VOCABULARY)),
    "gigaam-v2-rnnt": (
        V2,
        (
            ("v2_rnnt_encoder.onnx", 0, ""),
            ("v2_rnnt_decoder.onnx", 0, ""),
            ("v2_rnnt_joint.onnx", 0, ""),
            V2_VOCABULARY,
        ),
    ),
    "gigaam-v2-rnnt-int8": (
        V2,
        (
            ("v2_rnnt_encoder.int8.onnx", 0, ""),
            ("v2_rnnt_decoder.int8.onnx", 0, ""),
            ("v2_rnnt_joint.int8.onnx", 0, ""),
            V2_VOCABULARY,
        ),
    ),
    "gigaam-multilingual-ctc": (
        MULTILINGUAL,
        (
            (
                "multilingual_ctc.onnx",
                885_388_622,
                "8bc803289f9cb5147ee95451fd9bdba219b1ecf1ddcd59a3651177c103c9eeec",
            ),
            MULTILINGUAL_VOCABULARY,
        ),
    ),
    "gigaam-multilingual-ctc-int8": (
        MULTILINGUAL,
        (
            (
                "multilingual_ctc.int8.onnx",
                224_762_204,
                "e08e27ae5669b39f0c378fae101bbbb9a80505f74f9b66719c309bf5b894a480",
            ),
            MULTILINGUAL_VOCABULARY,
        ),
    ),
    "gigaam-multilingual-large-ctc": (
        LARGE,
        (
            (
                "multilingual_large_ctc.onnx",
                909_828,
                "4a2d22279e90648262e1259e82982f1f1f7e2c4957e187c2b68459458c92fd5f",
            ),
            (
                "multilingual_large_ctc.onnx.data",
                2_343_837_696,
                "5a7bf60fd3883a707dda19862b58a9a30777bde3e439ff76b49580da1f18b1f1",
            ),
            MULTILINGUAL_VOCABULARY,
        ),
    ),
    "gigaam-multilingual-large-ctc-int8": (
        LARGE,
        (
            (
                "multilingual_large_ctc.int8.onnx",
                0,
                "b2ad9c38fc04197ba758105d33f7404fd13d977958722e0f49e3f3e22521f1c6",
            ),
            MULTILINGUAL_VOCABULARY,
        ),
    ),
}
