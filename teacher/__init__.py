"""The teacher: SimCLRv2's ResNet, contrastive pre-training and fine-tuning (Keras 3)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alzedge.teacher.simclrv2.load import load_simclrv2

__all__ = ["load_simclrv2"]


def __getattr__(name: str) -> Any:
    # Commands import this package before they know whether Keras is needed, or there.
    if name == "load_simclrv2":
        from alzedge.teacher.simclrv2.load import load_simclrv2

        return load_simclrv2
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
