import { float32Text } from './numbers.ts'
import type { Fields, Row } from './types.ts'

/** A row up to this length is written as numbers, for people to read; a longer one as a base64 tensor. */
export const READABLE = 1024

/** The logits of a request as JSON. A float32 has enough digits to be read back unchanged. */
function logitsText(logits: Float32Array): string {
  if (logits.length > READABLE) return tensorText([logits.length], logits)
  const numbers = Array.from(logits, (logit) =>
    logit === Number.NEGATIVE_INFINITY ? '"-Infinity"' : float32Text(logit),
  )
  return `[${numbers.join(', ')}]`
}

function tensorText(shape: readonly number[], values: Float32Array): string {
  const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).toBase64()
  return JSON.stringify({ dtype: 'float32', shape, data })
}

/** The body of a request, from logits that are JSON text already. */
export function bodyText(logits: string, fields: Fields): string {
  const rest = JSON.stringify(fields).slice(1)
  return `{"logits": ${logits}${rest === '}' ? '' : ', '}${rest}`
}

/** A tensor of rows of one length. */
export function rowsText(rows: readonly Row[]): string {
  const { length } = rows[0]!.logits
  const values = new Float32Array(length * rows.length)
  rows.forEach(({ logits }, i) => {
    values.set(logits, i * length)
  })
  return tensorText([rows.length, length], values)
}

const textOf = new WeakMap<Row, string>()

/** The logits of a row as JSON, cached. */
export function textOfRow(row: Row): string {
  let text = textOf.get(row)
  if (text === undefined) {
    text = logitsText(row.logits)
    textOf.set(row, text)
  }
  return text
}

const copiesOf = new WeakMap<Row, { count: number; text: string }>()

/** A tensor of copies of a row, cached. */
export function textOfCopies(row: Row, count: number): string {
  const known = copiesOf.get(row)
  if (known?.count === count) return known.text
  const text = rowsText(new Array(count).fill(row))
  copiesOf.set(row, { count, text })
  return text
}
