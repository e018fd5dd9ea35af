import { kernel, Stop } from '../../kernel/index.ts'
import { NUMBERS, textWindow } from '../../kernel/memory.ts'
import type { ListBuilder } from './list-reader.ts'

/** How far `readNumbers` got. */
export interface Run {
  /** The next byte to read. */
  readonly position: number
  /** Whether an item is expected there: after a comma, or at the start of the list. */
  readonly expectsItem: boolean
  /** Whether the text ended within a number. */
  readonly isCut: boolean
  /** Whether the list keeps its numbers in typed arrays. */
  readonly isCompact: boolean
}

/** Reads numbers and the commas between them from text in the kernel's memory. */
export function readNumbers(from: number, end: number, list: ListBuilder): Run {
  const { offset, bytes, out, numbers, narrow, narrowed } = textWindow()
  const count = kernel.parseNumbers(offset + from, offset + end, out, NUMBERS, true)
  const position = kernel.parsedTo.value - offset
  const reason = kernel.stopReason.value
  const isShort = list.addShort(numbers, count)
  const isCompact =
    isShort ||
    count === 0 ||
    list.addNumbers(
      kernel.narrow(out, count, narrow) === 0 ? numbers.slice(0, count) : narrowed.slice(0, count),
    )
  if (reason === Stop.hard) {
    const tokenEnd = kernel.tokenEnd.value - offset
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + position, tokenEnd - position)
    list.add(Number(text.toString('latin1')))
    return { position: tokenEnd, expectsItem: false, isCut: false, isCompact }
  }
  return {
    position,
    expectsItem: kernel.expectsElement.value !== 0,
    isCut: reason === Stop.needsMore,
    isCompact,
  }
}
