import { BLOCK, kernel, type Offset } from '../kernel/index.ts'
import { type RowMemory, type Staging, TILE, tileRow } from '../kernel/memory.ts'
import type { Dtype } from './dtypes.ts'
import type { Elements } from './elements.ts'

/** Loads elements into rows of the kernel's memory, as float32. */

/** Thrown at an element that is NaN or, as float32, +∞. */
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
  /** The bytes of `values`. */
  bytes: Uint8Array
  staging: Staging
}

/** A loaded row: the number of its blocks, and its maximum. */
interface Loaded {
  blocks: number
  max: number
}

/** Loads elements into a row, and pads it with −∞ to the end of the block. */
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

/** Finds the maximum of a row, and throws if one of its entries is no logit. The first entry is element `start`. */
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

/** The same for a row that is already in the kernel's memory. */
export function scanRow({ row, maxima, views }: RowMemory, length: number): Loaded {
  return scan({ row, maxima, values: views.row }, length, 0)
}

/** Loads a whole row. */
export function loadRow(elements: Elements, { row, maxima, views, staging }: RowMemory): Loaded {
  const { row: values, rowBytes: bytes } = views
  return put(elements, 0, elements.length, { row, maxima, values, bytes, staging })
}

/**
 * The most likely token of a row; of tied tokens, the lowest id. This is all that greedy needs. The logits
 * pass through the kernel's memory tile by tile. A tile is small enough to stay in the L1 cache.
 */
export function firstMaximum(elements: Elements): { id: number; logit: number } {
  const tile = tileRow()
  const { row, maxima } = tile
  let logit = Number.NEGATIVE_INFINITY
  let first = 0
  const pass = (start: number) =>
    put(elements, start, Math.min(TILE, elements.length - start), tile)
  for (let start = 0; start < elements.length; start += TILE) {
    const { max } = pass(start)
    if (max > logit) {
      logit = max
      first = start
    }
  }
  const { blocks } = pass(first)
  return { id: first + kernel.indexOfMax(row, blocks, maxima, logit), logit }
}

/** All elements as float32, by the same decoders. */
export function toFloat32(elements: Elements): Float32Array {
  const tile = tileRow()
  const values = new Float32Array(elements.length)
  for (let start = 0; start < values.length; start += TILE) {
    const count = Math.min(TILE, values.length - start)
    put(elements, start, count, tile)
    values.set(tile.values.subarray(0, count), start)
  }
  return values
}
