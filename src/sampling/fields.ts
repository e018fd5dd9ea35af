import * as z from 'zod'
import { type Bytes, decodeBase64, joinBytes } from './bytes.ts'
import { Elements } from './elements.ts'
import {
  describeValue,
  type FaultAt,
  isList,
  isObject,
  itemsOf,
  type Path,
  parsed,
} from './parsed.ts'

/** Field types that requests share. */

interface Misfit {
  path: Path
  detail: string
  /** Where it is no token id that is wrong. */
  code?: 'VOCABULARY_MISMATCH'
}

/** How a field tells the first of its values that a vocabulary of this size does not have. */
export const vocabularyChecks = z.registry<{
  misfit(value: unknown, vocabSize: number): Misfit | undefined
}>()

const MAX_TOKEN_ID = 2 ** 31 - 1
/** Of ids that need be no token. */
const MIN_MARK = -(2 ** 31)

function isIdFrom(least: number, value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= MAX_TOKEN_ID
}

function isTokenId(value: unknown): value is number {
  return isIdFrom(0, value)
}

export function beyondVocabulary(id: number, vocabSize: number): string {
  return `Token id ${id} is outside the vocabulary of ${vocabSize} entries`
}

function rangeHint(id: unknown, least: number): string {
  return Number.isInteger(id) ? `; they go from ${least} to ${MAX_TOKEN_ID}` : ''
}

/** How many elements are taken out of a long list at a time. */
const PART = 4096

/** `least` is below 0 where ids may be there that are no tokens: they are kept as what is left of them in 32 bits. */
export function parseIds(value: unknown, fault: FaultAt, path: Path = [], least = 0): Uint32Array {
  if (!isList(value)) return fault(path, `Expected an array, got ${describeValue(value)}`)
  const faulty = (index: number, id: unknown) =>
    fault([...path, index], `Expected a token id, got ${describeValue(id)}${rangeHint(id, least)}`)
  if (value instanceof Elements) return idsOf(value, faulty, least < 0 ? -1 : MAX_TOKEN_ID)
  const ids = new Uint32Array(value.length)
  for (let i = 0; i < ids.length; i++) {
    const id = value[i]
    if (!isIdFrom(least, id)) return faulty(i, id)
    ids[i] = id
  }
  return ids
}

/** Of lists that were read part by part: whether all are in a vocabulary need not be asked of each id again. */
const largestOf = new WeakMap<Uint32Array, number>()

/** Part by part: in float64, all of them would take twice the room of the ids. */
function idsOf(
  list: Elements,
  faulty: (index: number, id: unknown) => never,
  /** The bits that an id may have. */
  bits: number,
): Uint32Array {
  const ids = new Uint32Array(list.length)
  const end = list.fault?.index ?? list.length
  const part = list.dtype === 'float32' ? new Float32Array(PART) : new Float64Array(PART)
  const bytes = new Uint8Array(part.buffer)
  let largest = 0
  for (let from = 0; from < end; from += PART) {
    const count = Math.min(PART, end - from)
    list.copy(from, count, bytes)
    for (let i = 0; i < count; i++) {
      const given = part[i]!
      // What a bitwise operator leaves as it is, is such an integer.
      const id = given & bits
      if (id !== given) return faulty(from + i, given)
      if (id >>> 0 > largest) largest = id >>> 0
      ids[from + i] = id
    }
  }
  largestOf.set(ids, largest)
  return list.fault ? faulty(end, list.fault.value) : ids
}

function parseSequence(value: unknown, fault: FaultAt, path: Path): Uint32Array {
  const ids = parseIds(value, fault, path)
  if (ids.length === 0) fault(path, 'Expected at least one token id, got none')
  return ids
}

