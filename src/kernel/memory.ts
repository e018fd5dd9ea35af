import { BLOCK, kernel, memory, type Offset } from './index.ts'

/** What lies where in the kernel's memory: its own tables, some corners of fixed size, then the rows. */

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

/** A place for elements that are to be decoded into a row, and its bytes. */
export interface Staging {
  readonly offset: Offset
  readonly bytes: Uint8Array
}

/** How many logits pass through the corner at a time: few enough to stay in the nearest cache. */
export const CORNER = 4096
/** How many float64 results fit the scratch. */
export const SCRATCH_ENTRIES = 2048

const scratch = take(SCRATCH_ENTRIES * 8)
const corner = {
  row: take(CORNER * 4),
  maxima: take((CORNER / BLOCK) * 4),
  staging: take(CORNER * 8),
}
/** How much of a text is in the kernel's memory at a time, and how many bytes of the text before it. */
export const TEXT_WINDOW = 65_536
export const MAX_CARRY = 64
/** How many numbers of a text are parsed at a time. */
export const NUMBERS = 8192
const text = {
  offset: take(TEXT_WINDOW + MAX_CARRY),
  out: take(NUMBERS * 8),
  narrow: take(NUMBERS * 4),
}
/** Where tensors lie while their requests are under way; memory that nothing was written to takes no room. */
const ARENA_BYTES = 32 * 2 ** 20
export const arena = { offset: take(ARENA_BYTES), length: ARENA_BYTES }
const fixedEnd = end
makeRoom()

/** Views of a place in memory, made again when memory has grown. */
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

/** A text in the kernel's memory, and room for the numbers in it. */
export const textWindow = viewed((buffer) => ({
  ...text,
  bytes: new Uint8Array(buffer, text.offset, TEXT_WINDOW + MAX_CARRY),
  numbers: new Float64Array(buffer, text.out, NUMBERS),
  narrowed: new Float32Array(buffer, text.narrow, NUMBERS),
}))

/** A row of `CORNER` entries for logits that only pass by. */
export const cornerRow = viewed((buffer) => ({
  ...corner,
  values: new Float32Array(buffer, corner.row, CORNER),
  bytes: new Uint8Array(buffer, corner.row, CORNER * 4),
  staging: { offset: corner.staging, bytes: new Uint8Array(buffer, corner.staging, CORNER * 8) },
}))

/** float64 results that a call to the kernel leaves in its memory; copy them before the next. */
export function collectScratch(count: number, fill: (out: Offset) => void): Float64Array {
  fill(scratch)
  return new Float64Array(memory.buffer, scratch, count)
}

/** Where a row's arrays lie, and views of them. */
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
  /** Shares the room of `masses`, which a row that is being loaded does not need yet. */
  readonly staging: Staging
}

/** The same memory with another place for the row, of which nothing is asked but what lies there. */
export function rowAt(offset: Offset, length: number, memoryOfRow: RowMemory): RowMemory {
  const entries = Math.ceil(length / BLOCK) * BLOCK
  const { buffer } = memory
  const row = new Float32Array(buffer, offset, entries)
  const rowBytes = new Uint8Array(buffer, offset, entries * 4)
  return { ...memoryOfRow, row: offset, views: { ...memoryOfRow.views, row, rowBytes } }
}

/** `collect` stores whole vectors, up to four entries past its last. */
const SLACK = 4

/**
 * Memory for some rows of up to `capacity` entries, from the bottom up. It takes the place of what was
 * laid out before: growing detaches every view, so rows are laid out together.
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
