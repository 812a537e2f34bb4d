import pytest

import govor
import govor_text


def test_the_family_has_one_model_without_files():
    (spec,) = govor_text.text({}).models()
    assert (spec.id, spec.kind, spec.files) == ("itn", govor.ModelKind.TEXT, ())
    assert spec.features == {govor.Feature.ITN}


def test_a_key_in_its_table_is_a_mistake():
    with pytest.raises(ValueError, match=r"\[plugins\.text\] has no keys, but 'locale' is set"):
        govor_text.text({"locale": "ru"})
