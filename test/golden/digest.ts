import { createHash } from 'node:crypto'

/** A digest of an answer, as bytes.txt has it. */
export const digestOf = (answer: string | Buffer) =>
  createHash('sha256').update(answer).digest('hex').slice(0, 32)
