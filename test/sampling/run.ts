import * as z from 'zod'
import type { Draw } from '../../src/sampling/draw.ts'
import { samplingFields, scoreFields } from '../../src/sampling/params.ts'
import type { Address } from '../../src/sampling/philox.ts'
import { type RowRequest, type RowResult, resultsOf } from '../../src/sampling/sample.ts'
import type { Logits } from '../../src/tensors/candidates.ts'
import { Elements } from '../../src/tensors/elements.ts'

const Params = z.strictObject({ ...samplingFields, ...scoreFields })
export type Params = z.input<typeof Params>

export interface History {
  prompt?: readonly number[]
  output?: readonly number[]
  stop?: readonly number[]
  state?: Record<string, number>
}

export interface Run extends Omit<RowResult, 'probabilities'> {
  entropy: number
  ids: number[]
  probabilities: Float64Array
}

/** The request of a row, from parameters as a client sends them. */
export function requestFor(
  logits: Float32Array | Logits,
  params: Params,
  draw?: Partial<Draw & Address>,
  { prompt = [], output = [], stop = [], state = {} }: History = {},
): RowRequest {
  const { n = 1, replacement = true, ...address } = draw ?? {}
  return {
    logits: logits instanceof Float32Array ? Elements.of(logits) : logits,
    pathOf: (id) => (id === undefined ? ['logits'] : ['logits', id]),
    params: Params.parse(params),
    prompt: Uint32Array.from(prompt),
    output: Uint32Array.from(output),
    stop: Uint32Array.from(stop),
    state,
    address: { seed: 0n, stream: 0n, step: 0n, ...address },
    ...(draw && { draw: { n, replacement } }),
  }
}

/** Samples one row. */
export function run(...request: Parameters<typeof requestFor>): Run {
  const report = { probabilities: 'kept', entropy: true } as const
  const [result] = resultsOf([{ ...requestFor(...request), report }])
  const { kept, entropy, ...rest } = result!
  const { token_ids, probabilities } = kept!
  return { ...rest, entropy: entropy!, probabilities, ids: Array.from(token_ids) }
}

/** The probabilities of all vocabulary entries, from those of some tokens. */
export function dense({ ids, probabilities }: Run, vocabSize: number): number[] {
  const values = new Array<number>(vocabSize).fill(0)
  ids.forEach((id, i) => {
    values[id] = probabilities[i]!
  })
  return values
}
