import { promisify } from 'node:util'
import { createDeflate, createGunzip, createGzip, createInflate, deflate, gzip } from 'node:zlib'

/** The content encodings of bodies and answers. */
export const contentEncodings = {
  gzip: { decompress: createGunzip, compress: createGzip, compressWhole: promisify(gzip) },
  deflate: {
    decompress: createInflate,
    compress: createDeflate,
    compressWhole: promisify(deflate),
  },
}
export type ContentEncoding = keyof typeof contentEncodings

export const encodingNames = Object.keys(contentEncodings)

export function isContentEncoding(name: string): name is ContentEncoding {
  return Object.hasOwn(contentEncodings, name)
}
