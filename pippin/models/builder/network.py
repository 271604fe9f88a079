"""The layers and their training parameters."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Self, TypeVar

from pippin.models.builder.parts import BuilderError, Layer, Loss, Optimizer, Part

P = TypeVar("P", bound=Part)


class NeuralNetwork(Part):
    """`NeuralNetwork(loss=…, optimizer=…, epochs=…)[layer, layer, …]`: the layers in the order of computation.

    Unpack layers from a list with a star: `[Convolution(…), *others]`.
    """

    known = ("loss", "optimizer", "epochs", "shuffle", "seed", "initial_seed")

    def __init__(
        self,
        *,
        loss: Loss,
        optimizer: Optimizer,
        epochs: int | Mapping[str, object],
        shuffle: bool | None = None,
        seed: int | None = None,
        initial_seed: int | None = None,
    ) -> None:
        for field, part, kind in (("loss", loss, Loss), ("optimizer", optimizer, Optimizer)):
            if not isinstance(part, kind):
                raise BuilderError(f"found {description_of(part)} as the {field}; needs one such as {_EXAMPLES[kind]}")
        super().__init__(
            loss=loss.document,
            optimizer=optimizer.document,
            epochs=epochs,
            shuffle=shuffle,
            seed=seed,
            initial_seed=initial_seed,
        )
        self.layers: tuple[Layer, ...] = ()

    def __getitem__(self, layers: Layer | tuple[Layer, ...]) -> Self:
        """This network with its layers."""
        if self.layers:
            raise BuilderError("found a second list of layers; a network has one: unpack a list with a star")
        network = type(self).__new__(type(self))
        network.fields = self.fields
        network.layers = as_parts(layers, Layer, "among the layers", "only layers belong in NeuralNetwork(…)[…]")
        return network

    def document(self, taken: Collection[str]) -> dict[str, Any]:
        """The network's fields of a spec.

        Args:
            taken: Names of features, which generated layer names must not repeat.
        """
        return {"layers": list(_named(self.layers, {*taken, self.fields["loss"].get("name", "")}))} | self.fields


_EXAMPLES = {Loss: "CategoricalCrossEntropy()", Optimizer: "SGD(learning_rate=0.1, mini_batch_size=32)"}


def _named(layers: Sequence[Layer], taken: set[str]) -> Iterator[dict[str, Any]]:
    """The layers' documents; a layer without a name gets its type and the first free number."""
    used = set(taken)
    for layer in layers:
        outputs = layer.fields.get("output", [])
        used.update(outputs if isinstance(outputs, list) else [outputs], [layer.fields.get("name", "")])
    counts: dict[str, int] = {}
    for layer in layers:
        document = layer.document
        if "name" not in document:
            kind = document["type"]
            name = kind
            while name == kind or name in used:
                counts[kind] = counts.get(kind, 0) + 1
                name = f"{kind}{counts[kind]}"
            document = {"type": kind, "name": name} | document
        yield document


def as_parts(given: object, kind: type[P], where: str, rule: str) -> tuple[P, ...]:
    """The parts in brackets, one or several, as a tuple.

    Raises:
        BuilderError: A part is not of `kind`; `where` and `rule` are for the message.
    """
    parts = given if isinstance(given, tuple) else (given,)
    for part in parts:
        if not isinstance(part, kind):
            raise BuilderError(f"found {description_of(part)} {where}; {rule}")
    return parts


def description_of(given: object) -> str:
    """A description of a value that is not a part, for a message."""
    if isinstance(given, type) and issubclass(given, Part):
        return f"the class {given.__name__}, not an instance (write {given.__name__}())"
    return repr(given)[:80]
