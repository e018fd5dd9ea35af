import type { Dtype, Elements } from './elements.ts'
import { BLOCK, kernel, type Offset } from './kernel/index.ts'
import { CORNER, cornerRow, type RowMemory, type Staging } from './kernel/memory.ts'

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

const decoders: Record<Exclude<Dtype, 'float32'>, Decode> = {
  float64: kernel.decodeFloat64,
  float16: kernel.decodeFloat16,
  bfloat16: kernel.decodeBfloat16,
}

interface Place {
  row: Offset
  values: Float32Array
  staging: Staging
}

/** Put elements into a row, and −∞ after them up to the end of the block; how many blocks they take. */
function put(elements: Elements, start: number, count: number, place: Place): number {
  const { row, values, staging } = place
  const { dtype } = elements
  if (dtype === 'float32') {
    elements.copy(start, count, new Uint8Array(values.buffer, row, count * 4))
  } else {
    elements.copy(start, count, staging.bytes)
    decoders[dtype](staging.offset, count, row)
  }
  const blocks = Math.ceil(count / BLOCK)
  values.fill(Number.NEGATIVE_INFINITY, count, blocks * BLOCK)
  const faulty = kernel.findNotLogit(row, count)
  if (faulty >= 0) throw new FaultyLogit(start + faulty, values[faulty]!)
  return blocks
}

/** Load a whole row; how many blocks it takes. */
export function loadRow(elements: Elements, { row, views, staging }: RowMemory): number {
  return put(elements, 0, elements.length, { row, values: views.row, staging })
}

/**
 * The most likely token of a row, the lowest id among equals: what a greedy choice needs, and no more.
 * The logits pass through a corner of the kernel's memory that stays in the nearest cache, which a whole
 * row does not.
 */
export function firstMaximum(elements: Elements): { id: number; logit: number } {
  const corner = cornerRow()
  let max = Number.NEGATIVE_INFINITY
  let first = 0
  for (let start = 0; start < elements.length; start += CORNER) {
    const blocks = put(elements, start, Math.min(CORNER, elements.length - start), corner)
    const largest = kernel.scan(corner.row, blocks, corner.maxima)
    if (largest > max) {
      max = largest
      first = start
    }
  }
  const blocks = put(elements, first, Math.min(CORNER, elements.length - first), corner)
  kernel.scan(corner.row, blocks, corner.maxima)
  return { id: first + kernel.indexOfMax(corner.row, blocks, corner.maxima, max), logit: max }
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
