import { fileURLToPath } from 'node:url'
import type { ClientOptions, DecodeParams } from 'kelvin-client'

export const usage = `Usage: npm run story -- [CHECKPOINT] [OPTIONS]

Tells a story with the tale model of Kelvin, or with a checkpoint of llama2.c. Kelvin draws every token.

  --tokenizer FILE  tokenizer of the checkpoint; by default tokenizer.bin in the same folder
  --prompt TEXT     beginning of the story; for the tale model by default "Once upon a time there was a"
  --steps NUMBER    largest number of tokens after the prompt; by default the context of the model
  --url URL         URL of Kelvin: http://localhost:27315 (the default), or unix:/run/kelvin/kelvin.sock
  --wire FORMAT     form of the logits: binary (the default) or json
  --shared-memory DIRECTORY  write the logits into a file there: SHARED_MEMORY_DIR of Kelvin

All other options are fields of /v1/sample: --temperature 0.8 --top-p 0.95 --seed 42 --profile llama.cpp
`

export interface Arguments {
  checkpoint: string
  tokenizer: string
  prompt: string
  steps: number
  url: string
  client: Pick<ClientOptions, 'wire' | 'sharedMemory'>
  params: DecodeParams
}

/** Parses a value as JSON. Text that is not JSON stays text. */
function toValue(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const own = (file: string) =>
  fileURLToPath(new URL(`../../src/language-model/${file}`, import.meta.url))

/** The model that is used if none is given. */
const tales = {
  checkpoint: own('tales.bin'),
  tokenizer: own('tales-tokenizer.bin'),
  prompt: 'Once upon a time there was a',
}

export function readArguments(all: readonly string[]): Arguments | undefined {
  const isGiven = all[0] !== undefined && !all[0].startsWith('-')
  const [checkpoint, rest] = isGiven ? [all[0]!, all.slice(1)] : [tales.checkpoint, all]
  const given: Record<string, unknown> = {}
  const words = rest.flatMap((word) => /^(--[^=]+)=(.*)$/s.exec(word)?.slice(1) ?? [word])
  for (let i = 0; i < words.length; i += 2) {
    const name = /^--(.+)$/.exec(words[i]!)?.[1]
    const value = words[i + 1]
    if (!name || value === undefined) return undefined
    // A seed may be too large for a number in JavaScript.
    const isText = ['tokenizer', 'prompt', 'url', 'seed', 'shared-memory'].includes(name)
    given[name.replaceAll('-', '_')] = isText ? value : toValue(value)
  }
  const {
    tokenizer = isGiven ? checkpoint.replace(/[^/]*$/, 'tokenizer.bin') : tales.tokenizer,
    prompt = isGiven ? '' : tales.prompt,
    steps = Number.POSITIVE_INFINITY,
    url = 'http://localhost:27315',
    wire = 'binary',
    shared_memory: sharedMemory,
    ...params
  } = given
  const client = { wire, sharedMemory }
  return { checkpoint, tokenizer, prompt, steps, url, client, params } as Arguments
}
