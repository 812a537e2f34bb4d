"""The CTranslate2 conversions of Whisper on the Hugging Face hub: one commit each, and its files.

A sha256 is empty if no public manifest states it; the core then uses the hub's own.
"""

from __future__ import annotations

Pin = tuple[str, int, str]
"""File name, bytes (0: unknown), sha256."""

MULTILINGUAL: tuple[Pin, ...] = (
    ("tokenizer.json", 2_203_239, "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab"),
    ("vocabulary.txt", 459_861, "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913"),
)
ENGLISH: tuple[Pin, ...] = (
    ("tokenizer.json", 2_128_466, "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df"),
    ("vocabulary.txt", 422_309, "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf"),
)
PREPROCESSOR_V3: Pin = (
    "preprocessor_config.json",
    340,
    "7ccc62c6f2765af1f3b46c00c9b5894426835a05021c8b9c01eecb6dfb542711",
)
TOKENIZER_V3: Pin = (
    "tokenizer.json",
    2_480_617,
    "6d8cbd7cd0d8d5815e478dac67b85a26bbe77c1f5e0c6d76d1ce2abc0e5f21ca",
)
VOCABULARY_V3: Pin = (
    "vocabulary.json",
    1_068_114,
    "c69260f2ab26d659b7c398f9a2b2b48ed0df16c3b47d7326782fd9cba71690c1",
)
VOCABULARY_DISTIL_ENGLISH: Pin = (
    "vocabulary.json",
    825_480,
    "4dadfee7c4a871665f65c06037f5f5ec893fb2d7f5eb4cf11063618e31dbe11a",
)

