import * as z from 'zod'
import { Problem } from '../../errors.ts'
import { checkAnswer } from '../../request/limits.ts'
import type { RequestRow } from '../../request/request-row.ts'
import type { Report, RowResult } from '../../sampling/sample.ts'
import type { RegionPart, SharedUse, Target } from '../../shared-memory/use.ts'
import type { Warning } from '../../warning.ts'
import { type Items, isNumbers, LongList, PART, type Values, writeJson } from '../json/write.ts'
import type { Asked } from '../protocol.ts'
import type { Hold, Part, Steps } from '../steps.ts'
import { writeTexts } from './datatypes.ts'
import { BINARY_OUTPUT, checkParameters, Datatype, type InferRequest, readFlag } from './inputs.ts'
import type { Model } from './models.ts'
import { isReport, type Output, type OutputName, outputs } from './outputs.ts'
import { parametersOf, partOf, sharedNames } from './parts.ts'

export const InferResponse = z
  .object({
    model_name: z.string(),
    model_version: z.string(),
    id: z.string().optional(),
    parameters: z
      .object({
        warnings: z.string().optional().meta({
          description:
            'Warnings as in /v1, as JSON text. A warning about the whole request has no `row`.',
        }),
      })
      .meta({ title: 'InferAnswerParameters', description: 'Warnings, if there are any.' })
      .optional(),
    outputs: z.array(
      z
        .object({
          name: z.string(),
          datatype: Datatype,
          shape: z.array(z.int()),
          data: z
            .array(z.union([z.number(), z.string()]).meta({ title: 'InferElement' }))
            .optional()
            .meta({
              description:
                'The elements, row-major. Omitted if they follow the JSON as binary data, or lie in shared memory.',
            }),
          parameters: z
            .object({
              binary_data_size: z.int().min(0).optional().meta({
                description: 'Number of bytes of a tensor that follows the JSON as binary data.',
              }),
              shared_memory_region: z
                .string()
                .optional()
                .meta({ description: 'The registered region in which the elements lie.' }),
              shared_memory_offset: z
                .int()
                .min(0)
                .optional()
                .meta({ description: 'Where they begin in the region. Omitted: 0.' }),
              shared_memory_byte_size: z
                .int()
                .min(0)
                .optional()
                .meta({ description: 'Number of bytes of a tensor in shared memory.' }),
            })
            .meta({
              title: 'InferOutputParameters',
              description: 'Only for a tensor whose elements are not in the JSON.',
            })
            .optional(),
        })
        .meta({ title: 'InferOutput', description: 'A tensor in an answer.' }),
    ),
  })
  .meta({ title: 'InferResponse', description: 'An answer of the Open Inference Protocol.' })

/** Classes as strings "probability:id", which are made when they are written. */
class Classes implements Items {
  readonly #ids: Uint32Array
  readonly #probabilities: Float32Array

  constructor(ids: Uint32Array, probabilities: Float32Array) {
    this.#ids = ids
    this.#probabilities = probabilities
  }

  get length(): number {
    return this.#ids.length
  }

  get byteLength(): number {
    return this.#ids.byteLength + this.#probabilities.byteLength
  }

