import { Problem } from '../../errors.ts'
import type { Batch } from '../../fields/batch.ts'
import { validate } from '../../request/validate.ts'
import type { Bytes } from '../../tensors/bytes.ts'
import { ByteQueue } from '../byte-queue.ts'
import { JsonBody } from '../json/body.ts'
import type { Hold } from '../steps.ts'
import { TensorBody } from '../tensor-body.ts'
import { datatypeOf } from './datatypes.ts'
import {
  checkLogits,
  checkParameters,
  countOf,
  fault,
  InferRequest,
  type Input,
  LOGITS,
} from './inputs.ts'
import { partOf, sharedNames } from './parts.ts'

const HEADER = 'Inference-Header-Content-Length'

/** A request as it is sent: its JSON, and the tensors that follow it. */
export interface Infer {
  readonly request: InferRequest
  /** The logits, if they follow the JSON. */
  readonly logits: Batch | undefined
  readonly binaries: ReadonlyMap<Input, Bytes>
}

/** Checks the JSON. The error about a field of /v1 at the top level names the right place. */
function readRequest(value: unknown): InferRequest {
  try {
    return validate(InferRequest, value) as InferRequest
  } catch (error) {
    if (!(error instanceof Problem) || !/^\/[^/]+: Unknown field/.test(error.message)) throw error
    const detail = `${error.message}; send fields of /v1 in "parameters" or as inputs`
    throw new Problem(error.code, detail, error.faults)
  }
}

/** The request that a body without JSON stands for: one row of float32. */
function rawRequest(length: number): InferRequest {
  const shape = [1, Math.floor(length / 4)]
  const parameters = { binary_data_size: length }
  return {
    inputs: [{ name: LOGITS, shape, datatype: 'FP32', parameters }],
    parameters: { binary_data_output: true },
  }
}

/** An input whose bytes follow the JSON, and the reader of these bytes. */
interface Section {
  readonly input: Input
  readonly size: number
  readonly body: TensorBody | ByteQueue
  missing: number
}

/** The inputs whose bytes follow the JSON, in order. */
function sectionsOf({ inputs }: InferRequest): Section[] {
  return inputs.flatMap((input): Section[] => {
    const { name, parameters, datatype, shape, data } = input
    const owner = `input "${name.slice(0, 64)}"`
    checkParameters(owner, parameters, ['binary_data_size', ...sharedNames])
    const size = parameters?.binary_data_size ?? undefined
    if (partOf(owner, parameters)) {
      if (data === undefined && size === undefined) return []
      fault(name, 'Expected the elements in shared memory alone, got them in the body too')
    }
    const isEmpty = data === undefined && countOf(shape) === 0
    if ((size === undefined) === (data === undefined) && !isEmpty) {
      const got = data === undefined ? 'neither' : 'both'
      fault(name, `Expected data or binary_data_size, got ${got}`)
    }
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
    const body = new TensorBody(dtype, shape, missing, (message) => fault(name, message))
    return [{ input, size: missing, missing, body }]
  })
}

/** Reads a body: first `headerLength` bytes of JSON, then tensors. Without a header length the whole body is JSON. */
export class InferBody {
  readonly #json: JsonBody
  readonly #headerLength: number | undefined
  #missing: number
  #request: InferRequest | undefined
  #sections: Section[] = []
  #section = 0
  /** A body without JSON whose length is not announced. It is read at its end. */
  #raw: ByteQueue | undefined

  /** `length` is the announced length of the whole body, `limit` the longest accepted one. */
  constructor(
    headerLength: number | undefined,
    length: number | undefined,
    limit?: number,
    hold?: Hold,
  ) {
    this.#json = new JsonBody(limit, hold)
    this.#headerLength = headerLength
    this.#missing = headerLength ?? Number.POSITIVE_INFINITY
    if (headerLength !== 0) return
    if (length === undefined) this.#raw = new ByteQueue()
    else this.#begin(rawRequest(length))
  }

  #begin(request: InferRequest): void {
    this.#request = request
    this.#sections = sectionsOf(request)
    const first = this.#sections.find(({ size }) => size > 0)
    if (this.#headerLength === undefined && first) {
      const detail = `Expected the header ${HEADER} with the length of the JSON, because ${first.size} bytes follow it`
      fault(first.input.name, detail)
    }
  }

  /** Returns true if the body keeps no reference to the piece. */
  push(piece: Uint8Array): boolean {
    const head = Math.min(this.#missing, piece.length)
    const isDone = head === 0 || this.#read(() => this.#json.push(piece.subarray(0, head)))
    this.#missing -= head
    if (this.#missing > 0) return isDone
    this.#readHeader()
    return head === piece.length || this.#pushBinary(piece.subarray(head))
  }

  #readHeader(): void {
    if (this.#request || this.#raw) return
    const value = this.#read(() => this.#json.end())
    this.#begin(readRequest(value))
  }

  /** Runs a part of reading JSON. If the JSON is faulty, the error also names its length, which may be the cause. */
  #read<Value>(part: () => Value): Value {
    try {
      return part()
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      const length = this.#headerLength
      if (length === undefined && !this.#json.isComplete) throw error
      const hint =
        length === undefined
          ? `if tensors follow the JSON, send its length as ${HEADER}`
          : `${HEADER} is ${length}`
      throw new Problem(error.code, `${error.message}; ${hint}`)
    }
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
        const detail = `unexpected additional input data: at least ${piece.length - from} bytes after the last input`
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
      const detail = `${HEADER} is ${this.#headerLength}, but the body is ${this.#missing} bytes shorter`
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

  /** Frees the bytes. Call this after their last use. */
  release(): void {
    this.#json.release()
    this.#raw?.release()
    for (const { body } of this.#sections) body.release()
  }
}
