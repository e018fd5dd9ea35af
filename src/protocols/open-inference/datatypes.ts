import { joinBytes } from '../../tensors/bytes.ts'
import type { Dtype } from '../../tensors/dtypes.ts'

/** The datatypes of the Open Inference Protocol, and Triton's BF16. All are little-endian. */

type Value = number | string | boolean

interface Datatype {
  /** Bytes of an element; undefined if each element has its own length. */
  readonly width?: number
  /** The dtype of logits of this type; undefined if logits cannot have it. */
  readonly dtype?: Dtype
  /** Rounds to the nearest number of the type. Only floating-point types smaller than float64 have it. */
  round?(value: number): number
  /** The elements. A 64-bit integer beyond 2^53 is a string. */
  read(bytes: Uint8Array<ArrayBuffer>): Value[]
}

function safe(integer: bigint): number | string {
  const number = Number(integer)
  return Number.isSafeInteger(number) ? number : String(integer)
}

/** Each element is its length in four bytes, then a string of this many bytes. */
function readTexts(bytes: Uint8Array<ArrayBuffer>): string[] {
  const view = new DataView(bytes.buffer)
  const texts: string[] = []
  for (let at = 0; at < bytes.length; ) {
    if (at + 4 > bytes.length) throw new RangeError('the last length is cut off')
    const end = at + 4 + view.getUint32(at, true)
    if (end > bytes.length) throw new RangeError('the last text is cut off')
    texts.push(new TextDecoder().decode(bytes.subarray(at + 4, end)))
    at = end
  }
  return texts
}

const values = (list: ArrayLike<number>): number[] => Array.from(list)

/** Rounds to the nearest bfloat16, ties to even: adds to the lower half of a float32, so that it carries into the upper half. */
function toBfloat16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0]!
  const carried = (bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000
  return new Float32Array(Uint32Array.of(carried).buffer)[0]!
}

const datatypes = {
  BOOL: { width: 1, read: (bytes) => Array.from(bytes, (byte) => byte !== 0) },
  UINT8: { width: 1, read: values },
  UINT16: { width: 2, read: ({ buffer }) => values(new Uint16Array(buffer)) },
  UINT32: { width: 4, read: ({ buffer }) => values(new Uint32Array(buffer)) },
  UINT64: { width: 8, read: ({ buffer }) => Array.from(new BigUint64Array(buffer), safe) },
  INT8: { width: 1, read: ({ buffer }) => values(new Int8Array(buffer)) },
  INT16: { width: 2, read: ({ buffer }) => values(new Int16Array(buffer)) },
  INT32: { width: 4, read: ({ buffer }) => values(new Int32Array(buffer)) },
  INT64: { width: 8, read: ({ buffer }) => Array.from(new BigInt64Array(buffer), safe) },
  FP16: {
    width: 2,
    dtype: 'float16',
    round: Math.f16round,
    read: ({ buffer }) => values(new Float16Array(buffer)),
  },
  BF16: {
    width: 2,
    dtype: 'bfloat16',
    round: toBfloat16,
    // The upper half of a float32.
    read: ({ buffer }) =>
      values(
        new Float32Array(Uint32Array.from(new Uint16Array(buffer), (half) => half << 16).buffer),
      ),
  },
  FP32: {
    width: 4,
    dtype: 'float32',
    round: Math.fround,
    read: ({ buffer }) => values(new Float32Array(buffer)),
  },
  FP64: { width: 8, dtype: 'float64', read: ({ buffer }) => values(new Float64Array(buffer)) },
  BYTES: { read: readTexts },
} as const satisfies Record<string, Datatype>

export type DatatypeName = keyof typeof datatypes
export const datatypeNames = Object.keys(datatypes) as [DatatypeName, ...DatatypeName[]]

export const datatypeOf = (name: DatatypeName): Datatype => datatypes[name]

/** Nine significant digits distinguish any two float32. */
const MOST_DIGITS = 9

/**
 * The shortest decimal that rounds to the number in its type, as NumPy prints it: 0.3 for the float32
 * 0.30000001192092896. So a parameter is the same whether it is sent as binary or as text.
 */
export function toDecimal(value: number, datatype: DatatypeName): number {
  const { round } = datatypeOf(datatype)
  if (!round || Number.isInteger(value) || round(value) !== value) return value
  for (let digits = 1; digits < MOST_DIGITS; digits++) {
    const decimal = Number(value.toPrecision(digits))
    if (round(decimal) === value) return decimal
  }
  return Number(value.toPrecision(MOST_DIGITS))
}

/** The bytes of a BYTES tensor. */
export function writeTexts(texts: readonly string[]): Uint8Array {
  const encoded = texts.map((text) => new TextEncoder().encode(text))
  const pieces = encoded.flatMap((text) => [
    new Uint8Array(Uint32Array.of(text.length).buffer),
    text,
  ])
  return joinBytes({ pieces, length: pieces.reduce((sum, { length }) => sum + length, 0) })
}
