import * as z from 'zod'
import { Problem } from '../../errors.ts'
import type { Batch } from '../../sampling/batch.ts'
import { type Bytes, DecodedText, joinBytes } from '../../sampling/bytes.ts'
import { type Dtype, Elements } from '../../sampling/elements.ts'
import { isList, list, numbersOf } from '../../sampling/parsed.ts'
import { toBatch } from '../../sampling/tensor.ts'
import { ByteQueue } from '../byte-queue.ts'
import { JsonReader } from '../json/reader.ts'
import { type Parameter, parametersOf, toValue } from '../parameters.ts'
import type { Operation, SamplingRequest } from '../request.ts'
import { TensorBody } from '../tensor-body.ts'
import { validate } from '../validate.ts'
import { datatypeNames, datatypeOf } from './datatypes.ts'

/** The input that is not a parameter. */
const LOGITS = 'logits'

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

/** A request as it came: its JSON, and the tensors that followed it. */
export interface Infer {
  readonly request: InferRequest
  /** The logits, if they were among them. */
  readonly logits: Batch | undefined
  readonly binaries: ReadonlyMap<Input, Bytes>
}

/** The only input of a request that has no JSON: one row of float32. */
function rawRequest(length: number): InferRequest {
  const shape = [1, Math.floor(length / 4)]
  const parameters = { binary_data_size: length }
  return {
    inputs: [{ name: LOGITS, shape, datatype: 'FP32', parameters }],
    parameters: { binary_data_output: true },
  }
}

/** Where the bytes of an input go. */
interface Section {
  readonly input: Input
  readonly size: number
  readonly body: TensorBody | ByteQueue
  missing: number
}

function fault(name: string, detail: string): never {
  throw new Problem('INVALID_REQUEST', `input "${name.slice(0, 64)}": ${detail}`)
}

/** The inputs that follow the JSON, in the order in which they do. */
function sectionsOf({ inputs }: InferRequest): Section[] {
  return inputs.flatMap((input): Section[] => {
    const { name, parameters, datatype, shape } = input
    const size = parameters?.binary_data_size
    if (size === undefined) return []
    if (!Number.isSafeInteger(size) || (size as number) < 0) {
      fault(name, `Expected binary_data_size to be a number of bytes, got ${size}`)
    }
    const missing = size as number
    if (name !== LOGITS) return [{ input, size: missing, missing, body: new ByteQueue() }]
    const dtype = checkLogits(input)
    const takes = countOf(shape) * datatypeOf(datatype).width!
    if (missing !== takes) {
      fault(name, `Shape [${shape}] of ${datatype} takes ${takes} bytes, got ${missing}`)
    }
    const body = new TensorBody(dtype, shape, (message) => fault(name, message))
    return [{ input, size: missing, missing, body }]
  })
}

/** Takes a body in of which so many bytes are JSON; without a length, all are. */
export class InferBody {
  readonly #reader = new JsonReader()
  readonly #headerLength: number | undefined
  #missing: number
  #request: InferRequest | undefined
  #sections: Section[] = []
  #section = 0
  /** The body of a request without JSON, of a length that was not announced. */
  #raw: ByteQueue | undefined

  /** `length` is that of the whole body, if it is known. */
  constructor(headerLength: number | undefined, length: number | undefined) {
    this.#headerLength = headerLength
    this.#missing = headerLength ?? Number.POSITIVE_INFINITY
    if (headerLength !== 0) return
    if (length === undefined) this.#raw = new ByteQueue()
    else this.#begin(rawRequest(length))
  }

