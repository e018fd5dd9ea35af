/** Reads NumPy's .npy format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */

const MAGIC = [0x93, ...new TextEncoder().encode('NUMPY')]

export function isNpy(head: ArrayBuffer): boolean {
  const bytes = new Uint8Array(head)
  return MAGIC.every((byte, i) => bytes[i] === byte)
}

export interface Header {
  /** Kind and width of an element, in NumPy's notation without the byte order. */
  readonly dtype: string
  readonly shape: readonly number[]
  /** The offset of the first element. */
  readonly start: number
}

/** An array file that cannot be read. The message is for the user. */
export class BadNpy extends Error {}

/** The longest header that is accepted. A row or matrix of floats has one of 128 bytes. */
export const HEADER_ROOM = 4096

const widths: Readonly<Record<string, number>> = { f2: 2, f4: 4, f8: 8 }

/** Reads the header from the head of a file. */
export function readHeader(head: ArrayBuffer, size: number): Header {
  const view = new DataView(head)
  if (view.byteLength < 12) throw new BadNpy('It ends before its header')
  const wide = view.getUint8(6) > 1
  const begin = wide ? 12 : 10
  const start = begin + (wide ? view.getUint32(8, true) : view.getUint16(8, true))
  if (start > head.byteLength) throw new BadNpy('It ends before its header does')
  const text = new TextDecoder('latin1').decode(new Uint8Array(head, begin, start - begin))
  const [, order, dtype] = /'descr':\s*'([<>|=]?)(\w+)'/.exec(text) ?? []
  const dimensions = /'shape':\s*\(([^)]*)\)/.exec(text)?.[1]
  if (!dtype || dimensions === undefined) throw new BadNpy('Its header lacks the type or the shape')
  const width = widths[dtype]
  if (!width) throw new BadNpy(`Its elements are ${dtype}; logits are float16, float32 or float64`)
  if (order === '>') throw new BadNpy('Its elements are big-endian; save them with astype("<f4")')
  if (/'fortran_order':\s*True/.test(text)) {
    throw new BadNpy('It is in column-major order; save it with numpy.ascontiguousarray')
  }
  const shape = dimensions
    .split(',')
    .filter((one) => one.trim() !== '')
    .map(Number)
  if (shape.length < 1 || shape.length > 2) {
    const got = shape.length === 0 ? 'a single number' : `${shape.length} dimensions`
    throw new BadNpy(`It has ${got}; logits are a row, or a matrix of rows`)
  }
  const expected = start + shape.reduce((a, b) => a * b, width)
  if (size !== expected) {
    throw new BadNpy(`Its shape [${shape.join(', ')}] takes ${expected} bytes, and it has ${size}`)
  }
  return { dtype, shape, start }
}

/** The range of a row in the file, in bytes. */
export function rowRange({ dtype, shape, start }: Header, row: number): [from: number, to: number] {
  const length = shape.at(-1)! * widths[dtype]!
  return [start + row * length, start + (row + 1) * length]
}

export function toFloat32({ dtype }: Header, bytes: ArrayBuffer): Float32Array {
  if (dtype === 'f4') return new Float32Array(bytes)
  if (dtype === 'f8') return Float32Array.from(new Float64Array(bytes))
  return Float32Array.from(new Float16Array(bytes))
}
