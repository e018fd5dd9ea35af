import { type Form, forms } from './form.ts'
import { NumberList } from './long-values.ts'
import { describeValue, type FaultAt, isList, itemsOf, type Path, parsed } from './parsed.ts'
import { listOrSame, MAX_SEQUENCES, type Misfit, perRow, vocabularyChecks } from './registries.ts'

const MAX_TOKEN_ID = 2 ** 31 - 1
/** The smallest mark. A mark is a token id, or a negative integer that stands for no token, such as padding. */
const MIN_MARK = -(2 ** 31)

function isIdFrom(least: number, value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= MAX_TOKEN_ID
}

export function isTokenId(value: unknown): value is number {
  return isIdFrom(0, value)
}

export function beyondVocabulary(id: number, vocabSize: number): string {
  return `Token id ${id} is outside the vocabulary of ${vocabSize} entries`
}

function rangeHint(id: unknown, least: number): string {
  return Number.isInteger(id) ? `; ids are from ${least} to ${MAX_TOKEN_ID}` : ''
}

/** The number of elements that are copied out of a long list at a time. */
const PART = 4096

/** Parses token ids. If `least` is negative, marks are accepted, too; a negative one is kept modulo 2^32. */
export function parseIds(value: unknown, fault: FaultAt, path: Path = [], least = 0): Uint32Array {
  if (!isList(value)) return fault(path, `Expected an array, got ${describeValue(value)}`)
  const faulty = (index: number, id: unknown) =>
    fault([...path, index], `Expected a token id, got ${describeValue(id)}${rangeHint(id, least)}`)
  if (value instanceof NumberList) return idsOf(value, faulty, least < 0 ? -1 : MAX_TOKEN_ID)
  const ids = new Uint32Array(value.length)
  for (let i = 0; i < ids.length; i++) {
    const id = value[i]
    if (!isIdFrom(least, id)) return faulty(i, id)
    ids[i] = id
  }
  return ids
}

/** The largest id of a `NumberList`, so that checking it against a vocabulary needs no second pass. */
const largestOf = new WeakMap<Uint32Array, number>()

/** Parses a `NumberList` part by part, because all of them in float64 would take twice the memory of the ids. */
function idsOf(
  { elements, length, fault }: NumberList,
  faulty: (index: number, id: unknown) => never,
  /** A mask of the bits that an id may have. */
  bits: number,
): Uint32Array {
  const ids = new Uint32Array(length)
  const end = elements.length
  const part = elements.dtype === 'float32' ? new Float32Array(PART) : new Float64Array(PART)
  const bytes = new Uint8Array(part.buffer)
  let largest = 0
  for (let from = 0; from < end; from += PART) {
    const count = Math.min(PART, end - from)
    elements.copy(from, count, bytes)
    const whole = takeIds(part, count, bits, ids.subarray(from, from + count))
    if (whole < count) return faulty(from + whole, part[whole])
    largest = Math.max(largest, largestAmong(ids, from, from + count))
  }
  largestOf.set(ids, largest)
  return fault ? faulty(end, fault.value) : ids
}

/** Writes numbers to `ids`, up to the first that is no id. Returns how many it wrote. */
function takeIds(
  numbers: Float32Array | Float64Array,
  count: number,
  bits: number,
  ids: Uint32Array,
): number {
  for (let i = 0; i < count; i++) {
    const given = numbers[i]!
    // A bitwise AND leaves exactly the integers within the mask unchanged.
    const id = given & bits
    if (id !== given) return i
    ids[i] = id
  }
  return count
}

function largestAmong(ids: Uint32Array, start: number, end: number): number {
  let largest = 0
  for (let i = start; i < end; i++) if (ids[i]! > largest) largest = ids[i]!
  return largest
}

export function parseSequence(value: unknown, fault: FaultAt, path: Path): Uint32Array {
  const ids = parseIds(value, fault, path)
  if (ids.length === 0) fault(path, 'Expected at least one token id, got none')
  return ids
}

export function misfitIds(
  ids: Uint32Array,
  vocabSize: number,
  path: Path = [],
): Misfit | undefined {
  if ((largestOf.get(ids) ?? vocabSize) < vocabSize) return undefined
  for (let index = 0; index < ids.length; index++) {
    const id = ids[index]!
    if (id >= vocabSize) return { path: [...path, index], detail: beyondVocabulary(id, vocabSize) }
  }
  return undefined
}

function misfitLists(lists: Uint32Array[], vocabSize: number): Misfit | undefined {
  for (const [index, ids] of lists.entries()) {
    const misfit = misfitIds(ids, vocabSize, [index])
    if (misfit) return misfit
  }
  return undefined
}

export const tokenIdsSchema = {
  type: 'array',
  items: { type: 'integer', minimum: 0, maximum: MAX_TOKEN_ID },
} as const

const idList: Form = { kind: 'number', isList: true }

/** Token ids: an array of integers, parsed into a Uint32Array. */
export function tokenIds(description: string) {
  return parsed({ description, ...tokenIdsSchema }, (value, fault) => parseIds(value, fault))
    .register(vocabularyChecks, {
      misfit: (value, vocabSize) => misfitIds(value as Uint32Array, vocabSize),
    })
    .register(forms, idList)
}

export const sequenceSchema = { ...tokenIdsSchema, minItems: 1 } as const

/** A field of sequences of token ids, none of them empty. */
export function tokenSequences(description: string, maxItems = MAX_SEQUENCES) {
  return parsed({ description, type: 'array', maxItems, items: sequenceSchema }, (value, fault) => {
    if (!isList(value)) return fault([], `Expected an array, got ${describeValue(value)}`)
    const { length } = value
    if (length > maxItems) fault([], `Expected at most ${maxItems} sequences, got ${length}`)
    return itemsOf(value).map((sequence, index) => parseSequence(sequence, fault, [index]))
  })
    .register(vocabularyChecks, {
      misfit: (value, vocabSize) => misfitLists(value as Uint32Array[], vocabSize),
    })
    .register(forms, { kind: 'json', isList: false, isLong: true })
}

const marksSchema = {
  type: 'array',
  items: { type: 'integer', minimum: MIN_MARK, maximum: MAX_TOKEN_ID },
} as const

/** A field of marks. Samplers ignore those that are no tokens. */
export function tokenMarks(description: string) {
  return parsed({ description, ...marksSchema }, (value, fault) =>
    parseIds(value, fault, [], MIN_MARK),
  ).register(forms, idList)
}

/** A field of marks, or of a list of them for each row. */
export function tokenHistory(description: string) {
  return parsed(
    {
      title: 'TokenHistory',
      description,
      anyOf: [
        { title: 'TokenMarks', ...marksSchema },
        { title: 'TokenMarkLists', type: 'array', items: marksSchema },
      ],
    },
    (value, fault): Uint32Array | Uint32Array[] => {
      if (!Array.isArray(value) || !isList(value[0])) return parseIds(value, fault, [], MIN_MARK)
      if (value.length > MAX_SEQUENCES) {
        fault([], `Expected at most ${MAX_SEQUENCES} lists, got ${value.length}`)
      }
      return (value as unknown[]).map((ids, index) => parseIds(ids, fault, [index], MIN_MARK))
    },
  )
    .register(perRow, { split: listOrSame })
    .register(forms, idList)
}
