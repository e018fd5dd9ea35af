import { memory, type Offset } from './index.ts'
import { arena } from './memory.ts'

/** Room in the kernel's memory for what requests under way have sent, handed out and given back. */
export interface Region {
  readonly offset: Offset
  readonly length: number
}

/** What is free, in order, no two regions touching. */
let free: Region[] = [arena]

const ALIGNMENT = 64

/** The first room that is large enough; none, if there is none. */
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

/** How many bytes are handed out. */
export function reserved(): number {
  return arena.length - free.reduce((sum, { length }) => sum + length, 0)
}

/** Views of the kernel's memory, which are to be made anew whenever it may have grown. */
export function bytesAt(offset: Offset, length: number): Uint8Array {
  return new Uint8Array(memory.buffer, offset, length)
}

export function floatsAt(offset: Offset, length: number): Float32Array {
  return new Float32Array(memory.buffer, offset, length)
}
