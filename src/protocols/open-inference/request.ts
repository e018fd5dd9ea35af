import { Problem } from '../../errors.ts'
import type { Batch } from '../../sampling/batch.ts'
import { type Bytes, DecodedText, joinBytes } from '../../sampling/bytes.ts'
import { Elements } from '../../sampling/elements.ts'
import { describeValue, isList, numbersOf } from '../../sampling/parsed.ts'
import { readShape, toBatch } from '../../sampling/tensor.ts'
import { type Parameter, parametersOf, toValue } from '../parameters.ts'
import type { Operation, SamplingRequest } from '../request.ts'
import { validate } from '../validate.ts'
import type { Infer } from './body.ts'
import { datatypeOf, toDecimal } from './datatypes.ts'
import { checkLogits, countOf, fault, type Input, LOGITS } from './inputs.ts'

/** Elements in the order they are written, whatever the nesting. */
function leavesOf(data: unknown): (unknown[] | Elements)[] {
  if (!Array.isArray(data) || !data.some(isList)) return isList(data) ? [data] : [[data]]
  return data.flatMap(leavesOf)
}

function decodeLogits(input: Input, bytes: Bytes | undefined): Batch {
  const { name, datatype, shape, data } = input
  const dtype = checkLogits(input)
  const { rows, vocabSize } = readShape(shape, (message) => fault(name, message))
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
  const index = values.findIndex((value) => value === null || typeof value === 'object')
  if (index >= 0) {
    fault(name, `Expected a value at index ${index}, got ${describeValue(values[index])}`)
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
  const { name, shape, datatype } = input
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
    const [value] = own
    return typeof value === 'number' ? toDecimal(value, datatype) : value
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

/** How requests for an operation are to be understood; `asked` is what the query says. */
export function inferDecoder({ Fields }: Operation) {
  const parameters = parametersOf(Fields)
  return (infer: Infer, asked: Readonly<Record<string, unknown>> = {}): SamplingRequest => {
    const { inputs, parameters: given = {} } = infer.request
    const { binaries } = infer
    const logitsInput = inputs.find(({ name }) => name === LOGITS)
    if (!logitsInput) throw new Problem('INVALID_REQUEST', `Expected an input named "${LOGITS}"`)
    const logits = infer.logits ?? decodeLogits(logitsInput, undefined)
    const count = logits.rows.length

    // Not an object, in which some names are no field.
    const shared = new Map<string, unknown>(Object.entries(asked))
    const own = Array.from({ length: count }, (): Record<string, unknown> => ({}))
    let isShared = true
    for (const [name, value] of Object.entries(given)) {
      if (ignored.test(name)) continue
      if (value === null && shared.has(name)) continue
      shared.set(name, typeof value === 'string' ? toValue(value, parameters.get(name)) : value)
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
        shared.set(name, input.data ?? null)
        continue
      }
      const values = rowValues(input, binaries.get(input), count, parameter)
      if (values.length === 1) shared.set(name, values[0])
      else {
        isShared = false
        for (const [row, value] of values.entries()) own[row]![name] = value
      }
    }
    const fields = validate(Fields, Object.fromEntries(shared))
    return Object.assign(fields, { logits, rows: isShared ? undefined : own }) as SamplingRequest
  }
}
