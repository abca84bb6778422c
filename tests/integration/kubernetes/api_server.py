"""A real Kubernetes API server with its etcd on loopback: no nodes, no controllers, but every check of an apply."""

from __future__ import annotations

import http.client
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from deploy.local.ports import free_port
from deploy.local.processes import Keeper, Program
from deploy.local.progress import Quiet

BUILD = Path(__file__).resolve().parents[3] / "deploy" / "k8s" / "tests" / "build"
TOKEN = "for-this-run-only"
KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{{name: test, cluster: {{server: 'https://127.0.0.1:{port}', insecure-skip-tls-verify: true}}}}]
users: [{{name: admin, user: {{token: {token}}}}}]
contexts: [{{name: test, context: {{cluster: test, user: admin}}}}]
current-context: test
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiServer:
    """A running API server, asked through kubectl."""

    kubectl: Path
    kubeconfig: Path

    def ask(self, *words: str, manifest: str = "") -> subprocess.CompletedProcess[str]:
        """Run kubectl with ``manifest`` as its input and return how it ended."""
        command = [str(self.kubectl), f"--kubeconfig={self.kubeconfig}", *words]
        return subprocess.run(command, input=manifest, capture_output=True, text=True, timeout=120, check=False)

    def apply(self, manifest: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Apply ``manifest`` on the server's side, a warning being an error."""
        return self.ask("apply", "--server-side", "--warnings-as-errors", *options, "-f", "-", manifest=manifest)


def binaries() -> Path:
    """Return the folder of the binaries that ``make kube`` builds; the test is skipped, visibly, without them."""
    wish = os.environ.get("WHISTLE_KUBE_APISERVER", "cached")
    if wish == "off":
        pytest.skip("WHISTLE_KUBE_APISERVER=off: the manifests are not checked on a real API server")
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    place = os.environ.get("WHISTLE_KUBE_CACHE") or f"{cache}/whistle/kubernetes-{_version()}"
    folder = Path(place) / "bin"
    missing = [name for name in ("etcd", "kube-apiserver", "kubectl") if not (folder / name).exists()]
    if missing and wish == "on":
        pytest.fail(f"{', '.join(missing)} missing in {folder} though {BUILD.name} should have made them")
    if missing:
        pytest.skip("no API server is built here: `make kube` builds one (needs Go, about 5 minutes, once)")
    return folder


def _version() -> str:
    line = next(line for line in BUILD.read_text(encoding="utf-8").splitlines() if line.startswith("KUBERNETES="))
    return line.partition("=")[2]


@contextmanager
def running_api_server(folder: Path) -> Iterator[ApiServer]:
    """Run etcd and the API server with their files in ``folder``; both are gone afterwards."""
    etcd_port, peer_port = free_port(), free_port()
    port = free_port({etcd_port, peer_port})
    (folder / "tokens.csv").write_text(f'{TOKEN},admin,admin,"system:masters"\n', encoding="utf-8")
    _write_key_pair(folder)
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(KUBECONFIG.format(port=port, token=TOKEN), encoding="utf-8")
    kubeconfig.chmod(0o600)
    with ExitStack() as stack:
        # The API server stops first: it hangs for long when its etcd is gone.
        for program in (_etcd(folder, etcd_port, peer_port), _kube_apiserver(folder, port, etcd_port)):
            keeper = Keeper(program, Quiet())
            keeper.start()
            stack.callback(keeper.stop)
        yield ApiServer(kubectl=binaries() / "kubectl", kubeconfig=kubeconfig)


def _etcd(folder: Path, port: int, peer_port: int) -> Program:
    client, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}"
    options = {
        "data-dir": str(folder / "etcd"),
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"default={peer}",
    }
    command = (str(binaries() / "etcd"), "--unsafe-no-fsync", *(f"--{name}={value}" for name, value in options.items()))

    def probe() -> str | None:
        return _problem(http.client.HTTPConnection("127.0.0.1", port, timeout=2), "/health")

    return Program(name="etcd", command=command, log=folder / "etcd.log", why_not_ready=probe)


def _kube_apiserver(folder: Path, port: int, etcd_port: int) -> Program:
    options = {
        "etcd-servers": f"http://127.0.0.1:{etcd_port}",
        "bind-address": "127.0.0.1",
        "advertise-address": "127.0.0.1",
        "secure-port": str(port),
        "cert-dir": str(folder / "certificates"),
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": str(folder / "account.pub"),
        "service-account-signing-key-file": str(folder / "account.key"),
        "token-auth-file": str(folder / "tokens.csv"),
        "authorization-mode": "RBAC",
        "service-cluster-ip-range": "10.96.0.0/16",
        "endpoint-reconciler-type": "none",
        "enable-priority-and-fairness": "false",
    }
    command = (str(binaries() / "kube-apiserver"), *(f"--{name}={value}" for name, value in options.items()))
    context = ssl._create_unverified_context()  # noqa: S323  its certificate was made a moment ago, on loopback

    def probe() -> str | None:
        return _problem(http.client.HTTPSConnection("127.0.0.1", port, timeout=2, context=context), "/readyz")

    return Program(name="kube-apiserver", command=command, log=folder / "kube-apiserver.log", why_not_ready=probe)


def _problem(connection: http.client.HTTPConnection, path: str) -> str | None:
    try:
        with closing(connection):
            connection.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})
            status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"no answer: {error}"
    return None if status == http.HTTPStatus.OK else f"{path} answers {status}"


def _write_key_pair(folder: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / "account.key").write_bytes(private)
    (folder / "account.pub").write_bytes(public)


def kustomize(folder: Path) -> str:
    """Return the rendered manifests of ``folder``."""
    done = subprocess.run(
        [binaries() / "kubectl", "kustomize", folder], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def remove(folder: Path) -> None:
    """Remove what a stopped API server left."""
    shutil.rmtree(folder, ignore_errors=True)
