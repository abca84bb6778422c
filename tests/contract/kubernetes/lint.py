"""What no schema can see: whether the objects of an overlay fit each other, the catalogue and the services' settings.

Each rule yields a sentence for each problem; ``problems`` runs them all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from shared.events.topics import CASE, DEAD_LETTER, PLAYBOOK, SLA, TOPICS
from tests.contract.kubernetes.lint_models import claims_are_shared_rightly, lessons_take_turns, models_are_taught
from tests.contract.kubernetes.manifests import (
    Manifests,
    Object,
    containers,
    labels,
    mounted_secrets,
    name,
    pod,
    selects,
    title,
)

SERVICES = ("intake", "router", "escalation", "notifier")
BY_HAND = frozenset({"whistle-keys", "whistle-secret-key"})
"""The Secrets that an operator makes before the first apply; deploy/k8s/README.md says how."""

PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
SECRET_WORDS = re.compile(r"PASSWORD|TOKEN|SECRET_KEY$|_KEY$")
SIZES = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}

Rule = Callable[[Manifests], Iterator[str]]


def problems(made: Manifests) -> list[str]:
    """Return every problem of the overlay, none twice."""
    return list(dict.fromkeys(problem for rule in RULES for problem in rule(made)))


def pods_are_restricted(made: Manifests) -> Iterator[str]:
    """Pods run as nobody, see no API token, no host and no service links."""
    for workload in made.workloads:
        spec, who = pod(workload), title(workload)
        security = spec.get("securityContext", {})
        if not security.get("runAsNonRoot") or security.get("runAsUser") in {None, 0}:
            yield f"{who} may run as root"
        if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{who} has no seccomp profile"
        if spec.get("automountServiceAccountToken") is not False:
            yield f"{who} mounts an API token"
        if spec.get("enableServiceLinks") is not False:
            yield f"{who} gets service links, whose names begin with WHISTLE_ too"
        if any("hostPath" in volume for volume in spec.get("volumes", ())) or spec.get("hostNetwork"):
            yield f"{who} reaches its host"
        if spec.get("serviceAccountName") not in made.names("ServiceAccount"):
            yield f"{who} names ServiceAccount {spec.get('serviceAccountName')}, which is not there"


def containers_are_restricted(made: Manifests) -> Iterator[str]:
    """Containers cannot gain rights or write, have bounded memory, and run a named release."""
    for workload in made.workloads:
        for container in containers(workload):
            who = f"{title(workload)}/{container['name']}"
            security = container.get("securityContext", {})
            if security.get("allowPrivilegeEscalation") is not False or security.get("capabilities") != {
                "drop": ["ALL"]
            }:
                yield f"{who} may gain rights"
            if security.get("readOnlyRootFilesystem") is not True:
                yield f"{who} may write into its image"
            yield from _resources(who, container.get("resources", {}))
            if not re.search(r":[^/:]+$", container["image"]) or container["image"].endswith(":latest"):
                yield f"{who} runs {container['image']}, which names no release"


def _resources(who: str, resources: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    requests, limits = resources.get("requests", {}), resources.get("limits", {})
    if not {"cpu", "memory"} <= requests.keys():
        yield f"{who} requests no processor or memory"
    if "memory" not in limits:
        yield f"{who} has no memory limit"
    elif "memory" in requests and _bytes(requests["memory"]) > _bytes(limits["memory"]):
        yield f"{who} requests more memory than its limit"


def _bytes(size: str) -> int:
    return int(size[:-2]) * SIZES[size[-2:]]


def probes_reach_a_port(made: Manifests) -> Iterator[str]:
    """A service has all three probes, on ports that it opens, and its ports are those of its settings."""
    for workload in made.services:
        for container in containers(workload):
            who = f"{title(workload)}/{container['name']}"
            ports = {port["name"]: port["containerPort"] for port in container.get("ports", ())}
            for probe in PROBES:
                port = container.get(probe, {}).get("httpGet", {}).get("port")
                if port not in ports:
                    yield f"{who}: {probe} asks port {port}, which is not open"
            settings = made.settings(container)
            for port, setting in (("ops", "WHISTLE_OPS_PORT"), ("http", "WHISTLE_HTTP_PORT")):
                if settings.get(setting) != (str(ports[port]) if port in ports else None):
                    yield f"{who}: port {port} is {ports.get(port)} but {setting} says {settings.get(setting)}"
        grace = pod(workload).get("terminationGracePeriodSeconds", 30)
        for container in containers(workload):
            pause = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            if pause >= grace:
                yield f"{title(workload)}: preStop sleeps as long as the grace period"


def selectors_select(made: Manifests) -> Iterator[str]:
    """Workloads, Services, budgets and policies select pods that are there."""
    for workload in made.services:
        if not selects(workload["spec"]["selector"], labels(workload)):
            yield f"{title(workload)} does not select its own pods"
        budgets = [b for b in made.of("PodDisruptionBudget") if selects(b["spec"]["selector"], labels(workload))]
        if not budgets:
            yield f"{title(workload)} has no disruption budget"
        yield from (f"{title(b)} blocks every drain" for b in budgets if b["spec"].get("maxUnavailable") == 0)
        if workload["kind"] == "StatefulSet" and workload["spec"].get("serviceName") not in made.names("Service"):
            yield f"{title(workload)} names Service {workload['spec'].get('serviceName')}, which is not there"
    for service in made.of("Service"):
        chosen = [w for w in made.services if selects({"matchLabels": service["spec"]["selector"]}, labels(w))]
        if not chosen:
            yield f"{title(service)} selects nothing"
        open_ports = {p["name"] for w in chosen for c in containers(w) for p in c.get("ports", ())}
        yield from (
            f"{title(service)}: targetPort {port['targetPort']} is not open"
            for port in service["spec"]["ports"]
            if chosen and port["targetPort"] not in open_ports
        )


def settings_are_complete(made: Manifests) -> Iterator[str]:
    """Each service has the settings it needs, once, from objects that are there, and no secret in the clear."""
    for workload in made.workloads:
        for container in containers(workload):
            who = f"{title(workload)}/{container['name']}"
            entries = [entry["name"] for entry in container.get("env", ())]
            yield from (f"{who}: {entry} is set twice" for entry in set(entries) if entries.count(entry) > 1)
            yield from (
                f"{who}: ConfigMap {source['configMapRef']['name']} is not there"
                for source in container.get("envFrom", ())
                if source.get("configMapRef", {}).get("name", "") not in made.names("ConfigMap")
            )
            for setting, value in made.settings(container).items():
                if value is not None and SECRET_WORDS.search(setting) and "/" not in value:
                    yield f"{who}: {setting} is a secret in the clear"
                if value is not None and "://" in value and urlsplit(value).password:
                    yield f"{who}: {setting} holds a password"
    for workload in made.services:
        settings = made.settings(containers(workload)[0])
        yield from (
            f"{title(workload)} lacks {wanted}"
            for wanted in ("WHISTLE_KAFKA", "WHISTLE_INSTANCE", "WHISTLE_OPS_HOST", "WHISTLE_OPS_PORT")
            if wanted not in settings
        )


def secrets_exist(made: Manifests) -> Iterator[str]:
    """Every Secret is made by an operator's object here or by hand, and a service holds only its own certificates."""
    owners: dict[str, str | None] = dict.fromkeys(BY_HAND)
    owners |= {name(user): name(user).removeprefix("kafka-") for user in made.of("KafkaUser")}
    owners |= {f"{name(role)}-client-cert": role["spec"]["name"] for role in made.of("DatabaseRole")}
    owners |= {f"{name(kafka)}-cluster-ca-cert": None for kafka in made.of("Kafka")}
    owners |= {f"{name(cluster)}-ca": None for cluster in made.of("Cluster")}
    for workload in made.workloads:
        for secret in mounted_secrets(workload):
            if secret not in owners:
                yield f"{title(workload)}: nothing makes Secret {secret}"
            elif owners[secret] not in {None, name(workload)} and workload["kind"] not in {"Job", "CronJob"}:
                yield f"{title(workload)} holds Secret {secret} of {owners[secret]}"
        volumes = {volume["name"] for volume in pod(workload).get("volumes", ())}
        for container in containers(workload):
            mounts = [mount["name"] for mount in container.get("volumeMounts", ())]
            yield from (f"{title(workload)}: no volume {mount}" for mount in mounts if mount not in volumes)


