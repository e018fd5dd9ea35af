import type { Steps } from '../steps.ts'

/** A list whose items may be made when they are written. Arrays of numbers or strings fit, too. */
export interface Items {
  readonly length: number
  slice(from: number, to: number): readonly unknown[]
}

type Numbers = Float32Array | Float64Array | Uint32Array | BigInt64Array | BigUint64Array

/** The items of a list in an answer. */
export type Values = Numbers | Items

/** The largest number of items of a list in one part. */
export const PART = 4096

/** A list that may be long. Its items are those of `lists`, one list after the other. */
export class LongList {
  readonly lists: readonly Values[]

  constructor(lists: readonly Values[]) {
    this.lists = lists
  }
}

/** Whether the value is or contains a list that is written in several parts. */
function isLong(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (value instanceof LongList) return true
  if (Array.isArray(value) && value.length > PART) return true
  // Most items are numbers: `typeof` spares a call for each.
  const items = Array.isArray(value) ? value : Object.values(value)
  for (let i = 0; i < items.length; i++) {
    if (typeof items[i] === 'object' && isLong(items[i])) return true
  }
  return false
}

/** Writes a value as JSON.stringify does, but long lists in parts. */
export function* writeJson(value: unknown): Steps {
  if (!isLong(value)) yield JSON.stringify(value)
  else if (value instanceof LongList) yield* writeLists(value.lists)
  else if (!Array.isArray(value)) yield* writeFields(value as object)
  else if (value.some(isLong)) yield* writeItems(value)
  else yield* writeLists([value])
}

function* writeItems(items: readonly unknown[]): Steps {
  let separator = '['
  for (const item of items) {
    yield separator
    yield* writeJson(item)
    separator = ','
  }
  yield ']'
}

function* writeFields(fields: object): Steps {
  let separator = '{'
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue
    yield `${separator}${JSON.stringify(name)}:`
    yield* writeJson(value)
    separator = ','
  }
  yield '}'
}

function* writeLists(lists: readonly Values[]): Steps {
  let separator = '['
  for (const values of lists) {
    for (let from = 0; from < values.length; from += PART) {
      yield separator + itemsOf(values, from, from + PART)
      separator = ','
    }
  }
  yield separator === '[' ? '[]' : ']'
}

function itemsOf(values: Values, from: number, to: number): string {
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
    return values.subarray(from, to).join()
  }
  const items = isNumbers(values) ? toArray(values.subarray(from, to)) : values.slice(from, to)
  return JSON.stringify(items).slice(1, -1)
}

export const isNumbers = (values: Values): values is Numbers => ArrayBuffer.isView(values)

/** Array.from, several times as fast because no iterator is called. */
export function toArray(values: Float32Array | Float64Array | Uint32Array): number[] {
  const array = new Array<number>(values.length)
  for (let i = 0; i < values.length; i++) array[i] = values[i]!
  return array
}
