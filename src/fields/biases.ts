import { forms } from './form.ts'
import { NumberList } from './long-values.ts'
import {
  describeValue,
  type FaultAt,
  isList,
  isObject,
  itemsOf,
  type Path,
  parsed,
} from './parsed.ts'
import { vocabularyChecks } from './registries.ts'
import {
  beyondVocabulary,
  isTokenId,
  misfitIds,
  parseSequence,
  sequenceSchema,
} from './token-ids.ts'

/** Tokens, and a bias for each. */
export interface TokenBiases {
  ids: Uint32Array
  biases: Float64Array
}

const biasSchema = {
  title: 'Bias',
  anyOf: [{ type: 'number' }, { title: 'NegativeInfinity', const: '-Infinity' }],
} as const

/** Larger biases are cut to this, so that their sums do not overflow. The effect is the same. */
const MOST_BIAS = 1e300

function parseBias(bias: unknown, fault: FaultAt, path: Path): number {
  if (bias === '-Infinity') return Number.NEGATIVE_INFINITY
  if (Number.isFinite(bias)) return Math.max(-MOST_BIAS, Math.min(bias as number, MOST_BIAS))
  return fault(path, `Expected a finite number or "-Infinity", got ${describeValue(bias)}`)
}

/** A field that is an object from token id to bias: a number or "-Infinity". */
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
  )
    .register(vocabularyChecks, {
      misfit(value, vocabSize) {
        const id = (value as TokenBiases).ids.find((id) => id >= vocabSize)
        if (id === undefined) return undefined
        return { path: [String(id)], detail: beyondVocabulary(id, vocabSize) }
      },
    })
    .register(forms, { kind: 'object', isList: false, isLong: true })
}

/** A sequence, and the bias of the token that would complete it. */
export interface SequenceBias {
  ids: Uint32Array
  bias: number
}

/** A list of numbers, cut after its first item. */
function firstOf({ elements, fault }: NumberList): NumberList {
  const hasNumber = elements.length > 0
  return hasNumber ? new NumberList(elements.slice(0, 1)) : new NumberList(elements, 1, fault)
}

/** A field that is a list of {token_ids, bias}. A bias may be "-Infinity". */
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
    // A list of numbers already has a fault at its first item, so only that item is needed.
    const given = value instanceof NumberList ? firstOf(value) : value
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
  })
    .register(vocabularyChecks, {
      misfit(value, vocabSize) {
        for (const [index, { ids }] of (value as SequenceBias[]).entries()) {
          const misfit = misfitIds(ids, vocabSize, [index, 'token_ids'])
          if (misfit) return misfit
        }
        return undefined
      },
    })
    .register(forms, { kind: 'json', isList: false, isLong: true })
}
