import { readFileSync } from 'node:fs'
import { Kelvin } from 'kelvin-client'
import { readCheckpoint } from '../../src/language-model/checkpoint.ts'
import { loadModel } from '../../src/language-model/model.ts'
import { BEGIN, END, readTokenizer } from '../../src/language-model/tokenizer.ts'
import { type Arguments, readArguments, usage } from './arguments.ts'
import { openScreen } from './terminal.ts'

/** A language model. Kelvin draws every token. */

/** Reads a file of a model. An error says which file it is about. */
function open<Content>(path: string, read: (file: ArrayBuffer) => Content): Content {
  const file = new Uint8Array(readFileSync(path)).buffer
  try {
    return read(file)
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error })
  }
}

async function tell({ checkpoint: path, tokenizer: texts, prompt, steps, ...how }: Arguments) {
  const checkpoint = open(path, readCheckpoint)
  const tokenizer = open(texts, (file) => readTokenizer(file, checkpoint.vocabSize))
  const model = loadModel(checkpoint)
  const memory = model.newMemory()
  const kelvin = new Kelvin(how.url, how.client)
  const screen = openScreen()

  const prompt_token_ids = tokenizer.encode(prompt)
  let position = 0
  let computing = 0

  /** Computes the logits of the next token. The model remembers the earlier ones, so it gets only the new ones. */
  function next(output: readonly number[]): Float32Array {
    const since = performance.now()
    let logits: Float32Array = new Float32Array()
    for (const token of output.length === 0 ? prompt_token_ids : output.slice(-1)) {
      logits = model.forward(memory, token, position++)
    }
    computing += performance.now() - since
    return logits
  }

  screen.write(Buffer.from(prompt))
  const params = { ...how.params, prompt_token_ids, stop_token_ids: [BEGIN, END] }
  const maxTokens = Math.min(steps, checkpoint.context - prompt_token_ids.length)
  const began = performance.now()
  let before = prompt_token_ids.at(-1)!
  let count = 0
  let seed: string | undefined
  const speed = () => {
    const took = performance.now() - began
    const each = (milliseconds: number) => `${(milliseconds / count).toFixed(2)} ms`
    const rate = Math.round((1000 * count) / took)
    const parts = `model ${each(computing)}, Kelvin ${each(took - computing)} a token`
    return `${count} tokens, ${rate} tokens/s (${parts}), seed ${seed}`
  }
  for await (const token of kelvin.decode(next, params, { maxTokens })) {
    count++
    seed = token.seed
    if (params.stop_token_ids.includes(token.token_id)) break
    screen.write(tokenizer.decode(token.token_id, before))
    before = token.token_id
    screen.status(speed())
  }
  screen.end(speed())
  await kelvin.close()
}

const given = readArguments(process.argv.slice(2))
if (!given) {
  process.stderr.write(usage)
  process.exit(2)
}
try {
  await tell(given)
} catch (error) {
  process.stderr.write(`\n${(error as Error).message}\n`)
  process.exitCode = 1
}
