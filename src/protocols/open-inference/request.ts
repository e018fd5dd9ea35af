import * as z from 'zod'
import { Problem } from '../../errors.ts'
import { type Bytes, DecodedText, joinBytes, sliceBytes } from '../../sampling/bytes.ts'
import { Elements } from '../../sampling/elements.ts'
import { isList, list, numbersOf } from '../../sampling/parsed.ts'
import { toBatch } from '../../sampling/tensor.ts'
import { ByteQueue } from '../byte-queue.ts'
import { JsonReader } from '../json/reader.ts'
import { type Parameter, parametersOf, toValue } from '../parameters.ts'
import type { Operation, SamplingRequest } from '../request.ts'
import { validate } from '../validate.ts'
import { datatypeNames, datatypeOf } from './datatypes.ts'

/** Requests of the Open Inference Protocol with Triton's binary tensors. Clients may add fields of their own. */

const Parameters = z
  .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
  .meta({ description: 'Texts, numbers and booleans by name.' })

const Input = z.object({
  name: z.string(),
  shape: list(z.int().min(0), {
    description: 'Its dimensions.',
    items: { type: 'integer', minimum: 0 },
    maxItems: 8,
  }),
  datatype: z.enum(datatypeNames),
  parameters: Parameters.optional(),
  data: z
    .unknown()
    .meta({
      description: 'Its elements, row-major, flat or nested; absent where they follow in binary.',
    })
    .optional(),
})
type Input = z.output<typeof Input>

const RequestedOutput = z.object({ name: z.string(), parameters: Parameters.optional() })

export const InferRequest = z
  .object({
    id: z.string().optional().meta({ description: 'Comes back with the answer.' }),
    parameters: Parameters.optional(),
    inputs: list(Input, {
      description: 'The logits, and sampling parameters as tensors.',
      items: z.toJSONSchema(Input, { io: 'input' }),
      maxItems: 256,
    }),
    outputs: list(RequestedOutput, {
      description: 'What to answer with.',
      items: z.toJSONSchema(RequestedOutput, { io: 'input' }),
      maxItems: 256,
    }).optional(),
  })
  .meta({ id: 'InferRequest', description: 'A request of the Open Inference Protocol.' })
export type InferRequest = z.output<typeof InferRequest>

/** A request as it came: its JSON, and what follows it. */
export interface Infer {
  readonly request: InferRequest
  readonly binary: Bytes
}

/** The only input of a request that has no JSON: one row of float32. */
function rawRequest({ length }: Bytes): InferRequest {
  const shape = [1, Math.floor(length / 4)]
  const parameters = { binary_data_size: length }
  return {
    inputs: [{ name: 'logits', shape, datatype: 'FP32', parameters }],
    parameters: { binary_data_output: true },
  }
}

/** Takes a body in of which so many bytes are JSON; without a length, all are. */
export function openInfer(headerLength: number | undefined) {
  const reader = new JsonReader()
  const queue = new ByteQueue()
  let missing = headerLength ?? Number.POSITIVE_INFINITY
  return {
    push(piece: Uint8Array): boolean {
      const head = Math.min(missing, piece.length)
      if (head > 0) reader.push(piece.subarray(0, head))
      missing -= head
      if (head < piece.length) queue.push(piece.subarray(head))
      return head === piece.length
    },
    end(): Infer {
      const binary = queue.finish()
      if (headerLength === 0) return { request: rawRequest(binary), binary }
      if (headerLength !== undefined && missing > 0) {
        const detail = `Inference-Header-Content-Length is ${headerLength}, but the body ends ${missing} bytes before`
        throw new Problem('INVALID_REQUEST', detail)
      }
      return { request: validate(InferRequest, reader.end()) as InferRequest, binary }
    },
  }
}

function fault(name: string, detail: string): never {
  throw new Problem('INVALID_REQUEST', `input "${name.slice(0, 64)}": ${detail}`)
}

const countOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1)

/** The bytes of each input that has any, in the order in which they follow each other. */
function binariesOf({ request, binary }: Infer): Map<Input, Bytes> {
  const binaries = new Map<Input, Bytes>()
  let at = 0
  for (const input of request.inputs) {
    const size = input.parameters?.binary_data_size
    if (size === undefined) continue
    if (!Number.isSafeInteger(size) || (size as number) < 0) {
      fault(input.name, `Expected binary_data_size to be a number of bytes, got ${size}`)
    }
    const length = size as number
    if (at + length > binary.length) {
      fault(input.name, `Expected ${length} bytes of binary data, got ${binary.length - at}`)
    }
    binaries.set(input, sliceBytes(binary, at, length))
    at += length
  }
  if (at < binary.length) {
    const detail = `unexpected additional input data: ${binary.length - at} bytes after those of the inputs`
    throw new Problem('INVALID_REQUEST', detail)
  }
  return binaries
}

/** Elements in the order they are written, whatever the nesting. */
function leavesOf(data: unknown): (unknown[] | Elements)[] {
  if (!Array.isArray(data) || !data.some(isList)) return isList(data) ? [data] : [[data]]
  return data.flatMap(leavesOf)
}

