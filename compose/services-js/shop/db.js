// MariaDB: a few connections, lent out one transaction at a time.

import mysql from 'mysql2/promise'

// A peer that is silent for seconds is given up: a query, and with it its connection.
const TIMEOUT_MS = 3000

export class Database {
  constructor(url) {
    this.pool = mysql.createPool({
      uri: url,
      connectionLimit: 4,
      connectTimeout: 2000,
      timezone: 'Z',
      enableKeepAlive: true,
    })
  }

  // BEGIN, the block, COMMIT. Where anything goes wrong the connection is closed, and with it the
  // server rolls back what was not committed; whether a COMMIT that failed was done is unknown.
  async transaction(block) {
    const connection = await this.pool.getConnection()
    const query = async (sql, values) =>
      (await connection.query({ sql, values, timeout: TIMEOUT_MS }))[0]
    try {
      await query('BEGIN')
      const result = await block(query)
      await query('COMMIT')
      connection.release()
      return result
    } catch (error) {
      connection.destroy()
      throw error
    }
  }

  // Whether the database does.
  async answers() {
    return this.transaction((query) => query('SELECT 1')).then(
      () => true,
      () => false,
    )
  }
}
