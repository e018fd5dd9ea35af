import { seeded } from '../sampling/rows.ts'
import { readRows } from './read.ts'

/** The requests whose answers bytes.txt pins, byte for byte. */

/** Made-up logits, computed with integers only. */
function largeRow(vocabSize: number): Float32Array {
  const random = seeded(vocabSize)
  return Float32Array.from({ length: vocabSize }, () => (random() + random() + random() - 1.5) * 16)
}

const rows = {
  story: readRows('stories260k').rows[8]!,
  wide: readRows('stories260k').rows[37]!,
  edge: readRows('edge_64').rows[3]!,
  mid: readRows('synth_32000').rows[0]!,
  bf16: readRows('synth_32000').rows[3]!,
  large: largeRow(131_072),
}

const output_token_ids = Array.from({ length: 40 }, (_, i) => (i * i * 7) % 61)

const settings: object[] = [
  {},
  { temperature: 0 },
  { temperature: 0.7 },
  { temperature: 1.9, n: 5 },
  { temperature: 1e-4 },
  { temperature: 1e6, n: 2, replacement: false },
  { dynatemp_range: 0.5, dynatemp_exponent: 1.3 },
  { smoothing_factor: 0.3, smoothing_curve: 1.5 },
  { top_k: 40, top_p: 0.95, min_p: 0.05, temperature: 0.8 },
  { top_k: 40, top_p: 0.95, min_p: 0.05, temperature: 0.8, profile: 'vllm' },
  { top_k: 40, top_p: 0.95, min_p: 0.05, temperature: 0.8, profile: 'transformers' },
  { top_k: 40, top_p: 0.95, min_p: 0.05, temperature: 0.8, profile: 'llama.cpp' },
  { top_p: 0.9 },
  { top_p: 0.999 },
  { typical_p: 0.9 },
  { top_n_sigma: 1.5 },
  { top_h: 0.4 },
  { top_a: 0.2 },
  { tfs: 0.95 },
  { epsilon_cutoff: 0.001, eta_cutoff: 0.002 },
  { p_less: true },
  { xtc_probability: 0.5, xtc_threshold: 0.05 },
  { xtc_probability: 0.5, xtc_threshold: 0.05, xtc_mode: 'expected' },
  { mirostat: 1 },
  { mirostat: 2, mirostat_tau: 3 },
  { adaptive_target: 0.4 },
  { repetition_penalty: 1.2, frequency_penalty: 0.3, presence_penalty: 0.4, output_token_ids },
  { dry_multiplier: 0.8, no_repeat_ngram_size: 3, output_token_ids },
  { logit_bias: { 3: 2.5, 7: '-Infinity' }, banned_token_ids: [1, 2] },
  { top_logprobs: 5, logprob_token_ids: [0, 5, 9], logprobs_mode: 'raw', top_k: 7 },
  { guidance_scale: 1.5 },
  { min_tokens: 3, stop_token_ids: [0, 5], sequence_bias: [{ token_ids: [2], bias: 3 }] },
  { bad_words_ids: [[3], [2, 4]], encoder_repetition_penalty: 1.3, output_token_ids },
  {
    exponential_decay_length_penalty: { start: 2, factor: 1.2 },
    stop_token_ids: [1],
    output_token_ids,
  },
  { return_probabilities: 'kept', top_k: 300, trace: true, watch_token_ids: [3, 60] },
]

function tensorOf(logits: Float32Array) {
  const data = new Uint8Array(logits.slice().buffer).toBase64()
  return { dtype: 'float32', shape: [logits.length], data }
}

export interface Pinned {
  /** The line of bytes.txt. */
  name: string
  payload: object
}

export function pinnedRequests(): Pinned[] {
  return Object.entries(rows).flatMap(([name, logits]) => {
    const tensor = tensorOf(logits)
    const others = { unconditional_logits: tensorOf(logits.toReversed()) }
    return settings.map((fields) => ({
      name: `${name} ${JSON.stringify(fields)}`,
      payload: { logits: tensor, seed: 42, ...fields, ...('guidance_scale' in fields && others) },
    }))
  })
}
