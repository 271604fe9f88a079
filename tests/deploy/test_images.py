"""Checks of the compose file and the images that need no container engine."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from redis.exceptions import NoPermissionError

from pippin.local.valkey import server_binary
from pippin.store import connect
from tests.support.paths import ROOT

BIN = Path(sys.executable).parent
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE = ROOT / "deploy/docker/Dockerfile"


def pins(lock: Path) -> set[str]:
    return set(re.findall(r"^[a-z0-9-]+(?:\[.*\])?==[^ ;]+", lock.read_text(), re.MULTILINE))


@pytest.mark.parametrize(
    "command",
    [
        ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"],
        ["hadolint", str(DOCKERFILE)],
    ],
    ids=["compose file", "Dockerfile"],
)
def test_file_passes_its_linter(command: list[str]) -> None:
    ran = subprocess.run([BIN / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("name", ["service", "worker"])
def test_each_built_service_uses_an_existing_dockerfile_target(name: str) -> None:
    build = COMPOSE["services"][name]["build"]
    assert ROOT / build["dockerfile"] == DOCKERFILE
    assert re.search(rf"^FROM base AS {build['target']}$", DOCKERFILE.read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", ["valkey", "service", "worker"])
def test_each_container_restarts_is_checked_drops_capabilities_and_has_limits(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "cap_add" not in service
    assert re.search(r"\d+g\b", service["mem_limit"])
    assert 0 < service["pids_limit"] <= 2048


def test_base_images_have_full_version_tags() -> None:
    images = [
        COMPOSE["services"]["valkey"]["image"],
        *re.findall(r"^FROM (\S+:\S+)", DOCKERFILE.read_text(), re.MULTILINE),
    ]
    assert len(images) == 2
    for image in images:
        assert re.search(r":\d+\.\d+\.\d+(-|$)", image), image


def test_persistent_data_is_in_named_volumes() -> None:
    mounts = [mount for service in COMPOSE["services"].values() for mount in service["volumes"]]
    named = {mount.split(":")[0] for mount in mounts if not mount.startswith(".")}
    assert named == set(COMPOSE["volumes"]) == {"home", "records", "worker-home", "worker-token"}
    first_token = COMPOSE["services"]["service"]["environment"]["PIPPIN_ADMIN_TOKEN_FILE"]
    assert first_token.startswith("/var/lib/pippin/")


def test_service_port_is_loopback_only_and_valkey_is_unpublished() -> None:
    assert COMPOSE["services"]["service"]["ports"] == ["127.0.0.1:8000:8000"]
    assert "ports" not in COMPOSE["services"]["valkey"]


@pytest.mark.parametrize("name", ["VALKEY_PASSWORD", "VALKEY_WORKER_PASSWORD"])
def test_passwords_are_neither_in_the_compose_file_nor_arguments(name: str) -> None:
    valkey = COMPOSE["services"]["valkey"]
    assert valkey["environment"][name].startswith(f"${{{name}:?")
    script = valkey["entrypoint"][-1]
    assert "--include /tmp/password.conf" in script
    assert "--requirepass" not in script


def test_container_acl_restricts_the_worker_user(tmp_path: Path) -> None:
    script = COMPOSE["services"]["valkey"]["entrypoint"][-1].replace("$$", "$")
    script = script.replace("/tmp/password.conf", str(tmp_path / "password.conf"))
    script = script.replace("/etc/valkey/worker.acl", str(ROOT / "deploy/valkey/worker.acl"))
    passwords = {"VALKEY_PASSWORD": "whole", "VALKEY_WORKER_PASSWORD": "limited", "PATH": "/usr/bin:/bin"}
    subprocess.run(["sh", "-ec", script.partition("exec ")[0]], env=passwords, check=True)
    options = ["--port", "0", "--unixsocket", str(tmp_path / "socket"), "--include", str(tmp_path / "password.conf")]
    with subprocess.Popen([str(server_binary()), *options], cwd=tmp_path, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        try:
            while b"Ready to accept" not in (line := server.stdout.readline()):
                assert line, "the server ended"
            with connect(f"unix://worker:limited@{tmp_path}/socket") as worker:
                worker.zadd("pippin:leases", {"default/x": 1})
                with pytest.raises(NoPermissionError):
                    worker.keys("*")
            with connect(f"unix://:whole@{tmp_path}/socket") as service:
                assert service.keys("*") == ["pippin:leases"]
        finally:
            server.terminate()


@pytest.mark.parametrize("setting", ["appendonly yes", "appendfsync always", "maxmemory-policy noeviction"])
def test_valkey_keeps_every_acknowledged_write(setting: str) -> None:
    assert setting in (ROOT / "deploy/valkey/valkey.conf").read_text().splitlines()


@pytest.mark.parametrize("name", ["service", "worker"])
def test_image_lock_is_a_subset_of_the_tested_lock(name: str) -> None:
    image = pins(ROOT / f"deploy/docker/{name}.lock")
    assert image
    assert image <= pins(ROOT / "requirements.lock")


@pytest.mark.parametrize(
    "lock",
    [
        "requirements.lock",
        "deploy/docker/service.lock",
        "deploy/docker/worker.lock",
        "benchmarks/requirements.lock",
        "tools/docs.lock",
    ],
)
def test_lock_files_pin_hashes_and_name_no_index(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    for entry in re.split(r"\n(?=[a-z0-9])", text):
        assert "--hash=sha256:" in entry, entry.splitlines()[0]


def test_worker_has_no_access_to_the_services_volumes_and_secrets() -> None:
    service, worker = COMPOSE["services"]["service"], COMPOSE["services"]["worker"]
    assert not {mount.split(":")[0] for mount in worker["volumes"]} & {"home", "records"}
    assert "VALKEY_PASSWORD" not in str(worker)
    assert "admin" not in str(worker)
    assert worker["environment"]["PIPPIN_REDIS_URL"].startswith("redis://worker:${VALKEY_WORKER_PASSWORD:?")
    assert worker["environment"]["PIPPIN_TOKEN_FILE"] == service["environment"]["PIPPIN_WORKER_TOKEN_FILE"]
    # The token is sent only over loopback.
    assert worker["network_mode"] == "service:service"
    assert worker["environment"]["PIPPIN_BLOBS_URL"].startswith("http://127.0.0.1:")
