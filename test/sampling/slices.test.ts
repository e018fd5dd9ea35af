import { type Profiler, Session } from 'node:inspector'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type RowRequest, sample } from '../../src/sampling/sample.ts'
import { realisticRow, seeded } from './rows.ts'
import { type Params, requestFor } from './run.ts'

/**
 * Limits the work between two pauses, which no other request can interrupt. V8 counts how often each block of code
 * runs. Unlike times, these counts do not depend on the load of the machine.
 */

/** Large enough that each long step is a part of its own. */
const V = 300_000

/**
 * The most blocks of code that may run between two pauses, for each token. A loop over all tokens runs one to three
 * blocks for each, and takes about two milliseconds for a million tokens.
 */
const MOST_BLOCKS = 8

const random = seeded(1)
const rows = {
  flat: Float32Array.from({ length: V }, () => random() / 1000),
  realistic: realisticRow(V, random),
}
const ids = (count: number) => Array.from({ length: count }, (_, i) => (i * 7919) % V)
const output = Array.from({ length: V }, () => Math.floor(random() * V))

const asked: Record<string, [Params, Parameters<typeof requestFor>[2]?]> = {
  temperature: [{ temperature: 0.8 }],
  'a temperature that divides the logits': [{ temperature: 1e101 }],
  'allowed tokens': [{ allowed_token_ids: ids(V / 2) }],
  'banned tokens': [{ banned_token_ids: ids(V / 2), top_p: 0.9 }],
  penalties: [{ repetition_penalty: 1.1, presence_penalty: 1 }],
  dry: [{ dry_multiplier: 1, dry_allowed_length: 0 }],
  'top-k': [{ top_k: V / 2 }],
  'top-p': [{ top_p: 0.5 }],
  typical: [{ typical_p: 0.95 }],
  'min-p': [{ min_p: 1e-9 }],
  'eta cutoff': [{ eta_cutoff: 1e-9 }],
  'p-less after top-k': [{ top_k: V - 1, p_less: true }],
  xtc: [{ xtc_probability: 1, xtc_threshold: 0 }],
  'xtc on average': [{ xtc_probability: 0.5, xtc_threshold: 0, xtc_mode: 'expected' }],
  'mirostat 1': [{ top_k: V - 1, mirostat: 1 }],
  'mirostat 2': [{ mirostat: 2, mirostat_tau: 19 }],
  smoothing: [{ smoothing_factor: 0.3 }],
  'adaptive-p': [{ adaptive_target: 0.3 }],
  'many draws': [{}, { n: 4096 }],
  'many different draws': [{}, { n: 4096, replacement: false }],
  'many scored': [{ logprob_token_ids: ids(2 ** 16) }],
  'many reported': [{ top_logprobs: 2 ** 16 }],
  trace: [{ trace: true, top_k: V - 1, top_p: 0.9, watch_token_ids: ids(2 ** 16) }],
}

const session = new Session()

/** The answer of the inspector, which calls back before `post` returns. */
function post<Answer>(method: string, params?: object): Answer {
  let answer: Answer | undefined
  session.post(method, params, (error, result) => {
    if (error) throw error
    answer = result as Answer
  })
  return answer!
}

beforeAll(() => {
  session.connect()
  post('Profiler.enable')
  post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
})

afterAll(() => session.disconnect())

/** The number of blocks of code that have run since the last call. */
function blocksRun(): number {
  const { result } = post<Profiler.TakePreciseCoverageReturnType>('Profiler.takePreciseCoverage')
  const ours = result.filter(({ url }) => url.includes('/src/'))
  const ranges = ours.flatMap(({ functions }) => functions.flatMap((one) => one.ranges))
  return ranges.reduce((sum, { count }) => sum + count, 0)
}

function longestSlice(request: RowRequest): number {
  blocksRun()
  const results = sample([request])
  let longest = 0
  for (let isLast = false; !isLast; longest = Math.max(longest, blocksRun())) {
    isLast = results.next().value !== undefined
  }
  return longest
}

const cases = Object.entries(asked).flatMap(([name, [params, draw]]) =>
  Object.entries(rows).map(([kind, row]) => ({ name, kind, row, params, draw })),
)

it.each(cases)('$name on a $kind row has short slices', ({ row, params, draw }) => {
  const request = requestFor(row, params, draw ?? {}, { output })
  expect(longestSlice(request) / V).toBeLessThan(MOST_BLOCKS)
})
