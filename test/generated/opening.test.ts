import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { readCheckpoint } from '../../src/language-model/checkpoint.ts'
import { loadModel } from '../../src/language-model/model.ts'
import { readTokenizer } from '../../src/language-model/tokenizer.ts'

const folder = new URL('../../src/', import.meta.url)
const read = (file: string) => new Uint8Array(readFileSync(new URL(file, folder))).buffer

const beginning = 'Once upon a time there was a'

/** With -u this writes the first row of the playground. Without it, it fails if the model has changed. */
it('src/playground/opening.json is up to date', async () => {
  const checkpoint = readCheckpoint(read('language-model/tales.bin'))
  const tokenizer = readTokenizer(read('language-model/tales-tokenizer.bin'), checkpoint.vocabSize)
  const model = loadModel(checkpoint)
  const memory = model.newMemory()
  const ids = tokenizer.encode(beginning)
  let logits = new Float32Array()
  for (const [position, id] of ids.entries()) logits = model.forward(memory, id, position).slice()
  const opening = {
    beginning,
    prompt_token_ids: ids,
    words: tokenizer.texts.map((text) => text.replace(/^\n(<\/?s>)\n$/, '$1')),
    logits: Buffer.from(logits.buffer).toString('base64'),
  }
  await expect(`${JSON.stringify(opening)}\n`).toMatchFileSnapshot(
    new URL('playground/opening.json', folder).pathname,
  )
})