def topics_are_the_catalogue(made: Manifests) -> Iterator[str]:
    """Each topic of the catalogue is a KafkaTopic with its partitions and settings, and there are no others."""
    catalogue = {topic.name: topic for topic in TOPICS}
    brokers = sum(pool["spec"]["replicas"] for pool in made.of("KafkaNodePool") if "broker" in pool["spec"]["roles"])
    yield from (f"KafkaTopic {missing} is missing" for missing in catalogue.keys() - made.names("KafkaTopic"))
    for topic in made.of("KafkaTopic"):
        entry = catalogue.get(name(topic))
        if entry is None:
            yield f"{title(topic)} is not in the catalogue"
            continue
        if topic["spec"]["partitions"] != entry.partitions:
            yield f"{title(topic)} has {topic['spec']['partitions']} partitions, the catalogue says {entry.partitions}"
        if not entry.config.items() <= topic["spec"].get("config", {}).items():
            yield f"{title(topic)} differs from the catalogue's settings {dict(entry.config)}"
        if topic["spec"]["replicas"] > brokers:
            yield f"{title(topic)} wants {topic['spec']['replicas']} replicas on {brokers} brokers"


def rights_are_least(made: Manifests) -> Iterator[str]:
    """Each service may read what it consumes, write what it produces, be in its own group, and nothing else."""
    for service in (*SERVICES, "publisher", "operator", "learner"):
        if f"kafka-{service}" not in made.names("KafkaUser"):
            yield f"KafkaUser kafka-{service} is missing"
            continue
        user = made.get("KafkaUser", f"kafka-{service}")
        has = {
            (rule["resource"]["type"], rule["resource"]["name"], rule["resource"].get("patternType"), operation)
            for rule in user["spec"]["authorization"]["acls"]
            for operation in rule["operations"]
        }
        yield from (f"{title(user)} lacks {' '.join(right)}" for right in sorted(_needs(service) - has))
        yield from (f"{title(user)} has needless {' '.join(right)}" for right in sorted(has - _needs(service)))


