import * as z from 'zod'
import { samplingFields, scoreFields } from '../src/sampling/params.ts'
import type { RowRequest } from '../src/sampling/sample.ts'
import { Elements } from '../src/tensors/elements.ts'

const Params = z.strictObject({ ...samplingFields, ...scoreFields })
export type Params = z.input<typeof Params>

export function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!
}

/** Time of `work` in microseconds. */
export function time(work: () => void): number {
  const start = process.hrtime.bigint()
  work()
  return Number(process.hrtime.bigint() - start) / 1000
}

/** A request for one row, with `history` tokens of output. */
export function requestOf(
  logits: Float32Array,
  params: Params,
  step: number,
  history = 0,
): RowRequest {
  return {
    logits: Elements.of(logits),
    pathOf: () => ['logits'],
    params: Params.parse(params),
    prompt: new Uint32Array(0),
    output: Uint32Array.from({ length: history }, (_, i) => (i * 7919) % logits.length),
    stop: new Uint32Array(0),
    state: {},
    address: { seed: 42n, stream: 0n, step: BigInt(step) },
    draw: { n: 1, replacement: true },
  }
}
