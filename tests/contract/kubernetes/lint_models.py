"""Rules of the lint about volumes that pods share, and about the models that one pod writes and others read."""

from __future__ import annotations

from collections.abc import Iterator

from tests.contract.kubernetes.manifests import Manifests, Object, containers, name, pod, title

SETTING = "WHISTLE_MODELS"
SHARED = "ReadWriteMany"


def claims_are_shared_rightly(made: Manifests) -> Iterator[str]:
    """Every claim is made here and mounted by somebody; what several replicas mount, every node can."""
    claims = {name(claim): claim["spec"]["accessModes"] for claim in made.of("PersistentVolumeClaim")}
    mounted = [(workload, claim) for workload in made.workloads for claim in _claims(workload).values()]
    for workload, claim in mounted:
        if claim not in claims:
            yield f"{title(workload)}: nothing makes PersistentVolumeClaim {claim}"
        elif SHARED not in claims[claim] and workload["spec"].get("replicas", 1) > 1:
            yield f"{title(workload)}: one node alone can mount PersistentVolumeClaim {claim}"
    used = {claim for _, claim in mounted}
    yield from (f"PersistentVolumeClaim {unused} is mounted by nobody" for unused in sorted(claims.keys() - used))


def models_are_taught(made: Manifests) -> Iterator[str]:
    """Whoever reads models mounts the claim that a lesson writes, and a service never writes it."""
    readers = {title(one): _models_of(made, one) for one in made.services if _is_told(made, one)}
    writers = {title(one): _models_of(made, one) for one in made.of("CronJob", "Job") if _is_told(made, one)}
    for who, (claim, read_only) in (readers | writers).items():
        if claim is None:
            yield f"{who}: {SETTING} is no folder of a claim"
        elif read_only is not (who in readers):
            yield f"{who} {'may write' if who in readers else 'cannot write'} the models"
    taught = {claim for claim, _ in writers.values()}
    yield from (f"{who}: nobody teaches the models that it reads" for who, (c, _) in readers.items() if c not in taught)
    yield from (f"{who}: nobody reads the models that it teaches" for who in writers if not readers)


def lessons_take_turns(made: Manifests) -> Iterator[str]:
    """What a schedule starts ends by itself, is not started beside itself, and says in whose hours it runs."""
    for job in made.of("CronJob"):
        spec = job["spec"]
        if spec.get("concurrencyPolicy") != "Forbid":
            yield f"{title(job)} may run beside itself"
        if "activeDeadlineSeconds" not in spec["jobTemplate"]["spec"]:
            yield f"{title(job)} may run for ever"
        if "timeZone" not in spec:
            yield f"{title(job)} runs by the clock of whoever schedules it"


def _claims(workload: Object) -> dict[str, str]:
    """The claims that a workload's pod mounts by the name of the volume."""
    volumes = pod(workload).get("volumes", ())
    return {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in volumes
        if "persistentVolumeClaim" in volume
    }


def _is_told(made: Manifests, workload: Object) -> bool:
    return SETTING in made.settings(containers(workload)[0])


def _models_of(made: Manifests, workload: Object) -> tuple[str | None, bool]:
    """The claim behind the folder of models, None when there is none, and whether it is for reading alone."""
    container = containers(workload)[0]
    folder = made.settings(container)[SETTING]
    mounts = [mount for mount in container.get("volumeMounts", ()) if mount["mountPath"] == folder]
    claims = _claims(workload)
    found = next((mount for mount in mounts if mount["name"] in claims), None)
    return (None, False) if found is None else (claims[found["name"]], bool(found.get("readOnly")))
