import * as z from 'zod'
import type { ProblemCode } from '../errors.ts'
import { exp, log } from '../kernel/index.ts'
import type { Candidates } from '../tensors/candidates.ts'
import { Elements } from '../tensors/elements.ts'
import type { Warning } from '../warning.ts'
import { type Batch, finite, listForms, parseNumbers, rowOrRows } from './batch.ts'
import { describeValue, type FaultAt, isList, itemsOf, type Path, parsePart } from './parsed.ts'
import { beyondVocabulary, parseIds, tokenIdsSchema } from './token-ids.ts'

const idsSchema = { title: 'SparseTokenIdRow', ...tokenIdsSchema, minItems: 1 } as const

export const SparseLogits = z
  .strictObject({
    vocab_size: z
      .int()
      .min(1)
      .max(2 ** 31)
      .meta({ description: 'Number of entries of the whole vocabulary.' }),
    token_ids: z.unknown().meta({
      title: 'SparseTokenIds',
      description:
        'Ids of the most likely tokens, in any order, each once; for a batch, a list for each row.',
      anyOf: rowOrRows(idsSchema),
    }),
    values: z.unknown().meta({
      title: 'SparseValues',
      description: 'Logits of these tokens, in the same order.',
      anyOf: listForms,
    }),
    log_z: z
      .unknown()
      .meta({
        title: 'LogZ',
        description:
          'ln Σ e^logit over the whole vocabulary of the row, at temperature 1; for a batch a list. ' +
          'With it thresholds and probabilities at temperature 1 are those of the whole row. A value below that of the tokens given is an error. ' +
          'Omitted: probabilities are relative to the tokens given, unless a filter certainly removes all others.',
        anyOf: rowOrRows({ title: 'LogZValue', type: 'number' }),
      })
      .optional(),
  })
  .meta({
    title: 'SparseLogits',
    description: 'Only the most likely tokens of each row, with their logits.',
  })

/** The relative error that a log_z may have: that of float32 sums. */
const LOG_Z_ERROR = 1e-5

export function parseSparse(value: object, fault: FaultAt): Batch {
  const { vocab_size: vocabSize, token_ids, values, log_z } = parsePart(SparseLogits, value)
  const isBatch = Array.isArray(token_ids) && isList(token_ids[0])
  const rowsOf = (field: unknown, name: string, rows?: number): unknown[] => {
    if (!isBatch) return [field]
    if (!isList(field)) {
      return fault([name], `Expected a list with an item for each row, got ${describeValue(field)}`)
    }
    if (rows !== undefined && field.length !== rows) {
      fault([name], `Expected ${rows} items, one for each row, got ${field.length}`)
    }
    return itemsOf(field)
  }
  const idLists = rowsOf(token_ids, 'token_ids')
  const valueLists = rowsOf(values, 'values', idLists.length)
  const logZs = log_z === undefined ? [] : rowsOf(log_z, 'log_z', idLists.length)
  const pathOf = (name: string, row: number): Path => (isBatch ? [name, row] : [name])
  const rows = idLists.map((ids, row) => {
    const logZ = logZs[row]
    if (logZ !== undefined && !Number.isFinite(logZ)) {
      fault(pathOf('log_z', row), `Expected a finite number, got ${describeValue(logZ)}`)
    }
    return parseCandidates(
      { ids, values: valueLists[row], logZ: logZ as number | undefined, vocabSize },
      (name, path, message, code) => fault([...pathOf(name, row), ...path], message, code),
    )
  })
  const valuePath = (row: number) => pathOf('values', row)
  return { rows, vocabSize, isBatch, pathOf: (row) => valuePath(row) }
}

/** Throws a fault in one of the fields. */
type FaultOf = (name: string, path: Path, message: string, code?: ProblemCode) => never

