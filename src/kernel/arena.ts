import { memory, type Offset } from './index.ts'
import { arena } from './memory.ts'

/** A part of the arena that holds the tensor of a request under way. */
export interface Region {
  readonly offset: Offset
  readonly length: number
}

/** The free regions, by ascending offset. Neighbours are merged. */
let free: Region[] = [arena]

const ALIGNMENT = 64

/** Takes the first free region that is large enough; undefined if there is none. */
export function reserve(bytes: number): Region | undefined {
  const length = Math.ceil(bytes / ALIGNMENT) * ALIGNMENT
  const index = free.findIndex((region) => region.length >= length)
  if (index < 0) return undefined
  const { offset, length: found } = free[index]!
  const rest = found > length ? [{ offset: offset + length, length: found - length }] : []
  free.splice(index, 1, ...rest)
  return { offset, length }
}

export function release(region: Region): void {
  const joined: Region[] = []
  for (const next of [...free, region].sort((a, b) => a.offset - b.offset)) {
    const last = joined.at(-1)
    if (last && last.offset + last.length === next.offset) {
      joined[joined.length - 1] = { offset: last.offset, length: last.length + next.length }
    } else joined.push(next)
  }
  free = joined
}

/** The number of bytes in use. */
export function reserved(): number {
  return arena.length - free.reduce((sum, { length }) => sum + length, 0)
}

/** A view of the kernel's memory. It is detached when the memory grows, so make a new one for each use. */
export function bytesAt(offset: Offset, length: number): Uint8Array {
  return new Uint8Array(memory.buffer, offset, length)
}

export function floatsAt(offset: Offset, length: number): Float32Array {
  return new Float32Array(memory.buffer, offset, length)
}
