"""Does the manifest for Kubernetes fit together, and do its commands start a cluster?

There is no Kubernetes where tests run. `make manifest` compares the file with the schemas.
"""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from distributed.security import Security

from skipgrade.classroom.cluster import NO_CERTIFICATE
from tests.conftest import BIN, ROOT

Manifest = dict[str, Any]
DOCUMENT = (ROOT / "docs" / "instructors.md").read_text()
EVERYTHING: list[Manifest] = list(
    yaml.safe_load_all((ROOT / "docs" / "kubernetes.yaml").read_text())
)
PARTS = {
    one["metadata"]["name"].removeprefix("skipgrade-"): one
    for one in EVERYTHING
    if one["kind"] == "Deployment"
}
ADDRESS = "tls://skipgrade-scheduler:8786"


def pod(part: str) -> Manifest:
    found: Manifest = PARTS[part]["spec"]["template"]
    return found


def container(part: str) -> Manifest:
    (found,) = pod(part)["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def only(kind: str) -> Manifest:
    (found,) = [one for one in EVERYTHING if one["kind"] == kind]
    return found


def variables(part: str) -> dict[str, str]:
    return {one["name"]: one["value"] for one in container(part).get("env", ())}


def test_it_has_three_parts() -> None:
    assert list(PARTS) == ["scheduler", "worker", "desk"]


@pytest.mark.parametrize("part", PARTS)
def test_what_a_pod_mounts_is_there_at_the_same_path_everywhere(part: str) -> None:
    volumes = {one["name"]: one for one in pod(part)["spec"]["volumes"]}
    mounts = {one["name"]: one["mountPath"] for one in container(part)["volumeMounts"]}
    assert set(mounts) == set(volumes)
    assert mounts == {"course": "/course", "tls": "/tls"}
    claim = volumes["course"]["persistentVolumeClaim"]["claimName"]
    assert claim == only("PersistentVolumeClaim")["metadata"]["name"]
    secret = volumes["tls"]["secret"]["secretName"]
    assert f"kubectl create secret generic {secret} --from-file=cert.pem --from-file" in DOCUMENT


@pytest.mark.parametrize("part", PARTS)
def test_everything_finds_its_pods_and_nothing_else_reaches_them(part: str) -> None:
    labels = pod(part)["metadata"]["labels"]
    assert PARTS[part]["spec"]["selector"]["matchLabels"] == labels == {
        "app": "skipgrade", "part": part,
    }  # fmt: skip
    policy = only("NetworkPolicy")["spec"]
    ours = {"podSelector": {"matchLabels": {"app": "skipgrade"}}}
    assert policy["podSelector"] == ours["podSelector"]
    assert policy["ingress"] == [{"from": [ours]}]
    assert policy["egress"][0] == {"to": [ours]}
    # Beyond its own kind a pod may only ask for names.
    assert all({way["port"] for way in rule["ports"]} == {53} for rule in policy["egress"][1:])
    service = only("Service")["spec"]
    assert service["selector"] == pod("scheduler")["metadata"]["labels"]
    (port,) = service["ports"]
    (served,) = container("scheduler")["ports"]
    assert (port["targetPort"], port["port"]) == (served["name"], served["containerPort"])
    assert f"tls://{only('Service')['metadata']['name']}:{port['port']}" == ADDRESS


@pytest.mark.parametrize("part", PARTS)
def test_a_pod_may_do_no_more_than_it_must(part: str) -> None:
    whole, inside = pod(part)["spec"]["securityContext"], container(part)["securityContext"]
    assert whole["runAsNonRoot"] and whole["runAsUser"] > 0
    assert whole["seccompProfile"] == {"type": "RuntimeDefault"}
    assert inside["allowPrivilegeEscalation"] is False
    more = {"add": ["SYS_PTRACE"]} if part == "worker" else {}
    assert inside["capabilities"] == {"drop": ["ALL"]} | more
    assert pod(part)["spec"]["automountServiceAccountToken"] is False


def test_a_worker_has_the_memory_that_the_document_asks_for() -> None:
    limits = container("worker")["resources"]["limits"]
    assert limits["memory"] == "8Gi"  # what one submission may take: SandboxProvisioner.memory_gib
    assert "memory_gib = 8.0" in DOCUMENT


def test_the_desk_tells_dask_where_its_certificate_lies() -> None:
    named = variables("desk")
    for name in ("CA_FILE", "CLIENT__CERT", "CLIENT__KEY"):
        assert f"DASK_DISTRIBUTED__COMM__TLS__{name}" in NO_CERTIFICATE
        assert named[f"DASK_DISTRIBUTED__COMM__TLS__{name}"].startswith("/tls/")
    assert named["SKIPGRADE_DATA"].startswith(container("desk")["workingDir"] + "/")
    assert (
        "kubectl exec -it deploy/skipgrade-desk -- skipgrade grade ASSIGNMENT "
        f"--scheduler {ADDRESS}" in DOCUMENT
    )


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two files that the secret holds."""
    folder = tmp_path_factory.mktemp("tls")
    security = Security.temporary()
    assert security.tls_ca_file and security.tls_worker_key
    (folder / "cert.pem").write_text(security.tls_ca_file)
    (folder / "key.pem").write_text(security.tls_worker_key)
    return folder


@contextmanager
def started(part: str, secret: Path, address: str) -> Iterator[None]:
    """A part's command as it stands in the manifest, but for where files lie and who is asked."""
    words = [*container(part)["command"], *container(part)["args"]]
    assert words[0] == "dask"
    here = [
        word.replace("/tls/", f"{secret}/")
        .replace(ADDRESS, address)
        .replace("--port=8786", f"--port={address.rpartition(':')[2]}")
        for word in words[1:]
    ]
    process = subprocess.Popen(
        [BIN / "dask", *here], cwd=secret, env=os.environ | {"TMPDIR": str(secret)}
    )
    try:
        yield
        assert process.poll() is None, f"{part} has ended by itself"
    finally:
        if process.poll() is None:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()
        process.wait()


def test_its_commands_start_a_cluster_that_the_desk_reaches(secret: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tls://127.0.0.1:{free.getsockname()[1]}"
    files = {
        name: value.replace("/tls/", f"{secret}/")
        for name, value in variables("desk").items()
        if name.startswith("DASK_")
    }
    asked = (
        "import sys; from distributed import Client; client = Client(sys.argv[1], timeout=120)\n"
        "client.wait_for_workers(1, timeout=120)\n"
        "(worker,) = client.scheduler_info()['workers'].values()\n"
        "print(client.submit(pow, 3, 4).result(timeout=120), worker['nthreads'])"
    )
    with ExitStack() as stack:
        for part in ("scheduler", "worker"):
            stack.enter_context(started(part, secret, address))
        said = subprocess.run(
            [BIN / "python", "-c", asked, address],
            env=os.environ | files, capture_output=True, text=True,
        )  # fmt: skip
    assert said.stdout.split() == ["81", "1"], said.stderr[-2000:]
