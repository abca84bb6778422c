"""Single faults put into a sound overlay, each of which the lint must name: the proof that its rules can fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.contract.kubernetes.manifests import Manifests, Object, containers, pod

Mutant = Callable[[Manifests], object]


def _service(made: Manifests, wanted: str = "router") -> Object:
    return made.get("StatefulSet", wanted)


def _container(made: Manifests, wanted: str = "router") -> Object:
    return containers(_service(made, wanted))[0]


def _mount(made: Manifests, wanted: str, volume: str) -> Object:
    return next(mount for mount in _container(made, wanted)["volumeMounts"] if mount["name"] == volume)


def _rules(made: Manifests, user: str = "kafka-router") -> list[Object]:
    found: list[Object] = made.get("KafkaUser", user)["spec"]["authorization"]["acls"]
    return found


def _drop(made: Manifests, kind: str, wanted: str) -> None:
    made.objects.remove(made.get(kind, wanted))


def _set(made: Manifests, setting: str, value: str, *, service: str = "router") -> None:
    entries = _container(made, service)["env"]
    entries[:] = [entry for entry in entries if entry["name"] != setting]
    entries.append({"name": setting, "value": value})


MUTANTS: Final[dict[str, Mutant]] = {
    "runs as root": lambda made: pod(_service(made))["securityContext"].update(runAsNonRoot=False),
    "no seccomp profile": lambda made: pod(_service(made))["securityContext"].pop("seccompProfile"),
    "API token mounted": lambda made: pod(_service(made)).pop("automountServiceAccountToken"),
    "service links": lambda made: pod(_service(made)).pop("enableServiceLinks"),
    "host path": lambda made: pod(_service(made))["volumes"].append({"name": "h", "hostPath": {"path": "/run"}}),
    "account missing": lambda made: _drop(made, "ServiceAccount", "router"),
    "may gain rights": lambda made: _container(made)["securityContext"].pop("allowPrivilegeEscalation"),
    "writable image": lambda made: _container(made)["securityContext"].pop("readOnlyRootFilesystem"),
    "latest": lambda made: _container(made).update(image="images.example.org/whistle/router:latest"),
    "no tag": lambda made: _container(made).update(image="images.example.org/whistle/router"),
    "no memory limit": lambda made: _container(made)["resources"].pop("limits"),
    "request over limit": lambda made: _container(made)["resources"]["requests"].update(memory="1Gi"),
    "probe port not open": lambda made: _container(made)["livenessProbe"]["httpGet"].update(port="opz"),
    "no readiness probe": lambda made: _container(made).pop("readinessProbe"),
    "ops port and setting differ": lambda made: _set(made, "WHISTLE_OPS_PORT", "9999"),
    "preStop over grace": lambda made: pod(_service(made, "intake")).update(terminationGracePeriodSeconds=10),
    "selector misses its pods": lambda made: _service(made)["spec"]["selector"]["matchLabels"].update(a="b"),
    "no budget": lambda made: _drop(made, "PodDisruptionBudget", "router"),
    "budget blocks drains": lambda made: made.get("PodDisruptionBudget", "router")["spec"].update(maxUnavailable=0),
    "service selects nothing": lambda made: made.get("Service", "intake")["spec"]["selector"].update(a="b"),
    "service port not open": lambda made: made.get("Service", "intake")["spec"]["ports"][0].update(targetPort="web"),
    "no headless service": lambda made: _drop(made, "Service", "router"),
    "setting twice": lambda made: _container(made)["env"].append({"name": "WHISTLE_OPS_PORT", "value": "9082"}),
    "settings missing": lambda made: made.objects.remove(made.of("ConfigMap")[0]),
    "secret in the clear": lambda made: _set(made, "WHISTLE_SECRET_KEY", "abc", service="intake"),
    "password in an address": lambda made: _set(
        made, "WHISTLE_POSTGRES", "postgresql://intake:hunter2@whistle-db-rw/whistle", service="intake"
    ),
    "secret nobody makes": lambda made: _drop(made, "DatabaseRole", "postgres-intake"),
    "another's certificate": lambda made: pod(_service(made))["volumes"].append(
        {"name": "k", "secret": {"secretName": "kafka-intake"}}
    ),
    "mount without volume": lambda made: pod(_service(made)).update(volumes=[]),
    "topic missing": lambda made: _drop(made, "KafkaTopic", "whistle.case.v1"),
    "partitions differ": lambda made: made.get("KafkaTopic", "whistle.sla.v1")["spec"].update(partitions=6),
    "not compacted": lambda made: made.get("KafkaTopic", "whistle.playbook.v1")["spec"]["config"].clear(),
    "more replicas than brokers": lambda made: made.get("KafkaTopic", "whistle.sla.v1")["spec"].update(replicas=9),
    "topic not in the catalogue": lambda made: made.get("KafkaTopic", "whistle.sla.v1")["metadata"].update(name="x"),
    "user missing": lambda made: _drop(made, "KafkaUser", "kafka-escalation"),
    "right missing": lambda made: _rules(made).pop(0),
    "wildcard right": lambda made: _rules(made)[0]["resource"].update(name="*"),
    "needless right": lambda made: _rules(made)[0]["operations"].append("Write"),
    "prefix instead of literal": lambda made: _rules(made)[0]["resource"].update(patternType="prefix"),
    "another's database role": lambda made: _set(
        made, "WHISTLE_POSTGRES", "postgresql://notifier@whistle-db-rw/whistle", service="intake"
    ),
    "schema of another": lambda made: made.get("Database", "whistle")["spec"]["schemas"][0].update(owner="notifier"),
    "no default deny": lambda made: _drop(made, "NetworkPolicy", "default-deny"),
    "no policy of its own": lambda made: _drop(made, "NetworkPolicy", "router"),
    "policy about nobody": lambda made: made.get("NetworkPolicy", "router")["spec"]["egress"][0]["to"][0].update(
        podSelector={"matchLabels": {"strimzi.io/cluster": "other"}}
    ),
    "Kafka out of reach": lambda made: made.get("NetworkPolicy", "router")["spec"]["egress"][0].update(
        ports=[{"port": 9092}]
    ),
    "ops port out of reach": lambda made: made.get("NetworkPolicy", "router")["spec"].pop("ingress"),
    "PostgreSQL out of reach": lambda made: made.get("NetworkPolicy", "migrate")["spec"]["egress"].clear(),
    "brokers let nobody in": lambda made: made.get("NetworkPolicy", "kafka")["spec"]["ingress"].pop(1),
    "databases let nobody in": lambda made: made.get("NetworkPolicy", "postgres")["spec"]["ingress"].pop(1),
    "claim missing": lambda made: _drop(made, "PersistentVolumeClaim", "models"),
    "claim of nobody": lambda made: made.get("PersistentVolumeClaim", "models")["metadata"].update(name="else"),
    "one node's volume for two": lambda made: _service(made, "intake")["spec"].update(replicas=2),
    "models beside the volume": lambda made: _set(made, "WHISTLE_MODELS", "/tmp", service="intake"),  # noqa: S108
    "models of nobody": lambda made: _drop(made, "CronJob", "train-model"),
    "models for nobody": lambda made: _container(made, "intake")["env"].remove(
        {"name": "WHISTLE_MODELS", "value": "/models"}
    ),
    "service writes models": lambda made: _mount(made, "intake", "models").pop("readOnly"),
    "lesson cannot write": lambda made: containers(made.get("CronJob", "train-model"))[0]["volumeMounts"][1].update(
        readOnly=True
    ),
    "lessons at once": lambda made: made.get("CronJob", "train-model")["spec"].pop("concurrencyPolicy"),
    "endless lesson": lambda made: made.get("CronJob", "train-model")["spec"]["jobTemplate"]["spec"].pop(
        "activeDeadlineSeconds"
    ),
    "lesson at anybody's hour": lambda made: made.get("CronJob", "train-model")["spec"].pop("timeZone"),
    "lesson runs as root": lambda made: pod(made.get("CronJob", "train-model"))["securityContext"].clear(),
    "lesson out of Kafka's reach": lambda made: _drop(made, "NetworkPolicy", "train-model"),
    "learner may write": lambda made: _rules(made, "kafka-learner")[0]["operations"].append("Write"),
    "no broker": lambda made: _drop(made, "KafkaNodePool", "broker"),
}
