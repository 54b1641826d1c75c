// The order's event, as order publishes it, and the payment's event, which is told in turn.

const PLACED = 'order-placed'
const STANDING = new Set([PLACED, 'order-amended'])
const TYPES = new Set([...STANDING, 'order-cancelled', 'order-erased'])

const TEXTS = ['event_id', 'type', 'order_id', 'product_id']
const NUMBERS = ['quantity', 'version']

// The event in a record's value. Throws where it is none.
export function decode(value) {
  const event = JSON.parse(value.toString())
  const good =
    TEXTS.every((name) => typeof event[name] === 'string') &&
    NUMBERS.every((name) => Number.isSafeInteger(event[name])) &&
    TYPES.has(event.type)
  if (!good) throw new Error(`no event of an order: ${value}`)
  return event
}

// After such an event the order stands; after the others nothing of it is due any more.
export const stands = (event) => STANDING.has(event.type)

export const isFirst = (event) => event.type === PLACED

// What was done for the order's event: money taken (cents > 0) or given back.
export const moved = (eventId, event, cents) => ({
  event_id: eventId,
  type: cents < 0 ? 'payment-refunded' : 'payment-charged',
  order_id: event.order_id,
  version: event.version,
  cents,
})
