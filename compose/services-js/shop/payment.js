// The payment service: takes an order's price from its customer and gives back what is not due.
//
// Each event of order.events is applied in one transaction: inbox, accounts, ledger, and the row of
// the outbox that tells of it. Its offset is committed after. A crash in between brings the event
// again, and the inbox recognises it.

import { randomUUID } from 'node:crypto'
import { client, consumer, ensureTopic } from './broker.js'
import { Database } from './db.js'
import { decode, isFirst, moved, stands } from './events.js'
import { RETRY_MS, log, pause, runUntil, serveHealth, stopOnSignal } from './process.js'

const GROUP = 'payment'
const UNLISTED_CENTS = 1000 // what a product costs that has no price of its own

// A commit that a broken connection held back may arrive after a later one and undo it; so the
// offsets are committed again from time to time, though nothing new has come.
const COMMIT_AGAIN_MS = 2000

const POLL_MS = 100

const price = async (query, event) => {
  const rows = await query('SELECT cents FROM prices WHERE product_id = ?', [event.product_id])
  return event.quantity * (rows.length ? rows[0].cents : UNLISTED_CENTS)
}

// A new order costs its price; a change, the difference to what was paid before.
async function due(query, event) {
  const cents = stands(event) ? await price(query, event) : 0
  if (isFirst(event)) return cents
  const paid = 'SELECT sum(cents) AS cents FROM payment_movements WHERE order_id = ?'
  return cents - Number((await query(paid, [event.order_id]))[0].cents)
}

async function moveMoney(query, event) {
  const cents = await due(query, event)
  // Always in the same order, so that two movements never wait for one another.
  for (const [account, change] of [['customers', -cents], ['shop', cents]]) {
    await query('UPDATE balances SET cents = cents + ? WHERE account = ?', [change, account])
  }
  const { event_id, order_id, type, version } = event
  await query(
    'INSERT INTO payment_movements (event_id, order_id, type, cents, version) VALUES (?)',
    [[event_id, order_id, type, cents, version]],
  )
  const told = moved(randomUUID(), event, cents)
  await query('INSERT INTO outbox (id, aggregateid, type, version, payload) VALUES (?)', [
    [told.event_id, order_id, told.type, version, JSON.stringify(told)],
  ])
}

// Whether it was new.
const applyOnce = (database, event) =>
  database
    .transaction(async (query) => {
      await query('INSERT INTO inbox (event_id) VALUES (?)', [event.event_id])
      await moveMoney(query, event)
      return true
    })
    .catch((error) => {
      if (error.code === 'ER_DUP_ENTRY') return false
      throw error
    })

// Apply one event, however long the database takes to come back. False: stopped first.
async function apply(database, event, stop, heartbeat) {
  while (!stop.aborted) {
    try {
      const isNew = await applyOnce(database, event)
      log(`order ${event.order_id}: ${event.type} ${isNew ? 'applied' : 'seen before'}`)
      return true
    } catch (error) {
      log(`database: ${error.message}`)
      await heartbeat()
      await pause(RETRY_MS, stop)
    }
  }
  return false
}

class Payment {
  constructor(environment, stop) {
    this.topic = environment.TOPIC
    this.kafka = client(environment)
    this.database = new Database(environment.DATABASE_URL)
    this.stop = stop
    this.assigned = false
  }

  // Whether it has partitions to read and a database to write to.
  async healthy() {
    return this.assigned && (await this.database.answers())
  }

  async run() {
    await this.retried(() => ensureTopic(this.kafka, this.topic))
    while (!this.stop.aborted) await this.consume()
  }

  // As one member of the group, until asked to stop or until kafkajs gives that member up.
  async consume() {
    const member = consumer(this.kafka, GROUP)
    const read = new Map()
    const state = { over: false, failed: null }
    const commit = () => this.commit(member, read)
    this.follow(member, read, state)
    await this.retried(() => member.connect())
    await this.retried(() => member.subscribe({ topic: this.topic, fromBeginning: true }))
    await member.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: (batch) => this.handle(batch, read, state).then(commit),
    })
    const again = setInterval(commit, COMMIT_AGAIN_MS)
    while (!this.stop.aborted && !state.over) await pause(POLL_MS, this.stop)
    clearInterval(again)
    await member.disconnect()
    if (state.failed !== null) throw state.failed
  }

  // Until the broker is there.
  async retried(act) {
    while (!this.stop.aborted) {
      try {
        return await act()
      } catch (error) {
        log(`broker: ${error.message}`)
        await pause(RETRY_MS, this.stop)
      }
    }
  }

  follow(member, read, state) {
    member.on(member.events.GROUP_JOIN, ({ payload }) => {
      const partitions = payload.memberAssignment[this.topic] ?? []
      read.clear()
      this.assigned = partitions.length > 0
      log(`${partitions.length} partitions assigned`)
    })
    member.on(member.events.CRASH, ({ payload }) => {
      this.assigned = false
      state.over ||= !payload.restart
      log(`broker: ${payload.error.message}`)
    })
  }

  async handle({ batch, resolveOffset, heartbeat, isRunning, isStale }, read, state) {
    for (const message of batch.messages) {
      if (!isRunning() || isStale() || state.over) return
      let event
      try {
        event = decode(message.value)
      } catch (error) {
        // Better to stand still than to lose it silently.
        state.failed = error
        state.over = true
        return
      }
      if (!(await apply(this.database, event, this.stop, heartbeat))) return
      resolveOffset(message.offset)
      read.set(batch.partition, String(BigInt(message.offset) + 1n))
      await heartbeat()
    }
  }

  // A commit that fails is not repeated: the next one covers it, or the records come again.
  async commit(member, read) {
    if (read.size === 0) return
    const offsets = [...read].map(([partition, offset]) => ({ topic: this.topic, partition, offset }))
    await member.commitOffsets(offsets).catch((error) => log(`offsets: ${error.message}`))
  }
}

const stop = stopOnSignal()
log('payment service')
const payment = new Payment({ TOPIC: 'order.events', SERVICE: 'payment', ...process.env }, stop)
serveHealth(Number(process.env.HTTP_PORT ?? 8080), () => payment.healthy())
await runUntil(stop, () => payment.run())
