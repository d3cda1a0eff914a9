"""Every sentence that extcal says to people: by kind, with named parameters.

In: a key, such as ``"scheme/file"``, and the parameters that its sentence names. Out: text. The
part of a key before the slash is the machine-readable kind or code that goes with the sentence
(``FeedUrlError.kind``, ``Failed.kind``, ``Unavailable.kind``, ``Problem.code``). The part after it
tells the sentences of one kind apart. The sentences are data, in tables of :meth:`str.format`
templates. A :class:`Catalogue` has them in another language; ``catalogue("de")`` is German.

Text is made only when it is reported, and no sentence repeats an address or what a server wrote.
Nothing here imports anything of extcal.

Not here are the messages of ``TypeError`` and ``ValueError`` for wrong arguments and the records of
the logger, because developers and operators read these beside the code; and the output of the
command line, which is a program of its own.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from extcal.messages.languages import LANGUAGES, Catalogue, catalogue, sentences
    from extcal.messages.spoken import Spoken, current, speaking

__all__ = [
    "LANGUAGES",
    "Catalogue",
    "Spoken",
    "catalogue",
    "current",
    "kind_of",
    "sentences",
    "speaking",
]


def kind_of(key: str) -> str:
    """The machine-readable kind or code of a sentence: ``"scheme"`` of ``"scheme/file"``."""
    return key.partition("/")[0]


def __getattr__(name: str) -> object:
    # Few programs speak another language: the tables of all sentences are read when one does.
    if name in __all__:
        from extcal.messages import languages, spoken

        return getattr(spoken if name in spoken.__all__ else languages, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
