import { Problem, problemAt } from '../../errors.ts'
import type { DenseBatch } from '../../fields/batch.ts'
import { type Form, formsOf } from '../../fields/form.ts'
import { DecodedText, NumberList } from '../../fields/long-values.ts'
import { describeValue, isList, itemsOf, numbersOf } from '../../fields/parsed.ts'
import { readShape, toBatch } from '../../fields/tensor.ts'
import { answerNames, type SamplingRequest } from '../../request/operations.ts'
import { toValue } from '../../request/texts.ts'
import { validate } from '../../request/validate.ts'
import { type Bytes, joinBytes } from '../../tensors/bytes.ts'
import type { Elements } from '../../tensors/elements.ts'
import type { Warning } from '../../warning.ts'
import type { Hold } from '../steps.ts'
import type { Infer } from './body.ts'
import { datatypeOf, toDecimal } from './datatypes.ts'
import { BINARY_OUTPUT, checkLogits, countOf, fault, type Input, LOGITS } from './inputs.ts'
import type { Model } from './models.ts'

/** The innermost lists of nested data, in order. */
function leavesOf(data: unknown): (unknown[] | NumberList)[] {
  if (!Array.isArray(data) || !data.some(isList)) return isList(data) ? [data] : [[data]]
  return data.flatMap(leavesOf)
}

