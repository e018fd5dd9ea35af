import { BLOCK, kernel, memory, type Offset } from './index.ts'

/** The layout of the kernel's memory: its own tables, buffers of fixed size, then rows (see README.md). */

const PAGE = 65_536
let end = kernel.heapBase.value

function take(bytes: number): Offset {
  const start = (end + 63) & ~63
  end = start + bytes
  return start
}

function makeRoom(): void {
  const missing = end - memory.buffer.byteLength
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE))
}

/** A buffer for elements before they are decoded into a row. */
export interface Staging {
  readonly offset: Offset
  readonly bytes: Uint8Array
}

/** The number of logits in a tile: few enough to stay in the L1 cache. */
export const TILE = 4096
/** The number of float64 results in the scratch. */
export const SCRATCH_ENTRIES = 2048

const scratch = take(SCRATCH_ENTRIES * 8)
const tile = {
  row: take(TILE * 4),
  maxima: take((TILE / BLOCK) * 4),
  staging: take(TILE * 8),
}
/** Bytes of JSON text in the kernel's memory at a time, and bytes that may be carried over from the text before. */
export const TEXT_WINDOW = 65_536
export const MAX_CARRY = 64
/** The number of JSON numbers that are parsed at a time. */
export const NUMBERS = 8192
const text = {
  offset: take(TEXT_WINDOW + MAX_CARRY),
  out: take(NUMBERS * 8),
  narrow: take(NUMBERS * 4),
}
/** Holds tensors while their requests are under way. The system commits a page of it at the first write. */
const ARENA_BYTES = 32 * 2 ** 20
export const arena = { offset: take(ARENA_BYTES), length: ARENA_BYTES }
const fixedEnd = end
makeRoom()

/** A function that returns views of memory, and makes them anew if memory has grown. */
function viewed<Views>(make: (buffer: ArrayBuffer) => Views): () => Views {
  let seen = memory.buffer
  let views = make(seen)
  return () => {
    if (seen !== memory.buffer) {
      seen = memory.buffer
      views = make(seen)
    }
    return views
  }
}

/** The window of JSON text, and the buffers for its numbers. */
export const textWindow = viewed((buffer) => ({
  ...text,
  bytes: new Uint8Array(buffer, text.offset, TEXT_WINDOW + MAX_CARRY),
  numbers: new Float64Array(buffer, text.out, NUMBERS),
  narrowed: new Float32Array(buffer, text.narrow, NUMBERS),
}))

/** A short row, through which the logits of a longer row pass tile by tile. */
export const tileRow = viewed((buffer) => ({
  ...tile,
  values: new Float32Array(buffer, tile.row, TILE),
  bytes: new Uint8Array(buffer, tile.row, TILE * 4),
  staging: { offset: tile.staging, bytes: new Uint8Array(buffer, tile.staging, TILE * 8) },
}))

/** The float64 results that a call to the kernel writes to the scratch. Copy them before the next call. */
export function collectScratch(count: number, fill: (out: Offset) => void): Float64Array {
  fill(scratch)
  return new Float64Array(memory.buffer, scratch, count)
}

/** The offsets of a row's arrays, and views of the arrays. */
export interface RowMemory {
  readonly blocks: number
  readonly row: Offset
  readonly maxima: Offset
  readonly sums: Offset
  readonly ids: Offset
  readonly logits: Offset
  readonly masses: Offset
  readonly views: {
    readonly row: Float32Array
    readonly rowBytes: Uint8Array
    readonly maxima: Float32Array
    readonly sums: Float64Array
    readonly ids: Uint32Array
    readonly logits: Float64Array
    readonly masses: Float64Array
  }
  /** Shares the memory of `masses`, which is not used while a row is loaded. */
  readonly staging: Staging
}

/** The memory of a row, except that the row itself lies elsewhere and is sampled in place. */
export function rowAt(offset: Offset, length: number, memoryOfRow: RowMemory): RowMemory {
  const entries = Math.ceil(length / BLOCK) * BLOCK
  const { buffer } = memory
  const row = new Float32Array(buffer, offset, entries)
  const rowBytes = new Uint8Array(buffer, offset, entries * 4)
  return { ...memoryOfRow, row: offset, views: { ...memoryOfRow.views, row, rowBytes } }
}

/** `collect` stores whole vectors, which end up to four entries past its last one. */
const SLACK = 4

/**
 * Lays out memory for rows of up to `capacity` entries. It replaces the layout before: growing memory detaches
 * every view, so all rows are laid out together.
 */
export function layOut(rows: number, capacity: number): RowMemory[] {
  const blocks = Math.ceil(capacity / BLOCK)
  const entries = blocks * BLOCK
  end = fixedEnd
  const offsets = Array.from({ length: rows }, () => ({
    row: take(entries * 4),
    maxima: take(blocks * 4),
    sums: take(blocks * 8),
    ids: take((entries + SLACK) * 4),
    logits: take((entries + SLACK) * 8),
    masses: take(entries * 8),
  }))
  makeRoom()
  const { buffer } = memory
  return offsets.map((at) => ({
    ...at,
    blocks,
    views: {
      row: new Float32Array(buffer, at.row, entries),
      rowBytes: new Uint8Array(buffer, at.row, entries * 4),
      maxima: new Float32Array(buffer, at.maxima, blocks),
      sums: new Float64Array(buffer, at.sums, blocks),
      ids: new Uint32Array(buffer, at.ids, entries),
      logits: new Float64Array(buffer, at.logits, entries),
      masses: new Float64Array(buffer, at.masses, entries),
    },
    staging: { offset: at.masses, bytes: new Uint8Array(buffer, at.masses, entries * 8) },
  }))
}
