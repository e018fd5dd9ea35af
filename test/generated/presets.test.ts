import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { readRow } from '../golden/read.ts'

/** Rows of a real model for the playground, from low to high entropy. */
const chosen = [3, 59, 8, 77, 57, 250, 367, 214]
const file = 'stories260k'

const read = (name: string) =>
  JSON.parse(
    readFileSync(new URL(`../golden/inputs/${file}.${name}.json`, import.meta.url), 'utf8'),
  )

interface Meta {
  eos: number
  prompts: { n_prompt_tokens: number; tokens: number[] }[]
  rows: { prompt: number; pos: number; entropy: number }[]
}

/** A word, or a byte that is not text by itself. The tokens that begin and end a text have line breaks around them. */
const toWord = (entry: string | { hex: string }) =>
  typeof entry === 'string'
    ? entry.replace(/^\n(<\/?s>)\n$/, '$1')
    : `<0x${entry.hex.toUpperCase()}>`

function toBase64(values: ArrayLike<number>): string {
  return Buffer.from(Float32Array.from(values).buffer).toString('base64')
}

function storyRow(row: number) {
  const { eos, prompts, rows }: Meta = read('meta')
  const { prompt, pos, entropy } = rows[row]!
  const { n_prompt_tokens, tokens } = prompts[prompt]!
  return {
    id: `story-${row}`,
    vocabulary: 'story',
    entropy,
    prompt_token_ids: tokens.slice(0, Math.min(n_prompt_tokens, pos + 1)),
    output_token_ids: tokens.slice(n_prompt_tokens, pos + 1),
    stop_token_ids: [eos],
    logits: toBase64(readRow({ file, row })),
  }
}

const fiveLogits = [2, 1, 0.5, -1, -3]

function entropyOf(logits: number[]): number {
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0)
  return logits.reduce((sum, logit) => {
    const p = Math.exp(logit) / total
    return sum - p * Math.log(p)
  }, 0)
}

const five = {
  id: 'five',
  vocabulary: 'five',
  entropy: entropyOf(fiveLogits),
  logits: toBase64(fiveLogits),
}

/** With -u this writes the presets. Without it, it fails if their sources have changed. */
it('src/playground/presets.json is up to date', async () => {
  const presets = {
    // The first row: high entropy, with temperature and a sampler on.
    first: { row: 'story-57', fields: { temperature: 0.8, top_p: 0.95, seed: '42' } },
    vocabularies: {
      story: read('vocab').map(toWord),
      five: ['mild', 'warm', 'cool', 'hot', 'cold'],
    },
    rows: [...chosen.map(storyRow), five],
  }
  const text = `${JSON.stringify(presets)}\n`
  await expect(text).toMatchFileSnapshot(
    new URL('../../src/playground/presets.json', import.meta.url).pathname,
  )
})
