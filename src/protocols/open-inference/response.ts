import * as z from 'zod'
import { Problem } from '../../errors.ts'
import { denseProbabilities, topTokens } from '../../sampling/distribution.ts'
import type { RowResult } from '../../sampling/pipeline.ts'
import type { Warning } from '../../sampling/sampler.ts'
import type { Work } from '../../sampling/work.ts'
import { type Items, isNumbers, LongList, PART, type Values, writeJson } from '../json/write.ts'
import { checkAnswer } from '../limits.ts'
import type { DecodedRow } from '../rows.ts'
import type { Hold, Part, Steps } from '../steps.ts'
import { type DatatypeName, writeTexts } from './datatypes.ts'
import { BINARY_OUTPUT, checkParameters, Datatype, type InferRequest, readFlag } from './inputs.ts'
import type { Model } from './models.ts'

export const InferResponse = z
  .object({
    model_name: z.string(),
    model_version: z.string(),
    id: z.string().optional(),
    parameters: z
      .object({
        warnings: z.string().optional().meta({
          description:
            'Warnings as in /v1, as JSON text; one that is about no row in particular has no `row`.',
        }),
      })
      .meta({ title: 'InferAnswerParameters', description: 'What else the answer says.' })
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
            .meta({ description: 'The elements, row-major; absent where they follow in binary.' }),
          parameters: z
            .object({ binary_data_size: z.int().min(0) })
            .meta({
              title: 'InferOutputParameters',
              description: 'Of a tensor that follows in binary.',
            })
            .optional(),
        })
        .meta({ title: 'InferOutput', description: 'A tensor of an answer.' }),
    ),
  })
  .meta({ title: 'InferResponse', description: 'An answer of the Open Inference Protocol.' })

/** What a model can answer with, one value or a list of them for each row. */
export interface Output {
  readonly datatype: DatatypeName
  readonly description: string
  /** Whether it is a list for each row. */
  readonly isList: boolean
  /** Whether it is there only where a field asks for it, and then comes without being named. */
  readonly isReport?: boolean
  of(result: RowResult, row: DecodedRow): Values
}

type Report = 'top' | 'scored' | 'trace' | 'watched' | 'state'

/** What /v1 has under this name in a result, as JSON text; `null` where no field asks for it. */
function report(name: Report, description: string) {
  return {
    datatype: 'BYTES',
    description: `${description} As in /v1, as JSON text.`,
    isList: false,
    isReport: true,
    of: (result: RowResult) => [JSON.stringify(result[name] ?? null)],
  } as const
}

export const outputs = {
  token_ids: {
    datatype: 'INT64',
    description: 'The drawn tokens.',
    isList: true,
    of: ({ drawn }) => BigInt64Array.from(drawn!.token_ids, BigInt),
  },
  logprobs: {
    datatype: 'FP32',
    description: 'Of each drawn token, a natural logarithm.',
    isList: true,
    of: ({ drawn }) => Float32Array.from(drawn!.logprobs),
  },
  probabilities: {
    datatype: 'FP32',
    description: 'One for each vocabulary entry; 0 for a token that was removed.',
    isList: true,
    of: ({ row }, { vocabSize }) => denseProbabilities(row, new Float32Array(vocabSize)),
  },
  kept_count: {
    datatype: 'INT64',
    description: 'How many tokens are left.',
    isList: false,
    of: ({ row }) => BigInt64Array.of(BigInt(row.size)),
  },
  entropy: {
    datatype: 'FP32',
    description: 'Of the final distribution, in nats.',
    isList: false,
    of: ({ row }) => Float32Array.of(row.entropy()),
  },
  seed: {
    datatype: 'UINT64',
    description: 'Send it again, with `stream`, to replay the draw.',
    isList: false,
    of: (_result, { address }) => BigUint64Array.of(address.seed),
  },
  stream: {
    datatype: 'UINT64',
    description: 'Tells apart rows that share a seed.',
    isList: false,
    of: (_result, { address }) => BigUint64Array.of(address.stream),
  },
  top: report('top', 'The most likely tokens, where `top_logprobs` asks for them.'),
  scored: report('scored', 'The tokens of `logprob_token_ids`.'),
  trace: report('trace', 'What each sampler did, where `trace` asks for it.'),
  watched: report('watched', 'Which sampler dropped each token of `watch_token_ids`.'),
  state: report('state', 'What samplers remember: the parameter `state` of the next step.'),
} as const satisfies Record<string, Output>

export type OutputName = keyof typeof outputs

/** Classes as "probability:id", which are made of their numbers when they are written. */
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

/** The most likely tokens; after those left come those removed, ids ascending. */
function* classify(row: RowResult['row'], count: number): Work<Classes> {
  const { token_ids, probabilities } = yield* topTokens(row, count)
  const ids = new Uint32Array(count)
  ids.set(token_ids)
  const isRanked = new Uint8Array(row.vocabSize)
  for (const id of token_ids) isRanked[id] = 1
  yield undefined
  let next = token_ids.length
  for (let id = 0; next < count; id++) if (isRanked[id] === 0) ids[next++] = id
  const ofRanked = new Float32Array(count)
  ofRanked.set(probabilities)
  return new Classes(ids, ofRanked)
}

