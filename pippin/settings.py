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
        description="Folder of all data of `pippin up`: the embedded server's data, blobs, caches.",
    )
    redis_url: RedisUrl | None = Field(
        default=None,
        description="Address of the Redis or Valkey server, as redis://, rediss:// or unix://. "
        "Without it `pippin up` runs an embedded one.",
    )
    worker_redis_url: RedisUrl | None = Field(
        default=None,
        description="Address of that server for the workers of `pippin up`, with a separate user; the embedded server "
        "has such a user. Default: PIPPIN_REDIS_URL.",
    )
    blobs_url: BlobsUrl = Field(
        default_factory=_blobs_in,
        description="Blob store of datasets and models: file://, s3:// or the address of a service. Default: the "
        "folder `blobs` in PIPPIN_HOME.",
    )
    token_file: AbsolutePath | None = Field(
        default=None,
        description="File, readable only by its owner, with the token to send to the service: the command line and "
        "the client send it to PIPPIN_URL, a worker to PIPPIN_BLOBS_URL.",
    )
    admin_token_file: AbsolutePath | None = Field(
        default=None,
        description="File with the service's first token, of the role admin; created with a new token if it does not "
        "exist. A service that other machines can reach needs this file, or a token created before with `pippin "
        "tokens`.",
    )
    worker_token_file: AbsolutePath | None = Field(
        default=None,
        description="File with the first token of the role worker, for workers that read the same file; created with "
        "a new token if it does not exist.",
    )
    url: HttpUrl = Field(
        default="http://127.0.0.1:8000", description="Address of the service, for the command line and the client."
    )
    host: str = Field(default="127.0.0.1", min_length=1, description="Address that the service listens on.")
    port: int = Field(
        default=8000, ge=0, le=65535, description="Port that the service listens on; 0 selects a free one."
    )
    allowed_hosts: Names = Field(
        default=(),
        description="Host names under which clients reach the service, for example through a proxy, separated by "
        "commas; the service accepts only these, PIPPIN_HOST and this machine's own names.",
    )
    require_tokens: Literal["auto", "always"] = Field(
        default="auto",
        description="When the service requires tokens: always, or auto: as soon as the first token was created, and "
        "always if other machines can reach the service.",
    )
    token_check_seconds: float = Field(
        default=1,
        gt=0,
        le=60,
        description="How often the service looks for revoked tokens and ended sessions whose requests are still open.",
    )
    cors_origins: Origins = Field(
        default=(),
        description="Origins, such as https://app.example.com, whose pages may call the service with a token; "
        "separated by commas.",
    )
    max_connections: int = Field(
        default=2000,
        ge=8,
        description="Maximum number of client connections; fewer if the limit of open files (`ulimit -n`) is too low.",
    )
    max_connections_by_address: int = Field(
        default=1000,
        ge=4,
        description="Maximum number of connections of one client address, or of one /64 network of IPv6; at most "
        "three quarters of all connections.",
    )
    proxy_addresses: Names = Field(
        default=(),
        description="Addresses of proxies in front of the service, separated by commas; they are exempt from the "
        "limit for one address.",
    )
    head_timeout_seconds: float = Field(
        default=10, gt=0, description="Time limit for the request line and headers of a request."
    )
    body_timeout_seconds: float = Field(
        default=20, gt=0, description="How long a body may arrive at less than PIPPIN_MIN_BODY_BYTES_PER_SECOND."
    )
    min_body_bytes_per_second: int = Field(
        default=100, ge=1, description="Minimum rate of a request body; the connection of a slower one is closed."
    )
    keep_alive_seconds: int = Field(
        default=5, ge=1, description="Time after which a connection without a request is closed."
    )
    max_body_bytes: int = Field(
        default=32 * 2**20, ge=1024, description="Maximum size of a request body, except uploads of datasets and blobs."
    )
    body_memory_bytes: int = Field(
        default=256 * 2**20,
        ge=2**20,
        description="Estimated memory for all parsed JSON bodies together; a larger body is refused, others wait.",
    )
    busy_wait_seconds: float = Field(
        default=20,
        gt=0,
        lt=60,
        description="How long a request waits while the service is busy, before it is refused with 503 and "
        "`Retry-After`.",
    )
    max_dataset_bytes: int = Field(default=2 * 2**30, ge=1024, description="Maximum size of an uploaded dataset.")
    max_dataset_unpacked_bytes: int = Field(
        default=8 * 2**30, ge=1024, description="Maximum size of an uploaded dataset after unpacking."
    )
    max_dataset_examples: int = Field(default=10_000_000, ge=1, description="Maximum number of examples of a dataset.")
    max_model_bytes: int = Field(default=512 * 2**20, ge=1024, description="Maximum size of an uploaded model.")
    max_answer_bytes: int = Field(
        default=16 * 2**20,
        ge=2**20,
        description="Maximum size of a JSON response: previews show fewer values and metrics are split into parts; a "
        "larger prediction is refused. Files and streams are not limited.",
    )
    max_page_bytes: int = Field(
        default=4 * 2**20,
        ge=1024,
        description="Maximum size of the records on one page of a list; a page has fewer records than requested if "
        "they are larger.",
    )
    max_dataset_classes: int = Field(
        default=10_000, ge=1, description="Maximum number of different class labels of a dataset."
    )
    max_label_characters: int = Field(default=200, ge=1, description="Maximum length of a class label, in characters.")
    max_labels_bytes: int = Field(
        default=2**19, ge=1024, description="Maximum size of all class labels of a dataset together."
    )
    max_record_bytes: int = Field(
        default=2**20,
        ge=4096,
        description="Maximum size of a record of a dataset or a model in Redis, and of a job's description; explicit "
        "weights and large specs are stored as blobs and do not count.",
    )
    max_job_bytes: int = Field(
        default=16 * 2**20,
        ge=2**16,
        description="Size of one job's records in Redis above which its log lines and mini-batch losses are dropped; "
        "epochs are never dropped.",
    )
    max_tenant_bytes: int = Field(
        default=256 * 2**20,
        ge=2**16,
        description="Size of one tenant's records in Redis above which it cannot add jobs, datasets and models; "
        "running jobs continue to record.",
    )
    max_epochs: int = Field(default=100_000, ge=1, description="Maximum number of epochs of a job.")
    max_log_lines: int = Field(default=1000, ge=1, description="Maximum number of log lines of an attempt.")
    max_sessions: int = Field(
        default=100,
        ge=1,
        description="Maximum number of open browser sessions of one token; above it, the oldest session ends.",
    )
    max_batch_losses: int = Field(
        default=1000,
        ge=1,
        description="Maximum number of mini-batch losses recorded per epoch; of more mini-batches, evenly spaced ones "
        "are recorded.",
    )
    max_training_bytes: int = Field(
        default=32 * 2**30,
        ge=1024,
        description="Maximum memory of a training, as computed from shapes; larger jobs are refused.",
    )
    max_memory_bytes: int = Field(
        default=2**30, ge=16 * 2**20, description="Memory limit of the embedded server; above it, writes are refused."
    )
    sample: bool = Field(default=True, description="Whether every tenant receives the packaged dataset `mnist-sample`.")
    lease_seconds: float = Field(
        default=20, gt=0, description="Time without a lease renewal after which an attempt counts as lost."
    )
    lease_renew_seconds: float = Field(default=5, gt=0, description="How often a worker renews its lease.")
    reaper_interval_seconds: float = Field(
        default=2,
        gt=0,
        le=60,
        description="How often the service checks for attempts with expired leases; more often if leases are so short "
        "that an outage could go unnoticed.",
    )
    reaper_grace_seconds: float = Field(
        default=10,
        ge=0,
        description="How long Redis must have been reachable without interruption before the service takes a job from "
        "a worker.",
    )
    retention_days: float = Field(
        default=30, ge=0, description="How long jobs are kept after they have ended; 0 keeps them forever."
    )
    sweep_interval_seconds: float = Field(
        default=600, gt=0, description="How often the service deletes expired jobs and unused files."
    )
    sweep_grace_seconds: float = Field(
        default=3600, ge=0, description="How old an unused file must be before it is deleted."
    )
    sweep_max_share: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="If more than this share of all blobs, and more than PIPPIN_SWEEP_MAX_BLOBS, are named by no "
        "record, a sweep deletes none of them until `pippin blobs sweep --yes` approves it.",
    )
    sweep_max_blobs: int = Field(
        default=100,
        ge=0,
        description="Up to this many unused blobs are deleted regardless of their share of all blobs.",
    )
    blob_release_seconds: float = Field(
        default=60,
        gt=0,
        description="How long a file is kept after its record was deleted, or after its checkpoint was replaced by a "
        "later one, if no other record names it.",
    )
    worker_threads: int | None = Field(
        default=None,
        ge=1,
        description="Number of computing threads of a worker; results may differ in their last bits with it. Default: "
        "one per core.",
    )
    jax_order: Literal["coreml", "pippin"] = Field(
        default="coreml",
        description="How the engine jax shuffles: as Core ML does, or in an order drawn from seed and epoch. This and "
        "the next three are for experiments: see `docs/semantics.md`. A resumed job keeps its original switches.",
    )
    jax_last_batch: Literal["filled", "own_size"] = Field(
        default="filled",
        description="How the engine jax handles a smaller last mini-batch: it fills it up as Core ML does, or divides "
        "by its own size.",
    )
    jax_momentum: Literal["lr_inside", "lr_outside"] = Field(
        default="lr_inside",
        description="Whether the velocity of SGD in the engine jax includes the learning rate or is multiplied by it.",
    )
    jax_adam: Literal["eps_hat", "eps_outside"] = Field(
        default="eps_hat",
        description="Whether Adam's eps in the engine jax is added to the root of the uncorrected or of the corrected "
        "second moment.",
    )
    worker_memory_bytes: int | None = Field(
        default=None,
        ge=2**28,
        description="Memory limit of a training process; a process that exceeds it is ended. Default: no limit.",
    )
    service_drain_seconds: float = Field(
        default=0,
        ge=0,
        description="How long a stopping service still serves requests, while `/readyz` returns 503: longer than a "
        "proxy in front of it needs to notice.",
    )
    service_grace_seconds: int = Field(
        default=3,
        ge=0,
        description="How long open requests, including uploads, may take to end after that. `pippin up` allows 3 "
        "seconds in all.",
    )
    worker_grace_seconds: float = Field(
        default=2,
        ge=0,
        description="How long a training may take to stop, checkpoint included, when its worker is stopped; then its "
        "process is killed and the job resumes from its last checkpoint.",
    )
    worker_outbox_bytes: int = Field(
        default=32 * 2**20,
        ge=2**20,
        description="Memory for records that a training could not send yet while Redis is unreachable or full; above "
        "it, mini-batch losses are dropped, then the training waits.",
    )
    stop_grace_seconds: float = Field(
        default=30,
        ge=0,
        description="How long a training may take to stop, checkpoint included, when its job is paused, out of time or "
        "lost to another worker; then its process is killed. A cancelled one has 5 seconds at most.",
    )
    send_timeout_seconds: float = Field(
        default=30,
        gt=0,
        description="How long a client may read nothing of a response before its connection is closed.",
    )
    cache_bytes: int = Field(
        default=10 * 2**30, ge=0, description="Maximum size of the cache in PIPPIN_HOME for datasets and models in use."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Minimum level that is logged: debug, info, warning or error."
    )

    log_format: Literal["auto", "json", "console"] = Field(
        default="auto",
        description="Format of log lines: json, console (readable), or auto: console on a terminal, else json.",
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
        """Whether the service requires tokens even before the first one was made."""
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
