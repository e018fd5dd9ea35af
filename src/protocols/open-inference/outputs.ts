import type { RequestRow } from '../../request/request-row.ts'
import type { Report, RowResult } from '../../sampling/sample.ts'
import type { Values } from '../json/write.ts'
import type { DatatypeName } from './datatypes.ts'

/** An output of a model: one value or a list for each row. */
export interface Output {
  readonly datatype: DatatypeName
  readonly description: string
  /** Whether it is a list for each row. */
  readonly isList: boolean
  /** Whether a field of the request asks for it. A request that names no outputs gets it then. */
  readonly isReport?: boolean
  /** What rows must report for this output. */
  readonly needs?: Report
  of(result: RowResult, row: RequestRow): Values
}

export type ReportName = 'top' | 'scored' | 'trace' | 'watched' | 'state'

/** The report of the same name in /v1, as JSON text; `null` if no field asks for it. */
function report(name: ReportName, description: string) {
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
    description: 'The natural logarithm of the probability of each drawn token.',
    isList: true,
    of: ({ drawn }) => Float32Array.from(drawn!.logprobs),
  },
  probabilities: {
    datatype: 'FP32',
    description: 'One for each vocabulary entry; 0 for a token that was removed.',
    isList: true,
    needs: { probabilities: 'float32' },
    of: ({ probabilities }) => probabilities!,
  },
  kept_count: {
    datatype: 'INT64',
    description: 'Number of tokens that the samplers left.',
    isList: false,
    needs: { keptCount: true },
    of: ({ kept_count }) => BigInt64Array.of(BigInt(kept_count!)),
  },
  entropy: {
    datatype: 'FP32',
    description: 'Entropy of the final distribution, in nats.',
    isList: false,
    needs: { entropy: true },
    of: ({ entropy }) => Float32Array.of(entropy!),
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
  top: report('top', 'The most likely tokens, if `top_logprobs` is set.'),
  scored: report('scored', 'The tokens of `logprob_token_ids`.'),
  trace: report('trace', 'What each sampler did, if `trace` is set.'),
  watched: report('watched', 'The way of each token of `watch_token_ids` through the samplers.'),
  state: report(
    'state',
    'What samplers remember. Send it as the parameter `state` of the next step.',
  ),
} as const satisfies Record<string, Output>

export type OutputName = keyof typeof outputs

export const isReport = (name: OutputName): name is ReportName => 'isReport' in outputs[name]
