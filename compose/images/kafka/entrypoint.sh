#!/bin/bash
# The official image's contract: KAFKA_* variables become the broker's properties, by the broker's
# own KafkaDockerWrapper; CLUSTER_ID; files in /mnt/shared/config come before the image's own.
set -euo pipefail

: "${CLUSTER_ID:=5L6g3nShT-eMCtK--X86sw}"
export CLUSTER_ID
config=/opt/kafka/config
quick=(-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData)
silent=(--enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow)

# It writes the properties and formats the storage, which a broker that comes back has done.
if ! told=$(java "${quick[@]}" "${silent[@]}" -Xmx128m \
    "-Dlog4j2.configurationFile=/etc/kafka/docker/tools-log4j2.yaml" \
    -cp '/opt/kafka/libs/*' kafka.docker.KafkaDockerWrapper setup \
    --default-configs-dir /etc/kafka/docker --mounted-configs-dir /mnt/shared/config \
    --final-configs-dir "$config" 2>&1); then
    if ! grep -qi "already formatted" <<<"$told"; then
        echo "$told" >&2
        exit 1
    fi
fi

# shellcheck disable=SC2086 (options, as the official image takes them)
exec java ${KAFKA_HEAP_OPTS:--Xmx1G} "${quick[@]}" "${silent[@]}" \
    ${KAFKA_JVM_PERFORMANCE_OPTS:-} ${KAFKA_OPTS:-} \
    "-Dlog4j2.configurationFile=$config/log4j2.yaml" -cp '/opt/kafka/libs/*' \
    kafka.Kafka "$config/server.properties"
