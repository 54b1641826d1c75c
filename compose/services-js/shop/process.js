// A service as a process: its log, its health, and its orderly end.

import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

export const RETRY_MS = 200

// What work in progress gets when asked to stop; with it a stop stays under a second.
const GRACE_MS = 700

export const log = (message) => console.log(`${new Date().toISOString()} ${message}`)

// An AbortSignal that SIGTERM and SIGINT set. As pid 1 a process gets only signals it handles.
export function stopOnSignal() {
  const stop = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT']) process.on(name, () => stop.abort())
  return stop.signal
}

// Wait, unless it is time to stop.
export const pause = (ms, stop) => sleep(ms, undefined, { signal: stop }).catch(() => {})

// GET /health, answered by `healthy`.
export function serveHealth(port, healthy) {
  createServer(async (request, response) => {
    const known = request.method === 'GET' && request.url === '/health'
    const good = known && (await healthy())
    response.writeHead(known ? (good ? 200 : 503) : 404, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify(known ? { healthy: good } : { error: 'no such thing here' }))
  }).listen(port, () => log(`listening on port ${port}`))
}

// Run `work` until it is asked to stop; work that ends or fails before has crashed, and the process
// is to be started again.
export async function runUntil(stop, work) {
  const done = work().catch((error) => log(`failed: ${error.stack}`))
  const asked = new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }))
  await Promise.race([done, asked])
  if (stop.aborted) await Promise.race([done, sleep(GRACE_MS)])
  log(stop.aborted ? 'stopped' : 'crashed')
  process.exit(stop.aborted ? 0 : 1)
}