function misfitIds(ids: Uint32Array, vocabSize: number, path: Path = []): Misfit | undefined {
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

/** Token ids: an array of integers, parsed into a Uint32Array. */
export function tokenIds(description: string) {
  return parsed({ description, ...tokenIdsSchema }, (value, fault) =>
    parseIds(value, fault),
  ).register(vocabularyChecks, {
    misfit: (value, vocabSize) => misfitIds(value as Uint32Array, vocabSize),
  })
}

const sequenceSchema = { ...tokenIdsSchema, minItems: 1 } as const

/** More lists than this are a mistake, and each takes more room than what is in it. */
export const MAX_SEQUENCES = 65_536

/** Sequences of token ids, none of them empty. */
export function tokenSequences(description: string, maxItems = MAX_SEQUENCES) {
  return parsed({ description, type: 'array', maxItems, items: sequenceSchema }, (value, fault) => {
    if (!isList(value)) return fault([], `Expected an array, got ${describeValue(value)}`)
    const { length } = value
    if (length > maxItems) fault([], `Expected at most ${maxItems} sequences, got ${length}`)
    return itemsOf(value).map((sequence, index) => parseSequence(sequence, fault, [index]))
  }).register(vocabularyChecks, {
    misfit: (value, vocabSize) => misfitLists(value as Uint32Array[], vocabSize),
  })
}

/** Fields that a batch gives as one value for each row, and a row as its own. */
export const perRow = z.registry<{ split(value: unknown, rows: number): unknown[] }>()

/** A list with an item for each row, or one value that all rows share. */
export function listOrSame(value: unknown, rows: number): unknown[] {
  return Array.isArray(value) ? value : new Array<unknown>(rows).fill(value)
}

const marksSchema = {
  type: 'array',
  items: { type: 'integer', minimum: MIN_MARK, maximum: MAX_TOKEN_ID },
} as const

/** Ids of which some may be no tokens, such as padding. Who works on them sees to it that they are. */
export function tokenMarks(description: string) {
  return parsed({ description, ...marksSchema }, (value, fault) =>
    parseIds(value, fault, [], MIN_MARK),
  )
}

/** The same for a row, or a list of them for each row of a batch. */
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
  ).register(perRow, { split: listOrSame })
}

/** A number for each of some tokens. */
export interface TokenBiases {
  ids: Uint32Array
  biases: Float64Array
}

const biasSchema = {
  title: 'Bias',
  anyOf: [{ type: 'number' }, { title: 'NegativeInfinity', const: '-Infinity' }],
} as const

/** Beyond this a bias decides no more than it does already, and sums of biases might overflow. */
const MOST_BIAS = 1e300

function parseBias(bias: unknown, fault: FaultAt, path: Path): number {
  if (bias === '-Infinity') return Number.NEGATIVE_INFINITY
  if (Number.isFinite(bias)) return Math.max(-MOST_BIAS, Math.min(bias as number, MOST_BIAS))
  return fault(path, `Expected a finite number or "-Infinity", got ${describeValue(bias)}`)
}

/** An object from token id to number; "-Infinity" is a number here. */
export function tokenBiases(description: string) {
  return parsed(
    {
      description,
      type: 'object',
      propertyNames: { type: 'string', pattern: '^(0|[1-9][0-9]{0,9})$' },
      additionalProperties: biasSchema,
    },
    (value, fault): TokenBiases => {
      if (!isObject(value)) {
        fault([], `Expected an object from token id to bias, got ${describeValue(value)}`)
      }
      const given = value as Record<string, unknown>
      const keys = Object.keys(given)
      const ids = new Uint32Array(keys.length)
      const biases = new Float64Array(keys.length)
      for (let i = 0; i < keys.length; i++) {
        const key = keys[i]!
        const id = Number(key)
        if (!isTokenId(id) || String(id) !== key) {
          fault([key], `Expected a token id as key, got ${describeValue(key)}`)
        }
        ids[i] = id
        biases[i] = parseBias(given[key], fault, [key])
      }
      return { ids, biases }
    },
  ).register(vocabularyChecks, {
    misfit(value, vocabSize) {
      const id = (value as TokenBiases).ids.find((id) => id >= vocabSize)
      if (id === undefined) return undefined
      return { path: [String(id)], detail: beyondVocabulary(id, vocabSize) }
    },
  })
}

/** What to add to a token that would complete a sequence. */
export interface SequenceBias {
  ids: Uint32Array
  bias: number
}