interface Wanted extends Output {
  readonly name: string
  readonly isBinary: boolean
  /** How many classes, where classes are asked for. */
  readonly classes?: number
}

/** How many numbers of the answer a row has of an output. A class is two: its text is about as long. */
function countOf({ name, classes, isList }: Wanted, { vocabSize, draw }: DecodedRow): number {
  if (classes !== undefined) return 2 * Math.min(classes, vocabSize)
  if (name === 'probabilities') return vocabSize
  return isList ? (draw?.n ?? 1) : 1
}

/** The outputs that are asked for by name, or those of a request that names none. */
function wantedOf({ outputs: requested, parameters = {} }: InferRequest, model: Model): Wanted[] {
  const isBinary = readFlag('parameters', BINARY_OUTPUT, parameters[BINARY_OUTPUT]) ?? false
  if (!requested || requested.length === 0) {
    const reports = model.outputs.filter((name) => isReport(name))
    return [...model.defaults, ...reports].map((name) => ({ ...outputs[name], name, isBinary }))
  }
  return requested.map(({ name, parameters: own = {} }): Wanted => {
    if (!(model.outputs as readonly string[]).includes(name)) {
      const known = model.outputs.join(', ')
      throw new Problem(
        'INVALID_REQUEST',
        `unexpected output "${name.slice(0, 64)}": there are ${known}`,
      )
    }
    const owner = `output "${name}"`
    checkParameters(owner, own, ['binary_data', 'classification'])
    const output: Output = outputs[name as OutputName]
    const binary = readFlag(owner, 'binary_data', own.binary_data) ?? isBinary
    const wanted = { ...output, name, isBinary: binary }
    const { classification } = own
    if (classification === undefined || classification === null) return wanted
    if (name !== 'probabilities') {
      throw new Problem('INVALID_REQUEST', `output "${name}" has no classes; probabilities has`)
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

/** An answer, and where binary data follows its JSON, how many bytes are JSON, and how many all. */
export interface InferAnswer {
  readonly parts: Steps
  readonly lengths: { readonly json: number; readonly all: number } | undefined
}

/** Binary data begins where any element may be read in place. */
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

/** How many bytes some parts take. */
function* measure(parts: Iterable<Part | undefined>): Steps<number> {
  let length = 0
  for (const part of parts) {
    if (part !== undefined) length += Buffer.byteLength(part)
    yield undefined
  }
  return length
}

/** JSON in bytes: of a text Fastify would change the content type. */
function* writeHeader(header: object): Steps {
  for (const text of writeJson(header)) yield text && Buffer.from(text as string)
}

function* writeBoth(header: object, padding: number, binaries: readonly Values[]): Steps {
  yield* writeHeader(header)
  yield Buffer.alloc(padding, ' ')
  yield* toBinary(binaries)
}

/** At most how many bytes some values take. */
function sizeOf(values: Values): number {
  if (isNumbers(values) || values instanceof Classes) return values.byteLength
  return (values as string[]).reduce((sum, { length }) => sum + 2 * length, 0)
}

const isReport = (name: OutputName): name is Report => 'isReport' in outputs[name]

/**
 * Writes what is wanted of each row; `warned` is what is to be said of the request itself. An output has
 * the values of all rows, so they are kept until the last row.
 */
export function* encodeInfer(
  { request, model, warned }: { request: InferRequest; model: Model; warned: readonly Warning[] },
  rows: readonly DecodedRow[],
  results: Iterable<RowResult | undefined>,
  hold: Hold,
): Steps<InferAnswer> {
  const all = wantedOf(request, model)
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
          : yield* classify(result.row, Math.min(classes, row.vocabSize))
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
    const message = `the output ${name} is not among those that the request names, and is left out`
    warnings.push({ code: 'OUTPUT_LEFT_OUT', message })
  }

  const binaries: Values[] = []
  const described: object[] = []
  let binaryLength = 0
  for (const [i, { name, datatype, isList, isBinary, isReport }] of all.entries()) {
    if (!isNamed && isReport && !reported.has(name)) continue
    const values = taken[i]!
    const shape = isList ? [rows.length, values[0]!.length] : [rows.length]
    if (isBinary) {
      const binary_data_size = yield* measure(toBinary(values))
      binaries.push(...values)
      binaryLength += binary_data_size
      described.push({ name, datatype, shape, parameters: { binary_data_size } })
    } else described.push({ name, datatype, shape, data: new LongList(values) })
  }
  const header = {
    model_name: model.name,
    model_version: model.version,
    ...(request.id !== undefined && { id: request.id }),
    ...(warnings.length > 0 && { parameters: { warnings: JSON.stringify(warnings) } }),
    outputs: described,
  }
  if (binaries.length === 0) return { parts: writeHeader(header), lengths: undefined }
  // Its length goes into a header.
  const length = yield* measure(writeJson(header))
  const padding = (ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT
  const json = length + padding
  return {
    parts: writeBoth(header, padding, binaries),
    lengths: { json, all: json + binaryLength },
  }
}