function decodeLogits(input: Input, bytes: Bytes | undefined): DenseBatch {
  const { name, datatype, shape, data } = input
  const dtype = checkLogits(input)
  const { rows, vocabSize } = readShape(shape, (message) => fault(name, message))
  if (bytes) return toBatch(dtype, shape, bytes, (message) => fault(name, message))
  if (datatypeOf(datatype).width === 2) {
    fault(name, `${datatype} has no JSON form; send it as binary data`)
  }
  const leaves = leavesOf(data).map((leaf): Elements => {
    const { elements, fault: odd } = numbersOf(leaf)
    return odd ? fault(name, `Expected numbers, got another value at index ${odd.index}`) : elements
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

/** The largest number of values in all inputs except logits: 32 rows with a context of 128,000 tokens each. A value takes far more memory than its bytes. */
const MAX_VALUES = 2 ** 22
/** An upper bound of the memory of a value in bytes, including later copies. */
const VALUE = 32
/** The largest number of bytes in all BYTES inputs together. */
const MAX_TEXT = 2 ** 20

/** Adds up the values of inputs, and refuses the input that exceeds a limit. */
class Budget {
  #values = 0
  #text = 0

  /** Adds an input. Returns the number of its values. */
  take({ name, datatype, shape }: Input, bytes: Bytes | undefined): number {
    const count = countOf(shape)
    this.#values += count
    if (this.#values > MAX_VALUES) {
      fault(name, `Expected at most ${MAX_VALUES} values in all inputs except logits`)
    }
    if (datatype === 'BYTES') this.#text += bytes?.length ?? 0
    if (this.#text > MAX_TEXT)
      fault(name, `Expected at most ${MAX_TEXT} bytes in all inputs of datatype BYTES`)
    return count
  }
}

function readValues(input: Input, bytes: Bytes | undefined): unknown[] {
  const { name, datatype, shape, data = [] } = input
  const { width, read } = datatypeOf(datatype)
  const count = countOf(shape)
  if (bytes && width !== undefined && bytes.length !== count * width) {
    fault(name, `Shape [${shape}] of ${datatype} takes ${count * width} bytes, got ${bytes.length}`)
  }
  const checkCount = (got: number) => {
    if (got !== count) fault(name, `Shape [${shape}] has ${count} elements, got ${got}`)
  }
  const leaves = bytes ? [] : leavesOf(data)
  if (!bytes) checkCount(leaves.reduce((sum, { length }) => sum + length, 0))
  let values: unknown[]
  try {
    values = bytes ? read(joinBytes(bytes)) : leaves.flatMap(itemsOf)
  } catch (error) {
    return fault(name, `Malformed ${datatype}: ${(error as Error).message}`)
  }
  checkCount(values.length)
  const index = values.findIndex((value) => value === null || typeof value === 'object')
  if (index >= 0) {
    fault(name, `Expected a value at index ${index}, got ${describeValue(values[index])}`)
  }
  return values
}

/** The values of an input: one for each row, or a single one for all rows. */
function rowValues(
  input: Input,
  bytes: Bytes | undefined,
  rows: number,
  parameter: Form,
): unknown[] {
  const { name, shape, datatype } = input
  const { kind } = parameter
  if (kind === 'bytes' && datatype !== 'INT32' && datatype !== 'UINT32') {
    fault(name, `Expected the words of the mask as INT32, got ${datatype}`)
  }
  if (kind === 'logits') {
    const { isBatch, rows: lists } = decodeLogits(input, bytes)
    const values = lists.map((row) => new NumberList(row))
    return isBatch ? values : values.slice(0, 1)
  }
  const values = readValues(input, bytes)
  const perRow = parameter.isList || kind === 'bytes' ? shape.length > 1 : values.length > 1
  if (perRow && shape[0] !== rows) {
    fault(name, `Expected a value for each of ${rows} rows, got shape [${shape}]`)
  }
  const count = perRow ? rows : 1
  const length = values.length / count
  return Array.from({ length: count }, (_, row) => {
    const own = values.slice(row * length, (row + 1) * length)
    if (kind === 'bytes') return toBytes(name, own)
    if (parameter.isList) return withoutPadding(own)
    if (own.length !== 1) fault(name, `Expected one value for each row, got shape [${shape}]`)
    const [value] = own
    if (typeof value === 'number') return toDecimal(value, datatype)
    const isJson = kind === 'object' || kind === 'json'
    return isJson && typeof value === 'string' ? toValue(value, parameter) : value
  })
}

/** Removes the negative numbers that pad lists of different lengths, at their start or end. */
function withoutPadding(values: readonly unknown[]): unknown[] {
  const isPadding = (value: unknown) => (value as number) < 0
  const first = values.findIndex((value) => !isPadding(value))
  const last = values.findLastIndex((value) => !isPadding(value))
  return first < 0 ? [] : values.slice(first, last + 1)
}

/** The words of a mask as the bytes that its field takes. */
function toBytes(name: string, words: readonly unknown[]): DecodedText {
  const isWord = (word: unknown) =>
    Number.isInteger(word) && (word as number) >= -(2 ** 31) && (word as number) < 2 ** 32
  const index = words.findIndex((word) => !isWord(word))
  if (index >= 0) {
    fault(name, `Expected words of 32 bits, got ${describeValue(words[index])} at index ${index}`)
  }
  const bytes = new Uint8Array(Int32Array.from(words as number[]).buffer)
  return new DecodedText(bytes.length, { pieces: [bytes], length: bytes.length })
}

/** Parameters for a batching server's queue and sequences. They have no effect here. */
const ignored =
  /^(sequence_id|sequence_start|sequence_end|priority|timeout|headers|content_type|triton_.*)$/

/** The decoded request, and warnings about its parts without effect. */
export interface Decoded {
  readonly request: SamplingRequest
  readonly warnings: readonly Warning[]
}

const withoutEffect = (name: string, why: string): Warning => ({
  code: 'PARAMETER_WITHOUT_EFFECT',
  message: `${name} has no effect: ${why}`,
})

/** The value of a parameter that is sent as text. */
function readText(name: string, text: string | DecodedText, parameter: Form | undefined) {
  if (typeof text === 'string') return toValue(text, parameter)
  // Only the base64 of a `DecodedText` is kept.
  if (parameter === undefined || parameter.kind === 'bytes') return text
  const detail = `${text.length} characters are too many for a parameter; send it as an input`
  throw problemAt('INVALID_REQUEST', [name], detail)
}

/** Makes the decoder of requests for a model. `asked` are the fields of the query. */
export function inferDecoder({ name: model, version, operation: { Fields } }: Model) {
  const parameters = formsOf(Fields)
  return (
    infer: Infer,
    asked: Readonly<Record<string, unknown>> = {},
    hold: Hold = () => {},
  ): Decoded => {
    const { inputs, parameters: given = {}, model_name, model_version } = infer.request
    const { binaries } = infer
    const logitsInput = inputs.find(({ name }) => name === LOGITS)
    if (!logitsInput) throw new Problem('INVALID_REQUEST', `Expected an input named "${LOGITS}"`)
    const logits = infer.logits ?? decodeLogits(logitsInput, undefined)
    const count = logits.rows.length

    // A Map, because names such as `__proto__` are special in an object.
    const shared = new Map<string, unknown>(Object.entries(asked))
    const own = Array.from({ length: count }, (): Record<string, unknown> => ({}))
    const warnings: Warning[] = []
    const path = `the path selects the model, ${model} of version ${version}`
    if ((model_name ?? model) !== model) warnings.push(withoutEffect('model_name', path))
    if ((model_version ?? version) !== version) warnings.push(withoutEffect('model_version', path))
    let isShared = true
    for (const [name, value] of Object.entries(given)) {
      if (name === BINARY_OUTPUT || (value === null && shared.has(name))) continue
      if (ignored.test(name)) {
        if (value)
          warnings.push(withoutEffect(name, 'Kelvin has no batching queue and no sequences'))
      } else {
        const isText = typeof value === 'string' || value instanceof DecodedText
        shared.set(name, isText ? readText(name, value, parameters.get(name)) : value)
      }
    }
    const seen = new Set<string>()
    const budget = new Budget()
    for (const input of inputs) {
      const { name } = input
      if (seen.has(name)) fault(name, 'Expected each input once')
      seen.add(name)
      if (input === logitsInput) continue
      const parameter = parameters.get(name)
      if (!parameter) {
        // The schema reports the fault: an unknown field, or a field that an input cannot be.
        shared.set(name, input.data ?? null)
        continue
      }
      const bytes = binaries.get(input)
      if (parameter.kind !== 'logits') hold(VALUE * budget.take(input, bytes))
      const values = rowValues(input, bytes, count, parameter)
      if (values.length === 1) shared.set(name, values[0])
      else {
        isShared = false
        for (const [row, value] of values.entries()) own[row]![name] = value
      }
    }
    const fields = validate(Fields, Object.fromEntries(shared))
    for (const name of answerNames) {
      if ((shared.get(name) ?? own[0]?.[name] ?? null) === null) continue
      warnings.push(withoutEffect(name, 'the outputs of the request select what is answered'))
    }
    const rows = isShared ? undefined : own
    return { request: { ...fields, logits, rows }, warnings }
  }
}
