"""The fields that ask for better texts, common to all routes that transcribe."""

from __future__ import annotations

from pydantic import BaseModel, Field

from govor.contract.texts.processing import TextOptions


class TextFields(BaseModel):
    """The improvements of texts that plugins can make."""

    punctuation: bool = Field(
        False, description="Add punctuation and capitals, by a plugin (not in OpenAI's API)."
    )
    itn: bool = Field(False, description="Write numbers in digits, by a plugin (not in OpenAI's API).")

    @property
    def text(self) -> TextOptions:
        """How texts are improved."""
        return TextOptions(punctuation=self.punctuation, itn=self.itn)
