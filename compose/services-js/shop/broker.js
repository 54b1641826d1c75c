// Kafka, set so that an outage of seconds heals by itself within a fraction of a second.

import { Kafka, Partitioners, logLevel } from 'kafkajs'

const PARTITIONS = 3

export function client(environment) {
  return new Kafka({
    clientId: environment.SERVICE,
    brokers: environment.KAFKA_BOOTSTRAP.split(','),
    connectionTimeout: 1000,
    requestTimeout: 3000,
    // What is tried again is logged by whoever tries it.
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 100, maxRetryTime: 500, retries: 8 },
  })
}

// Create the topic unless it exists. Throws where the broker does not answer.
export async function ensureTopic(kafka, topic) {
  const admin = kafka.admin()
  await admin.connect()
  try {
    const spec = { topic, numPartitions: PARTITIONS, replicationFactor: 1 }
    await admin.createTopics({ topics: [spec], waitForLeaders: true })
  } finally {
    await admin.disconnect()
  }
}

// A producer of keys that go where those of every other client go. It is not idempotent: kafkajs
// goes on with a wrong sequence number after a failure. A record may so be there twice, which
// whoever reads it must expect of a relay anyhow.
export function producer(kafka) {
  return kafka.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
  })
}

export function consumer(kafka, groupId) {
  return kafka.consumer({
    groupId,
    sessionTimeout: 6000, // the least a broker allows by default
    rebalanceTimeout: 6000,
    heartbeatInterval: 1000,
    maxWaitTimeInMs: 200,
    metadataMaxAge: 5000,
    allowAutoTopicCreation: false,
    retry: { initialRetryTime: 100, maxRetryTime: 500, restartOnFailure: async () => true },
  })
}
