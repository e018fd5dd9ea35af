import { float32Text } from './numbers.ts'
import type { Fields } from './types.ts'

/** A row up to this length is written as numbers, for people to read; a longer one as a base64 tensor. */
export const READABLE = 1024

/** The logits of a request as JSON. A float32 has enough digits to be read back unchanged. */
export function logitsText(logits: Float32Array): string {
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

/** A tensor of `count` copies of a row. */
export function repeated(logits: Float32Array, count: number): string {
  const values = new Float32Array(logits.length * count)
  for (let i = 0; i < count; i++) values.set(logits, i * logits.length)
  return tensorText([count, logits.length], values)
}
