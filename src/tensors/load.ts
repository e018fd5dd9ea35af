import { BLOCK, kernel, type Offset } from '../kernel/index.ts'
import { CORNER, cornerRow, type RowMemory, type Staging } from '../kernel/memory.ts'
import type { Dtype, Elements } from './elements.ts'

/** How elements get into rows of the kernel's memory, as float32. */

/** An element that is no logit: NaN, or above every float32. */
export class FaultyLogit extends Error {
  readonly id: number
  readonly value: number

  constructor(id: number, value: number) {
    super(`Element ${id} is ${value}`)
    this.id = id
    this.value = value
  }
}

type Decode = (source: Offset, count: number, out: Offset) => void

export const decoders: Record<Exclude<Dtype, 'float32'>, Decode> = {
  float64: kernel.decodeFloat64,
  float16: kernel.decodeFloat16,
  bfloat16: kernel.decodeBfloat16,
}

interface Place {
  row: Offset
  maxima: Offset
  values: Float32Array
  /** The same as bytes. */
  bytes: Uint8Array
  staging: Staging
}

/** A row that was loaded: how many blocks it takes, and its maximum. */
interface Loaded {
  blocks: number
  max: number
}

/** Put elements into a row, and −∞ after them up to the end of the block. */
function put(elements: Elements, start: number, count: number, place: Place): Loaded {
  const { row, maxima, values, bytes, staging } = place
  const { dtype } = elements
  if (dtype === 'float32') {
    elements.copy(start, count, bytes)
  } else {
    elements.copy(start, count, staging.bytes)
    decoders[dtype](staging.offset, count, row)
  }
  if (count % BLOCK > 0)
    values.fill(Number.NEGATIVE_INFINITY, count, Math.ceil(count / BLOCK) * BLOCK)
  return scan({ row, maxima, values }, count, start)
}

/** Find the maximum of a row whose first entry is the element `start`, and see that it is all logits. */
function scan(
  { row, maxima, values }: Pick<Place, 'row' | 'maxima' | 'values'>,
  count: number,
  start: number,
): Loaded {
  const blocks = Math.ceil(count / BLOCK)
  const max = kernel.scan(row, blocks, maxima)
  if (!(kernel.scanSum.value < Number.POSITIVE_INFINITY)) {
    const faulty = kernel.findNotLogit(row, count)
    if (faulty >= 0) throw new FaultyLogit(start + faulty, values[faulty]!)
  }
  return { blocks, max }
}

/** Take a row as it lies in the kernel's memory. */
export function scanRow({ row, maxima, views }: RowMemory, length: number): Loaded {
  return scan({ row, maxima, values: views.row }, length, 0)
}

/** Load a whole row. */
export function loadRow(elements: Elements, { row, maxima, views, staging }: RowMemory): Loaded {
  const { row: values, rowBytes: bytes } = views
  return put(elements, 0, elements.length, { row, maxima, values, bytes, staging })
}

/** All of them in float32, by the same decoders. */
export function toFloat32(elements: Elements): Float32Array {
  const corner = cornerRow()
  const values = new Float32Array(elements.length)
  for (let start = 0; start < values.length; start += CORNER) {
    const count = Math.min(CORNER, values.length - start)
    put(elements, start, count, corner)
    values.set(corner.values.subarray(0, count), start)
  }
  return values
}
