// The relay: reads the payment service's outbox, publishes, awaits the acknowledgement, marks sent.
//
// A row is marked only after its acknowledgement, so a crash in between sends it again: at least
// once. An order's next event is sent only after the one before is marked: the first record of each is
// in order, whatever is repeated. There is one relay, so rows are not locked: a lock held while the
// broker is asked would have the payment service wait for the broker, too.

import { client, ensureTopic, producer } from './broker.js'
import { Database } from './db.js'
import { RETRY_MS, log, pause, runUntil, serveHealth, stopOnSignal } from './process.js'

const BATCH = 100
const IDLE_MS = 20

const UNSENT =
  'SELECT seq, id, aggregateid, payload FROM outbox WHERE sent_at IS NULL' +
  ` ORDER BY seq LIMIT ${BATCH}`

// The first rows, up to where an order comes up again.
function leading(rows) {
  const seen = new Set()
  const again = rows.findIndex((row) => seen.size === seen.add(row.aggregateid).size)
  return again < 0 ? rows : rows.slice(0, again)
}

class Relay {
  constructor(environment) {
    this.topic = environment.TOPIC
    this.kafka = client(environment)
    this.database = new Database(environment.DATABASE_URL)
    this.producer = producer(this.kafka)
    this.connected = false
  }

  async healthy() {
    return this.connected && (await this.database.answers())
  }

  async connect() {
    await ensureTopic(this.kafka, this.topic)
    await this.producer.connect()
    this.connected = true
    log('broker connected')
  }

  // How many were published and marked.
  async sendBatch() {
    const rows = leading(await this.database.transaction((query) => query(UNSENT)))
    if (rows.length === 0) return 0
    await this.producer.send({
      topic: this.topic,
      acks: -1,
      messages: rows.map((row) => ({
        key: row.aggregateid,
        value: row.payload,
        headers: { event_id: row.id },
      })),
    })
    const sent = rows.map((row) => row.seq)
    const mark = 'UPDATE outbox SET sent_at = current_timestamp(6) WHERE seq IN (?)'
    await this.database.transaction((query) => query(mark, [sent]))
    for (const row of rows) log(`order ${row.aggregateid}: event ${row.id} sent`)
    return rows.length
  }

  async run(stop) {
    while (!stop.aborted) {
      try {
        if (!this.connected) await this.connect()
        if ((await this.sendBatch()) === 0) await pause(IDLE_MS, stop)
      } catch (error) {
        log(`not sent: ${error.message}`)
        await pause(RETRY_MS, stop)
      }
    }
  }
}

const stop = stopOnSignal()
log('payment relay')
const relay = new Relay({ TOPIC: 'payment.events', SERVICE: 'payment-relay', ...process.env })
serveHealth(Number(process.env.HTTP_PORT ?? 8080), () => relay.healthy())
await runUntil(stop, () => relay.run(stop))