/** A list of {token_ids, bias}; "-Infinity" is a bias here. */
export function sequenceBiases(description: string) {
  const item = {
    title: 'SequenceBias',
    type: 'object',
    properties: { token_ids: sequenceSchema, bias: biasSchema },
    required: ['token_ids', 'bias'],
    additionalProperties: false,
  } as const
  return parsed({ description, type: 'array', items: item }, (value, fault): SequenceBias[] => {
    if (!isList(value)) return fault([], `Expected an array, got ${describeValue(value)}`)
    // None of many numbers is one, and the first is enough to say so.
    const given = value instanceof Elements ? value.slice(0, 1) : value
    return itemsOf(given).map((entry, index) => {
      if (!isObject(entry)) {
        fault([index], `Expected {token_ids, bias}, got ${describeValue(entry)}`)
      }
      const { token_ids, bias, ...others } = entry as Record<string, unknown>
      const [unknown] = Object.keys(others)
      if (unknown !== undefined) {
        fault([index, unknown], `Expected only token_ids and bias, got ${describeValue(unknown)}`)
      }
      const ids = parseSequence(token_ids, fault, [index, 'token_ids'])
      return { ids, bias: parseBias(bias, fault, [index, 'bias']) }
    })
  }).register(vocabularyChecks, {
    misfit(value, vocabSize) {
      for (const [index, { ids }] of (value as SequenceBias[]).entries()) {
        const misfit = misfitIds(ids, vocabSize, [index, 'token_ids'])
        if (misfit) return misfit
      }
      return undefined
    },
  })
}

const MAX_U64 = 2n ** 64n - 1n

/**
 * An unsigned 64-bit integer: a JSON integer where that is exact, else a decimal string. `hint` is for
 * somebody who sends what is none.
 */
export function u64(
  description: string,
  { max = MAX_U64, hint }: { max?: bigint; hint?: string } = {},
) {
  return parsed(
    {
      title: 'Uint64',
      description,
      anyOf: [
        {
          title: 'SafeInteger',
          type: 'integer',
          minimum: 0,
          maximum: Number.MAX_SAFE_INTEGER,
        },
        { title: 'DecimalString', type: 'string', pattern: '^[0-9]{1,20}$' },
      ],
    },
    (value, fault) => {
      const isExact =
        typeof value === 'string' ? /^[0-9]{1,20}$/.test(value) : Number.isSafeInteger(value)
      const integer = isExact ? BigInt(value as string | number) : -1n
      if (integer >= 0n && integer <= max) return integer
      const isRounded = typeof value === 'number' && value > Number.MAX_SAFE_INTEGER
      const hints = [
        ...(isRounded ? ['write integers beyond 2^53 as strings'] : []),
        ...(hint ? [hint] : []),
      ]
      const detail = `Expected an integer from 0 to ${max}, got ${describeValue(value)}`
      return fault([], [detail, ...hints].join('; '))
    },
  )
}

/** Bytes as padded standard base64, in pieces. */
export function base64(description: string) {
  return parsed(
    { description, type: 'string', contentEncoding: 'base64' },
    (value, fault): Bytes =>
      decodeBase64(value) ?? fault([], `Expected padded base64, got ${describeValue(value)}`),
  )
}

/** One bit per token, base64 of little-endian int32 words; bit `id & 31` of word `id >> 5`. */
export function tokenBitmask(description: string) {
  return parsed({ description, type: 'string', contentEncoding: 'base64' }, (value, fault) => {
    const bytes =
      decodeBase64(value) ?? fault([], `Expected padded base64, got ${describeValue(value)}`)
    if (bytes.length % 4 !== 0) fault([], `Expected whole int32 words, got ${bytes.length} bytes`)
    return new Int32Array(joinBytes(bytes).buffer)
  }).register(vocabularyChecks, {
    misfit(value, vocabSize) {
      const { length } = value as Int32Array
      const expected = Math.ceil(vocabSize / 32)
      if (length === expected) return undefined
      return {
        path: [],
        code: 'VOCABULARY_MISMATCH',
        detail: `A vocabulary of ${vocabSize} entries needs ${expected} words, got ${length}`,
      }
    },
  })
}
