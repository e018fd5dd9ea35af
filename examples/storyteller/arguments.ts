import type { ClientOptions, DecodeParams } from 'kelvin-client'

export const usage = `Usage: npm run story -- CHECKPOINT [OPTIONS]

Tells a story with a checkpoint of llama2.c, asking Kelvin for every token.

  --tokenizer FILE  its tokenizer; tokenizer.bin beside the checkpoint if not given
  --prompt TEXT     how the story begins
  --steps NUMBER    tokens after the prompt, at most; as many as the model can remember if not given
  --url URL         where Kelvin is: http://localhost:27315, or unix:/run/kelvin/kelvin.sock
  --wire FORMAT     binary, or json

All other options are fields of /v1/sample: --temperature 0.8 --top-p 0.95 --seed 42 --profile llama.cpp
`

export interface Arguments {
  checkpoint: string
  tokenizer: string
  prompt: string
  steps: number
  url: string
  wire: NonNullable<ClientOptions['wire']>
  params: DecodeParams
}

/** A value as it would be in JSON, and a text where it would be none. */
function toValue(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

export function readArguments([checkpoint, ...rest]: string[]): Arguments | undefined {
  if (!checkpoint || checkpoint.startsWith('-')) return undefined
  const given: Record<string, unknown> = {}
  const words = rest.flatMap((word) => /^(--[^=]+)=(.*)$/s.exec(word)?.slice(1) ?? [word])
  for (let i = 0; i < words.length; i += 2) {
    const name = /^--(.+)$/.exec(words[i]!)?.[1]
    const value = words[i + 1]
    if (!name || value === undefined) return undefined
    // Seeds may be larger than a number of JavaScript holds.
    const isText = ['tokenizer', 'prompt', 'url', 'seed'].includes(name)
    given[name.replaceAll('-', '_')] = isText ? value : toValue(value)
  }
  const {
    tokenizer = checkpoint.replace(/[^/]*$/, 'tokenizer.bin'),
    prompt = '',
    steps = Number.POSITIVE_INFINITY,
    url = 'http://localhost:27315',
    wire = 'binary',
    ...params
  } = given
  return { checkpoint, tokenizer, prompt, steps, url, wire, params } as Arguments
}
