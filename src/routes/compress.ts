import { pipeline, type Readable } from 'node:stream'
import { promisify } from 'node:util'
import { createDeflate, createGzip, deflate, gzip } from 'node:zlib'

const compressors = {
  gzip: { whole: promisify(gzip), stream: createGzip },
  deflate: { whole: promisify(deflate), stream: createDeflate },
}

/** Compresses an answer, as a whole or while it is written. */
export function compress(answer: string | Buffer | Readable, encoding: string) {
  const { whole, stream } = compressors[encoding as keyof typeof compressors]
  if (typeof answer === 'string' || Buffer.isBuffer(answer)) return whole(answer)
  // The callback does nothing, because the reader of the compressed stream gets the errors.
  return pipeline(answer, stream(), () => {})
}
