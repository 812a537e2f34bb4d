import subprocess
import sys

import pytest

import govor_documents


def test_there_are_two_formats():
    found = govor_documents.formats({})
    assert [(each.name, each.suffix) for each in found] == [("md", ".md"), ("docx", ".docx")]


def test_a_key_in_its_table_is_a_mistake():
    with pytest.raises(ValueError, match=r"\[plugins\.documents\] has no keys, but 'font' is set"):
        govor_documents.formats({"font": "Arial"})


def test_the_library_is_imported_only_for_a_document():
    code = "import sys, govor_documents; govor_documents.formats({}); print('docx' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