def _needs(service: str) -> set[tuple[str, str, str, str]]:
    reads = {("topic", t.name, "literal", o) for t in TOPICS if service in t.consumers for o in ("Read", "Describe")}
    writes = {("topic", t.name, "literal", o) for t in TOPICS if service in t.producers for o in ("Write", "Describe")}
    if service == "operator":
        # Sends letters again to any topic but the playbooks', and reads and marks the letters themselves.
        writes = {("topic", t.name, "literal", o) for t in TOPICS if t is not PLAYBOOK for o in ("Write", "Describe")}
        reads = {("topic", DEAD_LETTER.name, "literal", "Read")}
    if service == "learner":
        reads = {("topic", CASE.name, "literal", operation) for operation in ("Read", "Describe")}
    if service == "escalation":
        # A repair of clocks asks what they have said already.
        reads |= {("topic", SLA.name, "literal", operation) for operation in ("Read", "Describe")}
    group = {("group", f"whistle-{service}", "prefix", "Read")} if service in SERVICES else set()
    return reads | writes | group


def database_roles_fit(made: Manifests) -> Iterator[str]:
    """The user of each database address is a role that may log in and owns the schema of its name."""
    roles = {role["spec"]["name"]: role["spec"] for role in made.of("DatabaseRole")}
    schemas = {s["name"]: s["owner"] for database in made.of("Database") for s in database["spec"]["schemas"]}
    for workload in made.workloads:
        for container in containers(workload):
            address = made.settings(container).get("WHISTLE_POSTGRES")
            if address is None:
                continue
            role = urlsplit(address).username or ""
            if role != container["name"] or not roles.get(role, {}).get("login"):
                yield f"{title(workload)}/{container['name']} logs in as {role}, which is not its role"
            if schemas.get(role) != role:
                yield f"role {role} does not own schema {role}"


