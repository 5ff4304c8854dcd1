"""A public checkpoint as the start of fine-tuning, instead of pre-training."""

from dataclasses import dataclass, replace
from typing import Any

from alzedge.errors import UserError
from alzedge.model_file.record import MAX_BYTES
from alzedge.runs.recipe import Recipe
from alzedge.teacher.simclrv2.load import Architecture, digest, read_architecture
from alzedge.teacher.simclrv2.variables import Variables, read_variables


@dataclass(frozen=True, eq=False)
class Start:
    """A public checkpoint that was read, what it is, and the SHA-256 of its variables."""

    variables: Variables
    architecture: Architecture
    sha256: str

    def describe(self) -> dict[str, Any]:
        """What the record of a model made from it says; of a path on this machine only the last part."""
        address = self.variables.address
        name = address if "://" in address else address.rstrip("/").rsplit("/", 1)[-1]
        return {"checkpoint": name, "network": self.architecture.name, "sha256": self.sha256}

    def recipe(self, recipe: Recipe) -> Recipe:
        """The recipe with the checkpoint's network in the place of its own.

        Raises:
            UserError: the recipe's head sits on a layer of the projection head that the checkpoint does not have.
        """
        layers = self.architecture.middle_layers
        if recipe.finetune.head_layer > layers:
            raise UserError(
                f"{self.variables.address} has {layers} hidden layers in its projection head; set head_layer in the "
                f"recipe's table [finetune] to at most {layers}."
            )
        return replace(recipe, teacher=self.architecture.recipe)


def read_start(address: str) -> Start:
    """Read a public checkpoint to fine-tune from; see `alzedge.teacher.simclrv2.load.load_simclrv2`.

    Raises:
        UserError: also when the network is larger than a model file may be.
    """
    variables = read_variables(address)
    architecture = read_architecture(variables)
    size = sum(value.nbytes for value in variables.values.values())
    if size > MAX_BYTES:
        raise UserError(
            f"{address} holds {size // 2**20} MiB of weights, and a model file at most {MAX_BYTES // 2**20}; name a "
            "smaller network."
        )
    return Start(variables, architecture, digest(variables))
