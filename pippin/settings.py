"""Settings, read from environment variables that begin with `PIPPIN_` and checked once, at the start of a process."""

import os
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pippin.documents.hints import most_similar
from pippin.errors import PippinError
from pippin.system.hosts import is_loopback
from pippin.system.setting_types import AbsolutePath, BlobsUrl, HttpUrl, Names, Origins, RedisUrl

PREFIX = "PIPPIN_"


class SettingsError(PippinError):
    """An environment variable cannot be used; the text names it and never shows a secret's value."""


def _blobs_in(validated: dict[str, Any]) -> str:
    # `home` is missing here when its own value is invalid; then only that error is reported.
    home: Path = validated.get("home", Path("/"))
    return (home / "blobs").as_uri()


class Settings(BaseSettings):
    """The settings of a Pippin process.

    The environment variable of a field is `PIPPIN_` and the field's name in capitals.

    Raises:
        SettingsError: A variable's value cannot be used, or a variable that begins with `PIPPIN_` is not a setting.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True)

    home: AbsolutePath = Field(
        default=Path("~/.pippin"),
        validate_default=True,
        description="Folder of everything that `pippin up` keeps: the embedded server's data, blobs, caches.",
    )
    redis_url: RedisUrl | None = Field(
        default=None,
        description="Address of the Redis or Valkey server, as redis://, rediss:// or unix://. "
        "Without it `pippin up` runs an embedded one.",
    )
    worker_redis_url: RedisUrl | None = Field(
        default=None,
        description="Address of that server for the workers of `pippin up`, with a user of their own; its embedded "
        "server has one. Default: PIPPIN_REDIS_URL.",
    )
    blobs_url: BlobsUrl = Field(
        default_factory=_blobs_in,
        description="Where datasets and models are kept: file://, s3:// or the address of a service. "
        "Default: the folder `blobs` in PIPPIN_HOME.",
    )
    token_file: AbsolutePath | None = Field(
        default=None,
        description="File, closed to all but its owner, with the token to show to the service: of the command line and "
        "the client to the one at PIPPIN_URL, of a worker to the one at PIPPIN_BLOBS_URL.",
    )
    admin_token_file: AbsolutePath | None = Field(
        default=None,
        description="File with the service's first token, of the role admin; made with a new token if it is not there. "
        "A service that others reach needs it, or a token made before with `pippin tokens`.",
    )
    worker_token_file: AbsolutePath | None = Field(
        default=None,
        description="File with the first token of the role worker, for workers that read it there; made with a new "
        "token if it is not there.",
    )
    url: HttpUrl = Field(
        default="http://127.0.0.1:8000", description="Address of the service, for the command line and the client."
    )
    host: str = Field(default="127.0.0.1", min_length=1, description="Address that the service listens on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port that the service listens on; 0 takes a free one.")
    allowed_hosts: Names = Field(
        default=(),
        description="Names under which others reach the service, through a proxy say, with commas between them; it "
        "answers to these, to PIPPIN_HOST and to this machine's own names only.",
    )
    require_tokens: Literal["auto", "always"] = Field(
        default="auto",
        description="When the service demands tokens: always, or auto: from the first one that was made on, and always "
        "where other machines can reach it.",
    )
    token_check_seconds: float = Field(
        default=1,
        gt=0,
        le=60,
        description="How often the service looks for revoked tokens and ended sessions whose requests are still open.",
    )
    cors_origins: Origins = Field(
        default=(),
        description="Origins, such as https://app.example.com, whose pages may call the service with a token; with "
        "commas between them.",
    )
    max_connections: int = Field(
        default=2000,
        ge=8,
        description="Most connections of clients; fewer where the limit of open files (`ulimit -n`) leaves no room.",
    )
    max_connections_by_address: int = Field(
        default=1000,
        ge=4,
        description="Most connections of one client address, of IPv6 one /64 network; three quarters of all at most.",
    )
    proxy_addresses: Names = Field(
        default=(),
        description="Addresses of proxies before the service, with commas between them, whose connections count only "
        "among all.",
    )
    head_timeout_seconds: float = Field(
        default=10, gt=0, description="How long the request line and headers of a request may take to arrive."
    )
    body_timeout_seconds: float = Field(
        default=20, gt=0, description="How long a body may arrive more slowly than PIPPIN_MIN_BODY_BYTES_PER_SECOND."
    )
    min_body_bytes_per_second: int = Field(
        default=100, ge=1, description="Slowest rate at which a body may arrive before its connection is closed."
    )
    keep_alive_seconds: int = Field(
        default=5, ge=1, description="How long a connection may wait for its next request before it is closed."
    )
    max_body_bytes: int = Field(
        default=32 * 2**20, ge=1024, description="Largest body of a request, uploads of datasets and blobs apart."
    )
    body_memory_bytes: int = Field(
        default=256 * 2**20,
        ge=2**20,
        description="Memory that bodies of JSON may take together once they are parsed, as far as it can be estimated; "
        "larger ones are refused, others wait.",
    )
    busy_wait_seconds: float = Field(
        default=20,
        gt=0,
        lt=60,
        description="How long a request waits while the service is busy with others like it, before it is refused with "
        "503 and `Retry-After`.",
    )
    max_dataset_bytes: int = Field(default=2 * 2**30, ge=1024, description="Largest upload of a dataset.")
    max_dataset_unpacked_bytes: int = Field(
        default=8 * 2**30, ge=1024, description="Largest size that an uploaded dataset may unpack to."
    )
    max_dataset_examples: int = Field(default=10_000_000, ge=1, description="Most examples that a dataset may have.")
    max_model_bytes: int = Field(default=512 * 2**20, ge=1024, description="Largest upload of a model.")
    max_answer_bytes: int = Field(
        default=16 * 2**20,
        ge=2**20,
        description="Largest answer in JSON: previews show fewer values and metrics come in parts; a prediction beyond "
        "it is refused. Files and streams have no such limit.",
    )
    max_page_bytes: int = Field(
        default=4 * 2**20,
        ge=1024,
        description="Records on a page of a list: a page ends with fewer than were asked for once they take so much.",
    )
    max_dataset_classes: int = Field(
        default=10_000, ge=1, description="Most different class labels that a dataset may have."
    )
    max_label_characters: int = Field(
        default=200, ge=1, description="Longest class label that a dataset may have, in characters."
    )
    max_labels_bytes: int = Field(
        default=2**19, ge=1024, description="Most bytes that the class labels of a dataset may take together."
    )
    max_record_bytes: int = Field(
        default=2**20,
        ge=4096,
        description="Largest record of a dataset or a model in Redis, and largest description of a job; explicit "
        "weights and large specs are kept with the blobs and do not count.",
    )
    max_job_bytes: int = Field(
        default=16 * 2**20,
        ge=2**16,
        description="What one job may record in Redis before its log lines and mini-batch losses are dropped; epochs "
        "never are.",
    )
    max_tenant_bytes: int = Field(
        default=256 * 2**20,
        ge=2**16,
        description="What one tenant may hold in Redis before it can add no more jobs, datasets and models; running "
        "jobs go on recording.",
    )
    max_epochs: int = Field(default=100_000, ge=1, description="Most epochs that a job may train.")
    max_log_lines: int = Field(default=1000, ge=1, description="Most log lines that an attempt of a job may record.")
    max_sessions: int = Field(
        default=100, ge=1, description="Most open browser sessions of one token; of more, the oldest end."
    )
    max_batch_losses: int = Field(
        default=1000,
        ge=1,
        description="Most mini-batch losses recorded of an epoch; of more mini-batches, evenly spaced ones are.",
    )
    max_training_bytes: int = Field(
        default=32 * 2**30,
        ge=1024,
        description="Most memory that a training may take, as far as shapes tell; jobs beyond it are refused.",
    )
    max_memory_bytes: int = Field(
        default=2**30, ge=16 * 2**20, description="Memory that the embedded server may fill before it refuses writes."
    )
    sample: bool = Field(default=True, description="Whether every tenant is given the packaged dataset `mnist-sample`.")
    lease_seconds: float = Field(
        default=20, gt=0, description="How long a worker may be silent before its attempt counts as lost."
    )
    lease_renew_seconds: float = Field(default=5, gt=0, description="How often a worker renews its lease.")
    reaper_interval_seconds: float = Field(
        default=2,
        gt=0,
        le=60,
        description="How often the service looks for attempts whose worker fell silent; "
        "more often where leases are so short that it would not see an outage in time.",
    )
    reaper_grace_seconds: float = Field(
        default=10,
        ge=0,
        description="How long Redis must have been reached without a gap before the service takes a job from a worker.",
    )
    retention_days: float = Field(
        default=30, ge=0, description="How long jobs are kept after they have ended; 0 keeps them for ever."
    )
    sweep_interval_seconds: float = Field(
        default=600, gt=0, description="How often the service deletes jobs kept for long enough, and unused files."
    )
    sweep_grace_seconds: float = Field(
        default=3600, ge=0, description="How long a file that no record names is left untouched before it is deleted."
    )
    sweep_max_share: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="Where no record names more than this share of all blobs, and more than PIPPIN_SWEEP_MAX_BLOBS, a "
        "sweep deletes none of them until `pippin blobs sweep --yes` approves it.",
    )
    sweep_max_blobs: int = Field(
        default=100,
        ge=0,
        description="Up to this many blobs that no record names are deleted whatever their share of all blobs is.",
    )
    blob_release_seconds: float = Field(
        default=60,
        gt=0,
        description="How long a file is kept after its record was deleted, or its job has replaced the checkpoint by a "
        "later one, if no other record names it.",
    )
    worker_threads: int | None = Field(
        default=None,
        ge=1,
        description="Threads that a worker computes with; the bits of a result depend on it. Default: one a core.",
    )
    jax_order: Literal["coreml", "pippin"] = Field(
        default="coreml",
        description="How the engine jax shuffles: as Core ML does, or in an order drawn from seed and epoch. This and "
        "the next three are for experiments: see `docs/semantics.md`. A job that goes on keeps to what it began with.",
    )
    jax_last_batch: Literal["filled", "own_size"] = Field(
        default="filled",
        description="What the engine jax does with a smaller last mini-batch: fills it up as Core ML does, or divides "
        "by its own size.",
    )
    jax_momentum: Literal["lr_inside", "lr_outside"] = Field(
        default="lr_inside",
        description="Whether the velocity of SGD in the engine jax holds the learning rate or is multiplied by it.",
    )
    jax_adam: Literal["eps_hat", "eps_outside"] = Field(
        default="eps_hat",
        description="Whether Adam's eps in the engine jax stands beside the root of the uncorrected or of the "
        "corrected second moment.",
    )
    worker_memory_bytes: int | None = Field(
        default=None,
        ge=2**28,
        description="Memory that a training may take; one that takes more ends. Default: no limit.",
    )
    service_drain_seconds: float = Field(
        default=0,
        ge=0,
        description="How long a service that is stopping still answers, while `/readyz` says 503: longer than a proxy "
        "before it takes to notice.",
    )
    service_grace_seconds: int = Field(
        default=3,
        ge=0,
        description="How long requests that are under way may take to end after that, uploads too. `pippin up` allows "
        "3 seconds in all.",
    )
    worker_grace_seconds: float = Field(
        default=2,
        ge=0,
        description="How long a training may take to stop, checkpoint included, when its worker is to end; then its "
        "process is killed and the job goes on from its last checkpoint.",
    )
    worker_outbox_bytes: int = Field(
        default=32 * 2**20,
        ge=2**20,
        description="What a training may keep in memory of what it has not recorded yet while Redis is away or full; "
        "beyond it mini-batch losses are dropped, then it waits.",
    )
    stop_grace_seconds: float = Field(
        default=30,
        ge=0,
        description="How long a training may take to stop, checkpoint included, when its job is paused, out of time or "
        "lost to another worker; then its process is killed. A cancelled one has 5 seconds at most.",
    )
    send_timeout_seconds: float = Field(
        default=30, gt=0, description="How long a client may read nothing of an answer before it is cut off."
    )
    cache_bytes: int = Field(
        default=10 * 2**30, ge=0, description="Room in PIPPIN_HOME for copies of the datasets and models in use."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least level that is logged: debug, info, warning or error."
    )

    log_format: Literal["auto", "json", "console"] = Field(
        default="auto",
        description="How log lines look: json, console (for people), or auto: console on a terminal, else json.",
    )

    def __init__(self, **values: Any) -> None:  # noqa: ANN401  # pydantic's own constructor is as open
        _refuse_unknown_variables(type(self))
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SettingsError(_sentence(error)) from None

    @property
    def is_reachable_by_others(self) -> bool:
        """Whether other machines can reach the service, at its own address or through a proxy."""
        return not all(map(is_loopback, (self.host, *self.allowed_hosts)))

    @property
    def requires_tokens(self) -> bool:
        """Whether the service demands tokens even before the first one was made."""
        return self.require_tokens == "always" or self.is_reachable_by_others

    @property
    def blob_cache(self) -> Path:
        """The folder of cached copies of datasets and models."""
        return self.home / "cache" / "blobs"

    @property
    def longest_gap_seconds(self) -> float:
        """How long Redis may be unreachable without letting a lease expire.

        Half of the time that a lease has left when its next renewal is due: the worker has the other half to renew it.
        """
        return (self.lease_seconds - self.lease_renew_seconds) / 2

    @model_validator(mode="after")
    def _renews_in_time(self) -> Self:
        if self.lease_renew_seconds > self.lease_seconds / 2:
            raise ValueError(
                f"{PREFIX}LEASE_RENEW_SECONDS is {self.lease_renew_seconds:g}, but a lease of "
                f"{self.lease_seconds:g} seconds ({PREFIX}LEASE_SECONDS) must be renewed at least twice in its time"
            )
        return self


def _refuse_unknown_variables(settings: type[Settings]) -> None:
    """Refuse misspelt variables, which would otherwise silently leave a default in effect."""
    known = [name.upper() for name in settings.model_fields]
    for variable in sorted(os.environ):
        name = variable.upper().removeprefix(PREFIX)
        if variable.upper().startswith(PREFIX) and name not in known:
            near = most_similar(name, known)
            hint = (
                f"did you mean {PREFIX}{near}?"
                if near
                else "the settings are " + ", ".join(PREFIX + each for each in known)
            )
            raise SettingsError(f"{variable} is not a setting of Pippin; {hint}")


def _sentence(error: ValidationError) -> str:
    """All faults in one line, without the values, since a value may be a password."""
    faults = []
    for fault in error.errors(include_input=False, include_url=False, include_context=False):
        if fault["type"] == "default_factory_not_called":
            continue  # the default depends on another setting, whose fault is reported itself
        text = fault["msg"].removeprefix("Value error, ")
        name = str(fault["loc"][0]) if fault["loc"] else ""
        faults.append(f"{PREFIX}{name.upper()} cannot be used: {text}" if name else text)
    return "; ".join(faults)