function parseCandidates(
  given: { ids: unknown; values: unknown; logZ: number | undefined; vocabSize: number },
  fault: FaultOf,
): Candidates {
  const { vocabSize, logZ } = given
  const ids = parseIds(given.ids, (path, message) => fault('token_ids', path, message))
  if (ids.length === 0) fault('token_ids', [], 'Expected at least one token id, got none')
  if (!isList(given.values) || given.values.length !== ids.length) {
    const got = isList(given.values) ? String(given.values.length) : describeValue(given.values)
    fault('values', [], `Expected ${ids.length} logits, one for each token id, got ${got}`)
  }
  const numbers = parseNumbers(given.values, (id, got) =>
    fault('values', [id], `Expected a number or "-Infinity", got ${describeValue(got)}`),
  )
  const values = finite(numbers, (id, value) =>
    fault(
      'values',
      [id],
      `Expected a number below +Infinity, got ${value} as float32`,
      'LOGITS_NOT_FINITE',
    ),
  )
  const sorted = sortById(ids, values, vocabSize, fault)
  const warning = logZ === undefined ? undefined : checkLogZ(logZ, values, vocabSize, fault)
  return {
    vocabSize,
    ...sorted,
    ...(logZ !== undefined && { logZ }),
    ...(ids.length === vocabSize && { all: Elements.of(sorted.values) }),
    ...(warning && { warning }),
  }
}

/** Checks log_z against its bounds. Each token left out has a mass from 0 to that of the least likely candidate. */
function checkLogZ(
  logZ: number,
  values: Float32Array,
  vocabSize: number,
  fault: FaultOf,
): Warning | undefined {
  const max = values.reduce((a, b) => Math.max(a, b))
  if (max === Number.NEGATIVE_INFINITY) return undefined
  const floor = values.reduce((a, b) => Math.min(a, b))
  const given = values.reduce((sum, logit) => sum + exp(logit - max), 0)
  const least = max + log(given)
  const most = max + log(given + (vocabSize - values.length) * exp(floor - max))
  const slack = LOG_Z_ERROR * Math.max(1, Math.abs(least))
  if (logZ < least - slack) {
    const detail = `Expected at least ln Σ e^value of the tokens given, ${least}, got ${logZ}`
    fault('log_z', [], detail, 'LOG_Z_TOO_SMALL')
  }
  if (logZ <= most + slack) return undefined
  const message =
    `Expected log_z of at most ${most}, got ${logZ}: ` +
    'no other token is more likely than the least likely of those given'
  return { code: 'LOG_Z_TOO_LARGE', message }
}

/** Sorts ids and values by id. Checks that each id is in the vocabulary and occurs once. Most requests send sorted ids. */
function sortById(
  ids: Uint32Array,
  values: Float32Array,
  vocabSize: number,
  fault: FaultOf,
): { ids: Uint32Array; values: Float32Array } {
  if (ids.at(-1)! < vocabSize && isAscending(ids)) return { ids, values }
  const sorted = new Uint32Array(ids.length)
  const valuesOf = new Float32Array(ids.length)
  const order = orderOf(ids)
  for (let i = 0; i < order.length; i++) {
    const place = order[i]!
    const id = ids[place]!
    if (id >= vocabSize) {
      const detail = beyondVocabulary(id, vocabSize)
      fault('token_ids', [place], detail, 'TOKEN_ID_OUT_OF_RANGE')
    }
    if (i > 0 && id === sorted[i - 1])
      fault('token_ids', [place], `Token id ${id} occurs twice; send each token once`)
    sorted[i] = id
    valuesOf[i] = values[place]!
  }
  return { ids: sorted, values: valuesOf }
}

/** Whether each id is larger than the one before. */
function isAscending(ids: Uint32Array): boolean {
  for (let i = 1; i < ids.length; i++) if (ids[i]! <= ids[i - 1]!) return false
  return true
}

/** The places of ids in ascending order, by a stable radix sort with digits of a byte. */
function orderOf(ids: Uint32Array): Uint32Array {
  let all = 0
  let order = new Uint32Array(ids.length)
  for (let i = 0; i < ids.length; i++) {
    all |= ids[i]!
    order[i] = i
  }
  let next = new Uint32Array(ids.length)
  const starts = new Uint32Array(256)
  for (let shift = 0; shift < 32 && all >>> shift > 0; shift += 8) {
    starts.fill(0)
    for (let i = 0; i < ids.length; i++) starts[(ids[i]! >>> shift) & 255]!++
    let start = 0
    for (let byte = 0; byte < 256; byte++) {
      const count = starts[byte]!
      starts[byte] = start
      start += count
    }
    for (let i = 0; i < order.length; i++) {
      const place = order[i]!
      next[starts[(ids[place]! >>> shift) & 255]!++] = place
    }
    ;[order, next] = [next, order]
  }
  return order
}