def network_is_closed(made: Manifests) -> Iterator[str]:
    """Nothing talks by default; each workload has its own policy, and policies speak of pods and ports that exist."""
    policies = made.of("NetworkPolicy")
    closed = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    if closed not in [policy["spec"] for policy in policies]:
        yield "no policy denies by default"
    own = [policy for policy in policies if policy["spec"]["podSelector"]]
    for workload in made.workloads:
        if not any(selects(policy["spec"]["podSelector"], labels(workload)) for policy in own):
            yield f"{title(workload)} has no network policy"
    found = [dict(labels(workload)) for workload in made.workloads]
    found += [{"strimzi.io/cluster": name(kafka)} for kafka in made.of("Kafka")]
    found += [{"cnpg.io/cluster": name(cluster)} for cluster in made.of("Cluster")]
    for policy in own:
        for selector in _pod_selectors(policy):
            if not any(selects(selector, pods) for pods in found):
                yield f"{title(policy)} speaks of pods that are not there: {selector}"
    yield from _policies_reach(made, policies)


def _pod_selectors(policy: Object) -> Iterator[Mapping[str, Any]]:
    spec = policy["spec"]
    yield spec["podSelector"]
    for side, peers in (("ingress", "from"), ("egress", "to")):
        for rule in spec.get(side, ()):
            yield from (
                p["podSelector"] for p in rule.get(peers, ()) if "podSelector" in p and "namespaceSelector" not in p
            )


def _policies_reach(made: Manifests, policies: list[Object]) -> Iterator[str]:
    listeners = {port["port"] for kafka in made.of("Kafka") for port in kafka["spec"]["kafka"]["listeners"]}
    brokers = [{"strimzi.io/cluster": name(kafka)} for kafka in made.of("Kafka")]
    databases = [{"cnpg.io/cluster": name(cluster)} for cluster in made.of("Cluster")]
    for workload in made.workloads:
        settings = {setting for container in containers(workload) for setting in made.settings(container)}
        wanted = [(server, port) for server in brokers for port in sorted(listeners) if "WHISTLE_KAFKA" in settings]
        wanted += [(server, 5432) for server in databases if "WHISTLE_POSTGRES" in settings]
        for server, port in wanted:
            there = f"{server} on {port}"
            if not _admits(policies, at=labels(workload), side="egress", peer=server, port=port):
                yield f"{title(workload)} may not go to {there}"
            if not _admits(policies, at=server, side="ingress", peer=labels(workload), port=port):
                yield f"{title(workload)} is not let in at {there}"
        mine = [p["spec"] for p in policies if selects(p["spec"]["podSelector"], labels(workload))]
        inward = {port["port"] for spec in mine for rule in spec.get("ingress", ()) for port in rule["ports"]}
        open_ports = {port["name"] for c in containers(workload) for port in c.get("ports", ())}
        yield from (f"{title(workload)}: nobody may reach port {port}" for port in sorted(open_ports - inward))


def _admits(policies: list[Object], *, at: Mapping[str, str], side: str, peer: Mapping[str, str], port: int) -> bool:
    """Say whether a policy of the pods ``at`` lets ``peer`` pass on ``port`` on its way in or out."""
    return any(
        selects(found["podSelector"], peer)
        for policy in policies
        if selects(policy["spec"]["podSelector"], at)
        for rule in policy["spec"].get(side, ())
        if port in [entry["port"] for entry in rule.get("ports", [{"port": port}])]
        for found in rule.get("from" if side == "ingress" else "to", ())
        if "podSelector" in found and "namespaceSelector" not in found
    )


RULES: tuple[Rule, ...] = (
    pods_are_restricted,
    containers_are_restricted,
    probes_reach_a_port,
    selectors_select,
    settings_are_complete,
    secrets_exist,
    topics_are_the_catalogue,
    rights_are_least,
    database_roles_fit,
    network_is_closed,
    claims_are_shared_rightly,
    models_are_taught,
    lessons_take_turns,
)
