"""The manifests set what each service's settings ask for, and nothing that no service knows."""

from __future__ import annotations

from importlib import import_module

import pytest
from pydantic_settings import BaseSettings

from shared.runtime import kafka_tls
from tests.contract.kubernetes.lint import SERVICES
from tests.contract.kubernetes.manifests import K8S, containers, objects_of

OF_EVERY_CLIENT = {kafka_tls.AUTHORITY, kafka_tls.CERTIFICATE, kafka_tls.KEY}
# One ConfigMap serves all four; a service without a public door ignores these.
OF_SOME = {"WHISTLE_HTTP_HOST"}
PREFIX = "WHISTLE_"


def settings_of(service: str) -> type[BaseSettings]:
    """Return the settings of a service."""
    found: type[BaseSettings] = import_module(f"services.{service}.settings").Settings
    return found


def given(service: str) -> set[str]:
    """Return the settings that the overlay gives to a service's container."""
    made = objects_of(K8S / "overlays" / "dev")
    (container,) = containers(made.get("StatefulSet", service))
    return {name for name in made.settings(container) if name.startswith(PREFIX)}


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_without_a_default_is_given(service: str) -> None:
    fields = settings_of(service).model_fields
    wanted = {PREFIX + name.upper() for name, field in fields.items() if field.is_required()}
    assert wanted - given(service) == set()


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_is_set_that_the_service_does_not_know(service: str) -> None:
    known = {PREFIX + name.upper() for name in settings_of(service).model_fields}
    assert given(service) - known - OF_EVERY_CLIENT - OF_SOME == set()


@pytest.mark.parametrize("service", SERVICES)
def test_doors_are_open_to_the_pods_network(service: str) -> None:
    made = objects_of(K8S / "overlays" / "dev")
    (container,) = containers(made.get("StatefulSet", service))
    settings = made.settings(container)
    assert {settings[name] for name in settings if name.endswith("_HOST")} == {"0.0.0.0"}  # noqa: S104  that is the point
