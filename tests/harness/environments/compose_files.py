"""A compose file that is right, and what reading another one complains of."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.environments.compose import read
from harness.errors import DeclarationError

Write = Callable[[str], Path]

GOOD = """\
name: shop
x-base: &base
  restart: unless-stopped
  environment: &env
    KAFKA: kafka-1:9092
services:
  order-db:
    image: docker.io/library/postgres:18
    container_name: shop-order-db
    environment:
      - POSTGRES_DB=orders
      - POSTGRES_PASSWORD=${PASSWORD:-shop}
    healthcheck:
      test: ["CMD-SHELL", "pg_isready -U $$POSTGRES_USER"]
      interval: 500ms
      timeout: 1m30s
      retries: 20
      start_period: 2s
    volumes:
      - order-data:/var/lib/postgresql
  kafka-1:
    image: apache/kafka:4.3.1
    ports: ["19092:9092"]
  order:
    <<: *base
    build:
      context: ./order
      args: {PYTHON: "3.11"}
    command: python -m order "two words"
    working_dir: /app
    hostname: order-1
    environment:
      <<: *env
      PORT: 8080
    env_file: order.env
    ports:
      - target: 8080
        published: "18080"
    volumes:
      - ./order:/app:ro
    depends_on:
      order-db: {condition: service_healthy}
      kafka-1: {condition: service_started}
    profiles: [dual-write, outbox-polling]
    labels: [aftershock.role=service, team=orders]
    stop_signal: INT
    stop_grace_period: 3s
volumes:
  order-data:
networks:
  default:
    driver: bridge
x-aftershock:
  patterns: [dual-write, {name: outbox-polling, weight: 1.5}]
"""


def said(path: Path) -> str:
    """What reading the file complains of, without the directory."""
    with pytest.raises(DeclarationError) as caught:
        read(path, environ={})
    return str(caught.value).replace(f"{path.parent}{os.sep}", "")


def service(lines: str) -> str:
    """A file whose only service, from line 2 on, is `a` with these attributes from line 3 on."""
    return f"services:\n  a:\n    image: postgres\n    {lines}\n"