REPOSITORIES: dict[str, tuple[str, tuple[Pin, ...]]] = {
    "Systran/faster-whisper-tiny": (
        "d90ca5fe260221311c53c58e660288d3deb8d356",
        (
            ("config.json", 2_249, "a73a28cdfe1c43ccc7202fa333d1f89c202477271407ae9a7f19afa52039cac8"),
            ("model.bin", 75_538_270, "dcb76c6586fc06cbdac6dd21f14cfd129cc4cdd9dce19bf4ffa62e59cbe6e6d1"),
            *MULTILINGUAL,
        ),
    ),
    "Systran/faster-whisper-tiny.en": (
        "0d3d19a32d3338f10357c0889762bd8d64bbdeba",
        (
            ("config.json", 2_317, "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5"),
            ("model.bin", 75_537_502, "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"),
            *ENGLISH,
        ),
    ),
    "Systran/faster-whisper-base": (
        "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66",
        (
            ("config.json", 2_309, "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a"),
            ("model.bin", 145_217_532, "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"),
            *MULTILINGUAL,
        ),
    ),
    "Systran/faster-whisper-base.en": (
        "3d3d5dee26484f91867d81cb899cfcf72b96be6c",
        (
            ("config.json", 2_227, "f3bc3821e9fc76a27bae538e11ae5b677dcdd352b4600429ce7951d398569aeb"),
            ("model.bin", 145_216_508, "2a166925539a16005f14ff328359f9b9adb9dc4fb631bb3b227526862e93e2ef"),
            *ENGLISH,
        ),
    ),
    "Systran/faster-whisper-small": (
        "536b0662742c02347bc0e980a01041f333bce120",
        (
            ("config.json", 2_370, "b55496ac7940a7ae47d2c01eab40edfd8701feec1229d9cce3b40014383fb828"),
            ("model.bin", 483_546_902, "3e305921506d8872816023e4c273e75d2419fb89b24da97b4fe7bce14170d671"),
            *MULTILINGUAL,
        ),
    ),
    "Systran/faster-whisper-small.en": (
        "d1d751a5f8271d482d14ca55d9e2deeebbae577f",
        (
            ("config.json", 2_657, "666a9605530ac1f61fa8177f3702b4dacec9966749e42610839fcc32661d5fae"),
            ("model.bin", 483_545_366, "62b2a45b05ee59acb4a5341b33ee35e041395d378d418a18acfe4c9e768ee37a"),
            *ENGLISH,
        ),
    ),
    "Systran/faster-whisper-medium": (
        "08e178d48790749d25932bbc082711ddcfdfbc4f",
        (
            ("config.json", 2_257, "3622a2ddc41ec0e0fd4e68c13c6830f03b90c38d89aaad184de02c8c642cf807"),
            ("model.bin", 1_527_906_378, "9b45e1009dcc4ab601eff815b61d80e60ce3fd8c74c1a14f4a282258286b51ae"),
            *MULTILINGUAL,
        ),
    ),
    "Systran/faster-whisper-medium.en": (
        "a29b04bd15381511a9af671baec01072039215e3",
        (
            ("config.json", 2_643, "4a1848ebabe7938d9797c15a2e8e4ce1d36e6fd4a43d096ae5955257c67c7962"),
            ("model.bin", 1_527_904_330, "11b220779aea4c6f3ce9d2549c8a95ea869ed84066864b999531ef53e594fe5b"),
            *ENGLISH,
        ),
    ),
    "Systran/faster-whisper-large-v1": (
        "b07c8d4be0be90092aa01a29c975077acb8d15c9",
        (
            ("config.json", 2_352, ""),
            ("model.bin", 3_086_912_962, "a3cce8081a5414206ab09a80aa410ebf9965feef52adafeead13f4a83398b1d1"),
            *MULTILINGUAL,
        ),
    ),
    "Systran/faster-whisper-large-v2": (
        "f0fe81560cb8b68660e564f55dd99207059c092e",
        (
            ("config.json", 2_796, "d86b7a7664a12559d644aa210a32ce9a7e03913e794b7ea4fb7182de69e273a7"),
            ("model.bin", 3_086_912_962, "bf2a9746382e1aa7ffff6b3a0d137ed9edbd9670c3b87e5d35f5e85e70d0333a"),
            *MULTILINGUAL,
        ),
    ),
    "Systran/faster-whisper-large-v3": (
        "edaa852ec7e145841d8ffdb056a99866b5f0a478",
        (
            ("config.json", 2_394, "a9306624f5ec14270a014b647e5c316b6e03a662c369758d1b90697a7b0655b9"),
            ("model.bin", 3_087_284_237, "69f74147e3334731bc3a76048724833325d2ec74642fb52620eda87352e3d4f1"),
            PREPROCESSOR_V3,
            TOKENIZER_V3,
            VOCABULARY_V3,
        ),
    ),
    "dropbox-dash/faster-whisper-large-v3-turbo": (
        "0a363e9161cbc7ed1431c9597a8ceaf0c4f78fcf",
        (
            ("config.json", 2_263, "b0253ea6c0d3bea6b1e19e91a02acfd3b53f4467362efcb5a3e6b16c9b3a9b7e"),
            ("model.bin", 1_617_884_929, "e76620f83d5f5b69efd3d87e3dc180c1bd21df9fbebacfd4335e5e1efcc018da"),
            PREPROCESSOR_V3,
            ("tokenizer.json", 2_710_337, "297b13372ac43916285644fb9687add3cc62ee2a1adb60da3dc25cc94c1871fd"),
            VOCABULARY_V3,
        ),
    ),
    "Systran/faster-distil-whisper-small.en": (
        "ef77d90526ccd62cde3808ee70626a01e5cf83e4",
        (
            ("config.json", 2_812, "b571ae8022a34c1df50876a65b5f813a5c22e5ee3b87bc0e4db5662dfc9c2c3d"),
            ("model.bin", 332_308_257, "1187de3982cdcf962a2fb8f797e429fb4651b875b18fe9ce50b58b52fc9072b7"),
            (
                "preprocessor_config.json",
                339,
                "a6a76d28c93edb273669eb9e0b0636a2bddbb1272c3261e47b7ca6dfdbac1b8d",
            ),
            ("tokenizer.json", 2_405_466, "c9c77688528c0509abbd41873edab16384b8f041531b1d3092ab4d1d83a02a50"),
            VOCABULARY_DISTIL_ENGLISH,
        ),
    ),
    "Systran/faster-distil-whisper-medium.en": (
        "80ddfce281f77766d8943d63109199fc8145dfa5",
        (
            ("config.json", 2_574, ""),
            ("model.bin", 788_826_555, "d4cb75d823dcd2647191064da76f026774c06c036908f38456165368d0e2d66a"),
            ("preprocessor_config.json", 339, ""),
            ("tokenizer.json", 2_405_678, ""),
            VOCABULARY_DISTIL_ENGLISH,
        ),
    ),
    "Systran/faster-distil-whisper-large-v2": (
        "fe9b404fc56de3f7c38606ef9ba6fd83526d05e4",
        (
            ("config.json", 0, ""),
            ("model.bin", 0, ""),
            ("preprocessor_config.json", 0, ""),
            ("tokenizer.json", 0, ""),
            ("vocabulary.json", 0, ""),
        ),
    ),
    "Systran/faster-distil-whisper-large-v3": (
        "c3058b475261292e64a0412df1d2681c06260fab",
        (
            ("config.json", 2_690, "90c55f775cc4e0bb17293d0bf12f96557a486f20dea886fabd8e6075a3588b21"),
            ("model.bin", 1_512_927_867, "b79368e19b6623813609431a6e5ee309a71506701ebc49fd7820e692dec7c5f5"),
            PREPROCESSOR_V3,
            TOKENIZER_V3,
            VOCABULARY_V3,
        ),
    ),
    "distil-whisper/distil-large-v3.5-ct2": (
        "9793ccc07920e0f830e1dba0343efcdf0ef8c903",
        (
            ("config.json", 2_690, ""),
            ("model.bin", 1_512_927_867, "c58b88b8585ffcd2135fddaaf421ce72cb223b32edea70d156aed1dea319a119"),
            ("preprocessor_config.json", 340, ""),
            ("tokenizer.json", 2_480_645, ""),
            ("vocabulary.json", 1_068_114, ""),
        ),
    ),
}
