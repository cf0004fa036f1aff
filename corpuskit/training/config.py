"""Settings of training: the keys under `train` in a recipe, and the table of model sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import ConfigDict, Field, model_validator

from corpuskit.engine.sizes import Count
from corpuskit.engine.stage import Configured
from corpuskit.tokens.weights import Weights

Kind = Literal["decoder", "encoder", "encoder-decoder"]
Style = Literal["llama", "qwen3", "bert", "modernbert", "t5"]
STYLES: dict[Kind, tuple[Style, ...]] = {
    "decoder": ("llama", "qwen3"),
    "encoder": ("modernbert", "bert"),
    "encoder-decoder": ("t5",),
}
"""Hugging Face model classes for each architecture; the first is the default."""


@dataclass(frozen=True)
class Size:
    """A preset: the shape, and the settings that such a model is trained well with."""

    layers: int
    width: int
    heads: int
    learning_rate: float
    batch_tokens: int
    """Tokens a step."""
    epochs: float
    """Passes over a corpus when no budget is given; small corpora are read several times (Muennighoff et al. 2023,
    arXiv:2305.16264: up to four passes are worth nearly as much as fresh text)."""


SIZES = {
    "1M": Size(layers=4, width=144, heads=3, learning_rate=4e-3, batch_tokens=2_048, epochs=4),
    "3M": Size(layers=6, width=208, heads=4, learning_rate=3e-3, batch_tokens=4_096, epochs=4),
    "10M": Size(layers=8, width=320, heads=5, learning_rate=2e-3, batch_tokens=16_384, epochs=4),
    "30M": Size(layers=10, width=512, heads=8, learning_rate=1.5e-3, batch_tokens=65_536, epochs=2),
    "100M": Size(layers=14, width=768, heads=12, learning_rate=1e-3, batch_tokens=262_144, epochs=1),
    "300M": Size(layers=24, width=1024, heads=16, learning_rate=6e-4, batch_tokens=524_288, epochs=1),
    "1B": Size(layers=20, width=2048, heads=32, learning_rate=4e-4, batch_tokens=1_048_576, epochs=1),
}
"""Sizes by parameters outside the embeddings. Each layer has about 12 x width^2 of them: 4 in attention, 8 in the MLP
(an encoder-decoder's decoder 8 and 6, its encoder 4 and 6)."""


class ModelConfig(Configured):
    kind: Kind = "decoder"
    """decoder (causal language model), encoder (masked language model) or encoder-decoder (span corruption)."""
    style: Style | None = None
    """Model class: llama or qwen3 for a decoder, modernbert or bert for an encoder, t5 for an encoder-decoder."""
    size: Literal["1M", "3M", "10M", "30M", "100M", "300M", "1B"] = "1M"
    """Preset of shape, learning rate and batch, by parameters outside the embeddings."""
    layers: int | None = Field(default=None, ge=1)
    """Layers, instead of the size's. An encoder-decoder has half of them on each side."""
    width: int | None = Field(default=None, ge=8)
    """Width of the hidden states, instead of the size's."""
    heads: int | None = Field(default=None, ge=1)
    """Attention heads, instead of the size's. They divide the width."""

    @model_validator(mode="after")
    def _fits(self) -> ModelConfig:
        if self.style is not None and self.style not in STYLES[self.kind]:
            raise ValueError(f"style '{self.style}' is no {self.kind}; choose {' or '.join(STYLES[self.kind])}")
        layers, width, heads = self.shape
        if width % heads or (width // heads) % 2:
            raise ValueError(f"width {width} does not split into {heads} heads of even width")
        if self.kind == "encoder-decoder" and layers % 2:
            raise ValueError(f"an encoder-decoder has half its layers on each side; {layers} is odd")
        return self

    @property
    def preset(self) -> Size:
        return SIZES[self.size]

    @property
    def learning_rate(self) -> float:
        """Peak learning rate of the size. BERT, which normalizes after each layer, stays stable at a quarter of it."""
        return self.preset.learning_rate * (0.25 if self.style == "bert" else 1.0)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(layers, width, heads)."""
        preset = self.preset
        width = self.width or preset.width
        heads = self.heads or (preset.heads if width == preset.width else max(1, width // 64))
        return self.layers or preset.layers, width, heads


class Budget(Configured):
    """How long to train: one of these."""

    tokens: Count | None = Field(default=None, ge=1)
    """Tokens to train on: 20M."""
    steps: int | None = Field(default=None, ge=1)
    """Optimizer steps."""
    epochs: float | None = Field(default=None, gt=0)
    """Passes over the corpus."""
    minutes: float | None = Field(default=None, gt=0)
    """Time on this machine; the steps that fit are measured at the start and then fixed."""

    @model_validator(mode="after")
    def _one(self) -> Budget:
        given = [name for name in ("tokens", "steps", "epochs", "minutes") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"a budget is one of tokens, steps, epochs or minutes; this gives {' and '.join(given)}")
        return self


class WatchConfig(Configured):
    """What can be seen of a run while it trains. It may change when a run goes on."""

    tensorboard: bool = False
    """Also write the figures for TensorBoard, into `tensorboard/` in the model's folder."""
    samples_every: int | None = Field(default=None, ge=0)
    """Steps between samples of what the model writes, into samples.jsonl; 0 draws none. Default: four times in all, and
    none for an adapter."""
    prompts: tuple[str, ...] = ()
    """Texts that the samples go on from. Default: the beginnings of two held-out documents."""
    sample_tokens: int = Field(default=32, ge=1)
    """Tokens of a sample at most."""
    peak_flops: Count | None = Field(default=None, ge=1)
    """Operations a second that a device could do at most, for the share that the run uses: 989T. Default: what the
    maker states for a graphics card; for a processor, what a matrix product reaches at the start."""


class TrainConfig(Configured):
    model_config = ConfigDict(populate_by_name=True)

    model: ModelConfig = ModelConfig()
    """What is trained."""
    from_: str | None = Field(default=None, alias="from")
    """Folder of a trained model to go on with (continued pretraining), instead of random weights. The token shards are
    written with its tokenizer; its shape and its files stay what they are."""
    budget: Budget = Budget()
    """How long; without one, the epochs that the size's preset names."""
    sequence_length: int | None = Field(default=None, ge=8)
    """Tokens of a window. Default: what the shards were written for."""
    batch: int | None = Field(default=None, ge=1)
    """Windows a step, over all ranks. Default: the size's tokens a step."""
    parts: int | None = Field(default=None, ge=1)
    """Equal parts that a step's windows are computed in, one after another and by several ranks side by side. Default:
    what fits the machine that the run begins on. The parts decide the bits, not the number of ranks."""
    ranks: int | None = Field(default=None, ge=1)
    """Processes that share the work on this machine. Default: one for each graphics card; one on a processor."""
    parallel: Literal["auto", "ddp", "fsdp"] = "auto"
    """How several ranks share the work: each with all of the model (ddp), or with a share of it (fsdp); auto shards a
    model that would fill a graphics card by more than half."""
    packing: Literal["concatenate", "best_fit"] = "concatenate"
    """How documents are laid into windows: one after another, or whole documents where they fit best."""
    mixture: dict[str, float] | None = None
    """Share of the training tokens for each source; sources that it does not name are left out. Default: every
    document as often as any other."""
    epochs: dict[str, float] | None = None
    """Instead of a mixture: how often each source is read in all, spread evenly over the run; once where it is not
    named, not at all at 0. This sets the length of the run, unless a budget is given."""
    weights: Weights = "none"
    """How often documents of a near-duplicate cluster come in an epoch: none, each that is there once; inverse, the
    cluster once, whichever of its documents are there; rehydrate, by the size of the cluster as in FineWeb-2."""
    learning_rate: float | None = Field(default=None, gt=0)
    """Peak learning rate. Default: the size's; 3e-4 where a trained model goes on."""
    schedule: Literal["cosine", "wsd"] = "cosine"
    """Course of the learning rate after warm-up: cosine to a tenth, or steady and then down to nothing (wsd)."""
    warmup: float = Field(default=0.02, ge=0, le=0.5)
    """Share of the steps over which the learning rate rises from nothing."""
    optimizer: Literal["adamw", "muon"] = "muon"
    """muon uses Muon for the matrices inside the layers and AdamW for the rest; adamw is AdamW throughout."""
    weight_decay: float = Field(default=0.1, ge=0)
    """Weight decay of the matrices."""
    gradient_clip: float = Field(default=1.0, gt=0)
    """Norm that gradients are clipped to."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """auto computes in bfloat16 where the processor has instructions for it."""
    compile: bool = False
    """Compile the model with torch.compile: pays off in runs of some minutes and more."""
    checkpoint_activations: bool = False
    """Compute activations twice instead of keeping them: less memory, a third more time."""
    goldfish: int = Field(default=0, ge=0)
    """Leave one token in this many out of the loss, always the same ones, so that no passage is learned by heart;
    0 learns from every token."""
    goldfish_documents: Literal["all", "decided"] = "all"
    """Where goldfish applies: in all documents, or in those alone for which an audit decided on it."""
    validate_every: int | None = Field(default=None, ge=1)
    """Steps between validations on the held-out split. Default: ten validations in all."""
    validation_tokens: Count = Field(default=16_384, ge=1)
    """Held-out tokens that a validation reads at most."""
    checkpoint_every: int | None = Field(default=None, ge=1)
    """Steps between checkpoints. Default: five in all."""
    keep_checkpoints: int = Field(default=2, ge=1)
    """How many of the newest checkpoints stay while training, in case one is damaged; none is needed once it has
    finished."""
    watch: WatchConfig = WatchConfig()
    """What can be seen while it trains."""
    seed: int = Field(default=0, ge=0)
    """Seed of the initial weights, the order of the data and every mask."""

    @model_validator(mode="after")
    def _fits(self) -> TrainConfig:
        if self.goldfish == 1:
            raise ValueError("goldfish 1 leaves every token out; give 0, or 2 and more")
        if self.goldfish and self.model.kind != "decoder":
            raise ValueError(f"goldfish is for a decoder; an {self.model.kind} hides tokens already")
        if self.goldfish_documents == "decided" and not self.goldfish:
            raise ValueError("goldfish_documents chooses where goldfish applies, and goldfish is 0: give it too")
        if (
            self.from_ is not None
            and "model" in self.model_fields_set
            and self.model != ModelConfig(kind=self.model.kind)
        ):
            raise ValueError("'from' names the model, so 'model' has nothing to describe: leave one of them out")
        if self.mixture and self.epochs:
            raise ValueError("give mixture (shares of the tokens) or epochs (how often each source is read), not both")
        return self