  slice(from: number, to: number): string[] {
    const ids = Array.from(this.#ids.subarray(from, to))
    return ids.map((id, i) => `${this.#probabilities[from + i]}:${id}`)
  }
}

/** The `count` most likely tokens: first the tokens left, then the removed ones by ascending id. */
function classify({ ranked }: RowResult, vocabSize: number, count: number): Classes {
  const token_ids = ranked!.token_ids.slice(0, count)
  const probabilities = ranked!.probabilities.slice(0, count)
  const ids = new Uint32Array(count)
  ids.set(token_ids)
  const isRanked = new Uint8Array(vocabSize)
  for (const id of token_ids) isRanked[id] = 1
  let next = token_ids.length
  for (let id = 0; next < count; id++) if (isRanked[id] === 0) ids[next++] = id
  const ofRanked = new Float32Array(count)
  ofRanked.set(probabilities)
  return new Classes(ids, ofRanked)
}

export interface Wanted extends Output {
  readonly name: string
  readonly isBinary: boolean
  /** The number of classes, if classes are asked for. */
  readonly classes?: number
  /** Where the elements go, if they go into shared memory. */
  readonly shared?: { readonly part: RegionPart; readonly target: Target }
}

/** The numbers that an output has for a row, for the limit on answers. A class counts as two: its text is about as long. */
function countOf({ name, classes, isList }: Wanted, { vocabSize, draw }: RequestRow): number {
  if (classes !== undefined) return 2 * Math.min(classes, vocabSize)
  if (name === 'probabilities') return vocabSize
  return isList ? (draw?.n ?? 1) : 1
}

/** Throws a problem about an output. */
function outputFault(name: string, detail: string): never {
  throw new Problem('INVALID_REQUEST', `output "${name}": ${detail}`)
}

/** The outputs that a request names; the defaults and all reports if it names none. */
export function wantedOf(
  { outputs: requested, parameters = {} }: InferRequest,
  model: Model,
  use: SharedUse,
): Wanted[] {
  const isBinary = readFlag('parameters', BINARY_OUTPUT, parameters[BINARY_OUTPUT]) ?? false
  if (!requested || requested.length === 0) {
    const reports = model.outputs.filter((name) => isReport(name))
    return [...model.defaults, ...reports].map((name) => ({ ...outputs[name], name, isBinary }))
  }
  return requested.map(({ name, parameters: own = {} }): Wanted => {
    if (!(model.outputs as readonly string[]).includes(name)) {
      const known = model.outputs.join(', ')
      throw new Problem('INVALID_REQUEST', `unexpected output "${name.slice(0, 64)}": use ${known}`)
    }
    const owner = `output "${name}"`
    checkParameters(owner, own, ['binary_data', 'classification', ...sharedNames])
    const output: Output = outputs[name as OutputName]
    const binary = readFlag(owner, 'binary_data', own.binary_data) ?? isBinary
    const part = partOf(owner, own)
    const shared = part && { part, target: use.target(part, (detail) => outputFault(name, detail)) }
    const wanted = { ...output, name, isBinary: binary, ...(shared && { shared }) }
    const { classification } = own
    if (classification === undefined || classification === null) return wanted
    if (name !== 'probabilities') {
      throw new Problem(
        'INVALID_REQUEST',
        `output "${name}" has no classes; ask for them with the output "probabilities"`,
      )
    }
    if (!Number.isInteger(classification) || (classification as number) < 1) {
      throw new Problem(
        'INVALID_REQUEST',
        `Expected classification to be at least 1, got ${classification}`,
      )
    }
    return { ...wanted, datatype: 'BYTES', classes: classification as number }
  })
}

/** What rows must report for the wanted outputs. */
export function reportFor(wanted: readonly Wanted[], vocabSize: number): Report {
  const classes = wanted.flatMap(({ classes }) => classes ?? [])
  const needs = wanted.flatMap(({ needs, classes }) => (classes === undefined && needs) || [])
  const ranked = classes.length > 0 && { ranked: Math.min(Math.max(...classes), vocabSize) }
  return Object.assign({}, ...needs, ranked)
}

/** An answer. If binary data follows its JSON, `lengths` are the bytes of the JSON and of the whole. */
export interface InferAnswer {
  readonly parts: Steps
  readonly lengths: { readonly json: number; readonly all: number } | undefined
}

/** The JSON is padded to a multiple of this, so that every element of the binary data is aligned. */
const ALIGNMENT = 8

function* toBinary(lists: readonly Values[]): Generator<Uint8Array, void> {
  for (const values of lists) {
    if (isNumbers(values)) yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    else {
      for (let from = 0; from < values.length; from += PART) {
        yield writeTexts(values.slice(from, from + PART) as string[])
      }
    }
  }
}

/** Writes an output into shared memory. */
function* writeShared(target: Target, values: readonly Values[]): Steps {
  let from = 0
  for (const bytes of toBinary(values)) {
    target.write(from, bytes)
    from += bytes.length
    yield undefined
  }
}

/** The length of some parts in bytes. */
function* measure(parts: Iterable<Part | undefined>): Steps<number> {
  let length = 0
  for (const part of parts) {
    if (part !== undefined) length += Buffer.byteLength(part)
    yield undefined
  }
  return length
}

/** JSON as bytes, because Fastify adds a charset to the content type of a string. */
function* writeHeader(header: object): Steps {
  for (const text of writeJson(header)) yield text && Buffer.from(text as string)
}

function* writeBoth(header: object, padding: number, binaries: readonly Values[]): Steps {
  yield* writeHeader(header)
  yield Buffer.alloc(padding, ' ')
  yield* toBinary(binaries)
}

/** An upper bound of the memory of some values in bytes. */
function sizeOf(values: Values): number {
  if (isNumbers(values) || values instanceof Classes) return values.byteLength
  return (values as string[]).reduce((sum, { length }) => sum + 2 * length, 0)
}

/** A request, with what its answer needs. */
export interface InferAsked extends Asked {
  readonly infer: InferRequest
  readonly model: Model
  readonly wanted: readonly Wanted[]
  /** Warnings about the request as a whole. */
  readonly warned: readonly Warning[]
  /** The encoding that compresses the answer, if any. */
  readonly encoding: string | undefined
}

/**
 * Writes the wanted outputs. An output has the values of all rows, so the answer begins after the last row.
 */
export function* encodeInfer(
  { infer: request, model, wanted: all, warned }: InferAsked,
  rows: readonly RequestRow[],
  results: Iterable<RowResult | undefined>,
  hold: Hold,
): Steps<InferAnswer> {
  checkAnswer(rows, (row) => all.map((each) => ({ name: each.name, amount: countOf(each, row) })))
  if (rows.some(({ draw }) => draw?.n !== rows[0]!.draw?.n)) {
    throw new Problem('INVALID_REQUEST', 'Expected n to be the same for all rows')
  }
  const taken = all.map((): Values[] => [])
  const reported = new Set<string>()
  const warnings: unknown[] = [...warned]
  let index = 0
  for (const result of results) {
    if (!result) {
      yield undefined
      continue
    }
    const row = rows[index]!
    for (const [i, { of, classes }] of all.entries()) {
      const values =
        classes === undefined
          ? of(result, row)
          : classify(result, row.vocabSize, Math.min(classes, row.vocabSize))
      hold(sizeOf(values))
      taken[i]!.push(values)
    }
    for (const name of model.outputs) {
      if (isReport(name) && result[name] !== undefined) reported.add(name)
    }
    for (const warning of result.warnings) warnings.push({ ...warning, row: index })
    index++
    yield undefined
  }
  const isNamed = (request.outputs ?? []).length > 0
  for (const name of reported) {
    if (all.some((output) => output.name === name)) continue
    const message = `output ${name} is left out; name it in outputs to get it`
    warnings.push({ code: 'OUTPUT_LEFT_OUT', message })
  }

  const binaries: Values[] = []
  const described: object[] = []
  const writes: { target: Target; values: Values[] }[] = []
  let binaryLength = 0
  for (const [i, { name, datatype, isList, isBinary, isReport, shared }] of all.entries()) {
    if (!isNamed && isReport && !reported.has(name)) continue
    const values = taken[i]!
    const shape = isList ? [rows.length, values[0]!.length] : [rows.length]
    if (shared) {
      const { part, target } = shared
      const length = yield* measure(toBinary(values))
      if (length > target.length) {
        outputFault(name, `It takes ${length} bytes, got ${target.length} of shared memory`)
      }
      writes.push({ target, values })
      described.push({ name, datatype, shape, parameters: parametersOf(part, length) })
    } else if (isBinary) {
      const binary_data_size = yield* measure(toBinary(values))
      binaries.push(...values)
      binaryLength += binary_data_size
      described.push({ name, datatype, shape, parameters: { binary_data_size } })
    } else described.push({ name, datatype, shape, data: new LongList(values) })
  }
  for (const { target, values } of writes) yield* writeShared(target, values)
  const header = {
    model_name: model.name,
    model_version: model.version,
    ...(request.id !== undefined && { id: request.id }),
    ...(warnings.length > 0 && { parameters: { warnings: JSON.stringify(warnings) } }),
    outputs: described,
  }
  if (binaries.length === 0) return { parts: writeHeader(header), lengths: undefined }
  // A header has the length of the JSON, so the JSON is measured before it is sent.
  const length = yield* measure(writeJson(header))
  const padding = (ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT
  const json = length + padding
  return {
    parts: writeBoth(header, padding, binaries),
    lengths: { json, all: json + binaryLength },
  }
}
