import type { RequestRow } from '../../request/request-row.ts'
import type { Report, RowResult } from '../../sampling/sample.ts'
import type { Values } from '../json/write.ts'
import type { DatatypeName } from './datatypes.ts'

/** What a model can answer with, one value or a list of them for each row. */
export interface Output {
  readonly datatype: DatatypeName
  readonly description: string
  /** Whether it is a list for each row. */
  readonly isList: boolean
  /** Whether it is there only where a field asks for it, and then comes without being named. */
  readonly isReport?: boolean
  /** What a row must report for it. */
  readonly needs?: Report
  of(result: RowResult, row: RequestRow): Values
}

export type ReportName = 'top' | 'scored' | 'trace' | 'watched' | 'state'

/** What /v1 has under this name in a result, as JSON text; `null` where no field asks for it. */
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
    description: 'Of each drawn token, a natural logarithm.',
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
    description: 'How many tokens are left.',
    isList: false,
    of: ({ kept_count }) => BigInt64Array.of(BigInt(kept_count)),
  },
  entropy: {
    datatype: 'FP32',
    description: 'Of the final distribution, in nats.',
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
  top: report('top', 'The most likely tokens, where `top_logprobs` asks for them.'),
  scored: report('scored', 'The tokens of `logprob_token_ids`.'),
  trace: report('trace', 'What each sampler did, where `trace` asks for it.'),
  watched: report('watched', 'Which sampler dropped each token of `watch_token_ids`.'),
  state: report('state', 'What samplers remember: the parameter `state` of the next step.'),
} as const satisfies Record<string, Output>

export type OutputName = keyof typeof outputs

export const isReport = (name: OutputName): name is ReportName => 'isReport' in outputs[name]
