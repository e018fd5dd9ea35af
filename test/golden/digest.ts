import { createHash } from 'node:crypto'

/** The digest of an answer in bytes.txt. */
export const digestOf = (answer: string | Buffer) =>
  createHash('sha256').update(answer).digest('hex').slice(0, 32)