function decodeLogits(input: Input, bytes: Bytes | undefined) {
  const { name, datatype, shape, data } = input
  const { dtype, width } = datatypeOf(datatype)
  if (!dtype) return fault(name, `Expected FP32, FP16, BF16 or FP64, got ${datatype}`)
  const [vocabSize, rows] = [shape.at(-1) ?? 0, shape.length === 2 ? shape[0]! : 1]
  if (shape.length < 1 || shape.length > 2 || countOf(shape) === 0) {
    fault(name, `Expected shape [V] or [B, V], got [${shape}]`)
  }
  if (bytes) return toBatch(dtype, shape, bytes, (message) => fault(name, message))
  if (width === 2) fault(name, `${datatype} has no JSON form: send it as binary data`)
  const leaves = leavesOf(data).map((leaf): Elements => {
    const numbers = numbersOf(leaf)
    return numbers.fault
      ? fault(name, `Expected numbers, got another value at index ${numbers.fault.index}`)
      : numbers
  })
  const count = leaves.reduce((sum, { length }) => sum + length, 0)
  if (count !== rows * vocabSize) {
    fault(name, `Shape [${shape}] has ${rows * vocabSize} elements, got ${count}`)
  }
  const [all] = leaves
  const split =
    leaves.length === 1
      ? Array.from({ length: rows }, (_, row) => all!.slice(row * vocabSize, vocabSize))
      : leaves
  if (split.some(({ length }) => length !== vocabSize)) {
    fault(name, `Expected rows of ${vocabSize} elements`)
  }
  return { rows: split, vocabSize, isBatch: shape.length === 2, pathOf: () => [] }
}

function readValues(input: Input, bytes: Bytes | undefined): unknown[] {
  const { name, datatype, shape, data } = input
  const { width, read } = datatypeOf(datatype)
  const count = countOf(shape)
  if (bytes && width !== undefined && bytes.length !== count * width) {
    fault(name, `Shape [${shape}] of ${datatype} takes ${count * width} bytes, got ${bytes.length}`)
  }
  let values: unknown[]
  try {
    values = bytes
      ? read(joinBytes(bytes))
      : leavesOf(data).flatMap((leaf) =>
          leaf instanceof Elements ? Array.from(leaf.toFloat64()) : leaf,
        )
  } catch (error) {
    return fault(name, `Malformed ${datatype}: ${(error as Error).message}`)
  }
  if (values.length !== count) {
    fault(name, `Shape [${shape}] has ${count} elements, got ${values.length}`)
  }
  return values
}

/** A value for each row, or one for all. */
function rowValues(
  input: Input,
  bytes: Bytes | undefined,
  rows: number,
  parameter: Parameter,
): unknown[] {
  const { name, shape } = input
  if (parameter.kind === 'logits') {
    const batch = decodeLogits(input, bytes)
    return batch.isBatch ? [...batch.rows] : [batch.rows[0]]
  }
  const values = readValues(input, bytes)
  const perRow =
    parameter.isList || parameter.kind === 'bytes' ? shape.length > 1 : values.length > 1
  if (perRow && shape[0] !== rows) {
    fault(name, `Expected a value for each of ${rows} rows, got shape [${shape}]`)
  }
  const count = perRow ? rows : 1
  const length = values.length / count
  return Array.from({ length: count }, (_, row) => {
    const own = values.slice(row * length, (row + 1) * length)
    if (parameter.kind === 'bytes') return toBytes(own as number[])
    // Lists of different lengths are padded with negative numbers.
    if (parameter.isList) return own.filter((value) => !((value as number) < 0))
    if (own.length !== 1) fault(name, `Expected one value for each row, got shape [${shape}]`)
    return own[0]
  })
}

/** Words of a mask, as the field takes them. */
function toBytes(words: readonly number[]): DecodedText {
  const bytes = new Uint8Array(Int32Array.from(words).buffer)
  return new DecodedText(bytes.length, { pieces: [bytes], length: bytes.length })
}

/** Parameters that are about the protocol, or about a batching server. */
const ignored =
  /^(binary_data_output|sequence_id|sequence_start|sequence_end|priority|timeout|headers|content_type|triton_.*)$/

/** How requests for an operation are to be understood. */
export function inferDecoder({ Fields }: Operation) {
  const parameters = parametersOf(Fields)
  return (infer: Infer): SamplingRequest => {
    const { inputs, parameters: given = {} } = infer.request
    const binaries = binariesOf(infer)
    const logitsInput = inputs.find(({ name }) => name === 'logits')
    if (!logitsInput) throw new Problem('INVALID_REQUEST', 'Expected an input named "logits"')
    const logits = decodeLogits(logitsInput, binaries.get(logitsInput))
    const count = logits.rows.length

    const shared: Record<string, unknown> = {}
    const own = Array.from({ length: count }, (): Record<string, unknown> => ({}))
    let isShared = true
    for (const [name, value] of Object.entries(given)) {
      if (ignored.test(name)) continue
      shared[name] = typeof value === 'string' ? toValue(value, parameters.get(name)) : value
    }
    const seen = new Set<string>()
    for (const input of inputs) {
      const { name } = input
      if (seen.has(name)) fault(name, 'Expected each input once')
      seen.add(name)
      if (input === logitsInput) continue
      const parameter = parameters.get(name)
      if (!parameter) {
        // Its schema says what is wrong: there is no such field, or it has another form.
        shared[name] = input.data ?? null
        continue
      }
      const values = rowValues(input, binaries.get(input), count, parameter)
      if (values.length === 1) shared[name] = values[0]
      else {
        isShared = false
        for (const [row, value] of values.entries()) own[row]![name] = value
      }
    }
    const fields = validate(Fields, shared)
    return { ...fields, logits, ...(!isShared && { rows: own }) } as SamplingRequest
  }
}
