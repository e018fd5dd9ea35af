import { pace } from '../pace.ts'

/** Numbers or texts, as an answer has them. */
export type Values =
  | Float32Array
  | Float64Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | readonly string[]

/** How many items are written at a time. */
export const PART = 4096

/** A list that may be long: the items of some lists, one after the other. */
export class LongList {
  readonly lists: readonly Values[]

  constructor(lists: readonly Values[]) {
    this.lists = lists
  }
}

/** Whether there is a long list in it. */
function isLong(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (value instanceof LongList) return true
  // Most items are numbers, for which a call would take longer than the question.
  const items = Array.isArray(value) ? value : Object.values(value)
  return items.some((item) => typeof item === 'object' && isLong(item))
}

/** Write a value as JSON.stringify does, its long lists part by part. */
export async function writeJson(value: unknown, written: string[]): Promise<void> {
  if (!isLong(value)) written.push(JSON.stringify(value))
  else if (value instanceof LongList) await writeList(value, written)
  else if (Array.isArray(value)) await writeItems(value, written)
  else await writeFields(value as object, written)
}

async function writeItems(items: readonly unknown[], written: string[]): Promise<void> {
  let separator = '['
  for (const item of items) {
    written.push(separator)
    await writeJson(item, written)
    separator = ','
  }
  written.push(']')
}

async function writeFields(fields: object, written: string[]): Promise<void> {
  let separator = '{'
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue
    written.push(`${separator}${JSON.stringify(name)}:`)
    await writeJson(value, written)
    separator = ','
  }
  written.push('}')
}

async function writeList({ lists }: LongList, written: string[]): Promise<void> {
  let separator = '['
  for (const values of lists) {
    for (let from = 0; from < values.length; from += PART) {
      written.push(separator, itemsOf(values, from, from + PART))
      separator = ','
      const turn = pace()
      if (turn) await turn
    }
  }
  written.push(separator === '[' ? '[]' : ']')
}

function itemsOf(values: Values, from: number, to: number): string {
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
    return values.subarray(from, to).join()
  }
  const items = isTexts(values) ? values.slice(from, to) : toArray(values.subarray(from, to))
  return JSON.stringify(items).slice(1, -1)
}

export const isTexts = (values: Values): values is readonly string[] => Array.isArray(values)

/** As Array.from does, which asks an iterator for each item and takes several times as long. */
export function toArray(values: Float32Array | Float64Array | Uint32Array): number[] {
  const array = new Array<number>(values.length)
  for (let i = 0; i < values.length; i++) array[i] = values[i]!
  return array
}
