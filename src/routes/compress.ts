import { pipeline, type Readable } from 'node:stream'
import { type ContentEncoding, contentEncodings } from '../protocols/content-encoding.ts'

/** Compresses an answer, as a whole or while it is written. */
export function compress(answer: string | Buffer | Readable, encoding: string) {
  const { compress, compressWhole } = contentEncodings[encoding as ContentEncoding]
  if (typeof answer === 'string' || Buffer.isBuffer(answer)) return compressWhole(answer)
  // The callback does nothing, because the reader of the compressed stream gets the errors.
  return pipeline(answer, compress(), () => {})
}
