"""One message on its way and what came of it: plain data, so that it can be carried by any thread or process."""

from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["sent", "again", "failed", "gone"]


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be sent where. number: the same in every try. secrets: those that sign it. at: in Unix seconds."""

    kind: str
    target: str
    number: str
    body: dict[str, Any]
    at: int
    secrets: tuple[str, ...] = field(default=(), repr=False)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a try: sent, again (later), failed (trying again cannot help) or gone (nothing is wanted there).

    status: of the HTTP answer, 0 without one. says: what happened, in plain words and without the address.
    wait: seconds the receiver asked us to wait. slow: it took long.
    """

    state: State
    status: int = 0
    says: str = ""
    wait: float | None = None
    slow: bool = False