  #begin(request: InferRequest): void {
    this.#request = request
    this.#sections = sectionsOf(request)
  }

  /** Whether the piece is done with. */
  push(piece: Uint8Array): boolean {
    const head = Math.min(this.#missing, piece.length)
    if (head > 0) this.#reader.push(piece.subarray(0, head))
    this.#missing -= head
    if (this.#missing > 0) return true
    this.#readHeader()
    return head === piece.length || this.#pushBinary(piece.subarray(head))
  }

  #readHeader(): void {
    if (this.#request || this.#raw) return
    this.#begin(validate(InferRequest, this.#reader.end()) as InferRequest)
  }

  #pushBinary(piece: Uint8Array): boolean {
    if (this.#raw) {
      this.#raw.push(piece)
      return false
    }
    let isDone = true
    for (let from = 0; from < piece.length; ) {
      const section = this.#sections[this.#section]
      if (!section) {
        const detail = `unexpected additional input data: ${piece.length - from} bytes or more after those of the inputs`
        throw new Problem('INVALID_REQUEST', detail)
      }
      const to = Math.min(from + section.missing, piece.length)
      if (section.body.push(piece.subarray(from, to)) === false) isDone = false
      section.missing -= to - from
      if (section.missing === 0) this.#section++
      from = to
    }
    return isDone
  }

  end(): Infer {
    if (this.#raw) this.#endRaw(this.#raw)
    else if (this.#headerLength !== undefined && this.#missing > 0) {
      const detail = `Inference-Header-Content-Length is ${this.#headerLength}, but the body ends ${this.#missing} bytes before`
      throw new Problem('INVALID_REQUEST', detail)
    }
    this.#readHeader()
    let logits: Batch | undefined
    const binaries = new Map<Input, Bytes>()
    for (const { input, size, missing, body } of this.#sections) {
      if (missing > 0) {
        fault(input.name, `Expected ${size} bytes of binary data, got ${size - missing}`)
      }
      if (body instanceof TensorBody) logits = body.finish()
      else binaries.set(input, body.finish())
    }
    return { request: this.#request!, logits, binaries }
  }

  #endRaw(raw: ByteQueue): void {
    this.#raw = undefined
    const bytes = raw.finish()
    this.#begin(rawRequest(bytes.length))
    for (const piece of bytes.pieces) this.#pushBinary(piece)
  }

  /** When nothing is read of it any more. */
  release(): void {
    for (const { body } of this.#sections) if (body instanceof TensorBody) body.release()
  }
}

/** How many elements a shape has. */
function countOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1)
}

/** Elements in the order they are written, whatever the nesting. */
function leavesOf(data: unknown): (unknown[] | Elements)[] {
  if (!Array.isArray(data) || !data.some(isList)) return isList(data) ? [data] : [[data]]
  return data.flatMap(leavesOf)
}

/** What the logits are made of; their shape is one or two dimensions, none of them 0. */
function checkLogits({ name, datatype, shape }: Input): Dtype {
  const { dtype } = datatypeOf(datatype)
  if (!dtype) return fault(name, `Expected FP32, FP16, BF16 or FP64, got ${datatype}`)
  if (shape.length < 1 || shape.length > 2 || countOf(shape) === 0) {
    fault(name, `Expected shape [V] or [B, V], got [${shape}]`)
  }
  return dtype
}

function decodeLogits(input: Input, bytes: Bytes | undefined): Batch {
  const { name, datatype, shape, data } = input
  const dtype = checkLogits(input)
  const [vocabSize, rows] = [shape.at(-1)!, shape.length === 2 ? shape[0]! : 1]
  if (bytes) return toBatch(dtype, shape, bytes, (message) => fault(name, message))
  if (datatypeOf(datatype).width === 2) {
    fault(name, `${datatype} has no JSON form: send it as binary data`)
  }
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
    const { binaries } = infer
    const logitsInput = inputs.find(({ name }) => name === LOGITS)
    if (!logitsInput) throw new Problem('INVALID_REQUEST', `Expected an input named "${LOGITS}"`)
    const logits = infer.logits ?? decodeLogits(logitsInput, undefined)
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
    return Object.assign(fields, { logits, rows: isShared ? undefined : own }) as SamplingRequest
  }
}
